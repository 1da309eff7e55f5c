"""Operators and what they approved, on SQLite and PostgreSQL."""

from dataclasses import replace

import pytest
from support.stores import NOW, add, claim, given

from alliance.errors import ClaimInvalid, Reason
from alliance_server.domain.operators import Approved, Operator, check_still_active
from alliance_server.domain.ports import Transaction
from alliance_server.storage.unit_of_work import SqlStore

ANN = Operator("lender-a", "ann", b"a" * 32, NOW, None, b"statement")
BOB = replace(ANN, operator_id="bob", public_key=b"b" * 32)


def register(transaction: Transaction, operator: Operator) -> None:
    transaction.operators.add(operator)


def retire(transaction: Transaction, now: int) -> None:
    transaction.operators.retire("lender-a", "bob", now)


def of(store: SqlStore, member: str = "lender-a") -> list[Operator]:
    return store.read_now(lambda it: it.operators.of(member))


def test_operators_are_kept_by_member_and_retired_once(store: SqlStore) -> None:
    other = replace(BOB, member_id="lender-b")
    for one in (BOB, other, ANN):
        store.write_now(given(register, one))
    assert of(store) == [ANN, BOB]
    for now in (NOW + 5, NOW + 9):
        store.write_now(given(retire, now))
    assert of(store) == [ANN, replace(BOB, retired_at=NOW + 5)]
    assert of(store, "lender-b") == [other]
    assert of(store, "lender-c") == []


def test_a_claim_keeps_who_approved_it(store: SqlStore) -> None:
    approved, plain = claim(1, approved_by="ann bob", approvals=b"both"), claim(2)
    add(store, approved, plain)
    found = store.read_now(lambda it: it.claims.get_many([approved.entry_id, plain.entry_id]))
    assert [(it.approved_by, it.approvals) for it in (found[approved.entry_id], found[plain.entry_id])] == [
        ("ann bob", b"both"),
        (None, None),
    ]


def test_who_was_retired_since_the_signatures_were_read_approves_nothing() -> None:
    approval = Approved((ANN, BOB), b"")
    check_still_active(approval, {"ann": ANN, "bob": BOB})
    changed = ({"ann": ANN, "bob": replace(BOB, retired_at=NOW)}, {"ann": ANN}, {"ann": BOB, "bob": BOB})
    for known in changed:
        with pytest.raises(ClaimInvalid) as caught:
            check_still_active(approval, known)
        assert caught.value.reason is Reason.TWO_OPERATORS_NEEDED
