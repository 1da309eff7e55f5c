"""Backups by themselves: what they show, killed ones, changed ones, and their trial."""

import asyncio
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.forked import Forked
from support.hub import make_config, running_hub
from support.postgres import Postgres
from support.recovery import backed_up, know_passphrase, quiet
from support.sdk import flipped
from support.wire import enrol

from alliance.clock import SystemClock
from alliance.crypto.secret import Secret
from alliance.errors import KeyFileInvalid
from alliance.keyring.passphrase import PASSPHRASE_VARIABLE
from alliance.testing import FakeClock
from alliance_server.hub_keys import open_keys
from alliance_server.recovery.backup import take_backup
from alliance_server.recovery.loading import load_rows, with_settings
from alliance_server.recovery.manifest import MANIFEST, SIGNATURE, BackupInvalid, check_files, read_manifest
from alliance_server.recovery.opening import open_backup
from alliance_server.recovery.trial import try_backup
from alliance_server.storage import database, dump

NewFolder = Callable[[], Path]


@pytest.fixture(scope="module")
def whole(new_hub_folder: NewFolder, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, FakeClock, str]:
    """A backup of a hub with a few claims, made once: its folder, its time, its passphrase."""
    folder, destination = new_hub_folder(), tmp_path_factory.mktemp("backups") / "whole"

    async def make() -> FakeClock:
        async with running_hub(folder) as hub:
            member = await enrol(hub, "lender")
            await member.file(*(member.row() for _ in range(20)))
            await member.close()
            await backed_up(hub, destination)
            return hub.clock

    clock = asyncio.run(make())
    return destination, clock, (folder / "keys" / "passphrase").read_text()


