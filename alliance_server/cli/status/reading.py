"""Reads a hub's status from its database and files; opens no sealed key and changes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError

from alliance.clock import SystemClock
from alliance.errors import AllianceError
from alliance.taxonomy import DAY_MS
from alliance_server.certificates import read_files, time_left
from alliance_server.cli.config.settings import shown_url
from alliance_server.cli.database import open_existing
from alliance_server.cli.status.port import Answer, Port, look_at
from alliance_server.config import HubConfig, load_config
from alliance_server.domain.overview import Census, Vitals
from alliance_server.services import policies, succession
from alliance_server.services.filter_maintenance import HEARTBEAT_LIFE_MS
from alliance_server.services.overview import read_vitals
from alliance_server.storage import schema
from alliance_server.storage.overview import read_census
from alliance_server.storage.snapshot_files import FileSnapshots
from alliance_server.storage.unit_of_work import SqlTransaction

SOON_MS: Final = 30 * DAY_MS
STALE_SECONDS: Final = HEARTBEAT_LIFE_MS / 1000
"""So old a filter may be before members believe it no more."""


@dataclass(slots=True)
class Status:
    """A hub as it is now. What could not be read is None, and `problems` says why."""

    config: HubConfig
    at: int
    """When it was read, milliseconds UTC."""
    database: str
    schema: str | None = None
    schema_wanted: str | None = None
    certificates: Mapping[str, timedelta] = field(default_factory=dict)
    """Time left, by name."""
    port: Port | None = None
    vitals: Vitals | None = None
    census: Census | None = None
    missing_snapshots: frozenset[int] = frozenset()
    """Epochs whose snapshot has no file."""
    problems: list[str] = field(default_factory=list)


def read_status(folder: Path) -> Status:
    """Read it; raises ConfigurationInvalid where the folder is no hub's."""
    config = load_config(folder)
    status = Status(config, SystemClock().now_ms(), shown_url(config.database_url), schema_wanted=schema.head())
    _read_certificates(status)
    try:
        engine = open_existing(config.database_url)
    except AllianceError as failure:
        status.problems.append(f"database: {failure}")
        return status
    try:
        _read_database(status, engine)
    except SQLAlchemyError as failure:
        status.problems.append(f"database: a query failed ({type(failure).__name__})")
    finally:
        engine.dispose()
    return status


def _read_certificates(status: Status) -> None:
    try:
        roots, hub = read_files(status.config.keys_folder)
    except (OSError, AllianceError):
        status.problems.append("keys: the certificates cannot be read")
        return
    named = {"hub": hub, "ca": roots.issuing}
    status.certificates = {name: time_left(it, status.at) for name, it in named.items()}
    status.port = look_at(status.config, roots, hub)


def _read_database(status: Status, engine: Engine) -> None:
    status.schema = schema.version(engine)
    if status.schema != status.schema_wanted:
        fix = f"stop all hubs, then: alliance-server upgrade {status.config.folder}"
        status.problems.append(f"database: its schema is not this release's: {fix}")
        return
    with engine.connect() as connection, connection.begin():
        transaction = SqlTransaction(connection)
        status.vitals = read_vitals(transaction, status.at)
        if not policies.is_served(transaction):
            status.problems.append(f"{policies.not_adopted()}: {policies.how_to_adopt()}")
        if succession.awaited(transaction):
            status.problems.append(f"{succession.NOT_SERVED}: {succession.HOW_TO_SERVE}")
        status.census = read_census(connection, status.at, status.at + SOON_MS)
    files = FileSnapshots(status.config.snapshots_folder)
    status.missing_snapshots = frozenset(
        it.id for it in status.vitals.epochs if it.serves and not (it.snapshot_sha256 and files.has(it.snapshot_sha256))
    )


def needs(status: Status) -> list[str]:
    """Say what somebody has to do, most urgent first."""
    found = list(status.problems)
    if status.port and status.port.answer not in (Answer.SERVES, Answer.NOT_KNOWN):
        found.append(f"members' port {status.port.address}: {status.port.answer}")
    for name, left in status.certificates.items():
        if left < timedelta(milliseconds=SOON_MS):
            found.append(f"the {name} certificate ends in {left.days} days: issue another")
    return [*found, *_needs_of(status)]


def _needs_of(status: Status) -> list[str]:
    found: list[str] = []
    if status.vitals:
        if status.vitals.reviews_overdue:
            found.append(f"{status.vitals.reviews_overdue} review(s) of break-glass are overdue: call the admins")
        if in_time := status.vitals.reviews_open - status.vitals.reviews_overdue:
            found.append(f"{in_time} change(s) by break-glass wait for another admin's review: remind the admins")
        for epoch in (it for it in status.vitals.epochs if it.serves):
            age = epoch.filter_age(status.at)
            if age is None or age > STALE_SECONDS:
                found.append(f"the filter of epoch {epoch.id} is stale and clears nobody: see the hub's log")
            if epoch.id in status.missing_snapshots:
                found.append(f"the snapshot of epoch {epoch.id} has no file: the hub builds another when it serves")
            if epoch.left(status.at) < SOON_MS:
                found.append(f"epoch {epoch.id} ends in {epoch.left(status.at) // DAY_MS} days: begin another")
    if status.census and status.census.certificates_ending:
        number = status.census.certificates_ending
        found.append(f"{number} member certificate(s) end within 30 days: those clients are not in use, tell them")
    return found
