"""A hub whose identity and CA lie in a PKCS#11 token, from `init` to a restart: SoftHSM2, over real TLS."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from support.hub import running_hub
from support.sdk import PHONES, contribute, lender, row, screen
from support.softhsm import PIN, SoftHsm

from alliance.errors import AllianceError, KeyFileInvalid, Reason
from alliance_server.certificates import Roots
from alliance_server.cli.app import main
from alliance_server.config import ConfigurationInvalid, Pkcs11Settings, load_config
from alliance_server.domain.errors import Refused
from alliance_server.hub_keys import PIN_FILE_VARIABLE, PIN_VARIABLE, open_keys
from alliance_server.signing import token
from member_client import AllianceClient, State

pytestmark = pytest.mark.asyncio(loop_scope="module")


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["alliance-server", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def init(monkeypatch: pytest.MonkeyPatch, folder: Path, settings: Pkcs11Settings) -> int:
    ports = ("--listen", "127.0.0.1:0", "--enrolment-listen", "127.0.0.1:0")
    where = ("--pkcs11-module", str(settings.module), "--pkcs11-token", settings.token)
    return run(monkeypatch, "init", str(folder), "--alliance", "test", *ports, *where)


@pytest.fixture
def settings(softhsm: SoftHsm) -> Pkcs11Settings:
    return softhsm.new_token()


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, settings: Pkcs11Settings, tmp_path: Path) -> Path:
    """A hub's folder, made by the command; its keys are in the token."""
    made = tmp_path / "hub"
    assert init(monkeypatch, made, settings) == 0
    return made


async def test_it_starts_enrols_screens_and_is_the_same_after_a_restart(folder: Path) -> None:
    sealed = {path.stem for path in (folder / "keys").glob("*.sealed")}
    assert sealed == {"check", "tls", "epoch-1"}
    assert PIN not in (folder / "hub.toml").read_text()
    async with running_hub(folder) as hub, lender(hub, "a") as a, lender(hub, "b") as b:
        identity = hub.hub.keys.identity.public_key
        await contribute(a, [row(PHONES[0])])
        await hub.settle()
        assert [it.state for it in await screen(b, PHONES[:2])] == [State.MATCH, State.CLEAR]
        await a.renew()
        certificate = x509.load_pem_x509_certificate((folder / "keys" / "hub.crt").read_bytes())
        assert Roots((folder / "keys" / "ca.crt").read_bytes()).issued(hub.hub.keys.tls_certificate)
        assert PIN not in repr(hub.hub.keys) + repr(hub.hub.config)
    async with running_hub(folder) as again:
        assert again.hub.keys.identity.public_key == identity
        # The member's certificate, and its pin of the hub's identity, are those from before.
        profile = replace(b.profile, hub=again.address)
        async with AllianceClient(profile, clock=again.clock) as b_again:
            assert [it.state for it in await screen(b_again, PHONES[:2])] == [State.MATCH, State.CLEAR]
        keys = open_keys(folder / "keys", "test", load_config(folder).pkcs11)
        keys.renew_certificate(["127.0.0.1"], again.clock.now_ms())
        assert x509.load_pem_x509_certificate((folder / "keys" / "hub.crt").read_bytes()) != certificate


async def test_a_token_that_fails_refuses_until_it_is_back(
    folder: Path, settings: Pkcs11Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_hub(folder) as hub, lender(hub, "a") as a:
        await a.sync()
        opened = token._TOKENS[str(settings.module), settings.token]
        with monkeypatch.context() as patch:
            patch.setattr(opened, "_label", "another token")  # what the module does not show
            opened.close()
            hub.clock.advance(minutes=1)
            with pytest.raises(Refused) as caught:
                await hub.settle()
            assert caught.value.reason is Reason.UNAVAILABLE
        await hub.settle()
        await a.sync()


async def test_the_keys_of_a_token_are_made_once(
    folder: Path, settings: Pkcs11Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = open_keys(folder / "keys", "test", settings).identity.public_key
    assert init(monkeypatch, tmp_path / "another", settings) == 3
    assert not (tmp_path / "another" / "hub.toml").exists()
    assert open_keys(folder / "keys", "test", settings).identity.public_key == before


async def test_without_the_pin_or_with_another_nothing_starts(
    folder: Path, settings: Pkcs11Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = load_config(folder)
    assert config.pkcs11 == settings
    (tmp_path / "pin").write_text(f"{PIN}\n")
    monkeypatch.delenv(PIN_VARIABLE)
    with pytest.raises(KeyFileInvalid, match="no PIN"):
        open_keys(config.keys_folder, "test", settings)
    monkeypatch.setenv(PIN_FILE_VARIABLE, str(tmp_path / "pin"))
    open_keys(config.keys_folder, "test", settings)
    monkeypatch.setenv(PIN_FILE_VARIABLE, str(tmp_path / "no such file"))
    with pytest.raises(KeyFileInvalid, match=PIN_FILE_VARIABLE):
        open_keys(config.keys_folder, "test", settings)
    monkeypatch.setenv(PIN_VARIABLE, "another-pin-0815")
    with pytest.raises(AllianceError, match="refuses the PIN") as caught:
        open_keys(config.keys_folder, "test", settings)
    assert "0815" not in str(caught.value)


async def test_sealed_files_do_not_stand_in_for_a_token(folder: Path, settings: Pkcs11Settings) -> None:
    with pytest.raises(KeyFileInvalid, match="identity"):
        open_keys(folder / "keys", "test")
    other = settings.model_copy(update={"prefix": "other"})
    with pytest.raises(token.TokenFailed, match="other-identity"):
        open_keys(folder / "keys", "test", other)


@pytest.mark.parametrize(
    "table",
    ['module = "/m.so"', 'token = "t"', 'module = "/m.so"\ntoken = "t"\npin = "1234"', 'module = "/m.so"\ntoken = ""'],
)
async def test_settings_that_will_not_do(new_hub_folder: Callable[[], Path], table: str) -> None:
    folder = new_hub_folder()
    (folder / "hub.toml").write_text(f'alliance = "test"\n[pkcs11]\n{table}\n')
    with pytest.raises(ConfigurationInvalid, match="pkcs11") as caught:
        load_config(folder)
    assert "1234" not in str(caught.value)
