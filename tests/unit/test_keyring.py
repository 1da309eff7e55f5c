"""Sealed key files: what opens, and what must not."""

import json
import os
import shutil
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.keys import OF_PROGRAMS

from alliance.crypto.secret import Secret
from alliance.errors import KeyFileInvalid
from alliance.keyring import KeyStore, obtain_passphrase, store
from alliance.keyring.passphrase import PASSPHRASE_FILE_VARIABLE, PASSPHRASE_VARIABLE
from alliance.keyring.store import write_atomically, write_new

PASSPHRASE = Secret(b"correct horse battery staple")


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PASSPHRASE_VARIABLE, raising=False)
    monkeypatch.delenv(PASSPHRASE_FILE_VARIABLE, raising=False)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keyring") / "keys"
    store = KeyStore(folder, PASSPHRASE)
    store.put("first", Secret(b"one"))
    store.put("second", Secret(b"two"))
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "keys"))


def test_secrets_come_back(folder: Path) -> None:
    store = KeyStore(folder, PASSPHRASE)
    assert store.get("first") == Secret(b"one")
    assert store.names() == ["first", "second"]
    assert "first" in store
    assert "third" not in store
    store.put("first", Secret(b"uno"))
    assert KeyStore(folder, PASSPHRASE).get("first") == Secret(b"uno")


def test_a_wrong_passphrase_is_told_at_once(folder: Path) -> None:
    with pytest.raises(KeyFileInvalid, match="passphrase"):
        KeyStore(folder, Secret(b"wrong"))


def test_swapped_files_do_not_open(folder: Path) -> None:
    first, second = folder / "first.sealed", folder / "second.sealed"
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)
    store = KeyStore(folder, PASSPHRASE)
    for name in ("first", "second"):
        with pytest.raises(KeyFileInvalid):
            store.get(name)


def test_a_file_of_another_store_does_not_open(folder: Path, tmp_path: Path) -> None:
    other = KeyStore(tmp_path / "other", PASSPHRASE)
    other.put("first", Secret(b"other"))
    shutil.copy(tmp_path / "other" / "first.sealed", folder / "first.sealed")
    with pytest.raises(KeyFileInvalid):
        KeyStore(folder, PASSPHRASE).get("first")


@pytest.mark.parametrize(
    "damage",
    [
        lambda _content: b"",
        lambda content: content[:5],
        lambda content: content[:12],
        lambda content: content[:-1],
        lambda content: content + b"\x00",
        lambda content: bytes([content[0] ^ 1]) + content[1:],
        lambda content: content[:-1] + bytes([content[-1] ^ 1]),
    ],
)
def test_a_damaged_file_does_not_open(folder: Path, damage: Callable[[bytes], bytes]) -> None:
    path = folder / "first.sealed"
    path.write_bytes(damage(path.read_bytes()))
    store = KeyStore(folder, PASSPHRASE)
    with pytest.raises(KeyFileInvalid):
        store.get("first")
    assert store.get("second") == Secret(b"two")


def test_a_missing_secret_is_named(folder: Path) -> None:
    with pytest.raises(KeyFileInvalid, match="'third'"):
        KeyStore(folder, PASSPHRASE).get("third")


def test_a_missing_header_beside_sealed_files_makes_no_new_store(folder: Path) -> None:
    (folder / "keystore.json").unlink()
    with pytest.raises(KeyFileInvalid, match="missing"):
        KeyStore(folder, PASSPHRASE)
    assert not (folder / "keystore.json").exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"1", b'"x"', b"\xff\xfe", b"{}", b"[" * 100_000],
)
def test_a_header_that_is_none(folder: Path, content: bytes) -> None:
    (folder / "keystore.json").write_bytes(content)
    with pytest.raises(KeyFileInvalid):
        KeyStore(folder, PASSPHRASE)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n", 2**40),
        ("n", 2**21),
        ("n", 0),
        ("n", 1),
        ("n", -1),
        ("n", 3),
        ("n", 32768.5),
        ("n", "x"),
        ("n", None),
        ("n", True),
        ("n", float("inf")),
        ("n", float("nan")),
        ("r", 2**20),
        ("r", 0),
        ("p", 2**20),
        ("p", 0),
        ("salt", "zz"),
        ("salt", ""),
        ("salt", 7),
        ("salt", None),
        ("format", "alliance-keystore/2"),
        ("format", None),
    ],
)
def test_a_header_that_asks_for_nonsense_is_refused_before_it_costs(folder: Path, name: str, value: object) -> None:
    path = folder / "keystore.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {name: value}))
    with pytest.raises(KeyFileInvalid):
        KeyStore(folder, PASSPHRASE)


