"""What `member-client report`, `claims quality` and `admin quality` say."""

from typing import Final

OUTCOME_SPOKEN: Final = {
    "{outcome}, about {claims:,} claims: sent in counts, once the day is over (UTC)": (
        "{outcome}，涉及 {claims:,} 条报送记录：待当日（UTC）结束后仅以计数上报"
    ),
    "{waiting:,} reports wait · {sent:,} were sent": "待上报 {waiting:,} 条 · 已上报 {sent:,} 条",
    "{sent:,} reports sent, in counts": "已上报 {sent:,} 条，仅为计数",
    "{waiting:,} reports wait until the day is over (UTC)": "{waiting:,} 条待当日（UTC）结束后上报",
    "no reports wait": "没有待上报的处置结果",
    "nothing is told yet: it takes five reports of two members, and the end of a month": (
        "尚无可公布的内容：须有两家成员机构合计五条上报，并待当月结束"
    ),
    "{sign} fewer than five reports, those of one member alone, or none": (
        "{sign} 不足五条、仅由一家成员机构上报，或没有上报"
    ),
}

OUTCOME_WORDS: Final = {
    "Month": "月份",
    "Confirmed fraud": "确认欺诈",
    "False match": "并非欺诈",
    "Wrong person": "并非本人",
    "Stale": "信息过时",
    "Victim": "受害人",
    "Precision": "准确率",
    "Receipt": "查询编号",
    "Outcome": "处置结果",
    "Reported": "报告时间",
    "the decision rests on no claim, or on none of this entry id": "该决定没有所依据的报送记录，或不含该编号的记录",
    "what became of this decision was sent already: counts cannot be taken back": (
        "该决定的处置结果已经上报：计数无法收回"
    ),
}

OUTCOME_HELP: Final = {
    "Report what became of a decision: report RECEIPT --outcome WORD.": (
        "上报查询决定的处置结果：report RECEIPT --outcome WORD。"
    ),
    "Report what became of a decision, about the claims that it rested on.": (
        "就某项决定所依据的报送记录，上报其处置结果。"
    ),
    (
        "It is kept on this machine. Once the day is over, the alliance is told how often, by contributor and "
        "category, and not of which decision. A later report takes the place of one that waits. For example:"
    ): (
        "内容保存在本机。当日结束后，联盟只获知各报送机构、各类别的次数，不知道是哪项决定。尚未上报的，以后一次为准。例如："
    ),
    "Receipt of the verdict that you decided on.": "所依据的核验结果的查询编号。",
    "confirmed_fraud, false_match, wrong_person, stale, victim.": (
        "confirmed_fraud（确认欺诈）、false_match（并非欺诈）、wrong_person（并非本人）、stale（信息过时）、"
        "victim（本人为受害人）。"
    ),
    "Entry id of the claim that is meant; else all of the verdict.": "所指报送记录的编号；省略则为该结果的全部记录。",
    "List the reports that wait to be sent, and say how many were sent.": "列出待上报的处置结果，并说明已上报多少条。",
    "Send what was reported until yesterday, in counts.": "将截至昨日的处置结果以计数上报。",
    (
        "A client that stays open does so by itself, at a moment of each day that says nothing; where none does, run "
        "this once a day:"
    ): "持续运行的客户端会在每天的某个随机时刻自动上报；没有这样的客户端时，请每天运行一次：",
    "Show what became of decisions that rested on your claims.": "查看以本机构报送记录为依据的决定的处置结果。",
    (
        "Counts by the month at whose end they were told, at least five each, of at least two members, none of whom is "
        "named. For example:"
    ): "按月末公布的计数，每项至少五条、来自至少两家成员机构，且不披露是哪家。例如：",
    "Show how each lender's claims fared within the last twelve months.": "查看近十二个月各机构报送记录的准确情况。",
    (
        "Precision is confirmed fraud among confirmed fraud, false matches and wrong persons. What five reports of two "
        "members do not stand behind is not told yet. For example:"
    ): (
        "准确率为确认欺诈在确认欺诈、并非欺诈、并非本人三者中所占的比例。不足两家成员机构合计五条的内容暂不公布。例如："
    ),
}
