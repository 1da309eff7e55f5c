"""What `member-client audit` says."""

from typing import Final

AUDIT_SPOKEN: Final = {
    "no such events": "没有这样的事件",
    "--event and --out go together": "--event 与 --out 须同时给出",
    "no receipt of this event is kept here": "本机没有保存该事件的回执",
    "the receipt is in {file}": "回执已存入 {file}",
    "give a receipt's file, or --all": "请给出回执文件，或使用 --all",
    "{count:,} events are in the log": "{count:,} 个事件在日志中",
    "{count:,} events are not sealed yet: ask again in two minutes": "{count:,} 个事件尚未封存：请两分钟后再查",
    "{count:,} events were lost by a restore, as two admins signed": (
        "{count:,} 个事件在恢复备份时丢失，已由两位管理员签署声明"
    ),
    "no checkpoint is remembered yet: run member-client sync": "尚未记住任何检查点：请运行 member-client sync",
    "remembered since {time}": "自 {time} 起记住",
    "verifying": "正在验证",
    "--since is a day, for example 2026-11-01": "--since 是日期，例如 2026-11-01",
    "there is no receipt in {file}": "{file} 中没有回执",
    "not sealed yet, ask again after {time}": "尚未封存，请在 {time} 之后再查",
    "event {event}: lost by a restore, as two admins signed": "事件 {event}：在恢复备份时丢失，已由两位管理员签署声明",
    "event {event} is leaf {leaf:,} of {log}": "事件 {event} 是 {log} 的第 {leaf:,} 号叶",
}

AUDIT_WORDS: Final = {
    "Leaf": "叶",
    "Received": "收到时间",
    "Action": "操作",
    "Result": "结果",
    "Time": "时间",
    "not sealed yet": "尚未封存",
}

AUDIT_HELP: Final = {
    "What the hub recorded of this member, and the proof that it did.": (
        "联盟中心对本机构的记录，以及其确已记录的证明。"
    ),
    "From this day on, UTC.": "自该日起，UTC。",
    "Only this action, for example evaluation:evaluate.": "仅该操作，例如 evaluation:evaluate。",
    "List what the hub recorded of this member's calls, oldest first.": (
        "列出联盟中心对本机构各次调用的记录，最早的在前。"
    ),
    "An event holds counts, digests and an outcome, never what was asked about:": (
        "事件只含数量、摘要和结果，绝不含查询的内容："
    ),
    "Number of an event, to export its receipt.": "事件编号，用于导出其回执。",
    "File for that receipt.": "存放该回执的文件。",
    "List the hub's receipts that this machine keeps, or export one.": "列出本机保存的联盟中心回执，或导出其中一份。",
    (
        "A receipt is the hub's signed word that an event is in its log for good; with it an auditor can prove that "
        "one was left out. Example:"
    ): "回执是联盟中心签名的承诺：该事件已永久载入日志；审计员凭此可证明某事件被遗漏。例如：",
    "File of a receipt.": "回执文件。",
    "All events of this member, and all receipts that are kept.": "本机构的全部事件，以及保存的全部回执。",
    "With --all: what was proven before as well.": "与 --all 合用：此前已验证的也重新验证。",
    "Prove that events are in the log that the hub shows everybody.": "验证事件确在联盟中心向所有人出示的日志中。",
    (
        "The log is held against what this machine remembers of it. What does not hold ends with exit code 7: call the "
        "alliance's auditor. Examples:"
    ): "日志会与本机所记住的比对。不相符时以退出码 7 结束：请联系联盟的审计员。例如：",
    "Print the newest checkpoint of the log that this machine remembers.": "显示本机记住的最新日志检查点。",
    "Compare it with another member's, or give it to an auditor. Example:": "可与其他成员的比对，或交给审计员。例如：",
}
