"""Attachments of replies in storage, on SQLite and on a real PostgreSQL."""

import os
from dataclasses import replace
from typing import Any

import pytest
from support.stores import NOW, given, police_case

from alliance.cases.words import SEALED_KEPT_MS, CaseState
from alliance.crypto.attachment import ATTACHMENT_ID_BYTES, MAX_SEALED_BYTES
from alliance_server.domain.attachments import MAX_BYTES, Attachment
from alliance_server.domain.cases import Case
from alliance_server.domain.errors import Refused
from alliance_server.storage.unit_of_work import SqlStore


def attachment(case: Case, member: str = "lender-a", sealed_size: int = MAX_SEALED_BYTES) -> Attachment:
    return Attachment(
        case.id, member, os.urandom(ATTACHMENT_ID_BYTES), sealed_size, bytes(32), b"statement", begun_at=NOW
    )


def kept(store: SqlStore, *attachments: Attachment) -> None:
    for one in attachments:
        store.write_now(given(lambda it, added: it.attachments.add(added), one))


def completed(store: SqlStore, one: Attachment) -> bool:
    return store.write_now(lambda it: it.attachments.complete(one.key, NOW + 1))


def test_what_was_begun_comes_back_and_is_whole_once(store: SqlStore) -> None:
    one = attachment(police_case())
    assert store.read_now(lambda it: it.attachments.get(one.key)) is None
    assert not completed(store, one)
    kept(store, one)
    assert store.read_now(lambda it: it.attachments.get(one.key)) == one
    assert (completed(store, one), completed(store, one)) == (True, False)
    assert store.read_now(lambda it: it.attachments.get(one.key)) == replace(one, whole_at=NOW + 1)
    with pytest.raises(Refused):
        kept(store, one)


@pytest.mark.parametrize("part", ["case_id", "member", "attachment_id"])
def test_an_attachment_is_named_by_case_member_and_id(store: SqlStore, part: str) -> None:
    one = attachment(police_case())
    kept(store, one)
    changed: dict[str, Any] = {part: getattr(attachment(police_case(), "lender-b"), part)}
    other = replace(one, **changed)
    assert store.read_now(lambda it: it.attachments.get(other.key)) is None
    assert not completed(store, other)
    assert not store.write_now(lambda it: it.attachments.remove(other.key))
    assert store.write_now(lambda it: it.attachments.remove(one.key))
    assert store.read_now(lambda it: it.attachments.get(one.key)) is None


def test_what_a_member_has_to_a_case_is_counted_up_to_all_that_it_may_have(store: SqlStore) -> None:
    case, other = police_case(), police_case()
    largest = [attachment(case) for _ in range(MAX_BYTES // MAX_SEALED_BYTES)]
    kept(store, *largest, attachment(case, "lender-b", 64), attachment(other, sealed_size=128))
    completed(store, largest[0])  # those that are begun count, too

    def used(of: Case, member: str) -> tuple[int, int]:
        return store.read_now(lambda it: it.attachments.used(of.id, member))

    assert used(case, "lender-a") == (len(largest), MAX_BYTES)
    assert (used(case, "lender-b"), used(other, "lender-a")) == ((1, 64), (1, 128))
    assert used(other, "lender-b") == (0, 0)


def test_a_liaison_gets_what_is_whole_of_those_who_replied_each_member_s_together(store: SqlStore) -> None:
    case = police_case()
    of_a, of_b, of_c = ([attachment(case, member, 64) for _ in range(3)] for member in ("a", "b", "c"))
    begun = attachment(case, "a", 64)
    elsewhere = attachment(police_case(), "a", 64)
    for one in (of_b[0], of_a[0], of_c[0], elsewhere, of_a[1], of_b[1], of_b[2], of_a[2], of_c[1], of_c[2]):
        kept(store, one)
        completed(store, one)
    kept(store, begun)
    found = store.read_now(lambda it: it.attachments.whole(case.id, ["b", "a"]))
    assert [it.key for it in found] == sorted(it.key for it in (*of_a, *of_b))
    assert store.read_now(lambda it: it.attachments.whole(case.id, [])) == []


def test_those_of_a_case_that_ended_long_ago_or_is_gone_are_due_a_few_at_a_time(store: SqlStore) -> None:
    open_one = police_case()
    ended = replace(police_case(), state=CaseState.CLOSED, ended_at=NOW)
    for case in (open_one, ended):
        store.write_now(given(lambda it, added: it.cases.add(added), case))
    of_open, of_ended, of_none = attachment(open_one), attachment(ended), attachment(police_case())
    kept(store, of_open, of_ended, of_none)

    def due(now: int, most: int = 9) -> set[tuple[bytes, str, bytes]]:
        return set(store.read_now(lambda it: it.attachments.due_to_purge(now, most)))

    assert due(NOW + SEALED_KEPT_MS - 1) == {of_none.key}
    assert due(NOW + SEALED_KEPT_MS) == {of_none.key, of_ended.key}
    assert len(due(NOW + SEALED_KEPT_MS, most=1)) == 1
