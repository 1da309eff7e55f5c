"""What `member-client case export` and `case verify` say of a case's bundle, and what the core says of one."""

from typing import Final

BUNDLE_SPOKEN: Final = {
    "{file} cannot be read ({reason})": "{file} 无法读取（{reason}）",
    "{file}: {files:,} files, {size:,} bytes, releases of {members:,} members": (
        "{file}：{files:,} 个文件，{size:,} 字节，{members:,} 家成员的提供内容"
    ),
    "{member}: its reply does not verify, and is left out": "{member}：答复未通过验证，未列入",
    "{name}: released and never uploaded; the manifest says so": "{name}：已列入提供内容但从未上传，清单已注明",
    "{name}: its member uploaded another file than it released; the manifest says so": (
        "{name}：该成员上传的并非所提供的文件，清单已注明"
    ),
    "it holds; verify it where it arrives: member-client case verify {file}": (
        "该案件包成立；接收方请验证：member-client case verify {file}"
    ),
    "--hub-key is 64 hexadecimal digits, or twelve words: is one mistyped?": (
        "--hub-key 应为 64 位十六进制数字，或十二个单词：请检查是否有误"
    ),
    "case {number} of {liaison} in {alliance}, made at {time} by officer {officer}": (
        "{alliance} 联络机构 {liaison} 的案件 {number}，由办案人 {officer} 于 {time} 制作"
    ),
    "holds  {what}": "成立  {what}",
    "note   {what}": "说明  {what}",
    "WRONG  {place}: {what}": "有误  {place}：{what}",
    "WRONG  and {count:,} more; --json has them": "有误  另有 {count:,} 项，见 --json",
    "this bundle does NOT hold: rely on nothing in it, and ask who made it for another copy": (
        "该案件包不成立：请勿采信其中任何内容，并向制作人另行索取"
    ),
    "the bundle holds, under the hub's key that you gave": "该案件包成立，以您给出的联盟中心密钥为准",
    "the bundle holds, if this is the hub's key; compare it with what the alliance publishes:": (
        "若以下确为联盟中心的密钥，该案件包成立；请与联盟公布的核对："
    ),
}

BUNDLE_HELP: Final = {
    "Write the bundle here, for example case-C-2026-88.tar.": "将案件包写入此处，例如 case-C-2026-88.tar。",
    "Overwrite FILE, once the new bundle is whole.": "新的案件包完整之后覆盖 FILE。",
    "Write a case's bundle: what members released, with everything that proves it.": (
        "写出案件包：成员提供的内容及其全部证明。"
    ),
    (
        "It works where the case was opened, once the hub hands replies over, and until 30 days after the case's end. "
        "The officer signs it. After a break run it again: attachments go on where they stopped. For example:"
    ): (
        "在新建该案件的机器上，于联盟中心移交答复之后、案件结束后 30 日之内可用。由办案人签署。"
        "中断后请重新运行：附件从中断处继续。例如："
    ),
    "Whoever gets the bundle verifies it: member-client case verify FILE": (
        "收到案件包者应予验证：member-client case verify FILE"
    ),
    "Bundle that 'case export' wrote.": "由 case export 写出的案件包。",
    "The hub's key, from elsewhere: 64 hexadecimal digits, or its twelve words.": (
        "从别处得到的联盟中心密钥：64 位十六进制数字，或其十二个单词。"
    ),
    "Verify a case's bundle, offline: with no profile, no hub and no settings.": (
        "离线验证案件包：无需身份目录、联盟中心或任何设置。"
    ),
    (
        "Every byte is looked at, every signature, and the proofs that the hub's log has each step in its order. What "
        "is wrong is listed with its place, and the exit code is 7. A bundle does not vouch for itself: give the hub's "
        "key, as the alliance publishes it, or compare the one that is printed:"
    ): (
        "逐字节检查，验证每个签名，以及联盟中心日志依次记有每一步骤的证明。有误之处连同位置列出，退出码为 7。"
        "案件包不能自证：请给出联盟公布的联盟中心密钥，或与打印的密钥核对："
    ),
}

