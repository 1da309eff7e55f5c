"""SecretFlow's unbalanced PSI (`spu`; ECDH as an OPRF on FourQ, no proofs): the fastest curve-based peer found.

Two processes on loopback, without TLS. Offline, once for a server's set: the server evaluates it all and sends the
results, which the client keeps. Online, for each client's set: blinded, evaluated, unblinded, looked up. The library
uses as many threads as it likes.
"""

import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from benchmarks.measure.failure import BenchmarkFailed
from benchmarks.measure.memory import Memory, watched
from benchmarks.measure.ports import LOOPBACK, free_ports
from benchmarks.measure.processes import Program
from benchmarks.measure.progress import Say
from benchmarks.peers.home import Peer

SECRETFLOW: Final = Peer("secretflow", ("spu==0.9.5", "numpy==1.26.*"), "benchmarks.peers.secretflow_program")
_OFFLINE, _ONLINE = "MODE_OFFLINE", "MODE_ONLINE"
_KEY_BYTES = 32
_READY_SECONDS, _STEP_SECONDS = 120.0, 3600.0


@dataclass(frozen=True, slots=True)
class Step:
    """What a step took: wall seconds until both were done, CPU seconds by side, bytes of both directions."""

    wall: float
    cpu: dict[str, float]
    bytes: int
    start: dict[str, Memory]
    peak: dict[str, Memory]

    @property
    def both(self) -> float:
        """CPU seconds of both sides."""
        return sum(self.cpu.values())


class SecretFlow:
    """A server with its set, and a client, in processes of their own."""

    def __init__(self, folder: Path, listed: Sequence[str], say: Say) -> None:
        """Install it where need be; raises PeerMissing. Files of the run go into the folder."""
        SECRETFLOW.install(say)
        self._folder = folder
        self._written("server", listed)
        (folder / "key").write_bytes(os.urandom(_KEY_BYTES))
        self._stack = ExitStack()
        self._parties: dict[str, Program] = {}

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for role in ("server", "client"):
                self._parties[role] = stack.enter_context(SECRETFLOW.start(self._folder, f"secretflow-{role}"))
            for party in self._parties.values():
                party.ask({"do": "ready"}, _READY_SECONDS)
            parties = dict(zip(self._parties, (f"{LOOPBACK}:{port}" for port in free_ports()), strict=True))
            for rank, party in enumerate(self._parties.values()):
                party.tell({"do": "connect", "parties": parties, "rank": rank})
            for party in self._parties.values():
                party.answer(_READY_SECONDS)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def offline(self) -> Step:
        """Evaluate the server's set and hand the client its cache."""
        self._written("client", ["0"])
        return self._run(_OFFLINE)[0]

    def online(self, screened: Sequence[str], common: int) -> Step:
        """Screen a client's set; raises BenchmarkFailed unless so many are found."""
        self._written("client", screened)
        step, found = self._run(_ONLINE)
        if found != common:
            raise BenchmarkFailed(f"SecretFlow found {found} of {common}")
        return step

    def _written(self, role: str, rows: Sequence[str]) -> None:
        (self._folder / f"{role}.csv").write_text("\n".join(["id", *rows]) + "\n", "utf-8")

    def _run(self, mode: str) -> tuple[Step, int]:
        with watched(**{role: party.pid for role, party in self._parties.items()}) as watch:
            for role, party in self._parties.items():
                party.tell(
                    {
                        "do": "run",
                        "mode": mode,
                        "role": f"ROLE_{role.upper()}",
                        "rows": str(self._folder / f"{role}.csv"),
                        "out": str(self._folder / f"{role}.found.csv"),
                        "cache": str(self._folder / f"{role}.cache"),
                        "key": str(self._folder / "key") if role == "server" else "",
                    }
                )
            answers = {role: party.answer(_STEP_SECONDS) for role, party in self._parties.items()}
        client = answers["client"]
        step = Step(
            wall=max(answer["wall"] for answer in answers.values()),
            cpu={role: answer["cpu"] for role, answer in answers.items()},
            bytes=int(client["sent"] + client["received"]),
            start=watch.start,
            peak=watch.peak,
        )
        return step, client["found"]
