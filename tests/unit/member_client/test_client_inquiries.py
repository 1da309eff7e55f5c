"""A case as a member believes it: signed by two officers, agreed to by two approvers, and by nobody else's word."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

import pytest
from client_fixtures import NOW, new_signing_key

from alliance import statements
from alliance.cases.words import DECIDE_WITHIN_MS, REPLY_WITHIN_MS, CaseState, CaseVerdict, UrgencyGround
from alliance.crypto.signing import SigningKey, VerifyingKey
from alliance.taxonomy import DAY_MS
from alliance.v1 import case_pb2, directory_pb2
from alliance.v1.case_pb2 import CaseDecision, CaseRequest, SuspectCount
from alliance.v1.case_pb2 import Inquiry as Message
from alliance.v1.operator_pb2 import Operator
from alliance.v1.statement_pb2 import SignedStatement
from alliance.v1.taxonomy_pb2 import CATEGORY_MULE_ACCOUNT, KIND_PHONE
from member_client import HubError, Inquiry, ReplyState, StatementInvalid
from member_client._cases.inquiries import read_inquiry
from member_client._directory import Directory

LIAISON, LEGAL, DUTY, MEMBER = "police", "counsel", "desk", "bank-b"
ROLES = {
    LIAISON: directory_pb2.MEMBER_ROLE_LIAISON,
    LEGAL: directory_pb2.MEMBER_ROLE_LEGAL_APPROVER,
    DUTY: directory_pb2.MEMBER_ROLE_DUTY_OFFICER,
}
KEYS = {name: new_signing_key(number) for number, name in enumerate((LIAISON, LEGAL, DUTY, MEMBER), 1)}
OFFICERS = {"officer-1": new_signing_key(11), "officer-2": new_signing_key(12)}
DIRECTORY = Directory({name: VerifyingKey(key.public_key) for name, key in KEYS.items()}, ROLES)
DOCUMENT = sha256(b"the instrument").digest()


@dataclass
class Asking:
    """A case that asks a member; tests bend one thing of it."""

    request: CaseRequest = field(
        default_factory=lambda: CaseRequest(
            case_id=bytes(range(16)),
            liaison=LIAISON,
            number="A-2026-17",
            instrument_type=case_pb2.INSTRUMENT_TYPE_EVIDENCE_NOTICE,
            instrument_reference="17",
            instrument_sha256=DOCUMENT,
            instrument_until=NOW + 90 * DAY_MS,
            categories=[CATEGORY_MULE_ACCOUNT],
            suspects=[SuspectCount(kind=KIND_PHONE, items=3)],
            period_from=NOW - 90 * DAY_MS,
            period_to=NOW - DAY_MS,
            suspects_root=bytes(32),
            officer="officer-1",
            second_officer="officer-2",
            sealing_key=bytes(32),
            time=NOW,
        )
    )
    signers: tuple[SigningKey, SigningKey] = (OFFICERS["officer-1"], OFFICERS["officer-2"])
    vouching: SigningKey = KEYS[LIAISON]
    approvers: tuple[str, ...] = (LEGAL, DUTY)
    verdict: CaseVerdict = CaseVerdict.APPROVE
    instrument: bytes = DOCUMENT
    changes: dict[str, Any] = field(default_factory=dict)

    def registration(self, officer: str) -> SignedStatement:
        said = Operator(member=LIAISON, operator=officer, public_key=OFFICERS[officer].public_key, time=NOW)
        return self.vouching.statement(statements.OPERATOR, said.SerializeToString())

    def decision(self, approver: str) -> SignedStatement:
        said = CaseDecision(
            case_id=self.request.case_id,
            subject_sha256=sha256(self.request.SerializeToString()).digest(),
            approver=approver,
            verdict=case_pb2.CaseVerdict.ValueType(self.verdict),
            reason="in order",
            instrument_sha256=self.instrument,
            time=NOW,
        )
        return KEYS[approver].statement(statements.CASE_DECISION, said.SerializeToString())

    def message(self) -> Message:
        payload = self.request.SerializeToString()
        first, second = (key.statement(statements.CASE_REQUEST, payload) for key in self.signers)
        facts: dict[str, Any] = {
            "request": first,
            "second": second,
            "officers": [self.registration(name) for name in OFFICERS],
            "decisions": [self.decision(name) for name in self.approvers],
            "state": CaseState.OPEN.value,
            "reply_from": NOW + 2 * DAY_MS,
            "reply_by": NOW + 14 * DAY_MS,
            "entries": 2,
        }
        return Message(**(facts | self.changes))

    def read(self) -> Inquiry:
        return read_inquiry(self.message(), DIRECTORY)


def test_a_case_that_was_approved_is_read() -> None:
    inquiry = Asking().read()
    assert (inquiry.liaison, inquiry.number, inquiry.claims, inquiry.urgency) == (LIAISON, "A-2026-17", 2, None)
    assert (inquiry.state, inquiry.reply, inquiry.asked_at) == (CaseState.OPEN, ReplyState.OPEN, NOW)
    assert not inquiry.takes_replies(inquiry.reply_from - 1)
    assert inquiry.takes_replies(inquiry.reply_from)
    assert not inquiry.takes_replies(inquiry.reply_by)
    assert not inquiry.is_over
    assert inquiry.payload.hex() not in repr(inquiry)


def test_an_urgent_case_says_why_and_was_asked_two_hours_before_its_window() -> None:
    asking = Asking()
    asking.request.urgency = case_pb2.URGENCY_GROUND_FUNDS_MOVING
    inquiry = asking.read()
    assert inquiry.urgency is UrgencyGround.FUNDS_MOVING
    assert inquiry.reply_from - inquiry.asked_at == 2 * 60 * 60 * 1000


def test_what_ended_or_was_answered_says_so() -> None:
    ended = Asking(changes={"state": CaseState.CLOSED.value, "ended_at": NOW + 20 * DAY_MS, "replied_at": NOW}).read()
    assert (ended.is_over, ended.reply) == (True, ReplyState.SENT)


def _bent(**changes: Any) -> Callable[[], Asking]:
    def made() -> Asking:
        asking = Asking()
        for name, value in changes.items():
            setattr(asking.request, name, value)
        return asking

    return made


UNSIGNED: dict[str, Callable[[], Asking]] = {
    "one officer signed twice": lambda: Asking(signers=(OFFICERS["officer-1"], OFFICERS["officer-1"])),
    "officers whom the liaison does not vouch for": lambda: Asking(vouching=KEYS[MEMBER]),
    "a liaison that is a member": _bent(liaison=MEMBER),
    "a liaison that is nobody": _bent(liaison="stranger"),
    "one approver": lambda: Asking(approvers=(LEGAL,)),
    "one approver twice": lambda: Asking(approvers=(LEGAL, LEGAL)),
    "a member as an approver": lambda: Asking(approvers=(LEGAL, MEMBER)),
    "a refusal": lambda: Asking(verdict=CaseVerdict.REFUSE),
    "another document": lambda: Asking(instrument=bytes(32)),
    "an instrument that is over": _bent(instrument_until=NOW),
    "a look-back that is too long": _bent(period_from=NOW - 2000 * DAY_MS),
    "no number": _bent(number="a telephone 13800138000"),
}


@pytest.mark.parametrize("what", UNSIGNED)
def test_what_was_not_signed_so_is_not_believed(what: str) -> None:
    with pytest.raises(StatementInvalid, match="cannot be answered"):
        UNSIGNED[what]().read()


def test_any_changed_byte_of_what_is_signed_is_found() -> None:
    whole = Asking().message()
    signed: list[Callable[[Message], SignedStatement]] = [
        lambda it: it.request,
        lambda it: it.second,
        *(lambda it, place=place: it.officers[place] for place in range(2)),
        *(lambda it, place=place: it.decisions[place] for place in range(2)),
    ]
    for choose in signed:
        for place in range(0, len(choose(whole).payload), 7):
            bent = Message()
            bent.CopyFrom(whole)
            statement = choose(bent)
            payload = bytearray(statement.payload)
            payload[place] ^= 1
            statement.payload = bytes(payload)
            with pytest.raises(StatementInvalid):
                read_inquiry(bent, DIRECTORY)


def test_a_case_in_no_state_that_there_is_is_none() -> None:
    for changes in (
        {"state": 99},
        {"entries": 0},
        {"reply_by": NOW},
        {"ended_at": NOW + DECIDE_WITHIN_MS},
        {"state": CaseState.CLOSED.value},
        {"replied_at": 2**60},
    ):
        with pytest.raises(HubError):
            Asking(changes=changes).read()


def test_an_old_case_that_is_shown_anew_is_not_believed() -> None:
    asking = Asking()
    last = asking.request.instrument_until - 1 + REPLY_WITHIN_MS  # asked in the instrument's last moment
    asking.changes = {"reply_from": last - REPLY_WITHIN_MS, "reply_by": last}
    assert asking.read().reply_by == last
    for later in (1, 365 * DAY_MS):
        asking.changes = {"reply_from": last - REPLY_WITHIN_MS + later, "reply_by": last + later}
        with pytest.raises(StatementInvalid, match="cannot be answered"):
            asking.read()


def test_times_of_a_window_are_the_hubs() -> None:
    inquiry = Asking().read()
    assert replace(inquiry, state=CaseState.WITHDRAWN).takes_replies(inquiry.reply_from) is False
