"""The audit log: how many events become durable and sealed, and what a long log costs who proves and verifies.

- Rates: 256 callers append one event after another, each waiting for its own commit, while the sealer works. Bare: the
  same callers, one thread that inserts the same rows into a table of the same shape and commits, and nothing else.
- A long log: as many events as are asked for, sealed by the hub's own sealer; `--logged 10000000` takes an hour.
"""

import asyncio
import gc
import hashlib
import random
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

from sqlalchemy.engine import Engine

from alliance.crypto import merkle
from alliance.tlog.tiles import nodes_of
from alliance_server.domain.audit import AuditRecord
from alliance_server.domain.logs import Log, TreeHead
from alliance_server.domain.ports import Transaction
from alliance_server.storage import database
from alliance_server.storage.log_stream import LogStream
from alliance_server.verification import verify_logs
from benchmarks.goals import BARE_POSTGRESQL, BARE_SQLITE, LOG_RATE
from benchmarks.measure.failure import BenchmarkFailed
from benchmarks.measure.progress import Say
from benchmarks.report import Figure, Section
from benchmarks.sizes import Sizes
from benchmarks.stage.appending import (
    ALLIANCE,
    CALLERS,
    Sealed,
    event,
    prepared,
    running_postgres,
    seconds_bare,
    seconds_sealed,
)

_CHUNK, _PROOFS, _TURNS = 10_000, 1_000, 3


def measured(folder: Path, sizes: Sizes, say: Say) -> list[Section]:
    """Run the part."""
    return [_rates(folder, sizes, say), _long(folder, sizes, say)]


def _rates(folder: Path, sizes: Sizes, say: Say) -> Section:
    gc.collect()
    gc.freeze()  # as a hub that serves does
    figures, missing = [], []
    figures.append(_rate(f"sqlite:///{folder / 'rates.db'}", BARE_SQLITE, folder / "sqlite", sizes, say))
    try:
        with running_postgres(folder / "postgres") as url:
            figures.append(_rate(url, BARE_POSTGRESQL, folder / "postgresql", sizes, say))
    except BenchmarkFailed as error:
        missing.append(str(error))
    note = (
        f"{CALLERS} callers append {sizes.appended:,} events, one after another, each answered after its commit; until "
        f"a signed checkpoint has the last of them. Medians of {_TURNS} turns, both by turns, on one disk, fsync on."
    )
    return Section("log", note, tuple(figures), tuple(missing))


def _rate(url: str, rival: str, folder: Path, sizes: Sizes, say: Say) -> Figure:
    prepared(url)
    bare, sealed = [], []
    for turn in range(_TURNS):
        say(f"appending {sizes.appended:,} events: {rival}, turn {turn + 1}")
        bare.append(sizes.appended / asyncio.run(seconds_bare(url, sizes.appended)))
        sealed.append(sizes.appended / asyncio.run(seconds_sealed(url, folder, sizes.appended)))
    return Figure(LOG_RATE, median(sealed), "events/s", rival, median(bare))


def _long(folder: Path, sizes: Sizes, say: Say) -> Section:
    url, logs = f"sqlite:///{folder / 'long.db'}", folder / "long"
    prepared(url)
    sealed = Sealed(url, logs)
    try:
        _fill(sealed, sizes.logged, say)
        say(f"sealing {sizes.logged:,} events")
        began = time.perf_counter()
        asyncio.run(sealed.sealer.turn())
        sealing = time.perf_counter() - began
        ((log, head),) = sealed.store.read_now(_trees)
        say("proving")
        proof_us, hashes = _proofs(sealed, log, head)
        say(f"verifying {sizes.logged:,} events")
        engine = database.connect(url)
        verifying, hashing = _verified(engine, sealed, logs), _hashed(engine)
        engine.dispose()
    finally:
        sealed.close()
    title, count = f"{sizes.logged:,} events", sizes.logged
    content = len(event(0).salt) + len(event(0).event)
    on_disk = sum(path.stat().st_size for path in folder.glob("long.db*")) / count
    tiles = sum(path.stat().st_size for path in logs.rglob("*") if path.is_file()) / count
    figures = (
        Figure(f"sealed at once, {title}", count / sealing, "events/s", "bare SHA-256 of the leaves", count / hashing),
        Figure(
            f"verified whole, {title}", count / verifying, "events/s", "bare SHA-256 of the leaves", count / hashing
        ),
        Figure(f"proof of inclusion, {title}: made", proof_us, "µs", "reading a tile's file", _tile_us(sealed, log)),
        Figure(f"proof of inclusion, {title}: size", hashes * 32.0, "bytes", "one hash", 32.0),
        Figure(f"database, {title}", on_disk, "bytes an event", "salt and event", float(content)),
        Figure(f"tiles, {title}", tiles, "bytes an event", "one hash", 32.0),
    )
    note = (
        "SQLite, warm cache, one process. A proof is made of tiles alone: median of 1,000 leaves. Verified are events, "
        "trees, signatures and tiles, beside hashing salts and events as they are read; events as evaluations leave."
    )
    return Section("a long log", note, figures)


def _fill(sealed: Sealed, count: int, say: Say) -> None:
    for first in range(0, count, _CHUNK):
        records = [event(number) for number in range(first, min(first + _CHUNK, count))]
        sealed.store.write_now(partial(_add, records=records))
        say(f"{first:,} of {count:,} events")


def _add(transaction: Transaction, *, records: list[AuditRecord]) -> None:
    for record in records:
        transaction.record(record)


def _trees(transaction: Transaction) -> list[tuple[Log, TreeHead]]:
    both = [(log, transaction.logs.head(log.number)) for log in transaction.logs.all()]
    return [(log, head) for log, head in both if head is not None]


def _proofs(sealed: Sealed, log: Log, head: TreeHead) -> tuple[float, int]:
    """Give the median time of a proof in microseconds, and its hashes at most."""
    nodes = nodes_of(head.size, partial(sealed.files.read, log.origin))
    chance, most = random.Random(1), 0  # noqa: S311 - repeatable
    taken = []
    for _ in range(_PROOFS):
        index = chance.randrange(head.size)
        taken.append(_microseconds(lambda index=index: merkle.inclusion_proof(index, head.size, nodes)))  # type: ignore[misc]
        most = max(most, len(merkle.inclusion_proof(index, head.size, nodes)))
    return median(taken), most


def _tile_us(sealed: Sealed, log: Log) -> float:
    path = next(iter(sorted((sealed.folder / log.origin / "tile" / "0").rglob("[0-9]*[0-9]"))))
    return median(_microseconds(path.read_bytes) for _ in range(_PROOFS)) if path.is_file() else 0.0


def _microseconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1e6


def _verified(engine: Engine, sealed: Sealed, folder: Path) -> float:
    began = time.perf_counter()
    found = verify_logs(LogStream(engine), folder, ALLIANCE, sealed.identity.public_key)
    if not found.holds:
        raise BenchmarkFailed(f"the log does not verify: {found.faults[0]}")
    return time.perf_counter() - began


def _hashed(engine: Engine) -> float:
    began = time.perf_counter()
    with engine.connect() as connection:
        for salt, content in connection.exec_driver_sql("SELECT salt, event FROM audit_events"):
            hashlib.sha256(b"\0" + salt + content)
    return time.perf_counter() - began
