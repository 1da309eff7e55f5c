"""What disputes say: errors and advice, `member-client dispute`, and the words of grounds, states and outcomes."""

from typing import Final

DISPUTE_CLASSES: Final = {
    "DisputeNotPossible": "无法这样提出异议：没有其他成员的这条有效报送记录，或异议令牌与其不符",
    "DisputeAlreadyOpen": "该记录的异议正在处理，或记录已因异议而中止",
    "DisputeRepeated": "该记录先前的异议已有答复，此次没有新证据",
    "DisputeClosed": "该异议已有答复或已终结，或记录已经复核中止：只能终止，不能维持",
    "DisputeNotEscalatable": "异议须在报送方维持记录后 30 天内、且记录仍有效时方可提交复核",
}

DISPUTE_WORDS: Final = {
    "No dispute can be opened so: there is no such live claim of another member, or the token is not its.": (
        "无法这样提出异议：没有其他成员的这条有效报送记录，或异议令牌与其不符。"
    ),
    "A dispute about the claim waits already, or has had the claim suspended.": (
        "该记录的异议正在处理，或记录已因异议而中止。"
    ),
    "An earlier dispute about the claim was answered; another one needs evidence that is new.": (
        "该记录先前的异议已有答复；再次提出须有新证据。"
    ),
    "The dispute is answered or over, or a reviewer suspended the claim: that may be ended, and is not upheld.": (
        "该异议已有答复或已终结；或记录已经复核中止：只能终止，不能维持。"
    ),
    "this member opened the dispute; who filed the claim answers it and reads the statement": (
        "该异议由本成员提出；由报送方答复并阅读陈述"
    ),
    "A dispute is escalated within 30 days after the contributor upheld its claim, while the claim lives.": (
        "异议须在报送方维持记录后 30 天内、且记录仍有效时方可提交复核。"
    ),
    "Check the entry id and the identifier with the consumer: every try counts against the day's budget.": (
        "请与消费者核对条目编号和标识：每次尝试都计入当日额度。"
    ),
    "Wait for the contributor's answer; the claim permits no more than a step-up meanwhile.": (
        "请等待报送方答复；其间该记录至多允许加强核验。"
    ),
    "Open it with evidence that no earlier dispute brought, or have the earlier one escalated in time.": (
        "请附上先前异议未曾提交的证据，或在期限内将先前的异议提交复核。"
    ),
    "Look at the dispute's state first (member-client dispute show).": (
        "请先查看异议的状态（member-client dispute show）。"
    ),
    "Look at the dispute first (member-client dispute show); new evidence opens a new dispute.": (
        "请先查看异议（member-client dispute show）；有新证据可另行提出异议。"
    ),
    "brought": "已提交",
    "Dispute": "异议",
    "Ground": "理由",
    "Opened": "提出时间",
    "Time left": "剩余时间",
    "Answer": "答复",
    "Escalate by": "复核申请期限",
    "Decision": "决定",
    "Due": "期限",
    "Unanswered": "未答复",
    "Not reviewed": "未复核",
    "Overdue since": "逾期自",
    "There is no such dispute of this member.": "本机构没有这项异议。",
    "The consumer's statement was deleted: the dispute is closed.": "消费者陈述已删除：异议已终结。",
    "The statement is sealed under an epoch that is over.": "该陈述加密所用的密钥周期已终结。",
    "another machine of this member filed the claim: read the statement there": (
        "该记录由本机构的另一台机器报送：请在该机器上阅读陈述"
    ),
    "No live claim of another member stands on this identifier under this entry id.": (
        "该标识下没有此条目编号的其他成员有效记录。"
    ),
    "a dispute needs an identifier of the consumer's": "提出异议须有消费者的标识",
    "A dispute rests on the consumer's request; nothing was sent.": "提出异议须有消费者的申请；未发送任何数据。",
    "The consumer's statement does not open under the claim's key.": "消费者陈述无法以该记录的密钥打开。",
    "The hub shows another dispute than was opened.": "联盟中心出示的异议与所提出的不同。",
    "The hub took a step in a dispute and shows it as it was.": "联盟中心受理了异议的操作，却出示其原状。",
    "The hub took a decision and shows another one.": "联盟中心受理了决定，却出示另一决定。",
    "The hub shows a dispute that is none.": "联盟中心出示的异议不成立。",
    "The hub shows a dispute in a state that this version does not know.": "联盟中心出示的异议状态为本版本所未知。",
    "The hub shows an escalation that is none.": "联盟中心出示的复核申请不成立。",
    "The hub shows an escalation in words that this version does not know.": (
        "联盟中心出示的复核申请含有本版本未知的用语。"
    ),
}

