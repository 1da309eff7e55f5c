"""Adopted policies in SQL."""

from dataclasses import asdict

import sqlalchemy as sa

from alliance_server.domain.policies import AdoptedPolicy
from alliance_server.domain.purges import Purges
from alliance_server.storage.tables import PolicyTable, table_of

_POLICIES = table_of(PolicyTable)
_ALL = sa.select(_POLICIES).order_by(_POLICIES.c.adopted_at, _POLICIES.c.policy_sha256)


def knows_policies(connection: sa.Connection) -> bool:
    """Say whether the schema has policies yet."""
    return sa.inspect(connection).has_table(_POLICIES.name)


class SqlPolicies:
    """Versions of the policy's tables that were adopted."""

    def __init__(self, connection: sa.Connection, purges: Purges) -> None:
        self._connection = connection
        self._purges = purges

    def is_adopted(self, policy_sha256: bytes) -> bool:
        """Say whether a version was adopted."""
        query = sa.select(_POLICIES.c.adopted_at).where(_POLICIES.c.policy_sha256 == policy_sha256)
        return self._connection.execute(query).first() is not None

    def all(self) -> list[AdoptedPolicy]:
        """Give those that were adopted, oldest first."""
        return [AdoptedPolicy(**row._mapping) for row in self._connection.execute(_ALL)]

    def adopt(self, adopted: AdoptedPolicy) -> None:
        """Add one that was not adopted before."""
        self._purges.policy_adopted(adopted)
        self._connection.execute(sa.insert(_POLICIES).values(asdict(adopted)))
