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
