"""Police cases in storage, on SQLite and on a real PostgreSQL."""

import os
from dataclasses import replace

import pytest
from support.stores import LATER, NOW, Databases, add, claim, event, given, police_case

from alliance.cases.words import CASE_KEPT_MS, CLOSES_AFTER_MS, SEALED_KEPT_MS, CaseState, CaseVerdict, InstrumentType
from alliance.taxonomy import ClaimStatus, SharingLevel, SubjectRole
from alliance_server.domain.cases import NOT_ENDED, Asked, Case, Decision, Match, Placed, Scope
from alliance_server.domain.errors import Refused
from alliance_server.domain.members import Role
from alliance_server.domain.purges import Purge, PurgeKind
from alliance_server.storage import database, restoration
from alliance_server.storage.unit_of_work import SqlStore, SqlTransaction


def keep(store: SqlStore, *cases: Case) -> None:
    for one in cases:
        store.write_now(given(lambda it, kept: it.cases.add(kept), one))


def match(member: str = "lender-a", **changes: object) -> Match:
    made = Match(os.urandom(16), member, 1, 0, b"sealed")
    return replace(made, **changes)  # type: ignore[arg-type]


def place(store: SqlStore, case: Case, *matches: Match, first: int = 0, is_last: bool = False) -> None:
    placed = Placed(case.id, 1, first, 1, bytes(32), is_last)
    store.write_now(lambda it: it.cases.add_place(placed, matches))


def test_what_was_kept_comes_back(store: SqlStore) -> None:
    one = police_case()
    assert store.write_now(lambda it: it.cases.get(one.id)) is None
    keep(store, one)
    assert store.write_now(lambda it: it.cases.get(one.id)) == one
    after = replace(
        one,
        state=CaseState.CLOSED,
        awaited=0,
        extensions=b"x",
        is_extended=True,
        reply_from=1,
        reply_by=2,
        asked=3,
        replied=1,
        ended_at=NOW,
    )
    store.write_now(lambda it: it.cases.save(after))
    assert store.write_now(lambda it: it.cases.get(one.id)) == after
    with pytest.raises(Refused):
        keep(store, police_case(id=one.id))


def test_a_liaison_has_one_scope(store: SqlStore) -> None:
    assert store.read_now(lambda it: it.cases.scope("police")) is None
    for scope in (Scope("police", frozenset({1, 4}), frozenset({7})), Scope("police", frozenset(), frozenset())):
        store.write_now(given(lambda it, given_scope: it.cases.set_scope(given_scope), scope))
        assert store.read_now(lambda it: it.cases.scope("police")) == scope
    assert store.read_now(lambda it: it.cases.scope("other")) is None


def test_cases_are_listed_by_whose_they_are_and_by_pages(store: SqlStore) -> None:
    first, second = police_case(), police_case(awaited=0, state=CaseState.APPROVED)
    other = police_case(liaison="other")
    keep(store, first, other, second)

    def listed(liaison: str | None, after: int = 0, limit: int = 9, *, waiting: bool = False) -> list[bytes]:
        page = store.read_now(lambda it: it.cases.page(after, limit, liaison=liaison, waiting_only=waiting))
        return [it.id for _, it in page]

    assert listed("police") == [first.id, second.id]
    assert listed(None) == [first.id, other.id, second.id]
    assert listed(None, waiting=True) == [first.id, other.id]
    ((row, _),) = store.read_now(lambda it: it.cases.page(0, 1, liaison="police", waiting_only=False))
    assert listed("police", after=row) == [second.id]


