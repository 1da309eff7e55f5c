"""`backend.select`: the environment, the wheel that is not there, the wheel that is broken."""

import sys
from pathlib import Path

import pytest

from alliance.crypto import backend
from alliance.crypto.backend import BackendUnavailable

WHEEL = backend.NATIVE_MODULE
CALLER = "alliance.crypto.backend.native"
FAULTS = ("Batch", "Element", "Key", "Scalar", "Input", "Proof")
SOUND = "\n".join(["INTERFACE = 1", "__version__ = '0'", *(f"class {f}Fault(Exception): ..." for f in FAULTS)])


@pytest.fixture(autouse=True)
def no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(backend.ENVIRONMENT_VARIABLE, raising=False)


@pytest.fixture
def no_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the wheel's name be one that cannot be imported."""
    monkeypatch.setitem(sys.modules, WHEEL, None)


def install(monkeypatch: pytest.MonkeyPatch, folder: Path, source: str) -> None:
    """Put a module of the wheel's name before any other."""
    (folder / f"{WHEEL}.py").write_text(source)
    monkeypatch.syspath_prepend(str(folder))
    for module in (WHEEL, CALLER):
        monkeypatch.setitem(sys.modules, module, None)  # so that the end of the test clears what it loads
        del sys.modules[module]


@pytest.mark.usefixtures("no_wheel")
def test_the_reference_is_what_is_left() -> None:
    chosen = backend.select()
    assert chosen.name == "reference"
    assert "libsodium" in chosen.description
    assert isinstance(chosen, backend.Backend)


@pytest.mark.usefixtures("no_wheel")
def test_a_native_that_is_not_installed_is_an_error_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BackendUnavailable, match="not installed"):
        backend.select("native")
    monkeypatch.setenv(backend.ENVIRONMENT_VARIABLE, "native")
    with pytest.raises(BackendUnavailable, match="not installed"):
        backend.select()
    assert backend.select("reference").name == "reference"


@pytest.mark.usefixtures("no_wheel")
def test_an_unknown_word_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BackendUnavailable, match="ALLIANCE_BACKEND"):
        backend.select("rust")
    monkeypatch.setenv(backend.ENVIRONMENT_VARIABLE, "Native")
    with pytest.raises(BackendUnavailable):
        backend.select()
    monkeypatch.setenv(backend.ENVIRONMENT_VARIABLE, "")
    assert backend.select().name == "reference"


def test_an_installed_native_is_taken_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    install(monkeypatch, tmp_path, SOUND)
    assert backend.select().name == "native"
    assert backend.select("native").name == "native"
    monkeypatch.setenv(backend.ENVIRONMENT_VARIABLE, "reference")
    assert backend.select().name == "reference"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("raise ImportError('libfoo.so: cannot open')", "does not load: libfoo"),
        ("import a_module_that_is_not_there", "does not load"),
        ("", "does not load"),
        (SOUND.replace("INTERFACE = 1", "INTERFACE = 0"), "interface 0"),
    ],
)
def test_a_broken_native_is_an_error_and_no_silent_fall(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, source: str, message: str
) -> None:
    install(monkeypatch, tmp_path, source)
    with pytest.raises(BackendUnavailable, match=message):
        backend.select()


def test_the_backend_of_the_process_is_chosen_once() -> None:
    backend.backend.cache_clear()
    try:
        assert backend.backend() is backend.backend()
    finally:
        backend.backend.cache_clear()
