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
    "See that the file was not changed since it was released, and attach it again.": (
        "请确认文件自提供以来未被改动，并重新附上。"
    ),
}

CASE_SPOKEN: Final[dict[str, str]] = {}

CASE_HELP: Final = {
    "Ask members about suspects under a legal instrument, approve that, and release.": (
        "依据法律文书向成员查询涉案标识，审批，并提供内容。"
    ),
}
