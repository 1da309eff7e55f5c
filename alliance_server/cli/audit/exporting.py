"""Makes an export for auditors beside a hub that serves: whole, or not there.

Rules:

1. What is exported is planned once: the month's logs up to a checkpoint each, and nothing that is logged meanwhile.
2. Everything is written into a folder `.NAME.partial` beside the destination, synced, and renamed in the end. A run
   that was cut off is taken up by the same command, up to the checkpoints that it had planned.
3. Nothing is overwritten. The folder holds every event: it is for auditors' eyes, and readable by its owner alone.
"""

import base64
import json
import os
import stat
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from sqlalchemy.engine import Engine

from alliance.clock import Clock, iso_time
from alliance.errors import Reason
from alliance.keyring.store import sync
from alliance.tlog.checkpoints import read_checkpoint
from alliance.tlog.exports import CHECKPOINT, FORMAT, KEYS, MANIFEST, PREVIOUS, WITNESSED
from alliance.tlog.logs import LogName
from alliance.tlog.notes import NoteKey
from alliance.v1.succession_pb2 import Succession
from alliance_server.cli.audit.dictionary import actions
from alliance_server.cli.audit.writing import LogWriter, put
from alliance_server.cli.database import open_existing
from alliance_server.config import HubConfig
from alliance_server.domain.errors import Refused
from alliance_server.domain.policy import POLICY_VERSION, shown_tables
from alliance_server.domain.successions import FIRST_ORIGIN
from alliance_server.hub_keys import open_keys
from alliance_server.storage.log_exports import SealedLog, months, sealed_logs
from alliance_server.storage.log_files import LogFiles
from alliance_server.storage.unit_of_work import SqlTransaction

_PLAN: Final = "plan.json"

OnEntries = Callable[[str, int, int], None]
"""Told of a log, its entries so far and its entries in all."""


@dataclass(frozen=True, slots=True)
class Exported:
    """A log that was exported; `entries` are fewer than `size` where events are missing in the database."""

    origin: str
    size: int
    entries: int


def export_month(
    config: HubConfig, month: str, destination: Path, clock: Clock, on_entries: OnEntries
) -> list[Exported]:
    """Write an export of a month's logs; raises Refused, KeyFileInvalid, TokenFailed, OSError."""
    _check_destination(destination)
    engine = open_existing(config.database_url)
    try:
        partial = destination.absolute().with_name(f".{destination.name}.partial")
        _check_partial(partial)
        plan = _planned(engine, month, partial)
        keys = _keys(config, engine, plan)
        partial.mkdir(mode=0o700, exist_ok=True)
        put(partial / _PLAN, json.dumps(_as_plan(month, plan)).encode())
        done = [_write(engine, config, sealed, partial, on_entries) for sealed in plan]
        put(partial / MANIFEST, _document(_manifest(config, engine, month, plan, clock)))
        put(partial / KEYS, _document(keys))
        (partial / _PLAN).unlink()
        for path in (*partial.rglob("*"), partial):
            sync(path)
        _check_destination(destination)
        partial.rename(destination)
        sync(destination.absolute().parent)
        return done
    finally:
        engine.dispose()


def _check_destination(destination: Path) -> None:
    if destination.exists() or destination.is_symlink():
        raise Refused(Reason.CONFLICTING_RETRY, f"{destination} exists; nothing was changed")
    if not destination.absolute().parent.is_dir():
        raise Refused(Reason.INVALID_REQUEST, f"there is no folder {destination.parent}; nothing was written")


def _check_partial(partial: Path) -> None:
    """Raise Refused where somebody else laid out the folder that this writes into, or points it elsewhere."""
    try:
        found = partial.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise Refused(Reason.CONFLICTING_RETRY, f"{partial} is not an export of yours that was cut off: remove it")


def _planned(engine: Engine, month: str, partial: Path) -> list[SealedLog]:
    """Give the logs of the month, up to the checkpoints that an earlier run had planned where there was one."""
    with engine.connect() as connection, connection.begin():
        found = sealed_logs(connection, month)
        if not found:
            known = ", ".join(months(connection)) or "none"
            raise Refused(Reason.NOT_FOUND, f"there is no sealed log of {month}; there are logs of: {known}")
    try:
        plan = json.loads((partial / _PLAN).read_bytes())
    except FileNotFoundError:
        return found
    except ValueError:
        raise Refused(Reason.CONFLICTING_RETRY, f"{partial} cannot be taken up: remove it") from None
    return [_as_before(sealed, plan, partial) for sealed in found if sealed.log.origin in plan["logs"]]


