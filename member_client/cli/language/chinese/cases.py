"""What police cases say: errors and advice, and `member-client case` for liaisons and approvers."""

from typing import Final

CASE_CLASSES: Final = {
    "SuspectsNotEvaluated": "提交的标识未在本案件下查询，或已提交过",
    "CaseOutOfScope": "案件的请求超出联络机构、法律文书或申请的范围",
    "InstrumentExpired": "法律文书已过期",
    "InstrumentExhausted": "超出该法律文书可查询的标识数量",
    "CaseStateConflict": "案件的当前状态不允许此操作",
    "AnotherApproverNeeded": "该职能的审批人已作出决定，须由另一职能的审批人决定",
    "TwoOfficersNeeded": "须由联络机构两名已登记的办案人各以本人密钥签署",
    "ReplyWindowClosed": "案件目前不接受答复",
    "AttachmentMismatch": "附件与签署的内容不符",
}

CASE_WORDS: Final = {
    "These suspects were not evaluated under this case, or were submitted before.": (
        "这些标识未在本案件下查询，或已提交过。"
    ),
    "The case asks for more than its liaison, its instrument or its request covers.": (
        "案件的请求超出联络机构、法律文书或申请的范围。"
    ),
    "The legal instrument's time is over.": "法律文书已过期。",
    "More suspects than may be asked about under this instrument.": "超出该法律文书可查询的标识数量。",
    "The case's state does not permit this; look at the case again.": "案件的当前状态不允许此操作；请重新查看案件。",
    "An approver of this function decided already; one of the other is needed.": (
        "该职能的审批人已作出决定，须由另一职能的审批人决定。"
    ),
    "Two registered officers of the liaison sign this, each with their own key.": (
        "须由联络机构两名已登记的办案人各以本人密钥签署。"
    ),
    "Replies to this case are not taken now: too early, or too late.": "案件目前不接受答复：尚早或已逾期。",
    "The attachment is not what was signed: its size, digest or where it goes on.": (
        "附件与签署的内容不符：大小、摘要或续传位置有误。"
    ),
    "Go on with the case by its own command (member-client case match), which evaluates before it submits.": (
        "请以 member-client case match 继续办理：先查询，后提交。"
    ),
    "Ask for fewer categories or a shorter look-back, or have the admins set the liaison's scope.": (
        "请减少类别或缩短回溯期，或请管理员设定联络机构的权限范围。"
    ),
    "Obtain a new instrument, and open a case under it.": "请取得新的法律文书，并据此新建案件。",
    "Ask about fewer, or obtain another instrument.": "请减少查询数量，或取得另一份法律文书。",
    "Look where the case is (member-client case status).": "请查看案件进展（member-client case status）。",
    "Have an approver of the other function decide.": "请由另一职能的审批人决定。",
    "Register both officers (member-client operator); the second one signs (member-client case submit).": (
        "请登记两名办案人（member-client operator）；由第二办案人签署（member-client case submit）。"
    ),
    "Wait until its window opens; after it has closed, tell the liaison's office.": (
        "请等待答复期开始；答复期已过的，请告知联络机构。"
    ),
    "The member has as many attachments to the case, or as large ones, as it may.": (
        "本机构在该案件中的附件数量或大小已达上限。"
    ),
    "Release fewer or smaller files, or put several into one archive.": (
        "请减少文件数量或大小，或将多个文件打包成一个。"
    ),
    "Use nothing of it, fetch it once more, and where it stays so ask the member to release the file anew and tell "
    "the alliance's admins.": (
        "请勿使用其任何内容，并重新获取；仍然如此的，请该成员重新提供该文件，并告知联盟管理员。"
    ),
    "See that the file was not changed since it was released, and attach it again.": (
        "请确认文件自提供以来未被改动，并重新附上。"
    ),
    "Case": "案件",
    "Number": "案号",
    "Liaison": "联络机构",
    "Instrument": "法律文书",
    "Valid until": "文书有效期至",
    "Scope": "类别范围",
    "Suspects": "涉案标识",
    "Look-back": "回溯期",
    "Officers": "办案人",
    "Urgent": "紧急事由",
    "Submitted": "提交时间",
    "Decide by": "审批期限",
    "Replies": "成员答复",
    "Ended": "终结时间",
    "State": "状态",
    "a name and a reason are texts": "名称和理由须为文本",
    "a verdict is one of {words}": "决定须为以下之一：{words}",
    "The hub shows a case at times, or with numbers, that there are not.": "联盟中心出示的案件时间或数量不成立。",
    "The hub shows a case that breaks the rules of cases.": "联盟中心出示的案件不符合案件规则。",
    "The hub shows a case that its officers and approvers did not sign so.": (
        "联盟中心出示的案件并非其办案人和审批人所签署。"
    ),
    "The hub shows a case in a state that this version does not know.": "联盟中心出示的案件状态为本版本所未知。",
    "The hub shows another case than was asked for.": "联盟中心出示的案件与所请求的不同。",
    "The hub shows other replies than those of the members that it asked.": "联盟中心出示的答复与其询问的成员不符。",
    "The hub took all suspects of a case, and shows it as if some were missing.": (
        "联盟中心已收到案件的全部标识，却显示为尚有缺失。"
    ),
    "The hub took a decision about a case and does not show it.": "联盟中心受理了案件的决定，却未予出示。",
    "The hub took the end of a case and shows it in another state.": "联盟中心受理了案件的终结，却出示另一状态。",
    "A case in the local store cannot be read.": "本地存储中的案件无法读取。",
    "A step of a case is not the one that its leaf hash stands for.": "案件步骤与其叶哈希不符。",
    "A step of a case does not commit to what was signed.": "案件步骤未承诺所签署的内容。",
    "A step of a case cannot be read.": "案件步骤无法读取。",
    "an officer of the case signs what is submitted, and nobody else": "只能由本案办案人签署所提交的内容",
    "this document is not the instrument that the officers signed for: nothing was decided": (
        "该文件并非办案人签署时所依据的法律文书：未作决定"
    ),
    "a case is about somebody, and no row of the list can be used": "案件须有涉案标识，而清单中没有可用的行",
    "a note has at most {bytes} bytes": "备注最多 {bytes} 字节",
    "the note is too long beside the longest of these identifiers": "备注与其中最长的标识合计过长",
    "a case's id has {bytes} bytes": "案件编号为 {bytes} 字节",
    "the officer who signs first is the one whom the case names first": "首先签署的须为案件所列的第一办案人",
    "the officer who signs second is the one whom the case names second": "其次签署的须为案件所列的第二办案人",
    "the second officer signs with a key of their own, and not with the first one's": (
        "第二办案人须以本人密钥签署，不得使用第一办案人的密钥"
    ),
    "a draft is signed and submitted within a day: withdraw it, and open the case anew": (
        "草稿须在一天内签署并提交：请撤回后重新建案"
    ),
    "There is no such case.": "没有这个案件。",
    "several cases go by this: give the first digits of the id, as lists show it": (
        "有多个案件与此相符：请按列表给出编号的前几位"
    ),
    "This machine keeps nothing of this case: go on where it was opened.": (
        "本机没有该案件的资料：请在新建该案件的机器上继续办理。"
    ),
    "the officers of the case ask for more time, and nobody else": "只能由本案办案人申请延期",
    "whoever asks for more time first gives a reason code of lower-case letters, digits and _": (
        "首先申请延期的办案人须给出理由代码，由小写字母、数字和 _ 组成"
    ),
    "a reason code is a word of up to 64 lower-case letters, digits and _": (
        "理由代码为最多 64 个小写字母、数字和 _ 组成的词"
    ),
    "a draft is withdrawn, and not closed: nobody was asked": "草稿只能撤回，不能办结：尚未询问任何成员",
    "the instrument's document cannot be read: there is no such file, or it is none": (
        "无法读取法律文书：文件不存在，或不是文件"
    ),
    "a case's number has no spaces and no nine digits in a row": "案号不得含空格，也不得含连续九位数字",
    "an instrument's number has no spaces and no nine digits in a row": "文书编号不得含空格，也不得含连续九位数字",
    "a look-back ends after it begins, and not in the future": "回溯期须先起后止，且不得止于将来",
    "two officers are named": "须列明两名不同的办案人",
    "the instrument's time is over": "法律文书已过期",
    "an instrument of this type does not last so long": "此类法律文书的有效期没有这么长",
    "an instrument of this type does not look back so far": "此类法律文书的回溯期没有这么长",
    "more suspects than an instrument of this type covers": "超出此类法律文书可查询的标识数量",
    "the sealed reply was changed, or is for somebody else": "密封的答复已被改动，或并非寄给本案",
    "the sealed reply is not padded as it should be": "密封的答复填充有误",
    "what was sealed cannot be read": "密封的内容无法读取",
    "the reply is of nobody who is a member of this alliance": "答复方不是本联盟的成员",
    "the reply is another one than the member signed": "答复并非该成员所签署的",
    "the release answers another request": "所提供的内容针对另一请求",
    "the release is another member's": "所提供的内容属于另一成员",
    "the release is about somebody whom the case is not about": "所提供的内容涉及本案之外的标识",
    "the release does not say about whom it is": "所提供的内容未说明涉及哪个标识",
    "a file of the release describes none": "所提供的文件描述不成立",
    "the release has several files under one id": "所提供的多个文件使用同一编号",
    "an attachment is of another case, or of another member": "附件属于另一案件或另一成员",
    "two operators of different keys approve a release": "须由两名密钥不同的经办人批准",
    "an operator's key is not vouched for": "经办人的密钥未经其机构登记",
    "the approval is of another release": "批准针对另一份内容",
}

