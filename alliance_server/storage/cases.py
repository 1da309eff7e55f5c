"""Police cases in SQL."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any, Final

import sqlalchemy as sa

from alliance.cases.words import CASE_KEPT_MS, CLOSES_AFTER_MS, SEALED_KEPT_MS, CaseState, CaseVerdict
from alliance_server.domain.audit import AuditRecord
from alliance_server.domain.cases import EVALUATING, UNCHARGED, Asked, Case, Decision, Match, Placed, Scope
from alliance_server.domain.members import Role
from alliance_server.domain.purges import Purges
from alliance_server.storage import bulk
from alliance_server.storage.tables import (
    CaseDecisionTable,
    CaseEpochTable,
    CaseMatchTable,
    CaseMemberTable,
    CasePlaceTable,
    CaseStepTable,
    CaseTable,
    ClaimTable,
    LiaisonScopeTable,
    table_of,
)

_CASES = table_of(CaseTable)
_CLAIMS = table_of(ClaimTable)
_DECISIONS = table_of(CaseDecisionTable)
_EPOCHS = table_of(CaseEpochTable)
_MATCHES = table_of(CaseMatchTable)
_MEMBERS = table_of(CaseMemberTable)
_PLACES = table_of(CasePlaceTable)
_SCOPES = table_of(LiaisonScopeTable)
_STEPS = table_of(CaseStepTable)
_PARTS: Final = (_DECISIONS, _EPOCHS, _PLACES, _MATCHES, _MEMBERS, _STEPS)
"""What goes with a case."""
_FIELDS: Final = tuple(field.name for field in fields(Case))
_COLUMNS = [_CASES.c[name] for name in _FIELDS]
_MUTABLE: Final = (
    "state",
    "awaited",
    "extensions",
    "is_extended",
    "reply_from",
    "reply_by",
    "asked",
    "replied",
    "ended_at",
)
_MATCH_FIELDS: Final = tuple(field.name for field in fields(Match))
_ADD_MATCHES = bulk.Insertion(_MATCHES, ("case_id", *_MATCH_FIELDS))
_ADD_STEPS = bulk.Insertion(_STEPS, ("event", "case_id", "of_member", "statement"))
_ASKED_COLUMNS = [_MEMBERS.c[field.name] for field in fields(Asked)]

Step = tuple[AuditRecord, bytes, bytes, bool]
"""The event, the case's id, the statement that the event commits to, and whether a member that is asked took it."""


def append_steps(connection: sa.Connection, steps: Iterable[Step]) -> None:
    """Add steps whose events were appended just now."""
    rows = [(record.row, case_id, of_member, statement) for record, case_id, statement, of_member in steps]
    _ADD_STEPS.run(connection, rows)


