"""A hub, or a member, that misbehaves: each ends in its own typed error and the outcome that the protocol says."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from support.hub import RunningHub, running_hub
from support.sdk import BASIS, PHONES, PORTFOLIO, Tamper, contribute, flipped, lender, row, screen
from support.wire import enrol, row_of

from alliance import claims
from alliance.claims import Draft
from alliance.crypto import sealing, tagging
from alliance.crypto.secret import Secret
from alliance.crypto.signing import SigningKey
from alliance.errors import Reason
from alliance.identifiers import Kind, canonicalise
from alliance.taxonomy import DAY_MS, Category, ClaimStatus, EvidenceLevel, SubjectRole
from alliance.v1 import bucket_pb2
from alliance.v1.claim_pb2 import BoxContents
from alliance.v1.registry_pb2 import ClaimRecord, ListClaimsResponse
from alliance_server.hub_keys import HubKeys
from alliance_server.services.compute import Compute
from alliance_server.services.local_evaluator import LocalEvaluator
from alliance_server.storage.tables import ClaimTable, EntryReportTable, FilterStateTable, table_of
from member_client import (
    AllianceClient,
    ContributionOutcome,
    FilterRolledBack,
    FilterTampered,
    HubError,
    IntegrityError,
    ProofRejected,
    State,
    StatementInvalid,
    Subject,
    Verdict,
)

NewFolder = Callable[[], Path]


async def check(client: AllianceClient, phone: str = PHONES[0]) -> Verdict:
    return await client.screen(Subject("C-1", phone=phone), purpose=PORTFOLIO, consent=BASIS)


@asynccontextmanager
async def two_lenders(
    new_hub_folder: NewFolder, tamper: Tamper
) -> AsyncIterator[tuple[RunningHub, AllianceClient, AllianceClient]]:
    """A hub that may misbehave, and lenders a and b."""
    async with (
        running_hub(new_hub_folder(), interceptors=[tamper]) as hub,
        lender(hub, "a") as a,
        lender(hub, "b") as b,
    ):
        yield hub, a, b


async def test_another_key_is_refused_by_the_proof(new_hub_folder: NewFolder) -> None:
    other = tagging.generate_key_pair(Secret(b"\x07" * 32)).secret_key

    def evaluator(_keys: HubKeys, compute: Compute) -> LocalEvaluator:
        return LocalEvaluator(lambda _epoch: other, compute)

    async with running_hub(new_hub_folder(), evaluator_of=evaluator) as hub, lender(hub, "b") as b:
        with pytest.raises(ProofRejected) as caught:
            await check(b)
        assert caught.value.exit_code == 7
        with pytest.raises(ProofRejected):
            await screen(b, PHONES[:3])


def _flip_proof(reply: Any) -> None:
    reply.shares[0].proof = flipped(reply.shares[0].proof)


def _flip_element(reply: Any) -> None:
    reply.shares[0].evaluated = flipped(reply.shares[0].evaluated, 5)


def _drop_element(reply: Any) -> None:
    reply.shares[0].evaluated = reply.shares[0].evaluated[:-32]


@pytest.mark.parametrize("change", [_flip_proof, _flip_element, _drop_element])
async def test_a_changed_evaluation_is_refused(new_hub_folder: NewFolder, change: Callable[[Any], None]) -> None:
    tamper = Tamper("Evaluate", change)
    async with running_hub(new_hub_folder(), interceptors=[tamper]) as hub, lender(hub, "b") as b:
        assert (await check(b)).state is State.CLEAR
        tamper.active = True
        with pytest.raises(ProofRejected):
            await check(b)


def _flip_chunk(reply: Any) -> None:
    reply.chunk = flipped(reply.chunk, 100)


def _flip_header(reply: Any) -> None:
    reply.header.payload = flipped(reply.header.payload, 3)


def _flip_header_signature(reply: Any) -> None:
    reply.header.signature = flipped(reply.header.signature)


def _flip_heartbeat(reply: Any) -> None:
    reply.heartbeat.payload = flipped(reply.heartbeat.payload, 3)


def _swap_statements(reply: Any) -> None:
    reply.header.CopyFrom(reply.heartbeat)


@pytest.mark.parametrize(
    ("method", "change", "error"),
    [
        ("DownloadSnapshot", _flip_chunk, FilterTampered),
        ("GetFilter", _flip_header, StatementInvalid),
        ("GetFilter", _flip_header_signature, StatementInvalid),
        ("GetFilter", _flip_heartbeat, StatementInvalid),
        ("GetFilter", _swap_statements, StatementInvalid),
    ],
)
async def test_a_changed_filter_is_refused(
    new_hub_folder: NewFolder, method: str, change: Callable[[Any], None], error: type[IntegrityError]
) -> None:
    tamper = Tamper(method, change)
    async with running_hub(new_hub_folder(), interceptors=[tamper]) as hub, lender(hub, "b") as b:
        tamper.active = True
        with pytest.raises(error):
            await b.sync()
        with pytest.raises(error):
            await check(b)
        tamper.active = False
        assert (await check(b)).state is State.CLEAR


async def test_a_changed_delta_is_refused_and_the_filter_in_force_stays(new_hub_folder: NewFolder) -> None:
    tamper = Tamper("ListDeltas", lambda reply: setattr(reply.delta, "payload", flipped(reply.delta.payload, 9)))
    async with (
        running_hub(new_hub_folder(), interceptors=[tamper]) as hub,
        lender(hub, "a") as a,
        lender(hub, "b") as b,
    ):
        await b.sync()
        await contribute(a, [row(PHONES[0])])
        await hub.settle()
        tamper.active = True
        with pytest.raises(StatementInvalid):
            await b.sync()
        tamper.active = False
        await b.sync()
        assert (await check(b)).state is State.MATCH


async def test_statements_of_another_hub_are_refused(new_hub_folder: NewFolder) -> None:
    impostor, _ = SigningKey.generate()

    def restate(reply: Any) -> None:
        for place, statement in enumerate(reply.epochs):
            reply.epochs[place].CopyFrom(impostor.statement(statement.type, statement.payload))

    tamper = Tamper("ListEpochs", restate)
    async with running_hub(new_hub_folder(), interceptors=[tamper]) as hub, lender(hub, "b") as b:
        tamper.active = True
        with pytest.raises(StatementInvalid):
            await b.sync()


async def test_a_filter_that_goes_back_is_refused(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a, lender(hub, "b") as b:
        await hub.stop_maintenance()
        await b.sync()
        states = table_of(FilterStateTable)
        with hub.hub.store.engine.connect() as connection:
            before = connection.execute(sa.select(states)).mappings().one()
        await contribute(a, [row(PHONES[0])])
        await hub.settle()
        await b.sync()
        hub.clock.advance(seconds=40)
        with hub.hub.store.engine.begin() as connection:
            connection.execute(sa.update(states).values(**{**before, "sequence": 1}))
        with pytest.raises(FilterRolledBack):
            await b.sync()
        assert (await check(b)).state is State.MATCH


@dataclass
class Forgery:
    """A claim about PHONES[0] that lender c files at the hub, with a box that holds something else."""

    hub: RunningHub

    def label_key(self) -> tuple[bytes, bytes]:
        secret = self.hub.hub.keys.epoch_key(1)
        blinded = tagging.blind([canonicalise(Kind.PHONE, PHONES[0]).input_bytes])
        reply = tagging.evaluate(secret, blinded.message)
        epoch = self.hub.hub.keys.store  # the key's public half is what the evaluation proves against
        assert "epoch-1" in epoch
        public_key = self.hub.hub.store.read_now(lambda transaction: transaction.epochs.all())[0].public_key
        tags = blinded.state.finalize(reply.elements, reply.proof, public_key)
        return tags.tag(0), tags.label_key(0).reveal()

    def plant(self, contributor: str, key: SigningKey, change: Callable[[BoxContents], None] | None = None) -> bytes:
        tag, label_key = self.label_key()
        now = self.hub.clock.now_ms()
        draft = Draft(
            kind=Kind.PHONE,
            category=Category.PHISHING,
            role=SubjectRole.PERPETRATOR,
            evidence=EvidenceLevel.E3,
            observed_from=now,
            observed_to=now,
            filed_at=now,
            expires_at=now + 1000_000,
            evidence_commitment=sha256(b"file").digest(),
        )
        sealed = claims.seal_claim(
            draft, epoch=1, tag=tag, label_key=label_key, contributor=contributor, signing_key=key
        )
        contents = BoxContents.FromString(sealing.open_sealed(label_key, sealed.entry_id, sealed.box))
        if change:
            change(contents)
        box = sealing.seal(label_key, sealed.entry_id, contents.SerializeToString())
        digest = sha256(contents.claim).digest()
        values = {"entry_id": sealed.entry_id, "handle": sealed.handle, "box": box, "claim_sha256": digest}
        table = table_of(ClaimTable)
        with self.hub.hub.store.engine.begin() as connection:
            connection.execute(sa.update(table).where(table.c.contributor == "a").values(**values))
        return sealed.entry_id


async def _forged(hub: RunningHub, plant: Callable[[Forgery], bytes]) -> None:
    async with lender(hub, "a") as a, lender(hub, "b") as b:
        await contribute(a, [row(PHONES[0])])
        await hub.settle()
        entry_id = plant(Forgery(hub))
        verdict = await b.screen(
            Subject("C-1", phone=PHONES[0], email="someone@example.com"), purpose=PORTFOLIO, consent=BASIS
        )
        assert verdict.state is State.UNCONFIRMED
        assert verdict.integrity
        assert [one.state for one in verdict.fields] == [State.UNCONFIRMED, State.CLEAR]
        assert verdict.fields[0].reason == "integrity"
    # Reports go out beside the verdict; a client that was closed has sent them.
    with hub.hub.store.engine.connect() as connection:
        reports = connection.execute(sa.select(table_of(EntryReportTable))).all()
    assert [(report.entry_id, report.reporter) for report in reports] == [(entry_id, "b")]


async def test_a_claim_in_anothers_name_accuses_nobody(new_hub_folder: NewFolder) -> None:
    forger, _ = SigningKey.generate()
    async with running_hub(new_hub_folder()) as hub:
        await _forged(hub, lambda forgery: forgery.plant("a", forger))


async def test_a_claim_of_no_member_accuses_nobody(new_hub_folder: NewFolder) -> None:
    forger, _ = SigningKey.generate()
    async with running_hub(new_hub_folder()) as hub:
        await _forged(hub, lambda forgery: forgery.plant("nobody", forger))


async def test_a_changed_claim_inside_a_box_accuses_nobody(new_hub_folder: NewFolder) -> None:
    forger, _ = SigningKey.generate()

    def sever(contents: BoxContents) -> None:
        contents.claim = flipped(contents.claim, 0)

    async with running_hub(new_hub_folder()) as hub:
        await _forged(hub, lambda forgery: forgery.plant("a", forger, sever))


async def test_a_contributor_that_seals_better_evidence_than_it_files_accuses_nobody(
    new_hub_folder: NewFolder,
) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "b") as b:
        member = await enrol(hub, "wire")
        tags = await member.tags(canonicalise(Kind.PHONE, PHONES[0]).input_bytes)
        entry_id, about = os.urandom(16), (tags.tag(0), tags.label_key(0).reveal())
        filed = member.seal(*about, entry_id=entry_id, evidence=EvidenceLevel.E1, expires_at=member.now + DAY_MS)
        better = member.seal(*about, entry_id=entry_id, evidence=EvidenceLevel.E2)
        (result,) = await member.contribute(row_of(filed, box=better.box))
        assert result.refusal == 0  # the hub cannot look into a box
        await hub.settle()
        verdict = await check(b)
        assert (verdict.state, verdict.integrity, verdict.matches) == (State.UNCONFIRMED, True, ())
        await member.close()
    with hub.hub.store.engine.connect() as connection:
        (report,) = connection.execute(sa.select(table_of(EntryReportTable))).all()
    assert (report.entry_id, report.finding) == (entry_id, bucket_pb2.ENTRY_FINDING_CLAIM_MISMATCH)


def _drop_digest(reply: Any) -> None:
    for entry in reply.entries:
        entry.ClearField("claim_sha256")


def _flip_digest(reply: Any) -> None:
    for entry in reply.entries:
        entry.claim_sha256 = flipped(entry.claim_sha256, 31)


@pytest.mark.parametrize("change", [_drop_digest, _flip_digest])
async def test_a_claim_without_the_digest_that_the_hub_holds_is_unconfirmed(
    new_hub_folder: NewFolder, change: Callable[[Any], None]
) -> None:
    tamper = Tamper("GetBuckets", change)
    async with two_lenders(new_hub_folder, tamper) as (hub, a, b):
        await contribute(a, [row(PHONES[0])])
        await hub.settle()
        tamper.active = True
        verdict = await check(b)
        assert (verdict.state, verdict.integrity) == (State.UNCONFIRMED, True)


def _flip_box(reply: Any) -> None:
    for entry in reply.entries:
        entry.box = flipped(entry.box, 300)


async def test_a_flipped_bit_in_a_box_is_unconfirmed(new_hub_folder: NewFolder) -> None:
    tamper = Tamper("GetBuckets", _flip_box)
    async with (
        running_hub(new_hub_folder(), interceptors=[tamper]) as hub,
        lender(hub, "a") as a,
        lender(hub, "b") as b,
    ):
        await contribute(a, [row(PHONES[0])])
        await hub.settle()
        tamper.active = True
        verdict = await check(b)
        assert (verdict.state, verdict.integrity) == (State.UNCONFIRMED, True)
        tamper.active = False
        assert (await check(b)).state is State.MATCH


async def test_a_hub_that_hides_buckets_is_unconfirmed_not_clear(new_hub_folder: NewFolder) -> None:
    def hide(reply: Any) -> None:
        reply.complete = False

    tamper = Tamper("GetBuckets", hide)
    async with (
        running_hub(new_hub_folder(), interceptors=[tamper]) as hub,
        lender(hub, "a") as a,
        lender(hub, "b") as b,
    ):
        await contribute(a, [row(PHONES[0])])
        await hub.settle()
        tamper.active = True
        assert (await check(b)).state is not State.CLEAR


# -- what a hub shows in the way of a contribution --------------------------------------------------------------


class InTheWay:
    """Answers every row of a contribution with one claim of the contributor's own."""

    def __init__(self) -> None:
        self.record: Any = None
        self.refusal = int(Reason.LIVE_CLAIM_EXISTS)

    def __call__(self, reply: Any) -> None:
        for result in reply.results:
            result.refusal = self.refusal
            result.standing_claim.CopyFrom(self.record)


