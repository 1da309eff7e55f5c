"""The SDK's errors: what each class means, and how it is put right."""

from typing import Final

CLASSES: Final = {
    "AllianceClientError": "操作未能完成",
    "InvalidUse": "调用有误，未发送任何数据",
    "AlreadyEnrolled": "该目录已有入盟的身份，不会被覆盖",
    "ConsentMissing": "缺少该用途所需的同意、申请或依据说明，未发送任何数据",
    "ConflictingRetry": "同一请求编号曾用于其他内容",
    "NotEnrolled": "该目录下没有已入盟的身份",
    "ConfigurationInvalid": "身份目录、入盟包或密钥文件无法使用",
    "ClockWrong": "本机与联盟中心的时钟相差超过允许的两分钟",
    "StoreDamaged": "本地存储的内容与写入时不符：下次打开时会将其移开并重建",
    "WebhookFailed": "webhook 接收方未接收事件：将再次发送，事件不会丢失",
    "BookDamaged": "监测名册的内容与写入时不符：保持原样，未监测任何客户",
    "PinsDamaged": "本地锁定记录的内容与写入时不符，或由其他密钥加密：未打开任何内容",
    "HubUnavailable": "联盟中心未能及时应答；已确认的内容安全，其余可以重试",
    "SuccessionAwaited": "联盟中心由备份恢复，须待两位管理员签署继任声明后才提供服务",
    "WitnessesAwaited": "为联盟中心日志附签的见证方不足；此前已证明的内容继续使用",
    "BucketOverfull": "某个分桶超出应有的大小，相关字段仍待确认",
    "StorageFull": "联盟中心或本机的存储已满；已确认的内容安全",
    "StoreBusy": "另一进程长时间占用本地存储",
    "HubError": "联盟中心拒绝了调用，原因不在输入：本机或联盟中心存在缺陷",
    "HubFault": "联盟中心自身出错；未经确认的调用没有生效",
    "NotFound": "没有这条记录，或不属于本机构",
    "FilterChanged": "下载期间过滤器多次更换，或尚未就绪",
    "Denied": "联盟中心拒绝了该请求",
    "NotAuthenticated": "证书不被承认、已吊销或已过期，或成员资格已被暂停",
    "CertificateEnded": "证书已到期：本机离线的时间超过其有效期，或未能更新",
    "KeyNotConfirmed": "本成员已入盟，其密钥尚待联盟管理员确认",
    "TooManyAttempts": "联盟中心拒绝的入盟请求过多",
    "NotPermitted": "成员的角色不允许该调用",
    "PurposeNotPermitted": "该成员不得以此用途查询",
    "TokenRefused": "邀请令牌不被承认、已使用或已过期",
    "Replayed": "联盟中心认为请求的时间已过或尚未到",
    "EpochNotServed": "该密钥周期不提供此项服务",
    "IllegalTransition": "报送记录的状态不允许该变更",
    "OutcomesImplausible": "35 天内上报的处置结果多于本机构同期的查询次数",
    "ProposalClosed": "该提案已有决定、已撤回或已过期",
    "MemberStateConflict": "成员的状态不允许该变更",
    "TwoAdminsNeeded": "联盟须保留两名可履职的管理员，此操作将使其不足",
    "EpochStateConflict": "密钥周期的状态不允许该变更，或编号不是下一个",
    "CommonRulesConflict": "该政策已获采纳，或排除名单的编号不是下一个",
    "RetaggingIncomplete": "该密钥周期尚有有效记录未转入下一周期",
    "NothingToRetag": "待转入的记录少于所请求的数量",
    "TooManyProposals": "该管理员未决定的提案已达上限",
    "TwoOperatorsNeeded": "此类记录须经本机构两名已登记的经办人在一周内复核",
    "OperatorConflict": "该经办人代号或密钥已登记过，或经办人已达上限",
    "FingerprintRefused": "各词不是已入盟密钥的指纹词：可能听错，也可能有他人冒名入盟",
    "EnrolmentUnavailable": "联盟中心的入盟端口未及时应答；邀请仍然有效",
    "SuccessionConflict": "所签署的不是联盟中心当前出示的继任声明",
    "BudgetExhausted": "该用途当日的额度已用尽",
    "BurstExhausted": "短时间内的请求超过了突发额度",
    "IntegrityError": "证明、签名、密钥或序号有误：请停止使用并联系安全负责人",
    "ProofRejected": "联盟中心的计算结果与已锁定的密钥不符：密钥不同，或应答被更改",
    "StatementInvalid": "签名声明未能通过验证，或声明了不该声明的内容",
    "FilterTampered": "过滤器的内容与联盟中心签名时不符",
    "AttachmentTampered": "附件不是成员签署的那份文件：被更改、截断或替换",
    "TooManyAttachments": "本机构在该案件中的附件数量或大小已达上限",
    "FilterRolledBack": "联盟中心出示了比以前更旧的过滤器；较新的过滤器在过期前继续有效",
    "EpochKeyChanged": "该密钥周期的公钥与首次所见不同",
    "MemberKeyChanged": "某成员的身份密钥与首次所见不同，或同时出现两个",
    "MemberRoleChanged": "某成员的角色与首次所见不同",
    "FactNotPublished": "联盟中心出示了其审计日志无法证明的密钥、过滤器或名单：他人看到的可能不同",
    "EntryOmitted": "联盟中心称本机构的一条记录有效，却不让其他成员看到，或以别的内容代替",
    "EpochRevived": "已销毁的密钥周期又被当作可用的出示",
    "SuccessionRejected": "联盟中心的身份密钥已更换，但本机所知的管理员中没有两位为其签署",
    "ReceiptInvalid": "应答没有附带联盟中心的回执，或附带的是他人的回执：该应答未被使用",
    "ReceiptBroken": "联盟中心出具过回执的事件不在其审计日志中：被遗漏，或被移到别处",
    "LogForked": "联盟中心的审计日志与本机所见不相承接：他人看到的是另一份日志",
    "LogShrunken": "联盟中心的审计日志比本机所见更短，且没有继任声明说明缺失的部分",
    "CertificateInvalid": "证书不是联盟 CA 为该方和该密钥签发的",
}
"""Class → what it means, without a full stop; a class without an entry means what its base means."""

