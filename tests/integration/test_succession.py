"""A hub that was lost and restored: what it serves, who may sign, what clients believe, and what does not come back."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from support.hub import RunningHub, running_hub
from support.postgres import Postgres
from support.recovery import backed_up, contributing, in_its_place, restored
from support.rpcs import RPCS, good_requests, role_of, sender
from support.sdk import PHONES, Tamper, contribute, lender, row, screen
from support.wire import (
    WireMember,
    certificate_request,
    enrol,
    enrol_request,
    enrolment_channel,
    new_tls_key,
    refuses,
    row_of,
)
from typer.testing import CliRunner

from alliance.crypto.signing import SigningKey
from alliance.errors import Reason
from alliance.findings import Level
from alliance.statements import SUCCESSION
from alliance.taxonomy import DAY_MS
from alliance.tlog.logs import LogName
from alliance.v1 import enrolment_pb2_grpc, filter_pb2, succession_pb2
from alliance.v1.audit_pb2 import GetFactProofsResponse
from alliance_server.cli.doctor import examine
from alliance_server.cli.status.reading import needs, read_status
from alliance_server.domain.epochs import EpochState
from alliance_server.domain.errors import Refused
from alliance_server.domain.members import HUB_ACTOR, MemberState, Role
from alliance_server.domain.policy import POLICY
from alliance_server.services import fact_proofs
from alliance_server.storage.purge_ledger import LedgerInvalid
from member_client import (
    AllianceClient,
    Change,
    FactNotPublished,
    Profile,
    State,
    SuccessionAwaited,
    SuccessionRejected,
    WitnessesAwaited,
    _directory,
    _epochs,
)
from member_client._fact_proofs import FACT_LOG
from member_client._store import Shelf
from member_client.administration import Administration, Decision
from member_client.cli.app import app

NewFolder = Callable[[], Path]
LISTED, WITHDRAWN, ENDING, LOST, FRESH = PHONES[:5]


@dataclass
class Alliance:
    """An alliance on the SDK: two admins, one who contributes and one who screens."""

    hub: RunningHub
    ann: AllianceClient
    bob: AllianceClient
    a: AllianceClient
    b: AllianceClient


@asynccontextmanager
async def founded(folder: Path, url: str, clients: AsyncExitStack) -> AsyncIterator[Alliance]:
    """Found one; the clients live longer than its hub."""
    async with running_hub(folder, url) as hub:

        async def enter(name: str, role: Role = Role.MEMBER) -> AllianceClient:
            return await clients.enter_async_context(lender(hub, name, role=role))

        a, b = await enter("lender-a"), await enter("lender-b")
        ann, bob = await enter("ann", Role.ADMIN), await enter("bob", Role.ADMIN)
        yield Alliance(hub, ann, bob, a, b)


async def sign(client: AllianceClient) -> tuple[str, ...]:
    admin = await client.administration()
    return (await admin.sign_succession(await admin.succession())).signed_by


async def states(client: AllianceClient, *phones: str) -> list[State]:
    return [verdict.state for verdict in await screen(client, phones)]


# -- the whole story ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.nightly)])
async def test_clients_go_on_once_two_admins_signed_and_nothing_that_ended_is_back(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    postgres: Postgres | None = request.getfixturevalue("postgres") if kind == "postgresql" else None
    first, second = (postgres.migrated(), postgres.empty()) if postgres else ("", "")
    async with AsyncExitStack() as clients:
        async with founded(tmp_path / "hub", first, clients) as it:
            suspended, revoked = await enrol(it.hub, "suspended"), await enrol(it.hub, "revoked")
            ends_at = it.hub.clock.now_ms() + DAY_MS
            claims = await contribute(it.a, [row(LISTED), row(WITHDRAWN), row(ENDING, expires_at=ends_at)])
            await it.hub.settle()
            for client in (it.a, it.b):
                await client.sync()
            for client in (it.ann, it.bob):
                await client.administration()
            assert await states(it.b, LISTED, WITHDRAWN, ENDING) == [State.MATCH] * 3
            loader = await enrol(it.hub, "loader")
            async with contributing(loader):
                await backed_up(it.hub, tmp_path / "backup")
            await loader.close()
            # After the backup: all of it is in the ledger, but for the claim.
            await it.a.withdraw(claims[1].entry_id, reason="filed_in_error")
            admin = await it.ann.administration()
            await admin.propose(Change.suspend("suspended"), "stolen keys")
            revocation = await admin.propose(Change.revoke_certificates("revoked"), "stolen keys")
            await (await it.bob.administration()).decide(revocation, Decision.APPROVE, "agreed")
            await contribute(it.a, [row(LOST)])
            late = await enrol(it.hub, "late")
            for caller in (suspended, revoked, late):
                await caller.close()
        it.hub.clock.advance(days=2)
        made = restored(tmp_path / "backup", tmp_path / "restored", it.hub, url=second)
        assert (made.origin, made.ledger_used, made.hub_key != made.previous_hub_key) == (2, True, True)
        assert made.previous_hub_key == it.hub.hub.keys.identity.public_key

        async with in_its_place(tmp_path / "restored", it.hub) as hub:
            with pytest.raises(SuccessionAwaited):
                await it.b.sync()
            assert await sign(it.ann) == ("ann",)
            with pytest.raises(SuccessionAwaited):
                await it.b.sync()
            assert await sign(it.bob) == ("ann", "bob")
            await hub.settle()

            report = await it.b.sync()
            assert report.epoch == 1
            accepted = it.b.accepted_succession
            assert accepted is not None
            assert (accepted.origin, accepted.hub_key, accepted.signed_by) == (2, made.hub_key, ("ann", "bob"))
            found = await states(it.b, LISTED, WITHDRAWN, ENDING, LOST)
            assert found == [State.MATCH, State.CLEAR, State.CLEAR, State.CLEAR]
            # What was lost is filed again by the same list; what stands is not.
            results = await contribute(it.a, [row(FRESH), row(LOST), row(LISTED)])
            assert [result.outcome.value for result in results] == ["accepted", "accepted", "unchanged"]
            hub.clock.advance(minutes=6)
            await hub.settle()
            assert await states(it.b, FRESH, LOST, LISTED) == [State.MATCH] * 3

            for caller in (suspended, revoked):
                with refuses(Reason.NOT_AUTHENTICATED):
                    await caller.again().filters.GetFilter(filter_pb2.GetFilterRequest(epoch=1))
            # Who enrolled after the backup is known by the ledger: only its claims are lost.
            await WireMember(hub, late.id, late.key, late.identity).file(late.row())
            # A program that starts anew knows the new origin from its pins alone.
            async with AllianceClient(it.b.profile, clock=hub.clock) as anew:
                await anew.sync()
                assert anew.accepted_succession is None
            entries = hub.hub.store.read_now(lambda it: it.claims.get_many([claim.entry_id for claim in claims]))
            assert claims[2].entry_id not in entries  # its row is gone, not hidden
    if kind == "sqlite":  # nor is it in what the database left behind
        written = [path.read_bytes() for path in (tmp_path / "restored").glob("hub.db*")]
        assert any(claims[0].entry_id in content for content in written)
        assert not any(claims[2].entry_id in content for content in written)


async def test_what_was_withdrawn_is_withdrawn_again_where_the_ledger_is_lost(
    new_hub_folder: NewFolder, tmp_path: Path
) -> None:
    async with AsyncExitStack() as clients:
        async with founded(new_hub_folder(), "", clients) as it:
            claims = await contribute(it.a, [row(LISTED), row(WITHDRAWN)])
            for client in (it.a, it.b):
                await client.sync()
            await backed_up(it.hub, tmp_path / "backup")
            await it.a.withdraw(claims[1].entry_id, reason="filed_in_error")
        restored(tmp_path / "backup", tmp_path / "restored", it.hub, ledger=False)
        async with in_its_place(tmp_path / "restored", it.hub) as hub:
            await sign(it.ann)
            await sign(it.bob)
            await hub.settle()
            await it.a.sync()
            entries = hub.hub.store.read_now(lambda work: work.claims.get_many([one.entry_id for one in claims]))
            assert [entries[one.entry_id].status.word for one in claims] == ["active", "withdrawn"]


# -- who signs ---------------------------------------------------------------------------------------------------


@dataclass
class Waiting:
    """A restored hub that waits, and whoever was enrolled at the lost one."""

    hub: RunningHub
    ann: WireMember
    bob: WireMember
    member: WireMember
    by_role: dict[Role, WireMember]
    payload: bytes

    async def sign(self, caller: WireMember, payload: bytes | None = None, key: SigningKey | None = None) -> bool:
        """Sign; says whether the hub takes it for complete."""
        statement = (key or caller.key).statement(SUCCESSION, self.payload if payload is None else payload)
        request = succession_pb2.SignSuccessionRequest(statement=statement)
        reply = await caller.succession.SignSuccession(request)
        return bool(reply.succession.complete)

    async def serves(self) -> bool:
        try:
            await self.hub.hub.succession.require_complete()
        except Refused:
            return False
        return True


@asynccontextmanager
async def waiting(folder: Path, tmp_path: Path) -> AsyncIterator[Waiting]:
    async with running_hub(folder) as lost:
        callers = [await enrol(lost, name, Role.ADMIN) for name in ("ann", "bob")]
        callers += [await enrol(lost, "lender")]
        others = [role for role in Role if role not in (Role.MEMBER, Role.ADMIN)]
        callers += [await enrol(lost, role.word.replace("_", "-"), role) for role in others]
        await callers[2].file(callers[2].row())
        await backed_up(lost, tmp_path / "backup")
        for caller in callers:
            await caller.close()
    made = restored(tmp_path / "backup", tmp_path / "restored", lost)
    async with in_its_place(tmp_path / "restored", lost) as hub:
        again = [WireMember(hub, it.id, it.key, it.identity) for it in callers]
        ann, bob, member, *offices = again
        newest = hub.hub.store.read_now(lambda it: it.successions.newest())
        assert newest is not None
        assert succession_pb2.Succession.FromString(newest.payload) == made
        by_role: dict[Role, WireMember] = {Role.MEMBER: member, **dict(zip(others, offices, strict=True))}
        yield Waiting(hub, ann, bob, member, by_role, newest.payload)
        for caller in again:
            await caller.close()


async def test_a_hub_that_waits_refuses_every_other_call_and_records_it(
    new_hub_folder: NewFolder, tmp_path: Path
) -> None:
    async with waiting(new_hub_folder(), tmp_path) as it:
        for path, rpc in RPCS.items():
            if rpc.is_plumbing or POLICY[path].before_succession or POLICY[path].action is None:
                continue
            caller = it.by_role.get(role_of(path), it.ann)
            content = good_requests(caller)[path]().SerializeToString()
            before = len(caller.events())
            with refuses(Reason.SUCCESSION_AWAITED):
                await sender(caller.channel, rpc)(content)
            (event,) = caller.events()[before:]
            assert (event.action, event.outcome) == (str(POLICY[path].action), "SUCCESSION_AWAITED")
        async with enrolment_channel(it.hub) as channel:
            request = enrol_request(bytes(32), SigningKey.generate()[0], certificate_request(new_tls_key()))
            with refuses(Reason.SUCCESSION_AWAITED):
                await enrolment_pb2_grpc.EnrolmentServiceStub(channel).Enrol(request)
        listed = await it.member.succession.ListSuccessions(succession_pb2.ListSuccessionsRequest())
        (record,) = listed.successions
        assert (record.payload, len(record.signatures), record.complete) == (it.payload, 0, False)


async def test_only_two_different_admins_complete_a_succession(new_hub_folder: NewFolder, tmp_path: Path) -> None:
    async with waiting(new_hub_folder(), tmp_path) as it:
        with refuses(Reason.NOT_PERMITTED):
            await it.sign(it.member)
        with refuses(Reason.SIGNATURE_INVALID):
            await it.sign(it.ann, key=it.bob.key)
        other = succession_pb2.Succession.FromString(it.payload)
        other.hub_key = SigningKey.generate()[0].public_key
        with refuses(Reason.SUCCESSION_CONFLICT):
            await it.sign(it.ann, payload=other.SerializeToString())
        assert not await it.sign(it.ann)
        assert not await it.sign(it.ann)
        assert not await it.serves()
        assert await it.sign(it.bob)
        assert await it.serves()
        assert await it.sign(it.ann)  # again, and nothing changes
        reply = await it.member.filters.GetFilter(filter_pb2.GetFilterRequest(epoch=1))
        hub_key = it.hub.hub.keys.identity
        assert reply.header.key_id == hub_key.statement("filter-header", b"").key_id
        signed = [event for event in it.bob.events() if event.action == "succession:sign"]
        assert [event.outcome for event in signed] == ["ok"]


async def test_an_admin_who_was_suspended_meanwhile_does_not_count(new_hub_folder: NewFolder, tmp_path: Path) -> None:
    async with waiting(new_hub_folder(), tmp_path) as it:
        assert not await it.sign(it.ann)
        now = it.hub.clock.now_ms()
        it.hub.hub.store.write_now(lambda work: work.members.set_state("ann", MemberState.SUSPENDED, now))
        assert not await it.sign(it.bob)
        with refuses(Reason.NOT_AUTHENTICATED):
            await it.sign(it.ann)


# -- what clients believe ----------------------------------------------------------------------------------------


async def test_a_client_that_knew_no_two_admins_believes_nothing_and_forgets_nothing(
    new_hub_folder: NewFolder, tmp_path: Path
) -> None:
    folder = new_hub_folder()
    async with AsyncExitStack() as clients:
        async with running_hub(folder) as lost:
            early = await clients.enter_async_context(lender(lost, "early"))
            informed = await clients.enter_async_context(lender(lost, "informed"))
            await early.sync()  # before there were admins
            ann = await clients.enter_async_context(lender(lost, "ann", role=Role.ADMIN))
            bob = await clients.enter_async_context(lender(lost, "bob", role=Role.ADMIN))
            await informed.sync()
            await backed_up(lost, tmp_path / "backup")
        made = restored(tmp_path / "backup", tmp_path / "restored", lost)
        async with in_its_place(tmp_path / "restored", lost) as hub:
            assert await sign(ann) == ()  # she never looked at the directory: she can sign, and tell of nobody
            await sign(bob)
            await hub.settle()
            for _ in range(2):
                with pytest.raises(SuccessionRejected) as caught:
                    await early.sync()
            assert caught.value.exit_code == 7
            assert early.accepted_succession is None
            hub.clock.advance(minutes=6)  # what was fetched from the lost hub is believed no longer
            await hub.settle()
            with pytest.raises(SuccessionRejected):
                await screen(early, [LISTED])
            await informed.sync()
            with pytest.raises(SuccessionRejected):
                await ann.sync()
            # Somebody decides by hand, as the manual says: new pins under the identity that was read out.
            await early.close()
            await asyncio.to_thread(_trust_anew, early.profile, made.hub_key)
            async with AllianceClient(Profile.load(early.profile.folder), clock=hub.clock) as again:
                await again.sync()


def _trust_anew(profile: Profile, hub_key: bytes) -> None:
    shutil.rmtree(profile.folder / "filter")
    for path in profile.folder.glob("*.sqlite3*"):
        path.unlink()
    replace(profile, hub_key=hub_key).save()


async def command(profile: Path, *arguments: str) -> tuple[int, str]:
    """Run the member's command line; gives its exit code and what it said."""
    done = await asyncio.to_thread(CliRunner().invoke, app, ["--profile", str(profile), *arguments])
    return done.exit_code, done.output


