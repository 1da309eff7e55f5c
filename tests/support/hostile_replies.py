"""A hub that answers every RPC with damaged, extreme or missing replies, and a lender that must not be taken in.

Rules that the lender is held to:

1. It raises the exceptions of `member_client.errors` and no other, and never hangs.
2. Of somebody who is listed it never says `clear`, unless the hub hides the entry in a bucket that is sound in itself:
   that a reader cannot tell (docs/limitations.md).
3. What it was told changes nothing that lasts: once the hub is honest again, so are its answers.
"""

import asyncio
import os
import random
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import grpc
import psutil
from google.protobuf.message import DecodeError, Message
from grpc import aio

from alliance.crypto.signing import SigningKey
from alliance.taxonomy import DAY_MS, EvidenceLevel
from alliance.v1 import succession_pb2
from alliance.v1.admin_pb2 import SetWitnesses
from alliance.v1.bucket_pb2 import GetBucketsResponse
from alliance_server.domain.alarms import AlarmKind, Finding
from alliance_server.domain.members import Role
from alliance_server.domain.successions import FIRST_ORIGIN, Succession
from alliance_server.domain.witnesses import made_list
from alliance_server.rpc.interceptors.guard import shape_of
from alliance_server.services import statuses
from alliance_server.testing._isolation import IssuerInMachineTime
from member_client import (
    AllianceClient,
    AllianceClientError,
    Case,
    Change,
    CountersignatureDocument,
    Decision,
    Operator,
    Outcome,
    State,
    Subject,
    enrol,
)
from member_client._cases import attachments
from member_client._fact_proofs import FACT_LOG
from member_client._outcome_box import OutcomeBox
from member_client._store import Shelf
from support.attachments import ask, hand_over
from support.casework import LIAISON, Bureau, bureau_of, released
from support.fuzzing import LENGTHS, damage, spoil
from support.hub import RunningHub, running_hub
from support.sdk import BASIS, PHONES, PORTFOLIO, contribute, flipped, lender, row, two_operators

LISTED, OTHER = PHONES[0], PHONES[1]
SECONDS = 60
_CODES = [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK]


