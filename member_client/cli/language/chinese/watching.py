"""What `member-client quota` and the admins' standings and alarms say."""

from typing import Final

WATCH_SPOKEN: Final = {
    "--json has them": "完整内容见 --json",
    "budgets renew at {time}": "额度于 {time} 恢复",
    "no alarms": "没有警报",
    "no recalls are outstanding": "没有待处理的召回",
    "overdue since {time}": "已于 {time} 逾期",
    "acknowledged by {admin}: {reason}": "已由 {admin} 确认：{reason}",
    "the standing is not computed yet": "贡献评级尚未计算",
    "score {score} of 100 · {tier}": "评分 {score}（满分 100）· {tier}",
    "{claims:,} live identifiers contributed · {queried:,} asked about in 30 days": (
        "有效报送标识 {claims:,} 个 · 近 30 天查询 {queried:,} 个"
    ),
    "default budgets in force: {percent} %": "生效的默认额度比例：{percent} %",
    "the standing is shown only: it changes no budget": "评级仅供展示，不影响额度",
    "{applications:,} applications a day, {customers:,} customers": (
        "每日申请 {applications:,} 笔，客户 {customers:,} 户"
    ),
}

WATCH_WORDS: Final = {
    "Is": "身份",
    "State": "状态",
    "member institution": "成员机构",
    "admin": "管理员",
    "police liaison": "警方联络员",
    "legal approver": "法律审批人",
    "duty officer": "值班审批人",
    "auditor": "审计员",
    "reviewer": "复核员",
    "invited": "已邀请",
    "enrolled, to be confirmed": "已入盟，待确认",
    "active": "有效",
    "suspended": "已暂停",
    "offboarded": "已退出",
    "Resource": "项目",
    "Used today": "今日已用",
    "A day": "每日额度",
    "At once now": "此刻可用",
    "At once": "突发额度",
    "Score": "评分",
    "Tier": "等级",
    "Budgets": "额度比例",
    "Identifiers": "报送标识",
    "Asked in 30 days": "近 30 天查询",
    "Business": "业务规模",
    "Alarm": "警报",
    "What": "内容",
    "Counted": "计数",
    "Against": "阈值",
    "Since": "自",
    "more in an hour than usual": "一小时内多于往常",
    "more in a day than usual": "一天内多于往常",
    "more than its business explains": "超出申报的业务规模",
    "much at night": "夜间大量查询",
    "many buckets for what was asked": "分桶下载相对查询过多",
    "hardly any buckets for what was asked": "分桶下载相对查询过少",
    "contribution evaluations without rows": "报送计算后没有报送",
    "not computed yet": "尚未计算",
    "taking": "索取型",
    "balanced": "均衡型",
    "giving": "贡献型",
    "not declared": "未申报",
    "nobody yet": "尚无",
    "nobody": "无",
    "Recalled": "召回时间",
    "Reason": "理由",
    "To be dealt with by": "处理期限",
    "Outstanding": "尚未处理",
    "Acknowledged by": "确认者",
}

WATCH_HELP: Final = {
    "List who enrolled in the alliance: members, admins, liaisons, approvers, auditors and reviewers.": (
        "列出已入盟的各方：成员机构、管理员、警方联络员、审批人、审计员、复核员。"
    ),
    "Those that were offboarded, too.": "包括已退出者。",
    "Show what this member may use and has used today, and its standing.": "查看本机构的额度、今日用量和贡献评级。",
    (
        "Budgets renew at 00:00 UTC. A score rises with live claims, those of better evidence and of the last 90 days "
        "first, and with fewer questions. Example:"
    ): ("额度于 00:00 UTC 恢复。有效报送越多（尤其是证据较强、近 90 天内的），查询越少，评分越高。示例："),
    "List what every lender gives beside what it asks, as computed last night.": (
        "列出各机构的贡献与查询，按昨夜计算结果。"
    ),
    "List alarms about members' volumes that nobody acknowledged yet.": "列出尚未确认的用量警报。",
    "Acknowledge an alarm, with what was found.": "确认一条警报，并写明查明的情况。",
    "Those that were acknowledged, too.": "也列出已确认的警报。",
    "List recalled claims that members have not dealt with, and which members.": (
        "列出成员机构尚未处理的召回记录，以及是哪些机构。"
    ),
    (
        "Each member holds a recall against what it decided and says that it did, never what it found; the limit is 24 "
        "hours. For example:"
    ): "各成员机构以召回记录核对本机构作出过的决定，只报告已核对，从不报告核对结果；期限为 24 小时。示例：",
    "Those that everybody has dealt with, too.": "也列出所有机构均已处理的召回。",
    "Number of the alarm.": "警报编号。",
    "Set how many items a member may use at once; raising it needs another admin.": (
        "设定成员一次可用的数量；调高须经另一位管理员。"
    ),
    "Items at once, 4,096 or more.": "一次可用的数量，不少于 4,096。",
    "Declare how large a member's business is; a larger one needs another admin.": (
        "申报成员的业务规模；调高须经另一位管理员。"
    ),
    "Its volumes are held against it. Example:": "该成员的用量以此为参照。示例：",
    "Applications a day.": "每日申请笔数。",
    "Customers on its books.": "在册客户数。",
}
