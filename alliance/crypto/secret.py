"""Bytes that cannot be printed, compared or stored by accident.

Rules:

- key material travels as a `Secret`; it becomes `bytes` through `reveal()` and in no other way, so every
  place that uses it can be found by that one word;
- its `repr`, `str` and `format` show the length and nothing else, so a log line or a traceback is harmless;
- comparison takes the same time wherever the first difference is; hashing, ordering, copying and pickling are
  refused, because each of them leaves the value, or a trace of it, where nobody looks for it.

What it does not do: wipe memory. Python copies `bytes` freely and frees them without overwriting; whoever can
read this process's memory has its keys. `docs/limitations.md` says so.
"""

import hmac
from typing import NoReturn, SupportsIndex, final


@final
class Secret:
    """Secret bytes with a redacted face; a bytearray or memoryview is copied."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes | bytearray | memoryview) -> None:
        self._value = bytes(value)

    def reveal(self) -> bytes:
        """Return the bytes themselves: the one way out."""
        return self._value

    def __len__(self) -> int:
        return len(self._value)

    def __bool__(self) -> bool:
        # Without this, truth would follow the length: `if key:` should ask whether a key is there at all.
        return True

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value, other._value)

    __hash__ = None  # type: ignore[assignment]  # a hash of a secret tells about the secret

    def __repr__(self) -> str:
        return f"Secret(<{len(self._value)} bytes>)"

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError("a Secret is neither pickled nor copied")
