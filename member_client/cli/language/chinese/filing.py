"""What may be filed, and who agrees to it."""

from typing import Final

FILING_SPOKEN: Final = {
    "--table is one of {words}": "--table 须为以下之一：{words}",
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
}
"""What help says."""

FILING_WORDS: Final = {
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
}
"""Titles of the taxonomy's tables."""