ADVICE: Final = {
    (
        "Ask the alliance's admins whether its witnesses run: member-client admin witnesses show names them, and "
        "where some are gone two admins set another list."
    ): (
        "请询问联盟管理员见证方是否在运行：member-client admin witnesses show 会列出它们；"
        "如有见证方已停用，由两位管理员另行设定名单。"
    ),
    (
        "Stop using the hub's answers. Call the alliance's admins and its auditor, and give them the receipt, which is "
        "kept in the state folder as receipt-broken-…: what the hub signed in it is the proof."
    ): (
        "请停止使用联盟中心的应答。请联系联盟管理员和审计员，并提交状态目录中保存的回执 receipt-broken-…："
        "其中联盟中心的签名即是证据。"
    ),
    (
        "Stop using the hub's answers. Call the alliance's admins and its auditor, and give them the file log-fork-… "
        "of the state folder: what the hub signed in it is the proof. Keep that file and pins.sqlite3."
    ): (
        "请停止使用联盟中心的应答。请联系联盟管理员和审计员，并提交状态目录中的文件 log-fork-…："
        "其中联盟中心的签名即是证据。请保留该文件和 pins.sqlite3。"
    ),
    "Wait until the time that is given: the day's budget is not spent. Bulk work waits by itself.": (
        "请等到所示时间：当日额度尚未用尽。批量任务会自动等待。"
    ),
    (
        "Call the alliance's admins. Where they did restore the hub, this machine has not known two of them: follow "
        "docs/how-to/back-up-and-restore.md."
    ): (
        "请致电联盟管理员。若联盟中心确由他们恢复，则本机此前不认识其中两位：请按 "
        "docs/how-to/back-up-and-restore.md 处理。"
    ),
    "Wait, or call the alliance's admins: two of them run `member-client admin succession sign`.": (
        "请等待，或致电联盟管理员：须由两位管理员运行 `member-client admin succession sign`。"
    ),
    "Look at the succession again: the hub may have been restored once more.": (
        "请重新查看继任声明：联盟中心可能又恢复了一次。"
    ),
    "Correct the call; the sentence says what is wrong with it.": "请按提示更正后重试。",
    "Choose another folder, or move the enrolled profile away first.": "请选择其他目录，或先移走已有的身份目录。",
    "Give consent=Consent.of(...) with the subject or with the call.": (
        "请提供客户同意、客户申请或依据说明（命令行用 --consent，程序中用 consent=Consent.of(...)）。"
    ),
    "Take a new request id for new content, and repeat old content unchanged.": (
        "内容有变时请使用新的请求编号；重试时请保持内容不变。"
    ),
    (
        "Name the profile's folder by ALLIANCE_HOME or --profile, or run `member-client enrol BUNDLE` with the bundle "
        "that the alliance sent."
    ): ("请用 ALLIANCE_HOME 或 --profile 指明身份目录，或用联盟发来的入盟包运行 `member-client enrol BUNDLE`。"),
    (
        "Correct what the sentence names; a passphrase comes from ALLIANCE_PASSPHRASE or ALLIANCE_PASSPHRASE_FILE, an "
        "operator's from ALLIANCE_OPERATOR_PASSPHRASE or ALLIANCE_OPERATOR_PASSPHRASE_FILE."
    ): (
        "请更正提示所指的内容；口令由 ALLIANCE_PASSPHRASE 或 ALLIANCE_PASSPHRASE_FILE 提供，"
        "经办人口令由 ALLIANCE_OPERATOR_PASSPHRASE 或 ALLIANCE_OPERATOR_PASSPHRASE_FILE 提供。"
    ),
    "Synchronise this machine's clock (NTP), then repeat.": "请校准本机时钟（NTP）后重试。",
    "Do the same again: a new store takes the damaged one's place. Keep the file that was set aside.": (
        "请重新执行：新的存储会替代损坏的存储。请保留被移开的文件。"
    ),
    "See that the receiver is up and answers 2xx, then run `member-client watch dead-letters --retry`.": (
        "请确认接收方在线并以 2xx 应答，再执行 `member-client watch dead-letters --retry`。"
    ),
    (
        "Move book.sqlite3 out of the profile's folder and add your customers again (member-client watch add): what the"
        " book knew of them is told anew."
    ): "请将 book.sqlite3 移出身份目录，再重新加入客户（member-client watch add）：名册此前已知的情况将重新通知。",
    "Restore pins.sqlite3 from a backup, or follow docs/how-to/when-things-fail.md.": (
        "请从备份恢复 pins.sqlite3，或按 docs/how-to/when-things-fail.md 处理。"
    ),
    "Look at the disk. Keep the file while openings of consent from before may be asked for, then remove it.": (
        "请检查磁盘。在此前的同意凭据仍可能被要求出示期间，请保留该文件，之后删除。"
    ),
    "Try again; see that the address `hub` in profile.toml can be reached from this machine.": (
        "请重试；并确认本机能连接 profile.toml 中 `hub` 所指的地址。"
    ),
    "Report it to the hub's operator: somebody fills a bucket.": "请报告联盟中心的运营方：有人在填充某个分桶。",
    "Make room (locally) or wait for the hub's operator, then repeat.": (
        "请在本机腾出空间，或等待联盟中心运营方处理，然后重试。"
    ),
    "Look for a hanging process that uses the same profile.": "请检查是否有使用同一身份目录的进程停滞。",
    "Report it with the time of the call.": "请上报，并注明调用的时间。",
    "Try again; report it to the hub's operator where it stays.": "请重试；若仍出现，请报告联盟中心的运营方。",
    "Check the id; only this member's own things can be seen.": "请检查编号；只能查看本机构自己的内容。",
    "Ask the alliance's office.": "请联系联盟办公室。",
    "Ask the alliance's office for a new invitation.": "请向联盟办公室索取新的邀请函。",
    "Ask the alliance's office for a new invitation; the member is enrolled anew, under another id.": (
        "请向联盟办公室索取新的邀请函；该成员须以另一编号重新入盟。"
    ),
    (
        "Read the words of `member-client fingerprint` to the alliance's admins by telephone; they confirm the key."
    ): "请通过电话将 `member-client fingerprint` 显示的各词读给联盟的管理员，由其确认密钥。",
    "Wait a minute, then enrol with the bundle that the alliance sent.": "请稍候一分钟，再用联盟发来的入盟包办理入盟。",
    "Contribute it with an operator, and have another one approve it (member-client review).": (
        "请由一名经办人报送，再由另一名经办人复核（member-client review）。"
    ),
    "Choose another name and make a new key; retire operators who are gone (member-client operator).": (
        "请另选代号并生成新密钥；停用已离岗的经办人（member-client operator）。"
    ),
    "Have another admin decide some of them first, or withdraw them; then do the same again.": (
        "请先由另一位管理员决定其中一部分，或自行撤回，然后重新执行。"
    ),
    (
        "Have the words read once more, at a number that you know from elsewhere. Where they stay others, confirm "
        "nothing and invite the member again."
    ): "请拨打您从其他途径得知的号码，让对方重读各词。若仍不相符，请勿确认，并重新邀请该成员。",
    "Synchronise this machine's clock (NTP): the hub accepts two minutes to either side.": (
        "请校准本机时钟（NTP）：联盟中心允许前后各两分钟的偏差。"
    ),
    "Run `member-client sync`, then repeat.": "请运行 `member-client sync` 后重试。",
    "Nothing is lost: they are sent again with the next day's. Report what became of decisions alone.": (
        "内容没有丢失：将与次日的结果一并重新上报。只应上报查询决定的处置结果。"
    ),
    "List the proposals, and propose it again where it is still wanted.": "请查看提案列表；如仍需要，请重新提出。",
    "Look at the member's state first: offboarding and revocation are for good.": (
        "请先查看成员的状态：退出联盟与证书吊销不可逆转。"
    ),
    "Try again; see that this machine reaches the invitation's `enrolment` address, and that the hub runs.": (
        "请重试；并确认本机能连接邀请文件中 `enrolment` 所指的地址，且联盟中心正在运行。"
    ),
    "Look at what is in force first; a list is made from that one (member-client admin suppression show).": (
        "请先查看现行内容；新名单以现行名单为底本（member-client admin suppression show）。"
    ),
    "Invite another admin first, or resume one who is suspended.": "请先邀请另一位管理员，或恢复已暂停的管理员。",
    "Look at the epochs first (member-client admin epochs): begin, activate, retire, in this order.": (
        "请先查看密钥周期（member-client admin epochs）：依次启动、启用、停用。"
    ),
    "Look who lags (member-client admin epochs), and have them run member-client retag.": (
        "请查看未完成的成员（member-client admin epochs），并请其运行 member-client retag。"
    ),
    "Run member-client retag again: it goes on with what is left.": (
        "请再次运行 member-client retag：将处理剩余的记录。"
    ),
    "Look at the claim's status first; withdrawn and expired claims stay as they are.": (
        "请先查看报送记录的状态；已撤回和已到期的记录不再变更。"
    ),
    "Wait for the renewal at 00:00 UTC, or ask the alliance's office for a larger budget.": (
        "请等待 UTC 零时额度更新，或向联盟办公室申请更大的额度。"
    ),
    (
        "Use nothing that the hub answers, keep this machine's files as they are, and call the alliance's admins and "
        "auditor: a hub that proves nothing may show each member something else."
    ): (
        "请勿采用联盟中心的任何应答，保留本机文件原样，并联系联盟管理员与审计员："
        "不能证明其所示内容的中心，可能对各成员出示不同内容。"
    ),
    (
        "Call the alliance's admins and auditor and name the entry ids (member-client audit entries): other members "
        "are not warned of what this member reported."
    ): "请联系联盟管理员与审计员，并告知记录编号（member-client audit entries）：其他成员收不到本机构报送记录的提示。",
    "Call the alliance's auditor, with what member-client audit entries names.": (
        "请联系联盟审计员，并提供 member-client audit entries 列出的记录编号。"
    ),
    "Stop using the hub's answers and call the alliance's security contact.": (
        "请停止使用联盟中心的应答，并联系联盟的安全联系人。"
    ),
    "Install the versions that the package asks for: other data may derive other tags.": (
        "请安装软件包所要求的版本：数据版本不同，可能得出不同的标签。"
    ),
    "For production give it by {variable} from elsewhere, and remove {file}.": (
        "正式环境请通过 {variable} 从别处提供口令，并删除 {file}。"
    ),
    "In use it renews itself at two thirds of its life. Now: member-client renew": (
        "使用中会在有效期过三分之二时自动更新；立即更新请运行 member-client renew"
    ),
    "Ask the alliance's office for the new CA: without it no connection to the hub is believed.": (
        "请向联盟办公室索取新的 CA 证书：没有它，本机不信任与联盟中心的任何连接。"
    ),
    "Ask the alliance's office when another one follows; clients in use take it up by themselves.": (
        "请向联盟办公室询问何时更换；使用中的客户端会自动换用新的 CA 证书。"
    ),
    "Ask the alliance's office when another one begins: without it nobody screens or contributes.": (
        "请向联盟办公室询问下一个周期何时开始：否则谁也无法筛查或报送。"
    ),
    "File again those that still hold: member-client claims list": (
        "请重新报送其中仍然属实的记录，查看请用 member-client claims list"
    ),
    "Tell the alliance's office: the hub does not renew its snapshots, and clears nobody after that.": (
        "请告知联盟办公室：联盟中心没有更新过滤器快照，到期后不再给出“无记录”的结论。"
    ),
    "Ask the alliance's office: claims of this machine cannot be verified by others.": (
        "请联系联盟办公室：其他成员无法验证本机的报送记录。"
    ),
    "Try again when the hub has built one.": "请待联盟中心生成后重试。",
    "Synchronise it (NTP).": "请校准时钟（NTP）。",
}
"""How to fix, of errors and of what `doctor` finds."""

