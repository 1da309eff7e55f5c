"""Loopback, and ports that are free."""

import socket
from typing import Final

LOOPBACK: Final = "127.0.0.1"


def free_ports() -> tuple[int, int]:
    """Give two ports that are free now."""
    with socket.socket() as first, socket.socket() as second:
        for one in (first, second):
            one.bind((LOOPBACK, 0))
        return first.getsockname()[1], second.getsockname()[1]
