"""Witnesses on the SDK, at a real hub over TLS: they meet at one checkpoint, refuse a fork, and are waited for."""

import asyncio
import fcntl
import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from support.cosigning import sealed
from support.hub import RunningHub, running_hub
from support.sdk import Tamper, lender
from support.stores import event
from typer.testing import CliRunner

from alliance import facts
from alliance.tlog.checkpoints import cosigners, read_checkpoint, sign_checkpoint
from alliance.tlog.notes import Note, NoteKey
from alliance.v1 import admin_pb2
from alliance.witnesses import WitnessList
from alliance_server.domain.members import Role
from alliance_server.domain.witnesses import made_list
from alliance_server.services import fact_proofs
from alliance_server.services.witnesses import cosigned_checkpoint, in_force
from member_client import (
    AllianceClient,
    ConfigurationInvalid,
    CosignatureRefused,
    Decision,
    InvalidUse,
    LogForked,
    LogShrunken,
    PinsDamaged,
    QuorumMissing,
    StatementInvalid,
    StoreBusy,
    WitnessesAwaited,
)
from member_client import Change as AdminChange
from member_client._deadline import Deadline
from member_client._log.keeper import no_quorum
from member_client._witness_list import pinned, recency_of
from member_client.cli.app import app

NewFolder = Callable[[], Path]
NAMES = ("ann", "bob", "cyd")


@asynccontextmanager
async def witnessed(
    folder: Path, quorum: int = 2, interceptors: tuple[Any, ...] = ()
) -> AsyncIterator[tuple[RunningHub, list[AllianceClient]]]:
    """A hub with three witnesses on its list."""
    async with AsyncExitStack() as stack:
        hub = await stack.enter_async_context(running_hub(folder, interceptors=list(interceptors)))
        clients = [await stack.enter_async_context(lender(hub, name)) for name in NAMES]
        vkeys = [(await client.begin_witness()).vkey for client in clients]
        listed(hub, 1, quorum, vkeys)
        yield hub, clients


def showing(shown: list[bytes]) -> Tamper:
    """A hub that shows the newest of some checkpoints instead of its own, where there is one."""

    def change(reply: Any) -> None:
        if shown:
            reply.checkpoint = shown[-1]

    tamper = Tamper("GetCheckpoint", change)
    tamper.active = True
    return tamper


def listed(hub: RunningHub, number: int, quorum: int, vkeys: list[str]) -> None:
    change = admin_pb2.SetWitnesses(number=number, quorum=quorum, vkeys=vkeys)
    hub.hub.store.write_now(lambda it: it.witnesses.add(made_list(change, hub.clock.now_ms())))


def keys_of(hub: RunningHub) -> tuple[NoteKey, ...]:
    found = hub.hub.store.read_now(lambda it: it.witnesses.newest())
    assert found is not None
    return found.witnesses.keys


def cosigned_by(hub: RunningHub, log: int, size: int) -> int:
    ids = [f"{key.name}+{key.key_id.hex()}" for key in keys_of(hub)]
    return len(hub.hub.store.read_now(lambda it: it.witnesses.lines(log, size, ids)))


async def test_witnesses_that_look_at_different_moments_come_to_a_quorum(new_hub_folder: NewFolder) -> None:
    async with witnessed(new_hub_folder()) as (hub, clients):
        for _ in range(2):
            sizes = []
            for client in clients:
                await sealed(hub)  # the log goes on between any two looks
                made = await client.witness_look()
                assert made is not None
                sizes.append(made.size)
                assert (await client.witness_status()).last == made
            assert len(set(sizes)) == 1
            assert cosigned_by(hub, 1, sizes[0]) == 3
            found = hub.hub.store.read_now(lambda it: it.witnesses.cosigned(None, _ids(hub), 3))
            assert found == (1, sizes[0])


def _ids(hub: RunningHub) -> list[str]:
    return [f"{key.name}+{key.key_id.hex()}" for key in keys_of(hub)]


