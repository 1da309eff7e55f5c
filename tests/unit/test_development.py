"""Magic identifiers: one table, nobody's numbers, each accepted by `norm/1` in the form that it has."""

import pytest

from alliance.development import DEVELOPMENT_ALLIANCE, MAGIC, Magic, Outcome, outcome_of
from alliance.identifiers import Identifier, Kind, canonicalise
from alliance.taxonomy import Action

DRAMA = range(442079460000, 442079461000)
"""What Ofcom keeps for drama: 020 7946 0000 to 0999."""


def test_there_is_one_row_for_each_outcome() -> None:
    assert [magic.outcome for magic in MAGIC] == list(Outcome)
    assert len({identifier for magic in MAGIC for identifier in magic.identifiers()}) == 2 * len(Outcome)
    assert DEVELOPMENT_ALLIANCE == "dev"


@pytest.mark.parametrize("magic", MAGIC, ids=lambda magic: str(magic.outcome))
def test_a_magic_identifier_is_nobody_s_canonical_and_not_suppressed(magic: Magic) -> None:
    assert int(magic.phone) in DRAMA
    assert magic.email == f"{magic.outcome}@magic.example"
    for identifier in magic.identifiers():
        assert canonicalise(identifier.kind, identifier.canonical) == identifier
        assert outcome_of(identifier) is magic.outcome
    typed = f"020 7946 {magic.phone[-4:]}"
    assert outcome_of(canonicalise(Kind.PHONE, typed, default_region="GB")) is magic.outcome


def test_all_others_are_ordinary() -> None:
    for kind, text in (
        (Kind.PHONE, "+442079460010"),
        (Kind.EMAIL, "clear@example.com"),
        (Kind.ACCOUNT, MAGIC[0].phone),
    ):
        assert outcome_of(Identifier(kind, text)) is None


def test_the_outcomes_that_name_an_action_permit_it() -> None:
    named = {magic.outcome: magic.action for magic in MAGIC}
    assert all(named[Outcome(action.word)] is action for action in Action if action is not Action.NONE)
