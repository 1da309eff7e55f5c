"""Small rules of the hub by themselves: pages, days, members, epochs, transitions, peers."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alliance.errors import Reason
from alliance.taxonomy import DAY_MS, LEGAL_TRANSITIONS, ClaimStatus, Purpose
from alliance.v1 import directory_pb2, epoch_pb2
from alliance_server.domain.claims import ClaimRow, check_transition
from alliance_server.domain.epochs import SERVING, Epoch, EpochState, contributes, require_evaluating, require_serving
from alliance_server.domain.errors import Refused
from alliance_server.domain.members import Certificate, Member, MemberState, Role, admit, check_member_id
from alliance_server.domain.policy import PURPOSES
from alliance_server.domain.quotas import DEFAULT_BUDGETS, Resource, day_of, renews_at
from alliance_server.rpc.interceptors.authentication import peer_certificate
from alliance_server.services.paging import DEFAULT_PAGE, MAX_PAGE, name, numbers, page_size

NOW = 1_800_000_000_000


def refused(reason: Reason, act: Any, *arguments: Any) -> None:
    with pytest.raises(Refused) as caught:
        act(*arguments)
    assert caught.value.reason is reason


# -- pages ------------------------------------------------------------------------------------------------------


def test_sizes_of_pages() -> None:
    assert (page_size(0), page_size(1), page_size(MAX_PAGE)) == (DEFAULT_PAGE, 1, MAX_PAGE)
    refused(Reason.INVALID_REQUEST, page_size, MAX_PAGE + 1)


@given(st.lists(st.integers(0, 10**18 - 1), min_size=1, max_size=3))
def test_tokens_of_numbers_come_back(values: list[int]) -> None:
    assert numbers("-".join(map(str, values)), len(values)) == tuple(values)


@given(st.text())
def test_no_text_gets_past_the_tokens(text: str) -> None:
    values: tuple[int, ...] = ()
    for count in (1, 2):
        with contextlib.suppress(Refused):
            values += numbers(text, count)
    assert all(0 <= value < 2**63 for value in values)
    with contextlib.suppress(Refused):
        assert name(text) == text
        assert len(text) <= 32
        assert "\x00" not in text


@pytest.mark.parametrize("text", ["x", "1-", "9" * 19, "\x00", "１", "-1", "1 "])
def test_tokens_that_are_none(text: str) -> None:
    refused(Reason.INVALID_REQUEST, numbers, text, 1)


# -- quotas -----------------------------------------------------------------------------------------------------


def test_days_are_utc_and_renew_at_midnight() -> None:
    assert day_of(0) == 0
    assert day_of(DAY_MS - 1) == 0
    assert day_of(DAY_MS) == 1
    assert renews_at(0) == renews_at(DAY_MS - 1) == DAY_MS


def test_every_open_purpose_has_a_budget_by_its_own_number() -> None:
    for purposes in PURPOSES.values():
        # Re-tagging is bounded by the claims that wait for it, and not by the day.
        for purpose in purposes.keys() - {Purpose.ROTATION}:
            assert int(Resource[purpose.name]) == int(purpose)
            assert DEFAULT_BUDGETS[purpose.word] > 0
    assert {it.name.lower() for it in Resource if it.base is it} == set(DEFAULT_BUDGETS)
    assert {it.name: it.base.name for it in Resource if it.base is not it} == {
        f"RETIRING_{it.name}": it.name for it in PURPOSES[Role.MEMBER].keys() - {Purpose.CONTRIBUTION, Purpose.ROTATION}
    }
    assert not {int(Resource.BUCKET_PREFIXES), int(Resource.CONTRIBUTION_REFUNDS)} & {int(it) for it in Purpose}


# -- members ----------------------------------------------------------------------------------------------------


def test_states_are_the_wires() -> None:
    for state in MemberState:
        assert int(directory_pb2.MemberState.Value(f"MEMBER_STATE_{state.name}")) == int(state)
    for epoch_state in EpochState:
        assert int(epoch_pb2.EpochState.Value(f"EPOCH_STATE_{epoch_state.name}")) == int(epoch_state)
    for role in Role:
        assert int(directory_pb2.MemberRole.Value(f"MEMBER_ROLE_{role.name}")) == int(role)


@pytest.mark.parametrize("member_id", ["a", "9", "a-b", "a--b", "x" * 32, "0-0"])
def test_ids_that_a_member_may_have(member_id: str) -> None:
    check_member_id(member_id)
    assert name(member_id) == member_id


@pytest.mark.parametrize("state", MemberState)
@pytest.mark.parametrize("revoked_at", [None, 0, NOW])
@pytest.mark.parametrize(("now", "valid"), [(NOW - 1, False), (NOW, True), (NOW + 9, True), (NOW + 10, False)])
def test_who_is_admitted(state: MemberState, revoked_at: int | None, now: int, valid: bool) -> None:
    member = Member("a", "A", state, bytes(32), NOW)
    certificate = Certificate("1f", "a", NOW, NOW + 10, revoked_at, b"")
    if state is MemberState.ACTIVE and revoked_at is None and valid:
        caller = admit(member, certificate, now)
        assert (caller.member_id, caller.role, caller.serial) == ("a", Role.MEMBER, "1f")
    else:
        waits = state is MemberState.UNCONFIRMED and revoked_at is None and valid
        reason = Reason.KEY_NOT_CONFIRMED if waits else Reason.NOT_AUTHENTICATED
        refused(reason, admit, member, certificate, now)


def test_a_connection_without_a_certificate_has_no_peer() -> None:
    class Context:
        def auth_context(self) -> dict[str, Any]:
            return {"transport_security_type": [b"ssl"]}

    context: Any = Context()
    assert peer_certificate(context) is None


# -- epochs and claims ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", EpochState)
@pytest.mark.parametrize(("now", "within"), [(NOW - 1, False), (NOW, True), (NOW + 9, True), (NOW + 10, False)])
def test_what_an_epoch_serves(state: EpochState, now: int, within: bool) -> None:
    epoch = Epoch(1, "suite", bytes(32), state, NOW, NOW + 10)
    serves = within and state in {EpochState.ACTIVE, EpochState.RETIRING}
    takes = within and state is EpochState.ACTIVE
    assert {EpochState.ACTIVE, EpochState.RETIRING} == SERVING
    assert contributes(epoch, now) == takes
    if serves:
        assert require_serving(epoch, now) is epoch
    else:
        refused(Reason.EPOCH_NOT_SERVED, require_serving, epoch, now)
    retags = within and state in {EpochState.PENDING, EpochState.ACTIVE}
    for purpose in Purpose:
        allowed = {Purpose.CONTRIBUTION: takes, Purpose.ROTATION: retags}.get(purpose, serves)
        if allowed:
            assert require_evaluating(epoch, purpose, now) is epoch
        else:
            refused(Reason.EPOCH_NOT_SERVED, require_evaluating, epoch, purpose, now)
    refused(Reason.EPOCH_NOT_SERVED, require_serving, None, now)


@pytest.mark.parametrize("current", ClaimStatus)
@pytest.mark.parametrize("to", ClaimStatus)
def test_only_legal_changes_of_status_pass(current: ClaimStatus, to: ClaimStatus) -> None:
    if to in LEGAL_TRANSITIONS[current]:
        check_transition(current, to)
    else:
        refused(Reason.ILLEGAL_TRANSITION, check_transition, current, to)


def test_a_rows_digest_binds_every_field_and_their_borders() -> None:
    row = ClaimRow(b"ab", b"c", b"d", b"e")
    others = [
        ClaimRow(b"a", b"bc", b"d", b"e"),
        ClaimRow(b"ab", b"c", b"de", b""),
        ClaimRow(b"ab", b"d", b"c", b"e"),
        ClaimRow(b"ab", b"c", b"d", b"f"),
    ]
    assert len({it.digest() for it in [row, *others]}) == 5
    assert ClaimRow(b"ab", b"c", b"d", b"e").digest() == row.digest()
