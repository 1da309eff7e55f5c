"""`member-client audit`: what is listed, exported and proven, and how a proof that does not hold ends."""

import json
from pathlib import Path

from cli_fakes import NOW_MS, Cli, FakeClient

from member_client import AuditEntry, AuditReceipt, EventPlace, EventState, KnownCheckpoint, LogForked, ReceiptBroken

DAY_MS = 86_400_000


def an_event(row: int, action: str, time: int = NOW_MS, log: str = "test/audit/1/2026-09") -> AuditEntry:
    return AuditEntry(
        time=time,
        actor="lender",
        operator="",
        action=action,
        purpose=None,
        items=3,
        items_refused=0,
        commitments=(b"\x01" * 32,),
        policy_version=b"\x02" * 32,
        outcome="ok",
        epoch=1,
        leaf_hash=b"\x03" * 32,
        row=row,
        log=log,
        leaf_index=row,
    )


EVENTS = [
    an_event(7, "epoch:list", NOW_MS - 30 * DAY_MS),
    an_event(8, "evaluation:evaluate"),
    an_event(9, "bucket:get", log=""),
]


def test_events_are_listed_since_a_day_and_of_an_action() -> None:
    cli = Cli(FakeClient(recorded=EVENTS))
    shown = cli("audit", "list").stdout
    assert all(word in shown for word in ("epoch:list", "evaluation:evaluate", "not sealed yet", "2026-09 8"))
    since = json.loads(cli("--json", "audit", "list", "--since", "2026-09-20").stdout)["events"]
    assert [it["row"] for it in since] == [8, 9]
    assert since[0]["commitments"] == ["01" * 32]
    only = json.loads(cli("--json", "audit", "list", "--action", "bucket:get").stdout)["events"]
    assert [it["row"] for it in only] == [9]
    assert "no such events" in Cli()("audit", "list").stdout
    assert cli("audit", "list", "--since", "yesterday").exit_code == 2
    assert "尚未封存" in cli("--lang", "zh-CN", "audit", "list").stdout


def test_a_receipt_is_exported_and_verified(tmp_path: Path) -> None:
    receipts = [AuditReceipt(row, NOW_MS, NOW_MS, "epoch:list", "ok", b"receipt %d" % row) for row in (7, 8)]
    places = {
        b"receipt 7": EventPlace(7, EventState.PROVEN, "test/audit/1/2026-09", 6),
        b"receipt 8": EventPlace(8, EventState.PENDING, due_at=NOW_MS),
        b"receipt 9": EventPlace(9, EventState.LOST),
    }
    cli = Cli(FakeClient(receipted=receipts, places=places))
    assert len(json.loads(cli("--json", "audit", "receipts").stdout)["receipts"]) == 2
    assert "epoch:list" in cli("audit", "receipts").stdout
    file = tmp_path / "event.receipt"
    assert str(file) in cli("audit", "receipts", "--event", "7", "--out", str(file)).stdout
    assert file.read_bytes() == b"receipt 7"
    assert "event 7 is leaf 6 of test/audit/1/2026-09" in cli("audit", "verify", str(file)).stdout
    file.write_bytes(b"receipt 8")
    assert "not sealed yet, ask again after 2026-09-21" in cli("audit", "verify", str(file)).stdout
    file.write_bytes(b"receipt 9")
    assert "lost by a restore" in cli("audit", "verify", str(file)).stdout


def test_what_makes_no_sense_is_told(tmp_path: Path) -> None:
    for arguments in (
        ("verify",),
        ("verify", "a", "--all"),
        ("verify", "--from-start"),
        ("verify", str(tmp_path / "none")),
        ("receipts", "--event", "7"),
        ("receipts", "--event", "7", "--out", str(tmp_path / "out")),
    ):
        assert Cli()("audit", *arguments).exit_code == 2, arguments
    assert not (tmp_path / "out").exists()


def test_all_is_proven_and_what_does_not_hold_ends_with_7() -> None:
    assert "1,000 events are in the log" in Cli()("audit", "verify", "--all").stdout
    assert "1 events are not sealed yet" in Cli()("audit", "verify", "--all").stdout
    whole = json.loads(Cli()("--json", "audit", "verify", "--all", "--from-start").stdout)
    assert whole == {"proven": 2000, "pending": 2, "lost": 0}
    for fault in (ReceiptBroken("It is not in the log."), LogForked("Two logs.")):
        ended = Cli(FakeClient(fault=fault))("audit", "verify", "--all")
        assert ended.exit_code == 7
        assert "INTEGRITY" in ended.stderr


def test_the_checkpoint_is_printed_as_it_was_signed() -> None:
    note = "test/audit/1/2026-09\n7\nAAAA\n\n— test/audit/1/2026-09 BBBB\n"
    known = KnownCheckpoint("test/audit/1/2026-09", 7, b"\x00" * 32, NOW_MS, note)
    ended = Cli(FakeClient(checkpoint=known))("audit", "checkpoint")
    assert ended.stdout == note
    assert "remembered since 2026-09-21" in ended.stderr
    assert json.loads(Cli(FakeClient(checkpoint=known))("--json", "audit", "checkpoint").stdout)["note"] == note
    assert "no checkpoint is remembered yet" in Cli()("audit", "checkpoint").stdout
