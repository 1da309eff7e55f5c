"""What a case may ask for, and what its parties' signatures must show before anybody believes them."""

from collections.abc import Callable

import pytest
from support.case_parts import DUTY, LEGAL, NOW, Office, Staff, approvals_of, release_of

from alliance import statements
from alliance.cases import rules, suspects
from alliance.cases.statements import verify_approved, verify_release, verify_request
from alliance.cases.words import ENDED_STATES, TRANSITIONS, CaseState, InstrumentType
from alliance.crypto import envelope, sealing
from alliance.crypto.signing import SigningKey
from alliance.errors import BoxInvalid, CaseInvalid, EnvelopeInvalid, Reason, SignatureInvalid
from alliance.identifiers import Kind
from alliance.taxonomy import DAY_MS
from alliance.v1 import case_pb2, directory_pb2
from alliance.v1.case_pb2 import CaseRequest, SuspectCount
from alliance.v1.taxonomy_pb2 import KIND_PHONE, KIND_UNSPECIFIED

CASE = b"\x07" * 16


@pytest.fixture
def office() -> Office:
    return Office()


# -- what may be asked for ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("instrument", InstrumentType)
def test_a_request_within_its_instrument_may_be_made(office: Office, instrument: InstrumentType) -> None:
    rule = rules.INSTRUMENT_RULES[instrument]

    def request(*, until: int = rule.valid_ms, back: int = rule.lookback_ms, items: int = rule.items) -> CaseRequest:
        return office.request(
            instrument_type=int(instrument),
            instrument_until=NOW + until,
            period_from=NOW - back,
            suspects=[SuspectCount(kind=KIND_PHONE, items=items)],
        )

    rules.check_request(request())
    refused = {
        Reason.CASE_OUT_OF_SCOPE: [request(until=rule.valid_ms + 1), request(back=rule.lookback_ms + 1)],
        Reason.INSTRUMENT_EXPIRED: [request(until=0)],
        Reason.INSTRUMENT_EXHAUSTED: [request(items=rule.items + 1)],
    }
    for reason, requests in refused.items():
        for one in requests:
            with pytest.raises(CaseInvalid) as refusal:
                rules.check_request(one)
            assert refusal.value.reason is reason


FORMS: dict[str, dict[str, object]] = {
    "id": {"case_id": b"short"},
    "number with a telephone number": {"number": "A-13952817364"},
    "number with a space": {"number": "A 17"},
    "no number": {"number": ""},
    "number too long": {"number": "字" * 22},
    "instrument's number with a resident id": {"instrument_reference": "11010519491231002X"},
    "no instrument": {"instrument_type": 0},
    "an instrument that there is not": {"instrument_type": 99},
    "no document": {"instrument_sha256": b""},
    "no category": {"categories": []},
    "category twice": {"categories": [1, 1]},
    "categories descend": {"categories": [4, 1]},
    "a category that there is not": {"categories": [1, 99]},
    "no suspects": {"suspects": []},
    "a kind without suspects": {"suspects": [SuspectCount(kind=KIND_PHONE, items=0)]},
    "a kind twice": {"suspects": [SuspectCount(kind=KIND_PHONE, items=1)] * 2},
    "no kind": {"suspects": [SuspectCount(kind=KIND_UNSPECIFIED, items=1)]},
    "look-back that ends first": {"period_from": NOW, "period_to": NOW - DAY_MS},
    "look-back into the future": {"period_to": NOW + 1},
    "look-back before time": {"period_from": -1},
    "no root": {"suspects_root": b""},
    "one officer twice": {"second_officer": "first"},
    "an officer without a name": {"officer": ""},
    "an officer with a name of a person": {"officer": "Zhang San"},
    "no key to seal to": {"sealing_key": b""},
    "urgency without a ground": {"urgency": 99},
}


@pytest.mark.parametrize("form", FORMS)
def test_a_request_that_breaks_a_rule_of_its_form_is_refused(office: Office, form: str) -> None:
    with pytest.raises(CaseInvalid) as refused:
        rules.check_request(office.request(**FORMS[form]))
    assert refused.value.reason is Reason.INVALID_REQUEST


def test_urgency_is_a_ground(office: Office) -> None:
    assert not rules.is_urgent(office.request())
    assert rules.is_urgent(office.request(urgency=case_pb2.URGENCY_GROUND_FUNDS_MOVING))


