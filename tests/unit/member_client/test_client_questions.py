"""A batch as questions: each subject gets the verdict that its own fields give, whatever stands beside it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alliance.identifiers import BUILTIN, Kind
from alliance.taxonomy import Action, Purpose
from member_client import Consent, Subject, verdicts
from member_client._canonical import Canon
from member_client._questions import Batch, canonical_batch
from member_client.verdicts import FieldVerdict, State

BASIS = Consent.of("basis-7")
PHONE, BAD_PHONE, EMAIL, OAID = "13123456789", "not a number", "someone@example.com", "1f" * 16


def batch_of(*subjects: Subject) -> Batch:
    return canonical_batch(subjects, Purpose.PORTFOLIO_SCREENING, BASIS, Canon("CN", "test"))


def test_items_are_the_fields_that_are_identifiers_in_order() -> None:
    batch = batch_of(
        Subject("1", phone=PHONE, email="x", oaid=OAID), Subject("2"), Subject("3", phone=BAD_PHONE, email=EMAIL)
    )
    assert [text.split(b"\0")[1] for text in batch.inputs] == [b"phone", b"device", b"email"]
    assert list(batch.places) == [0, 1, 4]
    assert sorted(batch.refusals) == [2, 3]
    assert batch.digests == (BASIS.digest,)


def test_shared_values_are_refused_as_the_list_says() -> None:
    address = Subject("1", ip="127.0.0.1")
    assert not batch_of(address).inputs
    assert canonical_batch([address], Purpose.PORTFOLIO_SCREENING, BASIS, Canon("CN", "test", BUILTIN)).refusals == {
        0: "suppressed"
    }


def test_nobody_needs_consent_for_a_batch_without_identifiers() -> None:
    batch = canonical_batch([Subject("1", phone=BAD_PHONE)], Purpose.LOAN_APPLICATION, None, Canon("CN", "test"))
    assert (batch.inputs, batch.digests) == ([], ())


def test_inputs_are_known_by_the_subject_that_they_are_of() -> None:
    batch = batch_of(
        Subject("1", phone=PHONE, email="x"), Subject("2"), Subject("3", phone=BAD_PHONE), Subject("4", email=EMAIL)
    )
    first, last = batch.inputs
    assert batch.inputs_of([3, 0, 1, 2]) == [{"email": last}, {"phone": first}, {}, {}]


FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "phone": st.sampled_from([PHONE, BAD_PHONE]),
        "oaid": st.just(OAID),
        "email": st.sampled_from([EMAIL, "x"]),
    },
)


@given(st.lists(FIELDS, max_size=12), st.sets(st.integers(0, 35)))
def test_each_subject_is_judged_by_its_own_fields(given_fields: list[dict[str, str]], in_doubt: set[int]) -> None:
    subjects = [Subject.of(str(number), fields) for number, fields in enumerate(given_fields)]
    batch = batch_of(*subjects)
    doubts = dict.fromkeys(in_doubt & set(batch.places), verdicts.INTEGRITY)
    judged = batch.verdicts({}, doubts, "step_up", "00")
    place = 0
    for index, (subject, verdict) in enumerate(zip(subjects, judged, strict=True)):
        expected = []
        for name, kind, _ in subject.fields():
            reason = batch.refusals.get(place, "") or doubts.get(place, "")
            state = State.REFUSED if place in batch.refusals else State.UNCONFIRMED if reason else State.CLEAR
            expected.append(FieldVerdict(name, kind, state, reason))
            place += 1
        wanted = verdicts.verdict(subject.ref, expected, on_unavailable="step_up", request_id="00", place=index)
        assert verdict == wanted


def test_what_could_not_be_asked_is_unknown_and_what_was_refused_stays_so() -> None:
    batch = batch_of(Subject("1", phone=PHONE, email="x"), Subject("2"), Subject("3", oaid=OAID))
    judged = batch.unknown(verdicts.DEADLINE, "step_up", "")
    assert [[(field.state, field.reason) for field in verdict.fields] for verdict in judged] == [
        [(State.UNKNOWN, "deadline"), (State.REFUSED, "malformed")],
        [],
        [(State.UNKNOWN, "deadline")],
    ]
    assert [verdict.state for verdict in judged] == [State.UNKNOWN, State.REFUSED, State.UNKNOWN]


@pytest.mark.parametrize("on_unavailable", ["step_up", "proceed", "raise"])
def test_clear_is_what_the_rules_give_for_clear_fields(on_unavailable: verdicts.OnUnavailable) -> None:
    fields = (FieldVerdict("phone", Kind.PHONE, State.CLEAR), FieldVerdict("oaid", Kind.DEVICE, State.CLEAR))
    ruled = verdicts.verdict("r", fields, on_unavailable=on_unavailable, request_id="00")
    assert verdicts.clear("r", fields, "00") == ruled
    assert ruled.action is Action.NONE


def test_nothing_of_a_batch_is_printed() -> None:
    batch = batch_of(Subject("1", phone=PHONE))
    assert PHONE not in repr(batch)
