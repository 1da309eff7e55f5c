"""What `member-client admin` and `renew` say: help, lines, and the words of changes and proposals."""

from typing import Final

ADMIN_SPOKEN: Final = {
    "burst now: {items:,} at once": "当前突发额度：一次 {items:,}",
    "declared now: {applications:,} applications a day, {customers:,} customers": (
        "当前申报的业务规模：每日申请 {applications:,} 笔，客户 {customers:,} 户"
    ),
    "{file} holds a token: send it by a channel that both sides trust": "{file} 含有邀请令牌：请经双方信任的渠道送交",
    "the words are missing that the member read to you: --fingerprint WORDS": (
        "缺少该成员读给您的指纹词：--fingerprint 指纹词"
    ),
    "The twelve words, as the member read them": "请输入该成员读出的十二个词",
    "fingerprint: {words}": "指纹词：{words}",
    "read these words to the alliance by telephone: calls are refused until it confirms them": (
        "请通过电话将以上各词读给联盟：在其确认之前，一切调用都会被拒绝"
    ),
    "--yes takes the whole --digest that admin show printed, one for each proposal": (
        "--yes 须同时给出 admin show 所显示的完整 --digest，每项提案一个"
    ),
    "{id} is another proposal than the digest says: nothing was signed": "{id} 与摘要所指的提案不符：未作任何签名",
    "keys are confirmed one at a time: each member is called": "密钥须逐个确认：须分别致电每个成员",
    "no proposals": "没有提案",
    "entries of {kind}: {added:,} added, {removed:,} removed": "{kind} 条目：新增 {added:,}，删除 {removed:,}",
    "how many live claims it concerns the hub cannot know": "涉及多少条有效报送记录，联盟中心无法得知",
    "the proposal is about something else than the suppression list": "该提案与排除名单无关",
    "{file} is no suppression list: version, domains, networks and [values], all in canonical form": (
        "{file} 不是排除名单：须有 version、domains、networks 和 [values]，且均为规范形式"
    ),
    "admin show PROPOSAL or --json has them": "完整内容见 admin show PROPOSAL 或 --json",
    "nobody is there to be asked: --yes goes on, --dry-run only looks": (
        "无人可供确认：--yes 直接继续，--dry-run 只查看影响"
    ),
    "nobody is there to be asked, and nothing was signed: --yes goes on": "无人可供确认，未作任何签名：--yes 直接继续",
    "Go on?": "是否继续？",
    "another admin decides: member-client admin approve {id}": "由另一位管理员决定：member-client admin approve {id}",
    "calls of the member in the last hour: {calls:,}": "该成员最近一小时的调用次数：{calls:,}",
    "live claims of the member: {claims:,}": "该成员有效的报送记录：{claims:,} 条",
    "  {category}: {claims:,}, expiring from {first} to {last}": (
        "  {category}：{claims:,} 条，到期时间自 {first} 至 {last}"
    ),
    "budget now: {items:,} a day, {used:,} used today": "当前额度：每日 {items:,}，今日已用 {used:,}",
    "another admin must approve": "须经另一位管理员批准",
    "live claims that wait to be re-tagged: {claims:,}": "等待重新生成标签的有效报送记录：{claims:,} 条",
    "--json has all members": "--json 列出全部成员",
    "{member} has {claims:,} claims to re-tag": "{member} 还有 {claims:,} 条报送记录待重新生成标签",
    "retired, {claims:,} claims left to destroy": "已停用，尚有 {claims:,} 条待销毁",
    "retired, destroyed": "已停用并销毁",
    "pending, key not made yet": "筹备中，密钥尚未生成",
    "re-tagging": "正在重新生成标签",
    "nothing to re-tag: no other epoch is begun": "无须重新生成标签：没有新的密钥周期",
    "{claims:,} claims re-tagged into epoch {epoch}": "已有 {claims:,} 条报送记录转入密钥周期 {epoch}",
    "{claims:,} claims withdrawn": "已撤回 {claims:,} 条",
    (
        "{claims:,} claims were filed by another machine: run this there, or contribute the list again, then "
        "--withdraw-rest"
    ): ("有 {claims:,} 条由其他机器报送：请在该机器上运行本命令，或重新报送名单后使用 --withdraw-rest"),
    "{claims:,} claims were refused: run this again": "有 {claims:,} 条被拒绝：请再次运行本命令",
    "takes effect at once, with an alarm; another admin must review it": "立即生效并发出警报；须由另一位管理员事后复核",
    "break-glass does not do this: another admin must approve": "紧急操作不适用于此：须由另一位管理员批准",
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
    "Digest": "摘要",
    "Change": "变更",
    "Member": "成员",
    "By": "提出者",
    "State": "状态",
    "Decide by": "决定期限",
    "Reason": "理由",
    "Decided by": "决定者",
    "Because": "决定理由",
    "invite": "邀请",
    "confirm_key": "确认密钥",
    "suspend": "暂停",
    "resume": "恢复",
    "revoke_certificates": "吊销证书",
    "offboard": "退出联盟",
    "set_budget": "设定额度",
    "begin_epoch": "启动密钥周期",
    "activate_epoch": "启用密钥周期",
    "retire_epoch": "停用密钥周期",
    "Epoch": "密钥周期",
    "Until": "截止",
    "Live claims": "有效记录",
    "To re-tag": "待转入",
    "Who lags": "未完成者",
    "pending": "筹备中",
    "active": "启用",
    "retiring": "停用中",
    "open": "待决定",
    "effective": "已生效",
    "rejected": "已否决",
    "done by break-glass, to be reviewed": "已紧急执行，待复核",
    "Name": "名称",
    "Withdraw its claims": "撤回其报送记录",
    "yes": "是",
    "no": "否",
    "Budget of": "额度项目",
    "Items": "数量",
    "Applications a day": "每日申请笔数",
    "Customers": "客户数",
    "set_burst": "设定突发额度",
    "declare_business": "申报业务规模",
    "adopt_policy": "采纳策略",
    "set_suppression_list": "设定排除名单",
    "Policy": "策略",
    "Number of the list": "名单编号",
    "Digest of the list": "名单摘要",
}

