"""A hub whose identity and CA lie in a token: backed up, tried without the token, restored with it. SoftHSM2."""

import asyncio
import tomllib
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from support.hub import RunningHub, running_hub
from support.recovery import backed_up, in_its_place, know_passphrase, quiet, restored
from support.sdk import PHONES, contribute, lender, row, screen
from support.softhsm import PIN, SoftHsm
from support.wire import enrol

from alliance.crypto.secret import Secret
from alliance.errors import KeyFileInvalid
from alliance.testing import FakeClock
from alliance_server.cli.doctor import check
from alliance_server.cli.hub import init_hub
from alliance_server.config import PREFIX, ConfigurationInvalid, Pkcs11Settings, load_config
from alliance_server.domain.errors import Refused
from alliance_server.domain.members import Role
from alliance_server.hub_keys import PIN_VARIABLE
from alliance_server.recovery.loading import with_section
from alliance_server.recovery.manifest import BackupInvalid
from alliance_server.recovery.opening import open_backup
from alliance_server.recovery.trial import try_backup
from alliance_server.signing.token import open_token
from member_client import State

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def settings(softhsm: SoftHsm) -> Pkcs11Settings:
    return softhsm.new_token()


@pytest.fixture
def folder(settings: Pkcs11Settings, tmp_path: Path) -> Path:
    """A hub's folder; its keys are in the token."""
    where = {"module": str(settings.module), "token": settings.token}
    ports = ("127.0.0.1:0", "127.0.0.1:0")
    init_hub(Console(quiet=True), tmp_path / "hub", "test", ["127.0.0.1"], *ports, "", where)
    return tmp_path / "hub"


def identities(settings: Pkcs11Settings) -> set[str]:
    """Labels of the identities in the token."""
    import pkcs11

    def work(session: pkcs11.Session) -> set[str]:
        found: Any = session.get_objects({pkcs11.Attribute.KEY_TYPE: pkcs11.KeyType.EC_EDWARDS})
        keys = list(found)
        private = [it for it in keys if it.object_class is pkcs11.ObjectClass.PRIVATE_KEY]
        assert not any(it[pkcs11.Attribute.EXTRACTABLE] for it in private)
        return {str(it.label) for it in keys}

    return open_token(str(settings.module), settings.token, Secret(PIN.encode())).run(work)


async def test_the_restored_hub_has_an_identity_of_its_own_and_the_ca_from_before(
    folder: Path, settings: Pkcs11Settings, tmp_path: Path
) -> None:
    assert not [it for it in check(folder, FakeClock()) if it.about == "keys" and it.level == "error"]
    async with AsyncExitStack() as clients:
        async with running_hub(folder) as lost:
            a, b = [await clients.enter_async_context(lender(lost, name)) for name in ("a", "b")]
            admins = [await clients.enter_async_context(lender(lost, name, role=Role.ADMIN)) for name in ("ann", "bob")]
            for admin in admins:
                await admin.administration()
            await contribute(a, [row(PHONES[0])])
            await lost.settle()
            await b.sync()
            await backed_up(lost, tmp_path / "backup")
        made = restored(tmp_path / "backup", tmp_path / "restored", lost)
        assert made.previous_hub_key == lost.hub.keys.identity.public_key != made.hub_key
        written = load_config(tmp_path / "restored").pkcs11
        assert written is not None
        assert written == settings.model_copy(update={"identity": written.identity})
        assert identities(settings) == {"alliance-identity", f"alliance-{written.identity}"}
        assert not (tmp_path / "restored" / "keys" / "identity.sealed").exists()
        async with in_its_place(tmp_path / "restored", lost) as hub:
            assert hub.hub.keys.identity.public_key == made.hub_key
            for admin in admins:
                administration = await admin.administration()
                await administration.sign_succession(await administration.succession())
            await hub.settle()
            assert [it.state for it in await screen(b, PHONES[:2])] == [State.MATCH, State.CLEAR]
            await a.renew()  # the CA of the token issues


@pytest.fixture
async def lost(folder: Path, tmp_path: Path) -> RunningHub:
    """A hub with two admins that is gone; its backup is in `backup`."""
    async with running_hub(folder) as hub:
        for name in ("ann", "bob"):
            await (await enrol(hub, name, Role.ADMIN)).close()
        await backed_up(hub, tmp_path / "backup")
    return hub


async def test_a_trial_needs_no_token_and_a_restore_without_it_makes_nothing(
    lost: RunningHub, softhsm: SoftHsm, settings: Pkcs11Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await asyncio.to_thread(lambda: set(tmp_path.iterdir()))
    with monkeypatch.context() as patch:
        know_passphrase(patch, lost.folder)
        patch.delenv(PIN_VARIABLE)
        backup = open_backup(tmp_path / "backup")
        trial = await asyncio.to_thread(try_backup, backup, lost.clock, quiet, tmp_path)
        assert trial.epoch == 1
        with pytest.raises(KeyFileInvalid, match="no PIN"):
            restored(tmp_path / "backup", tmp_path / "restored", lost)
    # Another token, and a module that is not there, stand in for a machine without the token.
    with pytest.raises(Refused, match="a-token-that-is-lost"):
        restored(tmp_path / "backup", tmp_path / "restored", lost, token="no such token")
    with pytest.raises(Refused, match="cannot be loaded"):
        restored(tmp_path / "backup", tmp_path / "restored", lost, module="/no/such/module.so")
    with pytest.raises(KeyFileInvalid, match="CA"):
        restored(tmp_path / "backup", tmp_path / "restored", lost, token=softhsm.new_token().token)
    with monkeypatch.context() as patch:
        patch.setenv(f"{PREFIX}PKCS11", '{"identity": "identity"}')
        with pytest.raises(ConfigurationInvalid, match="PKCS11"):
            restored(tmp_path / "backup", tmp_path / "restored", lost)
    assert await asyncio.to_thread(lambda: set(tmp_path.iterdir())) == before
    assert identities(settings) == {"alliance-identity"}


async def test_a_restore_that_fails_leaves_no_key_in_the_token(
    lost: RunningHub, settings: Pkcs11Settings, tmp_path: Path
) -> None:
    with pytest.raises(Refused, match="database is not empty"):
        restored(tmp_path / "backup", tmp_path / "restored", lost, url=f"sqlite:///{lost.folder / 'hub.db'}")
    assert not (tmp_path / "restored").exists()
    assert identities(settings) == {"alliance-identity"}


@pytest.mark.parametrize(
    "section",
    [
        '[pkcs11]\nmodule = "/m.so"\nidentity = "identity"\n\n[budgets]\ntransaction = 1',
        'pkcs11 = { module = "/m.so" }\n[budgets]\ntransaction = 1',
        'pkcs11.module = "/m.so"\n[budgets]\ntransaction = 1',
        '[budgets]\ntransaction = 1\n[ pkcs11 ] # the token\nmodule = "/m.so"',
    ],
)
async def test_a_section_is_written_anew_however_it_was_written(section: str) -> None:
    content = with_section(f'alliance = "test"\n{section}\n'.encode(), "pkcs11", identity="identity-2")
    assert tomllib.loads(content.decode()) == {
        "alliance": "test",
        "pkcs11": {"module": "/m.so", "identity": "identity-2"},
        "budgets": {"transaction": 1},
    }


async def test_a_section_that_is_not_understood_is_refused() -> None:
    with pytest.raises(BackupInvalid, match="pkcs11"):
        with_section(b'"pkcs11".module = "/m.so"\n', "pkcs11", identity="identity-2")
