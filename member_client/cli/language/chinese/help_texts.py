"""The help of commands, by paragraphs, and of their arguments and options."""

from typing import Final

COMMANDS: Final = {
    "Look at some of this member's own entries, as any reader does.": "像其他成员那样查看本机构的部分记录。",
    (
        "They are drawn at random from those that this machine filed. A client that stays open looks at a few about "
        "once an hour. One that the hub keeps from readers, while it says that it lives, ends with exit code 7:"
    ): (
        "从本机报送的记录中随机抽取。保持打开的客户端大约每小时抽查几条。若联盟中心称某条记录有效，却不让其他成员看到，"
        "则以退出码 7 结束："
    ),
    "How many to draw.": "抽取多少条。",
    "Fight organised fraud together with other lenders, without showing them your customers.": (
        "与其他信贷机构共同防范有组织欺诈，而不向对方披露您的客户。"
    ),
    "Identifiers never leave this machine: the hub sees blinded points, counts and purposes. A first day:": (
        "标识从不离开本机：联盟中心只看到盲化后的点、数量和用途。首次使用："
    ),
    (
        "Exit codes: 0 done, 2 usage, 3 not enrolled, 4 finished but some rows refused, 5 hub away, 6 denied, 7 "
        "integrity: stop and call someone, 10 and 11 by --fail-on, 130 interrupted: run it again."
    ): (
        "退出码：0 完成，2 用法有误，3 尚未入盟，4 已完成但有行未受理，5 联盟中心不可用，6 被拒绝，7 完整性告警：请停止"
        "使用并联系安全负责人，10 和 11 由 --fail-on 触发，130 被中断：请重新运行。"
    ),
    "For example:": "例如：",
    "Enrol this machine with the bundle of your invitation.": "用邀请函中的入盟包为本机办理入盟。",
    (
        "Keys are made here and stay here; the bundle's token works once. The alliance lets you in when you have read "
        "the words that are printed to its admins by telephone. Example:"
    ): (
        "密钥在本机生成并留在本机；入盟包中的令牌只能使用一次。请通过电话将显示的各词读给联盟的管理员，之后联盟方准许使用。"
        "例如："
    ),
    "Bring the filter, keys and member directory up to date.": "更新过滤器、密钥和成员目录。",
    "Screening does this by itself; alone it shows whether the hub can be reached. Example:": (
        "筛查时会自动更新；单独运行可检查能否连接联盟中心。例如："
    ),
    "Look for what keeps this machine from working, and say how to mend it.": (
        "检查本机无法正常工作的原因，并说明如何解决。"
    ),
    "Check one identifier against the claims of the other members.": "用其他成员的报送记录核查一个标识。",
    "The value is asked for where - stands for it, and never leaves this machine:": (
        "以 - 代替时会提示输入该值；该值从不离开本机："
    ),
    "Put -- before a value that starts with a dash:": "值以短横线开头时，请在前面加 --：",
    "Screen a file of customers. Identifiers stay on this machine.": "筛查一个客户文件。标识不离开本机。",
    "Wide format, several identifiers a row:": "宽格式，每行多个标识：",
    "Long format, columns kind and identifier:": "长格式，含 kind 和 identifier 两列：",
    (
        "Rows are numbered from 1, the header not counted. A row that cannot be used goes to the refused file with the "
        "reason and without the value, and the others go on."
    ): "行号从 1 开始，不计表头。无法使用的行连同原因写入未受理文件，不写入其值，其余各行继续处理。",
    (
        "--dry-run reads the file, says how many identifiers would be asked about and which rows refused, and sends "
        "nothing. A run that stops prints its id: the same command with --resume and this id goes on within a day, and "
        "asks and pays for nothing twice. Without --resume all is asked anew. A job that may be killed names its run "
        "beforehand, with --run-id."
    ): (
        "--dry-run 只读取文件，说明将查询多少个标识、哪些行不予受理，不发送任何数据。运行中止时会打印其编号：一天之内用"
        "同一命令加上 --resume 和该编号，即从中止处继续，已查询的不再查询，也不重复计费。不加 --resume 则全部重新查询。"
        "可能被强行终止的任务请事先用 --run-id 为运行命名。"
    ),
    (
        "Exit codes: 0 done, 4 some rows refused, 5 hub away or rows not settled, 6 denied or out of budget, 7 "
        "integrity, 10 and 11 by --fail-on, 130 interrupted."
    ): (
        "退出码：0 完成，4 有行未受理，5 联盟中心不可用或有行未能得出结论，6 被拒绝或额度用尽，7 完整性告警，10 和 11 "
        "由 --fail-on 触发，130 被中断。"
    ),
    "Contribute a list. Identifiers stay on this machine.": "报送一份名单。标识不离开本机。",
    (
        "Long format, columns kind, identifier and, if you like, category, role, evidence, expires, observed_from, "
        "observed_to, evidence_file:"
    ): (
        "长格式，含 kind、identifier 列，另可含 category、role、evidence、expires、observed_from、observed_to、"
        "evidence_file 列："
    ),
    (
        "A word in a row goes before the option. A row that says something else than your claim on the same identifier "
        "in the same category is refused; with --amend it takes that claim's place."
    ): (
        "行内的取值优先于选项。某行与本机构在同一类别下对同一标识的报送记录内容不同的，不予受理；加上 --amend 则以该行"
        "取代原记录。"
    ),
    (
        "--dry-run counts what is new, unchanged, changed and refused, and sends nothing. After a break run the same "
        "command again: what stands already is unchanged. Rows that were asked about and not filed yet are asked "
        "about, and charged, once more. Where --expires is a "
        "duration, add --resume with the id that the run printed when it stopped: 90d then counts from the day on "
        "which it began."
    ): (
        "--dry-run 只统计新增、无变化、有变化和未受理的行，不发送任何数据。中断后请重新运行同一命令：已报送的记录计为无"
        "变化；已查询而未报送的行会再次查询并计费。"
        "--expires 为期限的，请加上 --resume 和运行中止时打印的编号：90d 即从该次运行开始之日起算。"
    ),
    (
        "Exit codes: 0 done, 4 some rows refused, 5 hub away, 6 denied or out of budget, 130 interrupted."
    ): "退出码：0 完成，4 有行未受理，5 联盟中心不可用，6 被拒绝或额度用尽，130 被中断。",
    "List, find, show, amend, withdraw and recall your own claims; have them countersigned.": (
        "列出、查找、查看、更正、撤回和召回本机构的报送记录；请求会签。"
    ),
    "List your own claims, oldest first.": "列出本机构的报送记录，最早的在前。",
    "Find your own claims about an identifier, among those filed from here.": (
        "查找本机构从本机报送的、关于某个标识的记录。"
    ),
    "The value is looked up in the journal of this machine and sent nowhere:": (
        "只在本机的报送日志中查找，该值不发送到任何地方："
    ),
    "Show one of your own claims.": "查看本机构的一条报送记录。",
    "Withdraw one of your own claims, for good.": "永久撤回本机构的一条报送记录。",
    "Recall one of your own claims: it should never have been.": "召回本机构的一条报送记录：该记录本不应存在。",
    (
        "A withdrawal says that a claim holds no longer. A recall is told to every member at once, and each revisits "
        "what it decided because of the claim:"
    ): "撤回表示记录不再成立；召回则立即通知所有成员机构，由其逐一复查因该记录作出的决定：",
    "Replace one of your own claims by one that says something else.": (
        "更正本机构的一条报送记录：以内容不同的新记录取代。"
    ),
    (
        "Identifier, kind and category stay, and so does what is not named; the end comes earlier where the new claim "
        "may not live as long. The old claim ends as the new one lands, which has an entry id of its own. The "
        "identifier is asked for where - stands for it:"
    ): (
        "标识、类型和类别不变，未指定的内容也不变；新记录允许的期限较短的，到期日相应提前。新记录生效时原记录同时终止，新记录另有记录编"
        "号。以 - 代替标识时会提示输入："
    ),
}
"""Paragraphs of commands; examples are not translated."""