@pytest.mark.parametrize("amend", [False, True])
async def test_a_claim_about_something_else_is_never_taken_for_a_row(new_hub_folder: NewFolder, *, amend: bool) -> None:
    shown = InTheWay()
    tamper = Tamper("Contribute", shown)
    async with running_hub(new_hub_folder(), interceptors=[tamper]) as hub, lender(hub, "a") as a:
        (filed,) = await contribute(a, [row(PHONES[0])])
        stored = hub.hub.store.read_now(lambda transaction: transaction.claims.get(filed.entry_id))
        assert stored is not None
        shown.record = ClaimRecord(claim=stored.claim, signature=stored.signature, status=int(stored.status))  # type: ignore[arg-type]
        tamper.active = True
        for other in (row(PHONES[1]), row(PHONES[0], category=Category.PHISHING)):
            with pytest.raises(StatementInvalid):
                [it async for it in a.contribute([other], amend=amend)]
        # Nor is a claim shown beside an acceptance taken for anything.
        shown.refusal = 0
        (taken,) = [it async for it in a.contribute([row(PHONES[2])])]
        assert taken.outcome is ContributionOutcome.ACCEPTED
        tamper.active = False
        assert (await a.claim(filed.entry_id)).status is ClaimStatus.ACTIVE


async def test_a_claim_that_was_withdrawn_from_here_does_not_stand_in_the_way(
    new_hub_folder: NewFolder,
) -> None:
    shown = InTheWay()
    tamper = Tamper("Contribute", shown)
    async with running_hub(new_hub_folder(), interceptors=[tamper]) as hub, lender(hub, "a") as a:
        (filed,) = await contribute(a, [row(PHONES[0])])
        stored = hub.hub.store.read_now(lambda transaction: transaction.claims.get(filed.entry_id))
        assert stored is not None
        shown.record = ClaimRecord(claim=stored.claim, signature=stored.signature, status=int(stored.status))  # type: ignore[arg-type]
        await a.withdraw(filed.entry_id, reason="filed_in_error")
        tamper.active = True
        with pytest.raises(StatementInvalid):
            [it async for it in a.contribute([row(PHONES[0])], relist=True)]


