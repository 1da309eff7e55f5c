"""The words of the taxonomy as people read them, in Chinese and English: one table for notices, tables and help.

Rules:

1. Every word of `alliance.taxonomy` and every kind has a label in both languages, and a test proves it.
2. A label is short and stands in tables. What `plain` gives is said to the person concerned: it states what a member
   said and what an institution may do, and it accuses nobody. A listing is a statement, never a finding of guilt.
3. Nothing here decides anything: change a text freely, and no permitted action changes with it.

The machine's word (`mule_account`) stays what files, options and JSON hold, in every language.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from alliance.cases.words import CaseState, CaseVerdict, InstrumentType, ReleaseOutcome, UrgencyGround
from alliance.countersignatures import CountersignatureState
from alliance.disputes import DisputeGround, DisputeOutcome, DisputeState, ReviewDecision
from alliance.identifiers import Kind
from alliance.taxonomy import (
    Action,
    Category,
    ClaimStatus,
    ConsentNeed,
    EvidenceLevel,
    Outcome,
    Purpose,
    SharingLevel,
    SubjectRole,
    Word,
)

Language = Literal["zh-CN", "en"]

CHINESE: Final = "zh-CN"
ENGLISH: Final = "en"
LANGUAGES: Final[tuple[Language, Language]] = (CHINESE, ENGLISH)


@dataclass(frozen=True, slots=True)
class Wording:
    """How a word reads: its label, and what is said of it to the person concerned, where something is."""

    zh: str
    en: str
    plain_zh: str = ""
    plain_en: str = ""

    def label(self, language: Language) -> str:
        """Give the short form, for tables."""
        return self.zh if language == CHINESE else self.en

    def plain(self, language: Language) -> str:
        """Give what the person concerned is told."""
        return (self.plain_zh if language == CHINESE else self.plain_en) or self.label(language)


CATEGORIES: Final[dict[Category, Wording]] = {
    Category.FALSE_APPLICATION: Wording(
        "虚假申请",
        "false application",
        "使用不实信息申请金融业务的情况",
        "applications for financial services that hold untrue information",
    ),
    Category.SYNTHETIC_IDENTITY: Wording(
        "虚构身份",
        "synthetic identity",
        "拼凑或虚构身份信息的情况",
        "identities put together from mixed or invented data",
    ),
    Category.ACCOUNT_TAKEOVER: Wording(
        "账户盗用",
        "account takeover",
        "账户被他人盗用或控制的情况",
        "accounts that somebody else has taken control of",
    ),
    Category.MULE_ACCOUNT: Wording(
        "涉诈资金中转账户",
        "mule account",
        "账户被用于转移涉诈资金的情况",
        "accounts that money from fraud was passed through",
    ),
    Category.BROKER_AGENCY_COMPLAINT: Wording(
        "代理投诉",
        "complaint brokerage",
        "以牟利为目的组织代理投诉的情况（本人依法投诉从不构成登记理由）",
        "complaints run for profit on behalf of others (complaining yourself is never a ground)",
    ),
    Category.BROKER_POLICY_SURRENDER: Wording(
        "代理退保",
        "policy surrender brokerage",
        "以牟利为目的组织代理退保的情况（本人依法退保从不构成登记理由）",
        "policy surrenders run for profit on behalf of others (surrendering yourself is never a ground)",
    ),
    Category.BROKER_CREDIT_REPAIR: Wording(
        "代理征信修复",
        "credit repair brokerage",
        "以“征信修复”名义收费牟利的情况",
        "paid offers of so-called credit repair",
    ),
    Category.ILLEGAL_LOAN_BROKER: Wording(
        "非法贷款中介", "illegal loan brokerage", "涉及非法贷款中介活动的情况", "loan brokerage without a licence"
    ),
    Category.FORGED_DOCUMENTS: Wording(
        "伪造材料", "forged documents", "使用伪造、变造材料的情况", "documents that were forged or altered"
    ),
    Category.TELECOM_FRAUD: Wording(
        "电信网络诈骗", "telecom fraud", "涉及电信网络诈骗的情况", "fraud by telephone or on the internet"
    ),
    Category.DEVICE_FARM: Wording(
        "群控设备", "device farm", "批量操控设备的情况", "large numbers of devices operated together"
    ),
    Category.PHISHING: Wording(
        "网络钓鱼",
        "phishing",
        "以仿冒网站或信息骗取个人信息的情况",
        "copied sites or messages that ask people for their data",
    ),
}

_STATED: Final = (
    "有成员机构陈述该信息与此有关联；这是成员机构的陈述，并非对您的认定",
    "a member states a connection with it; that is the member's statement and no finding about you",
)

ROLES: Final[dict[SubjectRole, Wording]] = {
    SubjectRole.PERPETRATOR: Wording("行为人", "perpetrator", *_STATED),
    SubjectRole.MULE_UNWITTING: Wording(
        "资金中转人（不知情）",
        "mule, unwitting",
        "您可能在不知情的情况下被他人利用",
        "others may have used you without your knowledge",
    ),
    SubjectRole.MULE_COERCED: Wording(
        "资金中转人（受胁迫）",
        "mule, coerced",
        "您可能在受到胁迫的情况下被他人利用",
        "others may have used you under pressure",
    ),
    SubjectRole.MULE_COMPLICIT: Wording("资金中转人（知情）", "mule, complicit", *_STATED),
    SubjectRole.BROKER_ORGANISER: Wording("中介组织者", "broker, organiser", *_STATED),
    SubjectRole.BROKER_AGENT: Wording("中介人员", "broker, agent", *_STATED),
    SubjectRole.RECRUITER: Wording("招募者", "recruiter", *_STATED),
    SubjectRole.CLIENT_VICTIM: Wording(
        "受害客户",
        "client, victim",
        "您可能因此受到损害；不会因此对您采取任何不利措施",
        "you may have been harmed by it; nothing adverse follows for you from this",
    ),
    SubjectRole.IMPERSONATED: Wording(
        "被冒用人",
        "impersonated",
        "您的身份可能被他人冒用；额外核验是为了保护您",
        "others may have used your identity; an extra check is there to protect you",
    ),
    SubjectRole.PROTECTED: Wording(
        "受保护人",
        "protected",
        "该信息已登记保护；额外核验是为了保护您",
        "protection was asked for; an extra check is there to protect you",
    ),
}

EVIDENCE: Final[dict[EvidenceLevel, Wording]] = {
    EvidenceLevel.E1: Wording("线索", "suspicion"),
    EvidenceLevel.E2: Wording("有材料佐证", "documented"),
    EvidenceLevel.E3: Wording("双人复核", "reviewed by two people"),
    EvidenceLevel.E4: Wording("公安机关已受理", "accepted by the police"),
    EvidenceLevel.E5: Wording("已有判决", "judgment"),
}

ACTIONS: Final[dict[Action, Wording]] = {
    Action.NONE: Wording("无", "none", "不得据此采取任何措施", "The institution may take no measure because of it."),
    Action.INFORM: Wording(
        "仅供留意",
        "inform only",
        "仅供工作人员留意，不得据此采取不利措施，包括拒绝、限制或拖延办理您的业务",
        "The institution may only make its staff aware; it may not refuse, restrict or delay your business for it.",
    ),
    Action.STEP_UP: Wording(
        "加强核验",
        "step up",
        "可以请您补充材料或者进行额外核验，不得据此拒绝办理您的业务",
        "The institution may ask you for further documents or an extra check; it may not refuse your business for it.",
    ),
    Action.DECLINE_WITH_HUMAN: Wording(
        "经人工审核可拒绝",
        "decline with human",
        "经工作人员审核您的具体情况后，可以拒绝或者限制办理相关业务；不得由系统自动作出该决定",
        "After a member of staff has examined your case, the institution may refuse or restrict the business; "
        "no system may decide that by itself.",
    ),
}

STATUSES: Final[dict[ClaimStatus, Wording]] = {
    ClaimStatus.DRAFT: Wording("草稿", "draft"),
    ClaimStatus.PENDING_REVIEW: Wording("待复核", "pending review"),
    ClaimStatus.ACTIVE: Wording("有效", "active"),
    ClaimStatus.DISPUTED: Wording("异议处理中", "disputed"),
    ClaimStatus.SUSPENDED: Wording("已中止", "suspended"),
    ClaimStatus.CORRECTED: Wording("已更正", "corrected"),
    ClaimStatus.WITHDRAWN: Wording("已撤回", "withdrawn"),
    ClaimStatus.EXPIRED: Wording("已到期", "expired"),
    ClaimStatus.RECALLED: Wording("已召回", "recalled"),
}

PURPOSES: Final[dict[Purpose, Wording]] = {
    Purpose.LOAN_APPLICATION: Wording("贷款申请", "loan application"),
    Purpose.ACCOUNT_OPENING: Wording("开立账户", "account opening"),
    Purpose.TRANSACTION: Wording("交易", "transaction"),
    Purpose.PORTFOLIO_SCREENING: Wording("存量客户筛查", "portfolio screening"),
    Purpose.CONTRIBUTION: Wording("信息报送", "contribution"),
    Purpose.ROTATION: Wording("密钥轮换", "rotation"),
    Purpose.DISPUTE: Wording("异议处理", "dispute"),
    Purpose.INTERSECTION: Wording("名单求交", "intersection"),
    Purpose.CASE: Wording("案件协查", "case"),
}

CONSENT_BASES: Final[dict[ConsentNeed, Wording]] = {
    ConsentNeed.NONE: Wording("无需依据", "none"),
    ConsentNeed.CONSUMER_CONSENT: Wording("客户同意", "consumer consent"),
    ConsentNeed.CONSUMER_REQUEST: Wording("客户申请", "consumer request"),
    ConsentNeed.LEGAL_INSTRUMENT: Wording("法律文书", "legal instrument"),
    ConsentNeed.STATEMENT_OF_BASIS: Wording("依据说明", "statement of basis"),
}

SHARING: Final[dict[SharingLevel, Wording]] = {
    SharingLevel.RED: Wording("红（不共享）", "red"),
    SharingLevel.AMBER: Wording("琥珀（限定范围）", "amber"),
    SharingLevel.GREEN: Wording("绿（联盟内）", "green"),
}

OUTCOMES: Final[dict[Outcome, Wording]] = {
    Outcome.CONFIRMED_FRAUD: Wording("确认欺诈", "confirmed fraud"),
    Outcome.FALSE_MATCH: Wording("并非欺诈", "false match"),
    Outcome.WRONG_PERSON: Wording("并非本人", "wrong person"),
    Outcome.STALE: Wording("信息过时", "stale"),
    Outcome.VICTIM: Wording("本人为受害人", "victim"),
}

DISPUTE_GROUNDS: Final[dict[DisputeGround, Wording]] = {
    DisputeGround.IDENTITY_THEFT: Wording("身份被盗用", "identity theft"),
    DisputeGround.WRONG_PERSON: Wording("并非本人", "somebody else"),
    DisputeGround.INACCURATE: Wording("与事实不符", "not what happened"),
    DisputeGround.OUTDATED: Wording("已不成立", "holds no longer"),
    DisputeGround.UNAUTHORISED_USE: Wording("未经授权使用数据", "data used without a right"),
}

DISPUTE_STATES: Final[dict[DisputeState, Wording]] = {
    DisputeState.OPEN: Wording("待报送方答复", "waits for the contributor"),
    DisputeState.UPHELD: Wording("报送方维持", "upheld by the contributor"),
    DisputeState.CORRECTED: Wording("已更正", "corrected"),
    DisputeState.WITHDRAWN: Wording("已撤回", "withdrawn"),
    DisputeState.RECALLED: Wording("已召回", "recalled"),
    DisputeState.EXPIRED: Wording("记录已终止", "the claim is over"),
    DisputeState.UNANSWERED: Wording("逾期未答复，记录中止", "unanswered, claim suspended"),
    DisputeState.ESCALATED: Wording("待复核", "waits for a reviewer"),
    DisputeState.CLAIM_STANDS: Wording("经复核：记录成立", "reviewed: the claim stands"),
    DisputeState.CLAIM_SUSPENDED: Wording("经复核：记录中止", "reviewed: claim suspended"),
}

DISPUTE_OUTCOMES: Final[dict[DisputeOutcome, Wording]] = {
    DisputeOutcome.UPHELD: Wording("维持", "upheld"),
    DisputeOutcome.CORRECTED: Wording("更正", "corrected"),
    DisputeOutcome.WITHDRAWN: Wording("撤回", "withdrawn"),
    DisputeOutcome.RECALLED: Wording("召回", "recalled"),
}

REVIEW_DECISIONS: Final[dict[ReviewDecision, Wording]] = {
    ReviewDecision.CLAIM_STANDS: Wording("记录成立", "the claim stands"),
    ReviewDecision.CLAIM_SUSPENDED: Wording("中止记录", "claim suspended"),
}

INSTRUMENTS: Final[dict[InstrumentType, Wording]] = {
    InstrumentType.EVIDENCE_NOTICE: Wording("调取证据通知书", "notice to collect evidence"),
    InstrumentType.INQUIRY_NOTICE: Wording("协助查询通知书", "notice of inquiry"),
    InstrumentType.EMERGENCY_STOP: Wording("紧急止付查询", "emergency payment stop"),
    InstrumentType.COURT_ORDER: Wording("法院、检察院文书", "order of a court or procuratorate"),
}

URGENCY_GROUNDS: Final[dict[UrgencyGround, Wording]] = {
    UrgencyGround.LIFE_AT_RISK: Wording("危及人身安全", "life or limb in danger"),
    UrgencyGround.FUNDS_MOVING: Wording("资金正在转移", "money is being moved away"),
    UrgencyGround.FLIGHT: Wording("涉案人可能逃匿", "a suspect is about to get away"),
    UrgencyGround.EVIDENCE_AT_RISK: Wording("证据可能灭失", "evidence is being destroyed"),
}

CASE_STATES: Final[dict[CaseState, Wording]] = {
    CaseState.DRAFT: Wording("草稿，待第二办案人签署", "draft, waits for the second officer"),
    CaseState.SUBMITTED: Wording("待审批", "waits for the approvers"),
    CaseState.APPROVED: Wording("已批准，可开始比对", "approved, may be matched"),
    CaseState.REFUSED: Wording("未批准", "refused"),
    CaseState.MATCHING: Wording("比对中", "being matched"),
    CaseState.OPEN: Wording("已询问成员，待答复", "members are asked"),
    CaseState.CLOSED: Wording("已办结", "closed"),
    CaseState.EXPIRED: Wording("已过期", "its time ran out"),
    CaseState.WITHDRAWN: Wording("已撤回", "withdrawn"),
}

COUNTERSIGNATURE_STATES: Final[dict[CountersignatureState, Wording]] = {
    CountersignatureState.WAITING: Wording("待会签", "waits for the liaison"),
    CountersignatureState.COUNTERSIGNED: Wording("已会签", "countersigned"),
    CountersignatureState.REFUSED: Wording("不予会签", "refused"),
    CountersignatureState.REVOKED: Wording("会签已撤销", "revoked"),
    CountersignatureState.LAPSED: Wording("逾期未答复", "nobody answered in time"),
}

CASE_VERDICTS: Final[dict[CaseVerdict, Wording]] = {
    CaseVerdict.APPROVE: Wording("同意", "approves"),
    CaseVerdict.REFUSE: Wording("不同意", "refuses"),
}

RELEASE_OUTCOMES: Final[dict[ReleaseOutcome, Wording]] = {
    ReleaseOutcome.RELEASED: Wording("予以提供", "released"),
    ReleaseOutcome.DECLINED: Wording("不予提供", "declined"),
    ReleaseOutcome.NOTHING: Wording("无可提供内容", "nothing to release"),
}

KINDS: Final[dict[Kind, Wording]] = {
    Kind.PHONE: Wording("电话号码", "telephone number"),
    Kind.RESIDENT_ID: Wording("居民身份证号码", "resident identity number"),
    Kind.USCC: Wording("统一社会信用代码", "unified social credit code"),
    Kind.BANK_CARD: Wording("银行卡号", "bank card number"),
    Kind.IMEI: Wording("手机设备号（IMEI）", "telephone's serial number (IMEI)"),
    Kind.DEVICE: Wording("设备标识", "device identifier"),
    Kind.EMAIL: Wording("电子邮箱", "e-mail address"),
    Kind.DOMAIN: Wording("网站域名", "internet domain"),
    Kind.IP: Wording("网络地址（IP）", "internet address (IP)"),
    Kind.ACCOUNT: Wording("平台账号", "platform account"),
}

# By type first: words of different enumerations are equal as numbers.
_BY_TYPE: Final[dict[type[Word], Mapping[Any, Wording]]] = {
    Category: CATEGORIES,
    SubjectRole: ROLES,
    EvidenceLevel: EVIDENCE,
    ClaimStatus: STATUSES,
    SharingLevel: SHARING,
    Purpose: PURPOSES,
    Action: ACTIONS,
    ConsentNeed: CONSENT_BASES,
    Outcome: OUTCOMES,
    DisputeGround: DISPUTE_GROUNDS,
    DisputeState: DISPUTE_STATES,
    DisputeOutcome: DISPUTE_OUTCOMES,
    ReviewDecision: REVIEW_DECISIONS,
    InstrumentType: INSTRUMENTS,
    UrgencyGround: URGENCY_GROUNDS,
    CaseState: CASE_STATES,
    CaseVerdict: CASE_VERDICTS,
    ReleaseOutcome: RELEASE_OUTCOMES,
    CountersignatureState: COUNTERSIGNATURE_STATES,
}


def wording(word: Word) -> Wording:
    """Give how a word of the taxonomy reads."""
    return _BY_TYPE[type(word)][word]