async def test_a_succession_that_one_admin_signed_is_believed_by_nobody_and_the_commands_say_so(
    new_hub_folder: NewFolder, tmp_path: Path
) -> None:
    """The hub's own word that it is complete counts nothing."""
    folder = new_hub_folder()
    async with AsyncExitStack() as clients:
        async with founded(folder, "", clients) as it:
            await it.b.sync()
            for admin in (it.ann, it.bob):
                await admin.administration()
            ann, bob, b = (client.profile.folder for client in (it.ann, it.bob, it.b))
            await backed_up(it.hub, tmp_path / "backup")
        made = restored(tmp_path / "backup", tmp_path / "restored", it.hub)
        (waits,) = [
            found
            for found in examine(tmp_path / "restored", it.hub.clock)
            if "have signed its succession" in found.what
        ]
        assert (waits.level, "succession sign" in waits.how_to_fix) == (Level.ERROR, True)
        assert any("have signed its succession" in line for line in needs(read_status(tmp_path / "restored")))
        async with in_its_place(tmp_path / "restored", it.hub) as hub:
            code, said = await command(ann, "admin", "succession", "show")
            assert code == 0, said
            for told in (made.hub_key.hex(), made.previous_hub_key.hex(), "origin 2", "purge ledger", "signed by: -"):
                assert told in said
            digest = said.rpartition("digest: ")[2].split()[0]
            for options in (("--digest", "00" * 32, "--yes"), ()):  # another digest; nobody to be asked
                code, said = await command(ann, "admin", "succession", "sign", *options)
                assert code == 2, said
            code, said = await command(b, "admin", "succession", "sign", "--yes")
            assert code == 6, said
            code, said = await command(ann, "admin", "succession", "sign", "--digest", digest, "--yes")
            assert (code, "another admin signs" in said) == (0, True), said
            hub.hub.store.write_now(lambda work: work.successions.complete(2, hub.clock.now_ms()))
            await hub.settle()
            with pytest.raises(SuccessionRejected):
                await it.b.sync()
            code, said = await command(b, "sync")
            assert (code, "have not signed" in said) == (7, True), said
            code, said = await command(bob, "--json", "admin", "succession", "sign", "--yes")
            assert code == 0, said
            document = json.loads(said)
            assert (document["signed_by"], document["is_signed"], document["digest"]) == (["ann", "bob"], True, digest)
            code, said = await command(b, "sync")  # a signature that comes later convinces
            assert (code, "origin 2 is believed, signed by ann, bob" in said) == (0, True), said
            code, said = await command(b, "sync")
            assert (code, "is believed" in said) == (0, False), said
            await it.b.sync()  # what another process of this member pinned holds here, too
            assert it.b.accepted_succession is None