class HostileReplies(aio.ServerInterceptor):  # type: ignore[type-arg]  # generic in its stubs alone
    """Stands outside a hub's handlers; while it is active it spoils what they answer."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self.method = ""
        """The last part of the path of the method whose replies are spoilt; empty: none."""
        self.sent: Counter[str] = Counter()
        self.hid_an_entry = False

    async def intercept_service(self, continuation: Any, handler_call_details: Any) -> Any:
        handler = await continuation(handler_call_details)
        name = handler_call_details.method.rpartition("/")[2]
        if handler is not None and (name, self.method) == ("GetBuckets", "ReportEntry"):
            return _with_flipped_boxes(handler)  # else there is nothing to report
        if handler is None or name != self.method:
            return handler
        make, behaviour = shape_of(handler)

        async def unary(request: Any, context: Any) -> bytes:
            await self._perhaps_refuse(context)
            return self._spoilt(await behaviour(request, context), handler)

        async def stream(request: Any, context: Any) -> AsyncIterator[bytes]:
            await self._perhaps_refuse(context)
            async for reply in behaviour(request, context):
                # Left out, or again and again; but a lender waits a minute for an acknowledgement.
                for _ in range(self._dice.choice([int(handler.request_streaming), 1, 1, 1, 1, 1, 1, 3])):
                    yield self._spoilt(reply, handler)
            await self._perhaps_refuse(context)

        return make(stream if handler.response_streaming else unary, handler.request_deserializer, None)

    def _spoilt(self, reply: Message, handler: Any) -> bytes:
        self.sent[self.method] += 1
        good: bytes = handler.response_serializer(reply)
        match self._dice.randrange(8):
            case 0:
                content = self._dice.randbytes(self._dice.choice(LENGTHS))
            case 1 | 2 | 3:
                content = damage(self._dice, good)
            case 4:
                content = good
            case _:
                bent = type(reply).FromString(good)
                spoil(self._dice, bent, self._dice.randint(1, 3))
                content = bent.SerializeToString()
        if isinstance(reply, GetBucketsResponse) and _hides(reply, content):
            self.hid_an_entry = True
        return content

    async def _perhaps_refuse(self, context: Any) -> None:
        if self._dice.random() >= 0.1:
            return
        self.sent[self.method] += 1
        noise = self._dice.randbytes(self._dice.choice(LENGTHS[:8]))
        trailing = (("grpc-status-details-bin", noise),) if self._dice.random() < 0.7 else ()
        await context.abort(self._dice.choice(_CODES), "a text of the hub\x00 %s", trailing)


def _with_flipped_boxes(handler: Any) -> Any:
    def flip(reply: GetBucketsResponse) -> bytes:
        for entry in reply.entries:
            entry.box = flipped(entry.box, 300)
        return reply.SerializeToString()

    return handler._replace(response_serializer=flip)


def _hides(reply: GetBucketsResponse, content: bytes) -> bool:
    try:
        shown = GetBucketsResponse.FromString(content)
    except DecodeError:
        return False
    known = {(entry.entry_id, entry.handle) for entry in shown.entries}
    return any((entry.entry_id, entry.handle) not in known for entry in reply.entries)


class Lender:
    """What a lender does, over and over, at a hub that misbehaves."""

    def __init__(
        self,
        hub: RunningHub,
        client: AllianceClient,
        other: AllianceClient,
        admin: AllianceClient,
        reviewer: AllianceClient,
        entry_id: bytes,
        bureau: Bureau,
    ) -> None:
        self.hub, self.client, self.other, self.admin, self.entry_id = hub, client, other, admin, entry_id
        self.reviewer = reviewer
        self.bureau = bureau
        self.outcomes: Counter[str] = Counter()
        self._numbers = iter(range(1, 1_000_000))

    def _new_phone(self) -> str:
        return f"+8613123{401_000 + next(self._numbers) % 90_000:06d}"

    async def something_new(self) -> None:
        """Let time pass and another lender file a claim: what is fresh, or at hand already, nobody asks for."""
        self.hub.clock.advance(seconds=40)
        async with asyncio.timeout(SECONDS):
            await contribute(self.other, [row(self._new_phone())])
            await self.hub.settle()

    async def starts_anew(self) -> str:
        """Work on without the filter's files, as on a new disk."""
        await self.client.close()
        shutil.rmtree(self.client.profile.folder / "filter", ignore_errors=True)
        return await self.synchronises()

    async def screens(self) -> str:
        subjects = [Subject("C-1", phone=LISTED), Subject("C-2", phone=OTHER, email="someone@example.com")]
        verdict = await self.client.screen(subjects[0], purpose=PORTFOLIO, consent=BASIS)
        many = [one async for one in self.client.screen_many(subjects, purpose=PORTFOLIO, consent=BASIS)]
        clear = State.CLEAR in (verdict.state, many[0].state)
        return "listed and clear" if clear else f"{verdict.state} {many[0].state}"

    async def proves_anew(self) -> str:
        """Synchronise without what was proven before, as in a new month."""
        session = await self.client._session()
        session.state.pins.put_many(remove=[(Shelf.PINS, FACT_LOG)])
        return await self.synchronises()

    async def synchronises(self) -> str:
        await self.client.sync()
        return "synchronised"

    async def contributes(self) -> str:
        phone = self._new_phone()
        results = [result async for result in self.client.contribute([row(phone), row("nonsense")])]
        return " ".join(sorted(str(result.outcome) for result in results))

    async def lists_claims(self) -> str:
        async for _ in self.client.claims():
            pass
        await self.client.claim(self.entry_id)
        return "listed"

    async def withdraws(self) -> str:
        phone = self._new_phone()
        async for result in self.client.contribute([row(phone)]):
            await self.client.withdraw(result.entry_id, reason="filed_in_error")
        return "withdrawn"

    async def witnesses(self) -> str:
        await self.client.witness_status()
        made = await self.client.witness_look()
        return "cosigned" if made else "nothing new"

    async def reads_quota(self) -> str:
        report = await self.client.quota()
        return f"{len(report.quotas)} quotas"

    async def keeps_operators(self) -> str:
        operator = Operator(f"op-{next(self._numbers)}", SigningKey.generate()[0])
        await self.client.add_operator(operator)
        await self.client.retire_operator(operator.name)
        return f"{len(await self.client.operators())} operators"

    async def reads_countersignatures(self) -> str:
        await (await self.client._session()).countersigned.bring_up(now=True)
        return "read"

    async def countersigns(self) -> str:
        """Have claims countersigned, refused and revoked, from one end to the other."""
        first, second = await two_operators(self.client)
        officer, desk = self.bureau.officers[0], self.bureau.liaison.countersigning
        rows = [row(self._new_phone(), evidence=EvidenceLevel.E4, evidence_digest=bytes(32)) for _ in range(2)]
        names = [it.entry_id async for it in self.client.contribute(rows, operator=first)]
        await self.client.approve_reviews(names, operator=second)
        await self.client.countersigning.ask(names, liaison=LIAISON, reference="A-1")
        document = CountersignatureDocument("A-1", bytes(32))
        await desk.sign(names[0], officer=officer, document=document)
        await desk.refuse(names[1], officer=officer, reason="not_our_matter")
        filed = await self.client.countersigning.file()
        await desk.revoke(names[0], officer=officer, reason="judgment_reversed")
        return " ".join(sorted(str(it.outcome) for it in filed))

    async def watches(self) -> str:
        admin = await self.admin.administration()
        standings = [it async for it in admin.standings()]
        self._raise_an_alarm()
        alarms = [it async for it in admin.alarms()]
        for alarm in alarms:
            await admin.acknowledge(alarm.id, "looked into")
        await admin.recalls()
        return f"{len(standings)} standings, {len(alarms)} alarms"

    def _raise_an_alarm(self) -> None:
        now, finding = self.hub.clock.now_ms(), Finding(AlarmKind.AT_NIGHT, None, 2, 1, 0)
        day = next(self._numbers)
        self.hub.hub.store.write_now(lambda it: it.watch.raise_alarm("b", finding, day, now))

    async def reads_events(self) -> str:
        async for _ in self.client.events():
            pass
        return "read"

    async def verifies_log(self) -> str:
        """Prove everything anew, after the log has grown."""
        await self.client.sync()
        await self.hub.hub.sealer.turn()
        async for _ in self.client.verify_events(from_start=True):
            pass
        return "verified"

    async def lists_logs(self) -> str:
        """Ask for the logs as over the turn of a month."""
        session = await self.client._session()
        await session.log._listed()
        return "listed"

    async def examines(self) -> str:
        found = {finding.level for finding in await self.client.doctor()}
        return f"examined: {max(found)}"

    async def enrols(self) -> str:
        name = f"new-{next(self._numbers)}"
        await enrol(await self.hub.invite(name), self.hub.folder.parent / name, timeout=5, clock=self.hub.clock)
        return "enrolled"

    async def renews(self) -> str:
        await self.client.renew()
        return "renewed"

    async def follows_changes(self) -> str:
        changes = [it async for it in self.client.status_changes(follow=False)]
        await self.client.acknowledge_recalls(changes[-1].number if changes else 0)
        return f"{bool(changes)} followed"

    async def reads_outcomes(self) -> str:
        await self.client.claim_outcomes()
        return f"{len(await (await self.admin.administration()).quality())} rows"

    async def reports_outcomes(self) -> str:
        verdict = await self.client.screen(Subject("C-1", phone=LISTED), purpose=PORTFOLIO, consent=BASIS)
        kept = await self.client.report(verdict.receipt, Outcome.CONFIRMED_FRAUD)
        session = await self.client._session()  # yesterday's are sent, and days do not pass by the hundred
        OutcomeBox(session.state.decisions).put([replace(it, reported_at=it.reported_at - DAY_MS) for it in kept])
        return f"{bool(await self.client.send_outcomes())} sent"

    async def administers(self) -> str:
        """What an admin does, who is another one."""
        admin, change = await self.admin.administration(), Change.offboard(self.client.profile.member)
        await admin.epochs()
        await admin.preview(change)
        made = await admin.propose(change, "a test")
        async for waiting in admin.proposals():
            if waiting.id == made.id:
                await admin.decide(waiting, Decision.WITHDRAW, "a test")
        return "administered"

    async def signs_successions(self) -> str:
        """What an admin does at a hub that says it was restored; one signature makes nobody believe it."""
        admin = await self.admin.administration()
        await admin.sign_succession(await admin.succession())
        return "signed"

    async def contests(self) -> str:
        """What lenders do for a consumer whom one of them lists: contest, read, answer, escalate."""
        phone = self._new_phone()
        (listed,) = await contribute(self.other, [row(phone)])
        await self.hub.settle()
        await self.client.sync()
        dispute = await self.client.open_dispute(
            Subject("C-9", phone=phone), entry_id=listed.entry_id, ground="outdated", request=BASIS, statement="Over."
        )
        opened = [it async for it in self.client.disputes()]
        statement = await self.other.read_dispute_statement(dispute.id)
        await self.other.answer_dispute(dispute.id, "upheld", reason="checked")
        await self.client.escalate_dispute(dispute.id)
        return f"{statement} {bool(opened)}"

    async def reviews(self) -> str:
        """What a reviewer does, and an admin who looks for what is overdue."""
        await self.contests()
        for escalation in [it async for it in self.reviewer.escalations()]:
            await self.reviewer.review_dispute(escalation.id, "claim_stands", reason="checked")
        overdue = await (await self.admin.administration()).overdue_disputes()
        return f"{len(overdue)} overdue"

    async def asks_members(self) -> str:
        """What a liaison and the approvers do, until a member is asked about a claim of its own."""
        return f"{(await self._asked()).state}"

    async def _asked(self) -> Case:
        await contribute(self.other, [row(phone := self._new_phone())])
        case = await self.bureau.matched([phone])
        async for _ in self.bureau.duty.cases.listed():
            pass
        return (await self.bureau.liaison.cases.status(case.id)).case

    async def answers_a_case(self) -> str:
        """What a member does that is asked, once its window is open, and what the liaison reads of it."""
        bureau, case = self.bureau, await self._asked()
        bureau.open_window(case)
        (claim,) = await self.other.inquiries.claims(case.id, open_own=True)
        await released(self.other, case, claim.entry_id)
        (reply,) = await bureau.liaison.cases.replies(case.id)
        await bureau.liaison.cases.close(case.id, officer=bureau.officers[0], reason="done")
        return f"{reply.fault or reply.counts}"

    async def prolongs_a_case(self) -> str:
        """What officers do who need more time."""
        bureau, case = self.bureau, await self._asked()
        await bureau.liaison.cases.extend(case.id, officer=bureau.officers[0], reason="large_files")
        asked = await bureau.liaison.cases.extend(case.id, officer=bureau.officers[1])
        return f"{asked.extension is not None}"

    async def attaches(self) -> str:
        """What a member does that releases a file, and the officer who fetches it."""
        liaison, lender = self.bureau.liaison, self.other
        case_id = ask(self.hub, lender.profile.member, liaison=liaison.profile.member)
        path = self.hub.folder.parent / f"file-{next(self._numbers)}"
        path.write_bytes(os.urandom(100_000))
        with patch("member_client._cases.moving.TOTAL_SECONDS", 2.0):
            released = await attachments.upload(await lender._session(), case_id, path)
            hand_over(self.hub, case_id)
            fetched = path.with_suffix(".fetched")
            session = await liaison._session()
            await attachments.download(session, case_id, lender.profile.member, released, fetched)
        assert fetched.read_bytes() == path.read_bytes()
        return "fetched"

    async def does(self, act: Callable[[], Awaitable[str]]) -> str:
        """Do one thing; gives its outcome, or fails where the SDK breaks rule 1."""
        try:
            async with asyncio.timeout(SECONDS):
                outcome = await act()
        except AllianceClientError as error:
            outcome = type(error).__name__
        self.outcomes[outcome] += 1
        return outcome


