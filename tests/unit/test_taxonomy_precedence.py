"""What conflicting claims permit together: all grounds, all pairs and triples, against an oracle of its own.

The oracle is written from the domain's words and not from the code: it ranks claims by their place in a sorted list.
"""

from functools import cache
from itertools import combinations_with_replacement, permutations, product

import pytest

from alliance.taxonomy import LIVE_STATUSES, Action, ClaimStatus, EvidenceLevel, Ground, SubjectRole, combined_action

NONE, INFORM, STEP_UP, DECLINE = Action
ROWS = {
    "perpetrator broker_organiser broker_agent recruiter mule_complicit": (INFORM, STEP_UP, DECLINE, DECLINE, DECLINE),
    "mule_unwitting mule_coerced": (INFORM, INFORM, STEP_UP, STEP_UP, STEP_UP),
    "impersonated protected": (STEP_UP, STEP_UP, STEP_UP, STEP_UP, STEP_UP),
    "client_victim": (INFORM, INFORM, INFORM, INFORM, INFORM),
}
TABLE = {SubjectRole.parse(role): row for roles, row in ROWS.items() for role in roles.split()}
CEILING = {ClaimStatus.ACTIVE: DECLINE, ClaimStatus.DISPUTED: STEP_UP, ClaimStatus.SUSPENDED: INFORM}
GROUNDS = [Ground(*it) for it in product(SubjectRole, EvidenceLevel, sorted(LIVE_STATUSES))]
TYPICAL = [it for it in GROUNDS if it.role.word in {roles.split()[0] for roles in ROWS} | {"protected"}]
"""A role of each row, and the one that protects: pairs of all roles show that the others of a row are no different."""
SETS = pytest.mark.parametrize(
    "grounds", [TYPICAL, pytest.param(GROUNDS, marks=pytest.mark.nightly)], ids=["typical", "all"]
)
VICTIMS = [it for it in GROUNDS if it.role is SubjectRole.CLIENT_VICTIM]
PROTECTED = [it for it in GROUNDS if it.role is SubjectRole.PROTECTED]
ENDED = [Ground(*it) for it in product(SubjectRole, EvidenceLevel, sorted(set(ClaimStatus) - LIVE_STATUSES))]


@cache
def ranked(ground: Ground) -> tuple[int, Action, bool]:
    """Give a ground's place (the better founded the smaller), what it permits, and whether it protects."""
    place = {"E5": 0, "E4": 0, "E3": 1, "E2": 2, "E1": 3}[ground.evidence.name]
    permitted = TABLE[ground.role][("E1", "E2", "E3", "E4", "E5").index(ground.evidence.name)]
    return place, sorted((permitted, CEILING[ground.status]))[0], ground.role.word == "protected"


def oracle(grounds: tuple[Ground, ...]) -> Action:
    """Sort other conduct by evidence, then by mildness: the first one decides, and protection may raise it."""
    known = [ranked(ground) for ground in grounds]
    conduct = sorted((place, action) for place, action, protects in known if not protects)
    decided = conduct[0][1] if conduct else NONE
    return sorted([decided, *(action for _, action, protects in known if protects)])[-1]


def test_the_grounds_are_all() -> None:
    assert len(GROUNDS) == 10 * 5 * 3
    assert set(TABLE) == set(SubjectRole)


@pytest.mark.parametrize(
    ("grounds", "count"),
    [
        (GROUNDS, 1),
        (GROUNDS, 2),
        (TYPICAL, 3),
        pytest.param(GROUNDS, 3, marks=pytest.mark.nightly),
    ],
    ids=["all", "all pairs", "typical triples", "all triples"],
)
def test_grounds_permit_what_the_domain_says(grounds: list[Ground], count: int) -> None:
    for together in combinations_with_replacement(grounds, count):
        assert combined_action(together) is oracle(together), together


def test_order_and_repetition_decide_nothing() -> None:
    for one, other in combinations_with_replacement(GROUNDS, 2):
        expected = combined_action((one, other))
        assert combined_action((other, one)) is expected
        assert combined_action((one, other, one, other, other)) is expected
    for triple in combinations_with_replacement(GROUNDS[::7], 3):
        assert len({combined_action(it) for it in permutations(triple)}) == 1


def test_what_is_over_decides_nothing() -> None:
    for ended in ENDED:
        assert combined_action((ended,)) is NONE
        for live in GROUNDS:
            assert combined_action((ended, live)) is combined_action((live,))


@SETS
def test_a_victims_claim_makes_nothing_adverse(grounds: list[Ground]) -> None:
    """Beside others it leaves what they permit, or makes it milder; where nothing more was permitted, it informs."""
    assert {combined_action((victim,)) for victim in VICTIMS} == {INFORM}
    for others in combinations_with_replacement(grounds, 2):
        before = combined_action(others)
        for victim in VICTIMS:
            assert combined_action((*others, victim)) <= before, (others, victim)


@SETS
def test_a_protected_entry_floors_at_step_up_and_never_lowers(grounds: list[Ground]) -> None:
    for others in combinations_with_replacement(grounds, 2):
        before = combined_action(others)
        for entry in PROTECTED:
            floor = INFORM if entry.status is ClaimStatus.SUSPENDED else STEP_UP
            assert combined_action((*others, entry)) is max(before, floor), (others, entry)


def test_alone_victims_and_protected_never_make_a_decline() -> None:
    mild = [it for it in GROUNDS if TABLE[it.role][-1] < DECLINE]
    assert {it.role for it in mild} > {SubjectRole.CLIENT_VICTIM, SubjectRole.PROTECTED, SubjectRole.IMPERSONATED}
    for grounds in combinations_with_replacement(mild, 2):
        assert combined_action(grounds) < DECLINE


def test_below_e3_nothing_goes_beyond_step_up() -> None:
    weak = [it for it in GROUNDS if it.evidence < EvidenceLevel.E3]
    for grounds in combinations_with_replacement(weak, 2):
        assert combined_action(grounds) <= STEP_UP


def test_among_equals_in_evidence_the_mildest_decides() -> None:
    conduct = [it for it in GROUNDS if it.role is not SubjectRole.PROTECTED]
    for one, other in combinations_with_replacement(conduct, 2):
        if ranked(one)[0] == ranked(other)[0]:
            expected = min(combined_action((one,)), combined_action((other,)))
            assert combined_action((one, other)) is expected
