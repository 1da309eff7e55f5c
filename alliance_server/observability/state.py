"""What a scrape reads: epochs, filters and proposals from the database, certificates from the hub's keys."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta

import structlog
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from alliance.clock import Clock
from alliance.errors import AllianceError
from alliance.taxonomy import DAY_MS
from alliance_server.certificates import read_certificate, time_left
from alliance_server.domain.overview import EpochOverview, Vitals

_DAY = timedelta(days=1)
_log = structlog.get_logger("alliance.metrics")


class HubState(Collector):
    """Reads a hub's state whenever it is scraped; where the database is away it says that and nothing of it."""

    def __init__(
        self, read: Callable[[], Vitals], certificates: Callable[[], Mapping[str, bytes]], clock: Clock
    ) -> None:
        """Take what reads the vitals, and what gives certificates, PEM, by name."""
        self._read = read
        self._certificates = certificates
        self._clock = clock

    def describe(self) -> Iterable[Metric]:
        """Say nothing beforehand: registering must not read."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Give the state now."""
        now = self._clock.now_ms()
        days = GaugeMetricFamily(
            "alliance_hub_certificate_days_left", "Days until a certificate ends.", labels=["certificate"]
        )
        for name, pem in self._certificates().items():
            days.add_metric([name], time_left(read_certificate(pem), now) / _DAY)
        yield days
        try:
            vitals = self._read()
        except AllianceError as error:
            _log.error("state not read", error=type(error).__name__)
            yield _one("database_reachable", "Whether the database answered.", 0)
            return
        yield _one("database_reachable", "Whether the database answered.", 1)
        yield _one("proposals_waiting", "Proposals that wait for another admin.", vitals.proposals_waiting)
        yield _one("reviews_open", "What break-glass did and nobody reviewed yet.", vitals.reviews_open)
        yield _one("reviews_overdue", "Such reviews that are overdue.", vitals.reviews_overdue)
        if vitals.log is not None:
            waits = vitals.log.waiting_seconds(now)
            yield _one("log_waiting_seconds", "How long the oldest event that no checkpoint has has waited.", waits)
            yield _one("log_leaves", "Leaves of the newest log's newest checkpoint.", vitals.log.size)
        yield from _of_epochs(vitals.epochs, now)


def _one(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(f"alliance_hub_{name}", meaning, value=value)


def _of_epochs(epochs: Iterable[EpochOverview], now: int) -> Iterator[Metric]:
    serving = [it for it in epochs if it.serves]
    yield _by_epoch("epoch_days_left", "Days until an epoch ends.", {it.id: it.left(now) / DAY_MS for it in serving})
    ages = {it.id: it.filter_age(now) for it in serving}
    yield _by_epoch("filter_age_seconds", "Age of the filter as members see it.", ages)
    yield _by_epoch("filter_listings", "Listings of the snapshot in force.", {it.id: it.listings for it in serving})
    yield _by_epoch(
        "filter_rows_behind", "Registry rows that the filter does not hold yet.", {it.id: it.behind for it in serving}
    )
    yield _by_epoch("registry_rows", "Rows ever filed in an epoch.", {it.id: it.sequence for it in serving})


def _by_epoch(name: str, meaning: str, values: Mapping[int, float | None]) -> Metric:
    family = GaugeMetricFamily(f"alliance_hub_{name}", meaning, labels=["epoch"])
    for epoch, value in values.items():
        if value is not None:
            family.add_metric([str(epoch)], value)
    return family
