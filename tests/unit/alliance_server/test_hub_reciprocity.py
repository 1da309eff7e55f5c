"""Reciprocity: scores move the right way whatever is given and asked, and the floor holds."""

from hypothesis import given
from hypothesis import strategies as st

from alliance.taxonomy import EvidenceLevel
from alliance_server.domain.quotas import DEFAULT_BUDGETS
from alliance_server.domain.reciprocity import (
    IDENTIFIERS_AN_APPLICATION,
    Age,
    Business,
    Given,
    Tier,
    percent_of,
    score_of,
    standing_of,
    tier_of,
)

BUDGET = DEFAULT_BUDGETS["loan_application"]
cells = st.tuples(st.sampled_from(EvidenceLevel), st.sampled_from(Age))
stocks = st.dictionaries(cells, st.integers(0, 10**7), max_size=8)
numbers = st.integers(0, 10**10)
disputes = st.integers(0, 10**5)


@given(stocks, cells, st.integers(0, 10**6), numbers, disputes)
def test_more_contributions_never_lower_a_score(
    stock: dict[tuple[EvidenceLevel, Age], int],
    cell: tuple[EvidenceLevel, Age],
    more: int,
    queried: int,
    upheld: int,
) -> None:
    larger = stock | {cell: stock.get(cell, 0) + more}
    assert score_of(Given(stock, upheld), queried) <= score_of(Given(larger, upheld), queried)


@given(stocks, numbers, numbers, disputes, disputes)
def test_more_questions_and_more_upheld_disputes_never_raise_it(
    stock: dict[tuple[EvidenceLevel, Age], int], queried: int, more: int, upheld: int, more_upheld: int
) -> None:
    score = score_of(Given(stock, upheld), queried)
    assert 0 <= score_of(Given(stock, upheld + more_upheld), queried + more) <= score <= 100


@given(cells, st.integers(1, 10**6), numbers)
def test_older_claims_and_weaker_evidence_never_raise_it(
    cell: tuple[EvidenceLevel, Age], count: int, queried: int
) -> None:
    level, age = cell
    score = score_of(Given({cell: count}), queried)
    for weaker in [it for it in EvidenceLevel if it < level]:
        assert score_of(Given({(weaker, age): count}), queried) <= score
    for older in [it for it in Age if it < age]:
        assert score_of(Given({(level, older): count}), queried) <= score


@given(st.sampled_from(Tier), st.integers(0, 10**6), st.integers(0, 10**7))
def test_no_tier_takes_a_lender_below_what_its_applicants_need(tier: Tier, applications: int, budget: int) -> None:
    percent = percent_of(tier, Business(applications, 0), budget)
    assert 25 <= percent <= 150
    needed = applications * IDENTIFIERS_AN_APPLICATION
    assert budget * percent // 100 >= min(needed, budget)


def test_a_small_lender_that_has_nothing_to_give_yet_is_no_taker() -> None:
    questions = 30 * 500 * 3  # five hundred applicants a day
    assert tier_of(score_of(Given({}), questions)) is not Tier.TAKING


def test_tiers_by_example() -> None:
    """The figures of docs/explanation/quotas-and-reciprocity.md."""
    large = Given({(EvidenceLevel.E2, Age.FRESH): 100_000})
    examples = {
        "a large lender with a fresh list": (large, 12_000_000, 62, Tier.GIVING),
        "the same, three times as curious": (large, 36_000_000, 35, Tier.BALANCED),
        "a small one that has nothing": (Given({}), 45_000, 52, Tier.BALANCED),
        "one that only asks": (Given({}), 12_000_000, 0, Tier.TAKING),
        "the first, with a tenth of a percent disputed": (Given(large.by_weight, 100), 12_000_000, 57, Tier.BALANCED),
    }
    for name, (stock, queried, score, tier) in examples.items():
        standing = standing_of("a", stock, queried, Business(), default_budget=BUDGET, is_in_force=False, now=1)
        assert (standing.score, standing.tier) == (score, tier), name