CASE_SPOKEN: Final = {
    "kept as a draft: {case}": "已存为草稿：{case}",
    "submitted: {case}": "已提交：{case}",
    "asks about {items:,} identifiers; the instrument covers {limit:,}, of which {left:,} are left before this": (
        "查询 {items:,} 个标识；该文书上限为 {limit:,} 个，本案之前尚余 {left:,} 个"
    ),
    "looks back {days:,} days; an instrument of this type allows {limit:,}": (
        "回溯 {days:,} 天；此类文书最多 {limit:,} 天"
    ),
    "--period is 2026-01-01..2026-03-31, or 90d": "--period 的写法为 2026-01-01..2026-03-31（起止两日均含），或 90d",
    "{rows:,} rows, {repeated:,} repeated, {refused:,} refused": (
        "{rows:,} 行，重复 {repeated:,} 行，未受理 {refused:,} 行"
    ),
    "--until: {fault}": "--until：{fault}",
    "all {items:,} suspects are in; {asked:,} members are asked": "{items:,} 个标识均已提交；询问 {asked:,} 家成员",
    "kept; it is asked for once the other officer signs too": "已保存；待另一办案人签署后提出申请",
    "the draft is forgotten; nothing of it was sent": "草稿已删除；未发送任何数据",
    "  on the basis of: {basis}": "  法律依据：{basis}",
    "no member was asked": "没有询问任何成员",
    "{member}: did not reply in time": "{member}：逾期未答复",
    "{member}: DOES NOT VERIFY: {fault}": "{member}：核验不通过：{fault}",
    "no case waits for an approver": "没有待审批的案件",
    "there are no cases": "没有案件",
    "    file {name}, {size:,} bytes": "    文件 {name}，{size:,} 字节",
    "next: members reply until {time}": "下一步：等待成员答复，至 {time}",
    "refused by {approver}, {function}, {time}: {reason}": "{approver}（{function}）不同意，{time}：{reason}",
    "approved by {approver}, {function}, {time}: {reason}": "{approver}（{function}）同意，{time}：{reason}",
    "legal approver": "法务审批人",
    "duty officer": "值班负责人",
    "{replied} of {asked}, taken from {start} until {end}": "{asked} 家中已答复 {replied} 家，受理期 {start} 至 {end}",
    "{days:,} days, {start} to {end}": "{days:,} 天，{start} 至 {end}",
    "next: no member holds a matching claim; member-client case close {case}": (
        "下一步：没有成员持有相符记录；member-client case close {case}"
    ),
    "next: read what came: member-client case replies {case}": "下一步：查看答复：member-client case replies {case}",
    "next: more time waits for {approvers}": "下一步：延期待{approvers}审批",
    "more time was asked for: {reason}": "已申请延期：{reason}",
    "next: the second officer looks at it and signs: member-client case submit {case}": (
        "下一步：由第二办案人查看并签署：member-client case submit {case}"
    ),
    "next: it waits for {approvers}": "下一步：待{approvers}审批",
    "next: match it before the instrument ends: member-client case match {case}": (
        "下一步：在文书到期前比对：member-client case match {case}"
    ),
    "next: not all suspects are in: member-client case match {case} goes on": (
        "下一步：标识尚未全部提交：以 member-client case match {case} 继续"
    ),
}