# -- restoring ---------------------------------------------------------------------------------------------------


async def test_a_ledger_that_was_changed_is_refused_and_one_that_was_cut_by_a_crash_is_not(
    new_hub_folder: NewFolder, tmp_path: Path
) -> None:
    folder = new_hub_folder()
    async with running_hub(folder) as lost:
        for name in ("ann", "bob"):
            await (await enrol(lost, name, Role.ADMIN)).close()
        member = await enrol(lost, "lender")
        sealed = [member.seal() for _ in range(3)]
        await member.file(*(row_of(it) for it in sealed))
        await backed_up(lost, tmp_path / "backup")
        for it in sealed[:2]:
            await member.withdraw(it.entry_id)
        await member.close()
    (path,) = lost.hub.config.purges_folder.glob("*.purges")
    assert path.stat().st_mode & 0o777 == 0o600
    content = path.read_bytes()
    lines = content.splitlines(keepends=True)
    for change in (
        content.replace(lines[0], b""),
        b"".join([*lines[:-2], lines[-1]]),
        b"".join([lines[1], lines[0], *lines[2:]]),
        content[:-10] + b"0" * 9 + b"\n",
        b"nonsense\n" + content,
    ):
        path.write_bytes(change)
        with pytest.raises(LedgerInvalid, match="line"):
            restored(tmp_path / "backup", tmp_path / "restored", lost)
        assert not (tmp_path / "restored").exists()
    path.write_bytes(content[:-3])  # the last withdrawal was not acknowledged before the crash
    made = restored(tmp_path / "backup", tmp_path / "restored", lost)
    async with running_hub(tmp_path / "restored", clock=lost.clock) as hub:
        entries = hub.hub.store.read_now(lambda work: work.claims.get_many([it.entry_id for it in sealed]))
        assert [entries[it.entry_id].status.word for it in sealed] == ["withdrawn", "active", "active"]
    assert made.ledger_entries > 0
    path.write_bytes(content)
    bare = restored(tmp_path / "backup", tmp_path / "bare", lost, ledger=False)
    assert (bare.ledger_used, bare.ledger_entries) == (False, 0)


