"""The registry of claims in SQL. Bulk work goes through packed look-ups and whole rows, never through the ORM."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from operator import attrgetter
from typing import Any

import sqlalchemy as sa

from alliance.errors import Reason
from alliance.taxonomy import LIVE_STATUSES, ClaimStatus, SharingLevel, SubjectRole
from alliance_server.domain.claims import (
    KEPT_AFTER_END_MS,
    CategoryCount,
    EndedClaim,
    ListedEntry,
    Stock,
    StoredClaim,
    TaggedClaim,
    told_until,
)
from alliance_server.domain.epochs import MAX_EPOCH
from alliance_server.domain.errors import Refused
from alliance_server.domain.members import MemberState
from alliance_server.domain.purges import Purges
from alliance_server.storage import bulk, countersignatures, disputes
from alliance_server.storage.changes import SqlChanges
from alliance_server.storage.tables import LIVE, LIVE_NUMBERS, ClaimTable, EntryReportTable, MemberTable, table_of

_CLAIMS = table_of(ClaimTable)
_REPORTS = table_of(EntryReportTable)
_MEMBERS = table_of(MemberTable)
_FIELDS = tuple(field.name for field in fields(StoredClaim))
_COLUMNS = [_CLAIMS.c[name] for name in _FIELDS]

# Statements of every chunk and every bucket are built once, here: building one costs more than running it.

_ADD = bulk.Insertion(_CLAIMS, _FIELDS)
_row_of = attrgetter(*_FIELDS)
_RECORDS = bulk.Lookup(_CLAIMS, ", ".join(_FIELDS), "entry_id = {key}", 16)
_DIGESTS = bulk.Lookup(_CLAIMS, "entry_id, row_sha256", "entry_id = {key}", 16)
# The concatenation keeps PostgreSQL from the contributor's index, which it may prefer before the table was analysed: it
# would read the contributor's whole list for every tag.
_STOCK = bulk.Lookup(
    _CLAIMS,
    "entry_id, tag, category, status, expires_at",
    "epoch = :epoch AND tag = {key} AND contributor || '' = :contributor",
    32,
)
_ON_TAGS = bulk.Lookup(
    _CLAIMS,
    ", ".join(TaggedClaim._fields),
    f"epoch = :epoch AND tag = {{key}} AND {LIVE} AND expires_at > :now "
    f"AND subject_role <> {int(SubjectRole.PROTECTED)}",
    32,
)
_EXPIRE = (
    sa.update(_CLAIMS)
    .where(
        _CLAIMS.c.entry_id == sa.bindparam("entry"),
        _CLAIMS.c.status.in_(LIVE_NUMBERS),
        _CLAIMS.c.expires_at <= sa.bindparam("now"),
    )
    .values(status=int(ClaimStatus.EXPIRED))
)
_LINK = sa.update(_CLAIMS).where(_CLAIMS.c.entry_id == sa.bindparam("entry")).values(successor=sa.bindparam("by"))
_DELETED_AT_ONCE = 500
"""Parameters of a statement; the oldest SQLite takes 999."""
_STATUSES = {int(status): status for status in ClaimStatus}
_tag_of = attrgetter("tag")


def _live() -> sa.ColumnElement[bool]:
    return _CLAIMS.c.status.in_(LIVE_NUMBERS)


def _waits(now: int) -> tuple[sa.ColumnElement[bool], ...]:
    """Give what holds of live claims that no later epoch holds."""
    return _CLAIMS.c.successor.is_(None), _live(), _CLAIMS.c.expires_at > now


def _listed_tags() -> sa.Select[Any]:
    """Select the tags of an epoch's listed claims, whether they are over or not, up to a sequence."""
    return sa.select(_CLAIMS.c.tag).where(
        _CLAIMS.c.epoch == sa.bindparam("epoch"),
        _CLAIMS.c.sequence <= sa.bindparam("upto"),
        _live(),
        _CLAIMS.c.sharing_level != int(SharingLevel.RED),
    )


def _live_tags() -> sa.Select[Any]:
    return _listed_tags().where(_CLAIMS.c.expires_at > sa.bindparam("now"))


_NEW_TAGS = _listed_tags().where(_CLAIMS.c.sequence > sa.bindparam("after"))
_LIVE_TAGS = (
    _live_tags()
    .where(_CLAIMS.c.tag > sa.bindparam("after"))
    .distinct()
    .order_by(_CLAIMS.c.tag)
    .limit(sa.bindparam("page"))
)
_COUNT_LIVE = sa.select(sa.func.count()).select_from(_live_tags().group_by(_CLAIMS.c.tag).subquery())


