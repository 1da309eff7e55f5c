"""`config show` and `config check`: origins, what is hidden, and everything that is wrong said at once."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from support.postgres import Postgres
from typer.testing import CliRunner

from alliance.crypto.secret import Secret
from alliance.findings import Finding, Level
from alliance.keyring.store import KeyStore
from alliance.testing import FakeClock
from alliance_server.cli.app import app
from alliance_server.cli.doctor import check
from alliance_server.config import HubConfig

NewFolder = Callable[[], Path]
SECRET = "hunter2-of-the-database"
POSTGRES = f"postgresql+psycopg://hub:{SECRET}@127.0.0.1:1/alliance"


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["config", *arguments])
    return done.exit_code, done.output


def findings_of(folder: Path) -> list[Finding]:
    """Give what is wrong by now: hubs of these tests are made at the clock of the tests."""
    return [it for it in check(folder, FakeClock()) if it.level is not Level.OK]


def shown(folder: Path) -> dict[str, tuple[Any, str]]:
    code, output = run("show", str(folder), "--json")
    assert code == 0, output
    return {it["name"]: (it["value"], it["origin"]) for it in json.loads(output)["settings"]}


def configure(folder: Path, *lines: str) -> None:
    path = folder / "hub.toml"
    path.write_text("\n".join([*lines, *path.read_text().splitlines()]) + "\n")


@pytest.fixture
def folder(new_hub_folder: NewFolder, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = new_hub_folder()
    for path in (made / "keys", made / "hub.db"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    # Out of the way, where a production hub has it.
    (made / "keys" / "passphrase").rename(made.parent / "passphrase")
    monkeypatch.setenv("ALLIANCE_PASSPHRASE_FILE", str(made.parent / "passphrase"))
    return made


# -- show -------------------------------------------------------------------------------------------------------


def test_every_setting_is_shown_with_its_origin(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(folder, "compute_threads = 3")
    with (folder / "hub.toml").open("a") as file:
        file.write("[budgets]\ntransaction = 7\naccount_opening = 8\n")
    monkeypatch.setenv("ALLIANCE_HUB_MAINTENANCE_SECONDS", "2.5")
    monkeypatch.setenv("ALLIANCE_HUB_BUDGETS", '{"transaction": 9}')
    found = shown(folder)
    assert set(HubConfig.model_fields) - {"budgets"} <= set(found)
    assert found["compute_threads"] == (3, "hub.toml")
    assert found["maintenance_seconds"] == (2.5, "variable ALLIANCE_HUB_MAINTENANCE_SECONDS")
    assert found["drain_seconds"] == (5.0, "default")
    assert found["budgets.transaction"] == (9, "variable ALLIANCE_HUB_BUDGETS")
    assert found["budgets.account_opening"] == (8, "hub.toml")
    assert found["budgets.contribution"] == (1_000_000, "default")


@pytest.mark.parametrize(
    "url",
    [POSTGRES, f"{POSTGRES}?sslpassword={SECRET}", f"postgresql+psycopg://db/alliance?password={SECRET}"],
)
def test_a_password_is_shown_nowhere(folder: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("ALLIANCE_HUB_DATABASE", url)
    monkeypatch.setenv("ALLIANCE_PASSPHRASE", SECRET)
    value, origin = shown(folder)["database"]
    assert "***" in value
    assert origin == "variable ALLIANCE_HUB_DATABASE"
    for command in ("show", "check"):
        for options in ([], ["--json"]):
            assert SECRET not in run(command, str(folder), *options)[1]


def test_a_url_that_is_none_is_not_shown(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLIANCE_HUB_DATABASE", f"hub:{SECRET}")
    assert SECRET not in str(shown(folder)) + str(findings_of(folder))


def test_a_table_names_each_setting(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLIANCE_HUB_LISTN", "127.0.0.1:1")
    code, output = run("show", str(folder))
    assert code == 0
    assert all(re.search(rf"^{name}\b", output, re.MULTILINE) for name in HubConfig.model_fields if name != "budgets")
    assert "ALLIANCE_HUB_LISTN: names no setting; is ALLIANCE_HUB_LISTEN meant?" in output


def test_a_port_for_metrics_is_one_of_this_machine_however_it_is_written(folder: Path) -> None:
    configure(folder, "metrics_listen = 9464")
    assert shown(folder)["metrics_listen"] == ("127.0.0.1:9464", "hub.toml")


# -- check ------------------------------------------------------------------------------------------------------


def test_a_hub_with_which_nothing_is_wrong(folder: Path) -> None:
    assert [it for it in findings_of(folder) if it.about != "open files"] == []
    code, output = run("check", str(folder), "--json")
    assert (code, json.loads(output)["healthy"]) == (0, True)


def spoil_keys(folder: Path) -> None:
    KeyStore(folder / "keys", Secret((folder.parent / "passphrase").read_bytes().strip())).put(
        "epoch-1", Secret(bytes(32))
    )


def empty_keys(folder: Path) -> None:
    for path in (folder / "keys").glob("*"):
        if path.suffix != ".crt":
            path.unlink()


def execute(folder: Path, statement: str) -> None:
    engine = sa.create_engine(f"sqlite:///{folder / 'hub.db'}")
    with engine.begin() as connection:
        connection.execute(sa.text(statement))
    engine.dispose()


WRONG: list[tuple[str, Callable[[Path], Any], str, str]] = [
    ("a setting that is none", lambda it: configure(it, 'listn = "x"'), "listn", "is listen meant"),
    ("a file that is no TOML", lambda it: configure(it, "not toml ["), "hub.toml", "at line 1"),
    ("no keys in the folder", empty_keys, "keys", "no sealed keys"),
    ("no keys", lambda it: (it / "keys").rename(it / "away"), "keys", "there is no folder"),
    ("keys of another hub", spoil_keys, "keys", ""),
    ("no passphrase", lambda it: (it.parent / "passphrase").unlink(), "keys", "cannot be read"),
    ("another passphrase", lambda it: (it.parent / "passphrase").write_text("x"), "keys", "does not open"),
    ("a passphrase for all", lambda it: (it.parent / "passphrase").chmod(0o644), "passphrase", "644"),
    ("a key for all", lambda it: (it / "keys" / "ca.sealed").chmod(0o640), "ca.sealed", "chmod 600"),
    ("no certificate", lambda it: (it / "keys" / "hub.crt").unlink(), "keys", "hub.crt: No such file"),
    ("a broken one", lambda it: (it / "keys" / "ca.crt").write_text("x"), "keys", "CAs cannot be read"),
    ("no database", lambda it: (it / "hub.db").unlink(), "database", "there is no file"),
    ("no database at all", lambda it: (it / "hub.db").write_bytes(b""), "database", "no hub in"),
    ("no SQLite", lambda it: (it / "hub.db").write_bytes(b"x" * 9999), "database", "reached"),
    (
        "another release's schema",
        lambda it: execute(it, "UPDATE alembic_version SET version_num = '0001'"),
        "database",
        "alliance-server upgrade",
    ),
    ("an epoch that ended", lambda it: execute(it, "UPDATE epochs SET not_after = 1"), "", "epoch 1 is expired"),
]


@pytest.mark.parametrize(("spoil", "about", "says"), [it[1:] for it in WRONG], ids=[it[0] for it in WRONG])
def test_what_is_wrong_is_said_with_how_to_mend_it(
    folder: Path, spoil: Callable[[Path], Any], about: str, says: str
) -> None:
    spoil(folder)
    found = [it for it in findings_of(folder) if about in it.about and says in f"{it.what} {it.how_to_fix}"]
    assert [it.level for it in found] == [Level.ERROR], findings_of(folder)
    assert found[0].how_to_fix
    assert run("check", str(folder))[0] == 3


@pytest.mark.parametrize(
    ("setting", "value", "says"),
    [
        ("listen", "7443", "HOST:PORT"),
        ("listen", "127.0.0.1:70000", "HOST:PORT"),
        ("listen", "192.0.2.1:7443", "not one of this machine's"),
        ("enrolment_listen", "no-such-host.invalid:7444", "not known here"),
        ("compute_threads", "0", "greater than or equal to 1"),
        ("metrics_listen", "everywhere", "HOST:PORT"),
        ("public_host", "hub.example.org:7443", "without a port"),
        ("budgets", "many", "JSON"),
        ("budgets", '{"nonsense": 1}', "unknown budgets"),
    ],
)
def test_a_setting_that_will_not_do(
    folder: Path, monkeypatch: pytest.MonkeyPatch, setting: str, value: str, says: str
) -> None:
    monkeypatch.setenv(f"ALLIANCE_HUB_{setting.upper()}", value)
    found = [it for it in findings_of(folder) if says in it.what]
    assert [it.level for it in found] == [Level.ERROR], findings_of(folder)
    assert setting in found[0].about.lower()


def test_everything_is_said_at_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(folder, 'surprise = "x"', "maintenance_seconds = 0")
    monkeypatch.setenv("ALLIANCE_HUB_DATABASE", POSTGRES)
    monkeypatch.setenv("ALLIANCE_HUB_COMPUTE_THREAD", "4")
    (folder / "keys" / "tls.sealed").chmod(0o666)
    about = {it.about for it in findings_of(folder)}
    assert about >= {
        "surprise",
        "maintenance_seconds",
        "database",
        "ALLIANCE_HUB_COMPUTE_THREAD",
        str(folder / "keys" / "tls.sealed"),
    }


def test_what_lets_a_hub_serve_is_a_warning(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLIANCE_HUB_METRICS_LISTEN", "0.0.0.0:9464")
    monkeypatch.setenv("ALLIANCE_HUB_LISTEN", "0.0.0.0:7443")
    monkeypatch.setenv("ALLIANCE_HUB_SURPRISE", "x")
    found = {it.about: it.level for it in findings_of(folder)}
    assert (
        found.items()
        >= {"metrics_listen": "warning", "public_host": "warning", "ALLIANCE_HUB_SURPRISE": "warning"}.items()
    )
    assert run("check", str(folder))[0] == 0


def test_a_configuration_for_all_is_told_where_it_holds_a_password(folder: Path, postgres: Postgres) -> None:
    (folder / "hub.toml").chmod(0o644)
    assert not [it for it in findings_of(folder) if "hub.toml" in it.about]
    text = re.sub(r"database = .*", f'database = "{POSTGRES}"', (folder / "hub.toml").read_text())
    (folder / "hub.toml").write_text(text)
    assert [it.how_to_fix for it in findings_of(folder) if "hub.toml" in it.about] == [
        f"chmod 640 {folder / 'hub.toml'}"
    ]


def test_a_database_on_postgresql_is_looked_at(
    folder: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALLIANCE_HUB_DATABASE", postgres.empty())
    assert "no hub" in next(it.what for it in findings_of(folder) if it.about == "database")
    monkeypatch.setenv("ALLIANCE_HUB_DATABASE", postgres.migrated())
    assert not [it for it in findings_of(folder) if it.about == "database"]


def test_checking_changes_nothing(folder: Path) -> None:
    def state() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and "hub.db-" not in path.name}

    empty_keys(folder)
    before = state()
    assert run("check", str(folder))[0] == 3
    assert state() == before


@pytest.mark.parametrize("mode", [0o400, 0o440])
def test_a_service_manager_may_hand_the_passphrase_out_by_group(folder: Path, mode: int) -> None:
    (folder.parent / "passphrase").chmod(mode)
    assert not [it for it in findings_of(folder) if it.level is Level.ERROR]


def test_a_folder_that_is_no_hubs(tmp_path: Path) -> None:
    (finding,) = findings_of(tmp_path)
    assert "alliance-server init" in finding.how_to_fix
    assert run("check", str(tmp_path))[0] == 3
    assert list(tmp_path.iterdir()) == []
