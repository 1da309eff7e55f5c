"""One process of a machine does what is the same for all that share a state's folder: whoever holds a file's lock.

The lock is the operating system's and ends with its process. Two clients within one process may both lead, and so may
two machines where a shared folder knows no locks: what they do is safe to be done twice.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def leading(path: Path) -> Iterator[bool]:
    """Tell whether this process leads, and hold that for as long as the block runs."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:  # a full disk, say: then others do not follow either
        yield True
        return
    try:
        yield _is_locked(descriptor)
    finally:
        os.close(descriptor)


def _is_locked(descriptor: int) -> bool:
    try:
        # POSIX's own lock, since a child that was forked must not keep it.
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # no locks here
        return True
    return True
