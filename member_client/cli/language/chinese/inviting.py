"""What `member-client admin invite` says, with a list above all."""

from typing import Final

INVITE_SPOKEN: Final = {
    "give MEMBER and --out for one, or --csv and --out-dir for a list": (
        "邀请一个成员须给出 MEMBER 和 --out，按名单邀请须给出 --csv 和 --out-dir"
    ),
    "{file}: the list cannot be read": "{file}：无法读取名单文件",
    "the list names nobody": "名单中没有任何成员",
    "nothing was done: correct these rows, or leave them out by --skip-bad": (
        "未作任何操作：请更正上述各行，或用 --skip-bad 略过"
    ),
    "row {row} is refused: {why}": "第 {row} 行未受理：{why}",
    "{todo:,} to invite, {ready:,} done before, {refused:,} refused": (
        "待邀请 {todo:,} 个，先前已完成 {ready:,} 个，未受理 {refused:,} 个"
    ),
    "{made:,} were proposed; run the same command again, and it goes on": (
        "已提案 {made:,} 项；再次运行同一命令即可继续"
    ),
    "Inviting": "正在邀请",
    "give the ids of proposals, or --all-of with a list": "请给出提案编号，或以 --all-of 给出名单",
    "row {row} of the list cannot be used: nothing was signed": "名单第 {row} 行无法使用：未作任何签名",
    "row {row} is proposed more than once: nothing was signed": "名单第 {row} 行有多项提案：未作任何签名",
    "row {row} is proposed with another name or role: nothing was signed": (
        "名单第 {row} 行的提案名称或角色不同：未作任何签名"
    ),
    "no invitation of this list waits": "名单上没有待决定的邀请",
    "{made:,} proposed; another admin decides: member-client admin proposals": (
        "已提案 {made:,} 项；由另一位管理员决定：member-client admin proposals"
    ),
    (
        "stopped: this admin has as many open proposals as one may, and {left:,} are left. Once another admin "
        "has decided some, run the same command again: it goes on where it stopped"
    ): (
        "已停止：该管理员未决定的提案已达上限，尚余 {left:,} 个。待另一位管理员决定其中一部分后，"
        "请再次运行同一命令，将从停止处继续"
    ),
    "the bundles in {folder} hold tokens: send each by a channel that both sides trust": (
        "{folder} 中的入盟包含有邀请令牌：请逐一经双方信任的渠道送交"
    ),
}

INVITE_HELP: Final = {
    "Propose to invite somebody, and write their enrolment bundle; or all on a list.": (
        "提议邀请一个成员并写出其入盟包；也可邀请名单上的全部成员。"
    ),
    (
        "The bundle works once another admin approved, for 24 hours from then on. Send it by a channel that both sides "
        "trust. A list is shown first; run the same command again after a stop, and it goes on. Example:"
    ): (
        "另一位管理员批准后入盟包方可使用，自批准起 24 小时内有效。请经双方信任的渠道送交。名单会先行显示；"
        "中断后再次运行同一命令即可继续。例如："
    ),
    "Invite all on a list: id,display_name,role in the first line.": (
        "邀请名单上的全部成员；首行为 id,display_name,role。"
    ),
    "With --csv: where bundles are written, ID.json.": "与 --csv 合用：写入入盟包的文件夹，文件名为 ID.json。",
    "The invitations on this list, as admin invite --csv takes it.": (
        "名单上各成员的邀请，格式同 admin invite --csv。"
    ),
    "With --csv: leave out rows that are refused.": "与 --csv 合用：略过未受理的行。",
}

INVITE_WORDS: Final = {
    "What is done": "操作",
    "propose; its bundle is there": "提案；入盟包已存在",
    "nothing: it is done": "无须操作：已完成",
    "the file is larger than 1 MiB: split it": "文件超过 1 MiB：请拆分",
    "the file is no CSV in UTF-8: export it as that": "文件不是 UTF-8 编码的 CSV：请按此格式导出",
    "the first line names the columns: id, display_name and, where it is wanted, role": (
        "首行须为列名：id、display_name，以及需要时的 role"
    ),
    "the row has more or fewer cells than the first line": "该行的单元格数与首行不符",
    "an id has 1 to 32 of a-z, 0-9 and inner hyphens, and is not 'hub'": (
        "编号由 1 至 32 个 a-z、0-9 和中间的连字符组成，且不得为 hub"
    ),
    "the id stands in an earlier row": "该编号已在前面的行中出现",
    "a display name has 1 to 200 bytes that print": "名称须为 1 至 200 字节的可显示字符",
    "the file that is there is no bundle of this member's from this hub": (
        "已有的同名文件不是本联盟中心为该成员出具的入盟包"
    ),
    "its bundle was never proposed and is too old: move it away": "其入盟包从未提案且已过旧：请将其移走",
    "its proposal was rejected, withdrawn or has expired: move its bundle away to propose it again": (
        "其提案已被否决、撤回或已过期：如需重新提案，请先移走入盟包"
    ),
    "it was proposed with another role or name: correct the list, or withdraw the proposal": (
        "提案中的角色或名称与名单不同：请更正名单，或撤回该提案"
    ),
    "its invitation is proposed already, and the bundle is not here": "其邀请已提案，但入盟包不在此处",
    "it was invited before, and the bundle is not here: invite it alone if that was lost": (
        "先前已邀请，但入盟包不在此处：如已遗失，请单独邀请"
    ),
    "the hub would not invite it: it is a member already, or was invited with another role": (
        "联盟中心不会邀请它：它已是成员，或先前以其他角色受邀"
    ),
}
