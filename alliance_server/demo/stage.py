"""The demo's stage: a hub that is made, run and run again, the lenders around it, and what can be observed of it."""

import json
import shutil
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from alliance_server.config import load_config
from alliance_server.demo.capture import ENROLMENT
from alliance_server.demo.hub import HONEST
from alliance_server.demo.lender import Lender
from alliance_server.demo.processes import Child, DemoFailed, Processes, demand
from alliance_server.domain.actions import AuditAction
from alliance_server.domain.members import HUB_ACTOR
from alliance_server.storage import database
from alliance_server.storage.tables import AuditTable, table_of

_SERVER, _HUB = "alliance_server", "alliance_server.demo.hub"
_CAPTURE = "received"
_START_SECONDS = 60.0
_SETTLE_TRIES = 20
_EVENTS = table_of(AuditTable).c


class Stage:
    """One hub and its lenders in a folder, each a process of its own whenever it acts."""

    def __init__(self, folder: Path, processes: Processes, say: Callable[[str], None]) -> None:
        """Use an empty folder; `say` tells whoever watches what goes on."""
        self.processes = processes
        self.acts: list[tuple[str, float]] = []
        """What was done, each with the time when it began."""
        self.hub = folder / "hub"
        self.observed = folder / "observed"
        """Captured traffic, the hub's log, and its write-ahead log as it was before each stop."""
        self.calls: Counter[str] = Counter()
        """Calls by member that must have left an audit event."""
        self.folder = folder
        self._say = say
        self._runs = 0
        self.observed.mkdir()

    def say(self, act: str) -> None:
        """Tell what begins now."""
        self.acts.append((act, time.monotonic()))
        self._say(act)

    def durations(self) -> list[tuple[str, float]]:
        """Give what was done with the seconds that it took; what runs now ends now."""
        ends = [start for _, start in self.acts[1:]] + [time.monotonic()]
        return [(act, end - start) for (act, start), end in zip(self.acts, ends, strict=True)]

    def make_hub(self) -> None:
        """Make the hub as its operator does."""
        addresses = (f"127.0.0.1:{_free_port()}" for _ in range(2))
        listen = ("--listen", next(addresses), "--enrolment-listen", next(addresses))
        self.processes.run("hub init", _SERVER, "init", self.hub, "--alliance", "demo", *listen)

    def enrol(self, names: Sequence[str]) -> dict[str, Lender]:
        """Invite lenders, let them enrol, and confirm the fingerprints that they tell; the hub must serve."""
        lenders = {name: Lender(name, self.folder / name, self.processes) for name in names}
        bundles = {name: self.folder / f"{name}.bundle.json" for name in names}
        for lender in lenders.values():
            lender.folder.mkdir()
        self.all_good(
            [
                self.processes.start(
                    f"invite {name}", _SERVER, "member", "invite", name, "--out", path, "--dir", self.hub, typed=""
                )
                for name, path in bundles.items()
            ]
        )
        enrolling = {name: lender.enrol(bundles[name]) for name, lender in lenders.items()}
        told = {name: demand(child.name, child.wait(_START_SECONDS)).document() for name, child in enrolling.items()}
        self.all_good([self._confirm(name, str(said["fingerprint"])) for name, said in told.items()])
        return lenders

    def _confirm(self, name: str, words: str) -> Child:
        command = ("member", "confirm", name, "--fingerprint", words, "--dir", self.hub)
        return self.processes.start(f"confirm {name}", _SERVER, *command, typed="")

    @contextmanager
    def serving(self, behave: str = HONEST) -> Iterator[None]:
        """Run the hub until the block ends, then count the calls that it saw."""
        self._runs += 1
        capture = self.observed / f"{_CAPTURE}-{self._runs}-{behave}.bin"
        log = self.observed / "hub.log"
        child = self.processes.start("hub", _HUB, self.hub, "--capture", capture, "--behave", behave, log=log)
        child.first_line(_START_SECONDS)
        try:
            yield
        finally:
            self._keep_write_ahead_log()
            child.release()
        ended = demand("hub", child.wait(_START_SECONDS))
        self.calls.update(json.loads(ended.output.splitlines()[-1])["calls"])

    def settle(self, lender: Lender, claims: int) -> None:
        """Wait until the hub's filter holds all claims, by what a lender sees."""
        for _ in range(_SETTLE_TRIES):
            if demand("sync", lender.sync().wait(_START_SECONDS)).document()["sequence"] >= claims:
                return
        raise DemoFailed("the hub's filter does not reach its registry")

    def all_good(self, children: Sequence[Child]) -> None:
        """Wait for children that ought to end well."""
        for child in children:
            demand(child.name, child.wait(_START_SECONDS))

    def events(self) -> Counter[str]:
        """Count the audit events in the hub's database by member, enrolments apart; the hub's own are left out."""
        engine = database.connect(load_config(self.hub).database_url)
        try:
            with engine.connect() as connection:
                rows = connection.execute(
                    sa.select(_EVENTS.actor, _EVENTS.action, sa.func.count()).group_by(_EVENTS.actor, _EVENTS.action)
                ).all()
        finally:
            engine.dispose()
        events: Counter[str] = Counter()
        for actor, action, count in rows:
            if actor != HUB_ACTOR:
                events[ENROLMENT if action == AuditAction.MEMBER_ENROL else actor] += count
        return events

    def verify_log(self, folder: Path) -> int:
        """Verify the whole log of a hub that does not run, as its operator does; gives the exit code."""
        child = self.processes.start("audit verify", _SERVER, "audit", "verify", "--dir", folder, typed="")
        return child.wait(_START_SECONDS).code

    def hub_files(self) -> list[Path]:
        """Give every file that the hub has or that was observed of it."""
        return sorted(path for folder in (self.hub, self.observed) for path in folder.rglob("*") if path.is_file())

    def captures(self) -> list[Path]:
        """Give the files with the decrypted requests."""
        return sorted(self.observed.glob(f"{_CAPTURE}-*"))

    def _keep_write_ahead_log(self) -> None:
        """Copy the write-ahead log, which the hub's stop empties: what was ever in it counts as the hub's."""
        for path in self.hub.glob("*-wal"):
            shutil.copyfile(path, self.observed / f"{path.name}-{self._runs}")


def _free_port() -> int:
    """Find a port that nothing listens on now; the hub takes the same one whenever it is started."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
