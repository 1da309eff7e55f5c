"""Successions and their signatures in SQL."""

from dataclasses import asdict

import sqlalchemy as sa

from alliance_server.domain.purges import Purges
from alliance_server.domain.successions import Succession, SuccessionSignature
from alliance_server.storage.tables import SuccessionSignatureTable, SuccessionTable, table_of

_SUCCESSIONS = table_of(SuccessionTable)
_SIGNATURES = table_of(SuccessionSignatureTable)
_NEWEST = sa.select(_SUCCESSIONS).order_by(_SUCCESSIONS.c.origin.desc()).limit(1).with_for_update()


class SqlSuccessions:
    """Origins of the hub after the first."""

    def __init__(self, connection: sa.Connection, purges: Purges) -> None:
        self._connection = connection
        self._purges = purges

    def newest(self) -> Succession | None:
        """Give the newest; held until the unit of work ends."""
        row = self._connection.execute(_NEWEST).first()
        return None if row is None else Succession(**row._mapping)

    def after(self, origin: int) -> list[Succession]:
        """Give those after an origin, oldest first."""
        query = sa.select(_SUCCESSIONS).where(_SUCCESSIONS.c.origin > origin).order_by(_SUCCESSIONS.c.origin)
        return [Succession(**row._mapping) for row in self._connection.execute(query)]

    def add(self, succession: Succession) -> None:
        """Add one."""
        self._connection.execute(sa.insert(_SUCCESSIONS).values(asdict(succession)))

    def complete(self, origin: int, now: int) -> None:
        """Note that enough admins signed."""
        self._connection.execute(
            sa.update(_SUCCESSIONS).where(_SUCCESSIONS.c.origin == origin).values(completed_at=now)
        )

    def signatures(self, origin: int) -> list[SuccessionSignature]:
        """Give the signatures of one, by admin."""
        query = sa.select(_SIGNATURES).where(_SIGNATURES.c.origin == origin).order_by(_SIGNATURES.c.admin)
        return [SuccessionSignature(**row._mapping) for row in self._connection.execute(query)]

    def sign(self, signature: SuccessionSignature, payload: bytes) -> None:
        """Add a signature of a succession with this payload."""
        self._purges.succession_signed(
            signature.origin, payload, signature.admin, signature.statement, signature.signed_at
        )
        self._connection.execute(sa.insert(_SIGNATURES).values(asdict(signature)))