def _as_plan(month: str, plan: Iterable[SealedLog]) -> dict[str, Any]:
    logs = {
        it.log.origin: {
            "size": it.size,
            "last_row": it.last_row,
            "note": _text(it.note),
            "witnessed": _text(it.witnessed),
            "first": it.log.first_leaf.hex(),
        }
        for it in plan
    }
    return {"month": month, "logs": logs}


def _as_before(sealed: SealedLog, plan: Mapping[str, Any], partial: Path) -> SealedLog:
    before = plan["logs"][sealed.log.origin]
    if before["first"] != sealed.log.first_leaf.hex() or before["size"] > sealed.size:
        raise Refused(Reason.CONFLICTING_RETRY, f"{partial} is of another hub, or of another month: remove it")
    note, witnessed = (base64.b64decode(before[name]) for name in ("note", "witnessed"))
    return replace(sealed, size=before["size"], last_row=before["last_row"], note=note, witnessed=witnessed)


def _write(engine: Engine, config: HubConfig, sealed: SealedLog, partial: Path, on_entries: OnEntries) -> Exported:
    origin, folder = sealed.log.origin, partial / _folder(sealed)
    writer = LogWriter(engine, LogFiles(config.logs_folder), sealed, folder)
    entries = writer.write(lambda count: on_entries(origin, count, sealed.size))
    for name, note in ((CHECKPOINT, sealed.note), (WITNESSED, sealed.witnessed), (PREVIOUS, sealed.previous)):
        if note:
            put(folder / name, note)
    return Exported(origin, sealed.size, entries)


def _folder(sealed: SealedLog) -> str:
    return str(sealed.log.name.origin)


def _manifest(config: HubConfig, engine: Engine, month: str, plan: Iterable[SealedLog], clock: Clock) -> dict[str, Any]:
    with engine.connect() as connection, connection.begin():
        adopted = SqlTransaction(connection).policies.all()
    return {
        "format": FORMAT,
        "alliance": config.alliance,
        "month": month,
        "made_at": iso_time(clock.now_ms()),
        "logs": [{"origin": it.log.origin, "folder": _folder(it), "size": it.size} for it in plan],
        "policies": {
            "adopted": [{"policy": it.policy_sha256.hex(), "adopted_at": iso_time(it.adopted_at)} for it in adopted],
            "tables": {POLICY_VERSION.hex(): shown_tables()},
        },
        "actions": actions(),
    }


def _keys(config: HubConfig, engine: Engine, plan: Iterable[SealedLog]) -> dict[str, Any]:
    """Give the keys of the logs and of those before them, and the successions that tie origins."""
    with engine.connect() as connection, connection.begin():
        transaction = SqlTransaction(connection)
        successions = transaction.successions.after(FIRST_ORIGIN)
        signatures = {it.origin: transaction.successions.signatures(it.origin) for it in successions}
    by_origin: dict[int, bytes] = {}
    for told in (Succession.FromString(it.payload) for it in successions):
        by_origin |= {told.origin - 1: told.previous_hub_key, told.origin: told.hub_key}
    if not by_origin:
        keys = open_keys(config.keys_folder, config.alliance, config.pkcs11)
        by_origin[FIRST_ORIGIN] = keys.identity.public_key
    names = {it.log.name for it in plan} | {_name_of(it.previous) for it in plan if it.previous}
    logs = {str(name): _key(name, by_origin).vkey for name in sorted(names) if name.origin in by_origin}
    shown = [
        {
            "origin": it.origin,
            "payload": _text(it.payload),
            "signatures": [{"admin": one.admin, "statement": _text(one.statement)} for one in signatures[it.origin]],
        }
        for it in successions
    ]
    return {"logs": logs, "successions": shown}


def _key(name: LogName, by_origin: Mapping[int, bytes]) -> NoteKey:
    return name.key(by_origin[name.origin])


def _name_of(note: bytes) -> LogName:
    return LogName.parse(read_checkpoint(note).origin)


def _document(content: dict[str, Any]) -> bytes:
    return json.dumps(content, indent=1, ensure_ascii=False).encode()


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