def test_one_of_each_function_decides_once(store: SqlStore) -> None:
    one, subject = police_case(), bytes(32)
    keep(store, one)
    legal = Decision(one.id, subject, Role.LEGAL_APPROVER, "ann", CaseVerdict.APPROVE, b"statement", NOW)
    duty = replace(legal, role=Role.DUTY_OFFICER, approver="bob", decided_at=NOW + 1)
    for decision in (duty, legal):
        store.write_now(given(lambda it, made: it.cases.add_decision(made), decision))
    assert store.read_now(lambda it: it.cases.decisions([one.id])) == [legal, duty]
    with pytest.raises(Refused):
        store.write_now(lambda it: it.cases.add_decision(replace(legal, approver="eve")))


def test_what_an_instrument_was_used_for(store: SqlStore) -> None:
    def used() -> int:
        return store.read_now(lambda it: it.cases.items_under("police", police_case().instrument_sha256))

    assert used() == 0
    kept = [police_case(state=state) for state in CaseState if state is not CaseState.DRAFT]
    keep(store, *kept, police_case(liaison="other"), police_case(instrument_sha256=bytes(32)))
    uncharged = {CaseState.REFUSED, CaseState.WITHDRAWN, CaseState.EXPIRED}
    assert used() == 2 * (len(kept) - len(uncharged))
    for one in kept:
        if one.state in uncharged:
            store.write_now(given(lambda it, case_id: it.cases.evaluated(case_id, 1, 1), one.id))
    assert used() == 2 * (len(kept) - 1)  # a refused one never counts


def test_as_what_an_instrument_was_used(store: SqlStore) -> None:
    def types() -> set[int]:
        return store.read_now(lambda it: it.cases.instrument_types("police", police_case().instrument_sha256))

    other = int(InstrumentType.COURT_ORDER)
    keep(store, police_case(state=CaseState.REFUSED), police_case(liaison="other"))
    assert types() == set()
    keep(store, police_case(), police_case(), police_case(state=CaseState.WITHDRAWN, instrument_type=other))
    assert types() == {police_case().instrument_type}


def test_suspects_are_counted_by_epoch_and_their_places_remembered(store: SqlStore) -> None:
    one = police_case()
    keep(store, one)
    store.write_now(lambda it: it.cases.evaluated(one.id, 1, 2))
    store.write_now(lambda it: it.cases.evaluated(one.id, 1, 3))
    assert store.read_now(lambda it: it.cases.progress(one.id, 1)) == (5, 0)
    assert store.read_now(lambda it: it.cases.progress(one.id, 2)) == (0, 0)
    place(store, one)
    assert store.read_now(lambda it: it.cases.progress(one.id, 1)) == (5, 1)
    assert store.read_now(lambda it: it.cases.place(one.id, 1, 0)) == Placed(one.id, 1, 0, 1, bytes(32), False)
    assert store.read_now(lambda it: it.cases.place(one.id, 1, 1)) is None
    with pytest.raises(Refused):
        place(store, one)


def test_contributors_are_asked_once_about_what_matched(store: SqlStore) -> None:
    one, other = police_case(), police_case()
    keep(store, one, other)
    own, more = sorted((match(), match()), key=lambda it: it.entry_id)
    theirs = match("lender-b")
    place(store, one, own, theirs)
    place(store, one, more, first=1)
    place(store, other, match("lender-c"))
    assert store.write_now(lambda it: it.cases.asked(one.id, "lender-a")) is None
    assert store.read_now(lambda it: it.cases.inquiries("lender-a", 0, 9)) == []
    assert store.write_now(lambda it: it.cases.ask(one.id)) == 2
    assert store.write_now(lambda it: it.cases.asked(one.id, "lender-a")) == Asked(one.id, "lender-a", 2)
    assert store.write_now(lambda it: it.cases.asked(one.id, "lender-c")) is None
    ((row, case, asked),) = store.read_now(lambda it: it.cases.inquiries("lender-b", 0, 9))
    assert (case, asked) == (one, Asked(one.id, "lender-b", 1))
    assert store.read_now(lambda it: it.cases.inquiries("lender-b", row, 9)) == []
    assert store.read_now(lambda it: it.cases.entries(one.id, "lender-a", b"", 1)) == [own]
    assert store.read_now(lambda it: it.cases.entries(one.id, "lender-a", own.entry_id, 9)) == [more]
    store.write_now(lambda it: it.cases.opened(one.id, "lender-a", 3))
    store.write_now(lambda it: it.cases.reply(one.id, "lender-a", b"statement", b"reply", NOW))
    replied = Asked(one.id, "lender-a", 2, 3, NOW, b"statement", b"reply")
    assert store.read_now(lambda it: it.cases.replies(one.id, "", 1)) == [replied]
    assert [it.member for it in store.read_now(lambda it: it.cases.replies(one.id, "lender-a", 9))] == ["lender-b"]
    store.write_now(lambda it: it.cases.drop_matches(one.id))
    assert store.read_now(lambda it: it.cases.entries(one.id, "lender-a", b"", 9)) == []


