"""Complaints of the command line, and the headings of its help."""

from typing import Final

FAULTS: Final = {
    "{sentence} Again from {time} on.": "{sentence}可于 {time} 起继续。",
    "--lang is zh-CN or en": "--lang 只能是 zh-CN 或 en",
    "KIND is one of {fields}": "KIND 只能是以下之一：{fields}",
    "{option} is one of {words}": "{option} 只能是以下之一：{words}",
    "--expires: {fault}": "--expires：{fault}",
    "--expires: this moment is past": "--expires：该时间已过",
    "what is the {name}? The file has no column {name}: give --{name}, or --map {name}=COLUMN": (
        "缺少 {name}：文件中没有 {name} 列，请用 --{name} 指定，或用 --map {name}=COLUMN 指明所在的列"
    ),
    "evidence above E1 needs its file: give --evidence-file, or a column evidence_file": (
        "高于 E1 的证据等级须有证据文件：请用 --evidence-file 指定，或在文件中加入 evidence_file 列"
    ),
    "evidence above E1 needs its file: give --evidence-file": (
        "高于 E1 的证据等级须有证据文件：请用 --evidence-file 指定"
    ),
    "--resume takes the id that the run printed, for example S-ABCDEFGHIJKLMNOP": (
        "--resume 后面是运行时打印的编号，例如 S-ABCDEFGHIJKLMNOP"
    ),
    "--resume takes the id that the run printed, for example C-20260301-ABCDEFGHIJKLMNOP": (
        "--resume 后面是运行时打印的编号，例如 C-20260301-ABCDEFGHIJKLMNOP"
    ),
    "--resume and --run-id exclude each other": "--resume 与 --run-id 不能同时使用",
    "--run-id has 1 to 64 letters, digits and . _ -, and begins with none of these signs": (
        "--run-id 由 1 至 64 个字母、数字和 . _ - 组成，且不以这些符号开头"
    ),
    "--resume: no run was begun here under this id within the last day; without --resume all is asked anew": (
        "--resume：最近一天内本机没有以该编号开始的运行；不加 --resume 则全部重新查询"
    ),
    "nothing to amend: name what is to change, see member-client claims amend --help": (
        "没有要更正的内容：请指明要改什么，见 member-client claims amend --help"
    ),
    "--resume: there is no such day": "--resume：没有这个日期",
    "--resume: file and options must be those of the run that printed this id": (
        "--resume：文件和选项须与打印该编号的那次运行相同"
    ),
    "--evidence-file: there is no such file": "--evidence-file：没有这个文件",
    "--reason is a code of lower-case letters, digits and _, for example filed_in_error": (
        "--reason 是由小写字母、数字和 _ 组成的代码，例如 filed_in_error"
    ),
    "ENTRY is a claim's entry id, 32 hexadecimal digits: claims list, or check, shows it": (
        "ENTRY 是报送记录的编号，为 32 位十六进制数：claims list 或 check 会列出"
    ),
    "--ref names the column with your own references: events tell of people by them": (
        "--ref 指明您自己的编号所在的列：事件以此指代客户"
    ),
    "--fail-on is match or unknown": "--fail-on 只能是 match 或 unknown",
    "{file}: there is no such file": "{file}：没有这个文件",
    "{folder}: there is no such folder": "{folder}：没有这个目录",
    "input, --out and --refused must be different files": "输入文件、--out 和 --refused 必须是不同的文件",
    "unknown {kind_of_word}: one of {words} is needed": "取值须为以下之一：{words}",
    "--purpose: people are screened for one of these purposes: {words}": "--purpose 须为以下用途之一：{words}",
    "--consent: {fault}": "--consent：{fault}",
    "--consent and --consent-column exclude each other": "--consent 与 --consent-column 不能同时使用",
    "purpose {purpose} needs a {need}: give --consent REF": "用途 {purpose} 需要{need}：请用 --consent REF 指定",
    " or --consent-column COLUMN": "，或用 --consent-column COLUMN 指明所在的列",
    "INTEGRITY: ": "完整性告警：",
    "interrupted; no result file was changed": "已中断；结果文件均未改动",
    "run the same command again": "请重新运行同一命令",
    "to go on where it stopped: the same command with --resume {id}, within a day": (
        "从中止处继续：请在一天之内用同一命令加上 --resume {id}"
    ),
    "to go on where it stopped: the same command with --resume {id}": "从中止处继续：请用同一命令加上 --resume {id}",
    "see {command} --help": "用法见 {command} --help",
    "internal error: {kind} {place}": "内部错误：{kind} {place}",
    "set {variable}=1 for the stack": "设置 {variable}=1 可查看调用栈",
    "what was typed": "所输入的内容",
    "there is no such option": "没有这个选项",
    "it is not used this way": "该选项不能这样使用",
    "; is {options} meant?": "；是否要用 {options}？",
    "{parameter}: one of {choices} is needed": "{parameter}：须为以下之一：{choices}",
    "{parameter}: the value cannot be used here": "{parameter}：此处不能使用这个值",
    "no such command; there are {commands}": "没有这个命令；可用的命令有 {commands}",
    "more arguments than the command takes (quote values that hold spaces)": (
        "参数多于该命令所需（含空格的值请加引号）"
    ),
    "Missing argument {parameter}.": "缺少参数 {parameter}。",
    "Missing option {parameter}.": "缺少选项 {parameter}。",
    "{field}: {reason}. {advice}": "{field}：{reason}。{advice}",
    "{part}: {sentence}": "{part}：{sentence}",
    "{meaning} ({detail})": "{meaning}（{detail}）",
}
"""What is wrong with a call, and how a run ended."""

HEADINGS: Final = {
    "Usage: ": "用法：",
    "[OPTIONS]": "[选项]",
    "COMMAND [ARGS]...": "命令 [参数]...",
    "Arguments": "参数",
    "Options": "选项",
    "Commands": "命令",
    "[required]": "[必填]",
    "[default: {{}}]": "[默认：{{}}]",
    "[env var: {{}}]": "[环境变量：{{}}]",
}
"""What help puts around the texts of commands."""