ADMIN_COMMANDS: Final = {
    "For admins: propose changes, decide those of others.": "供管理员使用：提出变更，决定他人的提案。",
    "Propose to let a member in that has enrolled, by the fingerprint that it read to you.": (
        "凭成员读给您的指纹词，提议准许已入盟的成员使用。"
    ),
    (
        "Call a number that you know from elsewhere. Whoever approves calls, too: the bundle went through other hands. "
        "Words of another key mean that somebody else has enrolled: confirm nothing, and invite again. Example:"
    ): (
        "请拨打您从其他途径得知的号码。批准者也须自行致电：入盟包曾经他人之手。若各词属于另一密钥，说明有他人冒名入盟："
        "请勿确认，并重新邀请。示例："
    ),
    "Print the words of this member's key, which you read to the alliance's admins by telephone.": (
        "显示本成员密钥的指纹词，供您通过电话读给联盟的管理员。"
    ),
    (
        "They are no secret: they tell your key from one of somebody who took your place. Say them only where you are "
        "called at a number that the alliance knows, or where you call a number that you know. With --json the public "
        "key itself is told too, as an auditor asks for it. Example:"
    ): (
        "指纹词并非秘密，只用于将您的密钥与冒名者的密钥区分开。请只在联盟拨打其已知的号码与您联系时，或在您拨打自己已知的"
        "号码时读出。加 --json 时同时给出公钥本身，供审计员核对。示例："
    ),
    (
        "Refuse every call of a member from the next one on; needs no other admin, except against an admin."
    ): "自下一次调用起拒绝该成员的一切调用；无须另一位管理员，但对管理员除外。",
    "Propose to end a suspension.": "提议解除暂停。",
    "Propose to revoke all certificates of a member, for good: it does not come back under its id.": (
        "提议永久吊销该成员的全部证书：该成员不能再以原编号恢复。"
    ),
    "Suspend it first: that needs nobody else. Example:": "请先暂停该成员：暂停无须另一位管理员。示例：",
    (
        "Propose to end a membership, for good: certificates are revoked, and its claims are kept or withdrawn."
    ): "提议永久终止成员资格：吊销其证书，并保留或撤回其报送记录。",
    (
        "What it filed is shown first, by category and expiry. Others may rely on claims; withdrawn ones are gone for "
        "all. Example:"
    ): "先按类别和到期日显示其报送记录。他人可能依赖这些记录；撤回后所有成员都不再匹配。示例：",
    "Set how many items a member may use a day; raising it needs another admin.": (
        "设定成员每日可用的数量；提高额度须经另一位管理员批准。"
    ),
    "List the proposals that wait for a decision.": "列出等待决定的提案。",
    "Show a proposal, and what it would do now.": "查看一项提案及其此刻的影响。",
    (
        "Approve another admin's proposals: they take effect at once. Or uphold what break-glass did."
    ): "批准另一位管理员的提案，立即生效；或认可已紧急执行的变更。",
    "All are shown first, then you are asked; each is signed by itself. For example:": (
        "先显示全部提案，再请您确认；每项提案分别签名。例如："
    ),
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
    "Propose to begin, activate or retire a key epoch.": "提议启动、启用或停用密钥周期。",
    "List the key epochs, who still has claims to re-tag, and what is destroyed.": (
        "列出密钥周期、尚有记录待转入的成员，以及已销毁的内容。"
    ),
    "Propose to begin the next epoch: its key is made, and members re-tag their claims into it.": (
        "提议启动下一个密钥周期：生成其密钥，各成员将报送记录转入其中。"
    ),
    "Nobody is screened by it yet. Example:": "此时尚不用于查询。示例：",
    "Propose to let a begun epoch serve; the one before it serves beside it until it is retired.": (
        "提议启用已启动的密钥周期；原周期在停用前与其并行服务。"
    ),
    "Best once nearly all claims are re-tagged: until all are, each screening asks under both. Example:": (
        "宜在绝大部分记录转入之后启用：全部转入之前，每次查询须在两个周期中进行。示例："
    ),
    "Propose to end an epoch: its key, filter and tags are destroyed.": "提议停用密钥周期：销毁其密钥、过滤器和标签。",
    "Refused, with the names of who lags, while a live claim in it is not re-tagged. Example:": (
        "只要还有有效记录未转入即予拒绝，并列出未完成的成员。示例："
    ),
    "Re-tag this member's claims into the epoch that was begun.": "将本成员的报送记录转入已启动的密钥周期。",
    (
        "In use that happens by itself, on every machine that contributed. Run it where nothing else runs, or to see "
        "what is left; run again, it goes on. Example:"
    ): (
        "使用中会在每台报送过的机器上自动进行。可在没有其他程序运行的机器上执行，或用于查看剩余数量；"
        "再次运行会继续。示例："
    ),
    "Propose to adopt the policy of a release.": "提议采纳某一版本的策略。",
    "Propose to let a release serve whose tables have this hash.": "提议准许策略表为此哈希值的版本提供服务。",
    (
        "Read the tables first, with the new release on your own machine: alliance-server policy show --tables. "
        "Example:"
    ): "请先在自己的机器上用新版本查看策略表：alliance-server policy show --tables。示例：",
    "Show the suppression list, propose another.": "查看排除名单，提议更换名单。",
    "Print the suppression list in force, or one that is proposed, as a file to edit.": (
        "输出现行或提案中的排除名单，可作为文件编辑。"
    ),
    "Propose another suppression list: values that many people share, or nobody has.": (
        "提议更换排除名单：多人共用或无人使用的值。"
    ),
    (
        "It takes the place of the one in force, and is public: nothing in it may name a person. Example:"
    ): "它将取代现行名单，且内容公开：其中不得含有指向个人的内容。示例：",
    "In use that happens by itself, at two thirds of its life. Example:": (
        "使用中会在有效期过去三分之二时自动更新。示例："
    ),
}

