"""Magic identifiers in the SDK: refused by default, played in a development alliance, and nothing else touched."""

import pytest

from alliance.development import DEVELOPMENT_ALLIANCE, MAGIC, Outcome
from alliance.identifiers import Identifier, Kind
from alliance.taxonomy import Purpose
from member_client import Consent, HubUnavailable, Subject
from member_client._canonical import Canon
from member_client._development import DEVELOPMENT_ONLY, refusal_of, settled_here
from member_client._questions import Batch, canonical_batch
from member_client.cli.check import advice
from member_client.verdicts import State

PLAYED = {Outcome.UNCONFIRMED: "unconfirmed", Outcome.UNKNOWN: "unknown", Outcome.REFUSED: "refused"}
SUBJECTS = [Subject(magic.outcome, phone=magic.phone, email=magic.email) for magic in MAGIC]


def batch_in(alliance: str) -> Batch:
    return canonical_batch(SUBJECTS, Purpose.PORTFOLIO_SCREENING, Consent.of("basis-7"), Canon("CN", alliance))


@pytest.mark.parametrize("alliance", ["lenders", "", "DEV", "dev-2", "test"])
def test_every_alliance_of_another_name_refuses_all_of_them(alliance: str) -> None:
    batch = batch_in(alliance)
    assert (batch.inputs, batch.digests) == ([], ())
    for choice in ("step_up", "raise"):
        verdicts = batch.verdicts({}, {}, choice, "")
        assert {verdict.state for verdict in verdicts} == {State.REFUSED}
        assert {field.reason for verdict in verdicts for field in verdict.fields} == {DEVELOPMENT_ONLY}
    for identifier in (one for magic in MAGIC for one in magic.identifiers()):
        refused = refusal_of(identifier, alliance)
        assert refused is not None
        assert refused == (DEVELOPMENT_ONLY, advice(identifier.kind, DEVELOPMENT_ONLY))


def test_a_development_alliance_asks_about_all_but_those_that_are_played() -> None:
    batch = batch_in(DEVELOPMENT_ALLIANCE)
    assert len(batch.inputs) == 2 * (len(MAGIC) - len(PLAYED))
    states = {verdict.ref: str(verdict.state) for verdict in batch.verdicts({}, {}, "step_up", "")}
    assert states == {magic.outcome: PLAYED.get(magic.outcome, "clear") for magic in MAGIC}
    with pytest.raises(HubUnavailable):
        batch.verdicts({}, {}, "raise", "")


def test_what_is_played_is_nothing_to_contribute_about_only_where_it_is_refused() -> None:
    refused = {magic.outcome for magic in MAGIC if refusal_of(magic.identifiers()[0], DEVELOPMENT_ALLIANCE)}
    assert refused == {Outcome.REFUSED}


def test_ordinary_identifiers_are_left_alone_everywhere() -> None:
    ordinary = Identifier(Kind.PHONE, "+8613123456789")
    for alliance in (DEVELOPMENT_ALLIANCE, "lenders"):
        assert settled_here(ordinary, alliance) is None
        assert refusal_of(ordinary, alliance) is None
