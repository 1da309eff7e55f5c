"""What a machine keeps of cases that ask: sealed, one reply a case, and records without values for years."""

from pathlib import Path

import pytest
from client_fixtures import NOW, new_signing_key, new_store

from alliance.cases.words import REPLY_WITHIN_MS, InstrumentType, ReleaseOutcome
from alliance.identifiers import Identifier, Kind
from alliance.taxonomy import DAY_MS
from alliance.v1.case_pb2 import RELEASE_OUTCOME_RELEASED, CaseRelease, EntryAnswer, ReleasedField
from member_client._cases.answered import LIFE_MS, AnsweredClaim, AnsweredClaims
from member_client._cases.shelf import CaseShelf, KeptReply, Opened
from member_client._store import Shelf

CASE, OTHER = bytes(range(16)), bytes(range(1, 17))
SECRET_VALUE = "6222-the-account"
PERSON = Identifier(Kind.PHONE, "+8613800138011")


def a_reply(case_id: bytes = CASE, sealed: bytes = b"", reply_from: int = NOW) -> KeptReply:
    fields = [ReleasedField(name="account_number", value=SECRET_VALUE)]
    release = CaseRelease(
        case_id=case_id, answers=[EntryAnswer(entry_id=bytes(16), outcome=RELEASE_OUTCOME_RELEASED, fields=fields)]
    )
    signed = new_signing_key().statement("case-release-approval", b"approval")
    paths = {b"a" * 16: "/srv/statement.pdf"}
    return KeptReply(release.SerializeToString(), (signed,), (signed,), paths, reply_from, NOW + DAY_MS, sealed)


def test_a_reply_takes_the_place_of_what_was_seen_and_of_nothing_else(tmp_path: Path) -> None:
    shelf = CaseShelf(new_store(tmp_path))
    draft = a_reply()
    assert shelf.put(draft, None)
    assert not shelf.put(a_reply(sealed=b"s"), None)
    kept = shelf.reply(CASE)
    assert kept is not None
    assert kept == draft
    assert shelf.put(a_reply(sealed=b"s"), draft)
    assert not shelf.put(draft, draft)
    assert shelf.reply(OTHER) is None
    assert set(shelf.replies([OTHER, CASE])) == {CASE}


def test_what_is_ready_comes_in_the_order_of_its_windows(tmp_path: Path) -> None:
    shelf = CaseShelf(new_store(tmp_path))
    assert shelf.ready() == []
    shelf.put(a_reply(CASE, b"sealed", NOW + 1), None)
    shelf.put(a_reply(OTHER, b"sealed", NOW), None)
    shelf.put(a_reply(bytes(16)), None)  # one operator: not ready
    shelf.keep_opened(CASE, {bytes(16): Opened(Kind.PHONE, PERSON.canonical, b"leaf", "a note")}, NOW)
    assert [it.case_id for it in shelf.ready()] == [OTHER, CASE]
    shelf.forget(CASE)
    assert shelf.reply(CASE) is None
    assert shelf.opened(CASE) == {}


def test_what_was_opened_is_kept_until_no_reply_is_taken(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    shelf = CaseShelf(store)
    one, two = Opened(Kind.PHONE, PERSON.canonical, b"leaf", "备注"), Opened(Kind.EMAIL, "a@b.cn", b"leaf 2", "")
    shelf.keep_opened(CASE, {b"1" * 16: one}, NOW)
    shelf.keep_opened(CASE, {b"2" * 16: two}, NOW)
    assert shelf.opened(CASE) == {b"1" * 16: one, b"2" * 16: two}
    assert PERSON.canonical not in repr(one)
    store.purge(NOW + REPLY_WITHIN_MS - 1)
    assert shelf.opened(CASE)
    store.purge(NOW + REPLY_WITHIN_MS)
    assert not list(store.rows(Shelf.INQUIRIES))


@pytest.mark.shows_identifiers(reason="it searches the file for the value that it keeps sealed")
def test_nothing_of_it_is_readable_on_disk(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    CaseShelf(store).put(a_reply(), None)
    store.close()
    assert not [path for path in tmp_path.iterdir() if SECRET_VALUE.encode() in path.read_bytes()]


def an_answer(entry: bytes, **changes: object) -> AnsweredClaim:
    facts: dict[str, object] = {
        "case_id": CASE,
        "entry_id": entry,
        "number": "A-2026-17",
        "instrument_type": InstrumentType.COURT_ORDER,
        "asked_at": NOW - DAY_MS,
        "answered_at": NOW,
        "outcome": ReleaseOutcome.RELEASED,
        "fields": ("account_number", "full_name"),
        "files": 2,
    }
    return AnsweredClaim(**(facts | changes))  # type: ignore[arg-type]


def test_answers_are_found_by_person_and_by_entry_and_end_by_themselves(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    records = AnsweredClaims(store)
    ours, theirs = an_answer(b"1" * 16), an_answer(b"2" * 16, outcome=ReleaseOutcome.DECLINED, fields=(), files=0)
    for _ in range(2):
        records.put([ours, theirs], {b"1" * 16: PERSON})
    assert records.about([PERSON], []) == [ours]
    assert records.about([], [b"2" * 16]) == [theirs]
    assert records.about([PERSON], [b"1" * 16, b"2" * 16]) == [ours, theirs]
    assert records.about([Identifier(Kind.PHONE, "+8613800138012")], [b"3" * 16]) == []
    store.purge(NOW + LIFE_MS)
    assert records.about([PERSON], [b"2" * 16]) == []
