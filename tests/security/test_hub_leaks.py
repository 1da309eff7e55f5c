"""What could slip out sideways: reprs, log fields, libraries' logs, texts of errors."""

import copy
import dataclasses
import importlib
import io
import json
import logging
import os
import pickle
import pkgutil
import sys
from typing import Any

import pytest
import structlog

import alliance
import alliance_server
from alliance.certificates import generate_key, load_key
from alliance.claims import SealedClaim
from alliance.crypto import tagging
from alliance.crypto.secret import Secret
from alliance.crypto.signing import SigningKey
from alliance.errors import Reason
from alliance_server.authority import CertificateAuthority
from alliance_server.cli.app import app
from alliance_server.domain.claims import ClaimRow, ListedEntry, StoredClaim
from alliance_server.domain.errors import Refused
from alliance_server.hub_keys import ServerTls
from alliance_server.logs import ALLOWED_FIELDS, configure_logs
from alliance_server.rpc.errors import status_of
from alliance_server.services.enrolment import Ticket

MARK = b"\xabMARKED-BYTES\xcd".ljust(32, b"\xab")


def marked(text: str) -> bool:
    return any(form in text for form in ("MARKED-BYTES", MARK.hex(), MARK.decode("latin-1")))


def build(cls: type[Any]) -> Any:
    """Make a dataclass with marked bytes wherever it takes some."""
    values: dict[str, Any] = {}
    for it in dataclasses.fields(cls):
        if it.init:
            values[it.name] = MARK if "bytes" in str(it.type) else Secret(MARK) if "Secret" in str(it.type) else None
    return cls(**values)


SECRETIVE = [ClaimRow, StoredClaim, ListedEntry, ServerTls, Ticket, SealedClaim, tagging.Blinded, tagging.Evaluation]


@pytest.mark.parametrize("cls", SECRETIVE, ids=lambda cls: cls.__name__)
def test_dataclasses_with_secrets_show_none(cls: type[Any]) -> None:
    made = cls(bytes(16), MARK, MARK, MARK, MARK) if cls is SealedClaim else build(cls)
    assert not marked(repr(made))
    assert not marked(str(made))
    assert not marked(f"{made}")


def test_keys_show_nothing() -> None:
    pair = tagging.generate_key_pair(Secret(bytes(range(32))))
    assert pair.secret_key.reveal().hex() not in repr(pair)
    assert repr(pair.secret_key.reveal()) not in repr(pair)
    key = generate_key()
    authority = CertificateAuthority.create(load_key(key), "test", 1_800_000_000_000)
    assert "PRIVATE" not in repr(authority) + repr(key)
    signing, seed = SigningKey.generate()
    assert seed.reveal().hex() not in repr(signing) + repr(seed)


def test_no_dataclass_with_a_secret_name_shows_it() -> None:
    """Every dataclass of the core and the hub: fields that are called key, token, secret, tag or box stay hidden."""
    telling = {"token", "secret_key", "label_key", "seed", "tag", "box", "handle", "passphrase", "salt"}
    public = {"salt", "seed"}  # of audit records, which their actors read; of filters, which is published
    for package in (alliance, alliance_server):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if ".v1" in module.name or "__main__" in module.name or ".migrations" in module.name:
                continue
            for value in vars(importlib.import_module(module.name)).values():
                if isinstance(value, type) and dataclasses.is_dataclass(value) and value.__module__ == module.name:
                    _check(value, telling - public)


def _check(cls: type[Any], telling: set[str]) -> None:
    generated = hasattr(cls.__repr__, "__wrapped__")  # by `dataclass`, which shows all that is not excepted
    shown = {it.name for it in dataclasses.fields(cls) if it.repr and "Secret" not in str(it.type)}
    assert not (generated and shown & telling), f"{cls.__name__} shows {shown & telling}"


# -- logs -------------------------------------------------------------------------------------------------------


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Any:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    kept, root = structlog.get_config(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers.clear()  # those of pytest: they must not be closed
    configure_logs()
    yield stream
    structlog.configure(**kept)
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_field_that_is_not_allowed_does_not_get_out(log: io.StringIO) -> None:
    structlog.get_logger("x").error("happened", reason="R", identifier="13800138000", tag=MARK, exc_info=True)
    (line,) = log.getvalue().splitlines()
    assert set(json.loads(line)) <= ALLOWED_FIELDS
    assert json.loads(line)["reason"] == "R"
    assert "13800138000" not in line


def test_libraries_get_their_name_out_and_nothing_else(log: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", log)
    logging.getLogger().handlers.clear()
    configure_logs()  # again: pytest set its level and its streams for the test's body
    try:
        int("13800138000 is no number")
    except ValueError:
        logging.getLogger("grpc._server").exception("failed on %s", "13900139000", stack_info=True)
    logging.getLogger("asyncio").error("Task exception was never retrieved: 13800138000")
    logging.getLogger("some.library").warning("13800138000")
    assert [json.loads(line) for line in log.getvalue().splitlines()] == [
        {"level": "error", "logger": "grpc._server"},
        {"level": "error", "logger": "asyncio"},
    ]


def test_no_allowed_field_is_made_for_content() -> None:
    assert not ALLOWED_FIELDS & {
        "tag",
        "prefix",
        "identifier",
        "entry_id",
        "member",
        "token",
        "payload",
        "value",
        "text",
    }


def test_a_refusals_detail_is_not_what_the_caller_reads() -> None:
    refused = Refused(Reason.NOT_FOUND, "detail for the log")
    assert "for the log" not in str(status_of(refused.reason))


def test_tracebacks_of_the_command_line_show_no_locals() -> None:
    assert app.pretty_exceptions_enable is False


def test_secrets_are_neither_pickled_nor_copied() -> None:
    secret = Secret(os.urandom(32))
    for act in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            act(secret)