class SqlCases:
    """Cases, and what liaisons may ask for."""

    def __init__(self, connection: sa.Connection, purges: Purges) -> None:
        self._connection = connection
        self._purges = purges

    # -- scopes ----------------------------------------------------------------------------------------------------

    def scope(self, member_id: str) -> Scope | None:
        """Give what a liaison may ask for; None where nobody has said."""
        row = self._connection.execute(sa.select(_SCOPES).where(_SCOPES.c.member_id == member_id)).first()
        return None if row is None else Scope(row.member_id, frozenset(row.instruments), frozenset(row.categories))

    def set_scope(self, scope: Scope) -> None:
        """Say what a liaison may ask for."""
        self._purges.liaison_scope_set(scope)
        values = {"instruments": bytes(sorted(scope.instruments)), "categories": bytes(sorted(scope.categories))}
        of_liaison = _SCOPES.c.member_id == scope.member_id
        if self._connection.execute(sa.update(_SCOPES).where(of_liaison).values(values)).rowcount == 0:
            self._connection.execute(sa.insert(_SCOPES).values(member_id=scope.member_id, **values))

    # -- cases -----------------------------------------------------------------------------------------------------

    def get(self, case_id: bytes) -> Case | None:
        """Give a case; held until the unit of work ends."""
        row = self._connection.execute(sa.select(*_COLUMNS).where(_CASES.c.id == case_id).with_for_update()).first()
        return None if row is None else _case(row)

    def add(self, case: Case) -> None:
        """Add a case."""
        self._connection.execute(sa.insert(_CASES).values(asdict(case)))

    def save(self, case: Case) -> None:
        """Keep where a case is."""
        values = {name: getattr(case, name) for name in _MUTABLE}
        self._connection.execute(sa.update(_CASES).where(_CASES.c.id == case.id).values(values))

    def page(self, after: int, limit: int, *, liaison: str | None, waiting_only: bool) -> list[tuple[int, Case]]:
        """Give cases of a liaison, or of all, after a row number, with their row numbers."""
        row = _CASES.c.row
        query = sa.select(row, *_COLUMNS).where(row > after).order_by(row).limit(limit)
        if liaison is not None:
            query = query.where(_CASES.c.liaison == liaison)
        if waiting_only:
            query = query.where(_CASES.c.awaited > 0)
        return [(it.row, _case(it)) for it in self._connection.execute(query)]

    def items_under(self, liaison: str, instrument_sha256: bytes) -> int:
        """Sum up the suspects that a liaison's cases have of an instrument."""
        query = sa.select(sa.func.sum(_CASES.c["items"])).where(*_uses(liaison, instrument_sha256))
        return int(self._connection.execute(query).scalar() or 0)

    def instrument_types(self, liaison: str, instrument_sha256: bytes) -> set[int]:
        """Give the types as which a liaison's cases that use an instrument state it; one, or none."""
        types = sa.select(_CASES.c.instrument_type).where(*_uses(liaison, instrument_sha256)).distinct()
        return set(self._connection.execute(types).scalars())

    def decisions(self, case_ids: Sequence[bytes]) -> list[Decision]:
        """Give what was decided about some cases, as it came."""
        query = sa.select(_DECISIONS).where(_DECISIONS.c.case_id.in_(case_ids))
        rows = self._connection.execute(query.order_by(_DECISIONS.c.decided_at, _DECISIONS.c.role))
        return [
            Decision(**{**row._mapping, "role": Role(row.role), "verdict": CaseVerdict(row.verdict)}) for row in rows
        ]

    def add_decision(self, decision: Decision) -> None:
        """Add a decision; raises where one of the function decided."""
        self._connection.execute(sa.insert(_DECISIONS).values(asdict(decision)))

    def steps(self, case_id: bytes, *, members_too: bool) -> list[tuple[int, bytes]]:
        """Give the numbers of the events of a case's life, with what they commit to, oldest first."""
        query = sa.select(_STEPS.c.event, _STEPS.c.statement).where(_STEPS.c.case_id == case_id)
        if not members_too:
            query = query.where(sa.not_(_STEPS.c.of_member))
        return [(row.event, row.statement) for row in self._connection.execute(query.order_by(_STEPS.c.event))]

    # -- suspects --------------------------------------------------------------------------------------------------

    def progress(self, case_id: bytes, epoch: int) -> tuple[int, int]:
        """Give how many suspects were evaluated under an epoch's key, and how many submitted."""
        of_epoch = (_EPOCHS.c.case_id == case_id, _EPOCHS.c.epoch == epoch)
        row = self._connection.execute(sa.select(_EPOCHS.c.evaluated, _EPOCHS.c.placed).where(*of_epoch)).first()
        return (0, 0) if row is None else (row.evaluated, row.placed)

    def evaluated(self, case_id: bytes, epoch: int, items: int) -> None:
        """Note that so many more suspects of a case, which is held, were evaluated."""
        of_epoch = (_EPOCHS.c.case_id == case_id, _EPOCHS.c.epoch == epoch)
        more = sa.update(_EPOCHS).where(*of_epoch).values(evaluated=_EPOCHS.c.evaluated + items)
        if self._connection.execute(more).rowcount == 0:
            values = {"case_id": case_id, "epoch": epoch, "evaluated": items, "placed": 0}
            self._connection.execute(sa.insert(_EPOCHS).values(values))

    def place(self, case_id: bytes, epoch: int, first_index: int) -> Placed | None:
        """Give the submission that began at a place."""
        columns = _PLACES.c
        wanted = (columns.case_id == case_id, columns.epoch == epoch, columns.first_index == first_index)
        row = self._connection.execute(sa.select(_PLACES).where(*wanted)).first()
        return None if row is None else Placed(**row._mapping)

    def add_place(self, placed: Placed, matches: Sequence[Match]) -> None:
        """Add a submission of a case, which is held, and what matched."""
        self._connection.execute(sa.insert(_PLACES).values(asdict(placed)))
        of_epoch = (_EPOCHS.c.case_id == placed.case_id, _EPOCHS.c.epoch == placed.epoch)
        more = sa.update(_EPOCHS).where(*of_epoch).values(placed=_EPOCHS.c.placed + placed.count)
        self._connection.execute(more)
        rows = [(placed.case_id, *(getattr(it, name) for name in _MATCH_FIELDS)) for it in matches]
        _ADD_MATCHES.run(self._connection, rows)

    def drop_retagged(self, case_id: bytes) -> None:
        """Forget matches of claims whose successors match as well: the same is not asked twice."""
        other = _MATCHES.alias()
        successors = (
            sa.select(_CLAIMS.c.entry_id)
            .join(other, other.c.entry_id == _CLAIMS.c.successor)
            .where(other.c.case_id == case_id, _CLAIMS.c.entry_id == _MATCHES.c.entry_id)
        )
        self._connection.execute(sa.delete(_MATCHES).where(_MATCHES.c.case_id == case_id, sa.exists(successors)))

    def drop_matches(self, case_id: bytes) -> None:
        """Forget what matched."""
        self._connection.execute(sa.delete(_MATCHES).where(_MATCHES.c.case_id == case_id))

    def ask(self, case_id: bytes) -> int:
        """Ask the contributors of what matched; returns how many."""
        matches, case = _MATCHES.c, _CASES.c
        query = (
            sa.select(
                matches.case_id,
                matches.member,
                case.row,
                sa.func.count(),
                sa.literal(0),
                sa.literal(0),
            )
            .join(_CASES, case.id == matches.case_id)
            .where(matches.case_id == case_id)
            .group_by(matches.case_id, matches.member, case.row)
        )
        names = ["case_id", "member", "case_row", "entries", "evaluated", "replied_at"]
        self._connection.execute(sa.insert(_MEMBERS).from_select(names, query))
        asked = sa.select(sa.func.count()).where(_MEMBERS.c.case_id == case_id)
        return self._connection.execute(asked).scalar_one()

    # -- members that are asked --------------------------------------------------------------------------------------

    def asked(self, case_id: bytes, member: str) -> Asked | None:
        """Give what a case asks a member; held until the unit of work ends."""
        of_member = (_MEMBERS.c.case_id == case_id, _MEMBERS.c.member == member)
        row = self._connection.execute(sa.select(*_ASKED_COLUMNS).where(*of_member).with_for_update()).first()
        return None if row is None else Asked(*row)

    def opened(self, case_id: bytes, member: str, items: int) -> None:
        """Note that a member evaluated so many more identifiers to open what it is asked."""
        of_member = (_MEMBERS.c.case_id == case_id, _MEMBERS.c.member == member)
        more = sa.update(_MEMBERS).where(*of_member).values(evaluated=_MEMBERS.c.evaluated + items)
        self._connection.execute(more)

    def inquiries(self, member: str, after: int, limit: int) -> list[tuple[int, Case, Asked]]:
        """Give the cases that ask a member after a row number, with their row numbers; its replies' bytes apart."""
        row = _MEMBERS.c.case_row
        light = [_MEMBERS.c[name] for name in ("entries", "evaluated", "replied_at")]
        query = (
            sa.select(row, *_COLUMNS, *light)
            .join(_CASES, _CASES.c.id == _MEMBERS.c.case_id)
            .where(_MEMBERS.c.member == member, row > after)
            .order_by(row)
            .limit(limit)
        )
        return [
            (it.case_row, _case(it), Asked(it.id, member, it.entries, it.evaluated, it.replied_at))
            for it in self._connection.execute(query)
        ]

    def entries(self, case_id: bytes, member: str, after: bytes, limit: int) -> list[Match]:
        """Give the claims of a member that a case asks about, by entry id after one."""
        columns = _MATCHES.c
        own = (columns.case_id == case_id, columns.member == member, columns.entry_id > after)
        query = sa.select(*(columns[name] for name in _MATCH_FIELDS)).where(*own).order_by(columns.entry_id)
        return [Match(*row) for row in self._connection.execute(query.limit(limit))]

    def reply(self, case_id: bytes, member: str, statement: bytes, sealed: bytes, now: int) -> None:
        """Keep a member's reply."""
        of_member = (_MEMBERS.c.case_id == case_id, _MEMBERS.c.member == member)
        values = {"reply": statement, "sealed": sealed, "replied_at": now}
        self._connection.execute(sa.update(_MEMBERS).where(*of_member).values(values))

    def replies(self, case_id: bytes, after: str, limit: int) -> list[Asked]:
        """Give the members that a case asks, by id after one, with their replies."""
        of_case = (_MEMBERS.c.case_id == case_id, _MEMBERS.c.member > after)
        query = sa.select(*_ASKED_COLUMNS).where(*of_case).order_by(_MEMBERS.c.member).limit(limit)
        return [Asked(*row) for row in self._connection.execute(query)]

    # -- clocks ------------------------------------------------------------------------------------------------------

    def run_out(self, now: int, most: int) -> list[Case]:
        """Give up to so many cases whose clock has run out; held until the unit of work ends."""
        query = sa.select(*_COLUMNS).where(_has_run_out(now)).order_by(_CASES.c.row).limit(most).with_for_update()
        return [_case(row) for row in self._connection.execute(query)]

    def has_run_out(self, now: int) -> bool:
        """Say whether there is a case whose clock has run out."""
        return self._connection.execute(sa.select(_CASES.c.row).where(_has_run_out(now)).limit(1)).first() is not None

    def is_due_to_purge(self, now: int) -> bool:
        """Say whether there is something to delete by now."""
        sealed = (sa.select(sa.literal(1)).where(*_sealed_too_long(table, now)).limit(1) for table in _SEALED)
        whole = sa.select(sa.literal(1)).where(_CASES.c.ended_at <= now - CASE_KEPT_MS).limit(1)
        return any(self._connection.execute(query).first() is not None for query in (*sealed, whole))

    def purge(self, now: int, most: int) -> tuple[int, int]:
        """Delete sealed things and whole cases, up to so many of each; returns how many of each."""
        sealed = 0
        for table in _SEALED:
            query = sa.select(_CASES.c.id).where(*_sealed_too_long(table, now)).distinct().limit(most)
            ids = list(self._connection.execute(query).scalars())
            if ids:
                held = (table.c.case_id.in_(ids), table.c.sealed.is_not(None))
                sealed += self._connection.execute(sa.update(table).where(*held).values(sealed=None)).rowcount
        old = sa.select(_CASES.c.id).where(_CASES.c.ended_at <= now - CASE_KEPT_MS).order_by(_CASES.c.ended_at)
        ids = list(self._connection.execute(old.limit(most)).scalars())
        for table in _PARTS if ids else ():
            self._connection.execute(sa.delete(table).where(table.c.case_id.in_(ids)))
        if ids:
            self._connection.execute(sa.delete(_CASES).where(_CASES.c.id.in_(ids)))
        return sealed, len(ids)


