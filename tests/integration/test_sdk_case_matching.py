"""Matching a case through everything that may cut it off, and a hub that shows what nobody signed."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio
from support.casework import PASSPHRASE, Bureau, bureau_of, released
from support.hub import RunningHub, running_hub
from support.sdk import PHONES, Silence, Tamper, contribute, flipped, lender, row
from support.stores import given

from alliance.cases.words import REPLY_AFTER_MS
from alliance.v1 import case_pb2
from alliance_server.services import epochs
from member_client import Case, CaseState, StatementInvalid

pytestmark = pytest.mark.asyncio(loop_scope="module")

NewFolder = Callable[[], Path]
TWO_BATCHES = PHONES[:270]


@dataclass
class Lab:
    """A bureau at a hub that lies where it is told to."""

    bureau: Bureau
    getting: Tamper
    replying: Tamper

    @contextmanager
    def lies(self, tamper: Tamper, change: Callable[[Any], None]) -> Iterator[None]:
        """Have the hub change the answers of a method while the block lasts."""
        tamper.change, tamper.active = change, True
        try:
            yield
        finally:
            tamper.active = False


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lab(new_hub_folder: NewFolder) -> AsyncIterator[Lab]:
    getting, replying = Tamper("GetCase", unchanged), Tamper("ListCaseReplies", unchanged)
    async with running_hub(new_hub_folder(), interceptors=[getting, replying]) as hub, bureau_of(hub) as bureau:
        for name in "abd":  # before time goes by: certificates are of the machine's
            await hub.enrolled(name, hub.folder.parent / name)
        yield Lab(bureau, getting, replying)


def unchanged(_reply: Any) -> None:
    """Change nothing."""


async def killed_while(silence: Silence, bureau: Bureau, case: Case) -> None:
    """Match by the command in a process of its own; kill it once the hub did a call's work that it never hears of."""
    silence.active = True
    silence.reached.clear()
    command = ("-m", "member_client", "--profile", str(bureau.liaison.profile.folder), "case", "match", case.number)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *command, "--officer", "officer-1"),
        env=os.environ | {"ALLIANCE_OPERATOR_PASSPHRASE": PASSPHRASE},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(60):
        await silence.reached.wait()
    process.kill()
    await process.communicate()
    silence.active = False


def progress(hub: RunningHub, case: Case, epoch: int = 1) -> Any:
    """Give how many suspects were evaluated under a case, and how many submitted."""
    return hub.hub.store.read_now(lambda transaction: transaction.cases.progress(case.id, epoch))


async def test_a_match_that_is_killed_goes_on_and_counts_once(new_hub_folder: NewFolder) -> None:
    evaluating, submitting = Silence("EvaluationService/Evaluate"), Silence("SubmitSuspects")
    async with (
        running_hub(new_hub_folder(), interceptors=[evaluating, submitting]) as hub,
        bureau_of(hub) as bureau,
        lender(hub, "a") as a,
    ):
        await contribute(a, [row(PHONES[0]), row(PHONES[269])])
        case = await bureau.approved(TWO_BATCHES)
        await killed_while(evaluating, bureau, case)
        assert progress(hub, case) == (256, 0)
        await killed_while(submitting, bureau, case)
        assert progress(hub, case) == (256, 256)
        assert (await bureau.liaison.cases.status(case.id)).case.state is CaseState.MATCHING
        matched = await bureau.liaison.cases.match(case.id, officer=bureau.officers[1])
        assert (matched.state, matched.asked, progress(hub, case)) == (CaseState.OPEN, 1, (270, 270))
        (inquiry,) = [it async for it in a.inquiries.listed()]
        assert inquiry.claims == 2


async def test_two_at_once_send_the_same(lab: Lab) -> None:
    case = await lab.bureau.approved(TWO_BATCHES)
    first, second = await asyncio.gather(
        *(lab.bureau.liaison.cases.match(case.id, officer=officer) for officer in lab.bureau.officers)
    )
    assert first.state is second.state is CaseState.OPEN
    assert progress(lab.bureau.hub, case) == (270, 270)


