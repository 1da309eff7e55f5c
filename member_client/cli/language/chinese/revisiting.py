"""`member-client recalls` and `member-client subject-access`."""

from typing import Final

REVISIT_SPOKEN: Final = {
    "{changes:,} changes read · {revisits:,} decisions to revisit because of them · {open:,} open": (
        "已读取 {changes:,} 项变更 · 因此需复查 {revisits:,} 项处理 · 待复查 {open:,} 项"
    ),
    "no decisions are to be revisited": "没有需要复查的处理",
    "{count:,} closed": "已办结 {count:,} 项",
    "--note is a code of lower-case letters, digits and _, for example restored": (
        "--note 是由小写字母、数字和 _ 组成的代码，例如 restored"
    ),
}

REVISIT_WORDS: Final = {
    "Changed": "变更时间",
    "Decided": "处理时间",
    "Was": "当时至多可采取",
    "Would be": "现在至多可采取",
    "Done": "办理情况",
    "to revisit": "待复查",
    "dealt with": "已办结",
    "no decision is kept under this receipt": "本机没有该查询编号的处理记录",
}

REVISIT_HELP: Final = {
    "Decisions to revisit, since a claim behind them changed.": "因所依据的报送记录发生变更而需要复查的处理。",
    "Read what became of claims, and hold it against what this machine decided.": (
        "读取报送记录的变更，并与本机作出的处理比对。"
    ),
    (
        "A client that stays open does so by itself. Where none does, run this once an hour: recalls are to be dealt "
        "with within 24 hours. The hub is told that they were, and nothing of what they touched:"
    ): (
        "持续运行的客户端会自动完成。没有这样的客户端时，请每小时运行一次：召回须在 24 小时内处理。联盟中心只获知"
        "已处理，不获知涉及什么："
    ),
    "Those that were dealt with, too.": "也列出已办结的。",
    "List decisions to revisit: what was permitted then, and would be now.": (
        "列出需要复查的处理：当时至多可采取什么，现在至多可采取什么。"
    ),
    "Note that a decision was dealt with.": "记录一项处理已经复查。",
    "What was found, and what was done about it, stays on this machine:": "查到什么、如何处理，均只留在本机：",
    "Receipt of the decision.": "该项处理的查询编号。",
    "A code of yours such as restored, never free text.": "您自己的代码，例如 restored，不得填写自由文本。",
}

ACCESS_SPOKEN: Final = {
    "--format is md or pdf": "--format 取值为 md 或 pdf",
    "a PDF needs --out FILE": "输出 PDF 时须给出 --out FILE",
    "name what the person gave: --phone, --resident-id, --bank-card, --email or --also": (
        "请给出申请人提供的信息：--phone、--resident-id、--bank-card、--email 或 --also"
    ),
    "the letter is in {file}": "答复已写入 {file}",
    "--also is FIELD=VALUE, for example account=-": "--also 的写法是 字段=值，例如 account=-",
    "{file} cannot be written ({reason})": "无法写入 {file}（{reason}）",
    "not searched for, since they cannot be read: {fields}": "无法识别，未作查询：{fields}",
    "part of the search could not be completed; the letter says so. Repeat it later": (
        "部分查询未能完成，答复中已说明；请稍后重新运行"
    ),
}

ACCESS_WORDS: Final = {
    "nothing that was given can be read as an identifier of its kind": "所提供的信息均无法识别",
    "Letters as PDF need an extra that is not installed: pip install 'alliance-hub[letters]'": (
        "输出 PDF 需要安装附加组件：pip install 'alliance-hub[letters]'"
    ),
}

ACCESS_HELP: Final = {
    "Write the letter to a person who asks what there is about them.": "为申请查阅本人信息的个人出具答复。",
    (
        "It says what members state, what you stated, what you asked within three years and what came of it, and how "
        "to dispute. Give the identifiers that the person showed to be theirs; of each the letter shows the last "
        "characters. The claims are looked for with the hub, for the purpose dispute, on the person's request:"
    ): (
        "答复说明成员机构的陈述、本机构的陈述、三年内的查询及结果，以及如何提出异议。请给出申请人已证明属于本人的标识；"
        "答复中只显示各标识的末尾字符。报送记录按申请人的申请，以异议处理为用途向联盟中心查询："
    ),
    "Your own number of the person's request.": "本机构为该申请编的号。",
    "- asks for it, out of the shell's history.": "以 - 代替则提示输入，不留在命令历史中。",
    "Another identifier, such as oaid=- or account=-; once for each.": (
        "其他标识，例如 oaid=- 或 account=-；每个写一次。"
    ),
    "Language of the letter, zh-CN or en; else yours.": "答复的语言：zh-CN 或 en；默认与界面相同。",
    "md, or pdf with the extra letters.": "md；装有附加组件 letters 时可用 pdf。",
    "Write the letter here; else it is printed.": "将答复写入此文件；否则直接显示。",
}
