"""What may be filed, and who agrees to it."""

from typing import Final

FILING_SPOKEN: Final = {
    "--table is one of {words}": "--table 须为以下之一：{words}",
    "--consent: there is no such file": "--consent：没有该文件",
    "nobody is there to type the operator's passphrase: {variable} has it": (
        "无人输入经办人口令：请用 {variable} 提供"
    ),
    "The operator's passphrase": "经办人口令",
    "{operator} may sign from now on": "{operator} 即日起可以签署",
    "{operator} signs no more": "{operator} 不再签署",
    "no operators": "没有经办人",
    "nothing waits for a second operator": "没有待第二人复核的记录",
    "the key changed meanwhile: some of these must be contributed anew": "密钥周期已更换：其中部分须重新报送",
    "filed {filed:,} · refused {refused:,}": "已报送 {filed:,} · 未受理 {refused:,}",
    "rejected {count:,}; nothing of it was sent": "已驳回 {count:,}；未发送任何内容",
    "name entries, or give --all": "请指明记录编号，或使用 --all",
    "{count} of these do not wait on this machine": "其中 {count} 条不在本机待复核",
    "it waits for another operator: member-client review approve": ("待另一名经办人复核：member-client review approve"),
    "it stands already": "该记录已生效",
    "pending review {pending:,} · {others}": "待复核 {pending:,} · {others}",
    "another operator files what is pending: member-client review approve": (
        "待复核记录由另一名经办人报送：member-client review approve"
    ),
}
"""What `tr` says."""

FILING_HELP: Final = {
    "Show the words and rules that claims are made of, or export them.": "查看或导出报送记录所用的词表与规则。",
    (
        "Categories, roles, filing rules, permitted actions, retention, purposes and the texts for the persons "
        "concerned. Without --table, CSV holds all tables, a cell a line. Example:"
    ): (
        "包括类别、角色、报送规则、允许采取的措施、保存期限、用途，以及对当事人的告知用语。"
        "不指定 --table 时，CSV 含全部表格，每行一个单元格。示例："
    ),
    "One table: {names}.": "单个表格：{names}。",
    "Write CSV there; - is standard output.": "将 CSV 写入该文件；- 表示标准输出。",
    "Who of your operators signs; asks for the passphrase.": "由哪位经办人签署；会要求输入口令。",
    "The operator's pseudonym: a-z, 0-9, hyphens.": "经办人代号：a-z、0-9 和连字符。",
    "Add, list and retire operators: they approve claims, or sign a liaison's cases.": (
        "添加、查看和停用经办人：复核报送记录，或签署联络机构的案件。"
    ),
    "Make an operator's key, sealed under a passphrase of its own, and register it.": (
        "生成经办人密钥，用其本人的口令加密，并向联盟中心登记。"
    ),
    (
        "The operator types the passphrase and nobody else knows it. Do it again where the hub was away. For example:"
    ): "口令由经办人本人输入，他人不得知晓。联盟中心不可用时请重试。例如：",
    "List this member's operators, retired ones included.": "列出本机构的经办人，包括已停用的。",
    "Retire an operator for good: the name and the key are never taken again.": (
        "永久停用经办人：其代号和密钥不再使用。"
    ),
    "What the operator approved and was filed stays. For example:": "其已复核并报送的记录不受影响。例如：",
    "List, show, approve and reject claims that wait for a second operator.": (
        "列出、查看、通过和驳回待第二人复核的记录。"
    ),
    "Entry ids, 32 hexadecimal digits each.": "记录编号，每个 32 位十六进制数字。",
    "All that wait.": "全部待复核记录。",
    "List claims on this machine that one operator approved and that wait for another.": (
        "列出本机上已由一人复核、待另一人复核的记录。"
    ),
    "Show a claim that waits, with the identifier that it is about.": "查看一条待复核记录及其所涉标识。",
    "It prints the identifier: see who stands behind you. For example:": "会显示标识：请注意周围是否有人。例如：",
    "Who approves: not who did first.": "由谁复核：不得与第一人相同。",
    "Approve claims as their second operator, and file them.": "以第二经办人身份通过复核并报送。",
    "Drop claims that wait; nothing of them was sent.": "驳回待复核记录；未发送任何内容。",
    "Protect somebody who asked for it: members make an extra check, and nothing else.": (
        "应本人要求登记保护：各成员机构仅作额外核验。"
    ),
    (
        "It waits for a second operator (member-client review), and how many you may file a day has a budget of its "
        "own. For example:"
    ): "须经第二名经办人复核（member-client review），每日可报送数量另有额度。例如：",
    "The person's consent; it stays here.": "当事人的同意书；文件不离开本机。",
    "Who of your operators approves it.": "由哪位经办人复核。",
    "What the person is to be protected from.": "防范的欺诈类别。",
    (
        "Rows of E3, or of somebody protected, need two operators: --operator signs as the first, and they wait for "
        "another one (member-client review)."
    ): "E3 及受保护人的记录须经两名经办人复核：--operator 由第一人签署，随后待另一人复核（member-client review）。",
}
"""What help says."""

FILING_WORDS: Final = {
    (
        "A claim of yours stands on this identifier in this category and is contested: answer the dispute first "
        "(member-client dispute queue)."
    ): "您对该标识在此类别下的记录正被提出异议：请先答复异议（member-client dispute queue）。",
    "Categories": "类别",
    "Roles": "角色",
    "Kinds": "标识类型",
    "Evidence levels": "证据等级",
    "Filing rules": "报送规则",
    "Permitted actions": "允许采取的措施",
    "Retention": "保存期限",
    "Actions": "措施",
    "Statuses": "状态",
    "Purposes": "用途",
    "Sharing levels": "共享级别",
    "Operator": "经办人",
    "Registered": "登记时间",
    "Retired": "停用时间",
    "First": "第一复核人",
    "Counts until": "复核有效期至",
    "pending_review": "待复核",
    "Contribute the row with --operator NAME; another operator approves it then (member-client review approve).": (
        "请用 --operator NAME 报送该行，再由另一名经办人复核（member-client review approve）。"
    ),
    "Contribute the row again tomorrow: today's budget for such claims is spent.": (
        "请明日重新报送该行：此类记录今日额度已用完。"
    ),
}
"""Titles, heads and advice."""
