"""Witnesses in tests: keys, and lists that two admins set."""

import os
from dataclasses import dataclass, field

from alliance.crypto.signing import SigningKey
from alliance.tlog.checkpoints import Checkpoint, cosign, read_checkpoint
from alliance.tlog.notes import COSIGNATURE, NoteKey
from alliance.v1 import admin_pb2, audit_pb2, witness_pb2
from alliance.v1.admin_pb2 import Change
from support.hub import RunningHub
from support.wire import WireMember


@dataclass(frozen=True)
class TestWitness:
    """A witness with its key."""

    name: str = field(default_factory=lambda: f"witness/{os.urandom(4).hex()}")
    secret: SigningKey = field(default_factory=lambda: SigningKey.generate()[0])

    __test__ = False

    @property
    def key(self) -> NoteKey:
        return NoteKey(self.name, self.secret.public_key, COSIGNATURE)

    def line(self, checkpoint: Checkpoint, time: int) -> str:
        return str(cosign(checkpoint.text, self.key, time, self.secret.sign_text))

    def request(self, checkpoint: Checkpoint, now_ms: int) -> witness_pb2.AddCosignatureRequest:
        line = self.line(checkpoint, now_ms // 1000)
        return witness_pb2.AddCosignatureRequest(log=checkpoint.origin, size=checkpoint.size, line=line)


def listing(number: int, quorum: int, *witnesses: TestWitness) -> Change:
    vkeys = [witness.key.vkey for witness in witnesses]
    return Change(set_witnesses=admin_pb2.SetWitnesses(number=number, quorum=quorum, vkeys=vkeys))


async def sealed(hub: RunningHub) -> Checkpoint:
    """Seal what happened and give the hub's newest checkpoint, as its database has it."""
    await hub.hub.sealer.turn()
    log = hub.hub.store.read_now(lambda it: it.logs.newest())
    assert log is not None
    signed = hub.hub.store.read_now(lambda it: it.logs.checkpoint(log.number))
    assert signed is not None
    return read_checkpoint(signed[1])


async def shown(member: WireMember, cosignatures: int = 0, log: str = "") -> Checkpoint:
    reply = await member.audit.GetCheckpoint(audit_pb2.GetCheckpointRequest(log=log, cosignatures=cosignatures))
    return read_checkpoint(reply.checkpoint)
