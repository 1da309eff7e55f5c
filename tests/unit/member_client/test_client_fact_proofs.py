"""Facts are believed under a proof alone: what is asked for, what of an answer counts, and what is remembered."""

import os
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from client_fixtures import new_store

from alliance.crypto import merkle
from alliance.tlog.checkpoints import Checkpoint, checkpoint_text
from alliance.tlog.logs import month_begins, month_ends
from alliance.tlog.notes import Note
from alliance.v1.audit_pb2 import AuditEvent, FactProof, GetFactProofsRequest, GetFactProofsResponse
from member_client import FactNotPublished, HubUnavailable
from member_client._deadline import Deadline
from member_client._fact_proofs import FACT_LOG, MAX_DIGESTS, OVER_MS, FactProver
from member_client._store import Shelf
from member_client._workers import Workers

A, B, C = (bytes([number]) * 32 for number in (1, 2, 3))
NOVEMBER, DECEMBER = "test/audit/1/2026-11", "test/audit/1/2026-12"


@dataclass
class PublishingHub:
    """A log in memory, what it published, and the calls for proofs."""

    log: str = NOVEMBER
    leaves: list[tuple[bytes, bytes]] = field(default_factory=lambda: [(bytes(32), b"log:begin")])
    asked: list[list[bytes]] = field(default_factory=list)
    bend: Callable[[GetFactProofsResponse], None] = lambda _answer: None
    is_away: bool = False

    def publish(self, digests: Iterable[bytes], **bent: Any) -> None:
        for digest in digests:
            said = {"actor": "hub", "action": "fact:publish", "outcome": "ok", "commitments": [digest]} | bent
            self.leaves.append((os.urandom(32), AuditEvent(**said).SerializeToString()))

    @property
    def checkpoint(self) -> Checkpoint:
        root = merkle.root(salt + event for salt, event in self.leaves)
        return Checkpoint(self.log, len(self.leaves), root, Note(checkpoint_text(self.log, len(self.leaves), root)))

    def _proof(self, digest: bytes) -> FactProof:
        made = FactProof(digest=digest)
        for index, (salt, event) in enumerate(self.leaves):
            if digest in event:
                made.record.salt, made.record.event, made.record.leaf_index = salt, event, index
                made.hashes[:] = merkle.inclusion_proof(index, len(self.leaves), self._nodes)
        return made

    def _nodes(self, wanted: Iterable[merkle.Node]) -> list[bytes]:
        hashes = [merkle.leaf_hash(salt + event) for salt, event in self.leaves]
        spans = (hashes[index << level : (index + 1) << level] for level, index in wanted)
        return [merkle.Frontier().extended(span).root() for span in spans]

    # -- what a prover needs of a session ------------------------------------------------------------------------

    async def call(self, _method: Any, request: Callable[[], GetFactProofsRequest], _deadline: Any) -> Any:
        if self.is_away:
            raise HubUnavailable("The hub cannot be reached.")
        digests = list(request().digests)
        self.asked.append(digests)
        answer = GetFactProofsResponse(proofs=map(self._proof, digests), checkpoint=b"a note")
        self.bend(answer)
        return answer

    async def remembered(self) -> None:
        return None

    async def accept(self, note: bytes, _known: Any = None) -> Checkpoint:
        assert note == b"a note"
        return self.checkpoint


@dataclass
class SetClock:
    """A clock that is set."""

    now: int

    def now_ms(self) -> int:
        return self.now


@dataclass
class Rig:
    hub: PublishingHub
    folder: Path
    workers: Workers
    clock: SetClock = field(default_factory=lambda: SetClock(month_begins("2026-11")))

    def prover(self) -> FactProver:
        hub: Any = self.hub
        return FactProver(hub, hub, pins=new_store(self.folder), workers=self.workers, clock=self.clock)

    async def prove(self, *digests: bytes) -> None:
        await self.prover().prove(digests, Deadline.after(30))


@pytest_asyncio.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    workers = Workers(1)
    yield Rig(PublishingHub(), tmp_path, workers)
    await workers.close()


async def test_what_is_proven_is_asked_about_once_by_all_who_share_the_pins(rig: Rig) -> None:
    rig.hub.publish([A, B, C])
    await rig.prove(A, B, A)
    await rig.prove(B, C)
    await rig.prove(A, B, C)
    assert rig.hub.asked == [[A, B], [C]]
    assert rig.prover().knows(A)
    assert not rig.prover().knows(bytes(32))


