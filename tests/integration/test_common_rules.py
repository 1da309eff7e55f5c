"""What holds for everybody takes two admins: a release's policy before it serves, and the suppression list."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from rich.console import Console
from support.hub import RunningHub, running_hub
from support.sdk import lender
from support.stores import UNDONE_CASES, undone_logs
from support.wire import WireMember, enrol, refuses
from typer.testing import CliRunner

from alliance.crypto.signing import VerifyingKey
from alliance.errors import Reason
from alliance.identifiers import BUILTIN, SuppressionList, suppression_list
from alliance.statements import SUPPRESSION_LIST
from alliance.testing import FakeClock
from alliance.v1 import admin_pb2, epoch_pb2
from alliance.v1.admin_pb2 import Change
from alliance_server.cli.app import app as server
from alliance_server.cli.doctor import check, examine
from alliance_server.cli.hub import upgrade_hub
from alliance_server.cli.status.reading import needs, read_status
from alliance_server.config import ConfigurationInvalid
from alliance_server.domain import policy
from alliance_server.domain.members import HUB_ACTOR, Role
from alliance_server.services.administration import MAX_PAGE_BYTES
from alliance_server.storage import schema
from member_client import Change as AdminChange
from member_client import StatementInvalid
from member_client.administration import Decision
from member_client.cli.app import app as client

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.shows_identifiers(reason="entries of a suppression list are public, and are nobody's"),
]

NewFolder = Callable[[], Path]
OTHER = bytes(range(32))
ASK = epoch_pb2.GetSuppressionListRequest()
DUMMY = "+8615900159000"


def grown(number: int, *domains: str) -> SuppressionList:
    return suppression_list("test", {"phone": [DUMMY]}, [], list(domains), number).with_all_of(BUILTIN)


def listed(made: SuppressionList, number: int | None = None) -> Change:
    given = made.number if number is None else number
    return Change(set_suppression_list=admin_pb2.SetSuppressionList(list_bytes=made.to_bytes(), number=given))


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


async def shown_to(member: WireMember) -> SuppressionList:
    reply = await member.epochs.GetSuppressionList(ASK)
    key = VerifyingKey(member.hub.hub.keys.identity.public_key)
    return SuppressionList.from_bytes(key.verified_payload(SUPPRESSION_LIST, reply.suppression_list))


def execute(folder: Path, statement: str) -> Any:
    engine = sa.create_engine(f"sqlite:///{folder / 'hub.db'}")
    with engine.begin() as connection:
        found = connection.exec_driver_sql(statement)
        rows = found.fetchall() if found.returns_rows else None
    engine.dispose()
    return rows


def adopted(folder: Path) -> set[bytes]:
    return {row[0] for row in execute(folder, "SELECT policy_sha256 FROM policies")}


def events(folder: Path, action: str) -> int:
    return int(execute(folder, f"SELECT count(*) FROM audit_events WHERE action = '{action}'")[0][0])  # noqa: S608


# -- policy ------------------------------------------------------------------------------------------------------


async def test_until_it_is_founded_a_hub_adopts_its_own(new_hub_folder: NewFolder, monkeypatch: Any) -> None:
    folder = new_hub_folder()
    assert (adopted(folder), events(folder, "policy:adopt")) == ({policy.POLICY_VERSION}, 1)
    own = policy.POLICY_VERSION
    monkeypatch.setattr(policy, "POLICY_VERSION", OTHER)
    for _ in range(2):
        async with running_hub(folder):
            assert adopted(folder) == {own, OTHER}
    assert events(folder, "policy:adopt") == 2


async def test_a_release_serves_once_two_admins_adopted_its_policy(new_hub_folder: NewFolder, monkeypatch: Any) -> None:
    folder, own = new_hub_folder(), policy.POLICY_VERSION
    change = Change(adopt_policy=admin_pb2.AdoptPolicy(policy_sha256=OTHER))
    async with admins(folder):
        pass
    with monkeypatch.context() as patch:
        patch.setattr(policy, "POLICY_VERSION", OTHER)
        with pytest.raises(ConfigurationInvalid, match=f"{OTHER.hex()}, is not adopted.*policy adopt {OTHER.hex()}"):
            async with running_hub(folder):
                pass
        assert adopted(folder) == {own}
        told = [
            *(str(it) for it in examine(folder, FakeClock())),
            *needs(read_status(folder)),
            *(str(it) for it in check(folder, FakeClock())),
        ]
        assert sum("is not adopted" in line for line in told) == 3
        shown = json.loads(CliRunner().invoke(server, ["policy", "show", "--dir", str(folder), "--json"]).stdout)
        assert (shown["policy"], shown["is_adopted"]) == (OTHER.hex(), False)
        assert [it["policy"] for it in shown["adopted"]] == [own.hex()]
        # A schema that was upgraded could be served by neither release.
        later = f"{int(schema.head() or 0) + 1:04}"
        patch.setattr(schema, "head", lambda: later)
        with pytest.raises(ConfigurationInvalid, match="nothing was changed"):
            upgrade_hub(Console(quiet=True), folder)
    async with running_hub(folder) as hub:
        first, second = [await enrol(hub, name, Role.ADMIN) for name in ("third", "fourth")]
        await agreed(first, second, change)
        with refuses(Reason.COMMON_RULES_CONFLICT):
            await first.propose(first.proposal(change))
        with refuses(Reason.INVALID_REQUEST):
            await first.propose(first.proposal(Change(adopt_policy=admin_pb2.AdoptPolicy(policy_sha256=b"short"))))
        with refuses(Reason.NOT_PERMITTED):
            other = Change(adopt_policy=admin_pb2.AdoptPolicy(policy_sha256=bytes(32)))
            await first.propose(first.proposal(other, break_glass=True))
        for admin in (first, second):
            await admin.close()
    with monkeypatch.context() as patch:
        patch.setattr(policy, "POLICY_VERSION", OTHER)
        async with running_hub(folder):
            pass
    async with running_hub(folder):  # and back
        pass


async def test_what_a_founded_hub_had_before_there_were_policies_is_adopted(new_hub_folder: NewFolder) -> None:
    folder = new_hub_folder()
    async with admins(folder):
        pass
    before = events(folder, "policy:adopt")
    for table in ("policies", "suppression_lists", "claim_changes", "change_feeds", "recall_receipts", "disputes"):
        execute(folder, f"DROP TABLE {table}")
    for table in ("outcome_batches", "waiting_outcomes", "told_outcomes", "outcome_months"):
        execute(folder, f"DROP TABLE {table}")
    for statement in (*UNDONE_CASES, *undone_logs()):
        execute(folder, statement)
    execute(folder, "DROP INDEX claims_by_purge")
    execute(folder, "DROP TABLE operators")
    for column in ("purge_at", "claim_sha256", "approved_by", "approvals"):
        execute(folder, f"ALTER TABLE claims DROP COLUMN {column}")
    execute(folder, "UPDATE alembic_version SET version_num = '0008'")
    upgrade_hub(Console(quiet=True), folder)
    assert (adopted(folder), events(folder, "policy:adopt")) == ({policy.POLICY_VERSION}, before + 1)
    execute(folder, "DELETE FROM policies")
    with pytest.raises(ConfigurationInvalid, match="is not adopted"):
        async with running_hub(folder):
            pass


async def test_the_tables_can_be_read_without_a_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shown = CliRunner().invoke(server, ["policy", "show", "--tables"])
    assert shown.exit_code == 0
    assert policy.POLICY_VERSION.hex() in shown.stdout
    assert "adopt_policy · two admins" in shown.stdout
    assert all(method in shown.stdout for method in policy.POLICY)


# -- suppression list --------------------------------------------------------------------------------------------


async def test_a_list_of_two_admins_is_in_force_in_every_hub_from_the_next_call_on(new_hub_folder: NewFolder) -> None:
    folder = new_hub_folder()
    async with admins(folder) as (hub, first, second), running_hub(folder) as beside:
        there = WireMember(beside, first.id, first.key, first.identity)
        assert await shown_to(first) == await shown_to(there) == BUILTIN
        for number in (1, 2):
            made = grown(number, f"list-{number}.example")
            await agreed(first, second, listed(made))
            assert await shown_to(there) == await shown_to(first) == made
        await there.close()
        assert not any(DUMMY in str(it) for it in hub.hub.store.read_now(lambda it: it.audit.page(HUB_ACTOR, 0, 100)))
    assert events(folder, "suppression:list:set") == 2


async def test_a_list_leaves_nothing_out_that_the_release_refuses(new_hub_folder: NewFolder) -> None:
    less = suppression_list("test", {"phone": [DUMMY]}, [], [], 1)
    large = grown(1, *(f"d{number}.example" for number in range(5000)))
    wrong = [listed(less), listed(grown(0)), listed(grown(2)), listed(grown(1), 2), listed(large)]
    wrong.append(Change(set_suppression_list=admin_pb2.SetSuppressionList(list_bytes=b"{}", number=1)))
    async with admins(new_hub_folder()) as (_hub, first, second):
        for change in wrong:
            with refuses(Reason.INVALID_REQUEST, Reason.COMMON_RULES_CONFLICT):
                await first.propose(first.proposal(change))
        late, done = first.proposal(listed(grown(1, "late.example"))), first.proposal(listed(grown(1)))
        await first.propose(late)
        await first.propose(done)
        await second.decide(done, second.decision(done))
        with refuses(Reason.COMMON_RULES_CONFLICT):
            await second.decide(late, second.decision(late))
        assert await shown_to(first) == grown(1)


async def test_a_release_that_refuses_more_refuses_it_beside_a_list_of_before(
    new_hub_folder: NewFolder, monkeypatch: Any
) -> None:
    folder = new_hub_folder()
    async with admins(folder) as (_hub, first, second):
        await agreed(first, second, listed(grown(1)))
    more = suppression_list("later", {}, [], ["newly.example"]).with_all_of(BUILTIN)
    monkeypatch.setattr("alliance_server.services.suppression.BUILTIN", more)
    async with running_hub(folder) as hub:
        third = await enrol(hub, "third", Role.ADMIN)
        found = await shown_to(third)
        assert (found.number, found.holds(more), found.holds(grown(1))) == (1, True, True)
        await third.close()


async def test_other_changes_stay_small_and_pages_of_lists_can_be_read(new_hub_folder: NewFolder) -> None:
    made = grown(1, *(f"d{number}.example" for number in range(3000)))
    async with admins(new_hub_folder()) as (_hub, first, _second):
        with refuses(Reason.INVALID_REQUEST):
            await first.propose(first.proposal(Change(suspend=admin_pb2.Suspend(member="x" * 3000))))
        count = 2 + MAX_PAGE_BYTES // len(made.to_bytes())
        for _ in range(count):
            await first.propose(first.proposal(listed(made)))
        seen, token, pages = 0, "", 0
        while pages == 0 or token:
            page = await first.admin.ListProposals(admin_pb2.ListProposalsRequest(page_size=1000, page_token=token))
            assert page.ByteSize() < 2 * MAX_PAGE_BYTES
            seen, token, pages = seen + len(page.proposals), page.next_page_token, pages + 1
        assert (seen, pages) == (count, 2)


@pytest.fixture
def sdk_folder(new_hub_folder: NewFolder) -> Path:
    return new_hub_folder()


async def test_a_client_refuses_an_older_list_than_it_saw(sdk_folder: Path) -> None:
    async with (
        running_hub(sdk_folder) as hub,
        lender(hub, "ann", role=Role.ADMIN) as ann,
        lender(hub, "bob", role=Role.ADMIN) as bob,
    ):
        first, second = await ann.administration(), await bob.administration()
        for number in (1, 2):
            change = AdminChange.set_suppression_list(grown(number, f"list-{number}.example"))
            effect = await first.preview(change)
            assert effect.entries_added == {"domains": 1} | ({"phone": 1} if number == 1 else {})
            assert effect.entries_removed == ({"domains": 1} if number == 2 else {})
            made = await first.propose(change, "as agreed")
            assert made.change.suppression == grown(number, f"list-{number}.example")
            assert made.change.details["number"] == number
            await second.decide(made, Decision.APPROVE, "read it")
        assert (await first.suppression_list()).number == 2
        execute(sdk_folder, "DELETE FROM suppression_lists WHERE number = 2")
        with pytest.raises(StatementInvalid, match="older"):
            await first.suppression_list()
        assert (await second.suppression_list()).number == 1  # who has not seen the newer one cannot know


async def by_hand(profile: Path, *arguments: str) -> tuple[int, str]:
    done = await asyncio.to_thread(CliRunner().invoke, client, ["--profile", str(profile), *arguments])
    return done.exit_code, done.stdout if "--json" in arguments else done.output


async def test_admins_do_it_on_the_command_line(sdk_folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "list.toml"
    async with running_hub(sdk_folder) as hub:
        ann, bob = tmp_path / "ann", tmp_path / "bob"
        for folder in (ann, bob):
            await hub.enrolled(folder.name, folder, Role.ADMIN)
        code, shown = await by_hand(ann, "admin", "suppression", "show")
        assert code == 0
        file.write_text(shown.replace('"arpa"', '"arpa", "added.example"'))
        propose = ("admin", "suppression", "propose", str(file), "--reason", "test names")
        code, told = await by_hand(ann, *propose, "--dry-run")
        assert (code, "1 added, 0 removed" in told, "hub cannot know" in told) == (0, True, True)
        code, told = await by_hand(ann, "--lang", "zh-CN", *propose, "--dry-run")
        assert (code, "无法得知" in told) == (0, True)
        adopt = ("admin", "policy", "adopt", OTHER.hex(), "--reason", "read the tables")
        for command in (propose, adopt):
            code, made = await by_hand(ann, "--json", *command, "--yes")
            assert code == 0
            proposal = json.loads(made)
            code, told = await by_hand(bob, "admin", "show", proposal["proposal"])
            assert (code, proposal["digest"] in told) == (0, True)
            if command is adopt:
                assert (proposal["details"], OTHER.hex() in told) == ({"policy": OTHER.hex()}, True)
                code, _ = await by_hand(bob, "admin", "suppression", "show", proposal["proposal"])
                assert code == 2
            else:
                code, told = await by_hand(bob, "admin", "suppression", "show", proposal["proposal"])
                assert (code, "added.example" in told) == (0, True)
            answer = ("--digest", proposal["digest"], "--reason", "agreed", "--yes")
            assert (await by_hand(bob, "admin", "approve", proposal["proposal"], *answer))[0] == 0
        code, told = await by_hand(bob, "--json", "admin", "suppression", "show")
        assert (code, json.loads(told)["number"]) == (0, 1)
        for content in ("nonsense", 'version = "x"', 'version = "x"\ndomains = ["UPPER"]\nnetworks = []\n[values]\n'):
            file.write_text(content)
            code, told = await by_hand(ann, *propose, "--yes")
            assert (code, "UPPER" in told) == (2, False)
        assert (await by_hand(ann, "admin", "policy", "adopt", "abc", "--reason", "no"))[0] != 0
    assert adopted(sdk_folder) == {policy.POLICY_VERSION, OTHER}
    assert events(sdk_folder, "suppression:list:set") == 1


async def test_a_folder_that_was_named_and_is_no_hub_s_is_no_machine_without_a_hub(tmp_path: Path) -> None:
    shown = CliRunner().invoke(server, ["policy", "show", "--dir", str(tmp_path / "hbu")])
    assert isinstance(shown.exception, ConfigurationInvalid)