BUNDLE_WORDS: Final = {
    # -- making one, and its files
    "{file}: there is no such folder, or it is one": "{file}：所在文件夹不存在，或其本身为文件夹",
    "{file} exists; nothing is overwritten without --force": "{file} 已存在；未给出 --force 时不予覆盖",
    "an officer of the case signs its bundle, and nobody else": "案件包只能由本案办案人签署",
    "The hub's directory leaves somebody out who took part in the case.": "联盟中心的名录缺少参与本案的一方。",
    "A member's release cannot be read.": "成员提供的内容无法读取。",
    "The bundle would not hold, and was not written: {fault}": "案件包不成立，未予写出：{fault}",
    "The bundle cannot be made: {fault}": "无法制作案件包：{fault}",
    "{file} cannot be written to this machine's disk.": "{file} 无法写入本机磁盘。",
    "The hub's log does not have every step of the case yet.": "联盟中心的日志尚未包含案件的每一步骤。",
    "more parties took part in this case than can be proven at once": "参与本案的各方过多，无法一次证明",
    "The hub has more of an attachment than there is.": "联盟中心所收附件的内容多于附件本身。",
    "The hub ended the upload of an attachment before all of it was there.": "附件尚未传完，联盟中心即结束了上传。",
    "The upload of an attachment was cut off.": "附件的上传中断。",
    "The download of an attachment was cut off.": "附件的下载中断。",
    "What a member says of a file describes none that can be opened.": "成员对附件的说明无法对应可打开的文件。",
    "{file} is being downloaded by another program": "{file} 正由另一程序下载",
    "an attachment's name has 1 to {count} bytes": "附件的文件名为 1 至 {count} 字节",
    "{file} is larger than 4 GiB: release it in pieces": "{file} 超过 4 GiB：请分件提供",
    "{file} changes while it is read: copy it, and release the copy": "{file} 在读取时发生变化：请复制后提供副本",
    "{file} exists, and is another file: nothing is overwritten": "{file} 已存在且为另一文件：不予覆盖",
    "{file} is not the file that was released.": "{file} 不是所提供的那个文件。",
    # -- export
    "opening and verifying the members' replies": "正在解封并验证成员答复",
    "fetching the proofs that each step is in the hub's log": "正在获取各步骤在联盟中心日志中的证明",
    "downloading attachments": "正在下载附件",
    "writing the bundle": "正在写出案件包",
    "verifying the bundle as a stranger would": "正在以第三方方式验证案件包",
    # -- places
    "header of {name}": "{name} 的文件头",
    "padding after {name}": "{name} 之后的填充",
    "end of the archive": "归档结尾",
    # -- what holds
    "the archive: every byte is as the manifest has it": "归档：每个字节均与清单一致",
    "the directory: who is who, as the hub signed it and its log proves": (
        "名录：各方身份由联盟中心签署，并经其日志证明"
    ),
    "the officers: the liaison vouches for both, and one of them signed the manifest": (
        "办案人：联络机构为两人担保，清单由其中一人签署"
    ),
    "the request: both officers signed it, and it keeps the rules of its instrument": (
        "申请：两名办案人均已签署，且符合其法律文书的规则"
    ),
    "the approvals: an approver of each function agreed to exactly this request": (
        "审批：两种职能的审批人均批准了这一申请"
    ),
    "the suspects: each was fixed before anybody approved": "涉案标识：每一个均在审批之前已固定",
    "the releases: each member signed its own, and two of its operators approved": (
        "提供内容：各成员签署本机构的内容，并由其两名操作员批准"
    ),
    "the attachments: each is the file that its member released": "附件：每一个均为成员所提供的文件",
    "the log: every step of the case is proven to be in it": "日志：案件的每一步骤均有在册证明",
    "the order: approved before it was matched, matched before it was answered": "顺序：先审批后匹配，先匹配后答复",
    "the summaries: both are there, as the officer signed them": "摘要：两种语言齐备，与办案人签署的一致",
    "{log} was cosigned by {names}": "{log} 由 {names} 会签",
    # -- the archive
    "cannot be read": "无法读取",
    "is missing": "缺失",
    "{name} is missing": "{name} 缺失",
    "is not where it belongs": "位置不对",
    "is there twice": "重复出现",
    "is not in the manifest": "不在清单中",
    "ends too soon": "不完整，提前结束",
    "was changed": "被改动",
    "was changed: {fields}": "被改动：{fields}",
    "{count} bytes follow it": "其后还有 {count} 字节",
    "is of another size than the manifest says": "大小与清单不符",
    "is not what the manifest says: its bytes were changed": "与清单不符：内容被改动",
    "is more than a bundle holds besides attachments": "超出案件包除附件外所能容纳的大小",
    "nothing else was looked at": "其余内容未作检查",
    "the manifest is of another format than this release reads": "清单的格式与本版本不同",
    "the manifest cannot be read": "清单无法读取",
    "the manifest is in another spelling": "清单的写法不符",
    "the manifest names files that no bundle has, or not in order": "清单列有案件包不应有的文件，或顺序有误",
    "the manifest names a file that is larger than files are": "清单列有过大的文件",
    # -- who signed
    "names another hub's key than the one that is given: this is not that alliance's case": (
        "所列联盟中心密钥与给出的不同：不是该联盟的案件"
    ),
    "names another case than the request": "所列案件与申请不同",
    "is signed by somebody who is no officer of the case": "签署人不是本案办案人",
    "is signed by an officer for whom nothing vouches that holds": "签署的办案人没有成立的担保",
    "is not what the officer signed in {file}": "与办案人在 {file} 中签署的不符",
    "an officer is somebody else than its file's name says": "办案人与其文件名不符",
    "the directory of the bundle has nobody of this name and role": "案件包的名录中没有此名称和角色",
    "is about somebody else than its name says": "所述与文件名不符",
    "an operator's registration cannot be read": "操作员的登记无法读取",
    "an operator is registered by another member": "操作员由其他成员登记",
    "an officer's key is not vouched for": "办案人的密钥没有担保",
    "two officers of different keys sign": "须由两名密钥不同的办案人签署",
    "the officers signed different things": "两名办案人签署的内容不同",
    "the extension is of another case": "延期属于其他案件",
    "a decision about a case cannot be read": "审批决定无法读取",
    "the decision is about something else": "审批决定针对其他内容",
    "a decision is of nobody who approves cases": "决定人不是案件审批人",
    "an approver had another instrument before them": "审批人所见法律文书不同",
    "an approver of each function must agree": "须两种职能的审批人均批准",
    # -- suspects, releases, attachments
    "the suspect is not among those that were approved": "该标识不在获批的标识之中",
    "a suspect's leaf cannot be read": "涉案标识的叶无法读取",
    "a suspect's leaf has a salt and an identifier": "涉案标识的叶应有盐值和标识",
    "is another suspect than its name says": "涉案标识与文件名不符",
    "is a suspect whom no member answered about": "没有成员就该标识答复",
    "answers about a suspect that is not among those of the bundle": "答复所涉标识不在案件包中",
    "a release cannot be read": "提供内容无法读取",
    "the release is another member's": "提供内容属于其他成员",
    "the release answers another request": "提供内容针对其他申请",
    "an operator's key is not vouched for": "操作员的密钥没有担保",
    "the approval is of another release": "批准针对其他提供内容",
    "two operators of different keys approve a release": "提供内容须由两名密钥不同的操作员批准",
    "the reply is to another case, or another member's": "答复属于其他案件或其他成员",
    "the member sent other contents than are shown": "成员发送的内容与所示不同",
    "does not say what the member signed": "与成员签署的内容不符",
    "is another file than its member released": "不是成员所提供的文件",
    "{name} is not here: the officer signed that its member did not upload it as it was released": (
        "{name} 不在其中：办案人签署说明其成员未按所提供的内容上传该附件"
    ),
    "is no file that a member released": "没有成员提供过该文件",
    "is no file that bundles have": "案件包不应有该文件",
    # -- the log
    "there is no checkpoint of its log that holds": "其所在日志没有成立的检查点",
    "is the checkpoint of another log than its name says": "检查点与文件名不符",
    "an event of the log has 32 bytes of salt": "日志事件应有 32 字节的盐值",
    "the log does not prove that the hub published it": "日志不能证明联盟中心公布过",
    "the log does not prove that it came to the hub": "日志不能证明其已送达联盟中心",
    "the log does not prove that suspects were submitted": "日志不能证明已提交涉案标识",
    "the log has an event of something else": "日志中的事件针对其他内容",
    "the log has an event of a refusal": "日志中的事件是一次拒绝",
    "was decided before it was submitted": "先于提交作出决定",
    "suspects were submitted before both had approved": "标识的提交先于两人批准",
    "suspects were evaluated before both had approved": "标识的查询先于两人批准",
    "suspects were submitted that were not evaluated under this case": "提交的标识有未在本案件下查询的",
    "more was evaluated than was approved": "查询的标识多于获批的数量",
    "something else was evaluated than the suspects of this case": "所查询的不是本案获批的标识",
    "was answered before it was matched": "答复先于匹配",
    "was approved when the instrument's time was over": "批准时法律文书已过期",
    "suspects were submitted when the instrument's time was over": "提交标识时法律文书已过期",
    "suspects were submitted by no officer of this case": "提交标识的不是本案办案人",
    "was signed before the request was drawn up": "签署早于申请的制作",
    "the bundle was made before the case's last step": "案件包的制作早于案件的最后一步",
}