_SEALED: Final = (_MATCHES, _MEMBERS)


def _uses(liaison: str, instrument_sha256: bytes) -> tuple[sa.ColumnElement[bool], ...]:
    """Say which cases take of what an instrument covers."""
    columns = _CASES.c
    evaluated = sa.exists().where(_EPOCHS.c.case_id == columns.id)
    return (
        columns.liaison == liaison,
        columns.instrument_sha256 == instrument_sha256,
        columns.state != int(CaseState.REFUSED),
        sa.or_(columns.state.not_in(sorted(map(int, UNCHARGED))), evaluated),
    )


def _has_run_out(now: int) -> sa.ColumnElement[bool]:
    columns = _CASES.c
    return sa.or_(
        sa.and_(columns.state == int(CaseState.SUBMITTED), columns.decide_by <= now),
        sa.and_(columns.state.in_(sorted(map(int, EVALUATING))), columns.instrument_until <= now),
        sa.and_(columns.state == int(CaseState.OPEN), columns.reply_by <= now - CLOSES_AFTER_MS),
    )


def _sealed_too_long(table: sa.Table, now: int) -> tuple[sa.ColumnElement[bool], ...]:
    return table.c.case_id == _CASES.c.id, table.c.sealed.is_not(None), _CASES.c.ended_at <= now - SEALED_KEPT_MS


def _case(row: sa.Row[Any]) -> Case:
    values: Mapping[str, Any] = {name: row._mapping[name] for name in _FIELDS}
    return Case(**{**values, "state": CaseState(row.state)})
