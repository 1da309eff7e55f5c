"""`alliance-server audit …` on the hub's machine, and `alliance-audit` on what it exported."""

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlmodel import SQLModel
from support.hub import RunningHub, running_hub, to_mid_month
from support.stores import claim, dispute
from support.wire import WireMember, enrol, valid_elements
from typer.testing import CliRunner

from alliance.disputes import DisputeGround, DisputeState
from alliance.taxonomy import DAY_MS
from alliance.tlog.checkpoints import read_checkpoint
from alliance.tlog.logs import month_of
from alliance.tlog.notes import NoteKey
from alliance_audit.app import app as auditors_app
from alliance_server.cli.app import app
from alliance_server.cli.audit.clocks import reading
from alliance_server.domain.disputes import Dispute
from alliance_server.domain.ports import Transaction
from alliance_server.storage import columns

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["sqlite", "postgresql"])
async def asked(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[RunningHub, WireMember]]:
    """A hub of either kind, and a member that asked it something."""
    database = "" if request.param == "sqlite" else request.getfixturevalue("postgres").empty()
    async with running_hub(tmp_path_factory.mktemp("hub") / "hub", database) as hub:
        member = await enrol(hub, "lender")
        to_mid_month(hub.clock)
        for _ in range(3):
            await member.evaluate(valid_elements(2), 3)
        await hub.hub.sealer.turn()
        yield hub, member
        await member.close()


async def run(hub: RunningHub, command: str, *arguments: str, code: int = 0) -> str:
    done = await asyncio.to_thread(CliRunner().invoke, app, ["audit", command, "--dir", str(hub.folder), *arguments])
    assert done.exit_code == code, done.output
    return done.stdout


async def test_events_are_listed(asked: tuple[RunningHub, WireMember]) -> None:
    hub, _ = asked
    shown = [json.loads(line) for line in (await run(hub, "list", "--json")).splitlines()]
    rows = [it["row"] for it in shown]
    assert rows == sorted(rows)
    assert {"epoch:begin", "member:enrol", "evaluation:evaluate"} <= {it["action"] for it in shown}
    of_member = (await run(hub, "list", "--actor", "lender", "--action", "eval*:*")).splitlines()
    assert len(of_member) == 3
    assert "evaluation:evaluate for transaction  2 items  ok" in of_member[0]
    assert len((await run(hub, "list", "--limit", "2")).splitlines()) == 2
    assert await run(hub, "list", "--since", "2999-01-01") == ""
    assert await run(hub, "list", "--action", "eval_ation:evaluate") == ""
    assert "2026-11-30" in await asyncio.to_thread(_refused, hub, "list", "--since", "yesterday")


def _refused(hub: RunningHub, command: str, *arguments: str) -> str:
    done = CliRunner().invoke(app, ["audit", command, "--dir", str(hub.folder), *arguments])
    assert done.exit_code == 2
    return done.output


async def test_the_newest_checkpoint_is_printed_and_its_key(asked: tuple[RunningHub, WireMember]) -> None:
    hub, _ = asked
    checkpoint = read_checkpoint((await run(hub, "checkpoint")).encode())
    key = NoteKey.from_vkey((await run(hub, "checkpoint", "--key")).strip())
    checkpoint.require_signed(key)
    assert key.public_key == hub.hub.keys.identity.public_key


async def test_an_export_is_made_verified_and_asked_by_the_two_commands(
    asked: tuple[RunningHub, WireMember], tmp_path: Path
) -> None:
    hub, _ = asked
    remembered = tmp_path / "remembered"
    remembered.write_text(await run(hub, "checkpoint"))
    said = await run(hub, "export", "--month", month_of(hub.clock.now_ms()), "--to", str(tmp_path / "export"))
    assert "alliance-audit verify" in said
    for command, expected in (
        (("verify",), "every entry is what was logged"),
        (("sample", "--seed", "s", "--n", "2", "--category", "evaluation"), "2 of 3 entries"),
        (("clocks",), "a proposal is decided: limit 72.0 h, 0 measured"),
        (("checks",), "evaluations-lacking-consent: 0 of 3"),
    ):
        arguments = [command[0], str(tmp_path / "export"), "--checkpoint", str(remembered), *command[1:]]
        done = await asyncio.to_thread(CliRunner().invoke, auditors_app, arguments)
        assert expected in done.stdout, done.output
        assert done.exit_code == 0
    assert "a month is YYYY-MM" in await asyncio.to_thread(_refused, hub, "export", "--month", "11", "--to", "x")


