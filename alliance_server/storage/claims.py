"""The registry of claims in SQL. Bulk work goes through Core statements, never through the ORM."""

from collections.abc import Iterator, Sequence
from dataclasses import fields

import sqlalchemy as sa

from alliance.errors import Reason
from alliance.taxonomy import LIVE_STATUSES, ClaimStatus, SharingLevel
from alliance_server.domain.claims import ListedEntry, StoredClaim
from alliance_server.domain.errors import Refused
from alliance_server.storage.tables import ClaimTable, EntryReportTable, table_of

_CLAIMS = table_of(ClaimTable)
_REPORTS = table_of(EntryReportTable)
_FIELDS = tuple(field.name for field in fields(StoredClaim))
_COLUMNS = [_CLAIMS.c[name] for name in _FIELDS]
_ENTRY_COLUMNS = [_CLAIMS.c[field.name] for field in fields(ListedEntry)]
_LIVE = sorted(int(status) for status in LIVE_STATUSES)


def _claim(row: sa.Row[tuple[object, ...]]) -> StoredClaim:
    return StoredClaim(**{**row._mapping, "status": ClaimStatus(row.status)})


def _live() -> sa.ColumnElement[bool]:
    return _CLAIMS.c.status.in_(_LIVE)


def _listed(now: int) -> sa.ColumnElement[bool]:
    return sa.and_(_live(), _CLAIMS.c.sharing_level != int(SharingLevel.RED), _CLAIMS.c.expires_at > now)


