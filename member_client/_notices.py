"""The notice that an institution must be able to give to a person when it acts on a verdict.

Rules:

1. It says what the law asks for: why, which categories and by how many members, since when and until when, what the
   institution may do at most, that a person decides, and how to see, correct and dispute it.
2. It accuses nobody and names no contributor. It names the kind of what was listed and holds no identifier.
3. Where nothing adverse may follow, as for a victim, its first paragraph threatens no measure.
4. What could not be settled is never held against anybody: the notice of an open verdict speaks of verification only.
5. A clear verdict owes no notice: the text is empty.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from alliance.notices import CHINESE, ENGLISH, KINDS, LANGUAGES, Language, wording
from alliance.taxonomy import Action, ClaimStatus, SubjectRole, combined_action
from member_client.errors import InvalidUse

if TYPE_CHECKING:
    from member_client.verdicts import Match, Verdict

DISPUTE_DAYS: Final = 20
IDENTITY_THEFT_DAYS: Final = 4


@dataclass(frozen=True, slots=True)
class _Frame:
    """What surrounds the facts, in one language."""

    title: str
    reason: str
    mild_reason: str
    facts: str
    fact: str
    protected_fact: str
    members: str
    one_member: str
    since: str
    until: str
    disputed: str
    suspended: str
    separator: str
    joint: str
    most: str
    open_part: str
    open_reason: str
    decided_by_a_person: str
    rights: str
    where: str
    materials: str
    lifted: str
    dates: str
    receipt: str


_FRAMES: Final[dict[Language, _Frame]] = {
    CHINESE: _Frame(
        title="关于使用反欺诈联盟共享信息的告知",
        reason="告知原因：为防范欺诈、保护客户，本机构查询了反欺诈联盟成员机构之间共享的信息。与您所提供信息有关的记录可能"
        "使我们对您的业务采取下述措施或进行额外核验。该记录是成员机构的陈述，不代表对您有过错的认定。",
        mild_reason="告知原因：为防范欺诈、保护客户，本机构查询了反欺诈联盟成员机构之间共享的信息，其中有与您所提供信息有关的记录。本"
        "机构不会因该记录对您采取不利措施。该记录是成员机构的陈述，不代表对您有过错的认定。",
        facts="涉及的信息：",
        fact="· 您提供的{kinds}：{matter}（{terms}）。{role}。",
        protected_fact="· 您提供的{kinds}：{role}（{terms}）。",
        members="由 {count} 家成员机构提供",
        one_member="由 1 家成员机构提供",
        since="相关情况最早见于 {date}",
        until="有效期至 {date}",
        disputed="异议处理中",
        suspended="已中止使用",
        separator="，",
        joint="、",
        most="本机构至多可以采取的措施：{action}。",
        open_part="另有部分核验未能完成，可能需要请您补充核验。这不是对您的评价。",
        open_reason="告知原因：为防范欺诈、保护客户，本机构在办理业务时进行信息核验。本次核验未能全部完成，可能需要请您补充材料"
        "或者配合额外核验。这并不表示存在与您有关的记录，也不是对您的评价。",
        decided_by_a_person="作出决定的方式：本机构不会仅凭共享信息或者核验结果作出对您有重大影响的决定；此类决定由工作人员结合您的"
        "具体情况作出。您有权要求说明，并有权拒绝仅由系统自动作出的决定。",
        rights="您的权利：您有权知悉和查阅相关信息；信息不准确或者不完整的，您有权要求更正；对信息有异议的，您有权提出异议。"
        "提出投诉或者异议不会使您被登记，也不会影响为您办理业务。",
        where="提出方式：请向本机构提出，出具本告知的网点或者客户服务渠道均可受理。"
        "异议自提出之日起 {dispute} 日内答复；身份被冒用的，{theft} 日内答复。",
        materials="请准备的材料：有效身份证件；说明您与所提供信息关系的材料（例如电话号码、账户或者设备的归属证明）；"
        "支持您说法的其他材料。身份被冒用的，如有报案回执，请一并提供。",
        lifted="解除：核实相关信息不成立的，本机构立即解除已采取的措施。",
        dates="以上日期按协调世界时（UTC）计。",
        receipt="查询编号（提出异议时请注明）：{receipt}",
    ),
    ENGLISH: _Frame(
        title="Notice about the use of information shared in an anti-fraud alliance",
        reason="Why you receive this: to prevent fraud and to protect its customers, this institution consulted "
        "information that members of an anti-fraud alliance share. A record connected with what you gave may lead to "
        "the measure below or to an extra check. The record is a statement by a member and no finding that you did "
        "anything wrong.",
        mild_reason="Why you receive this: to prevent fraud and to protect its customers, this institution consulted "
        "information that members of an anti-fraud alliance share, and found a record connected with what you gave. "
        "Nothing adverse follows for you from it. The record is a statement by a member and no finding that you did "
        "anything wrong.",
        facts="What it is about:",
        fact="- Your {kinds}: {matter} ({terms}); {role}.",
        protected_fact="- Your {kinds}: {role} ({terms}).",
        members="stated by {count} members",
        one_member="stated by 1 member",
        since="first observed on {date}",
        until="valid until {date}",
        disputed="under dispute",
        suspended="suspended from use",
        separator=", ",
        joint=", ",
        most="What may be done at most: {action}",
        open_part="Part of the check could not be completed, and you may be asked for further verification. That says "
        "nothing about you.",
        open_reason="Why you receive this: to prevent fraud and to protect its customers, this institution verifies "
        "information. This time not all of it could be verified, and you may be asked for further documents or an "
        "extra check. That does not mean that there is any record about you, and says nothing about you.",
        decided_by_a_person="Who decides: no decision that weighs on you is taken on shared information or on the "
        "result of a check alone; a member of staff decides, with regard to your own case. You may ask for an "
        "explanation, and may refuse a decision that was made by a system alone.",
        rights="Your rights: you may know and see the information; you may have it corrected where it is wrong or "
        "incomplete; you may dispute it. Nobody is listed for complaining or disputing, and it does not count against "
        "you.",
        where="Where and how: at this institution, through the branch or the service line that gave you this notice. "
        "A dispute is answered within {dispute} days, one about identity theft within {theft} days.",
        materials="What to bring: a valid identity document; what shows your relation to what you gave (for "
        "example who the telephone number, account or device belongs to); whatever else supports your account. For "
        "identity theft also the police's receipt of your report, where you have one.",
        lifted="When it ends: where the information proves unfounded, measures are lifted at once.",
        dates="Dates are in UTC.",
        receipt="Reference, to be named in a dispute: {receipt}",
    ),
}


def notice(verdict: "Verdict", language: str) -> str:
    """Write the notice for a verdict, paragraphs separated by empty lines; empty for a clear one.

    Raises InvalidUse for a language other than the two there are.
    """
    known = read_language(language)
    if verdict.state == "clear":
        return ""
    frame = _FRAMES[known]
    opening = _facts(verdict, frame, known) if verdict.matches else [frame.open_reason]
    closing = [*decision_and_rights(known), _where(frame), frame.materials, frame.lifted]
    if verdict.matches:
        closing.append(frame.dates)
    if verdict.receipt:
        closing.append(frame.receipt.format(receipt=verdict.receipt))
    return "\n\n".join([frame.title, *opening, *closing])


def decision_and_rights(language: Language) -> tuple[str, str]:
    """Give the paragraphs that say who decides, and what rights a person has."""
    frame = _FRAMES[language]
    return frame.decided_by_a_person, frame.rights


def remedies(language: Language) -> tuple[str, str, str]:
    """Give the paragraphs that say what to bring, when measures end, and how dates are counted."""
    frame = _FRAMES[language]
    return frame.materials, frame.lifted, frame.dates


def read_language(language: str) -> Language:
    """Read the language of a text for a person; raises InvalidUse."""
    known = next((one for one in LANGUAGES if one == language), None)
    if known is None:
        raise InvalidUse(f"a notice is written in one of the languages {' and '.join(LANGUAGES)}")
    return known


def _where(frame: _Frame) -> str:
    return frame.where.format(dispute=DISPUTE_DAYS, theft=IDENTITY_THEFT_DAYS)


def _facts(verdict: "Verdict", frame: _Frame, language: Language) -> list[str]:
    """Give the paragraphs that say what was found and what follows at most."""
    lines = [_fact(group, frame, language) for group in _grouped(verdict.matches, language)]
    # The verdict's own action may be higher, by what could not be settled: that is said apart.
    permitted = combined_action(match.ground for match in verdict.matches)
    most = frame.most.format(action=wording(permitted).plain(language))
    needs_more = verdict.integrity or not verdict.is_final
    reason = frame.mild_reason if permitted <= Action.INFORM else frame.reason
    return [reason, "\n".join([frame.facts, *lines]), most, *([frame.open_part] if needs_more else [])]


def _grouped(matches: Iterable["Match"], language: Language) -> list[list["Match"]]:
    """Gather what reads the same: one category, said in one way."""
    groups: dict[tuple[int, str], list[Match]] = {}
    for match in matches:
        # What is protected is no case of the category that the entry was filed under.
        category = 0 if match.role is SubjectRole.PROTECTED else int(match.category)
        groups.setdefault((category, wording(match.role).plain(language)), []).append(match)
    return list(groups.values())


def _fact(group: list["Match"], frame: _Frame, language: Language) -> str:
    first = group[0]
    protected = first.role is SubjectRole.PROTECTED
    return (frame.protected_fact if protected else frame.fact).format(
        kinds=frame.joint.join(dict.fromkeys(KINDS[match.kind].label(language) for match in group)),
        matter=wording(first.category).plain(language),
        role=wording(first.role).plain(language),
        terms=_terms(group, frame),
    )


def _terms(group: list["Match"], frame: _Frame) -> str:
    """Give who stated it (by number), since when, until when, and whether it is disputed."""
    count = len({match.contributor for match in group})
    terms = [frame.one_member if count == 1 else frame.members.format(count=count)]
    if since := day(min((match.observed_from for match in group if match.observed_from), default=0)):
        terms.append(frame.since.format(date=since))
    if until := day(max(match.expires_at for match in group)):
        terms.append(frame.until.format(date=until))
    statuses = {match.status for match in group}
    terms += [frame.disputed] if ClaimStatus.DISPUTED in statuses else []
    terms += [frame.suspended] if ClaimStatus.SUSPENDED in statuses else []
    return frame.separator.join(terms)


def day(milliseconds: int) -> str:
    """Give a moment's UTC date; nothing where there is none that a calendar shows."""
    if milliseconds <= 0:
        return ""
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC).date().isoformat()
    except (OverflowError, ValueError, OSError):
        return ""