ACTS: dict[str, tuple[str, ...]] = {
    "OpenDispute": ("contests",),
    "ListDisputes": ("contests",),
    "AnswerDispute": ("contests",),
    "EscalateDispute": ("contests",),
    "ListEscalations": ("reviews",),
    "DecideEscalation": ("reviews",),
    "ListOverdueDisputes": ("reviews",),
    "Evaluate": ("screens", "contributes"),
    "GetBuckets": ("screens",),
    "ReportEntry": ("screens",),
    "GetFilter": ("synchronises", "screens", "examines"),
    "DownloadSnapshot": ("starts_anew", "screens"),
    "ListDeltas": ("synchronises", "screens"),
    "ListEpochs": ("synchronises", "examines"),
    "GetSuppressionList": ("synchronises",),
    "ListMembers": ("synchronises", "examines"),
    "Contribute": ("contributes",),
    "ListClaims": ("lists_claims", "contributes"),
    "GetClaim": ("lists_claims", "withdraws"),
    "ChangeClaimStatus": ("withdraws",),
    "GetFactProofs": ("proves_anew", "screens"),
    "GetCheckpoint": ("verifies_log",),
    "GetConsistencyProof": ("verifies_log",),
    "GetInclusionProofs": ("verifies_log",),
    "LocateEvents": ("verifies_log",),
    "ListLogs": ("lists_logs",),
    "ListEvents": ("reads_events", "verifies_log"),
    "Enrol": ("enrols",),
    "RenewCertificate": ("renews",),
    "PreviewChange": ("administers",),
    "Propose": ("administers",),
    "ListEpochStandings": ("administers",),
    "ListProposals": ("administers",),
    "Decide": ("administers",),
    "GetWitnessList": ("synchronises", "witnesses"),
    "AddCosignature": ("witnesses",),
    "CountersignClaim": ("countersigns",),
    "ListCountersignatureRequests": ("countersigns",),
    "ListCountersignatures": ("reads_countersignatures", "screens"),
    "RefuseCountersignature": ("countersigns",),
    "RequestCountersignature": ("countersigns",),
    "RevokeCountersignature": ("countersigns",),
    "ListOperators": ("keeps_operators",),
    "RegisterOperator": ("keeps_operators",),
    "RetireOperator": ("keeps_operators",),
    "GetStanding": ("reads_quota",),
    "ListStandings": ("watches",),
    "ListAlarms": ("watches",),
    "AcknowledgeAlarm": ("watches",),
    "ListRecalls": ("watches",),
    "WatchStatuses": ("follows_changes",),
    "AcknowledgeRecalls": ("follows_changes",),
    "ReportOutcomes": ("reports_outcomes",),
    "ListOutcomes": ("reads_outcomes",),
    "ListQuality": ("reads_outcomes",),
    "ListSuccessions": ("signs_successions",),
    "SignSuccession": ("signs_successions",),
    "SubmitCase": ("asks_members",),
    "DecideCase": ("asks_members",),
    "ListCases": ("asks_members",),
    "GetCase": ("asks_members",),
    "SubmitSuspects": ("asks_members",),
    "ListInquiries": ("answers_a_case",),
    "ListInquiryEntries": ("answers_a_case",),
    "SendCaseReply": ("answers_a_case",),
    "ListCaseReplies": ("answers_a_case",),
    "EndCase": ("answers_a_case",),
    "ExtendCase": ("prolongs_a_case",),
    "GetAttachment": ("attaches",),
    "UploadAttachment": ("attaches",),
    "DownloadAttachment": ("attaches",),
}
"""By method: what a lender does that calls it."""


