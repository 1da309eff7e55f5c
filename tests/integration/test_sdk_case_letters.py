"""What a person is told of police cases: nothing before one has ended, and then what was asked and answered."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.asked import DECLINED, NOBODYS, OTHERS, OURS, Asked, asked, asking, observed_row, police
from support.sdk import Silence, Tamper, contribute, flipped, lender

from alliance.cases.words import REPLY_AFTER_MS, REPLY_WITHIN_MS, CaseState
from alliance.notices import INSTRUMENTS, LANGUAGES
from member_client import AllianceClient, Consent, InquiryAnswer, Subject, SubjectAccess, _following
from member_client._access_words import WORDS

NewFolder = Callable[[], Path]
REQUEST = Consent.of("request-2026-17")
NUMBER = "A-2026-17"


@pytest.fixture(autouse=True)
def set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is done in the background."""
    monkeypatch.setattr(_following, "DELAY_SECONDS", 3600.0)


async def accessed(client: AllianceClient, phone: str) -> SubjectAccess:
    return await client.subject_access(Subject("request-17", phone=phone), request=REQUEST)


def on_paper(access: SubjectAccess) -> list[str]:
    """Give all that a person may be handed, without what differs from one request to the next."""
    written = [access.letter(language) for language in LANGUAGES]
    assert all(access.pdf(language).startswith(b"%PDF") for language in LANGUAGES)
    return written


async def answered(one: Asked, *answers: InquiryAnswer) -> None:
    await one.ready(*answers)
    one.pass_by(REPLY_AFTER_MS)
    await one.client.inquiries.send()


async def test_a_case_is_told_once_it_has_ended_and_not_before(new_hub_folder: NewFolder) -> None:
    async with police(new_hub_folder()) as station, lender(station.hub, "bank-a") as client:
        (before,) = await contribute(client, [observed_row(station, OTHERS)])
        without = on_paper(await accessed(client, OTHERS))
        one = await asking(station, client)
        stages = [on_paper(await accessed(client, OURS))]
        await one.drafted()
        stages.append(on_paper(await accessed(client, OURS)))
        await one.ready()
        one.pass_by(REPLY_AFTER_MS)
        await client.inquiries.send()
        access = await accessed(client, OURS)
        assert access.inquiries == ()
        stages.append(on_paper(access))
        for letters in stages:
            for letter, plain, language in zip(letters, without, LANGUAGES, strict=True):
                assert WORDS[language].nothing_inquired in letter
                assert NUMBER not in letter
                # Of a person about whom a case is, the letter says what it says of one about whom there is none.
                assert letter.count("\n") == plain.count("\n")
        await station.end(one.case, CaseState.CLOSED)
        access = await accessed(client, OURS)
        assert access.inquiries is not None
        (past,) = access.inquiries
        assert (past.number, past.answers[0].fields) == (NUMBER, ("account_number", "full_name"))
        for letter, language in zip(on_paper(access), LANGUAGES, strict=True):
            assert NUMBER in letter
            assert INSTRUMENTS[past.instrument_type].label(language) in letter
            assert "6222" not in letter
            assert WORDS[language].nothing_inquired not in letter
        # Nobody else hears of it.
        assert (await accessed(client, OTHERS)).inquiries == ()
        assert before.entry_id.hex() in (await accessed(client, OTHERS)).letter("en")


@pytest.mark.parametrize("ending", ["declined", "unanswered", "withdrawn"])
async def test_however_it_ended_it_is_told(new_hub_folder: NewFolder, ending: str) -> None:
    async with asked(new_hub_folder()) as one:
        if ending == "declined":
            await answered(one, InquiryAnswer(one.entry_id, DECLINED))
        if ending == "unanswered":
            one.pass_by(REPLY_WITHIN_MS)
        state = CaseState.WITHDRAWN if ending == "withdrawn" else CaseState.CLOSED
        await one.station.end(one.case, state)
        letter = (await accessed(one.client, OURS)).letter("en")
        told = WORDS["en"].declined if ending == "declined" else WORDS["en"].not_answered
        assert NUMBER in letter
        assert told in letter


@pytest.mark.parametrize("fault", ["bent", "away", "as if it had ended"])
async def test_what_is_not_known_to_have_ended_is_left_out(
    new_hub_folder: NewFolder, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bend(reply: Any) -> None:
        for it in reply.inquiries:
            if fault == "bent":
                it.second.payload = flipped(it.second.payload, 9)
            else:  # no time at which it ended
                it.ended_at = 0

    tamper, silence = Tamper("ListInquiries", bend), Silence("ListInquiries")
    async with asked(new_hub_folder(), interceptors=[tamper, silence]) as one:
        await answered(one)
        await one.station.end(one.case, CaseState.CLOSED)
        await one.station.hub.settle()  # days went by, and who asks at once would find a stale filter
        tamper.active, silence.active = fault != "away", fault == "away"
        monkeypatch.setattr("member_client._transport.CALL_SECONDS", 3.0)
        access = await accessed(one.client, OURS)
        letter = access.letter("en")
        assert NUMBER not in letter
        assert (access.inquiries is None, access.is_complete) == (fault == "away", fault != "away")
        assert (WORDS["en"].not_looked_up in letter) is (fault == "away")
        tamper.active = silence.active = False
        assert NUMBER in (await accessed(one.client, OURS)).letter("en")


async def test_a_suspect_of_whom_nothing_is_claimed_is_told_of_no_case(new_hub_folder: NewFolder) -> None:
    async with asked(new_hub_folder()) as one:
        await one.station.end(one.case, CaseState.WITHDRAWN)
        assert (await accessed(one.client, NOBODYS)).inquiries == ()
