"""What a service manager is told (sd_notify(3)): that the hub serves, lives, ends. Without one, nothing."""

import asyncio
import contextlib
import os
import socket


def tell(state: str) -> None:
    """Send a state such as READY=1 to the socket that NOTIFY_SOCKET names; never waits for who does not listen."""
    place = os.environ.get("NOTIFY_SOCKET", "")
    if not place:
        return
    kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
    with socket.socket(socket.AF_UNIX, kind) as channel, contextlib.suppress(OSError):
        channel.connect("\0" + place[1:] if place.startswith("@") else place)
        channel.send(state.encode())


async def keep_alive() -> None:
    """Tell the watchdog twice in its time that the event loop turns; returns where there is none."""
    pause = int(os.environ.get("WATCHDOG_USEC") or 0) / 2_000_000
    while pause:
        tell("WATCHDOG=1")
        await asyncio.sleep(pause)
