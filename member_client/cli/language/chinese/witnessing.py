"""What `member-client witness` and `admin witnesses` say: help, lines and words (witness 见证方, cosign 共同签署)."""

from typing import Final

WITNESS_SPOKEN: Final = {
    "list {number}: {quorum} of {count} witnesses must cosign": (
        "见证名单 {number}：{count} 个见证方中须有 {quorum} 个共同签署"
    ),
    "give this verifier key to two admins, by a channel that both sides trust": (
        "请经双方信任的渠道，将此验证公钥交给两位管理员"
    ),
    "cosigned {size:,} leaves of {log} at {at}": "已于 {at} 共同签署 {log}，叶数 {size:,}",
    "nothing cosigned yet": "尚未共同签署任何检查点",
    "not cosigned, and looked at again: {error}": "未共同签署，稍后再次查看：{error}",
}

WITNESS_HELP: Final = {
    "Witness the hub's log: cosign that it only grew, or refuse and tell.": (
        "见证联盟中心的日志：只增不改则共同签署，否则拒签并告知。"
    ),
    "Make this member's key as a witness, and print its verifier key for the admins.": (
        "生成本成员的见证密钥，并输出供管理员使用的验证公钥。"
    ),
    "Doing it again prints it again. Two admins put it on the list with admin witnesses propose. For example:": (
        "重复执行只会再次输出。由两位管理员用 admin witnesses propose 将其列入名单。示例："
    ),
    "Look at the hub's log again and again, and cosign it where it only grew.": (
        "反复查看联盟中心的日志，只增不改时共同签署。"
    ),
    (
        "A log that does not follow from what this witness remembers, or is smaller, is not cosigned: the command ends "
        "with exit code 7, and both checkpoints are kept as proof. While the hub is away, or this witness is on no "
        "list yet, it looks again. For example:"
    ): (
        "若日志与本见证方所记不相衔接，或有缩短，则不予签署：命令以退出码 7 结束，两个检查点均留作证据。"
        "联盟中心无法连接，或本见证方尚未列入名单时，会再次查看。示例："
    ),
    "Seconds between looks.": "两次查看之间的秒数。",
    "Look once, and end.": "只查看一次，然后结束。",
    "Tell how this member's witness stands, and who else is on the list.": (
        "显示本成员见证的状况，以及名单上的其他见证方。"
    ),
    "Show the witness list, propose another.": "查看见证名单，提议更换名单。",
    "Print the witness list in force: how many must cosign, and the verifier keys.": (
        "输出现行见证名单：须有多少见证方共同签署，以及各验证公钥。"
    ),
    "Propose another witness list; it takes the place of the one in force.": "提议更换见证名单；它将取代现行名单。",
    (
        "Take witnesses of different institutions, and a quorum that some of them may miss. Members that ask for a "
        "quorum wait for its witnesses. Example:"
    ): "请选不同机构的见证方，法定数应容许其中部分缺席。成员会等待达到法定数的共同签署。示例：",
    "Verifier keys, as witness init prints them: all, those that stay too.": (
        "验证公钥，格式同 witness init 的输出：须列出全部，包括保留者。"
    ),
    "So many must cosign before a member believes a checkpoint.": "成员采信一个检查点之前，须有这么多见证方共同签署。",
}

WITNESS_WORDS: Final = {
    "set_witnesses": "设定见证名单",
    "set_liaison_scope": "设定联络员权限",
    "Instruments": "法律文书",
    "Categories": "类别",
    "Quorum": "法定数",
    "Verifier keys": "验证公钥",
    "on the witness list in force": "在现行见证名单上",
    "not on the witness list in force": "不在现行见证名单上",
    "The hub's witness list does not verify.": "联盟中心的见证名单未能通过验证。",
    "The pinned witness list cannot be read.": "本地锁定的见证名单无法读取。",
    "The hub shows an older witness list than was seen, or another of its number.": (
        "联盟中心出示的见证名单早于曾见过的名单，或同一编号下内容不同。"
    ),
    "Fewer witnesses cosigned the hub's checkpoint of its log than must have.": (
        "共同签署联盟中心日志检查点的见证方少于法定数。"
    ),
    "Another witness of this member is at work.": "本成员的另一见证进程正在运行。",
    "Too few witnesses have cosigned the hub's log.": "共同签署联盟中心日志的见证方尚不足法定数。",
    "The hub's newest checkpoint is older than what this witness remembers.": (
        "联盟中心的最新检查点早于本见证方所记的检查点。"
    ),
    "this member has no witness's key: member-client witness init makes one": (
        "本成员没有见证密钥：可用 member-client witness init 生成"
    ),
    "this member's witness is not set up: member-client witness init does it": (
        "本成员的见证尚未设置：可用 member-client witness init 设置"
    ),
    "the witness's memory in {MEMORY_FILE} is gone, or is not this member's": (
        "{MEMORY_FILE} 中的见证记忆已丢失，或不属于本成员"
    ),
    "Give the admins the verifier key (member-client witness status): two of them put it on the list.": (
        "请将验证公钥（member-client witness status）交给管理员：由其中两位将其列入名单。"
    ),
    (
        "Ask the alliance's admins whether its witnesses run (member-client admin witnesses show). Where they do, the "
        "hub shows this machine another log than them."
    ): (
        "请询问联盟管理员各见证方是否在运行（member-client admin witnesses show）。若在运行，则联盟中心向本机出示的"
        "日志与向其出示的不同。"
    ),
}

WITNESS_CLASSES: Final = {
    "CosignatureRefused": "联盟中心未接受共同签署：其密钥不在现行见证名单上",
    "QuorumMissing": "共同签署联盟中心检查点的见证方少于两位管理员议定的数目",
}
