"""Many are invited from a list: shown first, taken up after a cut, and nobody twice."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from support.hub import RunningHub, running_hub
from support.sdk import lender
from typer.testing import CliRunner

from alliance_server.cli.app import app as server_app
from alliance_server.domain.errors import Refused
from alliance_server.domain.members import MemberState, Role
from alliance_server.domain.proposals import MAX_OPEN
from alliance_server.services.enrolment import EnrolmentService
from member_client import Decision, HubUnavailable, enrol
from member_client.administration import Administration, Proposal
from member_client.cli.app import app

NewFolder = Callable[[], Path]
HEADER = "id,display_name,role\n"


@asynccontextmanager
async def alliance(folder: Path) -> AsyncIterator[tuple[RunningHub, Administration, Administration]]:
    async with (
        running_hub(folder) as hub,
        lender(hub, "ann", role=Role.ADMIN) as ann,
        lender(hub, "bob", role=Role.ADMIN) as bob,
    ):
        yield hub, await ann.administration(), await bob.administration()


class Admin:
    """Ann at her command line, with a list and a folder for bundles."""

    def __init__(self, hub: RunningHub, folder: Path) -> None:
        self.profile = hub.folder.parent / "ann"
        self.list = folder / "list.csv"
        self.bundles = folder / "bundles"

    def lists(self, *rows: str) -> None:
        self.list.write_text(HEADER + "".join(f"{row}\n" for row in rows), "utf-8")

    async def invites(self, *options: str, code: int = 0) -> dict[str, Any]:
        said = await self.says("--json", "--quiet", *(options or ("--yes",)), code=code)
        found: dict[str, Any] = json.JSONDecoder().raw_decode(said[said.index("{\n") :])[0]  # the hub logs before it
        return found

    async def says(self, *options: str, code: int = 0) -> str:
        words = ["--csv", str(self.list), "--out-dir", str(self.bundles), "--reason", "board", *options]
        done = await asyncio.to_thread(
            CliRunner().invoke, app, ["--profile", str(self.profile), "admin", "invite", *words]
        )
        assert done.exit_code == code, done.output
        return done.output

    def token(self, member: str) -> bytes:
        return bytes.fromhex(json.loads((self.bundles / f"{member}.json").read_text())["token"])


def steps(document: dict[str, Any]) -> list[str]:
    return [row["step"] for row in document["rows"]]


async def listed(admin: Administration, **options: Any) -> list[Proposal]:
    return [it async for it in admin.proposals(**options)]


async def test_a_list_is_shown_invited_and_used(new_hub_folder: NewFolder, tmp_path: Path) -> None:
    async with alliance(new_hub_folder()) as (hub, _, bob):
        ann = Admin(hub, tmp_path)
        ann.lists("lender-a,北京小贷,", "audit,Auditors,auditor")
        said = await ann.says("--dry-run")
        assert "2 to invite, 0 done before, 0 refused" in said
        assert "北京小贷" in said
        assert "--yes goes on" in await ann.says(code=2)
        assert not ann.bundles.exists()
        assert not await listed(bob)

        document = await ann.invites()
        assert (document["proposed"], document["left"], document["stopped"]) == (2, 0, None)
        waiting = await listed(bob)
        assert [it.change.details for it in waiting] == [
            {"member": "lender-a", "display_name": "北京小贷", "role": "member"},
            {"member": "audit", "display_name": "Auditors", "role": "auditor"},
        ]
        assert [row["proposal"] for row in document["rows"]] == [it.id.hex() for it in waiting]
        for name in ("lender-a", "audit"):
            assert (ann.bundles / f"{name}.json").stat().st_mode & 0o777 == 0o600
            assert ann.token(name).hex() not in json.dumps(document)
        assert steps(await ann.invites()) == ["done", "done"]

        await bob.decide(waiting[0], Decision.APPROVE, "agreed")
        await enrol(ann.bundles / "lender-a.json", tmp_path / "lender-a", clock=hub.clock)
        assert steps(await ann.invites()) == ["done", "done"]
        assert len(await listed(bob, undecided_only=False)) == 2


async def test_nothing_is_done_while_a_row_is_bad_unless_it_is_left_out(
    new_hub_folder: NewFolder, tmp_path: Path
) -> None:
    async with alliance(new_hub_folder()) as (hub, _, bob):
        ann = Admin(hub, tmp_path)
        ann.lists("lender-a,Lender A,", "Not An Id,X,", "bob,Bob,")
        said = await ann.says("--yes", code=4)
        assert "row 2 is refused: an id has 1 to 32" in said
        assert "row 3 is refused: the hub would not invite it" in said
        assert "nothing was done" in said
        assert not ann.bundles.exists()
        assert "第 2 行未受理：编号由" in await ann.says("--yes", "--lang", "zh-CN", code=4)
        document = await ann.invites("--yes", "--skip-bad", code=4)
        assert steps(document) == ["invite", "refused", "refused"]
        assert (document["proposed"], document["refused"]) == (1, 2)
        assert [it.change.member for it in await listed(bob)] == ["lender-a"]


async def test_a_bundle_whose_proposal_never_arrived_is_proposed_as_it_is(
    new_hub_folder: NewFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with alliance(new_hub_folder()) as (hub, _, bob):
        ann = Admin(hub, tmp_path)
        ann.lists(*(f"lender-{letter},Lender," for letter in "abcd"))
        whole, calls = Administration.propose, 0

        async def cut(self: Administration, *arguments: Any, **options: Any) -> Proposal:
            nonlocal calls
            calls += 1
            if calls == 3:
                raise HubUnavailable("The hub cannot be reached.")
            return await whole(self, *arguments, **options)

        monkeypatch.setattr(Administration, "propose", cut)
        assert "2 were proposed; run the same command again" in await ann.says("--yes", code=5)
        token = ann.token("lender-c")
        assert not (ann.bundles / "lender-d.json").exists()

        document = await ann.invites()
        assert steps(document) == ["done", "done", "propose", "invite"]
        assert ann.token("lender-c") == token
        proposed = {it.change.member: it.change.message.invite.token_sha256 for it in await listed(bob)}
        assert proposed == {f"lender-{letter}": sha256(ann.token(f"lender-{letter}")).digest() for letter in "abcd"}


async def test_what_is_not_as_it_was_left_is_refused_and_never_overwritten(
    new_hub_folder: NewFolder, tmp_path: Path
) -> None:
    async with alliance(new_hub_folder()) as (hub, _, bob):
        ann = Admin(hub, tmp_path)
        names = ("lost", "rejected", "garbage", "swapped", "renamed", "used", "late")
        ann.lists(*(f"{name},Lender," for name in names if name != "late"))
        ann.bundles.mkdir()
        for name in ("garbage", "swapped"):
            (ann.bundles / f"{name}.json").write_text("{}")
        await ann.invites("--yes", "--skip-bad", code=4)
        waiting = {it.change.member: it for it in await listed(bob)}
        assert set(waiting) == {"lost", "rejected", "renamed", "used"}
        (ann.bundles / "lost.json").unlink()
        await bob.decide(waiting["rejected"], Decision.REJECT, "not them")
        await bob.decide(waiting["used"], Decision.APPROVE, "agreed")
        (ann.bundles / "used.json").rename(ann.bundles / "swapped.json")
        ends = hub.clock.now_ms() + 24 * 60 * 60 * 1000
        content = json.loads((ann.bundles / "renamed.json").read_text())
        late = content | {"member": "late", "token": "11" * 32, "expires_at": ends}
        (ann.bundles / "late.json").write_text(json.dumps(late))
        kept = {path.name: path.read_bytes() for path in ann.bundles.iterdir()}

        ann.lists(*(f"{name},{'Other' if name == 'renamed' else 'Lender'}," for name in names))
        document = await ann.invites("--yes", "--skip-bad", code=4)
        assert [row["why"].partition(":")[0] for row in document["rows"]] == [
            "its invitation is proposed already, and the bundle is not here",
            "its proposal was rejected, withdrawn or has expired",
            "the file that is there is no bundle of this member's from this hub",
            "the file that is there is no bundle of this member's from this hub",
            "it was proposed with another role or name",
            "it was invited before, and the bundle is not here",
            "its bundle was never proposed and is too old",
        ]
        assert document["proposed"] == 0
        assert {path.name: path.read_bytes() for path in ann.bundles.iterdir()} == kept


async def test_the_cap_of_open_proposals_stops_it_and_it_goes_on(new_hub_folder: NewFolder, tmp_path: Path) -> None:
    async with alliance(new_hub_folder()) as (hub, _, bob):
        ann = Admin(hub, tmp_path)
        ann.lists(*(f"lender-{number},Lender {number}," for number in range(MAX_OPEN + 3)))
        said = await ann.says("--yes", code=6)
        assert f"{MAX_OPEN} proposed" in said
        assert "3 are left" in said
        assert "run the same command again" in said
        waiting = await listed(bob)
        for proposal in waiting[:2]:
            await bob.decide(proposal, Decision.APPROVE, "agreed")
        document = await ann.invites(code=6)
        assert (document["proposed"], document["left"], document["stopped"]) == (2, 1, "too_many_proposals")
        await bob.decide(waiting[2], Decision.APPROVE, "agreed")
        assert (await ann.invites())["proposed"] == 1
        every = await listed(bob, undecided_only=False)
        assert len(every) == len({it.change.member for it in every}) == MAX_OPEN + 3


async def test_what_is_on_a_list_is_approved_and_nothing_that_differs(
    new_hub_folder: NewFolder, tmp_path: Path
) -> None:
    async with alliance(new_hub_folder()) as (hub, first, bob):
        ann = Admin(hub, tmp_path)
        ann.lists("lender-a,Lender A,", "lender-b,Lender B,")
        await ann.invites()
        await first.invite("stranger", tmp_path / "stranger.json", "not on the list")

        async def approves(*rows: str, digests: tuple[str, ...] = (), code: int) -> str:
            ann.lists(*rows)
            options = [word for digest in digests for word in ("--digest", digest)]
            words = ["--profile", str(hub.folder.parent / "bob"), "admin", "approve", "--reason", "board", "--yes"]
            done = await asyncio.to_thread(CliRunner().invoke, app, [*words, "--all-of", str(ann.list), *options])
            assert done.exit_code == code, done.output
            return done.output

        read = tuple(it.digest.hex() for it in await listed(bob))
        both = ("lender-a,Lender A,", "lender-b,Lender B,")
        for other in ("lender-b,Lender Bee,", "lender-b,Lender B,admin"):
            assert "another name or role" in await approves(both[0], other, digests=read[:2], code=2)
        assert "cannot be used" in await approves(*both, "Bad Id,X,", digests=read[:2], code=2)
        assert "--digest" in await approves(*both, code=2)
        assert "another proposal" in await approves(*both, digests=read[1:], code=2)
        assert "no invitation" in await approves("lender-x,X,", digests=read[:2], code=2)
        assert len(await listed(bob)) == 3
        assert "State: effective" in await approves(*both, digests=read[:2], code=0)
        assert [it.change.member for it in await listed(bob)] == ["stranger"]
        await first.invite("lender-c", tmp_path / "c1.json", "once", display_name="Lender C")
        await first.invite("lender-c", tmp_path / "c2.json", "twice", display_name="Lender C")
        assert "more than once" in await approves("lender-c,Lender C,", code=2)


# -- the operator, before there are admins --------------------------------------------------------------------------


async def operator(hub: Path, folder: Path, *options: str, code: int = 0) -> str:
    words = ["--csv", str(folder / "list.csv"), "--out-dir", str(folder / "bundles"), "--dir", str(hub), *options]
    done = await asyncio.to_thread(CliRunner().invoke, server_app, ["member", "invite", *words])
    assert done.exit_code == code, done.output
    return done.output


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_the_operator_invites_a_list_and_goes_on_after_a_cut(
    new_hub_folder: NewFolder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    database: str,
) -> None:
    if database == "sqlite":
        place, url = new_hub_folder(), ""
    else:
        place, url = tmp_path / "hub", request.getfixturevalue("postgres").empty()
    async with running_hub(place, url) as hub:
        rows = [f"lender-{letter},Lender," for letter in "abc"]
        (tmp_path / "list.csv").write_text(HEADER + "\n".join([*rows, "bad id,X,"]), "utf-8")
        said = await operator(hub.folder, tmp_path, "--yes", code=4)
        assert "row 4 is refused: an id has" in said
        assert "nothing was done" in said
        (tmp_path / "list.csv").write_text(HEADER + "\n".join(rows), "utf-8")
        assert "3 to invite" in await operator(hub.folder, tmp_path, "--dry-run")
        assert not (tmp_path / "bundles").exists()

        whole = EnrolmentService.invite

        async def cut(self: EnrolmentService, member_id: str, *arguments: Any) -> Any:
            if member_id == "lender-b":
                raise KeyboardInterrupt
            return await whole(self, member_id, *arguments)

        monkeypatch.setattr(EnrolmentService, "invite", cut)
        await operator(hub.folder, tmp_path, "--yes", code=130)
        monkeypatch.setattr(EnrolmentService, "invite", whole)
        before = {path.name: path.read_bytes() for path in (tmp_path / "bundles").iterdir()}
        assert set(before) == {"lender-a.json", "lender-b.json"}
        document = json.loads(await operator(hub.folder, tmp_path, "--yes", "--json"))
        assert [row["step"] for row in document["rows"]] == ["done", "take_up", "invite"]
        after = {path.name: path.read_bytes() for path in (tmp_path / "bundles").iterdir()}
        assert {name: after[name] for name in before} == before
        assert (tmp_path / "bundles" / "lender-c.json").stat().st_mode & 0o777 == 0o600
        member = hub.hub.store.read_now(lambda it: it.members.get("lender-b"))
        assert member is not None
        assert member.state is MemberState.INVITED
        content = json.loads(after["lender-b.json"]) | {"enrolment": hub.enrolment_address}
        (tmp_path / "b.json").write_text(json.dumps(content))
        await enrol(tmp_path / "b.json", tmp_path / "b")
        assert "0 to invite, 3 done before" in await operator(hub.folder, tmp_path, "--yes")
        (tmp_path / "bundles" / "lender-a.json").unlink()
        assert "row 1 is refused: it was invited before" in await operator(hub.folder, tmp_path, "--yes", code=4)


async def test_the_operator_invites_no_list_once_there_are_admins(new_hub_folder: NewFolder, tmp_path: Path) -> None:
    async with alliance(new_hub_folder()) as (hub, _, _):
        (tmp_path / "list.csv").write_text(f"{HEADER}lender-a,Lender,\n", "utf-8")
        words = ["--csv", str(tmp_path / "list.csv"), "--out-dir", str(tmp_path / "bundles"), "--dir", str(hub.folder)]
        done = await asyncio.to_thread(CliRunner().invoke, server_app, ["member", "invite", *words, "--yes"])
        assert isinstance(done.exception, Refused)
        assert "has its admins" in str(done.exception)
        assert not (tmp_path / "bundles").exists()
