"""What commands say of their results, and the words of their tables."""

from typing import Final

RESULTS: Final = {
    "{looked_at:,} own entries drawn · {served:,} served to readers · {ended:,} ended · {unknown:,} unknown": (
        "已抽查本机构 {looked_at:,} 条记录 · {served:,} 条其他成员可见 · {ended:,} 条已结束 · {unknown:,} 条无法判断"
    ),
    (
        "{count:,} the hub does not know: where no other machine withdrew them, tell the alliance's auditor"
    ): "{count:,} 条联盟中心称不存在：如非本机构其他机器撤回，请告知联盟审计员",
    "receipt {receipt}": "查询编号 {receipt}",
    "{field} · {purpose} · epoch {epoch} · filter {age} old": (
        "{field} · {purpose} · 密钥周期 {epoch} · 过滤器更新于 {age}前"
    ),
    " · you may: {action}": " · 至多可采取：{action}",
    "p50 {p50} ms · p99 {p99} ms of {answers:,} answers": "共 {answers:,} 次应答 · p50 {p50} 毫秒 · p99 {p99} 毫秒",
    "{action}: {meaning}": "{action}：{meaning}",
    "no measure may rest on this": "不得据此采取任何措施",
    "take note; refuse, restrict or delay nothing because of it": "仅供工作人员留意，不得据此拒绝、限制或拖延办理",
    "ask for documents or an extra check; do not refuse because of it": "可要求补充材料或额外核验，不得据此拒绝办理",
    "may be refused once a member of staff has examined the case; never by a system": (
        "须经工作人员审核具体情况后方可拒绝，不得由系统自动决定"
    ),
    "value": "待核查的值",
    "{file} · {rows:,} rows · {purpose} · epoch {epoch} · filter {age} old": (
        "{file} · {rows:,} 行 · {purpose} · 密钥周期 {epoch} · 过滤器更新于 {age}前"
    ),
    " … {more:,} more in {file}": " … 另有 {more:,} 条，见 {file}",
    " … {more:,} more; --out FILE writes them all": " … 另有 {more:,} 条；用 --out FILE 写出全部",
    "not settled: {reasons}; --resume {id} asks about them again": "未有结论：{reasons}；用 --resume {id} 再次查询",
    "INTEGRITY: a claim's signature, contributor or box is wrong; the hub's operator was told": (
        "完整性告警：某条报送记录的签名、报送方或密封内容有误；已通知联盟中心的运营方"
    ),
    "hub learned: counts, purpose, {prefixes:,} bucket prefixes (cover included); 0 identifiers": (
        "联盟中心获知：数量、用途、{prefixes:,} 个分桶前缀（含掩护）；0 个标识"
    ),
    "--out FILE has them": "完整内容可用 --out FILE 写出",
    "--json has them": "完整内容见 --json",
    "1 member": "1 家成员机构",
    "{count} members": "{count} 家成员机构",
    "{file} · {rows:,} rows · contribution": "{file} · {rows:,} 行 · 信息报送",
    " · until {date}": " · 有效期至 {date}",
    "accepted {accepted:,} · unchanged {unchanged:,} · refused {refused:,}": (
        "已接收 {accepted:,} · 无变化 {unchanged:,} · 未受理 {refused:,}"
    ),
    "amended {amended:,} · {others}": "已更正 {amended:,} · {others}",
    "refused for: {reasons}": "未受理原因：{reasons}",
    (
        "hub learned: counts, purpose, and tag, kind, category, role, evidence and dates of {claims:,} claims; 0 "
        "identifiers"
    ): "联盟中心获知：数量、用途，以及 {claims:,} 条报送记录的标签、类型、类别、角色、证据等级和日期；0 个标识",
    "{file} · {rows:,} rows · dry run": "{file} · {rows:,} 行 · 试运行",
    "would ask about {count:,} identifiers: {kinds}": "将查询 {count:,} 个标识：{kinds}",
    "would ask about nothing": "没有可查询的标识",
    "changed rows are refused unless --amend replaces the claims that stand": (
        "有变化的行不予受理，除非用 --amend 取代现有的报送记录"
    ),
    "refused {count:,} → {file}": "未受理 {count:,} → {file}",
    "nothing was sent": "未发送任何数据",
    "no claims": "没有报送记录",
    " … more; --limit 0 lists all (shown: {shown:,})": " … 还有更多；用 --limit 0 列出全部（已显示：{shown:,}）",
    "claims show ENTRY or --json has them": "完整内容见 claims show ENTRY 或 --json",
    "enrolled {member} in {alliance}; profile in {folder}": "{member} 已加入 {alliance}；身份目录为 {folder}",
    "keep a backup of that folder; then: member-client sync": "请备份该目录；之后：member-client sync",
    (
        "epoch {epoch} · {listings:,} listings · sequence {sequence:,} · filter {age} old · {members:,} members · "
        "{megabytes:,.1f} MB downloaded"
    ): (
        "密钥周期 {epoch} · {listings:,} 个在册标识 · 序号 {sequence:,} · 过滤器更新于 {age}前 · {members:,} 家成员"
        "机构 · 已下载 {megabytes:,.1f} MB"
    ),
    "{rate:,.0f} rows/s": "{rate:,.0f} 行/秒",
    "… rows/s": "… 行/秒",
    "waiting for quota until {time}": "等待额度恢复，至 {time}",
    "{time} · {rate:,} rows/s": "{time} · {rate:,} 行/秒",
    "{seconds:.1f} s": "{seconds:.1f} 秒",
    "{minutes} min {seconds} s": "{minutes} 分 {seconds} 秒",
    "{seconds} s": "{seconds} 秒",
    "{minutes} min": "{minutes} 分钟",
    "{hours} h": "{hours} 小时",
    " … narrow terminal, without {columns}; {whole}": " … 终端较窄，未显示：{columns}；{whole}",
    "{program} (not installed)": "{program}（未安装）",
}
"""Lines that commands print."""

TABLE_WORDS: Final = {
    "Row": "行",
    "Ref": "编号",
    "Field": "字段",
    "Category": "类别",
    "Role": "角色",
    "Ev": "证据",
    "Sources": "来源",
    "Until": "有效期至",
    "Status": "状态",
    "You may": "至多可采取",
    "Entry": "记录编号",
    "Kind": "类型",
    "Filed": "报送日期",
    "entry": "记录编号",
    "kind": "类型",
    "category": "类别",
    "role": "角色",
    "evidence": "证据",
    "filed": "报送日期",
    "until": "有效期至",
    "status": "状态",
    "match": "命中",
    "clear": "未命中",
    "unknown": "未知",
    "unconfirmed": "待确认",
    "refused": "未受理",
    "new": "新增",
    "unchanged": "无变化",
    "changed": "有变化",
    "ok": "正常",
    "warning": "提醒",
    "error": "错误",
}
"""Headings, states and other words that stand in tables; the machine's own stay in files and JSON."""
