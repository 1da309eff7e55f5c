"""Departures of members in SQL."""

from dataclasses import asdict, fields

import sqlalchemy as sa

from alliance_server.domain.departures import Departure
from alliance_server.storage.tables import DepartureTable, table_of

_DEPARTURES = table_of(DepartureTable)
_COLUMNS = [_DEPARTURES.c[field.name] for field in fields(Departure)]


class SqlDepartures:
    """Members whose claims are withdrawn after them."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add(self, departure: Departure) -> None:
        """Add a departure."""
        self._connection.execute(sa.insert(_DEPARTURES).values(asdict(departure)))

    def get(self, member_id: str) -> Departure | None:
        """Give a member's departure; held until the unit of work ends."""
        query = sa.select(*_COLUMNS).where(_DEPARTURES.c.member_id == member_id).with_for_update()
        row = self._connection.execute(query).first()
        return None if row is None else Departure(**row._mapping)

    def next(self, asked_before: int) -> Departure | None:
        """Give the oldest departure that is not over and was asked for before a time."""
        columns = _DEPARTURES.c
        due = (columns.ended_at.is_(None), columns.asked_at <= asked_before)
        query = sa.select(*_COLUMNS).where(*due).order_by(columns.asked_at, columns.member_id).limit(1)
        row = self._connection.execute(query).first()
        return None if row is None else Departure(**row._mapping)

    def save(self, departure: Departure) -> None:
        """Keep how far a departure is."""
        values = {name: getattr(departure, name) for name in ("epoch", "sequence", "withdrawn", "ended_at")}
        key = _DEPARTURES.c.member_id == departure.member_id
        self._connection.execute(sa.update(_DEPARTURES).where(key).values(values))