@pytest.fixture
def backup(whole: tuple[Path, FakeClock, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, to be spoilt."""
    monkeypatch.setenv(PASSPHRASE_VARIABLE, whole[2])
    return Path(shutil.copytree(whole[0], tmp_path / "copy"))


def test_a_backup_goes_back_into_either_kind_of_database(backup: Path, postgres: Postgres, tmp_path: Path) -> None:
    opened = open_backup(backup)
    contents = []
    for url in (f"sqlite:///{tmp_path / 'other.db'}", postgres.empty()):
        engine = database.connect(url)
        with database.writing(engine) as connection, connection.begin():
            load_rows(connection, opened, lambda _claim: True, quiet)
        with dump.snapshot(engine) as connection:
            tables = dump.tables(connection)
            contents.append({table.name: sorted(dump.lines(connection, table)) for table in tables})
        with engine.begin() as connection:  # rows that come later are numbered after those
            connection.exec_driver_sql(
                "INSERT INTO audit_events (actor, time, action, salt, event, leaf_hash) "
                "VALUES ('a', 1, 'x', '', '', '')"
            )
            newest = connection.exec_driver_sql("SELECT max(id) FROM audit_events").scalar_one()
        engine.dispose()
        assert newest == opened.manifest.audit_rows + 1
    assert contents[0] == contents[1]
    assert len(contents[0]["claims"]) == 21


def test_it_shows_neither_keys_nor_rows_nor_the_passphrase(backup: Path) -> None:
    opened, written = open_backup(backup), b"".join(path.read_bytes() for path in backup.rglob("*") if path.is_file())
    assert not (backup / "keys" / "passphrase").exists()
    assert b"lender" not in written
    assert opened.key.reveal() not in written
    (name, *_) = [line for line in opened.lines("members") if b"lender" in line]
    assert name not in written
    assert opened.key.reveal().hex() not in repr(opened)
    assert all(path.stat().st_mode & 0o077 == 0 for path in (backup, *backup.glob("keys")))


def test_a_key_that_is_gone_meanwhile_makes_no_backup(new_hub_folder: NewFolder, tmp_path: Path) -> None:
    config = make_config(new_hub_folder())
    (config.keys_folder / "epoch-1.sealed").unlink()
    with pytest.raises(BackupInvalid, match="epoch 1"):
        take_backup(config, tmp_path / "backup", SystemClock(), quiet)
    assert not list(tmp_path.iterdir())


def test_a_backup_that_is_killed_leaves_none_and_the_next_one_works(
    new_hub_folder: NewFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, destination = new_hub_folder(), tmp_path / "backup"
    command = ["backup", str(destination), "--dir", str(folder)]
    for number in (1, 2):
        with Path(os.devnull).open("r+b") as nothing:
            streams = (nothing.fileno(),) * 3
            process = Forked("alliance_server", command, environment=dict(os.environ), streams=streams)
        while len(list(tmp_path.glob(".*.partial"))) < number:
            assert process.poll() is None
            time.sleep(0.005)
        process.kill()
        assert process.wait(30) == -signal.SIGKILL
        assert not destination.exists()
    know_passphrase(monkeypatch, folder)
    for partial in tmp_path.glob(".*.partial"):
        with pytest.raises(BackupInvalid, match="no backup"):
            open_backup(partial)
    take_backup(make_config(folder), destination, SystemClock(), quiet)
    open_backup(destination)


# -- tampering ---------------------------------------------------------------------------------------------------


def files_of(backup: Path) -> list[str]:
    return sorted(str(path.relative_to(backup)) for path in backup.rglob("*") if path.is_file())


OPENED = (MANIFEST, SIGNATURE, "keys/keystore.json", "keys/backup.sealed")


def spoilt(content: bytes) -> tuple[bytes, ...]:
    return flipped(content, len(content) // 2, 3), content[:-1], content + b"\0"


@pytest.mark.parametrize("name", [*OPENED, "tables/claims.sealed"])
def test_a_backup_is_refused_where_a_file_is_changed_cut_or_gone(backup: Path, name: str) -> None:
    path = backup / name
    content = path.read_bytes()
    told = "manifest" if name in (MANIFEST, SIGNATURE) else name.replace(".", "\\.")
    for change in spoilt(content):
        path.write_bytes(change)
        with pytest.raises((BackupInvalid, KeyFileInvalid), match=told):
            open_backup(backup)
    path.unlink()
    with pytest.raises((BackupInvalid, KeyFileInvalid), match=told):
        open_backup(backup)


def test_every_file_is_held_against_the_manifest(backup: Path) -> None:
    manifest, _ = read_manifest(backup)
    assert {*manifest.files, MANIFEST, SIGNATURE} == set(files_of(backup))
    for name in manifest.files:
        content = (backup / name).read_bytes()
        for change in spoilt(content):
            (backup / name).write_bytes(change)
            with pytest.raises(BackupInvalid, match=name.replace(".", "\\.")):
                check_files(backup, manifest)
        (backup / name).write_bytes(content)
    check_files(backup, manifest)


def test_files_that_change_places_or_come_to_it_are_missed(backup: Path) -> None:
    claims, members = backup / "tables/claims.sealed", backup / "tables/members.sealed"
    contents = claims.read_bytes(), members.read_bytes()
    claims.write_bytes(contents[1])
    members.write_bytes(contents[0])
    with pytest.raises(BackupInvalid, match="tables/"):
        open_backup(backup)
    claims.write_bytes(contents[0])
    members.write_bytes(contents[1])
    (backup / "tables/more.sealed").write_bytes(b"")
    with pytest.raises(BackupInvalid, match="more"):
        open_backup(backup)


def test_the_manifest_of_another_backup_or_of_another_hub_is_refused(
    backup: Path, new_hub_folder: NewFolder, tmp_path: Path
) -> None:
    other = new_hub_folder()
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(PASSPHRASE_VARIABLE)
        take_backup(make_config(other), tmp_path / "other", SystemClock(), quiet)
        forger = open_keys(other / "keys", "test").identity
    for name in (MANIFEST, SIGNATURE):
        shutil.copy(tmp_path / "other" / name, backup / name)
    with pytest.raises((BackupInvalid, KeyFileInvalid)):
        open_backup(backup)
    content = (backup / MANIFEST).read_bytes().replace(b'"origin": 1', b'"origin": 7')
    (backup / MANIFEST).write_bytes(content)
    (backup / SIGNATURE).write_bytes(forger.statement("backup", content).signature)
    with pytest.raises((BackupInvalid, KeyFileInvalid)):
        open_backup(backup)


def test_a_manifest_that_names_other_places_is_refused(backup: Path) -> None:
    for name in ("../escape", "keys/../../escape", "/etc/passwd", "keys/.hidden", "tables/a/b"):
        content = (backup / MANIFEST).read_text().replace('"hub.toml.sealed"', f'"{name}"')
        (backup / MANIFEST).write_text(content)
        with pytest.raises(BackupInvalid, match=MANIFEST):
            open_backup(backup)
        (backup / MANIFEST).write_text(content.replace(f'"{name}"', '"hub.toml.sealed"'))
    open_backup(backup)


def test_another_passphrase_opens_nothing(backup: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSPHRASE_VARIABLE, "another")
    with pytest.raises(KeyFileInvalid, match="passphrase"):
        open_backup(backup)
    monkeypatch.delenv(PASSPHRASE_VARIABLE)
    with pytest.raises(KeyFileInvalid, match="no passphrase"):
        open_backup(backup)
    shutil.rmtree(backup / "keys")
    monkeypatch.setenv(PASSPHRASE_VARIABLE, "another")
    with pytest.raises(BackupInvalid, match="missing"):
        open_backup(backup)
    assert not (backup / "keys").exists()


# -- a trial that finds something --------------------------------------------------------------------------------


def test_a_backup_whose_epoch_is_over_answers_nothing(backup: Path, tmp_path: Path) -> None:
    clock = FakeClock()
    clock.advance(days=200)
    with pytest.raises(BackupInvalid, match="no epoch"):
        try_backup(open_backup(backup), clock, quiet, tmp_path)
    assert not list(tmp_path.glob("alliance-trial-*"))


def test_a_trial_keeps_away_from_the_hub_that_variables_name(
    whole: tuple[Path, FakeClock, str], backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere.db"
    monkeypatch.setenv("ALLIANCE_HUB_DATABASE", f"sqlite:///{elsewhere}")
    monkeypatch.setenv("ALLIANCE_HUB_KEYS", str(tmp_path / "keys-elsewhere"))
    monkeypatch.setenv("ALLIANCE_HUB_BUDGETS", '{"contribution": 0}')
    trial = try_backup(open_backup(backup), whole[1], quiet, tmp_path)
    assert trial.claim_found
    assert not elsewhere.exists()


def test_a_key_of_another_epoch_is_found_by_the_trial(
    whole: tuple[Path, FakeClock, str], new_hub_folder: NewFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = new_hub_folder()
    open_keys(folder / "keys", "test").store.put("epoch-1", Secret(bytes(31) + b"\1"))
    know_passphrase(monkeypatch, folder)
    take_backup(make_config(folder), tmp_path / "backup", SystemClock(), quiet)
    with pytest.raises(KeyFileInvalid, match="epoch 1"):
        try_backup(open_backup(tmp_path / "backup"), SystemClock(), quiet, tmp_path)


# -- words -------------------------------------------------------------------------------------------------------


def test_the_command_line_backs_up_and_verifies(new_hub_folder: NewFolder, tmp_path: Path, programs: Path) -> None:
    folder = new_hub_folder()
    environment = os.environ | {"ALLIANCE_PASSPHRASE_FILE": str(folder / "keys" / "passphrase")}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(programs / "alliance-server"), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=environment)

    # An address that this machine has not: the trial of a backup listens nowhere but on loopback.
    settings = folder / "hub.toml"
    settings.write_text('metrics_listen = "192.0.2.1:9464"\n' + settings.read_text())
    destination = tmp_path / "backup"
    taken = run("backup", str(destination), "--dir", str(folder))
    assert (taken.returncode, "backup verify" in taken.stdout) == (0, True), taken.stderr
    assert run("backup", str(destination), "--dir", str(folder)).returncode == 3
    good = run("backup", "verify", str(destination))
    assert (good.returncode, "the backup is good" in good.stdout) == (0, True), good.stderr
    table = destination / "tables" / "claims.sealed"
    table.write_bytes(flipped(table.read_bytes()))
    bad = run("backup", "verify", str(destination))
    assert (bad.returncode, "claims.sealed" in bad.stderr, "good" in bad.stdout) == (3, True, False)
    refused = run("restore", str(destination), str(tmp_path / "restored"))
    assert (refused.returncode, "purge ledger" in refused.stderr) == (3, True)


def test_settings_go_before_the_sections_of_hub_toml() -> None:
    before = b'alliance = "a"\ndatabase = "old"\n[budgets]\ndatabase = 1\n'
    assert with_settings(before, database="new") == b'database = "new"\nalliance = "a"\n[budgets]\ndatabase = 1\n'
    assert with_settings(b"", keys="keys") == b'keys = "keys"\n'