DISPUTE_SPOKEN: Final = {
    "no disputes are overdue": "没有逾期的异议",
    "a decision needs --decision and --reason": "作出决定须同时给出 --decision 和 --reason",
    "nothing waits for a review": "没有待复核的异议",
    "a decision is about one dispute: name it": "决定只针对一项异议：请给出其编号",
    "--statement: {bytes:,} bytes fit, and no more": "--statement：最多 {bytes:,} 字节",
    "--statement: the file is not UTF-8": "--statement：该文件不是 UTF-8 编码",
    "--statement: there is no such file": "--statement：没有该文件",
    "--request: {fault}": "--request：{fault}",
    "no disputes were opened here": "本机构没有提出过异议",
    "nothing waits for an answer": "没有待答复的异议",
    "{days} days, until {time}": "{days} 天，至 {time}",
    "entry {entry} · {category} · {member}": "条目 {entry} · {category} · {member}",
    "DISPUTE is the dispute's id, 32 hexadecimal digits: see member-client dispute list": (
        "DISPUTE 为异议编号，32 位十六进制数字：见 member-client dispute list"
    ),
}

DISPUTE_HELP: Final = {
    "Contest a claim for a consumer, and answer what is contested.": "代消费者提出异议，答复针对本机构记录的异议。",
    "Contest a claim of another member, for the consumer whom it is about.": (
        "代当事消费者对其他成员的报送记录提出异议。"
    ),
    (
        "Every member sees it flagged at once, and may do no more than step up until its contributor has answered: "
        "within 20 days, 4 where an identity was stolen. The same again is the same dispute:"
    ): (
        "各成员随即看到该记录有争议，在报送方答复之前至多加强核验；答复期限 20 天，身份被盗用为 4 天。"
        "重复提交视为同一异议："
    ),
    "Entry id of the claim: check --purpose dispute shows it.": "报送记录的条目编号：check --purpose dispute 会显示。",
    "Why: {grounds}.": "理由：{grounds}。",
    "What the consumer says, UTF-8; the contributor alone can read it.": "消费者陈述，UTF-8 文本；只有报送方能够阅读。",
    "The consumer's request: a reference in your records, or @FILE.": "消费者的申请：本机构档案中的编号，或 @文件。",
    "What the consumer brings; it stays here.": "消费者提交的证据；保留在本机构。",
    "List the disputes that were opened from here, oldest first.": "列出本机构提出的异议，按时间先后。",
    "List disputes about your own claims that wait for your answer.": "列出针对本机构记录、待答复的异议。",
    (
        "What is not answered in time is suspended by itself; an answer is taken later, too. It does not say to whom "
        "the consumer came. For example:"
    ): "逾期未答复的记录自动中止，之后仍可答复；不显示由哪个成员提出。示例：",
    "Those that were answered, too.": "也列出已答复的。",
    "Show a dispute: the claim, the ground and how much time is left.": "查看一项异议：记录、理由和剩余时间。",
    (
        "The contributor reads the consumer's statement where its claim was filed; the hub cannot read it. For example:"
    ): "报送方在报送该记录的机器上阅读消费者陈述；联盟中心无法阅读。示例：",
    "Read what the consumer says, about an own claim: an evaluation.": "阅读针对本机构记录的消费者陈述：计一次查询。",
    "The dispute's id, 32 hexadecimal digits.": "异议编号，32 位十六进制数字。",
    "Answer a dispute about one of your own claims.": "答复针对本机构记录的异议。",
    (
        "upheld has the claim active again, and the consumer may have it reviewed. The others end it: corrected where "
        "something else is right, which you contribute afterwards with --relist; withdrawn where it holds no longer; "
        "recalled where it should never have been:"
    ): (
        "upheld 使记录恢复有效，消费者可申请复核。其余均终止记录：corrected 表示应予更正，随后以 --relist 重新报送；"
        "withdrawn 表示不再成立；recalled 表示本不应报送："
    ),
    "upheld, corrected, withdrawn, recalled.": (
        "upheld（维持）、corrected（更正）、withdrawn（撤回）、recalled（召回）。"
    ),
    "Reason code such as checked_with_police, never free text.": "理由代码，例如 checked_with_police，不得为自由文本。",
    "Have a reviewer look at a claim that its contributor upheld.": "将报送方维持的记录提交复核。",
    "Within 30 days after the answer, for the consumer. For example:": "代消费者在答复后 30 天内提出。示例：",
    "For reviewers: list what waits, or decide about a claim.": "供复核员使用：列出待复核事项，或作出决定。",
    (
        "You see what is claimed and contested, and of nobody. A claim that you have suspended informs members and "
        "permits nothing else:"
    ): "您看到报送和争议的内容，但看不到涉及何人。经您中止的记录仅供提示，不得作其他用途：",
    "The dispute's id; without it, what waits is listed.": "异议编号；不给出则列出待复核事项。",
    "claim_stands, claim_suspended.": "claim_stands（记录成立）、claim_suspended（中止记录）。",
    "List by member what is overdue of disputes about its claims.": "按成员列出针对其记录的逾期异议。",
    (
        "Unanswered counts what the member has not answered in time, not reviewed what a reviewer has not decided "
        "within 20 days. For example:"
    ): "“未答复”为该成员逾期未答复的数量，“未复核”为复核员 20 天内未决定的数量。示例：",
}
