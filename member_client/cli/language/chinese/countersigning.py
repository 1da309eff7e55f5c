"""What countersigning says: `member-client claims countersign` for members, `case countersign` for liaisons."""

from typing import Final

COUNTERSIGN_CLASSES: Final = {
    "CountersignatureClosed": "该会签请求已答复或已逾期",
}

COUNTERSIGN_WORDS: Final = {
    "Contributor": "报送成员",
    "Reference": "案件编号",
    "Evidence": "证据",
    "Observed from": "行为起于",
    "Observed to": "行为止于",
    "Drawn up": "拟定日期",
    "Sharing": "共享范围",
    "Commitment": "证据承诺值",
    "Approved by": "复核人",
    "Requested": "请求时间",
    "Answer by": "答复期限",
    "Answered": "答复时间",
    "Officer": "办案人",
    "Document": "文书摘要值",
    "Taken back": "撤销时间",
    "The request for a countersignature was answered, or its time is over.": "会签请求已答复，或已逾期。",
    (
        "Look where it is (member-client claims countersign list). Where it was refused or its time is over, "
        "contribute the row again."
    ): "请查看其进度（member-client claims countersign list）；若未获会签或已逾期，请重新报送该行。",
    (
        "Contribute the row again and have a police liaison countersign it (member-client claims countersign request), "
        "or contribute it at E3."
    ): "请重新报送该行并请警方联络员会签（member-client claims countersign request），或按 E3 报送。",
    "The liaison did not stand behind it, or did not answer in time: contribute the row at E3, or anew.": (
        "联络机构未予会签，或逾期未答复：请按 E3 报送，或重新报送。"
    ),
    "There is no request for a countersignature of this claim.": "没有关于该报送记录的会签请求。",
    "A request for a countersignature does not verify.": "会签请求未通过验证。",
    "a reference has 1 to 64 bytes that print, and no nine digits in a row": (
        "案件编号为 1 至 64 字节的可打印文字，且不得含连续九位数字"
    ),
    "the number of an instrument has 1 to 64 bytes that print, and no nine digits in a row": (
        "文书编号为 1 至 64 字节的可打印文字，且不得含连续九位数字"
    ),
    "One of these was filed, or asked about of another liaison or under another reference.": (
        "其中有记录已报送，或已向其他联络机构、以其他编号请求会签。"
    ),
    "One of these waits for its second operator first.": "其中有记录尚待第二名经办人复核。",
    "Two operators approved this already: a police liaison is to countersign it.": (
        "该记录已由两名经办人复核，待警方联络员会签。"
    ),
    "The hub's countersignatures leave a gap, or do not end.": "联盟中心的会签清单有缺漏，或没有结尾。",
    "The store's countersignatures cannot be read.": "本机存储的会签无法读取。",
}

COUNTERSIGN_HELP: Final = {
    "Have a police liaison countersign claims at E4 and E5, and file them.": (
        "请警方联络员会签 E4、E5 级报送记录，并予报送。"
    ),
    "Ask a liaison to countersign claims that two operators approved.": "请联络机构会签两名经办人已复核的报送记录。",
    (
        "It is shown what each claim states, and not of whom: send the evidence to the liaison's office under the "
        "reference. For example:"
    ): "联络机构可见每条记录的内容，但不可见涉及何人：请以该编号将证据送交联络机构。例如：",
    "Which liaison is asked.": "请求哪个联络机构。",
    "Under which the liaison knows it; never a person's.": "联络机构所知的案件编号，不得为个人的号码。",
    "All that two operators approved here and no liaison was asked about.": (
        "本机上两名经办人已复核、尚未请求会签的全部记录。"
    ),
    "List what was asked of liaisons, and what they said.": "列出向联络机构提出的会签请求及其答复。",
    "Only those that wait for a liaison.": "仅列出待会签的。",
    "File the claims on this machine that were countersigned.": "报送本机上已获会签的记录。",
    (
        "What was refused or taken back is dropped: the row is drawn up anew when it is contributed again. For example:"
    ): "未获会签或会签已撤销的予以丢弃：重新报送该行时将重新生成记录。例如：",
    "Stand behind members' claims at E4 and E5, refuse to, or take it back.": (
        "会签成员的 E4、E5 级报送记录、不予会签，或撤销会签。"
    ),
    "List the claims that members ask you to countersign.": "列出成员请求会签的报送记录。",
    "Show what a claim states, and under which reference you know the matter.": "显示记录的内容及所知案件的编号。",
    (
        "Of whom it is stated is not shown: it stands in the evidence that the member sends you. For example:"
    ): "不显示涉及何人：见成员送交的证据。例如：",
    "Countersign a claim, as it is shown: police accepted it, or it was judged.": (
        "按所示内容会签记录：警方已立案，或法院已判决。"
    ),
    "From then on every member goes by it, until you revoke it. For example:": "此后各成员均以此为准，直至撤销。例如：",
    "Number of the acceptance, or of the judgment.": "立案文书或判决书的编号。",
    "Its document; it stays here, its SHA-256 is signed.": "该文书；文书留在本机，仅签署其 SHA-256。",
    "Refuse to countersign a claim, as it is shown.": "按所示内容，不予会签。",
    "Take a countersignature back, for good: the claim is suspended at once.": "永久撤销会签：该记录立即暂停使用。",
}

COUNTERSIGN_SPOKEN: Final = {
    "countersigned: the member may file it": "已会签：成员可以报送",
    "refused: the member is told, and may file it at a lower level": "不予会签：已告知成员，可按较低等级报送",
    "revoked: the claim informs, and no more": "已撤销：该记录仅供提示",
    "--document: there is no such file": "--document：文件不存在",
    "pending a liaison {pending:,} · {others}": "待会签 {pending:,} · {others}",
    "what pends a liaison: member-client claims countersign": "待会签的记录：member-client claims countersign",
    "{liaison} is asked to countersign {count:,}": "已请 {liaison} 会签 {count:,} 条",
    "filed {filed:,} · waiting {waiting:,} · refused {refused:,}": (
        "已报送 {filed:,} · 待会签 {waiting:,} · 未受理 {refused:,}"
    ),
    "approved here and not asked about: {count:,}": "本机已复核、尚未请求会签：{count:,}",
    "no requests for countersignatures": "没有会签请求",
    "{pending:,} wait for a police liaison: member-client claims countersign request": (
        "{pending:,} 条待警方联络员会签：member-client claims countersign request"
    ),
}