async def test_what_the_operator_did_before_there_were_admins_is_to_be_asked_about(
    asked: tuple[RunningHub, WireMember], tmp_path: Path
) -> None:
    """In the month before, in which the hub was made."""
    hub, _ = asked
    first = json.loads((await run(hub, "list", "--json", "--action", "epoch:begin")).splitlines()[0])
    await run(hub, "export", "--month", first["time"][:7], "--to", str(tmp_path / "export"))
    arguments = ["checks", str(tmp_path / "export"), "--key", (await run(hub, "checkpoint", "--key")).strip()]
    done = await asyncio.to_thread(CliRunner().invoke, auditors_app, arguments)
    assert done.exit_code == 4, done.output
    assert "epoch:begin by no admin" in done.stdout


async def test_clocks_are_read_from_the_tables(asked: tuple[RunningHub, WireMember]) -> None:
    hub, _ = asked
    now = hub.clock.now_ms()
    opened = now - 3 * 60 * 60 * 1000
    month = month_of(opened)
    made = [
        dispute(opened_at=opened, answered_at=opened + 7_200_000, state=DisputeState.UPHELD),
        dispute(opened_at=opened),
        dispute(opened_at=opened, ground=DisputeGround.IDENTITY_THEFT, closed_at=now, state=DisputeState.EXPIRED),
        dispute(opened_at=opened - 40 * DAY_MS),
    ]

    def work(transaction: Transaction) -> None:
        for one in made:
            add(transaction, one)

    await hub.hub.store.write(work)
    shown: dict[str, Any] = json.loads(await run(hub, "clocks", "--month", month, "--json"))
    by_name = {it["clock"]: it for it in shown["clocks"]}
    sealing = by_name["an event is in a checkpoint's tree"]
    assert sealing["limit_ms"] == 60_000
    assert sealing["measured"] > 0
    assert 0 <= sealing["p50_ms"] <= sealing["worst_ms"]
    answers = by_name["any other dispute is answered"]
    assert (answers["measured"], answers["p50_ms"], answers["open"], answers["breaches"]) == (1, 7_200_000, 1, 0)
    thefts = by_name["a dispute about identity theft is answered"]
    assert (thefts["limit_ms"], thefts["measured"], thefts["open"]) == (4 * DAY_MS, 0, 0)
    assert "neither tells the hub" in shown["cannot_tell"]
    assert "cannot tell:" in await run(hub, "clocks", "--month", month)


def add(transaction: Transaction, one: Dispute) -> None:
    transaction.claims.add([claim(900_000 + one.id[0] * 256 + one.id[1], entry_id=one.entry_id)])
    transaction.disputes.add(one)


async def test_what_is_late_is_a_breach() -> None:
    read = reading("c", 10, [5, 11, 7], [3, 12])
    assert (read.measured, read.p50_ms, read.worst_ms, read.breaches, read.open) == (3, 7, 12, 2, 2)
    assert reading("c", 10, []).worst_ms is None


async def test_every_column_is_classed() -> None:
    shown = await asyncio.to_thread(CliRunner().invoke, app, ["audit", "columns", "--csv"])
    rows = list(csv.DictReader(io.StringIO(shown.stdout)))
    tables = {it.name: it for it in SQLModel.metadata.tables.values()}
    assert {(it["table"], it["column"]) for it in rows} == {
        (name, one.name) for name, table in tables.items() for one in table.columns
    }
    assert all(it["meaning"] and it["how_long"] and it["what_it_is"] for it in rows)
    row = next(it for it in rows if (it["table"], it["column"]) == ("audit_events", "event"))
    about = columns.about(tables["audit_events"].c.event)
    assert (row["level"], row["class"], row["retention"]) == ("3 sensitive", "audit", about.kept.name.lower())
    plain = await asyncio.to_thread(CliRunner().invoke, app, ["audit", "columns"])
    assert len(plain.stdout.splitlines()) == len(rows)