async def test_while_claims_are_re_tagged_both_epochs_are_matched(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, bureau_of(hub) as bureau:
        async with lender(hub, "a") as a:
            await contribute(a, [row(PHONES[0])])
        for step in (epochs.begin, epochs.activate):
            hub.hub.store.write_now(given(step, 2, hub.clock.now_ms()))
            for _ in range(2):
                await hub.hub.epochs.turn()
                await hub.settle()
        async with lender(hub, "b") as b:
            await contribute(b, [row(PHONES[1])])
        told: list[int] = []
        case = await bureau.approved(PHONES[:3])
        case = await bureau.liaison.cases.match(case.id, officer=bureau.officers[0], on_progress=told.append)
        assert (case.state, case.asked, told) == (CaseState.OPEN, 2, [3, 6])
        assert (progress(hub, case, 1), progress(hub, case, 2)) == ((3, 3), (3, 3))


# -- a hub that lies -------------------------------------------------------------------------------------------------


def forged(change: Callable[[case_pb2.CaseRecord], None]) -> Callable[[Any], None]:
    return lambda reply: change(reply.case)


def shown_as(state: CaseState) -> Callable[[case_pb2.CaseRecord], None]:
    def change(record: case_pb2.CaseRecord) -> None:
        record.state = case_pb2.CaseState.ValueType(state)

    return change


def with_another_payload(record: case_pb2.CaseRecord) -> None:
    request = case_pb2.CaseRequest.FromString(record.request.payload)
    request.categories[:] = [int(it) + 1 for it in request.categories]  # type: ignore[misc]
    for statement in (record.request, record.second):
        statement.payload = request.SerializeToString()


def approved_twice_by_one(record: case_pb2.CaseRecord) -> None:
    record.state = case_pb2.CASE_STATE_APPROVED
    record.decisions.append(record.decisions[0])


def signed_by_one(record: case_pb2.CaseRecord) -> None:
    record.second.CopyFrom(record.request)


def with_a_bent_decision(record: case_pb2.CaseRecord) -> None:
    record.decisions[0].signature = flipped(record.decisions[0].signature)


def without_its_registrations(record: case_pb2.CaseRecord) -> None:
    del record.officers[1]


def with_more_replies_than_asked(record: case_pb2.CaseRecord) -> None:
    record.replied = 7


LIES: Final = (
    shown_as(CaseState.APPROVED),
    shown_as(CaseState.OPEN),
    approved_twice_by_one,
    signed_by_one,
    with_another_payload,
    with_a_bent_decision,
    without_its_registrations,
    with_more_replies_than_asked,
)


async def test_a_case_is_believed_as_far_as_it_is_signed(lab: Lab) -> None:
    bureau = lab.bureau
    case = await bureau.submitted(PHONES[:1])
    case = await bureau.legal.cases.decide(case, "approve", reason="in order", document=bureau.document)
    for change in LIES:
        with lab.lies(lab.getting, forged(change)):
            for client in (bureau.liaison, bureau.duty):
                with pytest.raises(StatementInvalid):
                    await client.cases.status(case.id)
    with lab.lies(lab.getting, forged(LIES[0])), pytest.raises(StatementInvalid):
        await bureau.liaison.cases.match(case.id, officer=bureau.officers[0])
    assert progress(bureau.hub, case) == (0, 0)


async def test_another_case_under_the_same_name_is_found(lab: Lab) -> None:
    case, other = await lab.bureau.submitted(PHONES[:1]), await lab.bureau.submitted(PHONES[1:2])
    shown: list[bytes] = []
    with lab.lies(lab.getting, lambda reply: shown.append(reply.SerializeToString())):
        await lab.bureau.liaison.cases.status(other.id)
    with lab.lies(lab.getting, lambda reply: reply.ParseFromString(shown[0])):
        for client in (lab.bureau.liaison, lab.bureau.legal):
            with pytest.raises(StatementInvalid, match="another case"):
                await client.cases.status(case.id)


STEPS: Final[dict[str, Callable[[Any], None]]] = {
    "leaf hash": lambda step: setattr(step.record, "salt", flipped(step.record.salt)),
    "commit": lambda step: setattr(step.statement, "payload", step.statement.payload + b"\x00"),
}


async def test_a_step_that_was_changed_is_found(lab: Lab) -> None:
    case = await lab.bureau.submitted(PHONES[:1])
    for words, change in STEPS.items():
        with (
            lab.lies(lab.getting, lambda reply, change=change: change(reply.steps[0])),  # type: ignore[misc]
            pytest.raises(StatementInvalid, match=words),
        ):
            await lab.bureau.liaison.cases.status(case.id)


REPLIES: Final[dict[str, Callable[[Any], None]]] = {
    "another one than the member signed": lambda reply: setattr(reply, "sealed", flipped(reply.sealed)),
    "does not verify": lambda reply: setattr(reply.reply, "signature", flipped(reply.reply.signature)),
    "of nobody who is a member": lambda reply: setattr(reply, "member", "cyber-desk"),
    "not a statement": lambda reply: setattr(reply, "member", "d"),
}


async def test_a_reply_that_was_changed_is_told_and_the_others_are_read(lab: Lab) -> None:
    bureau = lab.bureau
    async with lender(bureau.hub, "a") as a, lender(bureau.hub, "b") as b:
        entries = [(await contribute(it, [row(PHONES[0])]))[0].entry_id for it in (a, b)]
        case = await bureau.matched(PHONES[:2])
        assert case.asked == 2
        bureau.pass_by(REPLY_AFTER_MS)
        for member, entry_id in zip((a, b), entries, strict=True):
            await released(member, case, entry_id)
        whole = await bureau.liaison.cases.replies(case.id)
        assert [(it.member, it.fault) for it in whole] == [("a", ""), ("b", "")]
        for words, change in REPLIES.items():
            with lab.lies(lab.replying, lambda page, change=change: change(page.replies[0])):  # type: ignore[misc]
                bad, good = await bureau.liaison.cases.replies(case.id)
            assert words in bad.fault
            assert (bad.answers, bad.contents) == ((), b"")
            assert replace(good, record=None) == replace(whole[1], record=None)
        for change in (lambda page: page.replies.pop(), lambda page: page.replies.append(page.replies[0])):
            with lab.lies(lab.replying, change), pytest.raises(StatementInvalid, match="other replies"):
                await bureau.liaison.cases.replies(case.id)