FINDINGS: Final = {
    "keys and store": "密钥与本地存储",
    "the hub": "联盟中心",
    "the filter": "过滤器",
    "a damaged store was set aside: {path}": "已移开损坏的存储：{path}",
    "keys and store open": "密钥与本地存储可以打开",
    "the hub answers; epoch {epoch} serves, {members} members": (
        "联盟中心有应答；当前密钥周期为 {epoch}，共 {members} 家成员机构"
    ),
    "arithmetic: {backend}": "运算后端：{backend}",
    "identifiers: {norm}, data as pinned": "标识规范：{norm}，数据版本与规定一致",
    "identifiers: {norm}, but its data are of other versions than pinned": "标识规范：{norm}，但数据版本与规定不一致",
    "{folder} can be written by others": "{folder} 可被其他用户写入",
    "the passphrase lies beside the keys that it seals": "口令与其保护的密钥放在一起",
    "the certificate is expired": "证书已过期",
    "the certificate ends in {days} days": "证书将在 {days} 天后到期",
    "the certificate is good for {days} days": "证书在 {days} 天内有效",
    "the alliance's CA is expired": "联盟 CA 证书已过期",
    "the alliance's CA ends in {days} days": "联盟 CA 证书将在 {days} 天后到期",
    "the alliance's CA is good for {days} days": "联盟 CA 证书在 {days} 天内有效",
    "epoch {epoch} ends in {days} days": "密钥周期 {epoch} 将在 {days} 天后结束",
    "epoch {epoch} is good for {days} days": "密钥周期 {epoch} 在 {days} 天内有效",
    "{count} decisions are to be revisited": "有 {count} 项处理需要复查",
    "See member-client recalls list": "请查看 member-client recalls list",
    "a damaged log of decisions was set aside: {path}": "已移开损坏的处理记录：{path}",
    "What lies in it is held against no recall: restore decisions.sqlite3 from a backup, then remove it.": (
        "其中的记录不再与召回比对：请从备份恢复 decisions.sqlite3，然后删除该文件。"
    ),
    "{count} claims that this machine filed expire within 30 days": "本机报送的记录中有 {count} 条将在 30 天内到期",
    "the filter's snapshot ends in {days} days": "过滤器快照将在 {days} 天后到期",
    "the directory names another identity key for this member": "成员目录中本机构的身份密钥与本机不符",
    "the directory names this member's identity key": "成员目录中本机构的身份密钥与本机一致",
    "the hub was found to keep {count} own entries from readers": (
        "曾发现联盟中心不让其他成员看到本机构的 {count} 条记录"
    ),
    "there is no filter": "没有过滤器",
    "the filter is {seconds} s old: {listings} listings": "过滤器更新于 {seconds} 秒前：{listings} 个在册标识",
    "this machine's clock is behind the hub's": "本机时钟慢于联盟中心",
}
"""What `doctor` finds."""