async def _read_claims(client: AllianceClient) -> None:
    [it async for it in client.claims()]


async def _read_events(client: AllianceClient) -> None:
    [it async for it in client.events()]


class SameAgain:
    """One page again and again, by a token that the hub takes."""

    def __call__(self, reply: Any) -> None:
        reply.next_page_token = "1-1" if isinstance(reply, ListClaimsResponse) else "1"


class NothingMore:
    """Pages without end that hold nothing."""

    def __init__(self) -> None:
        self.given = 0

    def __call__(self, reply: Any) -> None:
        self.given += 1
        reply.ClearField(next(field.name for field in reply.DESCRIPTOR.fields if field.is_repeated))
        reply.next_page_token = str(self.given)


@pytest.mark.parametrize("endless", [SameAgain, NothingMore])
@pytest.mark.parametrize(
    ("method", "read"),
    [
        ("ListClaims", _read_claims),
        ("ListEvents", _read_events),
        ("ListMembers", AllianceClient.sync),
    ],
)
async def test_a_list_without_end_is_refused(
    new_hub_folder: NewFolder,
    method: str,
    read: Callable[[AllianceClient], Awaitable[object]],
    endless: Callable[[], Callable[[Any], None]],
) -> None:
    tamper = Tamper(method, endless())
    async with running_hub(new_hub_folder(), interceptors=[tamper]) as hub, lender(hub, "a") as a:
        await contribute(a, [row(phone) for phone in PHONES[:3]])
        await read(a)
        tamper.active = True
        with pytest.raises(HubError, match="do not end"):
            await read(a)
