"""What `member-client watch` says: 名册 is the book, 通知 an event, 死信 a dead letter."""

from typing import Final

BOOK_SPOKEN: Final = {
    "added {added:,} · in the book already {known:,} · refused {refused:,}": (
        "新加入 {added:,} · 名册中已有 {known:,} · 未受理 {refused:,}"
    ),
    "{count:,} identifiers taken out": "已移出标识 {count:,} 个",
    "the book is empty: add customers by member-client watch add": "名册为空：请用 member-client watch add 加入客户",
    "{count:,} events handed over": "已送达通知 {count:,} 条",
    "{count:,} events set aside: see watch dead-letters": "转为死信的通知 {count:,} 条：见 watch dead-letters",
    "{count:,} identifiers watched · {matches:,} matches": "监测标识 {count:,} 个 · 命中 {matches:,} 条",
    "events up to {newest:,} · not acknowledged {left:,} · dead letters {dead:,}": (
        "通知编号至 {newest:,} · 未确认 {left:,} · 死信 {dead:,}"
    ),
    "looked at {time}": "最近核对：{time}",
    "all hits fetched anew {count:,} times, at {time}": "全部命中重新获取 {count:,} 次，最近：{time}",
    "hub learned: {evaluations:,} evaluations, {prefixes:,} bucket prefixes (cover included); 0 identifiers": (
        "联盟中心获知：计算 {evaluations:,} 次、分桶前缀 {prefixes:,} 个（含掩护）；标识 0 个"
    ),
    "{count:,} hits could not be settled: their bucket is overfull": "{count:,} 处命中无法确认：其分桶过满",
    "never": "从未",
    "{count:,} new events": "新通知 {count:,} 条",
    "--retry needs --to webhook:URL and --secret-file": "--retry 须同时给出 --to webhook:URL 和 --secret-file",
    "no dead letters": "没有死信",
    "a webhook needs --secret-file: who receives events checks by it that they are yours": (
        "webhook 须给出 --secret-file：接收方据此核验通知确由本机构发出"
    ),
    "--secret-file goes with --to webhook:URL": "--secret-file 须与 --to webhook:URL 一同使用",
    "--to is jsonl:FILE or webhook:URL": "--to 为 jsonl:FILE 或 webhook:URL",
}

BOOK_WORDS: Final = {
    "a webhook's address is https://HOST/PATH, without a user; http:// is for this machine alone": (
        "webhook 地址形如 https://HOST/PATH，不带用户名；http:// 仅限本机"
    ),
    "a webhook's secret has {size} bytes at least": "webhook 密钥不少于 {size} 字节",
    "{path}: after whsec_ comes Base64": "{path}：whsec_ 之后须为 Base64",
    "{path} is written by another process": "{path} 正由另一进程写入",
    "The book is not evaluated under the new epoch yet: the budget is spent.": (
        "名册尚未按新的密钥周期重新计算：额度已用尽。"
    ),
    "A portfolio is watched on a statement of basis; nothing was sent.": "监测存量客户须有依据说明；未发送任何内容。",
    "Event": "编号",
    "At": "时间",
}

BOOK_HELP: Final = {
    "Watch your own customers, and be told when a claim touches them.": "监测本机构客户，有报送记录涉及时获得通知。",
    "Add customers to the book that is watched.": "将客户加入监测名册。",
    (
        "Each identifier is evaluated once and kept on this machine, sealed; --ref names the column with your own "
        "reference, under which events come:"
    ): "每个标识只计算一次，加密保存在本机；--ref 指明本机构编号所在的列，通知以该编号送达：",
    (
        "What is in the book already costs nothing, so a run that stopped is run again, and a newer file adds what is "
        "new. --consent is your statement of basis for screening the portfolio for as long as it is watched."
    ): (
        "名册中已有的不再计费：中断后重新执行即可，较新的文件只加入新增部分。"
        "--consent 为监测期间对存量客户筛查的依据说明。"
    ),
    "Take customers out of the book, with all that is kept of them.": "将客户移出名册，并删除为其保存的一切。",
    "Your own reference; may be repeated.": "本机构编号；可重复给出。",
    "Count what is in the book, by field; no identifier is shown.": "按字段统计名册内容；不显示任何标识。",
    "Watch, and hand over what happens, until it is interrupted.": "持续监测并送达通知，直至中断。",
    (
        "Events are match.new, match.changed, match.cleared, recall and dispute. Each is acknowledged once the file or "
        "the webhook has it, and comes again where that was cut off, under the same number:"
    ): (
        "通知分为 match.new、match.changed、match.cleared、recall 和 dispute。文件或 webhook 接收后才确认；"
        "中途中断的，以同一编号再次送达："
    ),
    (
        "Without --to, events are printed; with --json, one document a line. A webhook is signed as Standard Webhooks "
        "has it; an event that it does not take goes to the dead letters, and later ones go on."
    ): (
        "不给出 --to 时打印通知；加 --json 时每行一个文档。webhook 按 Standard Webhooks 签名；"
        "未被接收的通知转为死信，后续通知继续送达。"
    ),
    "jsonl:FILE or webhook:URL.": "jsonl:FILE 或 webhook:URL。",
    "File with the webhook's secret: whsec_ and Base64, or 24 bytes and more.": (
        "webhook 密钥文件：whsec_ 加 Base64，或不少于 24 字节。"
    ),
    "Tries until an event that a webhook does not take is set aside.": "通知未被 webhook 接收时转为死信前的尝试次数。",
    "Look once, hand over what there is, and end.": "只核对一次，送达现有通知后结束。",
    "Show how the watch stands, and what the hub learned to count.": "查看监测状况，以及联盟中心获知的数量。",
    "Fetch the buckets of all that hits anew, as is done once a day.": "重新获取全部命中的分桶；平时每日自动进行一次。",
    (
        "A second claim on somebody who is listed already changes nothing in the filter; it is found so, or as soon as "
        "the first one changes. Example:"
    ): "对已在册者的第二条报送不改变过滤器，由此发现，或在第一条发生变化时发现。示例：",
    "List events that a webhook did not take, or send them again.": "列出 webhook 未接收的通知，或再次发送。",
    "Send each once more, to the webhook of --to.": "向 --to 所指的 webhook 逐条再发送一次。",
}