async def test_restoring_needs_an_empty_place_and_two_admins(
    new_hub_folder: NewFolder, tmp_path: Path, postgres: Postgres
) -> None:
    folder = new_hub_folder()
    async with running_hub(folder) as lost:
        await (await enrol(lost, "ann", Role.ADMIN)).close()
        await backed_up(lost, tmp_path / "one")
        with pytest.raises(Refused, match="fewer than two admins"):
            restored(tmp_path / "one", tmp_path / "restored", lost)
        await (await enrol(lost, "bob", Role.ADMIN)).close()
        await backed_up(lost, tmp_path / "two")
    for taken in (lost.folder, tmp_path / "one"):
        with pytest.raises(Refused, match="no empty folder"):
            restored(tmp_path / "two", taken, lost)
    used = postgres.migrated()
    with pytest.raises(Refused, match="database is not empty"):
        restored(tmp_path / "two", tmp_path / "restored", lost, url=used)
    assert not (tmp_path / "restored").exists()
    (tmp_path / "restored").mkdir()
    restored(tmp_path / "two", tmp_path / "restored", lost)
    async with running_hub(tmp_path / "restored", clock=lost.clock) as hub:
        with pytest.raises(Refused, match="waits for its succession"):
            await backed_up(hub, tmp_path / "three")
    leftovers = await asyncio.to_thread(lambda: {it.name for it in tmp_path.iterdir()})
    assert not [name for name in leftovers if "restoring" in name]


