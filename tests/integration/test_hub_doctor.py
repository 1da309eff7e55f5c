"""What the hub's doctor finds, and what the log says of what ends."""

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import structlog
from support.hub import running_hub
from support.wire import WireMember, certificate_request, new_tls_key

from alliance.findings import Finding, Level
from alliance.testing import FakeClock
from alliance_server import expiry
from alliance_server.cli.app import main
from alliance_server.cli.doctor import examine, files
from alliance_server.hub_keys import open_keys
from alliance_server.live_tls import LiveTls

pytestmark = pytest.mark.asyncio(loop_scope="module")

NewFolder = Callable[[], Path]


@pytest.fixture
def folder(new_hub_folder: NewFolder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A hub's folder, with its passphrase elsewhere and rights as `init` of an operator leaves them."""
    made = new_hub_folder()
    (made / "hub.db").chmod(0o600)
    shutil.move(made / "keys" / "passphrase", tmp_path / "passphrase")
    monkeypatch.setenv("ALLIANCE_PASSPHRASE_FILE", str(tmp_path / "passphrase"))
    return made


def found(folder: Path, clock: FakeClock | None = None, least: Level = Level.WARNING) -> list[Finding]:
    levels = list(Level)[list(Level).index(least) :]
    return [it for it in examine(folder, clock or FakeClock()) if it.level in levels]


def told(findings: list[Finding]) -> str:
    return "\n".join(f"{it.level} {it} | {it.how_to_fix}" for it in findings)


async def test_a_hub_that_has_just_run_is_well(folder: Path) -> None:
    async with running_hub(folder):
        assert not found(folder)
    assert not found(folder)
    clock = FakeClock()
    clock.advance(minutes=10)
    assert [it.what.partition(":")[0] for it in found(folder, clock)] == ["no hub keeps the filter of epoch 1"]


@pytest.mark.parametrize(
    ("days", "warned", "failed"),
    [
        (100, set(), set()),
        (151, {"epoch 1 ends"}, set()),
        (181, set(), {"epoch 1 is expired"}),
        (250, {"the hub's certificate ends"}, {"epoch 1 is expired"}),
        (366, set(), {"epoch 1 is expired", "the hub's certificate is expired"}),
        (3565, {"the CA"}, {"epoch 1 is expired", "the hub's certificate is expired"}),
    ],
)
async def test_whatever_ends_is_told_in_time(folder: Path, days: int, warned: set[str], failed: set[str]) -> None:
    clock = FakeClock()
    clock.advance(days=days)
    findings = [it for it in found(folder, clock) if "filter" not in it.what]
    for wanted, level in ((warned, Level.WARNING), (failed, Level.ERROR)):
        whats = [it.what for it in findings if it.level is level]
        assert len(whats) == len(wanted)
        assert all(any(what.startswith(start) for start in wanted) for what in whats)
    assert all(it.how_to_fix for it in findings)


async def test_members_whose_certificates_end_are_named(folder: Path, own_members: Any) -> None:
    async with running_hub(folder) as hub:
        late, gone = await own_members(hub, "late"), await own_members(hub, "gone")
        renewed, revoked = await own_members(hub, "renewed"), await own_members(hub, "revoked")
        await hub.hub.enrolment.revoke(revoked.id)
        _ends(hub.hub.store.engine, late, hub.clock.now_ms() + 10 * 24 * 3600 * 1000)
        _ends(hub.hub.store.engine, gone, hub.clock.now_ms() - 1000)
        _ends(hub.hub.store.engine, renewed, hub.clock.now_ms() - 1000)
        fresh = hub.hub.tls.issue(renewed.id, certificate_request(new_tls_key()), hub.clock.now_ms())
        await hub.hub.store.write(lambda transaction: transaction.members.add_certificate(fresh))
    whats = [it.what for it in found(folder)]
    assert whats == [
        "1 active member(s) let their certificate expire: gone",
        "1 active member(s) have certificates that end within 30 days: late",
    ]


def _ends(engine: sa.Engine, member: WireMember, when: int) -> None:
    with engine.begin() as connection:
        connection.execute(
            sa.text("UPDATE certificates SET not_after = :when WHERE member_id = :member"),
            {"when": when, "member": member.id},
        )


async def test_a_clock_that_was_put_back_is_an_error(folder: Path) -> None:
    async with running_hub(folder):
        pass
    clock = FakeClock()
    clock.advance(hours=-3)
    assert "this machine's clock is behind" in told(found(folder, clock, Level.ERROR))


Spoil = Callable[[Path], object]


@pytest.mark.parametrize(
    ("spoil", "level", "says"),
    [
        (lambda hub: (hub / "hub.toml").unlink(), Level.ERROR, "no hub's folder"),
        (lambda hub: (hub / "hub.db").unlink(), Level.ERROR, "there is no file"),
        (lambda hub: (hub / "hub.db").write_bytes(b"x" * 4096), Level.ERROR, "database: it cannot be reached"),
        (lambda hub: shutil.rmtree(hub / "keys"), Level.ERROR, "there is no folder"),
        (lambda hub: (hub / "keys" / "epoch-1.sealed").unlink(), Level.ERROR, "keys: there is no sealed 'epoch-1'"),
        (lambda hub: (hub / "keys" / "identity.sealed").write_bytes(b"x" * 64), Level.ERROR, "does not open"),
        (lambda hub: (hub / "keys" / "hub.crt").write_bytes(b"x"), Level.ERROR, "a certificate cannot be read"),
        (lambda hub: (hub / "keys" / "ca.sealed").chmod(0o644), Level.ERROR, "others may use it"),
        (lambda hub: (hub / "keys").chmod(0o755), Level.ERROR, "others may use it"),
        (lambda hub: (hub / "keys" / "passphrase").write_text("x"), Level.OK, "keys open"),
        (lambda hub: (hub / "snapshots").write_text("no folder"), Level.ERROR, "cannot be written"),
    ],
)
async def test_what_is_broken_is_told_with_its_remedy(folder: Path, spoil: Spoil, level: Level, says: str) -> None:
    shutil.rmtree(folder / "snapshots", ignore_errors=True)
    spoil(folder)
    matching = [it for it in found(folder, least=Level.OK) if says in str(it)]
    assert matching, told(found(folder, least=Level.OK))
    assert matching[0].level is level


async def test_another_schema_is_an_error(folder: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{folder / 'hub.db'}")
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0001'"))
    engine.dispose()
    assert "schema is 0001" in told(found(folder, least=Level.ERROR))


async def test_a_passphrase_beside_the_keys_is_warned_of(new_hub_folder: NewFolder) -> None:
    assert "the passphrase lies beside the keys" in told(found(new_hub_folder()))


@pytest.mark.parametrize(("scarce", "full", "level"), [(2**62, 0, Level.WARNING), (2**62, 2**62, Level.ERROR)])
async def test_a_disk_that_fills_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, scarce: int, full: int, level: Level
) -> None:
    monkeypatch.setattr(files, "SCARCE_BYTES", scarce)
    monkeypatch.setattr(files, "FULL_BYTES", full)
    assert [it.level for it in found(folder, least=Level.OK) if "GiB are free" in it.what] == [level]


async def test_a_database_that_is_away_shows_no_password(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLIANCE_HUB_DATABASE", "postgresql+psycopg://hub:hunter2@127.0.0.1:9/none")
    findings = found(folder, least=Level.OK)
    assert "database: it cannot be reached" in told(findings)
    assert "hunter2" not in told(findings)


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Run the command line in this process; gives its exit code and what it printed."""
    monkeypatch.setattr(sys, "argv", ["alliance-server", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0), capsys.readouterr().out


async def test_the_command_prints_and_ends_by_what_it_found(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, printed = run(monkeypatch, capsys, "doctor", str(folder))
    assert code == 0
    assert "ok       keys open, and fit their certificates" in printed
    assert "warning  epoch 1 has no filter yet" in printed
    (folder / "keys" / "epoch-1.sealed").unlink()
    code, printed = run(monkeypatch, capsys, "doctor", str(folder), "--json")
    document = json.loads(printed)
    assert (code, document["healthy"]) == (3, False)
    assert all(set(it) == {"level", "about", "what", "how_to_fix"} for it in document["findings"])


async def test_certificates_are_shown_and_renewed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = open_keys(folder / "keys", "test")
    code, printed = run(monkeypatch, capsys, "tls", "show", "--dir", str(folder))
    assert code == 0
    assert "hub.test, 127.0.0.1" in printed
    assert "CA, issues" in printed
    code, printed = run(monkeypatch, capsys, "tls", "renew", "--dir", str(folder))
    assert (code, "for 127.0.0.1" in printed) == (0, True)
    again = open_keys(folder / "keys", "test")
    assert again.tls_certificate != before.tls_certificate
    assert again.tls_key != before.tls_key
    run(monkeypatch, capsys, "tls", "renew", "--dir", str(folder), "--host", "hub.example.org", "--host", "192.0.2.1")
    code, printed = run(monkeypatch, capsys, "tls", "show", "--dir", str(folder))
    assert "hub.test, hub.example.org, 192.0.2.1" in printed
    code, _ = run(monkeypatch, capsys, "tls", "renew", "--dir", str(folder), "--host", "no host:7443/")
    assert code == 3
    assert "PRIVATE" not in printed


async def test_the_log_warns_once_a_day_of_what_ends_within_thirty(folder: Path) -> None:
    clock = FakeClock()
    async with running_hub(folder, clock=clock) as hub:
        watch = expiry.ExpiryWatch(LiveTls(hub.hub.keys, clock), hub.hub.store)
        with structlog.testing.capture_logs() as logs:
            assert not await watch.warn(clock.now_ms())
            clock.advance(days=155)
            for _ in range(3):
                await watch.warn(clock.now_ms())
            clock.advance(days=1)
            await watch.warn(clock.now_ms())
        said = [(it["subject"], it["days"]) for it in logs if it["event"] == "something ends soon"]
        assert said == [("epoch 1", 24), ("epoch 1", 23)]


async def test_a_signal_to_end_cleans_up_as_an_interrupt_does(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def asked_to_end() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)

    before, mask = signal.getsignal(signal.SIGTERM), os.umask(0o022)
    monkeypatch.setattr("alliance_server.cli.app.app", asked_to_end)
    try:
        with pytest.raises(SystemExit) as ended:
            main()
    finally:
        os.umask(mask)
    assert signal.getsignal(signal.SIGTERM) == before
    assert ended.value.code == 130
    assert "interrupted" in capsys.readouterr().err