def test_a_claim_that_is_re_tagged_is_asked_about_under_its_later_name(with_epoch: SqlStore) -> None:
    later = claim(2)
    earlier, alone = claim(1, successor=later.entry_id), claim(3, successor=os.urandom(16))
    add(with_epoch, earlier, later, alone)
    one = police_case()
    keep(with_epoch, one)
    place(with_epoch, one, *(match(entry_id=it.entry_id) for it in (earlier, later, alone)))
    with_epoch.write_now(lambda it: it.cases.drop_retagged(one.id))
    found = with_epoch.read_now(lambda it: it.cases.entries(one.id, "lender-a", b"", 9))
    assert {it.entry_id for it in found} == {later.entry_id, alone.entry_id}


def test_live_claims_are_found_by_their_tags(with_epoch: SqlStore) -> None:
    tag = os.urandom(32)
    found = [
        claim(1, tag=tag),
        claim(2, tag=tag, contributor="lender-b", sharing_level=int(SharingLevel.RED)),
        claim(3, status=ClaimStatus.DISPUTED),
    ]
    left_out = [
        claim(4, tag=tag, contributor="lender-c", status=ClaimStatus.WITHDRAWN),
        claim(5, tag=tag, contributor="lender-d", expires_at=NOW),
        claim(6, tag=tag, contributor="lender-e", subject_role=int(SubjectRole.PROTECTED)),
        claim(7),
    ]
    add(with_epoch, *found, *left_out)
    tags = [tag, found[2].tag, *(os.urandom(32) for _ in range(254))]
    rows = with_epoch.read_now(lambda it: it.claims.on_tags(1, tags, NOW))
    assert {it.entry_id for it in rows} == {it.entry_id for it in found}
    assert {it.tag for it in rows} == {tag, found[2].tag}
    assert with_epoch.read_now(lambda it: it.claims.on_tags(2, tags, NOW)) == []


def test_steps_have_the_numbers_of_their_events(store: SqlStore) -> None:
    one = police_case()
    keep(store, one)
    mine, theirs, lost = event(), event("lender-b"), event()
    store.write_now(lambda it: it.step(one.id, mine, b"mine"))
    store.write_now(lambda it: it.step(one.id, theirs, b"theirs", of_member=True))

    def undone(transaction: SqlTransaction) -> None:
        with transaction.undone():
            transaction.step(one.id, lost)

    store.write_now(undone)  # type: ignore[arg-type]
    assert store.read_now(lambda it: it.cases.steps(one.id, members_too=False)) == [(mine.row, b"mine")]
    both = [(mine.row, b"mine"), (theirs.row, b"theirs")]
    assert store.read_now(lambda it: it.cases.steps(one.id, members_too=True)) == both
    assert 0 < mine.row < theirs.row


