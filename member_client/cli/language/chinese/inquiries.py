"""What cases say to a member that they ask: `member-client case inbox` and what follows it."""

from typing import Final

INQUIRY_WORDS: Final = {
    "Time left": "剩余时间",
    "Claims": "涉及记录",
    "Reply": "答复",
    "Reply taken": "答复期",
    "Categories": "类别",
    "Customer": "客户",
    "Note": "办案人说明",
    "Filed": "报送日期",
    "to be drawn up": "待拟定",
    "waits for a second operator": "待第二操作员复核",
    "ready, is sent in its window": "已复核，答复期内发出",
    "sent": "已发出",
    "There is no such case that asks this member.": "没有询问本成员的这一案件。",
    "a case's id has {bytes} bytes": "案件编号为 {bytes} 字节",
    "The hub shows a case that asks this member and is none.": "联盟中心出示的询问案件不成立。",
    (
        "The hub shows a police case with a window in which its instrument asks nobody any more: it is not shown, "
        "and cannot be answered."
    ): "联盟中心出示的案件，其答复期已超出法律文书所能询问的期限：不予显示，也不能答复。",
    "The hub shows a police case of nobody who is a liaison: it is not shown, and cannot be answered.": (
        "联盟中心出示的案件并非出自联络机构：不予显示，也不能答复。"
    ),
    (
        "The hub shows a police case that its officers and two approvers did not sign as it stands: it is not shown, "
        "and cannot be answered."
    ): "联盟中心出示的案件与办案人、审批人签署的内容不符：不予显示，也不能答复。",
    "The hub shows another number of claims than a case asks about.": "联盟中心出示的记录数量与案件询问的不符。",
    "The hub shows a claim that a case asks about and is none.": "联盟中心出示的案件所询问的记录不成立。",
    "The hub asks about a claim that the case was not approved to ask about: nothing of it can be answered.": (
        "联盟中心询问的记录超出案件获批范围：不能答复。"
    ),
    (
        "the hub evaluates {count} identifiers for each claim that a case asks about: give those of the customers whom "
        "the claims are about, and no others"
    ): "对案件询问的每条记录，联盟中心至多计算 {count} 个标识：请只给出这些记录所涉客户的标识",
    "a suspect is sealed under an epoch that is over: it cannot be opened any more": (
        "涉案标识封存所用的密钥周期已结束：无法再打开"
    ),
    "A suspect of the case is another one than the claim is about.": "案件的涉案标识与记录所涉的不是同一标识。",
    "A suspect of the case does not open, or is not among those that the approvers agreed to.": (
        "案件的涉案标识无法打开，或不在审批人同意的范围内。"
    ),
    "An answer to a case in the local store cannot be read.": "本机保存的案件答复记录无法读取。",
    "A suspect of a case in the local store cannot be read.": "本机保存的涉案标识无法读取。",
    "A reply to a case in the local store cannot be read.": "本机保存的案件答复无法读取。",
    "several answers, or rows, are about one claim: give one a claim": (
        "有多个答复或多行涉及同一记录：每条记录只给出一个"
    ),
    "the case does not ask about {unknown} of the claims that are answered about": (
        "所答复的记录中有 {unknown} 条不在案件询问之列"
    ),
    "{missing} of the claims that the case asks about have no answer: release, decline, or nothing": (
        "案件询问的记录中有 {missing} 条尚无答复：予以提供、不予提供或无可提供内容"
    ),
    "the legal basis is a text of 1 to {bytes} bytes": "法律依据为 1 至 {bytes} 字节的文本",
    "Another operator drew this up: the second one is somebody else.": "答复由另一操作员拟定：复核须由他人进行。",
    "all of it does not fit into one reply: release long values as files": (
        "内容超出一份答复的容量：请将较长内容作为文件提供"
    ),
    "the reply to this case is on its way, and cannot be drawn up anew": "该案件的答复正在发出，不能重新拟定",
    "two operators agreed to this reply already": "该答复已由两名操作员同意",
    "another draft took this one's place meanwhile: look at it first": "草稿已被另一份取代：请先查看",
    "the draft is about another request: draw it up anew": "草稿针对的是另一份请求：请重新拟定",
    "the hub has this member's reply to the case: there is one a case": (
        "联盟中心已收到本成员的答复：每个案件只答复一次"
    ),
    "The time in which this case takes replies is over.": "该案件的答复期已过。",
    "The time in which {count} of these cases take replies is over: nothing was sent.": (
        "其中 {count} 个案件的答复期已过：未发出任何内容。"
    ),
    "a released file has a plain name of up to 128 bytes: rename it": (
        "所提供文件的名称须为不超过 128 字节的普通名称：请改名"
    ),
    "this operator is not registered at the hub, with this key: member-client operator add": (
        "该操作员未以此密钥在联盟中心登记：请使用 member-client operator add"
    ),
    "No reply to this case was drawn up on this machine.": "本机没有拟定该案件的答复。",
    "Somebody else changed the reply to this case meanwhile.": "该案件的答复已被他人改动。",
    "what is declined, or nothing, has no fields and no files": "不予提供或无可提供的，不得填写字段或文件",
    "a release names fields or files; where there is nothing to release, say so": (
        "予以提供的须列明字段或文件；无可提供的，请如实说明"
    ),
    "The reply cannot be sealed as its officer would have to believe it.": "答复无法封存为办案人可核验的形式。",
    (
        "a claim's suspect is to be opened before anything about it is released: another machine filed the claim, so "
        "give the customer's identifier to a preview"
    ): "提供内容之前须先打开涉案标识：该记录由另一台机器报送，请在 preview 中给出客户的标识",
    "The hub took a reply to a case and shows the case without it.": "联盟中心收下答复，但出示的案件中没有该答复。",
    "a field that is released is in no template": "所提供的字段不在任何模板中",
    "a field is released once": "每个字段只提供一次",
    "more fields than a claim's answer holds": "字段数量超出一条记录的答复容量",
    "a field that is released has a value": "所提供的字段须有内容",
    "a value is longer than 16 KiB: attach it as a file": "内容超过 16 KiB：请作为文件附上",
}

