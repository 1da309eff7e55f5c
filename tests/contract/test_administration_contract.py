"""What administration needs of a store, on each database: proposals, who can act, and steps that are taken back."""

from dataclasses import replace

import pytest
from sqlalchemy.exc import DBAPIError
from support.stores import NOW, member

from alliance.errors import AllianceError
from alliance_server.domain.departures import Departure
from alliance_server.domain.members import Certificate, Invitation, MemberState, Role
from alliance_server.domain.policies import AdoptedPolicy
from alliance_server.domain.ports import Transaction
from alliance_server.domain.proposals import Proposal, ProposalState
from alliance_server.domain.purges import Purges
from alliance_server.domain.suppression import NumberedList
from alliance_server.domain.witnesses import Cosignature, NumberedWitnesses
from alliance_server.storage.restoration import remember
from alliance_server.storage.unit_of_work import SqlStore, SqlTransaction


def proposal(number: int, state: ProposalState = ProposalState.OPEN, decide_by: int = NOW + 10) -> Proposal:
    return Proposal(
        id=number.to_bytes(16, "big"),
        proposer="ann",
        change="offboard",
        statement=b"statement",
        payload_sha256=bytes(32),
        proposed_at=NOW,
        decide_by=decide_by,
        state=state,
    )


def test_proposals_are_kept_listed_and_decided(store: SqlStore) -> None:
    kept = [proposal(1), proposal(2, ProposalState.UNREVIEWED, NOW), proposal(3, ProposalState.EFFECTIVE)]

    def fill(transaction: Transaction) -> None:
        for one in kept:
            transaction.proposals.add(one)

    store.write_now(fill)

    def look(transaction: Transaction) -> tuple[list[Proposal], list[Proposal], list[Proposal], Proposal | None, int]:
        page = transaction.proposals.page
        first = page(0, 2, undecided_at=None)
        rest = page(first[-1][0], 2, undecided_at=None)
        undecided = page(0, 9, undecided_at=NOW)
        found = transaction.proposals.get(kept[0].id), transaction.proposals.count_overdue(NOW)
        return [it for _, it in first], [it for _, it in rest], [it for _, it in undecided], *found

    assert store.write_now(look) == (kept[:2], kept[2:], kept[:2], kept[0], 1)
    assert store.write_now(lambda it: it.proposals.count_overdue(NOW - 1)) == 0
    # What expired is left out by the store: a page of such would be empty and announce another.
    later = store.write_now(lambda it: it.proposals.page(0, 9, undecided_at=NOW + 10))
    assert [it for _, it in later] == kept[1:2]
    assert store.write_now(lambda it: it.proposals.get(bytes(16))) is None


def test_two_proposals_do_not_have_one_id(store: SqlStore) -> None:
    store.write_now(lambda it: it.proposals.add(proposal(1)))
    with pytest.raises(AllianceError, match=r"IntegrityError|UniqueViolation|23505"):
        store.write_now(lambda it: it.proposals.add(proposal(1)))
    assert len(store.write_now(lambda it: it.proposals.page(0, 9, undecided_at=None))) == 1


def test_what_is_undone_leaves_nothing(store: SqlStore) -> None:
    def work(transaction: Transaction) -> None:
        transaction.members.save(member("kept"))
        with transaction.undone():
            transaction.members.save(member("undone"))
            transaction.members.set_state("kept", MemberState.SUSPENDED, NOW)
            transaction.proposals.add(proposal(1))
        transaction.proposals.add(proposal(2))

    store.write_now(work)

    def look(transaction: Transaction) -> tuple[list[tuple[str, MemberState]], int]:
        members = [(it.id, it.state) for it in transaction.members.page("", 9)]
        return members, len(transaction.proposals.page(0, 9, undecided_at=None))

    assert store.write_now(look) == ([("kept", MemberState.ACTIVE)], 1)


