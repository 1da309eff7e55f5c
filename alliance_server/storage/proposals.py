"""Proposals of admins in SQL."""

from dataclasses import asdict, fields

import sqlalchemy as sa

from alliance_server.domain.proposals import Proposal, ProposalState
from alliance_server.storage.tables import ProposalTable, table_of

_PROPOSALS = table_of(ProposalTable)
_COLUMNS = [_PROPOSALS.c[field.name] for field in fields(Proposal)]


class SqlProposals:
    """Proposals of admins."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def get(self, proposal_id: bytes) -> Proposal | None:
        """Give a proposal; held until the unit of work ends, so that two admins cannot both decide it."""
        query = sa.select(*_COLUMNS).where(_PROPOSALS.c.id == proposal_id).with_for_update()
        row = self._connection.execute(query).first()
        return None if row is None else _proposal(row)

    def add(self, proposal: Proposal) -> None:
        """Add a proposal."""
        self._connection.execute(sa.insert(_PROPOSALS).values(asdict(proposal)))

    def decide(self, proposal: Proposal) -> None:
        """Keep the decision about a proposal."""
        decision = {name: getattr(proposal, name) for name in ("state", "decision", "decided_by", "decided_at")}
        self._connection.execute(sa.update(_PROPOSALS).where(_PROPOSALS.c.id == proposal.id).values(decision))

    def page(self, after: int, limit: int, *, undecided_at: int | None) -> list[tuple[int, Proposal]]:
        """Give proposals after a row number, with their row numbers; with a time those alone that waited then."""
        columns = _PROPOSALS.c
        query = sa.select(columns.row, *_COLUMNS).where(columns.row > after)
        if undecided_at is not None:
            waits = sa.and_(columns.state == int(ProposalState.OPEN), columns.decide_by > undecided_at)
            query = query.where(sa.or_(waits, columns.state == int(ProposalState.UNREVIEWED)))
        rows = self._connection.execute(query.order_by(_PROPOSALS.c.row).limit(limit))
        return [(row.row, _proposal(row)) for row in rows]

    def effective(self, change: str, limit: int) -> list[Proposal]:
        """Give the newest proposals of a change that took effect."""
        columns = _PROPOSALS.c
        query = sa.select(*_COLUMNS).where(columns.change == change, columns.state == int(ProposalState.EFFECTIVE))
        rows = self._connection.execute(query.order_by(columns.row.desc()).limit(limit))
        return [_proposal(row) for row in rows]

    def count_open(self, proposer: str, now: int) -> int:
        """Count an admin's proposals that wait."""
        columns = _PROPOSALS.c
        waits = (columns.proposer == proposer, columns.state == int(ProposalState.OPEN), columns.decide_by > now)
        return self._connection.execute(sa.select(sa.func.count()).where(*waits)).scalar_one()

    def count_overdue(self, now: int) -> int:
        """Count those done by break-glass whose review is overdue."""
        columns = _PROPOSALS.c
        overdue = (columns.state == int(ProposalState.UNREVIEWED), columns.decide_by <= now)
        return self._connection.execute(sa.select(sa.func.count()).where(*overdue)).scalar_one()


def _proposal(row: sa.Row[tuple[object, ...]]) -> Proposal:
    values = {field.name: row._mapping[field.name] for field in fields(Proposal)}
    return Proposal(**{**values, "state": ProposalState(row.state)})