async def test_a_log_that_does_not_follow_is_never_cosigned(new_hub_folder: NewFolder) -> None:
    shown: list[bytes] = []
    tamper = showing(shown)
    async with witnessed(new_hub_folder(), interceptors=(tamper,)) as (hub, (ann, bob, _)):
        first = await ann.witness_look()
        assert first is not None
        await hub.stop_jobs()  # what the witness looks at next is this one
        newer = await sealed(hub)
        await ann.witness_look()
        key = NoteKey(newer.origin, hub.hub.keys.identity.public_key)
        fork = sign_checkpoint(newer.size, bytes(range(32)), key, hub.hub.keys.identity.sign_text)
        shown.append(str(fork.note).encode())
        with pytest.raises(LogForked, match="kept in log-fork-"):
            await ann.witness_look()
        shown[-1] = str(sign_checkpoint(newer.size + 50, bytes(32), key, hub.hub.keys.identity.sign_text).note).encode()
        with pytest.raises(LogForked):
            await ann.witness_look()
        shown[-1] = str(read_checkpoint(_checkpoint(hub, first.size)).note).encode()
        with pytest.raises(LogShrunken):
            await ann.witness_look()
        shown[-1] = shown[-1].replace(b"audit/1/", b"audit/2/")
        with pytest.raises(StatementInvalid):
            await ann.witness_look()
        shown.clear()
        assert await bob.witness_look() is not None
        assert cosigned_by(hub, 1, fork.size) <= 2
        evidence = list(ann.profile.state_folder.glob("log-fork-*.json"))
        assert len(evidence) == 3
        assert {"known", "shown"} <= json.loads(evidence[0].read_text()).keys()


def _checkpoint(hub: RunningHub, size: int) -> bytes:
    found = hub.hub.store.read_now(lambda it: it.logs.checkpoint(1, size))
    assert found is not None
    return found[1]