def test_every_state_is_reached_and_an_ended_case_goes_nowhere() -> None:
    assert set(TRANSITIONS) == set(CaseState)
    assert set().union(*TRANSITIONS.values()) == set(CaseState) - {CaseState.DRAFT}
    assert {state for state, then in TRANSITIONS.items() if not then} == ENDED_STATES


# -- whom a case is about ----------------------------------------------------------------------------------------------


def test_a_suspect_proves_to_be_among_those_that_were_approved(office: Office) -> None:
    for index, suspect in enumerate(office.suspects):
        contents = case_pb2.SuspectContents(leaf=suspect.leaf, index=index, proof=office.tree.proof(index))
        found = suspects.verified(contents, office.tree.root, len(office.suspects))
        assert (found.kind, found.canonical) == (Kind.PHONE, suspect.canonical)


def test_a_suspect_that_was_added_afterwards_is_not_believed(office: Office) -> None:
    added = suspects.drawn(Kind.PHONE, office.suspects[0].canonical)  # the same person under another salt, too
    for index in range(len(office.suspects) + 1):
        for items in (len(office.suspects), len(office.suspects) + 1):
            contents = case_pb2.SuspectContents(leaf=added.leaf, index=index, proof=office.tree.proof(0))
            with pytest.raises(CaseInvalid) as refused:
                suspects.verified(contents, office.tree.root, items)
            assert refused.value.reason is Reason.SUSPECTS_NOT_EVALUATED


def test_a_root_tells_nobody_whom_it_is_about(office: Office) -> None:
    again = [suspects.drawn(it.kind, it.canonical) for it in office.suspects]
    assert suspects.SuspectTree([it.leaf for it in again]).root != office.tree.root
    assert office.suspects[0].canonical not in repr(office.suspects)


def test_a_suspect_is_for_who_holds_the_identifier_and_for_one_case(office: Office) -> None:
    contents = case_pb2.SuspectContents(leaf=office.suspects[0].leaf, note="loan of 2029").SerializeToString()
    sealed = sealing.seal_suspect(b"k" * 32, CASE, contents)
    assert len(sealed) == sealing.SUSPECT_BYTES
    assert sealing.open_suspect(b"k" * 32, CASE, sealed) == contents
    for key, case in ((b"x" * 32, CASE), (b"k" * 32, b"\x08" * 16)):
        with pytest.raises(BoxInvalid):
            sealing.open_suspect(key, case, sealed)


def test_the_longest_suspect_fits_its_box() -> None:
    leaf = suspects.drawn(Kind.EMAIL, "a" * 254).leaf
    contents = case_pb2.SuspectContents(
        leaf=leaf, index=9_999, tree_size=10_000, proof=[b"\xff" * 32] * 14, note="n" * rules.MAX_NOTE_BYTES
    )
    assert contents.ByteSize() <= sealing.MAX_SUSPECT_BYTES


# -- who signs ---------------------------------------------------------------------------------------------------------


def test_a_request_is_believed_under_two_officers_of_the_liaison(office: Office) -> None:
    payload = office.request().SerializeToString()
    first, second = office.signed(payload, "first"), office.signed(payload, "second")
    registrations = office.liaison.registrations()
    assert verify_request(first, second, registrations, office.liaison.identity).number == "A-2030-17"
    other = office.request(number="A-2030-18").SerializeToString()
    refused = {
        "one officer twice": (first, office.signed(payload, "first"), registrations),
        "different requests": (first, office.signed(other, "second"), registrations),
        "an officer nobody vouches for": (first, second, registrations[:1]),
        "officers of another liaison": (first, second, Staff("police").registrations()),
        "officers of another name's liaison": (first, second, Staff("sheriff", office.liaison.key).registrations()),
        "another statement": (office.signed(payload, "first", statements.CASE_EXTENSION), second, registrations),
    }
    for attempt in refused.values():
        with pytest.raises(SignatureInvalid):
            verify_request(*attempt, office.liaison.identity)


def test_two_names_of_one_key_are_one_officer(office: Office) -> None:
    office.liaison.operators["second"] = office.liaison.operators["first"]
    payload = office.request().SerializeToString()
    with pytest.raises(SignatureInvalid):
        verify_request(
            office.signed(payload, "first"),
            office.signed(payload, "second"),
            office.liaison.registrations(),
            office.liaison.identity,
        )