CASE_HELP: Final = {
    "Ask members about suspects under a legal instrument, approve that, and release.": (
        "依据法律文书向成员查询涉案标识，审批，并提供内容。"
    ),
    "Approve a case, or the extension that it waits with, as it is shown.": "批准所显示的案件，或其延期申请。",
    (
        "Ask the liaison's office for the instrument. One approver of each function must agree, and you see nobody "
        "whom the case is about. For example:"
    ): "请向联络机构索取法律文书。两种职能的审批人须各有一名同意；您看不到案件涉及何人。示例：",
    "Refuse a case, which ends it, or an extension.": "不批准案件（案件即告终结），或不批准延期。",
    "Ask for more time for the members' replies, once a case.": "申请延长成员答复期，每案一次。",
    "Both officers ask, each with this command, and both approvers agree anew:": (
        "两名办案人各以本命令申请，并由两名审批人重新同意："
    ),
    "Close a case once its replies were handed over.": "在答复移交之后办结案件。",
    "Export what came first: the hub deletes it 30 days later. For example:": (
        "请先导出答复：联盟中心在 30 天后删除。示例："
    ),
    "Draw a case up from a list of suspects, and sign it as its first officer.": (
        "依据涉案标识清单拟定案件，并作为第一办案人签署。"
    ),
    (
        "It shows how much the case asks for before it asks for your passphrase. The list stays here, as a draft that "
        "the second officer signs and submits within a day. The hub learns how many it is about, and never whom:"
    ): (
        "先显示案件查询的范围，再要求输入口令。清单作为草稿保留在本机，由第二办案人在一天内签署并提交。"
        "联盟中心只知道数量，不知道涉及何人："
    ),
    "Look at a draft as its second officer, sign it with your own key, and submit it.": (
        "作为第二办案人查看草稿，以本人密钥签署并提交。"
    ),
    "You see what the first officer saw. Do it again where the hub was away:": (
        "您看到的与第一办案人所见相同。联盟中心无法连接时，可再次执行："
    ),
    "Evaluate the suspects of an approved case, and have members with matching claims asked.": (
        "对已批准案件的标识进行查询，并询问持有相符记录的成员。"
    ),
    (
        "Nobody is told what matched: those members reply, and no other learns of the case. After a break run it "
        "again; nothing counts twice. For example:"
    ): "命中情况不告知任何人：由相关成员答复，其他成员不知道案件的存在。中断后可再次执行，不会重复计数。示例：",
    "Open what members replied, and verify it: their signatures, and those of two of their staff.": (
        "打开并核验成员的答复：成员的签名及其两名经办人的签名。"
    ),
    (
        "It works where the case was opened, once the hub hands replies over. A reply that does not verify is named, "
        "and ends the command with 7:"
    ): "须在新建案件的机器上、联盟中心移交答复之后执行。核验不通过的答复会列明，命令以 7 退出：",
    "Print what was released too: see who stands behind you.": "同时显示所提供的内容：请留意身后是否有人。",
    "List your cases and drafts, or for approvers all cases, oldest first.": (
        "列出本机构的案件和草稿；审批人则列出全部案件，按时间先后。"
    ),
    "Those that wait for an approver.": "只列出待审批的案件。",
    "Show where a case is: its clocks, who decided with which reason, and what comes next.": (
        "查看案件进展：期限、各审批人的决定和理由，以及下一步。"
    ),
    "Take a case back, or forget a draft: its suspects leave this machine with it.": (
        "撤回案件，或删除草稿：其标识随之从本机删除。"
    ),
    "Reason code such as suspect_cleared, never free text.": "理由代码，例如 suspect_cleared，不得为自由文本。",
    "Reason code, by the officer who asks first; never free text.": (
        "理由代码，由首先申请的办案人给出；不得为自由文本。"
    ),
    "Why, up to 500 bytes; never an identifier of a person.": "理由，最多 500 字节；不得含个人标识。",
    "The case's number, or the first digits of its id: four or more.": "案号，或案件编号的前几位：至少四位。",
    "The officer who signs; asks for the passphrase.": "签署的办案人；将要求输入口令。",
    "The officer who signs second.": "第二办案人。",
    "The instrument's number.": "法律文书的编号。",
    "The instrument; it stays here, and approvers hold theirs against it.": (
        "法律文书；保留在本机，审批人以其所持文书与之核对。"
    ),
    "The legal instrument; refused where it is not what the officers signed for.": (
        "法律文书；与办案人签署时所依据的不同则不予受理。"
    ),
    "What to look for; read by who holds the identifier, up to 512 bytes.": (
        "请成员查找的内容；只有持有该标识的成员能够阅读，最多 512 字节。"
    ),
    "What you act under: {words}.": "所依据的法律文书：{words}。",
    "When the instrument ends: 2027-01-31 (as that day begins, UTC), or 90d.": (
        "文书何时到期：2027-01-31（该日开始之时，UTC），或 90d。"
    ),
    "Which claims are asked about: {words}; with commas.": "查询哪些类别的记录：{words}；以逗号分隔。",
    "Look-back: 2026-01-01..2026-03-31, both days included, or 90d until now.": (
        "回溯期：2026-01-01..2026-03-31（起止两日均含），或至今 90d。"
    ),
    "Why it is urgent: {words}.": "紧急事由：{words}。",
    "Your own number of the case; never a person's.": "本机构的案号；不得使用个人号码。",
}
