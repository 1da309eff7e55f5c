"""A hub's store as its configuration says, for a hub that serves and for commands beside it."""

from collections.abc import Callable

from alliance.clock import Clock
from alliance_server.config import HubConfig
from alliance_server.hub_keys import HubKeys
from alliance_server.storage.purge_ledger import PurgeLedger
from alliance_server.storage.unit_of_work import SqlStore


def open_store(
    config: HubConfig, keys: HubKeys, clock: Clock, on_commit: Callable[[int, float], None] | None = None
) -> SqlStore:
    """Open a hub's store with its purge ledger; `start` must follow before the first write."""
    return SqlStore(config.database_url, PurgeLedger(config.purges_folder, keys.identity, clock), on_commit)
