"""What `member-client admin` and `renew` say: help, lines, and the words of changes and proposals."""

from typing import Final

ADMIN_SPOKEN: Final = {
    "{file} holds a token: send it by a channel that both sides trust": "{file} 含有邀请令牌：请经双方信任的渠道送交",
    "no proposals": "没有提案",
    "admin show PROPOSAL or --json has them": "完整内容见 admin show PROPOSAL 或 --json",
    "nobody is there to be asked: --yes goes on, --dry-run only looks": (
        "无人可供确认：--yes 直接继续，--dry-run 只查看影响"
    ),
    "Go on?": "是否继续？",
    "another admin decides: member-client admin approve {id}": "由另一位管理员决定：member-client admin approve {id}",
    "calls of the member in the last hour: {calls:,}": "该成员最近一小时的调用次数：{calls:,}",
    "live claims of the member: {claims:,}": "该成员有效的报送记录：{claims:,} 条",
    "budget now: {items:,} a day, {used:,} used today": "当前额度：每日 {items:,}，今日已用 {used:,}",
    "another admin must approve": "须经另一位管理员批准",
    "takes effect at once": "立即生效",
    "the hub was restored from a backup: origin {origin} is believed, signed by {admins}": (
        "联盟中心已由备份恢复：第 {origin} 任身份已获采信，签署者：{admins}"
    ),
    "the hub shows a succession with another digest; nothing was signed": (
        "联盟中心出示的继任声明摘要不同；未签署任何内容"
    ),
    "signed; signatures that hold here: {admins}": "已签署；本机验证有效的签署者：{admins}",
    "another admin signs: member-client admin succession sign": (
        "由另一位管理员签署：member-client admin succession sign"
    ),
    "the hub was restored: origin {origin}": "联盟中心已恢复：第 {origin} 任身份",
    "identity until now: {key}": "原身份密钥：{key}",
    "new identity: {key}": "新身份密钥：{key}",
    "backup of {taken}, restored {restored}: what was acknowledged in between is lost": (
        "备份时间 {taken}，恢复时间 {restored}：其间已确认的内容已丢失"
    ),
    "purge ledger: {entries:,} entries since the backup": "清除台账：备份之后共 {entries:,} 条",
    "the newest of them is of {until}": "其中最新一条的时间为 {until}",
    "WITHOUT the purge ledger: claims withdrawn and members suspended since may be back": (
        "没有清除台账：备份之后撤回的报送记录、暂停的成员可能重新出现"
    ),
    "epochs that are gone for good: {epochs}": "已永久销毁的密钥周期：{epochs}",
    "signed by: {admins}": "签署者：{admins}",
    "digest: {digest}": "摘要：{digest}",
    "the certificate is renewed; the one before it stays good until it ends": "证书已更新；原证书在到期前仍然有效",
}

ADMIN_WORDS: Final = {
    "Proposal": "提案",
    "Change": "变更",
    "Member": "成员",
    "By": "提出者",
    "State": "状态",
    "Decide by": "决定期限",
    "Reason": "理由",
    "Decided by": "决定者",
    "Because": "决定理由",
    "invite": "邀请",
    "suspend": "暂停",
    "resume": "恢复",
    "revoke_certificates": "吊销证书",
    "offboard": "退出联盟",
    "set_budget": "设定额度",
    "open": "待决定",
    "effective": "已生效",
    "rejected": "已否决",
    "done by break-glass, to be reviewed": "已紧急执行，待复核",
    "Name": "名称",
    "Budget of": "额度项目",
    "Items a day": "每日数量",
}

ADMIN_COMMANDS: Final = {
    "For admins: propose changes, decide those of others.": "供管理员使用：提出变更，决定他人的提案。",
    "Propose to invite somebody, and write their enrolment bundle.": "提议邀请新成员，并写出其入盟包。",
    (
        "The bundle works once another admin approved, for 24 hours from then on. Send it by a channel that both sides "
        "trust. Example:"
    ): "另一位管理员批准后入盟包方可使用，自批准起 24 小时内有效。请经双方信任的渠道送交。示例：",
    (
        "Refuse every call of a member from the next one on; needs no other admin, except against an admin."
    ): "自下一次调用起拒绝该成员的一切调用；无须另一位管理员，但对管理员除外。",
    "Propose to end a suspension.": "提议解除暂停。",
    (
        "Revoke all certificates of a member, for good; needs no other admin, except against an admin."
    ): "永久吊销该成员的全部证书；无须另一位管理员，但对管理员除外。",
    "Propose to end a membership, for good; its claims stay until they expire.": (
        "提议永久终止成员资格；其报送记录保留至到期。"
    ),
    "Set how many items a member may use a day; raising it needs another admin.": (
        "设定成员每日可用的数量；提高额度须经另一位管理员批准。"
    ),
    "List the proposals that wait for a decision.": "列出等待决定的提案。",
    "Show a proposal, and what it would do now.": "查看一项提案及其此刻的影响。",
    (
        "Approve another admin's proposal: it takes effect at once. Or uphold what break-glass did."
    ): "批准另一位管理员的提案，立即生效；或认可已紧急执行的变更。",
    "Reject another admin's proposal. Or object to what break-glass did.": (
        "否决另一位管理员的提案；或对已紧急执行的变更提出异议。"
    ),
    "Take your own proposal back.": "撤回自己的提案。",
    "After a restore: look at the hub's succession, and sign it.": "恢复之后：查看并签署联盟中心的继任声明。",
    "Show the succession of a hub that was restored from a backup.": "查看由备份恢复的联盟中心的继任声明。",
    "Sign the succession of a hub that was restored from a backup.": "签署由备份恢复的联盟中心的继任声明。",
    (
        "Compare the new identity with the operator's by telephone first: who holds the backups could ask for this, "
        "too. Example:"
    ): "请先通过电话与运维人员核对新的身份密钥：持有备份的人同样可能提出此请求。示例：",
    "Renew this member's certificate now.": "立即更新本成员的证书。",
    "In use that happens by itself, at two thirds of its life. Example:": (
        "使用中会在有效期过去三分之二时自动更新。示例："
    ),
}

ADMIN_OPTIONS: Final = {
    "Id of the member.": "成员编号。",
    "The proposal's id, or its first digits.": "提案编号，或其前几位。",
    "Why, for the other admins; no person's data.": "理由，供其他管理员阅读；不得含个人信息。",
    "Do not ask; the preview is shown all the same.": "不再询问；仍会显示影响。",
    "Show what it would do, and propose nothing.": "只显示影响，不提出变更。",
    "At once, with an alarm, and reviewed by another admin afterwards.": "立即执行并告警，事后由另一位管理员复核。",
    "Enrolment bundle to write.": "要写出的入盟包。",
    "Name of the institution or office.": "机构或部门的名称。",
    "member, admin, liaison or auditor.": "member、admin、liaison 或 auditor。",
    "A purpose, bucket_prefixes or contribution_refunds.": "某一用途、bucket_prefixes 或 contribution_refunds。",
    "Items a day.": "每日数量。",
    "Those that are decided, too.": "也列出已有决定的提案。",
    "Sign only what has this digest, as another admin read it out.": "仅在摘要与另一位管理员读出的一致时签署。",
    "Do not ask; what is signed is shown all the same.": "不再询问；仍会显示所签署的内容。",
}
