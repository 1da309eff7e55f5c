"""OpenMined's PSI (C++ over OpenSSL's P-256, ECDH, without proofs): the usual peer.

Four steps: the server's set-up message of its whole set, once; the client's request; the server's answer; the client's
intersection, for which it needs the set-up message. The steps of one set follow each other, each on one thread, so that
wall time is their sum. Nothing is taken off. The set-up stands apart because it is made once for many clients, as
contributing is with us.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from benchmarks.measure.failure import BenchmarkFailed
from benchmarks.measure.memory import Memory, Watch, watched
from benchmarks.measure.processes import Program
from benchmarks.measure.progress import Say
from benchmarks.peers.home import Peer

OPENMINED: Final = Peer("openmined", ("openmined-psi==2.0.6",), "benchmarks.peers.openmined_program")
SETUP, REQUEST, PROCESS, INTERSECT = "setup", "request", "process", "intersect"
SCREENING: Final = (REQUEST, PROCESS, INTERSECT)
_READY_SECONDS, _STEP_SECONDS = 60.0, 3600.0
_MICRO = 1e6


@dataclass(frozen=True, slots=True)
class Screened:
    """What a screening took, by step: CPU and wall seconds; bytes of all messages; largest memory of each side."""

    items: int
    """Of the client's set."""
    listed: int
    """Of the server's."""
    cpu: dict[str, float]
    wall: dict[str, float]
    setup_bytes: int
    bytes: int
    """Of request and response."""
    start: dict[str, Memory]
    peak: dict[str, Memory]

    def micros(self, *steps: str) -> float:
        """Give microseconds of CPU an item of the client's for some steps, or of the server's for the set-up."""
        items = self.listed if steps == (SETUP,) else self.items
        return sum(self.cpu[step] for step in steps) * _MICRO / items

    def seconds(self, *steps: str) -> float:
        """Give wall seconds of some steps."""
        return sum(self.wall[step] for step in steps)


class OpenMined:
    """A server and a client of it, in processes of their own."""

    def __init__(self, folder: Path, say: Say) -> None:
        """Install it where need be; raises PeerMissing. Files of the run go into the folder."""
        OPENMINED.install(say)
        self._folder = folder
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._server, self._client = (stack.enter_context(self._party(name)) for name in ("server", "client"))
            for party in (self._server, self._client):
                party.ask({"do": "ready"}, _READY_SECONDS)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _party(self, role: str) -> Program:
        return OPENMINED.start(self._folder, f"openmined-{role}")

    def screened(self, listed: Sequence[str], screened: Sequence[str], common: int) -> Screened:
        """Screen one set against another; raises BenchmarkFailed unless so many are found."""
        sets = {name: self._written(name, rows) for name, rows in (("listed", listed), ("screened", screened))}
        with watched(server=self._server.pid, client=self._client.pid) as watch:
            taken = self._steps(sets, len(screened))
        # The structure is a probable one: a billion to one it is right.
        if taken[INTERSECT]["found"] != common:
            raise BenchmarkFailed(f"OpenMined found {taken[INTERSECT]['found']} of {common}")
        return _screened(taken, len(screened), len(listed), watch)

    def _written(self, name: str, rows: Sequence[str]) -> Path:
        path = self._folder / f"{name}.txt"
        path.write_text("\n".join(rows) + "\n", "utf-8")
        return path

    def _steps(self, sets: dict[str, Path], clients: int) -> dict[str, dict[str, Any]]:
        files = {name: str(self._folder / name) for name in ("setup", "request", "response")}
        listed, screened = str(sets["listed"]), str(sets["screened"])
        taken = {}
        for party, step, given in (
            (self._server, SETUP, {"rows": listed, "clients": clients, "out": files["setup"]}),
            (self._client, REQUEST, {"rows": screened, "out": files["request"]}),
            (self._server, PROCESS, {"request": files["request"], "out": files["response"]}),
            (self._client, INTERSECT, {"setup": files["setup"], "response": files["response"]}),
        ):
            taken[step] = party.ask({"do": step, **given}, _STEP_SECONDS)
        return taken


def _screened(taken: dict[str, dict[str, Any]], items: int, listed: int, watch: Watch) -> Screened:
    return Screened(
        items=items,
        listed=listed,
        cpu={step: answer["cpu"] for step, answer in taken.items()},
        wall={step: answer["wall"] for step, answer in taken.items()},
        setup_bytes=taken[SETUP]["bytes"],
        bytes=taken[REQUEST]["bytes"] + taken[PROCESS]["bytes"],
        start=watch.start,
        peak=watch.peak,
    )