_SHOWN = "entry_id, tag, handle, box, claim_sha256, status, status_version, filed_at"


@cache
def _ranges(count: int) -> sa.TextClause:
    """Select the listed claims of so many ranges, each by its own index search.

    Every range is spelled out, for a planner that does not see the ends would take the whole list for likely.
    """
    ranges = (
        f"SELECT {place} AS place, {_SHOWN} FROM claims "  # noqa: S608
        f"WHERE epoch = :epoch AND tag BETWEEN :low{place} AND :high{place} "
        f"AND {LIVE} AND sharing_level <> {int(SharingLevel.RED)} AND expires_at > :now"
        for place in range(count)
    )
    return sa.text(" UNION ALL ".join(ranges))


def _claim(row: sa.Row[tuple[object, ...]]) -> StoredClaim:
    return StoredClaim(**{**row._mapping, "status": ClaimStatus(row.status)})


@dataclass(frozen=True, slots=True)
class Changed:
    """A change of a claim's status, made now or remembered from before a restore."""

    entry_id: bytes
    status: ClaimStatus
    version: int
    statement: bytes
    changed_at: int
    reason: str

    def apply(self, connection: sa.Connection, changes: SqlChanges, follows: sa.ColumnElement[bool]) -> bool:
        """Change the claim's row and have members told; false where `follows` does not hold of the claim."""
        values: dict[str, object] = {
            "status": int(self.status),
            "status_version": self.version,
            "status_change": self.statement,
        }
        if self.status not in LIVE_STATUSES:
            sooner, purge_at = self.changed_at + KEPT_AFTER_END_MS, _CLAIMS.c.purge_at
            values["purge_at"] = sa.case((purge_at > sooner, sooner), else_=purge_at)
        made = sa.update(_CLAIMS).where(_CLAIMS.c.entry_id == self.entry_id, follows).values(values)
        ends_at = connection.execute(made.returning(_CLAIMS.c.expires_at)).scalar_one_or_none()
        if ends_at is None:
            return False
        kept_until = told_until(self.status, self.changed_at, ends_at)
        changes.add(
            self.entry_id,
            self.status,
            self.version,
            changed_at=self.changed_at,
            reason=self.reason,
            kept_until=kept_until,
        )
        return True


