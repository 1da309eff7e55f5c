"""The page of everything that can go wrong: exceptions, reasons on the wire, refused rows, exit codes."""

from collections.abc import Iterator

from reference_text import NOTICE, error_classes, linked, prose, table

from alliance.errors import CATALOGUE, Reason
from alliance.identifiers import InvalidIdentifier, Kind
from alliance.identifiers import Reason as IdentifierReason
from member_client import _development, _rpc_errors, errors, verdicts
from member_client._drafting import HOW_TO_FIX
from member_client.files import RowFault, RowReason

_HEAD = f"""{NOTICE}

# Errors

*For whoever has one in front of them, and for whoever writes the code that meets it.*

Every exception that leaves the SDK is an [`AllianceClientError`](#allianceclienterror). It has an `exit_code`, which
the command line ends with, and `how_to_fix`. No text of an error holds an identifier, a tag or a key.

`screen` answers with a verdict where the hub is away (`on_unavailable` says what follows); it raises for the rest.
What each failure looks like from outside, and what is safe meanwhile:
[when things fail](../how-to/when-things-fail.md).
"""

_RETRY: dict[type[errors.AllianceClientError], str] = {
    errors.AllianceClientError: "No: the same call fails the same way until what is wrong is mended.",
    errors.StoreDamaged: "Yes, once: the damaged file is set aside by then.",
    errors.PinsDamaged: "No: somebody decides first what to trust.",
    errors.BookDamaged: "No: move the file away first.",
    errors.ClockWrong: "Yes, once the clock is right.",
    errors.HubUnavailable: "Yes, with growing pauses: it passes. The SDK has already tried within the deadline.",
    errors.BucketOverfull: "Not soon: it stays until the hub's operator has acted.",
    errors.StorageFull: "Yes, once there is room.",
    errors.StoreBusy: "Yes, once the other process is gone.",
    errors.HubFault: "Yes: the call took no effect, or the repetition is recognised.",
    errors.TokenRefused: "No: a new invitation is needed.",
    errors.Replayed: "Yes, once the clock is right.",
    errors.EpochNotServed: "Yes, after `sync`. The SDK has already done so once.",
    errors.BudgetExhausted: "Yes, at `retry_at`.",
    errors.IntegrityError: "Never by a program: a person looks first.",
}

_OPEN = {
    verdicts.HUB_UNAVAILABLE: "The hub could not be reached, or was too busy: ask again.",
    verdicts.DEADLINE: "The deadline passed first: ask again, with the same `request_id`.",
    verdicts.STALE: "The filter is too old to clear anybody: ask again once the hub keeps it fresh.",
    verdicts.BUCKET_UNAVAILABLE: "The filter hits, and the bucket that settles it was late: ask again.",
    verdicts.INTEGRITY: "An entry is not what it should be, and no other claim was found: tell the security contact.",
}

EXIT_CODES = (
    ("0", "done"),
    ("1", "a defect of the program: report it"),
    ("2", "usage: an option, a file or an id cannot be used; nothing was sent"),
    ("3", "not enrolled, or the profile, its keys, its store or the clock cannot be used"),
    ("4", "finished; some rows were refused and are in the refused file"),
    ("5", "the hub was away or late, or not everything could be settled: run it again"),
    ("6", "denied, suspended, or out of budget"),
    ("7", "**integrity**: a proof, signature, key or sequence is wrong; stop and call someone"),
    ("10", "`--fail-on match`, and there was a match"),
    ("11", "`--fail-on unknown`, and something was unknown or unconfirmed"),
    ("130", "interrupted; run it again"),
)


def page() -> str:
    """Write the page."""
    parts = [_HEAD, *_exit_codes(), *_exceptions(), *_open_fields(), *_wire(), *_rows()]
    return "\n".join(parts).rstrip() + "\n"


def _exit_codes() -> list[str]:
    advice = "Where several hold, the gravest wins: 7, then 10 and 11, then 5, then 4."
    return ["## Exit codes\n", *table(("code", "means"), EXIT_CODES), advice, ""]


def _exceptions() -> Iterator[str]:
    yield "## Exceptions\n"
    for one in error_classes():
        yield f"### {one.__name__}\n"
        yield f"{prose(one)}\n"
        yield from table(("", ""), _facts(one))


def _facts(one: type[errors.AllianceClientError]) -> Iterator[tuple[str, str]]:
    base = one.__bases__[0]
    if issubclass(base, errors.AllianceClientError):
        yield "is a", linked(base.__name__)
    yield "exit code", str(one.exit_code)
    if one.how_to_fix:
        yield "what to do", one.how_to_fix
    yield "try again?", next(_RETRY[kind] for kind in one.__mro__ if kind in _RETRY)
    reasons = [f"`{reason.name}`" for reason, kind in _rpc_errors._CLASSES.items() if kind is one]
    if reasons:
        yield "reasons on the wire", ", ".join(reasons)


def _open_fields() -> list[str]:
    head = "## Fields that are not settled\n\nThe `reason` of a field whose state is `unknown` or `unconfirmed`.\n"
    return [head, *table(("reason", "means"), ((f"`{word}`", meaning) for word, meaning in _OPEN.items()))]


def _wire() -> Iterator[str]:
    yield "## Reasons on the wire\n"
    yield (
        "What the hub says: `reason` of `google.rpc.ErrorInfo` in domain `alliance`, with `ERROR_REASON_` before it. "
        "The SDK shows its own copy of the sentence, never text from the wire.\n"
    )
    rows = (
        (f"`{reason.name}`", public.code.name, public.sentence, linked(_rpc_errors._CLASSES[reason].__name__))
        for reason, public in CATALOGUE.items()
    )
    yield from table(("reason", "gRPC status", "sentence", "exception"), rows)


def _rows() -> Iterator[str]:
    yield "## Refused rows\n"
    yield (
        "The columns `reason` and `how_to_fix` of `refused.csv`, and those of a `ContributionResult`. "
        "`column` names the cell where one is at fault; the value is never shown.\n"
    )
    yield "### The row cannot be read\n"
    yield from table(
        ("reason", "how to fix"), ((f"`{reason.value}`", RowFault(reason).how_to_fix) for reason in RowReason)
    )
    yield "### The text is no identifier of its kind\n"
    yield "Also the `reason` of a refused field of a verdict.\n"
    yield from table(
        ("reason", "how to fix"),
        (
            *((f"`{reason.value}`", InvalidIdentifier(Kind.PHONE, reason).how_to_fix) for reason in IdentifierReason),
            (f"`{_development.DEVELOPMENT_ONLY}`", _development.HOW_TO_FIX),
        ),
    )
    yield "### The claim is not taken\n"
    yield "By the SDK before anything is sent, or by the hub row by row.\n"
    yield from table(("reason", "how to fix"), sorted(_claim_refusals()))


def _claim_refusals() -> Iterator[tuple[str, str]]:
    for reason in Reason:
        if reason in HOW_TO_FIX:
            yield f"`{reason.name.lower()}`", HOW_TO_FIX[reason]
