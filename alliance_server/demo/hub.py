"""The demo's hub, a process of its own: `python -m alliance_server.demo.hub FOLDER --capture FILE [--behave HOW]`.

It is the hub of `alliance-server serve`, with a capture around it and, on request, a wrong:

- `honest`: the hub as it is;
- `other-key`: it announces the epoch's key and evaluates under another;
- `flipped-bit`: it signs the filter and serves it with one bit flipped.

Prints one JSON line once it listens, and another with the calls that it counted when it ends. It ends when its
standard input does, so that it never outlives the demo; logs go to standard error.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvloop

from alliance.crypto.secret import Secret
from alliance.crypto.tagging import generate_key_pair
from alliance_server.bootstrap import Hub
from alliance_server.config import load_config
from alliance_server.demo.capture import Capture, FlippedBit
from alliance_server.domain.ports import Evaluator
from alliance_server.hub_keys import HubKeys
from alliance_server.logs import configure_logs
from alliance_server.services.compute import Compute
from alliance_server.services.local_evaluator import LocalEvaluator

HONEST, OTHER_KEY, FLIPPED_BIT = "honest", "other-key", "flipped-bit"


def _evaluator_with_another_key(_keys: HubKeys, compute: Compute) -> Evaluator:
    other = generate_key_pair(Secret(os.urandom(32))).secret_key
    return LocalEvaluator(lambda _epoch: other, compute)


def _make(folder: Path, capture: Capture, behave: str) -> Hub:
    evaluator_of: Callable[[HubKeys, Compute], Evaluator] | None = None
    interceptors: list[Any] = [capture]
    if behave == OTHER_KEY:
        evaluator_of = _evaluator_with_another_key
    elif behave == FLIPPED_BIT:
        interceptors.append(FlippedBit())
    return Hub(load_config(folder), evaluator_of=evaluator_of, interceptors=interceptors)


async def _serve(hub: Hub) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(sys.stdin.fileno(), stopped.set)
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    await hub.start()
    try:
        _print({"port": hub.port, "enrolment_port": hub.enrolment_port})
        await stopped.wait()
    finally:
        loop.remove_reader(sys.stdin.fileno())
        await hub.stop()


def _print(document: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(description="The demo's hub.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--capture", type=Path, required=True)
    parser.add_argument("--behave", choices=(HONEST, OTHER_KEY, FLIPPED_BIT), default=HONEST)
    options = parser.parse_args()
    configure_logs()
    capture = Capture(options.capture)
    uvloop.run(_serve(_make(options.folder, capture, options.behave)))
    capture.close()
    _print({"calls": dict(capture.calls)})


if __name__ == "__main__":
    main()