async def test_a_witness_that_is_killed_before_it_sends_goes_on_from_what_it_remembers(
    new_hub_folder: NewFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[bytes] = []
    tamper = showing(shown)
    async with witnessed(new_hub_folder(), interceptors=(tamper,)) as (hub, (ann, *_)):
        first = await ann.witness_look()
        assert first is not None
        await hub.stop_jobs()  # nothing is sealed but what is asked for here
        checkpoint = await sealed(hub)

        def killed(*_: Any) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr("member_client.witnessing.cosign", killed)
            task = asyncio.ensure_future(_looked(ann))
            with pytest.raises(_Killed):
                await task
        assert cosigned_by(hub, 1, checkpoint.size) == 0
        # Nobody has its signature, and it remembers all the same: another tree of that size is a fork now.
        key = NoteKey(checkpoint.origin, hub.hub.keys.identity.public_key)
        fork = sign_checkpoint(checkpoint.size, bytes(32), key, hub.hub.keys.identity.sign_text)
        shown.append(str(fork.note).encode())
        async with AllianceClient(ann.profile, clock=hub.clock) as again:
            with pytest.raises(LogForked):
                await again.witness_look()
            shown.clear()
            made = await again.witness_look()
            assert made is not None
            assert made.size >= checkpoint.size
            assert cosigned_by(hub, 1, made.size) == 1


class _Killed(Exception):
    """Stands for the end of a process."""


async def _looked(client: AllianceClient) -> None:
    try:
        await client.witness_look()
    except KeyboardInterrupt:
        raise _Killed from None


async def test_a_memory_that_is_gone_is_not_begun_anew(new_hub_folder: NewFolder) -> None:
    async with witnessed(new_hub_folder()) as (_hub, (ann, *_)):
        await ann.witness_look()
        for path in ann.profile.state_folder.glob("witness.sqlite3*"):
            path.unlink()
        with pytest.raises(PinsDamaged, match="witness's memory"):
            await ann.witness_look()
        with pytest.raises(PinsDamaged, match="witness's memory"):
            await ann.begin_witness()


async def test_one_at_a_time_looks_and_nobody_waits_for_ever(
    new_hub_folder: NewFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with witnessed(new_hub_folder()) as (hub, (ann, *_)), AllianceClient(ann.profile, clock=hub.clock) as again:
        made = await asyncio.gather(*(client.witness_look() for client in (ann, again, ann, again)))
        sizes = [it.size for it in made if it is not None]
        assert len(sizes) == len(set(sizes)) > 0
        last = (await ann.witness_status()).last
        assert last is not None
        assert last.size == max(sizes)
        monkeypatch.setattr("member_client.witnessing._LOOKS", 2)
        descriptor = os.open(ann.profile.state_folder / "witness.lock", os.O_RDWR)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with pytest.raises(StoreBusy):
            await ann.witness_look()
        os.close(descriptor)
        await ann.witness_status()


async def test_who_is_on_no_list_is_told(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "ann") as ann:
        with pytest.raises(ConfigurationInvalid, match="witness init"):
            await ann.witness_look()
        made = await ann.begin_witness()
        assert (await ann.begin_witness()).vkey == made.vkey
        assert (made.is_listed, made.last) == (False, None)
        assert NoteKey.from_vkey(made.vkey).name == made.name == "test/witness/ann"
        with pytest.raises(CosignatureRefused):
            await ann.witness_look()
        listed(hub, 1, 1, [made.vkey])
        assert await ann.witness_look() is not None
        assert (await ann.witness_status()).is_listed


async def test_a_member_believes_what_a_quorum_cosigned_and_nothing_else(
    new_hub_folder: NewFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    bent: list[Callable[[Note], Note]] = []

    def bend(reply: Any) -> None:
        if bent:
            reply.checkpoint = str(bent[-1](read_checkpoint(reply.checkpoint).note)).encode()

    monkeypatch.setattr(fact_proofs, "WAIT_SECONDS", 1.0)
    tamper = Tamper("GetFactProofs", bend)
    tamper.active = True
    async with (
        witnessed(new_hub_folder(), quorum=0, interceptors=(tamper,)) as (hub, witnesses),
        lender(hub, "dan", deadline_ms=5_000) as dan,
    ):
        await dan.sync()
        vkeys = [(await client.witness_status()).vkey for client in witnesses]
        listed(hub, 2, 2, vkeys)
        await dan.sync()  # nobody asked for a quorum before this list was seen
        await hub.enrolled("eve", hub.folder.parent / "eve")
        with pytest.raises(WitnessesAwaited):
            await dan.sync()
        await _rounds(hub, witnesses[:1])
        with pytest.raises(WitnessesAwaited):
            await dan.sync()
        await _rounds(hub, witnesses[:2])
        await dan.sync()

        await hub.enrolled("fay", hub.folder.parent / "fay")
        await _rounds(hub, witnesses)
        bent.append(lambda note: Note(note.text, note.signatures[:2]))
        with pytest.raises(QuorumMissing) as caught:
            await dan.sync()
        assert caught.value.exit_code == 7
        bent[-1] = lambda note: Note(note.text, (*note.signatures[:2], note.signatures[1]))
        with pytest.raises(QuorumMissing):
            await dan.sync()
        bent.clear()
        await dan.sync()

        # Who is on the list lets another one take its place; who is not does not.
        listed(hub, 3, 1, vkeys[2:])
        with pytest.raises(WitnessesAwaited):
            await dan.sync()
        async with AllianceClient(dan.profile, clock=hub.clock, deadline_ms=5_000) as again:
            with pytest.raises(WitnessesAwaited):
                await again.sync()


async def _rounds(hub: RunningHub, witnesses: list[AllianceClient]) -> None:
    """Have witnesses meet at a checkpoint that has all that happened so far."""
    await hub.hub.publication.turn()
    for _ in range(2):
        await sealed(hub)
        for client in witnesses:
            await client.witness_look()


async def by_hand(folder: Path, *arguments: str) -> tuple[int, str]:
    done = await asyncio.to_thread(CliRunner().invoke, app, ["--profile", str(folder), *arguments])
    return done.exit_code, done.stdout if "--json" in arguments else done.output


async def test_it_is_done_on_the_command_line(new_hub_folder: NewFolder, tmp_path: Path) -> None:
    shown: list[bytes] = []
    tamper = showing(shown)
    async with running_hub(new_hub_folder(), interceptors=[tamper]) as hub:
        ann, bob, cyd = (tmp_path / name for name in NAMES)
        for folder, role in ((cyd, Role.MEMBER), (ann, Role.ADMIN), (bob, Role.ADMIN)):
            await hub.enrolled(folder.name, folder, role)
        code, told = await by_hand(cyd, "witness", "run", "--once")
        assert (code, "witness init" in told) == (3, True)
        code, vkey = await by_hand(cyd, "--json", "witness", "init")
        assert code == 0
        vkey = json.loads(vkey)["vkey"]
        code, told = await by_hand(cyd, "witness", "run", "--once")
        assert (code, "by a witness in force" in told) == (6, True)
        propose = ("admin", "witnesses", "propose", vkey, "--quorum", "0", "--reason", "cyd witnesses")
        code, told = await by_hand(ann, *propose, "--dry-run")
        assert (code, "1 added, 0 removed" in told) == (0, True)
        code, made = await by_hand(ann, "--json", *propose, "--yes")
        assert code == 0
        proposal = json.loads(made)
        assert proposal["details"] == {"number": 1, "quorum": 0, "vkeys": vkey}
        code, told = await by_hand(bob, "admin", "show", proposal["proposal"])
        assert (code, vkey in told) == (0, True)
        answer = ("--digest", proposal["digest"], "--reason", "agreed", "--yes")
        assert (await by_hand(bob, "admin", "approve", proposal["proposal"], *answer))[0] == 0
        code, told = await by_hand(bob, "--json", "admin", "witnesses", "show")
        assert (code, json.loads(told)) == (0, {"number": 1, "quorum": 0, "vkeys": [vkey]})
        code, told = await by_hand(bob, "admin", "witnesses", "show")
        assert (code, vkey in told, "0 of 1" in told) == (0, True, True)

        code, told = await by_hand(cyd, "witness", "run", "--once")
        assert (code, "cosigned" in told) == (0, True)
        code, told = await by_hand(cyd, "--json", "witness", "run", "--once")
        assert code == 0
        last = json.loads(told)["cosigned"]
        code, told = await by_hand(cyd, "--json", "witness", "status")
        status = json.loads(told)
        assert (code, status["is_listed"], status["vkey"]) == (0, True, vkey)
        assert status["cosigned"] == last or last is None
        assert (await by_hand(cyd, "--lang", "zh-CN", "witness", "status"))[0] == 0

        checkpoint = await sealed(hub)
        key = NoteKey(checkpoint.origin, hub.hub.keys.identity.public_key)
        fork = sign_checkpoint(checkpoint.size + 9, bytes(32), key, hub.hub.keys.identity.sign_text)
        shown.append(str(fork.note).encode())
        code, told = await by_hand(cyd, "witness", "run", "--interval", "1")
        assert (code, "INTEGRITY" in told) == (7, True)
        for wrong in (["word", "--quorum", "0"], [vkey, "--quorum", "2"], [vkey, vkey, "--quorum", "1"]):
            code, _ = await by_hand(ann, "admin", "witnesses", "propose", *wrong, "--reason", "no", "--yes")
            assert code == 2


async def test_admins_do_it_by_the_sdk(new_hub_folder: NewFolder) -> None:
    async with (
        running_hub(new_hub_folder()) as hub,
        lender(hub, "ann", role=Role.ADMIN) as ann,
        lender(hub, "bob", role=Role.ADMIN) as bob,
    ):
        first, second = await ann.administration(), await bob.administration()
        vkey = (await ann.begin_witness()).vkey
        with pytest.raises(InvalidUse):
            AdminChange.set_witnesses(1, quorum=2, vkeys=[vkey])
        change = AdminChange.set_witnesses(1, quorum=1, vkeys=[vkey])
        assert (await first.preview(change)).entries_added == {"witnesses": 1}
        made = await first.propose(change, "as agreed")
        await second.decide(made, Decision.APPROVE, "read it")
        found = await second.witness_list()
        assert (found.number, found.quorum, [key.vkey for key in found.keys]) == (1, 1, [vkey])
        checkpoint = await sealed(hub)
        assert cosigners(checkpoint.note, found.keys) == {}


async def test_admins_put_others_in_the_place_of_witnesses_who_are_gone(
    new_hub_folder: NewFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    bent: list[Callable[[Any], None]] = []

    def bend(reply: Any) -> None:
        if bent:
            bent[-1](reply)

    monkeypatch.setattr(fact_proofs, "WAIT_SECONDS", 1.0)
    tamper = Tamper("GetWitnessList", bend)
    tamper.active = True
    folder = new_hub_folder()
    async with AsyncExitStack() as stack:
        hub = await stack.enter_async_context(running_hub(folder, interceptors=[tamper]))
        dan, eve = [await stack.enter_async_context(lender(hub, name, deadline_ms=5_000)) for name in ("dan", "eve")]
        ann, bob = [await stack.enter_async_context(lender(hub, name, role=Role.ADMIN)) for name in ("ann", "bob")]
        gone, came = [(await client.begin_witness()).vkey for client in (dan, eve)]
        await dan.sync()
        await _agreed(ann, bob, AdminChange.set_witnesses(1, quorum=1, vkeys=[gone]))
        await _rounds(hub, [dan])
        await dan.sync()
        await _agreed(ann, bob, AdminChange.set_witnesses(2, quorum=1, vkeys=[came]))
        await _rounds(hub, [eve])

        def without_decision(reply: Any) -> None:
            reply.ClearField("decision")

        def by_one_admin(reply: Any) -> None:
            reply.decision.CopyFrom(reply.proposal)

        def of_another_list(reply: Any) -> None:
            made = made_list(admin_pb2.SetWitnesses(number=2, quorum=1, vkeys=[came]), 7)
            reply.witness_list.CopyFrom(hub.hub.keys.identity.statement("witness-list", made.content))
            reply.proposal.payload += b"\x00"

        session = await dan._session()
        for bending in (without_decision, by_one_admin, of_another_list):
            bent.append(bending)
            with pytest.raises(QuorumMissing):
                await dan.sync()
            assert pinned(session.state.pins).number == 1
        bent.clear()
        await dan.sync()
        assert pinned(session.state.pins).number == 2

        # A client that runs on has not heard of the next one when it needs a proof.
        await _agreed(ann, bob, AdminChange.set_witnesses(3, quorum=1, vkeys=[gone]))
        await _rounds(hub, [dan])
        digest = facts.witness_list(hub.hub.store.read_now(in_force).content)
        await session.prover.prove([digest], Deadline.after(5.0))
        assert session.prover.knows(digest)


async def _agreed(first: AllianceClient, second: AllianceClient, change: AdminChange) -> None:
    proposer, approver = await first.administration(), await second.administration()
    await approver.decide(await proposer.propose(change, "as agreed"), Decision.APPROVE, "read it")


async def test_a_checkpoint_that_was_cosigned_lately_may_be_older_than_what_is_remembered(
    new_hub_folder: NewFolder,
) -> None:
    async with witnessed(new_hub_folder(), quorum=1) as (hub, (ann, bob, _)):
        await ann.witness_look()
        await hub.stop_jobs()
        session = await bob._session()
        listed_now = hub.hub.store.read_now(in_force).witnesses
        cosigned = hub.hub.store.read_now(lambda it: cosigned_checkpoint(it, None, 1))
        hub.hub.store.write_now(lambda it: it.record(event("bob")))  # the witness may have cosigned all that there was
        newer = await sealed(hub)
        assert cosigned is not None
        assert cosigned[0] < newer.size
        session.log.quorum = no_quorum
        await session.log.accept(str(newer.note).encode())
        session._heed(listed_now)
        known = await session.log.remembered()
        assert known is not None
        assert (await session.log.accept(cosigned[1], known)).size == cosigned[0]
        assert (await session.log.advance()).size == cosigned[0]
        assert await session.log.remembered() == known
        session.log.is_recent = recency_of(listed_now, LateClock(hub.clock.now_ms() + 16 * 60 * 1000))
        with pytest.raises(LogShrunken):
            await session.log.accept(cosigned[1], known)
        session._heed(WitnessList(2, 2, listed_now.keys))
        with pytest.raises(WitnessesAwaited):
            await session.log.advance()


class LateClock:
    """A clock that stands still."""

    def __init__(self, now: int) -> None:
        self._now = now

    def now_ms(self) -> int:
        return self._now