@asynccontextmanager
async def besieged(folder: Path, dice: random.Random) -> AsyncIterator[tuple[HostileReplies, Lender]]:
    """A hub that can answer anything, somebody who is listed there, and a lender with a claim of its own."""
    replies = HostileReplies(dice)
    with patch.object(statuses, "SILENCE_SECONDS", 1.0):  # a page that is left out delays nobody by half a minute
        async with (
            running_hub(folder, interceptors=[replies]) as hub,
            lender(hub, "a") as a,
            lender(hub, "b", deadline_ms=5_000) as b,
            lender(hub, "ann", role=Role.ADMIN) as ann,
            lender(hub, "rae", role=Role.REVIEWER) as rae,
            bureau_of(hub) as bureau,
        ):
            hub.hub.renewal._issuer = IssuerInMachineTime(hub.hub.keys.authority)  # TLS goes by the machine's clock
            await contribute(a, [row(LISTED)])
            (own,) = await contribute(b, [row(PHONES[2])])
            await hub.settle()
            hub.hub.store.write_now(lambda it: it.successions.add(_succession(hub)))
            witness = (await b.begin_witness()).vkey
            listed = made_list(SetWitnesses(number=1, vkeys=[witness]), hub.clock.now_ms())
            hub.hub.store.write_now(lambda it: it.witnesses.add(listed))
            yield replies, Lender(hub, b, a, ann, rae, own.entry_id, bureau)