INQUIRY_SPOKEN: Final = {
    "a template is one of {templates}": "模板为以下之一：{templates}",
    "--field names what is in none of the templates: {fields}": "--field 中有不属于所选模板的字段：{fields}",
    "{count} columns of the file are in none of the templates, and nothing of it was read: take them out": (
        "文件中有 {count} 列不属于所选模板，文件未被读取：请删去这些列"
    ),
    "the file has no column {fields}": "文件中没有列 {fields}",
    "--attach names a claim about which nothing is released": "--attach 所指的记录不予提供内容",
    "row {row} of the values cannot be read ({reason})": "内容文件第 {row} 行无法读取（{reason}）",
    "the case asks about several claims: a column `entry` says which a row is about": (
        "案件询问多条记录：请以 `entry` 列说明每行针对哪一条"
    ),
    "a file to be released is not there, or is none": "所提供的文件不存在，或不是文件",
    "row {row}, column {column}: {advice}": "第 {row} 行，{column} 列：{advice}",
    "several claims are answered about, or none is released: --attach ENTRY=FILE": (
        "答复涉及多条记录，或没有一条予以提供：--attach ENTRY=FILE"
    ),
    "no case asks you": "没有案件询问本成员",
    "{count} not opened: --open, or the customers' identifiers, open them": (
        "{count} 条未打开：使用 --open 或给出客户的标识即可打开"
    ),
    "{count:,} rows of the customers cannot be read, and were left out": "客户文件中有 {count:,} 行无法读取，已略过",
    "no reply is ready": "没有待发出的答复",
    "gone with its epoch": "已随密钥周期销毁",
    "{file}: uploaded, {bytes:,} bytes sealed": "{file}：已上传，封存后 {bytes:,} 字节",
    "over since {time}": "已于 {time} 截止",
    "{hours} hours, until {time}": "{hours} 小时，至 {time}",
    "{case}: the reply is sent, and the hub has it": "{case}：答复已发出，联盟中心已收到",
    "{case}: the reply is ready, and is sent from {time} on": "{case}：答复已就绪，将于 {time} 起发出",
    "{case}: TOO LATE: replies were taken until {time}, and this one was not sent": (
        "{case}：已逾期：答复期至 {time} 止，该答复未发出"
    ),
    "a reply that is ready is NOT SENT: {fault}": "一份已复核的答复未能发出：{fault}",
    "{case}: another machine of yours replied first; this reply was dropped": (
        "{case}：本成员的另一台机器已先行答复；该答复已作废"
    ),
    "drawn up; another operator agrees: case release {case} --operator NAME --approve": (
        "已拟定；由另一操作员复核：case release {case} --operator NAME --approve"
    ),
    "to {officer} of {liaison}, case {number}, {instrument}; taken until {time}": (
        "致 {liaison} 的 {officer}，案件 {number}，{instrument}；答复期至 {time}"
    ),
    "basis: {basis}": "依据：{basis}",
    "a release needs --basis, and --values or --attach": "提供内容须给出 --basis，以及 --values 或 --attach",
    "--template says which fields the file may hold: see member-client case templates": (
        "--template 说明文件可含的字段：见 member-client case templates"
    ),
    "this reply releases something, nothing was signed: case release --approve agrees to it": (
        "该答复含予以提供的内容，未作签署：请用 case release --approve 复核"
    ),
    "a reply needs --basis: your reason, for the officer": "答复须给出 --basis：告知办案人的理由",
    "--approve agrees to what was drawn up: nothing else goes with it": (
        "--approve 表示同意已拟定的答复：不得同时给出其他选项"
    ),
    "drawn up by {operator}": "拟定人：{operator}",
    "file {file}, {bytes:,} bytes": "文件 {file}，{bytes:,} 字节",
}

