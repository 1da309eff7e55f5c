"""Parts 4 and 5 as figures: rates and times beside the bare echo and the arithmetic's limit; where the CPU goes."""

import os
from dataclasses import dataclass

from benchmarks.arithmetic import Costs
from benchmarks.echo import IN_FLIGHT, Bare
from benchmarks.endtoend import Job, Measured
from benchmarks.messages import BATCH, CHECK, CHUNK
from benchmarks.metering import ARITHMETIC, CANONICALISATION, SIGNATURES, Spent
from benchmarks.report import Figure, Section

ECHO = "bare grpc.aio echo"
_MICRO, _MEBIBYTE = 1e6, 2**20


@dataclass(frozen=True, slots=True)
class Units:
    """What one item costs alone, from parts 1 and 2, in µs."""

    costs: Costs
    canonicalisation: float
    """A value of the sorts that are contributed and screened."""

    @classmethod
    def of(cls, costs: Costs, canonicalisation: dict[str, float]) -> "Units":
        """Take parts 1 and 2."""
        return cls(costs, (canonicalisation["phone"] + canonicalisation["resident_id"]) / 2)

    def predicted(self, spent: Spent) -> dict[str, float]:
        """Give CPU seconds by category, from what was counted and what one costs alone."""
        items = spent.items
        arithmetic = sum(micros * items.get(name, 0) for name, micros in self.costs.operations.items())
        signatures = self.costs.sign * items.get("signature sign", 0) + self.costs.verify * items.get(
            "signature verify", 0
        )
        canonicalisation = self.canonicalisation * items.get("canonicalise", 0)
        return {
            ARITHMETIC: arithmetic / _MICRO,
            SIGNATURES: signatures / _MICRO,
            CANONICALISATION: canonicalisation / _MICRO,
        }


def cores() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def rate_figures(measured: Measured, bare: Bare, units: Units) -> Section:
    """Part 4: rates and times."""
    check_limit = units.costs.identifier * CHECK.items / _MICRO
    alone = f"arithmetic alone on {cores()} cores"
    batches, chunks = bare.batch.many.rate * BATCH.items, bare.chunk.many.rate * CHUNK.items
    one, many = measured.one, measured.many
    figures = [
        Figure("contribute", measured.contribute.rate, "rows/s", alone, _limit(measured.contribute, units)),
        Figure("contribute", measured.contribute.rate, "rows/s", f"{ECHO} of chunks of 1,024", chunks),
        Figure("screen", measured.screen.rate, "rows/s", alone, _limit(measured.screen, units)),
        Figure("screen", measured.screen.rate, "rows/s", f"{ECHO} of batches of 4,096", batches),
        Figure("online check: p50", one.milliseconds(0.5), "ms", ECHO, bare.check.one.milliseconds(0.5)),
        Figure("online check: p99", one.milliseconds(0.99), "ms", ECHO, bare.check.one.milliseconds(0.99)),
        Figure(
            "online check: p50",
            one.milliseconds(0.5),
            "ms",
            "echo, arithmetic of 3 and one synced write",
            bare.check.one.milliseconds(0.5) + 1000 * (check_limit + bare.sync_seconds),
        ),
        Figure("online checks: one in flight", one.rate, "calls/s", ECHO, bare.check.one.rate),
        Figure(f"online checks: {IN_FLIGHT} in flight", many.rate, "calls/s", ECHO, bare.check.many.rate),
        Figure(f"online checks: {IN_FLIGHT} in flight", many.rate, "calls/s", alone, cores() / check_limit),
        Figure(
            f"online checks: {IN_FLIGHT} in flight, p99",
            many.milliseconds(0.99),
            "ms",
            ECHO,
            bare.check.many.milliseconds(0.99),
        ),
    ]
    note = (
        f"hub and SDK in processes of their own, mutual TLS on loopback, SQLite; medians of "
        f"{len(measured.screen.seconds)}. Every audit row is durable before its reply. A check has {CHECK.items} "
        f"identifiers and a request_id; {len(one.latencies)} one at a time, {len(many.latencies)} {IN_FLIGHT} in "
        "flight. One row or check in fifty is a match. All answers were right."
    )
    return Section("4 end to end", note, tuple(figures))


def _limit(job: Job, units: Units) -> float:
    """Give rows a second if all cores did nothing but the job's curve arithmetic and signatures."""
    predicted = units.predicted(job.both)
    return job.all_items * cores() / (predicted[ARITHMETIC] + predicted[SIGNATURES])


def spent_figures(measured: Measured) -> Section:
    """Part 4: CPU and memory of each party."""
    figures: list[Figure] = []
    for name, job, unit in (
        ("contribute", measured.contribute, "µs a row"),
        ("screen", measured.screen, "µs a row"),
        ("online check", measured.check, "µs a check"),
    ):
        figures.append(
            Figure(f"{name}: cores kept busy", job.both.cpu / sum(job.seconds), "cores", "cores there are", cores())
        )
        for party, spent, start in (
            ("member", job.member, job.member_at_start),
            ("hub", job.hub, job.hub_at_start),
        ):
            scale = _MICRO / job.all_items
            figures += [
                Figure(
                    f"{name}: CPU of the {party}",
                    spent.cpu * scale,
                    unit,
                    "its curve arithmetic",
                    spent.seconds.get(ARITHMETIC, 0.0) * scale,
                ),
                Figure(
                    f"{name}: peak memory of the {party}",
                    spent.peak_bytes / _MEBIBYTE,
                    "MiB",
                    "before the first one",
                    start.resident_bytes / _MEBIBYTE,
                ),
            ]
    note = "CPU time, user and system, of the whole process while the job ran; peak of the resident size."
    return Section("4 what each party spends", note, tuple(figures))


def share_figures(measured: Measured, units: Units) -> Section:
    """Part 5: shares of the CPU of both parties together."""
    figures: list[Figure] = []
    for name, job in (("contribute", measured.contribute), ("screen", measured.screen)):
        both = job.both
        predicted = units.predicted(both)
        rest = both.cpu - sum(both.seconds.values())
        figures += [
            Figure(
                f"{name}: share of {category}",
                100 * both.seconds.get(category, 0.0) / both.cpu,
                "% of CPU",
                "unit cost × count",
                100 * predicted[category] / both.cpu,
            )
            for category in (ARITHMETIC, CANONICALISATION, SIGNATURES)
        ]
        figures.append(
            Figure(
                f"{name}: share of the rest",
                100 * rest / both.cpu,
                "% of CPU",
                "share of arithmetic",
                100 * both.seconds.get(ARITHMETIC, 0.0) / both.cpu,
            )
        )
    note = (
        "member and hub together. Measured by a wrapper around the backend, canonicalisation and signatures that reads "
        "each thread's CPU time; beside it, the unit costs of parts 1 and 2 times what was counted. The rest is TLS, "
        "gRPC, protobuf, sealing, SQL and Python."
    )
    return Section("5 shares", note, tuple(figures))