def test_an_approver_of_each_function_must_agree(office: Office) -> None:
    request = office.request()
    payload = request.SerializeToString()
    both = [office.decision(payload, LEGAL), office.decision(payload, DUTY)]
    assert {it.approver for it in verify_approved(both, payload, request, office.approver)} == {LEGAL, DUTY}
    office.approvers["legal-too"] = SigningKey.generate()[0]
    office.roles["legal-too"] = office.roles[LEGAL]
    office.approvers["admin"] = SigningKey.generate()[0]
    office.roles["admin"] = int(directory_pb2.MEMBER_ROLE_ADMIN)
    office.approvers["legal-as-duty"] = office.approvers[LEGAL]
    office.roles["legal-as-duty"] = office.roles[DUTY]
    other = office.request(number="A-2030-18").SerializeToString()
    attempts: dict[str, Callable[[], list[case_pb2.CaseDecision]]] = {
        "one alone": lambda: verify_approved(both[:1], payload, request, office.approver),
        "one twice": lambda: verify_approved([both[0], both[0]], payload, request, office.approver),
        "two of one function": lambda: verify_approved(
            [both[0], office.decision(payload, "legal-too")], payload, request, office.approver
        ),
        "one key under two names": lambda: verify_approved(
            [both[0], office.decision(payload, "legal-as-duty")], payload, request, office.approver
        ),
        "somebody else": lambda: verify_approved(
            [both[0], office.decision(payload, "admin")], payload, request, office.approver
        ),
        "about another request": lambda: verify_approved(
            [both[0], office.decision(other, DUTY)], payload, request, office.approver
        ),
        "a refusal": lambda: verify_approved(
            [both[0], office.decision(payload, DUTY, case_pb2.CASE_VERDICT_REFUSE)], payload, request, office.approver
        ),
        "another document": lambda: verify_approved(
            [both[0], office.decision(payload, DUTY, document=b"another")], payload, request, office.approver
        ),
    }
    for attempt in attempts.values():
        with pytest.raises(SignatureInvalid):
            attempt()


def test_a_release_is_believed_under_two_operators_of_the_member(office: Office) -> None:
    member, payload = Staff("lender-a"), office.request().SerializeToString()
    release = release_of(
        member, payload, [case_pb2.EntryAnswer(entry_id=b"\x01" * 16, outcome=case_pb2.RELEASE_OUTCOME_RELEASED)]
    )
    approvals, registrations = approvals_of(member, release, "first", "second"), member.registrations()
    assert verify_release(release, approvals, registrations, "lender-a", member.identity).member == "lender-a"
    other = release_of(member, payload, [])
    refused = {
        "one operator": (approvals[:1], registrations, "lender-a"),
        "one operator twice": ([approvals[0], approvals[0]], registrations, "lender-a"),
        "of another release": (approvals_of(member, other, "first", "second"), registrations, "lender-a"),
        "operators nobody vouches for": (approvals, registrations[:1], "lender-a"),
        "another member's": (approvals, registrations, "lender-b"),
    }
    for agreed, vouched, name in refused.values():
        with pytest.raises(SignatureInvalid):
            verify_release(release, agreed, vouched, name, member.identity)


def test_a_reply_opens_for_its_officer_case_and_sender_alone(office: Office) -> None:
    sealed = envelope.seal_reply(office.sealing_key, CASE, "lender-a", b"released")
    assert len(sealed) == envelope.REPLY_BYTES == len(envelope.seal_reply(office.sealing_key, CASE, "lender-a", b""))
    assert envelope.open_reply(office.secret, CASE, "lender-a", sealed) == b"released"
    changed = bytes([*sealed[:-1], sealed[-1] ^ 1])
    attempts = {
        "somebody else's key": (envelope.generate()[1], CASE, "lender-a", sealed),
        "another case": (office.secret, b"\x08" * 16, "lender-a", sealed),
        "another sender": (office.secret, CASE, "lender-b", sealed),
        "a flipped bit": (office.secret, CASE, "lender-a", changed),
        "cut short": (office.secret, CASE, "lender-a", sealed[:-1]),
    }
    for attempt in attempts.values():
        with pytest.raises(EnvelopeInvalid):
            envelope.open_reply(*attempt)
    with pytest.raises(EnvelopeInvalid):
        envelope.seal_reply(office.sealing_key, CASE, "lender-a", b"x" * (envelope.MAX_CONTENTS_BYTES + 1))
    with pytest.raises(EnvelopeInvalid):
        envelope.seal_reply(b"\x00" * 32, CASE, "lender-a", b"")  # a point of small order