async def test_many_facts_are_asked_about_in_calls_of_a_thousand(rig: Rig) -> None:
    many = [number.to_bytes(32) for number in range(1, MAX_DIGESTS + 2)]
    rig.hub.publish(many)
    await rig.prove(*many)
    assert [len(asked) for asked in rig.hub.asked] == [MAX_DIGESTS, 1]


async def test_in_a_new_log_facts_are_proven_anew(rig: Rig) -> None:
    rig.hub.publish([A, B])
    await rig.prove(A, B)
    rig.hub.log, rig.hub.leaves = DECEMBER, [(bytes(32), b"log:begin")]
    rig.hub.publish([A, C])
    await rig.prove(C)
    assert not rig.prover().knows(A)
    await rig.prove(A)
    with pytest.raises(FactNotPublished):  # it is not in force any more
        await rig.prove(B)


async def test_a_proof_in_the_log_before_brings_back_nothing_that_was_proven_there(rig: Rig) -> None:
    rig.hub.publish([A, B])
    await rig.prove(A)
    rig.hub.log = DECEMBER
    await rig.prove(B)
    rig.hub.log = NOVEMBER  # witnesses cosigned it lately
    rig.hub.publish([C])
    await rig.prove(C)
    assert [rig.prover().knows(digest) for digest in (A, B, C)] == [False, True, False]


async def test_a_month_that_never_ends_proves_nothing(rig: Rig) -> None:
    rig.hub.publish([A, B])
    await rig.prove(A)
    rig.clock.now = month_ends("2026-11") + OVER_MS
    await rig.prove(A)
    assert rig.hub.asked == [[A]]
    rig.clock.now += 1
    assert not rig.prover().knows(A)
    for digest in (A, B):
        with pytest.raises(FactNotPublished):
            await rig.prove(digest)
    rig.hub.log = DECEMBER
    await rig.prove(A)
    assert rig.prover().knows(A)


async def test_without_the_log_that_a_succession_removes_nothing_counts_as_proven(rig: Rig) -> None:
    rig.hub.publish([A])
    await rig.prove(A)
    new_store(rig.folder).put_many(remove=[(Shelf.PINS, FACT_LOG)])
    assert not rig.prover().knows(A)


async def test_what_is_not_published_is_refused_and_not_remembered(rig: Rig) -> None:
    rig.hub.publish([A])
    with pytest.raises(FactNotPublished):
        await rig.prove(A, B)
    assert not rig.prover().knows(A)
    assert not rig.prover().knows(B)


async def test_where_the_hub_is_away_what_was_proven_goes_on_and_nothing_else(rig: Rig) -> None:
    rig.hub.publish([A, B])
    await rig.prove(A)
    rig.hub.is_away = True
    await rig.prove(A)
    with pytest.raises(HubUnavailable):
        await rig.prove(B)


@pytest.mark.parametrize(
    "bent",
    [
        {"actor": "lender-a"},
        {"action": "claim:list"},
        {"outcome": "INTERNAL"},
        {"commitments": [A, B]},
        {"commitments": [B + A]},
    ],
)
async def test_another_event_than_the_publication_proves_nothing(rig: Rig, bent: dict[str, Any]) -> None:
    rig.hub.publish([A], **bent)
    with pytest.raises(FactNotPublished):
        await rig.prove(A)


def _swap(answer: GetFactProofsResponse) -> None:
    first, second = answer.proofs[0].record, answer.proofs[1].record
    kept = first.SerializeToString()
    first.CopyFrom(second)
    second.ParseFromString(kept)


def _move_a_byte(answer: GetFactProofsResponse) -> None:
    record = answer.proofs[0].record
    record.salt, record.event = record.salt + record.event[:1], record.event[1:]


@pytest.mark.parametrize(
    "bend",
    [
        lambda answer: answer.proofs[0].record.ClearField("leaf_index"),
        lambda answer: answer.proofs[0].ClearField("hashes"),
        lambda answer: answer.proofs[0].ClearField("record"),
        lambda answer: answer.proofs.pop(),
        lambda answer: answer.proofs.add(),
        lambda answer: setattr(answer.proofs[0].record, "salt", bytes(32)),
        lambda answer: setattr(answer.proofs[0].record, "event", b"\xff"),
        _swap,
        _move_a_byte,
    ],
)
async def test_a_bent_proof_proves_nothing(rig: Rig, bend: Callable[[GetFactProofsResponse], None]) -> None:
    rig.hub.publish([A, B])
    rig.hub.bend = bend
    with pytest.raises(FactNotPublished):
        await rig.prove(A, B)
    rig.hub.bend = lambda _answer: None
    await rig.prove(A, B)