async def test_epochs_that_ended_or_began_after_the_backup_do_not_come_back(
    new_hub_folder: NewFolder, tmp_path: Path
) -> None:
    folder = new_hub_folder()
    async with running_hub(folder) as lost:
        for name in ("ann", "bob"):
            await (await enrol(lost, name, Role.ADMIN)).close()
        member = await enrol(lost, "lender")
        await member.file(member.row())
        second = lost.hub.keys.create_epoch(2, lost.clock.now_ms())
        lost.hub.store.write_now(lambda it: it.epochs.add(second))
        await backed_up(lost, tmp_path / "backup")
        third = lost.hub.keys.create_epoch(3, lost.clock.now_ms())
        lost.hub.store.write_now(lambda it: it.epochs.add(third))
        lost.hub.store.write_now(lambda it: it.purges.epoch_retired(1))
        await member.close()
    made = restored(tmp_path / "backup", tmp_path / "restored", lost)
    assert list(made.retired_epochs) == [1, 3]
    keys = {path.name for path in (tmp_path / "restored" / "keys").glob("epoch-*")}
    assert keys == {"epoch-2.sealed"}
    async with running_hub(tmp_path / "restored", clock=lost.clock) as hub:
        epochs = hub.hub.store.read_now(lambda it: it.epochs.all())
        assert [(it.id, it.state) for it in epochs] == [
            (1, EpochState.RETIRED),
            (2, EpochState.ACTIVE),
            (3, EpochState.RETIRED),
        ]
        # Its number stands for the key that was seen once, and for no other.
        assert epochs[2].public_key == third.public_key
        with hub.hub.store.engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM claims").scalar_one() == 0
        restores = [
            it
            for it in hub.hub.store.read_now(lambda work: work.audit.page(HUB_ACTOR, 0, 1000))
            if "restore" in it.action
        ]
        assert len(restores) == 1