def test_clocks_run_out(store: SqlStore) -> None:
    undecided = police_case(decide_by=NOW)
    unused = police_case(state=CaseState.APPROVED, instrument_until=NOW)
    matching = police_case(state=CaseState.MATCHING, instrument_until=NOW)
    opened = police_case(state=CaseState.OPEN, reply_by=NOW - CLOSES_AFTER_MS)
    keep(store, undecided, unused, matching, opened)
    keep(store, police_case(decide_by=NOW + 1), police_case(state=CaseState.OPEN, reply_by=NOW, instrument_until=NOW))
    keep(store, *(police_case(state=state, decide_by=NOW, ended_at=NOW) for state in set(CaseState) - NOT_ENDED))
    assert not store.read_now(lambda it: it.cases.has_run_out(NOW - 1))
    assert store.read_now(lambda it: it.cases.has_run_out(NOW))
    due = [it.id for it in store.write_now(lambda it: it.cases.run_out(NOW, 9))]
    assert due == [it.id for it in (undecided, unused, matching, opened)]
    assert len(store.write_now(lambda it: it.cases.run_out(NOW, 2))) == 2


def test_what_is_sealed_goes_first_and_the_case_with_all_of_it_later(store: SqlStore, databases: Databases) -> None:
    ended = police_case(state=CaseState.CLOSED, ended_at=NOW)
    goes_on = police_case(state=CaseState.OPEN)
    keep(store, ended, goes_on)
    for case in (ended, goes_on):
        store.write_now(given(lambda it, case_id: it.cases.evaluated(case_id, 1, 1), case.id))
        place(store, case, match())
        store.write_now(given(lambda it, case_id: it.cases.ask(case_id), case.id))
        store.write_now(given(lambda it, case_id: it.cases.reply(case_id, "lender-a", b"s", b"reply", NOW), case.id))
        store.write_now(given(lambda it, case_id: it.step(case_id, event()), case.id))
        decision = Decision(case.id, bytes(32), Role.DUTY_OFFICER, "ann", CaseVerdict.APPROVE, b"s", NOW)
        store.write_now(given(lambda it, made: it.cases.add_decision(made), decision))
    for now, expected in ((NOW + SEALED_KEPT_MS, (2, 0)), (NOW + CASE_KEPT_MS, (0, 1))):
        assert not store.read_now(given(lambda it, then: it.cases.is_due_to_purge(then), now - 1))
        assert store.read_now(given(lambda it, then: it.cases.is_due_to_purge(then), now))
        assert store.write_now(given(lambda it, then: it.cases.purge(then, 9), now)) == expected
    assert not store.read_now(lambda it: it.cases.is_due_to_purge(NOW + CASE_KEPT_MS))
    tables = ("cases", *(f"case_{name}" for name in ("decisions", "epochs", "places", "matches", "members", "steps")))
    assert {name: databases.rows(f"SELECT count(*) FROM {name}")[0][0] for name in tables} == dict.fromkeys(tables, 1)  # noqa: S608


def test_after_a_restore_no_case_is_open_again(store: SqlStore) -> None:
    kept = {state: police_case(state=state, awaited=1) for state in CaseState}
    keep(store, *kept.values())
    scope = {"member_id": "police", "instruments": "01", "categories": "0407"}
    with database.writing(store.engine) as connection, connection.begin():
        restoration.end_what_was_open(connection, LATER)
        restoration.remember(SqlTransaction(connection), connection, [Purge(PurgeKind.LIAISON_SCOPE, scope)])
    found = {
        state: store.write_now(given(lambda it, case_id: it.cases.get(case_id), it.id)) for state, it in kept.items()
    }
    assert found[CaseState.OPEN].state is CaseState.CLOSED
    for state in NOT_ENDED - {CaseState.OPEN}:
        assert (found[state].state, found[state].ended_at, found[state].awaited) == (CaseState.EXPIRED, LATER, 0)
    for state in set(CaseState) - NOT_ENDED:
        assert found[state] == kept[state]
    assert store.read_now(lambda it: it.cases.scope("police")) == Scope("police", frozenset({1}), frozenset({4, 7}))
