"""The parts of a run, in order. Each measures its rivals itself, so that any one may be run alone."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.measure.progress import Say
from benchmarks.parts import (
    attachments,
    audit_log,
    bulk,
    canonicalisation,
    filters,
    identifier,
    online,
    profile,
    recalls,
    secrecy,
    starting,
    threads,
    unbalanced,
    watching,
)
from benchmarks.report import Section
from benchmarks.sizes import Sizes


@dataclass(frozen=True, slots=True)
class Part:
    """A part: its name, one line for `--help`, and what runs it in a folder of its own."""

    name: str
    about: str
    run: Callable[[Path, Sizes, Say], list[Section]]


PARTS: Final = (
    Part(
        "identifier", "CPU an identifier: blind, evaluate and prove, finalize; OpenMined, X25519", identifier.measured
    ),
    Part("threads", "two threads against one on every batch function", threads.measured),
    Part("canonicalisation", "CPU a value of every sort, beside its arithmetic", canonicalisation.measured),
    Part("filter", "building and asking a filter of ten million tags", filters.measured),
    Part("online", "checks of one subject at 1, 16, 64 in flight, beside a bare gRPC echo", online.measured),
    Part("bulk", "contribute and screen over TLS: rows/s, CPU, bytes, memory; OpenMined", bulk.measured),
    Part("unbalanced", "SecretFlow's unbalanced PSI against 2^20, and we on the same sets", unbalanced.measured),
    Part("recalls", "from a recall to the event in every open SDK", recalls.measured),
    Part("profile", "where the CPU of a screening goes, by sampling both processes", profile.measured),
    Part("watch", "a book of a million customers against a delta of ten thousand claims", watching.measured),
    Part(
        "log",
        "events durable and sealed beside bare inserts; proofs and verification of a long log",
        audit_log.measured,
    ),
    Part("attachments", "a file of 1 GiB up and down, beside a copy and a bare stream", attachments.measured),
    Part("secrecy", "inquiries of a member that no case asks, at a hub with cases and one without", secrecy.measured),
    Part("start", "start and memory of hubs with a million and ten million claims", starting.measured),
)