async def test_an_older_backup_follows_what_two_admins_signed_since(new_hub_folder: NewFolder, tmp_path: Path) -> None:
    async with AsyncExitStack() as clients:
        async with founded(new_hub_folder(), "", clients) as it:
            await contribute(it.a, [row(LISTED)])
            await it.b.sync()
            await backed_up(it.hub, tmp_path / "backup")
        restored(tmp_path / "backup", tmp_path / "second", it.hub)
        async with in_its_place(tmp_path / "second", it.hub) as second:
            await sign(it.ann)
            # One signature is no succession: the ledger of that origin is nobody's word then.
            with pytest.raises(LedgerInvalid):
                restored(tmp_path / "backup", tmp_path / "early", it.hub, second)
            await sign(it.bob)
            await it.b.sync()
        made = restored(tmp_path / "backup", tmp_path / "third", it.hub, second)
        assert (made.origin, made.previous_hub_key) == (3, second.hub.keys.identity.public_key)
        async with in_its_place(tmp_path / "third", it.hub) as third:
            await sign(it.ann)
            await sign(it.bob)
            await third.settle()
            await it.b.sync()
            accepted = it.b.accepted_succession
            assert accepted is not None
            assert accepted.origin == 3
            # Whoever knows the first origin alone follows the whole chain.
            async with lender(it.hub, "lender-a") as a:
                await a.sync()
            third.clock.advance(minutes=6)
            await third.settle()
            assert await states(it.b, LISTED) == [State.MATCH]