def test_who_can_act_is_counted(store: SqlStore) -> None:
    def certificate(serial: str, holder: str, ends: int = NOW + 10, revoked_at: int | None = None) -> Certificate:
        return Certificate(serial, holder, NOW - 10, ends, revoked_at, b"der")

    def work(transaction: Transaction) -> None:
        members = transaction.members
        for name, state in (
            ("able", MemberState.ACTIVE),
            ("twice", MemberState.ACTIVE),
            ("suspended", MemberState.SUSPENDED),
            ("ended", MemberState.ACTIVE),
            ("revoked", MemberState.ACTIVE),
        ):
            members.save(member(name, state, role=Role.ADMIN))
        members.save(member("lender"))
        for one in (
            certificate("1", "able"),
            certificate("2", "twice"),
            certificate("3", "twice"),
            certificate("4", "suspended"),
            certificate("5", "ended", NOW),
            certificate("6", "revoked", revoked_at=NOW),
            certificate("7", "lender"),
        ):
            members.add_certificate(one)

    store.write_now(work)

    def look(transaction: Transaction) -> tuple[int, int, int, list[str]]:
        members = transaction.members
        return (
            members.count_able(Role.ADMIN, NOW, but="nobody"),
            members.count_able(Role.ADMIN, NOW, but="twice"),
            members.count_ever_confirmed(Role.ADMIN),
            [it.serial for it in members.certificates("twice", NOW)],
        )

    able, but_one, ever, serials = store.write_now(look)
    # Of those who are active the last certificate that is not revoked decides, an ended one too.
    ending = store.read_now(lambda it: [it.members.ending(before) for before in (NOW, NOW + 10, NOW + 11)])
    assert ending == [[], [("ended", NOW)], [("ended", NOW), *((it, NOW + 10) for it in ("able", "lender", "twice"))]]
    assert (able, but_one, ever, sorted(serials)) == (2, 1, 5, ["2", "3"])


def test_departures_are_taken_in_their_order_and_kept_as_far_as_they_are(store: SqlStore) -> None:
    def fill(transaction: Transaction) -> None:
        for name, asked_at in (("later", NOW + 5), ("b", NOW), ("a", NOW)):
            transaction.departures.add(Departure(name, asked_at))

    store.write_now(fill)
    assert store.write_now(lambda it: it.departures.next(NOW - 1)) is None
    assert store.write_now(lambda it: it.departures.next(NOW + 9)) == Departure("a", NOW)
    half = Departure("a", NOW, epoch=1, sequence=2**40, withdrawn=7)
    store.write_now(lambda it: it.departures.save(half))
    assert store.write_now(lambda it: (it.departures.get("a"), it.departures.next(NOW))) == (half, half)
    store.write_now(lambda it: it.departures.save(replace(half, ended_at=NOW + 1)))
    assert store.write_now(lambda it: it.departures.next(NOW)) == Departure("b", NOW)
    assert store.write_now(lambda it: it.departures.get("nobody")) is None


def test_open_proposals_are_counted_by_who_made_them(store: SqlStore) -> None:
    def fill(transaction: Transaction) -> None:
        for number, state in enumerate((ProposalState.OPEN, ProposalState.OPEN, ProposalState.UNREVIEWED), 1):
            transaction.proposals.add(proposal(number, state))

    store.write_now(fill)
    count = store.write_now(lambda it: [it.proposals.count_open(*by) for by in (("ann", NOW), ("bob", NOW))])
    assert count == [2, 0]
    assert store.write_now(lambda it: it.proposals.count_open("ann", NOW + 10)) == 0  # they are over by then


def test_invitations_that_nobody_used_end_together(store: SqlStore) -> None:
    def fill(transaction: Transaction) -> list[int]:
        transaction.members.save(member("a"))
        for number, used in ((1, None), (2, None), (3, bytes(32))):
            transaction.members.save_invitation(Invitation(bytes([number] * 32), "a", NOW + 10, used))
        transaction.members.end_all_invitations(NOW)
        found = [transaction.members.invitation(bytes([number] * 32)) for number in (1, 2, 3)]
        return [it.expires_at for it in found if it]

    assert store.write_now(fill) == [NOW, NOW, NOW + 10]


def test_policies_are_adopted_once_and_stay(store: SqlStore) -> None:
    first, second = AdoptedPolicy(bytes(32), NOW), AdoptedPolicy(bytes(range(32)), NOW + 1)
    store.write_now(lambda at: at.policies.adopt(second))
    store.write_now(lambda at: at.policies.adopt(first))
    assert store.write_now(lambda at: at.policies.all()) == [first, second]
    assert store.write_now(lambda at: (at.policies.is_adopted(bytes(32)), at.policies.is_adopted(b""))) == (True, False)
    with pytest.raises(AllianceError, match=r"IntegrityError|UniqueViolation|23505"):
        store.write_now(lambda at: at.policies.adopt(first))


