"""The witness list of two admins, and what witnesses hand in, over a real TLS connection."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from support.cosigning import TestWitness, listing, sealed, shown
from support.hub import RunningHub, running_hub
from support.wire import WireMember, enrol, refuses

from alliance.crypto.signing import SigningKey, VerifyingKey
from alliance.errors import Reason
from alliance.statements import WITNESS_LIST
from alliance.tlog.checkpoints import Checkpoint, checkpoint_text, cosigners
from alliance.tlog.notes import Note, NoteKey
from alliance.v1 import admin_pb2, witness_pb2
from alliance.v1.admin_pb2 import Change
from alliance.witnesses import MAX_WITNESSES, WitnessList
from alliance_server.domain.members import Role

pytestmark = pytest.mark.asyncio(loop_scope="module")

NewFolder = Callable[[], Path]


@asynccontextmanager
async def admins(folder: Path) -> AsyncIterator[tuple[RunningHub, WireMember, WireMember]]:
    async with running_hub(folder) as hub:
        first, second = [await enrol(hub, name, Role.ADMIN) for name in ("first", "second")]
        yield hub, first, second
        for admin in (first, second):
            await admin.close()


async def agreed(first: WireMember, second: WireMember, change: Change) -> None:
    proposal = first.proposal(change)
    await first.propose(proposal)
    await second.decide(proposal, second.decision(proposal))


async def listed_to(member: WireMember) -> WitnessList:
    reply = await member.witnesses.GetWitnessList(witness_pb2.GetWitnessListRequest())
    key = VerifyingKey(member.hub.hub.keys.identity.public_key)
    return WitnessList.from_bytes(key.verified_payload(WITNESS_LIST, reply.witness_list))


async def test_a_list_of_two_admins_is_in_force_in_every_hub_from_the_next_call_on(new_hub_folder: NewFolder) -> None:
    folder = new_hub_folder()
    one, two = TestWitness(), TestWitness()
    async with admins(folder) as (hub, first, second), running_hub(folder) as beside:
        there = WireMember(beside, first.id, first.key, first.identity)
        assert await listed_to(first) == await listed_to(there) == WitnessList()
        for number, witnesses in ((1, (one,)), (2, (one, two)), (3, (two,))):
            effect = (await first.propose(first.proposal(listing(number, 1, *witnesses)))).effect
            assert (effect.entries_added["witnesses"], effect.entries_removed["witnesses"]) == {
                1: (1, 0),
                2: (1, 0),
                3: (0, 1),
            }[number]
            await agreed(first, second, listing(number, 1, *witnesses))
            found = await listed_to(there)
            assert found == await listed_to(first)
            assert (found.number, found.quorum) == (number, 1)
            assert found.keys == tuple(it.key for it in witnesses)
            assert hub.clock.now_ms() - found.set_at < 60_000
        await there.close()


async def test_what_is_no_witness_list(new_hub_folder: NewFolder) -> None:
    one, two = TestWitness(), TestWitness()
    same_key = TestWitness("another-name", one.secret)
    log_key = NoteKey(one.name, one.secret.public_key).vkey
    small = NoteKey("small", bytes(32), one.key.kind).vkey
    wrong = [
        listing(0, 0, one),
        listing(2, 0, one),
        listing(1, 2, one),
        listing(1, 1),
        listing(1, 1, one, one),
        listing(1, 1, one, same_key),
        listing(1, 1, one, TestWitness(one.name)),
        listing(1, 1, TestWitness("two words")),
        listing(1, 1, TestWitness("n" * 300)),
        listing(1, 1, *(TestWitness() for _ in range(MAX_WITNESSES + 1))),
        *(
            Change(set_witnesses=admin_pb2.SetWitnesses(number=1, vkeys=[vkey]))
            for vkey in (log_key, small, "", "word", one.key.vkey + "\n")
        ),
    ]
    async with admins(new_hub_folder()) as (_hub, first, second):
        for change in wrong:
            with refuses(Reason.INVALID_REQUEST, Reason.COMMON_RULES_CONFLICT):
                await first.propose(first.proposal(change))
        with refuses(Reason.NOT_PERMITTED):
            await first.propose(first.proposal(listing(1, 1, one), break_glass=True))
        largest = [TestWitness(f"{at}-{'n' * 150}") for at in range(MAX_WITNESSES)]
        await agreed(first, second, listing(1, 1, *largest))
        assert len((await listed_to(first)).keys) == MAX_WITNESSES
        with refuses(Reason.COMMON_RULES_CONFLICT):
            await first.propose(first.proposal(listing(1, 1, two)))


async def add(member: WireMember, witness: TestWitness, checkpoint: Checkpoint, **changes: Any) -> None:
    request = witness.request(checkpoint, member.now)
    for name, value in changes.items():
        setattr(request, name, value)
    await member.witnesses.AddCosignature(request)


async def test_a_checkpoint_is_shown_with_what_witnesses_in_force_signed(new_hub_folder: NewFolder) -> None:
    one, two, three, stranger = [TestWitness() for _ in range(4)]
    async with admins(new_hub_folder()) as (hub, first, second):
        await agreed(first, second, listing(1, 2, one, two, three))
        await hub.stop_jobs()
        with refuses(Reason.NOT_FOUND):
            await shown(first, 1)
        old = await sealed(hub)
        for witness in (one, two):
            await add(first, witness, old)
            await add(second, witness, old)  # again, by whomever
        new = await sealed(hub)
        assert new.size > old.size
        await add(first, three, new)
        with refuses(Reason.COSIGNATURE_REFUSED):
            await add(first, stranger, new)

        key = NoteKey(old.origin, hub.hub.keys.identity.public_key)
        for count, expected, by in ((0, new, {three}), (1, new, {three}), (2, old, {one, two})):
            for log in ("", old.origin):
                found = await shown(first, count, log)
                found.require_signed(key)
                assert found.text == expected.text
                assert set(cosigners(found.note, [it.key for it in (one, two, three)])) == {it.key for it in by}
                assert len(found.note.signatures) == 1 + len(by)
        with refuses(Reason.NOT_FOUND):
            await shown(first, 3)
        # Who is off the list counts no more, and a key under a name that is known is another witness.
        again = TestWitness(two.name)
        await agreed(first, second, listing(2, 1, one, again))
        assert set(cosigners((await shown(first, 1)).note, [one.key, two.key])) == {one.key}
        with refuses(Reason.NOT_FOUND):
            await shown(first, 2)
        await add(first, again, old)
        assert set(cosigners((await shown(first, 2)).note, [one.key, again.key])) == {one.key, again.key}


async def test_what_is_no_cosignature(new_hub_folder: NewFolder) -> None:
    one = TestWitness()
    async with admins(new_hub_folder()) as (hub, first, second):
        await agreed(first, second, listing(1, 1, one))
        checkpoint = await sealed(hub)
        good = one.line(checkpoint, first.now // 1000)
        other = checkpoint_text(checkpoint.origin, checkpoint.size, bytes(32))
        fork = Checkpoint(checkpoint.origin, checkpoint.size, bytes(32), Note(other))
        refused = [
            one.line(fork, first.now // 1000),
            one.line(checkpoint, first.now // 1000 + 3600),
            TestWitness(one.name, SigningKey.generate()[0]).line(checkpoint, first.now // 1000),
            str(checkpoint.note.signatures[0]),
        ]
        malformed = ["", good[:-1], good + good, "\n" + good, good.replace(" ", "  "), good.replace("\n", "\r\n"), "x"]
        malformed += [good[:-2] + "\n", "— w " + "A" * 2000 + "\n"]
        for line in refused:
            with refuses(Reason.COSIGNATURE_REFUSED):
                await add(first, one, checkpoint, line=line)
        for line in malformed:
            with refuses(Reason.INVALID_REQUEST):
                await add(first, one, checkpoint, line=line)
        for changes in ({"size": checkpoint.size + 1000}, {"log": "x"}, {"size": 2**64 - 1}):
            with refuses(Reason.NOT_FOUND):
                await add(first, one, checkpoint, **changes)
        with refuses(Reason.NOT_FOUND):
            await shown(first, 1)
        await add(first, one, checkpoint)
        assert (await shown(first, 1)).text == checkpoint.text
