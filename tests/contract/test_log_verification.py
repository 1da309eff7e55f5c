"""Whoever owns the database can drop the triggers and change what it likes: verification finds it, and says where."""

import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from support.postgres import Postgres
from support.sealed import FIRST_MONTH, SECOND_MONTH, SealedLog, make
from support.stores import NOW

from alliance.crypto import merkle
from alliance.crypto.merkle import Frontier
from alliance.crypto.signing import SigningKey
from alliance.tlog.checkpoints import sign_checkpoint
from alliance.tlog.logs import LogName
from alliance.v1.audit_pb2 import AuditEvent
from alliance.v1.succession_pb2 import Succession
from alliance_server.services.sealing import Sealer
from alliance_server.storage.unit_of_work import SqlStore

SEALED = sum(FIRST_MONTH) + sum(SECOND_MONTH) + 2
"""Events in trees: with a publication in each month."""

NewLog = Callable[[], SealedLog]


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.nightly)])
def new_log(request: pytest.FixtureRequest, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> NewLog:
    """Give copies of a sealed log that was made once."""
    first = tmp_path_factory.mktemp("sealed")
    postgres: Postgres | None = None
    if request.param == "sqlite":
        shutil.copy(sqlite_template, first / "hub.db")
        url = f"sqlite:///{first / 'hub.db'}"
    else:
        postgres = request.getfixturevalue("postgres")
        url = postgres.migrated()
    made = make(url, first / "log")

    def new() -> SealedLog:
        folder = tmp_path_factory.mktemp("bent")
        if postgres is not None:
            return made.moved(postgres._create(str(sa.make_url(made.url).database)), folder / "log")
        shutil.copy(first / "hub.db", folder / "hub.db")
        return made.moved(f"sqlite:///{folder / 'hub.db'}", folder / "log")

    return new


@pytest.mark.parametrize("new_log", ["sqlite", "postgresql"], indirect=True)
def test_what_nobody_touched_holds(new_log: NewLog) -> None:
    log = new_log()
    found = log.verify(log.checkpoint(1), log.checkpoint(2))
    assert found.faults == []
    assert (found.logs, found.trees, found.sealed, found.unsealed) == (2, 9, SEALED, 2)


# -- events ----------------------------------------------------------------------------------------------------


def stored(log: SealedLog, row: int) -> tuple[bytes, bytes]:
    (found,) = log.rows(f"SELECT salt, event FROM audit_events WHERE id = {row}")  # noqa: S608
    return bytes(found[0]), bytes(found[1])


def written(row: int, salt: bytes, event: bytes, *, rehashed: bool = True) -> tuple[str, dict[str, Any]]:
    """Give the statement that writes an event anew, with the leaf hash that belongs to it or with the old one."""
    values = {"row": row, "salt": salt, "event": event, "leaf": merkle.leaf_hash(salt + event)}
    leaf = ", leaf_hash = :leaf" if rehashed else ""
    return f"UPDATE audit_events SET salt = :salt, event = :event{leaf} WHERE id = :row", values  # noqa: S608


def other_event(event: bytes) -> bytes:
    changed = AuditEvent.FromString(event)
    changed.items += 1
    return changed.SerializeToString()


def content(log: SealedLog) -> None:
    salt, event = stored(log, 40)
    log.bend(written(40, salt, other_event(event), rehashed=False))


def content_and_hash(log: SealedLog) -> None:
    salt, event = stored(log, 40)
    log.bend(written(40, salt, other_event(event)))


def salt_and_hash(log: SealedLog) -> None:
    log.bend(written(40, bytes(32), stored(log, 40)[1]))


def salts_swapped(log: SealedLog) -> None:
    (one, first), (two, second) = stored(log, 40), stored(log, 41)
    log.bend(written(40, two, first), written(41, one, second))


def salt_longer(log: SealedLog) -> None:
    """The bytes that are hashed stay the same: what is salt and what is the event does not."""
    salt, event = stored(log, 40)
    log.bend(written(40, salt + event[:2], event[2:]))


def hash_alone(log: SealedLog) -> None:
    log.bend(("UPDATE audit_events SET leaf_hash = :leaf WHERE id = 40", {"leaf": bytes(32)}))


def order(log: SealedLog) -> None:
    log.bend(*(f"UPDATE audit_events SET id = {new} WHERE id = {old}" for old, new in ((40, -1), (41, 40), (-1, 41))))  # noqa: S608


def deletion(log: SealedLog) -> None:
    log.bend("DELETE FROM audit_events WHERE id = 40")


def last_one_deleted(log: SealedLog) -> None:
    log.bend("DELETE FROM audit_events WHERE id = (SELECT max(last_row) FROM audit_tree_heads)")


COPIED = "SELECT {}, actor, time, action, salt, event, leaf_hash FROM audit_events WHERE id = 40"


def insertion(log: SealedLog) -> None:
    newest = log.value("SELECT max(id) FROM audit_events")
    away = f"UPDATE audit_events SET id = -id WHERE id > 40 AND id <= {newest}"  # noqa: S608
    log.bend(away, "UPDATE audit_events SET id = 1 - id WHERE id < 0", f"INSERT INTO audit_events {COPIED.format(41)}")


def insertion_before_all(log: SealedLog) -> None:
    log.bend(f"INSERT INTO audit_events {COPIED.format(-7)}")


def actor_column(log: SealedLog) -> None:
    """Its actor's own list would leave it out."""
    log.bend("UPDATE audit_events SET actor = 'lender-9' WHERE id = 40")


def time_column(log: SealedLog) -> None:
    log.bend("UPDATE audit_events SET time = time + 1 WHERE id = 40")


def action_column(log: SealedLog) -> None:
    log.bend("UPDATE audit_events SET action = 'claim:purge' WHERE id = 40")


def unsealed_content(log: SealedLog) -> None:
    newest = log.value("SELECT max(id) FROM audit_events")
    salt, event = stored(log, newest)
    log.bend(written(newest, salt, other_event(event), rehashed=False))


# -- trees and checkpoints -------------------------------------------------------------------------------------

MIDDLE = "log = 1 AND size = 302"
LAST = "log = 2 AND size = (SELECT max(size) FROM audit_tree_heads WHERE log = 2)"


def root(log: SealedLog) -> None:
    log.bend((f"UPDATE audit_tree_heads SET root = :root WHERE {MIDDLE}", {"root": bytes(32)}))  # noqa: S608


def nodes(log: SealedLog) -> None:
    log.bend((f"UPDATE audit_tree_heads SET nodes = :nodes WHERE {LAST}", {"nodes": bytes(64)}))  # noqa: S608


def last_row(log: SealedLog) -> None:
    log.bend(f"UPDATE audit_tree_heads SET last_row = last_row - 1 WHERE {MIDDLE}")  # noqa: S608


def size(log: SealedLog) -> None:
    tables = ("audit_tree_heads", "audit_checkpoints")
    log.bend(*(f"UPDATE {table} SET size = size + 5 WHERE {MIDDLE}" for table in tables))  # noqa: S608


def tree_deleted(log: SealedLog) -> None:
    log.bend(f"DELETE FROM audit_tree_heads WHERE {MIDDLE}")  # noqa: S608


def checkpoint_deleted(log: SealedLog) -> None:
    log.bend(f"DELETE FROM audit_checkpoints WHERE {MIDDLE}")  # noqa: S608


def signature(log: SealedLog) -> None:
    stranger, _ = SigningKey.generate()
    there = log.checkpoint(1)
    key = LogName.parse(there.origin).key(stranger.public_key)
    forged = sign_checkpoint(there.size, there.root, key, stranger.sign_text)
    log.bend(
        (
            f"UPDATE audit_checkpoints SET note = :note WHERE log = 1 AND size = {there.size}",  # noqa: S608
            {"note": str(forged.note).encode()},
        )
    )


def other_checkpoint(log: SealedLog) -> None:
    first = "SELECT note FROM audit_checkpoints WHERE log = 1 AND size = 1"
    log.bend(f"UPDATE audit_checkpoints SET note = ({first}) WHERE {MIDDLE}")  # noqa: S608


def tail(log: SealedLog) -> None:
    """All that was sealed last is taken away, with its events."""
    log.bend(*TRUNCATED)


TRUNCATED = (
    "DELETE FROM audit_events WHERE id > (SELECT last_row FROM audit_tree_heads WHERE log = 2 AND size = 91)",
    "DELETE FROM audit_tree_heads WHERE log = 2 AND size > 91",
    "DELETE FROM audit_checkpoints WHERE log = 2 AND size > 91",
)


# -- logs, files, facts ----------------------------------------------------------------------------------------


def log_salt(log: SealedLog) -> None:
    log.bend(("UPDATE audit_logs SET salt = :salt WHERE number = 1", {"salt": bytes(32)}))


def log_event(log: SealedLog) -> None:
    event = bytes(log.value("SELECT event FROM audit_logs WHERE number = 2"))
    log.bend(("UPDATE audit_logs SET event = :event WHERE number = 2", {"event": other_event(event)}))


def log_after_row(log: SealedLog) -> None:
    log.bend("UPDATE audit_logs SET after_row = after_row - 1 WHERE number = 2")


def log_origin(log: SealedLog) -> None:
    log.bend("UPDATE audit_logs SET origin = 'unit/audit/1/2020-01' WHERE number = 1")


def log_time(log: SealedLog) -> None:
    log.bend("UPDATE audit_logs SET began_at = began_at + 1 WHERE number = 2")


def log_without_first(log: SealedLog) -> None:
    log.bend(
        "DELETE FROM audit_events WHERE id <= (SELECT after_row FROM audit_logs WHERE number = 2)",
        *(f"DELETE FROM {table} WHERE log = 1" for table in ("audit_tree_heads", "audit_checkpoints")),  # noqa: S608
        "DELETE FROM audit_logs WHERE number = 1",
    )


def log_without_last(log: SealedLog) -> None:
    log.bend(
        *(f"DELETE FROM {table} WHERE log = 2" for table in ("audit_tree_heads", "audit_checkpoints")),  # noqa: S608
        "DELETE FROM audit_logs WHERE number = 2",
    )


def tile(log: SealedLog) -> None:
    path = next(log.folder.rglob("tile/0/000"))
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


def tile_of_tiles(log: SealedLog) -> None:
    path = next(log.folder.rglob("tile/1/000.p/*"))
    path.write_bytes(bytes(len(path.read_bytes())))


def tile_missing(log: SealedLog) -> None:
    next(log.folder.rglob("tile/0/001")).unlink()


def shown_checkpoint(log: SealedLog) -> None:
    path = next(iter(sorted(log.folder.rglob("checkpoint"))))
    path.write_bytes(path.read_bytes().replace(b"\n\n", b"\nextension\n\n"))


def shown_checkpoint_missing(log: SealedLog) -> None:
    next(log.folder.rglob("checkpoint")).unlink()


def fact_digest(log: SealedLog) -> None:
    log.bend(("UPDATE published_facts SET digest = :digest", {"digest": sha256(b"another").digest()}))


def fact_removed(log: SealedLog) -> None:
    log.bend("DELETE FROM published_facts")


def fact_invented(log: SealedLog) -> None:
    log.bend(("INSERT INTO published_facts (row, digest) VALUES (40, :digest)", {"digest": bytes(32)}))


def all_logs(log: SealedLog) -> None:
    log.bend(*(f"DELETE FROM {table}" for table in ("audit_logs", "audit_tree_heads", "audit_checkpoints")))  # noqa: S608


WHERE: dict[Callable[[SealedLog], None], str] = {
    content: "event 40: its leaf hash",
    content_and_hash: "leaf 40 is another one in the database",
    salt_and_hash: "leaf 40 is another one in the database",
    salts_swapped: "leaf 40 is another one in the database",
    salt_longer: "event 40: ",
    hash_alone: "event 40: its leaf hash",
    order: "leaf 40 is another one in the database",
    deletion: "there are 299 leaves where 300 were sealed",
    last_one_deleted: "there are 0 leaves where 1 were sealed",
    insertion: "leaf 41 is another one in the database",
    insertion_before_all: "there are 2 leaves where 1 were sealed",
    actor_column: "event 40: actor, time or action",
    time_column: "event 40: actor, time or action",
    action_column: "event 40: actor, time or action",
    unsealed_content: "event 652: its leaf hash",
    root: "tree of 302 leaves: behind event 300",
    nodes: "/2027-02, tree of ",
    last_row: "there are 0 leaves where 1 were sealed",
    size: "there are 1 leaves where 6 were sealed",
    tree_deleted: "the checkpoint of size 302 of log number 1 has no tree",
    checkpoint_deleted: "tree of 302 leaves: its checkpoint is missing",
    signature: "its checkpoint does not hold",
    other_checkpoint: "tree of 302 leaves: its checkpoint is about another tree",
    tail: "/2027-02/checkpoint: the database has no such tree of 99 leaves",
    log_salt: "/2027-01, tree of 1 leaves",
    log_event: "/2027-02: its first leaf does not bind it",
    log_after_row: "/2027-02: its first leaf does not bind it",
    log_origin: "/2027-01/checkpoint: the database has no such tree",
    log_time: "/2027-02: its first leaf is not the beginning of a log",
    log_without_first: "/2027-02: the log before it is missing",
    all_logs: "/2027-01/checkpoint: the database has no such tree",
    log_without_last: "/2027-02/checkpoint: the database has no such tree",
    tile: "tile/0/000: leaf 255 is another one",
    tile_of_tiles: "tile/1/000.p/2: ",
    tile_missing: "tile/0/001: the tile is missing",
    shown_checkpoint: "/checkpoint: it is no checkpoint",
    shown_checkpoint_missing: "/checkpoint: the file is missing",
    fact_digest: "the table of published facts says something else",
    fact_removed: "the table of published facts says something else",
    fact_invented: "event 40: the table of published facts says something else",
}


def test_a_hub_in_its_first_second_holds(new_log: NewLog) -> None:
    log = new_log()
    all_logs(log)
    shutil.rmtree(log.folder)
    found = log.verify()
    assert (found.faults, found.logs, found.unsealed) == ([], 0, SEALED + 2)
    assert not log.verify(new_log().checkpoint(1)).holds


@pytest.mark.parametrize("bend", WHERE, ids=lambda bend: bend.__name__)
def test_whatever_is_changed_is_found(new_log: NewLog, bend: Callable[[SealedLog], None]) -> None:
    log = new_log()
    bend(log)
    found = log.verify()
    assert not found.holds
    assert any(WHERE[bend] in str(fault) for fault in found.faults), [str(fault) for fault in found.faults]


# -- what only those find who remember something ---------------------------------------------------------------


def rolled_back(log: SealedLog) -> None:
    """Take the tail away, and show the checkpoint of before it."""
    log.bend(*TRUNCATED)
    path = sorted(log.folder.rglob("checkpoint"))[-1]
    path.write_bytes(bytes(log.value("SELECT note FROM audit_checkpoints WHERE log = 2 AND size = 91")))


def rewritten(log: SealedLog) -> None:
    """Change an event, and seal all anew with the hub's own key."""
    salt, event = stored(log, 40)
    tables = ("audit_logs", "audit_tree_heads", "audit_checkpoints")
    log.bend(written(40, salt, other_event(event)), *(f"DELETE FROM {table}" for table in tables))  # noqa: S608
    shutil.rmtree(log.folder)
    newest, log.clock.now = log.clock.now, NOW

    async def seal(_store: SqlStore, sealer: Sealer) -> None:
        await sealer.turn()
        log.clock.now = newest
        await sealer.turn()

    log.working(seal)


@pytest.mark.parametrize(
    ("bend", "number", "said"),
    [
        (rolled_back, 2, "/2027-02: it has 91 leaves, and a checkpoint that you remember more"),
        (rewritten, 1, "/2027-01: its first 553 leaves are not those of the checkpoint you remember"),
        (rewritten, 2, "/2027-02: the log of a checkpoint that you remember is not there"),
    ],
    ids=["rolled back", "rewritten", "rewritten before"],
)
def test_what_was_sealed_anew_is_found_by_who_remembers(
    new_log: NewLog, bend: Callable[[SealedLog], None], number: int, said: str
) -> None:
    log = new_log()
    remembered = log.checkpoint(number)
    bend(log)
    assert log.verify().holds
    assert [said] == [str(fault).removeprefix("unit/audit/1") for fault in log.verify(remembered).faults]


def test_a_remembered_checkpoint_counts_only_with_the_hubs_signature(new_log: NewLog) -> None:
    log = new_log()
    stranger, _ = SigningKey.generate()
    key = LogName.parse(log.checkpoint(1).origin).key(stranger.public_key)
    forged = sign_checkpoint(5, Frontier().root(), key, stranger.sign_text)
    assert "did not sign the checkpoint" in str(log.verify(forged).faults[0])


def test_another_hubs_key_verifies_nothing(new_log: NewLog) -> None:
    assert not new_log().verify(key=SigningKey.generate()[0].public_key).holds


# -- origins ---------------------------------------------------------------------------------------------------


def restored(log: SealedLog) -> SealedLog:
    """Go on as another origin, as a restored hub does."""
    successor, _ = SigningKey.generate()
    before = log.checkpoint(2)
    said = Succession(
        alliance="unit",
        origin=2,
        previous_hub_key=log.public_key,
        hub_key=successor.public_key,
        log_origin=before.origin,
        log_size=before.size,
        log_root=before.root,
    ).SerializeToString()
    values = {"payload": said}
    log.bend(("INSERT INTO successions (origin, payload, made_at, completed_at) VALUES (2, :payload, 1, 1)", values))
    log.identity = successor

    async def seal(_store: SqlStore, sealer: Sealer) -> None:
        await sealer.turn()

    log.working(seal)
    return log


@pytest.mark.parametrize("new_log", ["sqlite", "postgresql"], indirect=True)
def test_the_logs_of_a_lost_origin_are_verified_by_its_own_key(new_log: NewLog) -> None:
    log = restored(new_log())
    assert log.verify(log.checkpoint(1), log.checkpoint(3)).faults == []
    assert log.verify().logs == 3


@pytest.mark.parametrize("field", ["log_size", "log_root", "previous_hub_key", "hub_key", "audit_rows"])
def test_another_succession_is_found(new_log: NewLog, field: str) -> None:
    log = restored(new_log())
    said = Succession.FromString(bytes(log.value("SELECT payload FROM successions")))
    value = getattr(said, field)
    setattr(said, field, value + 1 if isinstance(value, int) else bytes(len(value)))
    log.bend(("UPDATE successions SET payload = :payload", {"payload": said.SerializeToString()}))
    assert not log.verify().holds