@pytest.mark.parametrize("name", ["n", "r", "p", "salt", "format"])
def test_a_header_that_lacks_something(folder: Path, name: str) -> None:
    path = folder / "keystore.json"
    header = json.loads(path.read_text())
    del header[name]
    path.write_text(json.dumps(header))
    with pytest.raises(KeyFileInvalid):
        KeyStore(folder, PASSPHRASE)


def test_files_are_their_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        store = KeyStore(tmp_path / "keys", obtain_passphrase(tmp_path / "keys", create=True))
        store.put("one", Secret(b"1"))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "keys").iterdir()}
    assert modes == dict.fromkeys(["check.sealed", "keystore.json", "one.sealed", "passphrase"], 0o600)


@pytest.mark.parametrize("name", ["", "../up", "a/b", "a.b", "a b", "-", "a\x00b"])
def test_a_name_never_leaves_the_folder(folder: Path, name: str) -> None:
    store = KeyStore(folder, PASSPHRASE)
    with pytest.raises(ValueError, match="names of secrets"):
        store.put(name, Secret(b"x"))


def test_no_secret_lies_in_the_files_in_clear(folder: Path) -> None:
    secret = os.urandom(32)
    KeyStore(folder, PASSPHRASE).put("plain", Secret(secret))
    for path in folder.iterdir():
        assert secret not in path.read_bytes()
        assert secret.hex().encode() not in path.read_bytes()


def test_writing_leaves_the_old_or_the_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def fail(_descriptor: int) -> None:
        raise OSError("the disk is gone")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="gone"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_the_passphrase_comes_from_the_variable_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "passphrase").write_text("beside")
    (tmp_path / "named").write_text(" named\n")
    assert obtain_passphrase(tmp_path) == Secret(b"beside")
    monkeypatch.setenv(PASSPHRASE_FILE_VARIABLE, str(tmp_path / "named"))
    assert obtain_passphrase(tmp_path) == Secret(b"named")
    monkeypatch.setenv(PASSPHRASE_VARIABLE, "variable")
    assert obtain_passphrase(tmp_path) == Secret(b"variable")


def test_no_passphrase_is_made_where_a_file_was_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSPHRASE_FILE_VARIABLE, str(tmp_path / "absent"))
    with pytest.raises(KeyFileInvalid, match=PASSPHRASE_VARIABLE):
        obtain_passphrase(tmp_path, create=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"  \n", b"\xff\xff"])
def test_an_empty_or_unreadable_passphrase_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "passphrase").write_bytes(content)
    with pytest.raises(KeyFileInvalid):
        obtain_passphrase(tmp_path)


def test_a_store_shows_its_folder_alone(folder: Path) -> None:
    assert repr(KeyStore(folder, PASSPHRASE)) == f"KeyStore({str(folder)!r})"


def test_a_new_secret_takes_no_others_place(tmp_path: Path) -> None:
    store = KeyStore(tmp_path, Secret(b"passphrase"))
    with ThreadPoolExecutor(8) as pool:
        took = list(pool.map(lambda number: store.put_new("epoch-2", Secret(b"%d" % number)), range(8)))
    assert took.count(True) == 1
    assert store.get("epoch-2").reveal() == b"%d" % took.index(True)
    assert store.names() == ["epoch-2"]


def test_a_secret_that_is_removed_is_gone(tmp_path: Path) -> None:
    store = KeyStore(tmp_path, Secret(b"passphrase"))
    store.put("epoch-1", Secret(b"key"))
    path = tmp_path / "epoch-1.sealed"
    kept = tmp_path / "link"
    kept.hardlink_to(path)
    before = path.read_bytes()
    store.remove("epoch-1")
    store.remove("epoch-1")
    with pytest.raises(KeyFileInvalid, match="no sealed"):
        KeyStore(tmp_path, Secret(b"passphrase")).get("epoch-1")
    assert kept.read_bytes() != before, "what was there is written over"


def _without_links(_source: object, _destination: object) -> None:
    raise PermissionError("no links here")


@pytest.mark.parametrize("has_links", [True, False])
def test_a_new_file_never_takes_the_place_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, has_links: bool
) -> None:
    if not has_links:
        monkeypatch.setattr("os.link", _without_links)
    path = tmp_path / "bundle.json"
    write_new(path, b"first")
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        write_new(path, b"second")
    assert [it.read_bytes() for it in tmp_path.iterdir()] == [b"first"]


def test_what_programs_make_costs_memory_for_every_guess(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 7914, section 2: 128 · n · r bytes of memory for each guess, 32 MiB here."""
    monkeypatch.setattr(store, "SCRYPT", OF_PROGRAMS)
    made = folder.with_name("made")
    KeyStore(made, PASSPHRASE)
    header = json.loads((made / "keystore.json").read_text())
    assert (header["n"], header["r"], header["p"]) == (2**15, 8, 1)
    KeyStore(made, PASSPHRASE).get("check")
