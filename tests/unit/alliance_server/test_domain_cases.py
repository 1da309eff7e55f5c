"""Where a case may go, held against the table that all parties share, and when replies are handed over."""

import pytest
from support.stores import NOW, police_case

from alliance.cases.words import ENDED_STATES, TRANSITIONS, CaseState
from alliance.errors import Reason
from alliance_server.domain.cases import NOT_ENDED, run_out
from alliance_server.domain.errors import Refused


@pytest.mark.parametrize("before", CaseState)
@pytest.mark.parametrize("after", CaseState)
def test_a_case_goes_where_the_table_lets_it(before: CaseState, after: CaseState) -> None:
    case = police_case(state=before)
    if after not in TRANSITIONS[before]:
        with pytest.raises(Refused) as refused:
            case.moved(after, NOW)
        assert refused.value.reason is Reason.CASE_STATE_CONFLICT
        return
    moved = case.moved(after, NOW)
    assert moved.state is after
    assert (moved.ended_at == NOW, moved.awaited == 0) == ((after in ENDED_STATES,) * 2)


def test_every_clock_ends_a_case_where_the_table_lets_it() -> None:
    assert {state for state, after in TRANSITIONS.items() if after} - {CaseState.DRAFT} == NOT_ENDED
    for state in NOT_ENDED:
        assert run_out(police_case(state=state), NOW).state in ENDED_STATES


@pytest.mark.parametrize(
    ("replied", "now", "state", "expected"),
    [
        (0, NOW + 15, CaseState.OPEN, False),
        (1, NOW + 15, CaseState.OPEN, False),
        (2, NOW + 9, CaseState.OPEN, False),
        (2, NOW + 10, CaseState.OPEN, True),
        (0, NOW + 20, CaseState.OPEN, True),
        (2, NOW + 15, CaseState.CLOSED, True),
        (2, NOW + 30, CaseState.WITHDRAWN, False),
    ],
)
def test_replies_are_handed_over_once_all_are_in_or_their_time_is_over(
    replied: int, now: int, state: CaseState, expected: bool
) -> None:
    case = police_case(state=state, reply_from=NOW + 10, reply_by=NOW + 20, asked=2, replied=replied)
    assert case.is_handed_over(now) is expected
    assert not police_case(state=CaseState.MATCHING).is_handed_over(now)
