"""What a person may see about themselves: claims, own claims, earlier questions; and nobody else's."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.hub import running_hub
from support.sdk import BASIS, PORTFOLIO, contribute, lender, row

from alliance.identifiers import Kind
from alliance.taxonomy import ClaimStatus, Purpose, SubjectRole
from alliance_server.domain.members import Role
from alliance_server.domain.policy import PURPOSES
from member_client import AllianceClient, Consent, InvalidUse, State, Subject, SubjectAccess, _following, subject_access

NewFolder = Callable[[], Path]
PHONE, OTHER, EMAIL, OTHER_EMAIL = "13855700001", "13855700002", "li.si@example.com", "wang.wu@example.com"
REQUEST = Consent.of("request-2026-17")


@pytest.fixture(autouse=True)
def set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody follows before a test says so; where the hub does not serve the purpose yet, another stands for it."""
    monkeypatch.setattr(_following, "DELAY_SECONDS", 3600.0)
    if subject_access.PURPOSE not in PURPOSES[Role.MEMBER]:
        monkeypatch.setattr(subject_access, "PURPOSE", Purpose.PORTFOLIO_SCREENING)


async def asked(client: AllianceClient, ref: str, **fields: str) -> None:
    await client.screen(Subject.of(ref, fields), purpose=PORTFOLIO, consent=BASIS)


async def accessed(client: AllianceClient, **fields: str) -> SubjectAccess:
    return await client.subject_access(Subject.of("request-17", fields), request=REQUEST)


async def test_all_that_there_is_about_a_person_and_nothing_of_others(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a, lender(hub, "b") as b:
        (theirs,) = await contribute(a, [row(PHONE, role=SubjectRole.MULE_UNWITTING)])
        others: list[dict[str, Any]] = [{"text": OTHER}, {"text": OTHER_EMAIL, "kind": Kind.EMAIL}]
        await contribute(a, [row(**it) for it in others])
        (own,) = await contribute(b, [row(EMAIL, Kind.EMAIL)])
        await hub.settle()
        # Somebody else's, and one that names both: of that, the field of this person alone.
        await asked(b, "other", phone=OTHER)
        await asked(b, "joint", phone=PHONE, email=OTHER_EMAIL)
        await asked(b, "same-email", phone=OTHER, email=EMAIL)
        access = await accessed(b, phone=f"+86 {PHONE}", email=EMAIL, bank_card="no card")
        assert [(it.field, it.masked, it.reason != "") for it in access.given] == [
            ("phone", "…0001", False),
            ("bank_card", "…d", True),
            ("email", "….com", False),
        ]
        assert [it.entry_id for it in access.stated] == [theirs.entry_id]
        assert [it.entry_id for it in access.own] == [own.entry_id]
        told = {it.decision.ref: it.decision for it in access.past}
        assert set(told) == {"joint", "same-email"}
        assert [match.field for match in told["joint"].matches] == ["phone"]
        assert (told["same-email"].state, told["same-email"].matches) == (State.CLEAR, ())
        assert access.is_complete
        for language in ("zh-CN", "en"):
            letter = access.letter(language)
            assert theirs.entry_id.hex() in letter
            assert not [it for it in (PHONE, EMAIL, OTHER, OTHER_EMAIL, "no card", "joint") if it in letter]


async def test_what_changed_since_is_told_and_the_search_itself_is_on_record(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a, lender(hub, "b") as b:
        (entry,) = await contribute(a, [row(PHONE)])
        await hub.settle()
        first = await accessed(b, phone=PHONE)
        assert (first.verdict.state, first.past) == (State.MATCH, ())
        await a.recall(entry.entry_id, reason="wrong_person")
        await b.sync_recalls()
        second = await accessed(b, phone=PHONE)
        assert second.stated == ()
        (past,) = second.past
        assert (past.decision.purpose, past.decision.receipt) == (subject_access.PURPOSE, first.verdict.receipt)
        assert [it.status for it in past.changes] == [ClaimStatus.RECALLED]
        assert "recalled" in second.letter("en")
        assert "已召回" in second.letter("zh-CN")


async def test_what_is_no_identifier_is_not_searched_for(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "b") as b:
        with pytest.raises(InvalidUse):
            await accessed(b, phone="nothing")
        with pytest.raises(InvalidUse):
            await accessed(b)
        assert b.usage.evaluations == 0
