"""Why a row or a file cannot be used: the advice of `refused.csv` and of files as a whole."""

from typing import Final

ROWS: Final = {
    (
        "You withdrew your claim on this identifier in this category: leave the row out, or list it anew on purpose "
        "(--relist)."
    ): "本机构已撤回在该类别下对该标识的报送记录：请删去该行；确需重新报送的，请加上 --relist。",
    "The cell is empty: leave the row out or fill it in.": "单元格为空：请删去该行或补填。",
    "The text is longer than any identifier: check that the column holds one value a row.": (
        "文本长于任何标识：请检查该列每行是否只有一个值。"
    ),
    "The text holds a control or invisible character, such as the tab that exports append: remove it.": (
        "文本含有控制字符或不可见字符（例如导出时附加的制表符）：请删除。"
    ),
    "The text holds a character that this kind never has: check column and kind.": (
        "文本含有该类型不会出现的字符：请检查列和类型。"
    ),
    "The text holds a character newer than Unicode 14.0: check the source.": (
        "文本含有 Unicode 14.0 之后才有的字符：请检查数据来源。"
    ),
    "A spreadsheet turned this into a number: export again with the column formatted as text.": (
        "电子表格已将其转成数字：请把该列设为文本格式后重新导出。"
    ),
    "The text does not have the shape of this kind: check column and kind.": (
        "文本不符合该类型的格式：请检查列和类型。"
    ),
    "The number of characters does not fit this kind: look for lost or extra ones.": (
        "字符数不符合该类型：请检查是否缺少或多出字符。"
    ),
    "The check digit does not fit: look for a typing error.": "校验位不符：请检查是否录入有误。",
    "The birth date inside does not exist: look for a typing error.": "其中的出生日期不存在：请检查是否录入有误。",
    "No such number in its country's plan: check the digits, and add +country code if it is foreign.": (
        "所属国家或地区没有这样的号码：请检查数字；境外号码请加上 + 和国家（地区）代码。"
    ),
    "Give the number without its extension.": "请去掉分机号。",
    "This is an IMEI with software version: give the 15-digit IMEI.": "这是带软件版本的 IMEI：请提供 15 位 IMEI。",
    "All zeros mean that the value was not available: leave it out.": "全零表示未取得该值：请留空。",
    "A broadcast, multicast or locally administered (randomised) address names no device: leave it out.": (
        "广播、组播或本地管理（随机化）地址不能标识设备：请留空。"
    ),
    "Write oaid:, idfa:, android_id: or mac: before the value.": "请在值前写明 oaid:、idfa:、android_id: 或 mac:。",
    "Not a legal host name (RFC 1123, IDNA 2008): give the name alone, no URL.": (
        "不是合法的主机名（RFC 1123、IDNA 2008）：请只提供名称，不要提供网址。"
    ),
    "One label alone names no site: give the full domain name.": "单独一段不能标识网站：请提供完整域名。",
    "This is an IP address: use kind ip.": "这是 IP 地址：请使用类型 ip。",
    "Give one address, not a network.": "请提供单个地址，而不是网段。",
    "Give the address without its zone.": "请去掉地址中的区域标识。",
    "Write platform:account with a platform of the registry.": "请写成 platform:account，平台须在登记表内。",
    "This is a magic identifier for tests, which only a development alliance knows: use a real one here, or enrol with "
    "`alliance-server dev`.": (
        "这是供测试用的魔法标识，只有开发联盟认得：此处请使用真实的值，或用 `alliance-server dev` 入盟。"
    ),
    "Many people share this value, or nobody has it: leave it out.": "该值由许多人共用，或无人使用：请留空。",
    "The cell is empty: fill it in or leave the row out.": "单元格为空：请补填或删去该行。",
    "Fewer cells than the header: look for a lost separator or a broken line.": (
        "单元格少于表头：请检查是否缺少分隔符或断行。"
    ),
    "The row has more cells than the header: quote cells that hold the separator.": (
        "单元格多于表头：含分隔符的单元格请加引号。"
    ),
    "A quotation mark is not closed: double the marks inside a quoted cell.": "引号没有闭合：引号内的引号请写两个。",
    "The line is longer than 256 KiB: look for a lost line break.": "该行超过 256 KiB：请检查是否缺少换行。",
    "The line is not in the file's encoding: save the file as UTF-8.": "该行与文件的编码不符：请把文件另存为 UTF-8。",
    "The line is not a JSON object: write one object a line.": "该行不是 JSON 对象：请每行写一个对象。",
    "The cell holds a list, an object, true/false or an error: write it as a text.": (
        "单元格是列表、对象、true/false 或错误值：请写成文本。"
    ),
    (
        "The cell is a number that may have lost digits (a float, or more than 15 digits in a spreadsheet): format the "
        "column as text in the system of origin and export again."
    ): "单元格是可能已丢失位数的数字（浮点数，或电子表格中超过 15 位）：请在源系统中把该列设为文本格式后重新导出。",
    "The kind is none of the known ones: see member-client check --help.": (
        "类型不在已知类型之列：见 member-client check --help。"
    ),
    "The word is none of the known ones.": "该词不在可用的取值之列。",
    "Write a date as 2027-01-31, or a duration as 90d.": "日期请写成 2027-01-31，期限请写成 90d。",
    "The purpose needs evidence of consent for each row: fill the cell in.": (
        "该用途要求每行都有同意凭据：请补填该单元格。"
    ),
    "The ref repeats an identifier, and refs are printed: take another column.": (
        "编号与标识重复，而编号会被打印：请改用其他列。"
    ),
    "Evidence above E1 needs its file: use evidence_file or --evidence-file.": (
        "高于 E1 的证据等级须有证据文件：请用 evidence_file 列或 --evidence-file 指定。"
    ),
    "The evidence file cannot be read: paths start at the list's folder.": (
        "无法读取证据文件：路径以名单所在目录为起点。"
    ),
    "write a date as 2027-01-31, or a duration as 90d": "日期请写成 2027-01-31，期限请写成 90d",
    "Correct category, role, evidence, dates or label; evidence above E1 needs its file.": (
        "请更正类别、角色、证据等级、日期或附注；高于 E1 的证据等级须有证据文件。"
    ),
    "File it in the category that it belongs to, or leave the row out; member-client taxonomy --table filing lists "
    "the rules.": "请按所属类别报送，或删去该行；member-client taxonomy --table filing 列出报送规则。",
    "The category {category} is about these kinds alone: {kinds}. {how_to_fix}": (
        "类别 {category} 只涉及以下标识类型：{kinds}。{how_to_fix}"
    ),
    "The category {category} knows these roles alone: {roles}. {how_to_fix}": (
        "类别 {category} 只适用于以下角色：{roles}。{how_to_fix}"
    ),
    "The category {category} needs evidence of this level at least: {level}. {how_to_fix}": (
        "类别 {category} 至少须有以下证据等级：{level}。{how_to_fix}"
    ),
    "The category {category} is about conduct that ended so many days ago at most: {days}. {how_to_fix}": (
        "类别 {category} 只涉及结束未超过以下天数的行为：{days}。{how_to_fix}"
    ),
    "Give an earlier end, or none: then the retention table's limit is taken.": (
        "请提前到期日，或不指定：届时采用保存期限表的上限。"
    ),
    (
        "A claim of yours stands on this identifier in this category and says something else: amend it (--amend), or "
        "withdraw it first."
    ): "本机构在该类别下对该标识已有内容不同的有效记录：请更正该记录（--amend），或先将其撤回。",
    "Contribute the row again: it is then evaluated anew.": "请重新报送该行：届时将重新计算。",
    "The hub knows another identity key of this member: ask the alliance's office.": (
        "联盟中心登记的本机构身份密钥与本机不符：请联系联盟办公室。"
    ),
    "Contribute the row again: it is then drawn up anew.": "请重新报送该行：届时将重新生成记录。",
    "The epoch changed meanwhile: contribute the row again.": "密钥周期已更换：请重新报送该行。",
    "The hub's storage is full: contribute the row again later.": "联盟中心存储已满：请稍后重新报送该行。",
    "The hub is busy: contribute the row again later.": "联盟中心繁忙：请稍后重新报送该行。",
    "The hub failed on this row: contribute it again, and report it where it stays.": (
        "联盟中心处理该行时出错：请重新报送；若仍出错，请上报。"
    ),
    "Correct the row; the reason says what is wrong with it.": "请更正该行；原因代码说明了问题所在。",
    "The evidence's file cannot be read: check its path and permissions.": "无法读取证据文件：请检查路径和权限。",
}
"""How a row is put right."""