class SqlClaims:
    """The registry of claims."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def get(self, entry_id: bytes) -> StoredClaim | None:
        """Give a claim."""
        row = self._connection.execute(sa.select(*_COLUMNS).where(_CLAIMS.c.entry_id == entry_id)).first()
        return None if row is None else _claim(row)

    def digests(self, entry_ids: Sequence[bytes]) -> dict[bytes, bytes]:
        """Give the row digests of those entries that exist."""
        query = sa.select(_CLAIMS.c.entry_id, _CLAIMS.c.row_sha256).where(_CLAIMS.c.entry_id.in_(entry_ids))
        return {row.entry_id: row.row_sha256 for row in self._connection.execute(query)}

    def standing(self, contributor: str, epoch: int, tags: Sequence[bytes]) -> set[tuple[bytes, int]]:
        """Give (tag, category) of a contributor's live claims on these tags."""
        query = sa.select(_CLAIMS.c.tag, _CLAIMS.c.category).where(_of(contributor, epoch, tags), _live())
        return {(row.tag, row.category) for row in self._connection.execute(query)}

    def known_tags(self, contributor: str, epoch: int, tags: Sequence[bytes]) -> set[bytes]:
        """Give those of the tags on which a contributor ever filed."""
        query = sa.select(_CLAIMS.c.tag).where(_of(contributor, epoch, tags)).distinct()
        return set(self._connection.execute(query).scalars())

    def expire(self, contributor: str, epoch: int, tags: Sequence[bytes], now: int) -> None:
        """Mark a contributor's live claims on these tags as expired where they are over."""
        self._connection.execute(
            sa.update(_CLAIMS)
            .where(_of(contributor, epoch, tags), _live(), _CLAIMS.c.expires_at <= now)
            .values(status=int(ClaimStatus.EXPIRED))
        )

    def add(self, claims: Sequence[StoredClaim]) -> None:
        """Add claims."""
        if claims:
            rows = [{name: getattr(claim, name) for name in _FIELDS} for claim in claims]
            self._connection.execute(sa.insert(_CLAIMS), rows)

    def change_status(self, entry_id: bytes, status: ClaimStatus, version: int, statement: bytes) -> None:
        """Record a change of status; raises Refused where another change came in between."""
        changed = self._connection.execute(
            sa.update(_CLAIMS)
            .where(_CLAIMS.c.entry_id == entry_id, _CLAIMS.c.status_version == version - 1)
            .values(status=int(status), status_version=version, status_change=statement)
        )
        if changed.rowcount == 0:
            raise Refused(Reason.CONFLICTING_RETRY, "the version is not the next one")

    def own(self, contributor: str, after: tuple[int, int], limit: int, *, live_only: bool) -> list[StoredClaim]:
        """Give a contributor's claims after (epoch, sequence)."""
        place = sa.tuple_(_CLAIMS.c.epoch, _CLAIMS.c.sequence)
        query = (
            sa.select(*_COLUMNS)
            .where(_CLAIMS.c.contributor == contributor, place > sa.tuple_(*after))
            .order_by(_CLAIMS.c.epoch, _CLAIMS.c.sequence)
            .limit(limit)
        )
        if live_only:
            query = query.where(_live())
        return [_claim(row) for row in self._connection.execute(query)]

    def in_range(self, epoch: int, low: bytes, high: bytes, now: int) -> list[ListedEntry]:
        """Give live listed claims whose tags lie in [low, high]."""
        query = (
            sa.select(*_ENTRY_COLUMNS)
            .where(_CLAIMS.c.epoch == epoch, _CLAIMS.c.tag.between(low, high), _listed(now))
            .order_by(_CLAIMS.c.tag)
        )
        return [
            ListedEntry(
                row.entry_id,
                row.tag,
                row.handle,
                row.box,
                ClaimStatus(row.status),
                row.status_version,
                row.filed_at,
            )
            for row in self._connection.execute(query)
        ]

    def tags_between(self, epoch: int, after: int, upto: int) -> list[bytes]:
        """Give tags of live listed claims by sequence in (after, upto]."""
        sequence = _CLAIMS.c.sequence
        query = sa.select(_CLAIMS.c.tag).where(
            _CLAIMS.c.epoch == epoch,
            sequence > after,
            sequence <= upto,
            _live(),
            _CLAIMS.c.sharing_level != int(SharingLevel.RED),
        )
        return list(self._connection.execute(query).scalars())

    def live_tags(self, epoch: int, upto: int, now: int, page: int) -> Iterator[list[bytes]]:
        """Give distinct tags of live listed claims up to a sequence, in pages."""
        after = b""
        while True:
            query = (
                sa.select(_CLAIMS.c.tag)
                .where(_CLAIMS.c.epoch == epoch, _CLAIMS.c.tag > after, _CLAIMS.c.sequence <= upto, _listed(now))
                .distinct()
                .order_by(_CLAIMS.c.tag)
                .limit(page)
            )
            tags = list(self._connection.execute(query).scalars())
            if tags:
                yield tags
            if len(tags) < page:
                return
            after = tags[-1]

    def count_live(self, epoch: int, upto: int, now: int) -> int:
        """Count distinct live listed tags up to a sequence."""
        query = sa.select(sa.func.count(_CLAIMS.c.tag.distinct())).where(
            _CLAIMS.c.epoch == epoch, _CLAIMS.c.sequence <= upto, _listed(now)
        )
        return self._connection.execute(query).scalar_one()

    def report(self, entry_id: bytes, reporter: str, finding: int, now: int) -> None:
        """Record that an entry was found wrong; the first report of each finding stays."""
        key = (
            _REPORTS.c.entry_id == entry_id,
            _REPORTS.c.reporter == reporter,
            _REPORTS.c.finding == finding,
        )
        if self._connection.execute(sa.select(_REPORTS.c.finding).where(*key)).first() is None:
            self._connection.execute(
                sa.insert(_REPORTS).values(entry_id=entry_id, reporter=reporter, finding=finding, reported_at=now)
            )


def _of(contributor: str, epoch: int, tags: Sequence[bytes]) -> sa.ColumnElement[bool]:
    return sa.and_(_CLAIMS.c.contributor == contributor, _CLAIMS.c.epoch == epoch, _CLAIMS.c.tag.in_(tags))
