"""What key files of tests cost to open."""

from typing import Final

from alliance.keyring import store

OF_PROGRAMS: Final = dict(store.SCRYPT)
"""What key files cost that programs make."""


def open_cheaply() -> None:
    """Have key files that tests make from now on cost next to nothing to open, wherever they are opened.

    A test enrols several members; each would cost 0.1 s of a processor and 32 MB, again for every program that opens
    what the test made. Programs that are started as processes make theirs as they do anywhere.
    """
    store.SCRYPT["n"] = 16
