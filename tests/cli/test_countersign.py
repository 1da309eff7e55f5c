"""Countersigning at the command line: a member asks, a liaison's officer signs, refuses and revokes; at a real hub."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.hub import RunningHub, running_hub
from support.sdk import PHONES, command, lender
from typer.testing import CliRunner

from alliance_server.domain.members import Role
from member_client.cli.app import app

NewFolder = Callable[[], Path]
ASKED = ("--liaison", "police", "--reference", "A-2027-0311")


@pytest.fixture(autouse=True)
def passphrases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLIANCE_OPERATOR_PASSPHRASE", "their own")


async def run(hub: RunningHub, name: str, *arguments: str) -> tuple[int, str]:
    profile = str(hub.folder.parent / name)
    done = await asyncio.to_thread(CliRunner().invoke, app, ["--profile", profile, *arguments])
    return done.exit_code, done.output


async def document(hub: RunningHub, name: str, *arguments: str) -> Any:
    return json.loads(await command(hub, name, "--json", *arguments))


def a_list(folder: Path, *phones: str) -> str:
    (folder / "judgment.txt").write_text("as judged", "utf-8")
    rows = [f"phone,{phone},mule_account,perpetrator,E5,judgment.txt" for phone in phones]
    path = folder / "list.csv"
    path.write_text("\n".join(("kind,identifier,category,role,evidence,evidence_file", *rows)) + "\n", "utf-8")
    return str(path)


async def test_a_member_asks_and_an_officer_signs_refuses_and_revokes(
    new_hub_folder: NewFolder, tmp_path: Path
) -> None:
    async with running_hub(new_hub_folder()) as hub:
        async with lender(hub, "a"), lender(hub, "police", role=Role.LIAISON):
            pass
        for who, operators in (("a", ("desk-1", "desk-2")), ("police", ("wang",))):
            for operator in operators:
                await command(hub, who, "operator", "add", operator)
        file = a_list(tmp_path, *PHONES[:3])
        assert (await document(hub, "a", "contribute", file, "--operator", "desk-1"))["pending_review"] == 3
        approved = await command(hub, "a", "review", "approve", "--all", "--operator", "desk-2")
        assert "filed 0 · refused 0" in approved
        assert "3 wait for a police liaison: member-client claims countersign request" in approved
        assert (await document(hub, "a", "contribute", file, "--operator", "desk-1"))["pending_countersignature"] == 3
        assert "approved here and not asked about: 3" in await command(hub, "a", "claims", "countersign", "list")

        code, _ = await run(hub, "a", "claims", "countersign", "request", *ASKED)
        assert code == 2  # which?
        asked = await document(hub, "a", "claims", "countersign", "request", "--all", *ASKED)
        first, second, third = [it["entry"] for it in asked["requests"]]
        anew = ("--all", "--liaison", "police", "--reference", "another")
        assert (await document(hub, "a", "claims", "countersign", "request", *anew))["requests"] == []
        waiting = await document(hub, "police", "case", "countersign", "list")
        assert {it["entry"] for it in waiting["requests"]} == {first, second, third}
        shown = await command(hub, "police", "case", "countersign", "show", first)
        for text in ("A-2027-0311", "E5", "desk-1, desk-2", "waiting", "telephone number"):
            assert text in shown
        in_chinese = await command(hub, "police", "--lang", "zh-CN", "case", "countersign", "show", first)
        assert "复核人" in in_chinese
        assert not any(name in in_chinese for name in ("approved_by", "Approved", "phone"))
        assert not any(phone in shown for phone in PHONES[:3])

        paper = tmp_path / "document.pdf"
        paper.write_bytes(b"a judgment")
        signing = ("--officer", "wang", "--instrument", "0311", "--document", str(paper))
        code, told = await run(hub, "police", "case", "countersign", "sign", first, *signing)
        assert (code, "--yes goes on" in told) == (2, True)
        for entry in (first, second):
            told = await command(hub, "police", "case", "countersign", "sign", entry, *signing, "--yes")
            assert "countersigned: the member may file it" in told
        why = ("--officer", "wang", "--reason")
        refusing = ("case", "countersign", "refuse", third, *why, "not_our_matter")
        code, told = await run(hub, "police", *refusing)
        assert (code, "A-2027-0311" in told, "nothing was signed: --yes goes on" in told) == (2, True, True)
        assert "refused" in await command(hub, "police", *refusing, "--yes")

        code, told = await run(hub, "a", "claims", "countersign", "file")
        assert (code, "filed 2 · waiting 0 · refused 1" in told) == (4, True)
        assert "contribute the row at E3, or anew" in told
        revoking = ("case", "countersign", "revoke", second, *why, "judgment_reversed")
        code, told = await run(hub, "police", *revoking)
        assert (code, "nothing was signed: --yes goes on" in told) == (2, True)
        assert "revoked: the claim informs, and no more" in await command(hub, "police", *revoking, "--yes")
        listed = await document(hub, "a", "claims", "countersign", "list")
        assert {it["entry"]: (it["state"], it["reason"]) for it in listed["requests"]} == {
            first: ("countersigned", None),
            second: ("revoked", "judgment_reversed"),
            third: ("refused", "not_our_matter"),
        }
        claims = (await document(hub, "a", "claims", "list"))["claims"]
        assert {it["entry"]: it["status"] for it in claims} == {first: "active", second: "suspended"}

        code, told = await run(hub, "police", "case", "countersign", "refuse", first, *why, "not_our_matter", "--yes")
        assert code != 0
        assert "answered, or its time is over" in told
