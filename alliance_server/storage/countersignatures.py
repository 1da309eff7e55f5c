"""Requests for countersignatures, and the feed of what was countersigned and revoked, in SQL.

Numbers of the feed rise in the order of the commits, as those of the changes of claims' statuses do.
"""

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any, Final

import sqlalchemy as sa

from alliance.countersignatures import CountersignatureState
from alliance.v1.countersignature_pb2 import ClaimSubstance
from alliance_server.domain.countersignatures import Countersigning, NumberedStatement
from alliance_server.domain.purges import Purges
from alliance_server.storage.changes import FeedCounter
from alliance_server.storage.tables import ClaimTable, CountersignatureTable, CountersigningTable, table_of

_REQUESTS = table_of(CountersigningTable)
_FEED = table_of(CountersignatureTable)
_CLAIMS = table_of(ClaimTable)
_FIELDS: Final = tuple(field.name for field in fields(Countersigning))
_COLUMNS = [_REQUESTS.c[name] for name in _FIELDS]
_MUTABLE: Final = (
    "state",
    "purge_at",
    "answer",
    "officer_answer",
    "grounds",
    "answered_at",
    "revocation",
    "officer_revocation",
    "revoked_at",
)


class SqlCountersignatures:
    """What liaisons are asked to stand behind, and what they do."""

    def __init__(self, connection: sa.Connection, purges: Purges) -> None:
        self._connection = connection
        self._purges = purges
        self._counter = FeedCounter(connection, 2)

    def get(self, entry_id: bytes) -> Countersigning | None:
        """Give the request about a claim as it was asked for; held until the unit of work ends."""
        query = sa.select(*_COLUMNS).where(_REQUESTS.c.entry_id == entry_id).with_for_update()
        row = self._connection.execute(query).first()
        return None if row is None else _request(row)

    def hold(self, substances: Sequence[bytes]) -> dict[bytes, Countersigning]:
        """Give the requests about some substances, by their digests, held until the unit of work ends."""
        digest = _REQUESTS.c.substance_sha256
        query = sa.select(*_COLUMNS).where(digest.in_(substances)).order_by(digest).with_for_update()
        return {it.substance_sha256: _request(it) for it in self._connection.execute(query)}

    def is_any_revoked(self, claim_ids: Sequence[bytes]) -> bool:
        """Say whether a countersignature of one of some claims was revoked."""
        about = (_REQUESTS.c.claim_id.in_(claim_ids), _REQUESTS.c.state == int(CountersignatureState.REVOKED))
        return self._connection.execute(sa.select(_REQUESTS.c.row).where(*about).limit(1)).first() is not None

    def count_waiting(self, contributor: str, now: int) -> int:
        """Count a contributor's requests that wait."""
        waits = (_REQUESTS.c.contributor == contributor, *_waiting(now))
        return self._connection.execute(sa.select(sa.func.count()).where(*waits)).scalar_one()

    def page(
        self, after: int, limit: int, *, contributor: str = "", liaison: str = "", waiting_at: int | None = None
    ) -> list[tuple[int, Countersigning]]:
        """Give requests of a contributor, or to a liaison, after a row number, with their row numbers."""
        row = _REQUESTS.c.row
        whose = _REQUESTS.c.liaison == liaison if liaison else _REQUESTS.c.contributor == contributor
        query = sa.select(row, *_COLUMNS).where(whose, row > after).order_by(row).limit(limit)
        if waiting_at is not None:
            query = query.where(*_waiting(waiting_at))
        return [(it.row, _request(it)) for it in self._connection.execute(query)]

    def add(self, request: Countersigning) -> None:
        """Add a request; its claim and its substance were not asked about before."""
        self._connection.execute(sa.insert(_REQUESTS).values(asdict(request)))

    def refuse(self, request: Countersigning) -> None:
        """Keep a refusal."""
        self._save(request)

    def countersign(self, request: Countersigning) -> None:
        """Keep a countersignature, and have members told."""
        self._save(request)
        self._tell(request, request.answer or b"")

    def revoke(self, request: Countersigning) -> None:
        """Keep a revocation, and have members told."""
        self._save(request)
        statements = (request.revocation or b"", request.officer_revocation or b"")
        self._purges.countersignature_revoked(request.substance_sha256, *statements, request.revoked_at or 0)
        self._tell(request, statements[0])

    # -- the feed --------------------------------------------------------------------------------------------------

    def newest(self) -> int:
        """Give the number of what was told last; 0 where nothing was."""
        return self._counter.newest()

    def after(self, number: int, limit: int) -> list[NumberedStatement]:
        """Give what was told after a number, in order."""
        columns = _FEED.c
        query = sa.select(columns.number, columns.statement).where(columns.number > number)
        rows = self._connection.execute(query.order_by(columns.number).limit(limit))
        return [NumberedStatement(*row) for row in rows]

    def leave_gap(self, numbers: int) -> None:
        """Leave numbers out: another origin of the hub may have given them."""
        self._counter.advanced(numbers)

    # -- ends ------------------------------------------------------------------------------------------------------

    def is_due_to_purge(self, now: int) -> bool:
        """Say whether there is something to delete by now."""
        requests = sa.select(_REQUESTS.c.row).where(_REQUESTS.c.purge_at <= now).limit(1)
        told = sa.select(_FEED.c.number).where(_FEED.c.kept_until <= now).limit(1)
        return any(self._connection.execute(query).first() is not None for query in (requests, told))

    def purge(self, now: int, most: int) -> int:
        """Delete up to so many requests, and as much of the feed, whose time is over; returns how many requests."""
        row, number = _REQUESTS.c.row, _FEED.c.number
        over = sa.select(row).where(_REQUESTS.c.purge_at <= now).order_by(_REQUESTS.c.purge_at).limit(most)
        told = sa.select(number).where(_FEED.c.kept_until <= now).order_by(_FEED.c.kept_until).limit(most)
        rows, numbers = (list(self._connection.execute(query).scalars()) for query in (over, told))
        if rows:
            self._connection.execute(sa.delete(_REQUESTS).where(row.in_(rows)))
        if numbers:
            self._connection.execute(sa.delete(_FEED).where(number.in_(numbers)))
        return len(rows)

    def _save(self, request: Countersigning) -> None:
        values = {name: getattr(request, name) for name in _MUTABLE}
        self._connection.execute(sa.update(_REQUESTS).where(_REQUESTS.c.entry_id == request.entry_id).values(values))

    def _tell(self, request: Countersigning, statement: bytes) -> None:
        kept_until = ClaimSubstance.FromString(request.substance).expires_at
        values = {"number": self._counter.advanced(1), "statement": statement, "kept_until": kept_until}
        self._connection.execute(sa.insert(_FEED).values(values))


def follow_successors(connection: sa.Connection, purged: Sequence[bytes]) -> None:
    """Have countersignatures of claims that are about to be deleted be of those that re-tag them."""
    successor = sa.select(_CLAIMS.c.successor).where(_CLAIMS.c.entry_id == _REQUESTS.c.claim_id).scalar_subquery()
    retagged = sa.select(_CLAIMS.c.entry_id).where(_CLAIMS.c.entry_id.in_(purged), _CLAIMS.c.successor.is_not(None))
    connection.execute(sa.update(_REQUESTS).where(_REQUESTS.c.claim_id.in_(retagged)).values(claim_id=successor))


def _waiting(now: int) -> tuple[sa.ColumnElement[bool], ...]:
    return _REQUESTS.c.state == int(CountersignatureState.WAITING), _REQUESTS.c.answer_by > now


def _request(row: sa.Row[Any]) -> Countersigning:
    values = {name: row._mapping[name] for name in _FIELDS}
    return Countersigning(**{**values, "state": CountersignatureState(row.state)})