def _succession(hub: RunningHub) -> Succession:
    """One that claims to be complete, and that nobody signed: the hub goes on serving, and no client believes it.

    It is of the first origin, so that the hub goes on with its log, too.
    """
    payload = succession_pb2.Succession(
        alliance="test",
        origin=FIRST_ORIGIN,
        previous_hub_key=hub.hub.keys.identity.public_key,
        hub_key=SigningKey.generate()[0].public_key,
    )
    now = hub.clock.now_ms()
    return Succession(FIRST_ORIGIN, payload.SerializeToString(), now, completed_at=now)


async def besiege(replies: HostileReplies, lender: Lender, method: str, rounds: int) -> None:
    """Spoil a method's replies while the lender works; then be honest, and see that nothing stuck."""
    for number in range(rounds):
        await lender.something_new()
        for act in ACTS[method]:
            replies.method, replies.hid_an_entry = method, False
            try:
                outcome = await lender.does(getattr(lender, act))
            finally:
                replies.method = ""
            assert outcome != "listed and clear" or replies.hid_an_entry, f"{method}, round {number}"
    async with asyncio.timeout(SECONDS):
        await lender.client.sync()
        assert await lender.screens() == "match match"


class LongSiege(NamedTuple):
    """What a siege of hours did: replies and outcomes in numbers, memory in bytes."""

    replies: int
    outcomes: Counter[str]
    warm: int
    after: int


def long_siege(folder: Path, seed: str, warming: int, rounds: int) -> LongSiege:
    """Besiege a lender, hub and lender in this one process, for one of its own: what it holds is then theirs alone."""

    async def run() -> LongSiege:
        async with besieged(folder, random.Random(seed)) as (replies, lender):  # noqa: S311 - repeatable
            for method in ACTS:
                await besiege(replies, lender, method, warming)
            warm = psutil.Process().memory_info().rss
            for method in ACTS:
                await besiege(replies, lender, method, rounds)
            return LongSiege(replies.sent.total(), lender.outcomes, warm, psutil.Process().memory_info().rss)

    return asyncio.run(run())
