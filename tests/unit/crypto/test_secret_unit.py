"""`Secret`: nothing shows it, nothing stores it."""

import copy
import pickle
import traceback

import pytest

from alliance.crypto.secret import Secret

VALUE = b"\xabthe key itself\xcd"


def test_reveal_is_the_way_out() -> None:
    assert Secret(VALUE).reveal() == VALUE
    assert Secret(bytearray(VALUE)).reveal() == VALUE
    assert len(Secret(VALUE)) == len(VALUE)
    with pytest.raises(TypeError):
        bytes(Secret(VALUE))  # type: ignore[call-overload]


def test_a_mutable_source_is_copied() -> None:
    source = bytearray(VALUE)
    secret = Secret(source)
    source[0] = 0
    assert secret.reveal() == VALUE


@pytest.mark.parametrize("show", [repr, str, lambda s: f"{s}", lambda s: f"{s!r:>40}", lambda s: repr([s])])
def test_no_face_shows_it(show: object) -> None:
    assert callable(show)
    shown = show(Secret(VALUE))
    assert "the key itself" not in shown
    assert VALUE.hex() not in shown
    assert f"{len(VALUE)} bytes" in shown


def test_a_traceback_with_it_as_argument_is_harmless() -> None:
    error = ValueError(Secret(VALUE))
    assert "the key itself" not in "".join(traceback.format_exception(error))


def test_equality_is_between_secrets_only() -> None:
    assert Secret(VALUE) == Secret(VALUE)
    assert Secret(VALUE) != Secret(VALUE + b"x")
    assert Secret(VALUE) != Secret(VALUE[:-1] + b"x")
    assert Secret(VALUE) != VALUE


def test_an_empty_secret_is_still_there() -> None:
    assert Secret(b"")


@pytest.mark.parametrize("store", [hash, pickle.dumps, copy.copy, copy.deepcopy])
def test_neither_hashed_nor_stored(store: object) -> None:
    assert callable(store)
    with pytest.raises(TypeError):
        store(Secret(VALUE))


def test_no_attribute_is_added() -> None:
    with pytest.raises(AttributeError):
        Secret(VALUE).note = "x"  # type: ignore[attr-defined]