FILES: Final = {
    "{path}: the first line cannot be read; it must name the columns": "{path}：无法读取第一行；第一行须写明列名",
    "{path}: the first line's quotation marks are not closed; it must name the columns": (
        "{path}：第一行的引号没有闭合；第一行须写明列名"
    ),
    "--map takes FIELD=COLUMN, for example phone=mobile; fields are {words}": (
        "--map 的格式是 FIELD=COLUMN，例如 phone=mobile；可用的字段有 {words}"
    ),
    "--map names {name} twice": "--map 两次指定了 {name}",
    "--map names kind or identifier (long format) beside others (wide format): choose one": (
        "--map 既指定了 kind 或 identifier（长格式），又指定了其他字段（宽格式）：请只用一种"
    ),
    "--map names {names}, which this command does not use": "--map 指定了 {names}，而本命令不使用",
    (
        "{option} {column} is a column of identifiers: refs are printed and kept in files, so name a column with your "
        "own case or customer numbers"
    ): "{option} 指定的 {column} 是标识所在的列：编号会被打印并写入文件，请改用贵机构自己的案件编号或客户编号列",
    "--map uses one column for two fields": "--map 把同一列用于两个字段",
    (
        "{path}: missing column {missing}; columns found: {found}. Name the columns in the first line, with no title "
        "above it, or use --map FIELD=COLUMN; nothing was sent"
    ): (
        "{path}：缺少列 {missing}；现有的列：{found}。列名须写在第一行，其上不得有标题行（含合并单元格），或使用 "
        "--map FIELD=COLUMN；未发送任何数据"
    ),
    "{path}: column {column} stands there more than once": "{path}：列 {column} 出现多次",
    "{path}: there is no such file (a regular file is needed, because it is read twice)": (
        "{path}：没有这个文件（须为普通文件，因为要读取两遍）"
    ),
    "{path}: it cannot be read ({reason})": "{path}：无法读取（{reason}）",
    "{path}: it is not what its name says, no {suffix} file": "{path}：内容与文件名不符，不是 {suffix} 文件",
    "{path}: it is an old Excel workbook, or one with a password: save it as .xlsx without one": (
        "{path}：这是旧版 Excel 工作簿，或设有密码：请另存为不设密码的 .xlsx"
    ),
    "{path}: it is an archive and no Excel workbook (.xlsx): unpack it first": (
        "{path}：这是压缩包，不是 Excel 工作簿（.xlsx）：请先解压"
    ),
    "{path}: the workbook is encrypted: save it without a password": "{path}：工作簿已加密：请另存为不设密码的文件",
    "{path}: the workbook is damaged: open it in Excel and save it again": (
        "{path}：工作簿已损坏：请用 Excel 打开后重新保存"
    ),
    "{path}: the workbook is larger than any list: save the sheet as CSV UTF-8, or split it": (
        "{path}：工作簿过大，不像名单：请把工作表另存为 UTF-8 编码的 CSV，或拆分"
    ),
    "{path}: the workbook holds formulas that were never computed: open it in Excel and save it again": (
        "{path}：工作簿中有从未计算过的公式：请用 Excel 打开后重新保存"
    ),
    "{path}: the first row must name the columns, each by a text": "{path}：第一行须以文本写明各列的列名",
    "{path}: no sheet of this name; there are: {sheets}": "{path}：没有这个工作表；现有的工作表：{sheets}",
    "{path}: the sheet is empty": "{path}：工作表为空",
    "{path}: no visible sheet holds anything": "{path}：可见的工作表均为空",
    "{path}: several sheets hold something: {sheets}. Choose one, as FILE#SHEET; nothing was sent": (
        "{path}：有多个工作表含有内容：{sheets}。请用 FILE#SHEET 指定一个；未发送任何数据"
    ),
    "{path}: it is an encrypted Parquet file: write it without encryption": (
        "{path}：这是加密的 Parquet 文件：请写成不加密的文件"
    ),
    "{path}: the Parquet file is damaged or of an unknown sort: write it again": (
        "{path}：Parquet 文件已损坏或种类未知：请重新写出"
    ),
    "Parquet files and data frames need an extra that is not installed: pip install 'alliance-hub[frames]'": (
        "Parquet 文件和数据框需要尚未安装的附加组件：pip install 'alliance-hub[frames]'"
    ),
    "Excel workbooks need an extra that is not installed: pip install 'alliance-hub[excel]'": (
        "Excel 工作簿需要尚未安装的附加组件：pip install 'alliance-hub[excel]'"
    ),
    "{path}: it is compressed: unpack it first": "{path}：文件已压缩：请先解压",
    "{path}: it is UTF-16: save it as UTF-8": "{path}：文件为 UTF-16 编码：请另存为 UTF-8",
    "{path}: it is empty": "{path}：文件为空",
    "{path}: its lines end in CR alone: save it with LF or CR LF": "{path}：行尾只有 CR：请以 LF 或 CR LF 换行保存",
    "{path}: it is no text: save it as CSV UTF-8": "{path}：不是文本文件：请另存为 UTF-8 编码的 CSV",
    "{path}: it cannot be written ({reason})": "{path}：无法写入（{reason}）",
    "{path}: results are written as .csv, .jsonl or .parquet": "{path}：结果只能写成 .csv、.jsonl 或 .parquet",
}
"""Why a file cannot be used at all."""
