"""What of a hub comes to an end, and when somebody should see to it.

The log warns once a day of what ends within thirty days; `doctor` warns earlier, since what it names takes planning.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import structlog

from alliance.certificates import lifetime_ms
from alliance.taxonomy import DAY_MS
from alliance_server.certificates import fingerprint, read_certificate
from alliance_server.domain.epochs import Epoch, EpochState
from alliance_server.domain.ports import Store
from alliance_server.hub_keys import HubKeys
from alliance_server.live_tls import LiveTls

LOG_WARNING_MS: Final = 30 * DAY_MS
EPOCH_WARNING_MS: Final = 30 * DAY_MS
CA_WARNING_MS: Final = 90 * DAY_MS
RENEW: Final = "alliance-server tls renew"
ROTATE: Final = "Rotate the CA: docs/how-to/renew-certificates.md."
BEGIN_EPOCH: Final = "Begin another epoch while this one serves."

_log = structlog.get_logger("alliance.expiry")


@dataclass(frozen=True, slots=True)
class Ending:
    """Something that ends. Times in milliseconds UTC; `warn_at` is when somebody should see to it."""

    what: str
    ends: int
    warn_at: int
    remedy: str

    def days_left(self, now: int) -> int:
        """Give the whole days that are left; negative once it has ended."""
        return (self.ends - now) // DAY_MS


def endings(keys: HubKeys | None, epochs: Iterable[Epoch]) -> list[Ending]:
    """Give what ends of a hub: its certificate and its CAs, where keys are open, and the epoch that lasts longest."""
    found = [] if keys is None else _endings_of(keys)
    coming = [epoch for epoch in epochs if epoch.state in (EpochState.PENDING, EpochState.ACTIVE)]
    if coming:
        last = max(coming, key=lambda epoch: epoch.not_after)
        found.append(Ending(f"epoch {last.id}", last.not_after, last.not_after - EPOCH_WARNING_MS, BEGIN_EPOCH))
    return found


def _endings_of(keys: HubKeys) -> list[Ending]:
    begins, ends = lifetime_ms(read_certificate(keys.tls_certificate))
    found = [Ending("the hub's certificate", ends, ends - (ends - begins) // 3, RENEW)]
    for certificate in keys.roots.certificates:
        ends = lifetime_ms(certificate)[1]
        found.append(Ending(f"the CA {fingerprint(certificate)}", ends, ends - CA_WARNING_MS, ROTATE))
    return found


class ExpiryWatch:
    """Tells the log of what a hub that runs should not run into."""

    def __init__(self, live: LiveTls, store: Store) -> None:
        self._live = live
        self._store = store
        self._warned_at: int | None = None

    async def warn(self, now: int) -> list[Ending]:
        """Warn of what ends soon, once a day; returns of what."""
        if self._warned_at is not None and abs(now - self._warned_at) < DAY_MS:
            return []
        self._warned_at = now
        epochs = await self._store.read(lambda transaction: transaction.epochs.all())
        near = [it for it in endings(self._live.keys, epochs) if now >= it.ends - LOG_WARNING_MS]
        for ending in near:
            _log.warning("something ends soon", subject=ending.what, days=ending.days_left(now), detail=ending.remedy)
        return near
