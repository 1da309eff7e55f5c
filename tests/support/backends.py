"""The backends that are installed, by name; the reference gives the bytes."""

import importlib.util

import pytest

from alliance.crypto import backend as backends
from alliance.crypto.backend import Backend

NAMES = ("reference", "native")
REFERENCE = backends.select("reference")
NATIVE_IS_MISSING = "the native backend is not installed: `make native` builds it"
needs_native = pytest.mark.skipif(importlib.util.find_spec(backends.NATIVE_MODULE) is None, reason=NATIVE_IS_MISSING)


def backend_named(name: str) -> Backend:
    """Give a backend, or skip the test with the reason why there is none."""
    if name == "native" and importlib.util.find_spec(backends.NATIVE_MODULE) is None:
        pytest.skip(NATIVE_IS_MISSING)
    return backends.select(name)