ADMIN_OPTIONS: Final = {
    "Id of the member.": "成员编号。",
    "Ids of proposals, or their first digits.": "提案编号，或其前几位；可列出多项。",
    "With --yes: the whole digest that show printed; one for each proposal.": (
        "与 --yes 一同使用：show 所显示的完整摘要；每项提案一个。"
    ),
    "The proposal's id, or its first digits.": "提案编号，或其前几位。",
    "The twelve words that the member read to you.": "该成员读给您的十二个词。",
    "To confirm a key: the twelve words that the member read to you.": "确认密钥时：该成员读给您的十二个词。",
    "keep: they stand until they expire. withdraw: the hub ends them.": (
        "keep：保留至到期。withdraw：由联盟中心撤回。"
    ),
    "Why, for the other admins; no person's data.": "理由，供其他管理员阅读；不得含个人信息。",
    "Do not ask; the preview is shown all the same.": "不再询问；仍会显示影响。",
    "Show what it would do, and propose nothing.": "只显示影响，不提出变更。",
    "At once, with an alarm, and reviewed by another admin afterwards.": "立即执行并告警，事后由另一位管理员复核。",
    "Enrolment bundle to write.": "要写出的入盟包。",
    "Name of the institution or office.": "机构或部门的名称。",
    "member, admin, liaison, auditor, reviewer, legal_approver or duty_officer.": (
        "member、admin、liaison、auditor、reviewer、legal_approver 或 duty_officer。"
    ),
    "Legal instrument that it may act under; once each.": "可依据的法律文书；每种给出一次。",
    "Category that it may ask about; once each.": "可询问的类别；每类给出一次。",
    "Set what a police liaison may ask for: under which instruments, about which categories.": (
        "设定警方联络员的权限：可依据哪些法律文书，可询问哪些类别。"
    ),
    (
        "It takes the place of what was set before; with neither option the liaison may ask for nothing more. A "
        "liaison without a scope submits no case. Example:"
    ): "新设定取代原设定；两个选项都不给时，联络员不得再提出任何请求。未设权限的联络员不能提交案件。示例：",
    "A purpose, bucket_prefixes, contribution_refunds, dispute_openings or protective_claims.": (
        "某一用途、bucket_prefixes、contribution_refunds、dispute_openings 或 protective_claims。"
    ),
    "Items a day.": "每日数量。",
    "Number of the epoch.": "密钥周期编号。",
    "The hash that alliance-server policy show prints in the new release.": (
        "新版本中 alliance-server policy show 显示的哈希值。"
    ),
    "Id of a proposal, or its first digits: show its list.": "提案编号，或其前几位：显示该提案的名单。",
    "The whole list, as suppression show prints it.": "完整名单，格式同 suppression show 的输出。",
    "Withdraw what no machine can re-tag any more, with this reason code.": "以该理由代码撤回已无机器可以转入的记录。",
    "Those that are decided, too.": "也列出已有决定的提案。",
    "Sign only what has this digest, as another admin read it out.": "仅在摘要与另一位管理员读出的一致时签署。",
    "Do not ask; what is signed is shown all the same.": "不再询问；仍会显示所签署的内容。",
}
