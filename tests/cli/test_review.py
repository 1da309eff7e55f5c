"""Two operators at the command line: add, contribute, review, protect, retire; against a real hub."""

import asyncio
import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.hub import RunningHub, running_hub
from support.sdk import PHONES, command, lender
from typer.testing import CliRunner

from member_client.cli.app import app

NewFolder = Callable[[], Path]


@pytest.fixture(autouse=True)
def passphrases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLIANCE_OPERATOR_PASSPHRASE", "their own")


def a_list(folder: Path, *phones: str, evidence: str = "E3") -> str:
    (folder / "minutes.txt").write_text("seen by two", "utf-8")
    rows = [f"phone,{phone},mule_account,perpetrator,{evidence},minutes.txt" for phone in phones]
    path = folder / "list.csv"
    path.write_text("\n".join(("kind,identifier,category,role,evidence,evidence_file", *rows)) + "\n", "utf-8")
    return str(path)


async def run(hub: RunningHub, *arguments: str) -> tuple[int, str]:
    profile = str(hub.folder.parent / "a")
    done = await asyncio.to_thread(CliRunner().invoke, app, ["--profile", profile, *arguments])
    return done.exit_code, done.output


async def document(hub: RunningHub, *arguments: str) -> Any:
    return json.loads(await command(hub, "a", "--json", *arguments))


async def test_what_one_contributes_another_files(new_hub_folder: NewFolder, tmp_path: Path) -> None:
    async with running_hub(new_hub_folder()) as hub:
        async with lender(hub, "a"):
            pass
        for name in ("desk-1", "desk-2", "desk-2"):  # the last one again: nothing changes
            assert "may sign from now on" in await command(hub, "a", "operator", "add", name)
        listed = await document(hub, "operator", "list")
        assert [(it["operator"], it["retired_at"]) for it in listed["operators"]] == [
            ("desk-1", None),
            ("desk-2", None),
        ]
        file = a_list(tmp_path, *PHONES[:2])

        code, _ = await run(hub, "contribute", file)
        assert code == 4
        refused = list(csv.DictReader((tmp_path / "list.refused.csv").read_text("utf-8").splitlines()))
        assert {it["reason"] for it in refused} == {"two_operators_needed"}
        preview = await document(hub, "contribute", file, "--dry-run")
        assert (preview["new"], preview["pending_review"], preview["evaluations"]) == (0, 2, 2)
        told = await command(hub, "a", "contribute", file, "--operator", "desk-1")
        assert "pending review 2 · accepted 0" in told
        assert "member-client review approve" in told

        shown = await command(hub, "a", "review", "list")
        assert "desk-1" in shown
        entries = [it["entry"] for it in (await document(hub, "review", "list"))["reviews"]]
        assert len(entries) == 2
        code, told = await run(hub, "review", "approve", "--all", "--operator", "desk-1")
        assert (code, "somebody else" in told) == (2, True)
        assert (await run(hub, "review", "approve", "--operator", "desk-2"))[0] == 2
        assert (await run(hub, "review", "approve", "00" * 16, "--operator", "desk-2"))[0] == 2
        assert "filed 1 · refused 0" in await command(hub, "a", "review", "approve", entries[0], "--operator", "desk-2")
        assert "rejected 1" in await command(hub, "a", "review", "reject", entries[1])
        assert "nothing waits" in await command(hub, "a", "review", "list")
        claims = await document(hub, "claims", "list")
        assert [it["entry"] for it in claims["claims"]] == [entries[0]]


async def test_protection_waits_for_a_second_operator(new_hub_folder: NewFolder, tmp_path: Path) -> None:
    consent = tmp_path / "consent.pdf"
    consent.write_bytes(b"I ask for it")
    asked = ("protect", "phone", PHONES[0], "--operator", "desk-1", "--consent")
    async with running_hub(new_hub_folder()) as hub:
        async with lender(hub, "a"):
            pass
        for name in ("desk-1", "desk-2"):
            await command(hub, "a", "operator", "add", name)
        assert (await run(hub, *asked, str(tmp_path / "none.pdf")))[0] == 2
        assert "it waits for another operator" in await command(hub, "a", *asked, str(consent))
        (waiting,) = (await document(hub, "review", "list"))["reviews"]
        assert (waiting["role"], waiting["evidence"], waiting["first_operator"]) == ("protected", "E1", "desk-1")
        assert "filed 1" in await command(hub, "a", "review", "approve", "--all", "--operator", "desk-2")
        assert "it stands already" in await command(hub, "a", *asked, str(consent))
        assert "desk-2 signs no more" in await command(hub, "a", "operator", "retire", "desk-2")


@pytest.mark.shows_identifiers(reason="whoever approves a claim must see whom it is about")
async def test_the_second_operator_sees_whom_it_is_about(new_hub_folder: NewFolder, tmp_path: Path) -> None:
    async with running_hub(new_hub_folder()) as hub:
        async with lender(hub, "a"):
            pass
        await command(hub, "a", "operator", "add", "desk-1")
        await command(hub, "a", "contribute", a_list(tmp_path, PHONES[5]), "--operator", "desk-1")
        (waiting,) = (await document(hub, "review", "list"))["reviews"]
        assert PHONES[5] not in json.dumps(waiting)
        assert PHONES[5] in await command(hub, "a", "review", "show", waiting["entry"])


async def test_another_passphrase_or_none_signs_nothing(
    new_hub_folder: NewFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_hub(new_hub_folder()) as hub:
        async with lender(hub, "a"):
            pass
        await command(hub, "a", "operator", "add", "desk-1")
        file = a_list(tmp_path, PHONES[0])
        monkeypatch.setenv("ALLIANCE_OPERATOR_PASSPHRASE", "another")
        assert (await run(hub, "contribute", file, "--operator", "desk-1"))[0] == 3
        monkeypatch.delenv("ALLIANCE_OPERATOR_PASSPHRASE")
        assert (await run(hub, "contribute", file, "--operator", "desk-1"))[0] == 2
        assert (await run(hub, "contribute", file, "--operator", "../keys"))[0] == 2
        assert (await document(hub, "review", "list"))["reviews"] == []
