"""What a transparency report tells of small counts: nobody who knows how it is made can find one out."""

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from alliance.cases.words import InstrumentType
from alliance.taxonomy import DAY_MS
from alliance_server.domain.case_counts import LEAST, CountedCase, Outcome, Row, Told, published

FEW = settings(max_examples=60, deadline=None)
DECIDED = {Outcome.REFUSED, Outcome.UNMATCHED, Outcome.MATCHED}

cells = st.dictionaries(
    st.tuples(st.sampled_from(InstrumentType), st.sampled_from(Outcome)), st.integers(1, 8), max_size=8
)


def cases_of(counts: dict[tuple[InstrumentType, Outcome], int], urgent: dict[InstrumentType, int]) -> list[CountedCase]:
    """Make so many cases in each cell, the first of each type urgent; each is decided after one day."""
    left = Counter(urgent)
    made = []
    for (instrument, outcome), count in sorted(counts.items()):
        for _ in range(count):
            is_urgent = left[instrument] > 0
            left[instrument] -= is_urgent
            made.append(CountedCase(instrument, outcome, is_urgent, DAY_MS if outcome in DECIDED else None))
    return made


def shown(cases: Sequence[CountedCase]) -> list[list[str]]:
    """Give everything that a report shows."""
    rows, everything = published(cases)
    return [
        [*map(str, row.outcomes.values()), str(row.made), str(row.approved), str(row.urgent), str(row.median_days)]
        for row in (*rows.values(), everything)
    ]


def consistent(row: Row, urgents: Sequence[int]) -> Iterator[dict[Outcome, int]]:
    """Give every row that the published one may stand for, hidden cells being 1 to 4, and its urgent cases fit in."""
    ranges = [range(it.low, (it.high or it.low) + 1) for it in row.outcomes.values()]
    for values in itertools.product(*ranges):
        if any(urgent <= sum(values) for urgent in urgents):
            yield dict(zip(Outcome, values, strict=True))


@FEW
@given(cells, st.data())
def test_every_hidden_cell_may_be_anything_under_five(
    counts: dict[tuple[InstrumentType, Outcome], int], data: st.DataObject
) -> None:
    totals = Counter[InstrumentType]()
    for (instrument, _), count in counts.items():
        totals[instrument] += count
    urgent = {it: data.draw(st.integers(0, totals[it])) for it in InstrumentType}
    said = shown(cases_of(counts, urgent))
    rows, _ = published(cases_of(counts, urgent))
    for instrument, row in rows.items():
        if not any(not it.is_exact for it in row.outcomes.values()):
            continue
        high = sum(it.high or it.low for it in row.outcomes.values())
        told = row.urgent
        urgents = range(told.low, (high if told.high is None else told.high) + 1)
        found: dict[Outcome, set[int]] = {it: set() for it in Outcome}
        for values in consistent(row, urgents):
            for outcome, value in values.items():
                found[outcome].add(value)
        for outcome, it in row.outcomes.items():
            assert found[outcome] == ({it.low} if it.is_exact else {1, 2, 3, 4}), (instrument, outcome)
            if it.is_exact:
                continue
            for value in (1, 2, 3, 4):  # and each of them, with urgent cases that fit, is reported in the same words
                other = counts | {(instrument, outcome): value}
                fits = sum(count for (one, _), count in other.items() if one is instrument)
                if urgent[instrument] <= fits:
                    assert shown(cases_of(other, urgent)) == said


@FEW
@given(st.lists(st.integers(0, 12), min_size=2, max_size=5))
def test_a_sum_says_nothing_that_its_cells_do_not(counts: list[int]) -> None:
    told = [Told.of(it) for it in counts]
    added = sum(told, Told(0, 0))
    assert added.low <= sum(counts) <= (added.high or 0)
    assert added.is_exact == all(it.is_exact for it in told)
    assert added.low == sum(it.low for it in told)


@FEW
@given(cells)
def test_no_count_under_five_is_told(counts: dict[tuple[InstrumentType, Outcome], int]) -> None:
    for line in shown(cases_of(counts, {})):
        for cell in line[:-1]:
            assert not (cell.isdigit() and 0 < int(cell) < LEAST)