class SqlClaims:
    """The registry of claims."""

    def __init__(self, connection: sa.Connection, purges: Purges, changes: SqlChanges) -> None:
        self._connection = connection
        self._purges = purges
        self._changes = changes

    def get(self, entry_id: bytes) -> StoredClaim | None:
        """Give a claim."""
        row = self._connection.execute(sa.select(*_COLUMNS).where(_CLAIMS.c.entry_id == entry_id)).first()
        return None if row is None else _claim(row)

    def get_many(self, entry_ids: Sequence[bytes]) -> dict[bytes, StoredClaim]:
        """Give those claims that exist, by entry id."""
        found = (StoredClaim(*row) for row in _RECORDS.run(self._connection, entry_ids))
        return {claim.entry_id: replace(claim, status=ClaimStatus(claim.status)) for claim in found}

    def digests(self, entry_ids: Sequence[bytes]) -> dict[bytes, bytes]:
        """Give the row digests of those entries that exist."""
        return dict(_DIGESTS.run(self._connection, entry_ids))

    def stock(self, contributor: str, epoch: int, tags: Sequence[bytes], now: int) -> Stock:
        """Give what a contributor has on these tags, once its claims that are over are marked as expired."""
        found = _STOCK.run(self._connection, tags, contributor=contributor, epoch=epoch)
        known: set[bytes] = set()
        standing: dict[tuple[bytes, int], bytes] = {}
        ended: dict[tuple[bytes, int], list[bytes]] = {}
        over: list[dict[str, object]] = []
        for entry_id, tag, category, status, expires_at in found:
            known.add(tag)
            if status in LIVE_NUMBERS and expires_at > now:
                standing[tag, category] = entry_id
            elif status in LIVE_NUMBERS:
                over.append({"entry": entry_id, "now": now})
            else:
                ended.setdefault((tag, category), []).append(entry_id)
        if over:
            self._connection.execute(_EXPIRE, over)
        return Stock(frozenset(known), standing, ended)

    def add(self, claims: Sequence[StoredClaim]) -> None:
        """Add claims."""
        _ADD.run(self._connection, [_row_of(claim) for claim in claims])

    def change_status(
        self, entry_id: bytes, status: ClaimStatus, version: int, statement: bytes, *, now: int, reason: str = ""
    ) -> None:
        """Record a change of status; raises Refused where another change came in between."""
        change = Changed(entry_id, status, version, statement, now, reason)
        if not change.apply(self._connection, self._changes, _CLAIMS.c.status_version == version - 1):
            raise Refused(Reason.CONFLICTING_RETRY, "the version is not the next one")
        self._purges.claim_changed(entry_id, status, version, statement, now=now, reason=reason)

    def due_to_purge(self, now: int, most: int) -> list[EndedClaim]:
        """Give claims that are to be deleted by now: the first by time, each contributor's together."""
        columns = _CLAIMS.c
        query = (
            sa.select(columns.entry_id, columns.contributor)
            .where(columns.purge_at <= now)
            .order_by(columns.purge_at)
            .limit(most)
        )
        due = [EndedClaim(*row) for row in self._connection.execute(query)]
        return sorted(due, key=lambda it: (it.contributor, it.entry_id))

    def purge(self, entry_ids: Sequence[bytes]) -> int:
        """Delete claims with what was reported about them; returns how many there were."""
        purged = 0
        for start in range(0, len(entry_ids), _DELETED_AT_ONCE):
            part = entry_ids[start : start + _DELETED_AT_ONCE]
            disputes.follow_successors(self._connection, part)
            countersignatures.follow_successors(self._connection, part)
            self._connection.execute(sa.delete(_REPORTS).where(_REPORTS.c.entry_id.in_(part)))
            purged += self._connection.execute(sa.delete(_CLAIMS).where(_CLAIMS.c.entry_id.in_(part))).rowcount
        return purged

    def own(
        self,
        contributor: str,
        after: tuple[int, int],
        limit: int,
        *,
        live_only: bool,
        before_epoch: int = 0,
        retagged_too: bool = False,
    ) -> list[StoredClaim]:
        """Give a contributor's claims after (epoch, sequence) that no later epoch holds, or all."""
        place = sa.tuple_(_CLAIMS.c.epoch, _CLAIMS.c.sequence)
        query = (
            sa.select(*_COLUMNS)
            .where(_CLAIMS.c.contributor == contributor, place > sa.tuple_(*after))
            .order_by(_CLAIMS.c.epoch, _CLAIMS.c.sequence)
            .limit(limit)
        )
        if not retagged_too:
            query = query.where(_CLAIMS.c.successor.is_(None))
        if live_only:
            query = query.where(_live())
        if 0 < before_epoch <= MAX_EPOCH:
            query = query.where(_CLAIMS.c.epoch < before_epoch)
        return [_claim(row) for row in self._connection.execute(query)]

    def in_ranges(self, epoch: int, ranges: Sequence[tuple[bytes, bytes]], now: int) -> list[list[ListedEntry]]:
        """Give live listed claims by the range [low, high] in which their tags lie; by tag within each. At most 256.

        Not in the order of filing: when something was filed is nobody's business.
        """
        found: list[list[ListedEntry]] = [[] for _ in ranges]
        if not ranges:
            return found
        parameters: dict[str, object] = {"epoch": epoch, "now": now}
        for place, (low, high) in enumerate(ranges):
            parameters[f"low{place}"], parameters[f"high{place}"] = low, high
        for place, entry_id, tag, handle, box, digest, status, version, filed_at in bulk.rows(
            self._connection, _ranges(len(ranges)), parameters
        ):
            found[place].append(ListedEntry(entry_id, tag, handle, box, digest, _STATUSES[status], version, filed_at))
        for entries in found:
            entries.sort(key=_tag_of)
        return found

    def on_tags(self, epoch: int, tags: Sequence[bytes], now: int) -> list[TaggedClaim]:
        """Give live claims on some tags, those that protect apart, each with its tag."""
        return [TaggedClaim(*row) for row in _ON_TAGS.run(self._connection, tags, epoch=epoch, now=now)]

    def tags_between(self, epoch: int, after: int, upto: int) -> bytes:
        """Give packed tags of live listed claims by sequence in (after, upto]."""
        parameters = {"epoch": epoch, "after": after, "upto": upto}
        return b"".join([tag for (tag,) in bulk.rows(self._connection, _NEW_TAGS, parameters)])

    def live_tags(self, epoch: int, upto: int, now: int, page: int) -> Iterator[bytes]:
        """Give distinct tags of live listed claims up to a sequence, packed, in pages of so many."""
        after = b""
        while True:
            parameters = {"epoch": epoch, "after": after, "upto": upto, "now": now, "page": page}
            tags = [tag for (tag,) in bulk.rows(self._connection, _LIVE_TAGS, parameters)]
            if tags:
                yield b"".join(tags)
            if len(tags) < page:
                return
            after = tags[-1]

    def count_live(self, epoch: int, upto: int, now: int) -> int:
        """Count distinct live listed tags up to a sequence."""
        return self._connection.execute(_COUNT_LIVE, {"epoch": epoch, "upto": upto, "now": now}).scalar_one()

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

    def count_own_live(self, contributor: str, now: int) -> int:
        """Count a contributor's live claims; one that is re-tagged counts once."""
        live = (_CLAIMS.c.contributor == contributor, *_waits(now))
        return self._connection.execute(sa.select(sa.func.count()).where(*live)).scalar_one()

    def own_live_by_category(self, contributor: str, now: int) -> list[CategoryCount]:
        """Count a contributor's live claims by category, with when they expire."""
        columns = _CLAIMS.c
        live = (columns.contributor == contributor, *_waits(now))
        expiry = sa.func.min(columns.expires_at), sa.func.max(columns.expires_at)
        query = (
            sa.select(columns.category, sa.func.count(), *expiry)
            .where(*live)
            .group_by(columns.category)
            .order_by(columns.category)
        )
        return [CategoryCount(*row) for row in self._connection.execute(query)]

    # -- epochs that follow each other -----------------------------------------------------------------------------

    def hold(self, entry_ids: Sequence[bytes]) -> dict[bytes, StoredClaim]:
        """Give those claims that exist, by entry id, held until the unit of work ends."""
        held = sa.select(_CLAIMS.c.entry_id).where(_CLAIMS.c.entry_id.in_(entry_ids)).order_by(_CLAIMS.c.entry_id)
        self._connection.execute(held.with_for_update()).all()
        return self.get_many(entry_ids)

    def link(self, successors: Mapping[bytes, bytes]) -> None:
        """Record which claims re-tag which, by the entry id of the earlier one; each is held."""
        rows = [{"entry": entry_id, "by": successor} for entry_id, successor in successors.items()]
        if rows:
            self._connection.execute(_LINK, rows)

    def count_to_retag(self, contributor: str, before_epoch: int, most: int, now: int) -> int:
        """Count a contributor's live claims of earlier epochs that are not re-tagged, at most so many."""
        waits = (_CLAIMS.c.contributor == contributor, _CLAIMS.c.epoch < before_epoch, *_waits(now))
        some = sa.select(sa.literal(1)).where(*waits).limit(most).subquery()
        return self._connection.execute(sa.select(sa.func.count()).select_from(some)).scalar_one()

    def laggards(self, epoch: int, now: int) -> list[tuple[str, int]]:
        """Give members with live claims of an epoch that are not re-tagged, and how many; most first.

        Those of departed members end with the epoch: nobody can re-tag them.
        """
        count = sa.func.count()
        query = (
            sa.select(_CLAIMS.c.contributor, count)
            .join(_MEMBERS, _MEMBERS.c.id == _CLAIMS.c.contributor)
            .where(_CLAIMS.c.epoch == epoch, *_waits(now), _MEMBERS.c.state != int(MemberState.OFFBOARDED))
            .group_by(_CLAIMS.c.contributor)
            .order_by(count.desc(), _CLAIMS.c.contributor)
        )
        return [(member, claims) for member, claims in self._connection.execute(query)]

    def is_retagged(self, epoch: int, now: int) -> bool:
        """Say whether no member has a live claim of an epoch that waits: one look into the index for each member."""
        own = (_CLAIMS.c.contributor == _MEMBERS.c.id, _CLAIMS.c.epoch == epoch, *_waits(now))
        lags = sa.select(sa.literal(1)).select_from(_CLAIMS).where(*own).correlate(_MEMBERS).exists()
        query = sa.select(_MEMBERS.c.id).where(_MEMBERS.c.state != int(MemberState.OFFBOARDED), lags).limit(1)
        return self._connection.execute(query).first() is None

    def count_of(self, epoch: int, now: int) -> tuple[int, int]:
        """Count an epoch's claims: live ones, and all that there are."""
        live = sa.case((sa.and_(_live(), _CLAIMS.c.expires_at > now), 1), else_=0)
        query = sa.select(sa.func.coalesce(sa.func.sum(live), 0), sa.func.count()).where(_CLAIMS.c.epoch == epoch)
        lively, rows = self._connection.execute(query).one()
        return int(lively), int(rows)

    def destroy(self, epoch: int, most: int) -> int:
        """Delete up to so many claims of an epoch with what was reported about them; returns how many."""
        some = sa.select(_CLAIMS.c.entry_id).where(_CLAIMS.c.epoch == epoch).order_by(_CLAIMS.c.sequence).limit(most)
        return self.purge(list(self._connection.execute(some).scalars()))
