"""What this process spends: CPU of it and its children, and bytes on its TCP connections.

Standard library only, so that a peer's process can use it too. Bytes are what the kernel counts of a connection
(`TCP_INFO`, Linux): TLS and its handshake included, TCP and IP headers not. Elsewhere they read 0.
"""

import contextlib
import os
import resource
import socket
import struct
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from benchmarks.measure.memory import descendants

_FILES, _THREADS = Path("/proc/self/fd"), Path("/proc/self/task")
_TCP_INFO = getattr(socket, "TCP_INFO", None)
_INFO_BYTES = 136
_ACKNOWLEDGED_AND_RECEIVED = struct.Struct("=120xQQ")  # tcpi_bytes_acked, tcpi_bytes_received of <linux/tcp.h>


@dataclass(frozen=True, slots=True)
class Spent:
    """What a process spent since its start, or between two readings."""

    cpu: float = 0.0
    """Seconds, user and system, all threads, children included."""
    sent: int = 0
    received: int = 0
    """Bytes on TCP connections."""
    elsewhere: float = 0.0
    """Of the CPU seconds, those of threads that the interpreter does not know: a library's own."""

    def __sub__(self, earlier: Self) -> "Spent":
        return Spent(
            self.cpu - earlier.cpu,
            self.sent - earlier.sent,
            self.received - earlier.received,
            max(0.0, self.elsewhere - earlier.elsewhere),
        )


class Meter:
    """Reads what this process spent; remembers connections that ended since it last looked."""

    def __init__(self) -> None:
        self._connections: dict[str, tuple[int, int]] = {}

    def read(self) -> Spent:
        """Give what was spent so far."""
        self._connections |= _connections()
        bytes_of = self._connections.values()
        return Spent(
            _cpu(), sum(sent for sent, _ in bytes_of), sum(received for _, received in bytes_of), _cpu_elsewhere()
        )


def _cpu() -> float:
    own, ended = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = own.ru_utime + own.ru_stime + ended.ru_utime + ended.ru_stime
    return seconds + sum(_cpu_of(Path(f"/proc/{child}")) for child in descendants(os.getpid()))


def _cpu_elsewhere() -> float:
    known = {str(thread.native_id) for thread in threading.enumerate()}
    threads = _THREADS.iterdir() if _THREADS.is_dir() else ()
    return sum(_cpu_of(thread) for thread in threads if thread.name not in known)


def _cpu_of(task: Path) -> float:
    """Give the CPU seconds of a process or a thread, to a hundredth; 0 where it ended meanwhile."""
    try:
        fields = (task / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _connections() -> dict[str, tuple[int, int]]:
    """Give bytes sent and received by this process's TCP connections, by the kernel's name of each."""
    found: dict[str, tuple[int, int]] = {}
    if _TCP_INFO is None or not _FILES.is_dir():
        return found
    for entry in _FILES.iterdir():
        with contextlib.suppress(OSError, struct.error):  # no TCP socket, or closed meanwhile
            name = str(entry.readlink())
            if name.startswith("socket:"):
                with socket.socket(fileno=os.dup(int(entry.name))) as connection:
                    info = connection.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, _INFO_BYTES)
                found[name] = _ACKNOWLEDGED_AND_RECEIVED.unpack(info)
    return found
