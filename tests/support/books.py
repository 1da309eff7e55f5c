"""The hub's books, read beside the wire: claims, credit, charges and evaluations must add up whatever was killed."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from alliance.taxonomy import Purpose
from alliance.v1.evaluation_pb2 import EvaluationHeader
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.storage.tables import LIVE
from support.hub import RunningHub


@dataclass(frozen=True)
class Books:
    """The books of one member."""

    hub: RunningHub
    member: str

    def rows(self, query: str, **parameters: Any) -> list[tuple[Any, ...]]:
        with self.hub.hub.store.engine.connect() as connection:
            found = connection.execute(sa.text(query), {"it": self.member} | parameters)
            return [tuple(row) for row in found]

    def number(self, query: str, **parameters: Any) -> int:
        return int(self.rows(query, **parameters)[0][0] or 0)

    def entries(self) -> set[str]:
        """Its live claims, by entry id in hexadecimal."""
        query = f"SELECT entry_id FROM claims WHERE contributor = :it AND {LIVE}"  # noqa: S608 - a constant
        return {bytes(entry).hex() for (entry,) in self.rows(query)}

    def filed(self) -> int:
        return self.number("SELECT count(*) FROM claims WHERE contributor = :it")

    def credit(self) -> int:
        return self.number("SELECT sum(remaining) FROM contribution_credits WHERE member_id = :it")

    def stated(self) -> list[tuple[Any, ...]]:
        """What its claims state of which tag, whatever their names and times of filing; sorted, doubles kept."""
        query = (
            "SELECT tag, kind, category, subject_role, evidence_level, observed_from, observed_to, expires_at, "
            "sharing_level, status FROM claims WHERE contributor = :it"
        )
        return sorted((bytes(tag), *rest) for tag, *rest in self.rows(query))

    def evaluated(self, purpose: Purpose) -> int:
        """Elements of the requests that were admitted, each request once."""
        total = 0
        for (header,) in self.rows("SELECT header FROM evaluations WHERE member_id = :it"):
            read = EvaluationHeader.FromString(SignedStatement.FromString(bytes(header)).payload)
            total += read.count if read.purpose == int(purpose) else 0
        return total

    def check_registry(self) -> None:
        """No gap in the registry, and one live claim a contributor, tag and category."""
        sequences = [sequence for (sequence,) in self.rows("SELECT sequence FROM claims ORDER BY sequence")]
        assert sequences == list(range(1, len(sequences) + 1))
        reached = self.number("SELECT sequence FROM filter_states WHERE epoch = 1")
        assert reached == len(sequences)
        one = "contributor, epoch, tag, category"
        doubles = f"SELECT 1 FROM claims WHERE {LIVE} GROUP BY {one} HAVING count(*) > 1"  # noqa: S608 - constants
        assert self.rows(doubles) == []

    def check_charges(self) -> None:
        """What was evaluated was charged once, refunded where a row with a new tag landed, and recorded."""
        evaluated = self.evaluated(Purpose.CONTRIBUTION)
        assert self.credit() == evaluated - self.filed()
        charged = dict(self.rows("SELECT resource, sum(used) FROM budgets WHERE member_id = :it GROUP BY resource"))
        tags = self.number("SELECT count(DISTINCT tag) FROM claims WHERE contributor = :it")
        days = self.number("SELECT count(DISTINCT day) FROM budgets WHERE member_id = :it")
        if days <= 1:  # a charge of yesterday is not refunded today
            assert charged.get(int(Purpose.CONTRIBUTION), 0) == evaluated - tags
        screened = self.evaluated(Purpose.PORTFOLIO_SCREENING)
        assert charged.get(int(Purpose.PORTFOLIO_SCREENING), 0) == screened
        requests = self.number("SELECT count(*) FROM evaluations WHERE member_id = :it")
        recorded = "SELECT count(*) FROM audit_events WHERE actor = :it AND action = 'evaluation:evaluate'"
        assert self.number(recorded) >= requests
