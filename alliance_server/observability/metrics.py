"""The instruments of a hub: counted as things happen."""

import platform
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info
from prometheus_client.process_collector import ProcessCollector

from alliance.crypto.backend import select
from alliance.errors import AllianceError, Reason
from alliance.taxonomy import Purpose
from alliance_server.domain.errors import FAULTS
from alliance_server.domain.evaluations import Evaluation
from alliance_server.domain.policy import POLICY
from alliance_server.domain.ports import Evaluator, Share

OUTCOMES: Final = ("ok", "refused", "fault", "cut_off")
"""How calls end. A fault is the hub's own trouble; what was cut off ended on the caller's wish, or to come back."""
OTHER: Final = "other"
"""Stands for methods that the policy does not know, which are refused."""
STREAMS: Final = frozenset(
    {
        "AuditService/ReadLog",
        "BucketService/GetBuckets",
        "CaseService/DownloadAttachment",
        "CaseService/UploadAttachment",
        "FilterService/DownloadSnapshot",
        "FilterService/ListDeltas",
        "StatusService/WatchStatuses",
        "RegistryService/Contribute",
        "grpc.health.v1.Health/Watch",
        "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    }
)
"""Methods that stream, one way or both; a test holds them against the descriptors."""
_CALL_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60)
_COMMIT_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5)
_COMMIT_UNITS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics:
    """Counts what a hub does; holds the registry that is scraped."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._calls_by_method()
        refusals = self._counter("refusals", "Calls refused or failed, by reason.", "reason")
        self._refusals = {it: refusals.labels(it.name) for it in Reason}
        self._unauthenticated = self._counter(
            "unauthenticated_refusals", "Calls refused before anybody was authenticated, enrolments among them."
        )
        evaluated = self._counter("evaluated_items", "Blinded elements evaluated, by purpose.", "purpose")
        self._evaluated = {it: evaluated.labels(it.word) for it in Purpose}
        self._commit_seconds = Histogram(
            "alliance_hub_commit_seconds",
            "Time of a group commit, its units' work included.",
            buckets=_COMMIT_SECONDS,
            registry=self.registry,
        )
        self._commit_units = Histogram(
            "alliance_hub_commit_units",
            "Units of work that shared a commit.",
            buckets=_COMMIT_UNITS,
            registry=self.registry,
        )
        self._maintenance_failures = self._counter("maintenance_failures", "Turns of filter maintenance that failed.")
        self._draining = self._gauge("draining", "1 while calls under way finish and no new ones are taken.")
        facts = {"version": version("alliance-hub"), "backend": select().name, "python": platform.python_version()}
        Info("alliance_hub_build", "What this hub is.", registry=self.registry).info(facts)

    def _calls_by_method(self) -> None:
        names = {method: _short(method) for method in (*POLICY, OTHER)}
        calls = self._counter("calls", "Calls that ended, by method and outcome.", "method", "outcome")
        seconds = Histogram(
            "alliance_hub_call_seconds",
            "Time of calls, by method; of a stream from its first message to its last.",
            ["method"],
            buckets=_CALL_SECONDS,
            registry=self.registry,
        )
        under_way = self._gauge("calls_under_way", "Calls under way, by method and shape.", "method", "shape")
        # Looked up once, since that costs more than counting; and there from the start, so that a first
        # occurrence is seen as one.
        self._ended = {(it, end): calls.labels(name, end) for it, name in names.items() for end in OUTCOMES}
        self._seconds = {it: seconds.labels(name) for it, name in names.items()}
        self._under_way = {it: under_way.labels(name, _shape(name)) for it, name in names.items()}

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"alliance_hub_{name}", meaning, labels, registry=self.registry)

    def _gauge(self, name: str, meaning: str, *labels: str) -> Gauge:
        return Gauge(f"alliance_hub_{name}", meaning, labels, registry=self.registry)

    # -- what happens ------------------------------------------------------------------------------------------

    def call_began(self, method: str) -> None:
        """Take notice of a call."""
        self._under_way[method if method in POLICY else OTHER].inc()

    def call_ended(self, method: str, seconds: float, refusal: Reason | None, *, cut_off: bool) -> None:
        """Take notice of its end: well, refused for a reason, or cut off."""
        method = method if method in POLICY else OTHER
        self._under_way[method].dec()
        self._seconds[method].observe(seconds)
        outcome = "cut_off" if cut_off else "ok" if refusal is None else "fault" if refusal in FAULTS else "refused"
        self._ended[method, outcome].inc()
        if refusal is not None:
            self._refusals[refusal].inc()

    def unauthenticated(self) -> None:
        """Count a refusal before authentication."""
        self._unauthenticated.inc()

    def evaluated(self, evaluations: Sequence[Evaluation]) -> None:
        """Count elements that were evaluated."""
        for evaluation in evaluations:
            self._evaluated[evaluation.purpose].inc(evaluation.count)

    def committed(self, units: int, seconds: float) -> None:
        """Take notice of a group commit, whether it held or not."""
        self._commit_units.observe(units)
        self._commit_seconds.observe(seconds)

    def maintenance_failed(self) -> None:
        """Count a turn of maintenance that failed."""
        self._maintenance_failures.inc()

    def drains(self) -> None:
        """Take notice that the hub ends."""
        self._draining.set(1)

    def watch(self, name: str, meaning: str, value: Callable[[], float]) -> None:
        """Show a value that is looked up when it is asked for."""
        self._gauge(name, meaning).set_function(value)


class MeteredEvaluator:
    """An evaluator that counts what it gave."""

    def __init__(self, evaluator: Evaluator, metrics: Metrics) -> None:
        self._evaluator = evaluator
        self._metrics = metrics

    def evaluate(self, evaluations: Sequence[Evaluation]) -> list[tuple[Share, ...] | AllianceError]:
        """Evaluate admitted batches."""
        answers = self._evaluator.evaluate(evaluations)
        done = [it for it, answer in zip(evaluations, answers, strict=True) if not isinstance(answer, AllianceError)]
        self._metrics.evaluated(done)
        return answers


def _short(method: str) -> str:
    return method.removeprefix("/").removeprefix("alliance.v1.")


def _shape(name: str) -> str:
    return "stream" if name in STREAMS else "unary"