INQUIRY_HELP: Final = {
    "One of them; else all.": "其中之一；不给出则列出全部。",
    "Any case command does so too, and an open client. A reply is sent once, however often this is run. For example:": (
        "任何 case 命令以及开启的客户端也会发出。无论运行多少次，答复只发出一次。示例："
    ),
    "List what may be released, field by field, by template; asks nobody.": (
        "按模板逐字段列出可以提供的内容；不发出询问。"
    ),
    (
        "Each was signed by two officers and agreed to by two approvers, or it is not shown. You see your own claims "
        "and nobody else's. For example:"
    ): "每个案件均经两名办案人签署、两名审批人同意，否则不予显示。您只看到本成员的记录。示例：",
    "Those that have ended, too.": "也包括已终结的案件。",
    "CSV, JSONL or Excel: a row a claim, a column a field; a column entry, where there are several.": (
        "CSV、JSONL 或 Excel：每条记录一行，每个字段一列；有多条记录时须有 entry 列。"
    ),
    "Send the replies that two operators agreed to and whose window is open.": (
        "发出已由两名操作员同意、且处于答复期内的答复。"
    ),
    "Draw a reply up that releases nothing, with your reason; another operator agrees to it.": (
        "拟定不提供内容的答复并说明理由；由另一操作员复核。"
    ),
    "Show what would be released, and sign nothing.": "只显示将提供的内容，不签署。",
    "The legal basis: which article, and why it applies.": "法律依据：适用哪一条，以及理由。",
    (
        "Exactly what would be released is shown first. It waits here, sealed; once a second operator agreed, it is "
        "sealed to the case's officer and sent in the case's window. A column outcome mixes answers: released, "
        "declined, nothing. For example:"
    ): (
        "先如实显示将提供的内容。答复在本机封存等待；经第二操作员同意后，封存给案件的办案人，并在答复期内发出。"
        "以 outcome 列可混合答复：released（予以提供）、declined（不予提供）、nothing（无可提供内容）。示例："
    ),
    "Agree to the reply that another operator drew up, and have it sent.": "同意另一操作员拟定的答复，并予发出。",
    "Your customers, as for screen, to see whom it is about.": "客户文件，格式同 screen，用于查明涉及哪些客户。",
    "Who signs; asks for the operator's passphrase.": "签署人；需输入其口令。",
    "It looks like any other on its way, and only the officer reads it:": ("传输中与其他答复无异，只有办案人能读取："),
    "Open the suspects of claims that this machine filed: an evaluation each.": (
        "打开本机所报送记录的涉案标识：每个计算一次。"
    ),
    "Release these of its fields, and no others.": "只提供其中这些字段。",
    "Say that you hold nothing which you could release.": "说明本机构没有可以提供的内容。",
    (
        "Fields that FILE may hold: identity, contact, account, loan, transactions, device, narrative; may be repeated."
    ): (
        "FILE 可含字段的模板：identity（身份）、contact（联系方式）、account（账户）、loan（贷款）、"
        "transactions（交易）、device（设备）、narrative（情况说明）；可重复。"
    ),
    "Release a file; ENTRY=FILE where there are several claims.": "提供一份文件；涉及多条记录时写作 ENTRY=FILE。",
    "Draw a reply up that releases what you name; another operator agrees to it.": (
        "拟定答复，只提供您列明的内容；由另一操作员复核。"
    ),
    (
        "With --open, or with identifiers of your customers, it evaluates under the case and shows the officer's note "
        "and which of your customers a claim is about; the hub cannot read either. It prints a customer's reference, "
        "or the last characters of the identifier: see who stands behind you."
    ): (
        "使用 --open 或给出客户的标识时，在案件下计算并显示办案人说明，以及记录涉及哪位客户；联盟中心均无法读取。"
        "屏幕上会显示客户编号或标识末尾字符：请留意身后。"
    ),
    "List the police cases that ask you about claims of your own.": "列出就本成员所报送记录询问本成员的案件。",
    "Show which of your claims a case asks about, and open what it says of them.": (
        "显示案件询问本成员的哪些记录，并打开案件对其的说明。"
    ),
}
