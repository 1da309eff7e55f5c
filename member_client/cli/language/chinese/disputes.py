"""What disputes say: errors and advice, `member-client dispute`, and the words of grounds, states and outcomes."""

from typing import Final

DISPUTE_CLASSES: Final = {
    "DisputeNotPossible": "无法这样提出异议：没有其他成员的这条有效报送记录，或异议令牌与其不符",
    "DisputeAlreadyOpen": "该记录的异议正在处理，或记录已因异议而中止",
    "DisputeRepeated": "该记录先前的异议已有答复，此次没有新证据",
    "DisputeClosed": "该异议已有答复或已终结",
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
    "The dispute is answered or over.": "该异议已有答复或已终结。",
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
}