OPTIONS: Final = {
    "Folder of the profile; else ~/.config/alliance/default.": "身份目录；未指定时为 ~/.config/alliance/default。",
    "Print one JSON document on standard output.": "在标准输出上打印一份 JSON 文档。",
    "No progress and no notes.": "不显示进度和提示。",
    "No colours.": "不使用颜色。",
    "zh-CN or en; else {variable}, else the locale.": "zh-CN 或 en；未指定时依次取 {variable} 和系统语言。",
    "Print the version.": "打印版本。",
    "Show this message and exit.": "显示本帮助并退出。",
    "Install completion for the current shell.": "为当前 shell 安装命令补全。",
    "Show completion for the current shell, to copy it or customize the installation.": (
        "显示当前 shell 的命令补全脚本，以便复制或自行安装。"
    ),
    "The bundle that the alliance's office sent.": "联盟办公室发来的入盟包。",
    "What the value is: {fields}.": "值的类型：{fields}。oaid、idfa、android_id 和 mac 是设备标识的种类。",
    "The identifier; - asks for it, out of the shell's history.": (
        "标识；用 - 代替则提示输入，不留在 shell 的历史记录中。"
    ),
    "Ask so many times more, and tell how long it takes.": "再重复询问这么多次，并报告所需时间。",
    "CSV (UTF-8, GB18030), JSONL, Excel (of several sheets: FILE#SHEET) or Parquet.": (
        "CSV（UTF-8、GB18030）、JSONL、Excel（有多个工作表时：FILE#SHEET）或 Parquet 文件。"
    ),
    "Why: {purposes}.": "用途：{purposes}。",
    (
        "What the purpose rests on: a reference to the consent or statement of basis in your records, or @FILE for the "
        "document. The hub gets a salted commitment to it and nothing else."
    ): "用途的依据：贵机构留存的客户同意或依据说明的编号，或用 @FILE 指定该文件。联盟中心只收到其加盐承诺值。",
    "Exit with 10 on a match, or 11 on unknown or unconfirmed: match or unknown; may be repeated.": (
        "取 match 或 unknown：有命中时以 10 退出，有未知或待确认时以 11 退出；可重复指定。"
    ),
    "Which column holds what; once for each field.": "指明各列的内容；每个字段指定一次。",
    "Column with your own reference; else the row's number.": "贵机构自己的编号所在的列；未指定时用行号。",
    "Where refused rows go; else beside FILE, as .refused.csv.": (
        "未受理的行写到哪里；未指定时写到 FILE 旁，以 .refused.csv 结尾。"
    ),
    "Column with each row's consent reference.": "每行客户同意编号所在的列。",
    "Write all verdicts here: .csv, .jsonl or .parquet.": "把全部核验结果写到此文件：.csv、.jsonl 或 .parquet。",
    "Matches to show.": "显示的命中条数。",
    "Where the row does not say it: {words}.": "行内未注明时采用：{words}。",
    "E1 suspicion, E2 documented, E3 reviewed by two; E4, E5 are countersigned.": (
        "E1 线索，E2 有材料佐证，E3 双人复核；E4、E5 须会签。"
    ),
    "2027-01-31 (ends as that day begins, UTC), or 90d from today on; else as long as may be.": (
        "2027-01-31（该日 UTC 零时到期），或 90d 表示自今日起 90 天；未指定时取允许的最长期限。"
    ),
    "Document behind the whole list; it stays here.": "整份名单所依据的文件；该文件留在本机。",
    "Name the run yourself: it begins, or goes on where it stopped, after a kill too.": (
        "自行为运行命名：以该名称开始，或从中止处继续，被强行终止后也可继续。"
    ),
    "List anew what you withdrew; else such rows are refused.": "重新报送本机构已撤回的内容；未指定时此类行不予受理。",
    "What the value is, as for check.": "值的类型，与 check 命令相同。",
    "Say what would become of FILE, and send nothing.": "说明 FILE 将如何处理，不发送任何数据。",
    "Go on with the run that printed this id; same FILE, same options.": (
        "继续打印了该编号的那次运行；FILE 和选项须与当时相同。"
    ),
    "Replace claims of yours that say something else than their row.": "本机构的报送记录与其行内容不同的，予以更正。",
    "The identifier once more; - asks for it, out of the shell's history.": (
        "再次给出该标识；用 - 代替则提示输入，不留在 shell 的历史记录中。"
    ),
    "Another role: {words}.": "改为其他角色：{words}。",
    "Another level of evidence, E1 to E5.": "改为其他证据等级，E1 至 E5。",
    "Document behind the claim, needed again above E1; it stays here.": (
        "该记录所依据的文件，高于 E1 时须再次提供；该文件留在本机。"
    ),
    "Only claims that stand.": "只列出仍有效的报送记录。",
    "Claims to list at most; 0 lists all.": "最多列出的条数；0 表示全部。",
    "Entry id, 32 hexadecimal digits.": "报送记录的编号，32 位十六进制数。",
    "Reason code such as filed_in_error, never free text.": "原因代码，例如 filed_in_error，不能是自由文本。",
}
"""Arguments and options."""
