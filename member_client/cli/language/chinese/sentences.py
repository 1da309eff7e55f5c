"""The sentences with which the SDK and the hub say what happened."""

from typing import Final

SENTENCES: Final = {
    "More was asked for at once than the member may; it may again a little later.": (
        "短时间内的请求超过了本机构的突发额度；稍后即可继续。"
    ),
    "The hub failed; the call took no effect unless acknowledged.": "联盟中心出错；未经确认的调用没有生效。",
    "A field is missing or malformed.": "某个字段缺失或格式有误。",
    "The batch is empty or over its limit.": "批次为空或超过上限。",
    "An element is not a canonical group element; nothing was evaluated.": "某个元素不是规范的群元素；未作任何计算。",
    "A signature does not verify under the member's registered key.": "签名未能通过成员登记密钥的验证。",
    "No valid certificate of an active member was shown.": "未出示有效成员的有效证书。",
    "The caller's role does not permit this call.": "本机构的角色不允许该操作。",
    "This purpose is not open to the caller.": "本机构不得使用该用途。",
    "This purpose needs a consent root of 32 bytes.": "该用途需要 32 字节的同意承诺值。",
    "The header is stale, from the future, or another member's; check the clock.": (
        "请求头已过时、时间超前或属于其他成员；请检查时钟。"
    ),
    "profile is a Profile: Profile.load(folder), or AllianceClient.from_env()": (
        "profile 须为 Profile：用 Profile.load(folder) 取得，或改用 AllianceClient.from_env()"
    ),
    "deadline_ms is a whole number of milliseconds": "deadline_ms 须为整数毫秒",
    "a consent is made of bytes, a Path or a reference, and the name of a policy": (
        "同意凭据由字节、Path 或编号，加上政策名称构成"
    ),
    "consent is a Consent: Consent.of(...) makes one of evidence, a file or a reference": (
        "consent 须为 Consent：用 Consent.of(...) 由凭据、文件或编号生成"
    ),
    "ref repeats a field: refs are shown and kept, so take your own case or customer number": (
        "ref 与某个字段相同：ref 会被显示和保存，请使用贵机构自己的案件号或客户号"
    ),
    "request_id is a text of your own, such as the id of the application, and not an empty one": (
        "request_id 须为贵机构自己的非空文本，例如申请编号"
    ),
    "This id was used before with other content.": "该编号曾用于其他内容。",
    "The day's budget for this purpose is spent; it renews at 00:00 UTC.": "该用途当日的额度已用尽；UTC 零时更新。",
    "This epoch does not serve the call.": "该密钥周期不提供此项服务。",
    "There is no such thing, or it is not the caller's.": "没有这条记录，或不属于本机构。",
    "The filter was replaced or is not ready; ask for its header again.": "过滤器已更换或尚未就绪；请重新获取。",
    "The token is unknown, not approved yet, used or expired; ask the alliance, or for a new invitation.": (
        "令牌不被承认、尚未获批准、已使用或已过期；请询问联盟，或索取新的邀请函。"
    ),
    "The claim's fields break a rule of the taxonomy.": "报送记录的字段不符合分类规则。",
    "The expiry is past, or later than the retention table allows.": "到期日已过，或超过保存期限表的上限。",
    "A live claim of this contributor stands on this identifier in this category.": (
        "该报送方在该类别下对该标识已有有效的报送记录。"
    ),
    "Evidence of this level needs a liaison's countersignature.": "该证据等级须由警方联络员会签。",
    "More rows than contribution evaluations; evaluate each row first.": "行数多于已作的计算；请先逐行计算。",
    "The claim's status does not permit this change.": "报送记录的状态不允许该变更。",
    "The hub's storage is full; what was acknowledged is safe. Try again later.": (
        "联盟中心存储已满；已确认的内容安全。请稍后重试。"
    ),
    "The hub is busy or stopping; try again.": "联盟中心繁忙或正在停止；请重试。",
    "The member has enrolled, and its key waits to be confirmed.": "该成员已入盟，其密钥尚待确认。",
    "Too many enrolments were refused; try again a little later.": "被拒绝的入盟请求过多；请稍后再试。",
    "The admin has as many open proposals as it may; some must be decided first.": (
        "该管理员未决定的提案已达上限；须先决定其中一部分。"
    ),
    "No key of this member waits to be confirmed.": "该成员没有待确认的密钥。",
    "approve a key by its fingerprint: have the member read it to you, too": (
        "批准密钥须凭指纹词：请让该成员也读给您听"
    ),
    "The member has enrolled with another key than the proposal names.": "该成员入盟所用的密钥与提案所指的不同。",
    "These are not the twelve words of a fingerprint.": "这不是指纹的十二个词。",
    "These are the words of another key: somebody else may have enrolled.": (
        "这是另一密钥的指纹词：可能有他人冒名入盟。"
    ),
    "The certificate of this machine has ended.": "本机的证书已到期。",
    "The hub cannot be reached.": "无法连接联盟中心。",
    "The hub did not answer in time.": "联盟中心未能及时应答。",
    "The call was cut off.": "调用中断。",
    "The hub does not accept this member's certificate.": "联盟中心不接受本机构的证书。",
    "The hub does not permit this call.": "联盟中心不允许该调用。",
    "There is no such thing.": "没有这条记录。",
    "The hub failed.": "联盟中心出错。",
    "This is no receipt that the alliance's hub signed.": "这不是本联盟中心签名的回执。",
    "The hub's answer cannot be read.": "无法读取联盟中心的应答。",
    "Who answers at the hub's address shows no certificate of the alliance's CA.": (
        "在联盟中心地址应答的一方没有出示联盟 CA 签发的证书。"
    ),
    "The hub refused the call without a known reason.": "联盟中心拒绝了调用，原因不明。",
    "the process was forked after the client was used: make a client in each process": (
        "客户端使用后进程又被复制（fork）：请在每个进程中各自创建客户端"
    ),
    "A commitment in the local store cannot be read.": "无法读取本地存储中的承诺值。",
    "A run in the local store cannot be read.": "无法读取本地存储中的运行记录。",
    "This request id was used for other subjects within the last day.": "该请求编号在最近一天内曾用于其他对象。",
    "{path} cannot be opened for writing: look at its permissions and its disk": (
        "无法打开 {path} 进行写入：请检查权限和磁盘"
    ),
    "{path} cannot be written ({reason})": "无法写入 {path}（{reason}）",
    "The certificate cannot be read.": "无法读取证书。",
    "a notice is written in one of the languages {languages}": "告知书的语言只能是 {languages}",
    "The hub's buckets cannot be had: hits stay unconfirmed.": "无法取得分桶：命中仍待确认。",
    "The hub could not be asked in time.": "未能及时向联盟中心查询。",
    "The stream of buckets was cut off.": "分桶的传输中断。",
    "The hub sends buckets that were not asked for, or out of order.": "联盟中心发来的分桶未经请求或次序有误。",
    "A bucket holds more entries than any should.": "某个分桶的条目超出应有的数量。",
    "The hub sends entries of a bucket that are longer than any can be.": "联盟中心发来的分桶条目超出可能的长度。",
    "{path} cannot be read": "无法读取 {path}",
    "{path} cannot be read: {reason}": "无法读取 {path}：{reason}",
    "{path} is no enrolment bundle": "{path} 不是入盟包",
    "{path} is no enrolment bundle of format {format}": "{path} 不是格式 {format} 的入盟包",
    "{path}: {names} missing or malformed": "{path}：{names} 缺失或格式有误",
    "{path}: token is not {size} bytes in hexadecimal": "{path}：令牌不是 {size} 字节的十六进制数",
    "The certificate is not one that the alliance's CA issued to a member.": "证书不是联盟 CA 为成员签发的。",
    "The certificate was issued for another key.": "证书是为其他密钥签发的。",
    "The certificate names another member.": "证书属于其他成员。",
    "The certificate is expired.": "证书已过期。",
    "The hub's statement about the alliance's CAs does not verify.": "联盟中心关于联盟 CA 的声明未通过验证。",
    "The hub's statement names no CA, or what is none.": "联盟中心的声明未列出 CA，或所列的不是 CA。",
    "the CA's certificate cannot be read": "无法读取 CA 证书",
    "a sealed key is of another sort": "密封的密钥类型不符",
    "The hub acknowledges another number of rows than were sent.": "联盟中心确认的行数与发送的不符。",
    "The hub did not acknowledge a chunk in time.": "联盟中心未能及时确认一批数据。",
    "The stream of contributions was cut off.": "报送的传输中断。",
    "The hub acknowledges another chunk than was sent.": "联盟中心确认的批次与发送的不符。",
    "A verdict in the local store cannot be read.": "无法读取本地存储中的核验结果。",
    "Purpose {purpose} needs a {need}; nothing was sent.": "用途 {purpose} 缺少所需的依据；未发送任何数据。",
    "The hub's statement about a member does not verify.": "联盟中心关于某成员的声明未能通过验证。",
    "The hub names two identity keys of one member.": "联盟中心给出同一成员的两个身份密钥。",
    "The hub's statement about a member holds no key.": "联盟中心关于某成员的声明中没有密钥。",
    "Member {member} has another role than when it was first seen.": "成员 {member} 的角色与首次所见不同。",
    "Epoch {epoch} was destroyed, and is shown as one that serves.": "密钥周期 {epoch} 已销毁，却又被当作可用的出示。",
    "The hub shows a succession that cannot be read.": "联盟中心出示的继任声明无法读取。",
    "The hub shows a succession of another alliance, or one that changes nothing.": (
        "联盟中心出示的继任声明属于另一联盟，或未作任何更换。"
    ),
    "The hub shows a succession that does not follow the hub that is known here.": (
        "联盟中心出示的继任声明与本机所知的联盟中心不相衔接。"
    ),
    "Two admins whom this machine knows have not signed the hub's succession.": (
        "本机所知的管理员中没有两位签署联盟中心的继任声明。"
    ),
    "The hub shows no succession that is news here.": "联盟中心没有本机尚未知晓的继任声明。",
    "The hub shows another succession than was signed.": "联盟中心出示的继任声明与所签署的不同。",
    "The hub was restored from a backup and waits for two admins who sign its succession.": (
        "联盟中心由备份恢复，正在等待两位管理员签署继任声明。"
    ),
    "This is not the succession that the hub shows; look at it again.": "这不是联盟中心出示的继任声明；请重新查看。",
    "Member {member} has another identity key than when it was first seen.": (
        "成员 {member} 的身份密钥与首次所见不同。"
    ),
    "The hub gives a list whose pages do not end.": "联盟中心给出的列表分页没有终点。",
    "The hub's directory does not end.": "联盟中心的成员目录没有终点。",
    "The hub's statement about an epoch does not verify.": "联盟中心关于密钥周期的声明未能通过验证。",
    "The hub's statement about an epoch names another suite or no key.": (
        "联盟中心关于密钥周期的声明使用其他算法套件或没有密钥。"
    ),
    "Epoch {epoch} has another public key than when it was first seen.": "密钥周期 {epoch} 的公钥与首次所见不同。",
    "The hub names no epoch that serves now.": "联盟中心没有给出当前可用的密钥周期。",
    "The hub's evaluation does not verify under the epoch's key.": "联盟中心的计算结果未能通过密钥周期公钥的验证。",
    "The hub answers with shares of a split key, which this version cannot combine.": (
        "联盟中心以分片密钥应答，而本版本不能合并。"
    ),
    "The hub's suppression list does not verify.": "联盟中心的排除名单未能通过验证。",
    "The hub shows an older suppression list than was seen.": "联盟中心出示的排除名单早于曾见过的名单。",
    "The suppression list that is proposed cannot be read.": "提案中的排除名单无法读取。",
    "a policy's hash has 64 hexadecimal digits": "策略哈希值为 64 位十六进制数",
    "The journal of contributions cannot be read.": "无法读取报送日志。",
    "a value in {path} does not open: it was changed, or the key is another": (
        "{path} 中有一个值无法打开：已被更改，或密钥不同"
    ),
    "{path} is held by another process": "{path} 被其他进程占用",
    "{path} cannot be written: the disk is full or fails": "无法写入 {path}：磁盘已满或发生故障",
    "{path} cannot be used": "{path} 无法使用",
    "{path} is damaged or no store": "{path} 已损坏，或不是本地存储",
    "The channel to the hub was closed.": "与联盟中心的连接已关闭。",
    "This request id was used for other content within the last day.": "该请求编号在最近一天内曾用于其他内容。",
    "This request id was used for other content.": "该请求编号曾用于其他内容。",
    "the client was closed while it was in use": "客户端在使用中被关闭",
    "An audit event is not the one that its leaf hash stands for.": "审计事件与其叶哈希不符。",
    "An audit event cannot be read.": "无法读取审计事件。",
    "The hub shows another actor's audit event.": "联盟中心出示了其他主体的审计事件。",
    "deadline_ms is a positive number of milliseconds": "deadline_ms 须为正的毫秒数",
    "The hub was not ready in time.": "联盟中心未能及时就绪。",
    "There is no filter yet.": "尚无过滤器。",
    "there is no enrolled profile in {folder}": "{folder} 中没有已入盟的身份",
    "{path}: missing {missing}, unknown {unknown}": "{path}：缺少 {missing}，未知 {unknown}",
    "{path}: every setting is a text in quotes": "{path}：每项设置都须是带引号的文本",
    "{path}: operator has at most {size} bytes": "{path}：operator 最多 {size} 字节",
    "{path}: default_region is no ISO 3166 code of a region": "{path}：default_region 不是 ISO 3166 地区代码",
    "{path}: hub_key is not an Ed25519 public key in hexadecimal": "{path}：hub_key 不是十六进制的 Ed25519 公钥",
    "{folder} holds an enrolled profile": "{folder} 中已有入盟的身份",
    "{folder} cannot be written: {reason}": "无法写入 {folder}：{reason}",
    "The invitation is expired.": "邀请函已过期。",
    "The hub's statement names another member or another identity key.": "联盟中心的声明属于其他成员或其他身份密钥。",
    "The hub's statement does not name this member as enrolled.": "联盟中心的声明未将本机构列为已入盟的成员。",
    "The hub shows a claim that this member did not sign.": "联盟中心出示了一条并非本机构签名的报送记录。",
    "The hub shows another member's claim.": "联盟中心出示了其他成员的报送记录。",
    "The hub shows a status of a claim that nobody signed.": "联盟中心出示的报送记录状态未经任何人签名。",
    "The hub shows a change of a claim's status that nobody signed.": (
        "联盟中心出示的报送记录状态变更未经任何人签名。"
    ),
    "ending a claim needs a reason code: up to 64 lower-case letters, digits and _": (
        "终止记录须有原因代码：至多 64 个小写字母、数字和下划线"
    ),
    "The hub took a claim's end and shows the claim as it was.": "联盟中心接受了记录的终止，却仍出示原来的报送记录。",
    "The hub shows another claim than was asked for.": "联盟中心出示的报送记录与所请求的不符。",
    "an entry id has {size} bytes": "记录编号须为 {size} 字节",
    "people are screened for one of these purposes: {words}": "筛查的用途只能是以下之一：{words}",
    "on_unavailable is one of {words}": "on_unavailable 只能是以下之一：{words}",
    "this is not what the claim is about: an amendment keeps identifier, kind and category": (
        "与该报送记录所述不符：更正须保持标识、类型和类别不变"
    ),
    "the row is refused: {reason}. {how_to_fix}": "该行未受理：{reason}。{how_to_fix}",
    "The claim is {status}, and only an active one is amended.": "该报送记录的状态为 {status}：只能更正有效的记录。",
    "The claim waits to be re-tagged: run member-client retag first.": (
        "该报送记录尚待转入新的密钥周期：请先运行 member-client retag。"
    ),
    "The hub shows a claim as re-tagged by one that says something else.": (
        "联盟中心把内容不同的记录说成是同一条报送记录的新标签。"
    ),
    'columns is like {{"phone": "mobile"}}; the fields are {words}': (
        'columns 的写法如 {{"phone": "mobile"}}；可用的字段有 {words}'
    ),
    "columns names one column for two fields": "columns 把同一列用于两个字段",
    (
        "{option} {column} is a column of identifiers: refs are kept in results, so name a column with your own case "
        "or customer numbers"
    ): "{option} 指定的 {column} 是标识所在的列：编号会保留在结果中，请改用贵机构自己的案件编号或客户编号列",
    "missing column {missing}; columns found: {found}; nothing was sent": (
        "缺少列 {missing}；现有的列：{found}；未发送任何数据"
    ),
    "column {column} stands there more than once": "列 {column} 出现多次",
    "{path}: it cannot be written, the disk is full; the earlier file is unchanged": (
        "{path}：磁盘已满，无法写入；原有的文件没有改动"
    ),
    "a consent's digest has 32 bytes": "同意凭据的摘要须为 32 字节",
    "the evidence of a consent is empty": "同意凭据为空",
    "the evidence of a consent cannot be read: {reason}": "无法读取同意凭据：{reason}",
    "unknown fields {names}: the fields are {words}": "未知的字段 {names}：可用的字段有 {words}",
    "fields {names} are not texts": "字段 {names} 不是文本",
    "The filter's statements in the local store cannot be read.": "无法读取本地存储中的过滤器声明。",
    "The filter's header is of another epoch or format.": "过滤器的文件头属于其他密钥周期或格式。",
    "The filter's header states an impossible shape.": "过滤器的文件头声明了不可能的规格。",
    "The filter's size or prefix does not fit its number of listings.": "过滤器的大小或前缀与在册标识的数量不符。",
    "The filter's heartbeat is about another filter than its header.": "过滤器的心跳与文件头不属于同一过滤器。",
    "The filter's heartbeat claims to last longer than five minutes.": "过滤器的心跳声称有效期超过五分钟。",
    "The hub's filter lies in this machine's future by more than two minutes.": (
        "联盟中心的过滤器比本机时间超前两分钟以上。"
    ),
    "A delta of the filter covers no sequence.": "过滤器的增量不含任何序号。",
    "The hub's statement {name} does not verify.": "联盟中心的声明 {name} 未能通过验证。",
    "The hub shows an older filter snapshot than before.": "联盟中心出示了比以前更旧的过滤器快照。",
    "The hub shows an older filter heartbeat than before.": "联盟中心出示了比以前更旧的过滤器心跳。",
    "The marks of the filter in the local store cannot be read.": "无法读取本地存储中的过滤器标记。",
    "The filter cannot be written to this machine's disk.": "无法把过滤器写入本机磁盘。",
    "The hub sends the filter's bits out of order or too many.": "联盟中心发来的过滤器数据次序有误或过多。",
    "This machine's disk is full.": "本机磁盘已满。",
    "The filter's bits are not those that the hub signed.": "过滤器的数据与联盟中心签名的不符。",
    "The filter is not ready, or was replaced again and again while it was fetched.": (
        "过滤器尚未就绪，或在下载期间多次更换。"
    ),
    "The download of the filter was cut off.": "过滤器的下载中断。",
    "The filter's bits have another length than its header says.": "过滤器数据的长度与文件头不符。",
    "The filter's bits do not fit its number of listings.": "过滤器的数据与在册标识的数量不符。",
    "A delta is for another filter.": "增量属于其他过滤器。",
    "The deltas of the filter leave a gap.": "过滤器的增量之间有缺口。",
    "A delta sets more bits than its claims could, or fills the filter.": (
        "增量设置的位多于其报送记录所能产生的数量，或填满了过滤器。"
    ),
    "A delta does not fit the filter's bits.": "增量与过滤器的数据不符。",
    "The certificate is not valid yet.": "证书尚未生效。",
    "The hub shows a claim as standing that this member withdrew.": "联盟中心把本机构已撤回的记录当作有效记录出示。",
    "The hub shows a claim in a row's way that is about something else.": (
        "联盟中心出示了一条与该行无关的记录，作为拒绝该行的理由。"
    ),
    "the pins in {path} are gone, or not those that this member's store was used with": (
        "{path} 中的锁定记录已丢失，或与本机存储所用的不同"
    ),
    "Another call is reading this answer: ask again.": "另一调用正在读取该应答：请重试。",
    "a resource is one of {known}": "资源为以下之一：{known}",
    "a number of items is {least} to {MAX_ITEMS}": "数量为 {least} 至 {MAX_ITEMS}",
    "a role is member, admin, liaison, auditor, reviewer, legal_approver or duty_officer": (
        "角色为 member、admin、liaison、auditor、reviewer、legal_approver 或 duty_officer"
    ),
    "a scope has instruments and categories, or neither": "权限须同时含法律文书和类别，或两者皆无",
    "a reason has 1 to {MAX_REASON_BYTES} bytes": "理由的长度为 1 至 {MAX_REASON_BYTES} 字节",
    "a reason has 1 to {MAX_REASON_BYTES} bytes, and no nine digits in a row": (
        "理由的长度为 1 至 {MAX_REASON_BYTES} 字节，且不得含连续九位数字"
    ),
    "several proposals begin so: give more digits": "有多项提案以此开头：请多给几位",
    "The renewed certificate cannot be kept.": "更新后的证书无法保存。",
    "this version does not know the change: approve it with a newer one": "本版本不认识该变更：请用更新的版本批准",
    "There is no such proposal.": "没有这项提案。",
    "{destination} exists; nothing was changed": "{destination} 已存在；未作任何变更",
    "{destination} cannot be written; nothing was changed": "{destination} 无法写入；未作任何变更",
    "The hub shows another proposal than was made.": "联盟中心显示的提案与所提出的不同。",
    "The hub shows a decision about another proposal.": "联盟中心显示的决定属于另一项提案。",
    "The hub shows a proposal that this version cannot read.": "联盟中心显示的提案本版本无法读取。",
    "The hub shows a proposal that no admin signed.": "联盟中心显示的提案未经任何管理员签名。",
    "The heartbeat tells of changes that the hub did not give.": "心跳提到的变更联盟中心没有给出。",
}
"""English sentence → Chinese; where one is missing, the class's own meaning stands before the English."""