async def test_what_was_open_in_the_backup_is_not_open_again(new_hub_folder: NewFolder, tmp_path: Path) -> None:
    folder = new_hub_folder()
    async with AsyncExitStack() as clients:
        async with founded(folder, "", clients) as it:
            await it.bob.administration()
            admin: Administration = await it.ann.administration()
            await admin.invite("newcomer", tmp_path / "newcomer.json", "board")
            proposed = await admin.propose(Change.offboard("lender-b"), "left")
            await backed_up(it.hub, tmp_path / "backup")
        restored(tmp_path / "backup", tmp_path / "restored", it.hub)
        async with in_its_place(tmp_path / "restored", it.hub) as hub:
            await sign(it.ann)
            await sign(it.bob)
            other = await it.bob.administration()
            assert [one async for one in other.proposals()] == []
            kept = await other.proposal(proposed.id.hex())
            assert kept.state.word == "expired"
            found = hub.hub.store.read_now(lambda work: work.members.get("lender-b"))
            assert found is not None
            assert found.state is MemberState.ACTIVE


async def test_facts_are_proven_anew_in_the_log_of_the_new_origin(new_hub_folder: NewFolder, tmp_path: Path) -> None:
    def hide(reply: GetFactProofsResponse) -> None:
        for proof in reply.proofs:
            proof.ClearField("record")

    two_faced = Tamper("GetFactProofs", hide)
    async with AsyncExitStack() as clients:
        async with founded(new_hub_folder(), "", clients) as it:
            await contribute(it.a, [row(LISTED)])
            await it.b.sync()
            await backed_up(it.hub, tmp_path / "backup")
        restored(tmp_path / "backup", tmp_path / "restored", it.hub)
        async with in_its_place(tmp_path / "restored", it.hub, interceptors=[two_faced]) as hub:
            await sign(it.ann)
            await sign(it.bob)
            await hub.settle()
            two_faced.active = True
            with pytest.raises(FactNotPublished):  # what the lost origin proved is no proof of this one's
                await it.b.sync()
            two_faced.active = False
            await it.b.sync()
            session = await it.b._session()
            log = session.state.pins.get(Shelf.PINS, FACT_LOG)
            assert log is not None
            assert LogName.parse(log.decode()).origin == 2
            facts = await session.facts.now()
            proven = [*_directory.facts_of(facts.directory), *_epochs.facts_of(facts.epochs.known)]
            assert len(proven) >= 5
            assert all(map(session.prover.knows, proven))


async def test_witnesses_go_on_with_the_log_of_the_new_origin(
    new_hub_folder: NewFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fact_proofs, "WAIT_SECONDS", 1.0)
    async with AsyncExitStack() as clients:
        async with founded(new_hub_folder(), "", clients) as it:
            await it.hub.settle()
            await it.a.sync()  # it knows the admins
            await it.b.sync()
            vkey = (await it.a.begin_witness()).vkey
            change = Change.set_witnesses(1, quorum=1, vkeys=[vkey])
            proposed = await (await it.ann.administration()).propose(change, "a member witnesses")
            await (await it.bob.administration()).decide(proposed, Decision.APPROVE, "agreed")
            await it.hub.settle()
            await it.hub.hub.publication.turn()
            await it.hub.hub.sealer.turn()
            before = await it.a.witness_look()
            await it.b.sync()
            await backed_up(it.hub, tmp_path / "backup")
        restored(tmp_path / "backup", tmp_path / "restored", it.hub)
        async with in_its_place(tmp_path / "restored", it.hub) as hub:
            await sign(it.ann)
            await sign(it.bob)
            await hub.settle()
            for _ in range(2):  # the first one believes the restored hub, and neither one without its witnesses
                async with AllianceClient(it.b.profile, clock=hub.clock, deadline_ms=15_000) as again:
                    with pytest.raises(WitnessesAwaited):
                        [found async for found in again.verify_events()]
                    known = await again.log_checkpoint()
                    assert known is None or LogName.parse(known.log).origin == 1
            after = await it.a.witness_look()  # what was cosigned of the origin before stands in nobody's way
            assert before is not None
            assert after is not None
            assert [LogName.parse(made.log).origin for made in (before, after)] == [1, 2]