def test_the_list_with_the_highest_number_is_the_newest(store: SqlStore) -> None:
    assert store.write_now(lambda at: (at.suppression.number(), at.suppression.newest())) == (0, None)
    lists = [NumberedList(1, b"one", NOW), NumberedList(2, b"two", NOW)]
    store.write_now(lambda at: at.suppression.add(lists[0]))
    store.write_now(lambda at: at.suppression.add(lists[1]))
    assert store.write_now(lambda at: (at.suppression.number(), at.suppression.newest())) == (2, lists[1])
    with pytest.raises(AllianceError, match=r"IntegrityError|UniqueViolation|23505"):
        store.write_now(lambda at: at.suppression.add(NumberedList(2, b"other", NOW)))


def test_the_witness_list_with_the_highest_number_is_the_newest_and_none_is_changed(store: SqlStore) -> None:
    assert store.write_now(lambda at: (at.witnesses.number(), at.witnesses.newest())) == (0, None)
    lists = [NumberedWitnesses(1, b"one", NOW), NumberedWitnesses(2, b"two", NOW)]
    store.write_now(lambda at: at.witnesses.add(lists[0]))
    store.write_now(lambda at: at.witnesses.add(lists[1]))
    assert store.write_now(lambda at: (at.witnesses.number(), at.witnesses.newest())) == (2, lists[1])
    with pytest.raises(AllianceError, match=r"IntegrityError|UniqueViolation|23505"):
        store.write_now(lambda at: at.witnesses.add(NumberedWitnesses(2, b"other", NOW)))
    for statement in ("UPDATE witness_lists SET content = content", "DELETE FROM witness_lists"):
        with store.engine.begin() as connection, pytest.raises(DBAPIError, match="append-only"):
            connection.exec_driver_sql(statement)


def test_cosignatures_are_kept_once_and_counted_among_some_witnesses(store: SqlStore) -> None:
    def fill(transaction: Transaction) -> None:
        for log, size, names in ((1, 5, "abc"), (1, 9, "ab"), (1, 12, "a"), (2, 1, "c")):
            for at, name in enumerate(names):
                transaction.witnesses.add_cosignature(Cosignature(log, size, name, f"{name}{size}", NOW - at))

    store.write_now(fill)

    def cosigned(log: int | None, names: str, count: int) -> tuple[int, int] | None:
        return store.write_now(lambda at: at.witnesses.cosigned(log, list(names), count))

    assert [cosigned(1, "abc", count) for count in (1, 2, 3, 4)] == [(1, 12), (1, 9), (1, 5), None]
    assert [cosigned(None, names, 1) for names in ("abc", "ab", "d", "")] == [(2, 1), (1, 12), None, None]
    assert store.write_now(lambda at: at.witnesses.lines(1, 5, ["a", "c", "d"])) == ["c5", "a5"]
    assert store.write_now(lambda at: at.witnesses.cosignature(1, 9, "b")) == "b9"
    assert store.write_now(lambda at: at.witnesses.cosignature(1, 9, "c")) is None
    with pytest.raises(AllianceError, match=r"IntegrityError|UniqueViolation|23505"):
        store.write_now(lambda at: at.witnesses.add_cosignature(Cosignature(1, 9, "b", "other", NOW)))


def test_what_a_ledger_remembers_of_them_is_there_after_a_restore(store: SqlStore) -> None:
    policy, numbered = AdoptedPolicy(bytes(32), NOW), NumberedList(3, b"three", NOW)
    purges = Purges()
    purges.policy_adopted(policy)
    purges.suppression_list_set(numbered)
    witnesses = NumberedWitnesses(2, b"two", NOW)
    purges.witness_list_set(witnesses)
    with store.engine.connect() as connection, connection.begin():
        transaction = SqlTransaction(connection)
        for _ in range(2):
            remember(transaction, connection, purges.gathered)
        assert transaction.policies.all() == [policy]
        assert transaction.suppression.newest() == numbered
        assert transaction.witnesses.newest() == witnesses
