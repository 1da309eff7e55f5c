"""`backend.select`: the environment, the wheel that is not there, the wheel that is broken."""

import sys
import types
from pathlib import Path

import pytest

from alliance.crypto import backend
from alliance.crypto.backend import BackendUnavailable, ReferenceBackend


@pytest.fixture(autouse=True)
def no_native_wheel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Look for the wheel in an empty folder only, under a name that is nobody else's."""
    monkeypatch.setattr(backend, "NATIVE_MODULE", "alliance_native_of_this_test")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delenv(backend.ENVIRONMENT_VARIABLE, raising=False)
    monkeypatch.delitem(sys.modules, "alliance_native_of_this_test", raising=False)
    return tmp_path


def install(folder: Path, source: str) -> None:
    (folder / "alliance_native_of_this_test.py").write_text(source)


def test_the_reference_is_what_is_left() -> None:
    chosen = backend.select()
    assert chosen.name == "reference"
    assert "libsodium" in chosen.description
    assert isinstance(chosen, backend.Backend)


def test_a_native_that_is_not_installed_is_an_error_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BackendUnavailable, match="not installed"):
        backend.select("native")
    monkeypatch.setenv(backend.ENVIRONMENT_VARIABLE, "native")
    with pytest.raises(BackendUnavailable, match="not installed"):
        backend.select()
    assert backend.select("reference").name == "reference"


def test_an_unknown_word_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BackendUnavailable, match="ALLIANCE_BACKEND"):
        backend.select("rust")
    monkeypatch.setenv(backend.ENVIRONMENT_VARIABLE, "Native")
    with pytest.raises(BackendUnavailable):
        backend.select()
    monkeypatch.setenv(backend.ENVIRONMENT_VARIABLE, "")
    assert backend.select().name == "reference"


def test_an_installed_native_is_taken_unless_told_otherwise(
    no_native_wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(
        no_native_wheel,
        "from alliance.crypto.backend import ReferenceBackend\n"
        "class NativeBackend(ReferenceBackend):\n    name = 'native'\n",
    )
    assert backend.select().name == "native"
    assert backend.select("native").name == "native"
    monkeypatch.setenv(backend.ENVIRONMENT_VARIABLE, "reference")
    assert type(backend.select()) is ReferenceBackend


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("raise ImportError('libfoo.so: cannot open')", "does not load"),
        ("import a_module_that_is_not_there", "does not load"),
        ("", "does not load"),
        ("class NativeBackend:\n    name = 'native'", "another version"),
    ],
)
def test_a_broken_native_is_an_error_and_no_silent_fall(no_native_wheel: Path, source: str, message: str) -> None:
    install(no_native_wheel, source)
    with pytest.raises(BackendUnavailable, match=message):
        backend.select()


def test_the_backend_of_the_process_is_chosen_once() -> None:
    backend.backend.cache_clear()
    try:
        assert backend.backend() is backend.backend()
    finally:
        backend.backend.cache_clear()


def test_a_module_object_is_no_backend() -> None:
    assert not isinstance(types.ModuleType("x"), backend.Backend)
