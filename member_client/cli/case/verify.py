"""`member-client case verify`: whether a case's bundle is what its parties signed; asks nobody and opens no profile."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final

import typer

from alliance import fingerprints
from alliance.cases.bundle.report import BundleReport
from alliance.cases.bundle.verifying import verify as verify_bundle
from alliance.errors import FingerprintDiffers, FingerprintUnreadable
from member_client.cli.endings import DONE, INTEGRITY
from member_client.cli.group import UsageFault
from member_client.cli.language import exact_moment, retold, tr
from member_client.cli.session import Session, session_of

_HEX: Final = re.compile("[0-9a-f]{64}")
_SHOWN: Final = 30
"""Faults that are told singly; all of them with --json."""


def verify(
    context: typer.Context,
    bundle: Annotated[Path, typer.Argument(help="Bundle that 'case export' wrote.", metavar="BUNDLE")],
    hub_key: Annotated[
        str | None,
        typer.Option(
            help="The hub's key, from elsewhere: 64 hexadecimal digits, or its twelve words.", metavar="FINGERPRINT"
        ),
    ] = None,
) -> None:
    r"""Verify a case's bundle, offline: with no profile, no hub and no settings.

    Every byte is looked at, every signature, and the proofs that the hub's
    log has each step in its order. What is wrong is listed with its place,
    and the exit code is 7. A bundle does not vouch for itself: give the hub's
    key, as the alliance publishes it, or compare the one that is printed:

      member-client case verify case-A-17.tar \
        --hub-key "abandon ability able ..."
    """
    session = session_of(context)
    is_hub = None if hub_key is None else _matcher(hub_key)
    try:
        with bundle.open("rb") as file:
            report = verify_bundle(file, is_hub)
    except OSError as error:
        raise UsageFault(tr("{file} cannot be read ({reason})", file=bundle, reason=error.strerror)) from None
    session.document(_document(report))
    _tell(session, report, is_pinned=is_hub is not None)
    raise typer.Exit(DONE if report.holds else INTEGRITY)


def _matcher(told: str) -> Callable[[bytes], bool]:
    """Give what tells whether a key is the one that was told; raises UsageFault where nothing can be."""
    if _HEX.fullmatch(told.strip().lower()):
        return bytes.fromhex(told.strip()).__eq__
    _is_of(told, bytes(32))  # words that are none are found before the bundle is read
    return lambda key: _is_of(told, key)


def _is_of(words: str, key: bytes) -> bool:
    try:
        fingerprints.check_fingerprint(words, key)
    except FingerprintDiffers:
        return False
    except FingerprintUnreadable:
        raise UsageFault(tr("--hub-key is 64 hexadecimal digits, or twelve words: is one mistyped?")) from None
    return True


def _document(report: BundleReport) -> dict[str, object]:
    return {
        "holds": report.holds,
        "alliance": report.alliance,
        "hub_key": report.hub_key.hex(),
        "fingerprint": fingerprints.fingerprint(report.hub_key) if report.hub_key else "",
        "case": report.case,
        "number": report.number,
        "liaison": report.liaison,
        "signed_by": report.signed_by,
        "made_at": report.made_at,
        "held": report.held,
        "notes": report.notes,
        "faults": [{"place": it.place, "text": it.text} for it in report.faults],
    }


def _tell(session: Session, report: BundleReport, *, is_pinned: bool) -> None:
    if report.hub_key:
        signed = tr(
            "case {number} of {liaison} in {alliance}, made at {time} by officer {officer}",
            number=report.number,
            liaison=report.liaison or "?",
            alliance=report.alliance,
            time=exact_moment(report.made_at),
            officer=report.signed_by,
        )
        session.say(signed)
    for line in report.held:
        session.say(tr("holds  {what}", what=retold(line)))
    for line in report.notes:
        session.say(tr("note   {what}", what=retold(line)))
    for fault in report.faults[:_SHOWN]:
        session.say(tr("WRONG  {place}: {what}", place=retold(fault.place), what=retold(fault.text)))
    if len(report.faults) > _SHOWN:
        session.say(tr("WRONG  and {count:,} more; --json has them", count=len(report.faults) - _SHOWN))
    if not report.holds:
        session.say(tr("this bundle does NOT hold: rely on nothing in it, and ask who made it for another copy"))
    elif is_pinned:
        session.say(tr("the bundle holds, under the hub's key that you gave"))
    else:
        session.say(tr("the bundle holds, if this is the hub's key; compare it with what the alliance publishes:"))
        session.say(f"{report.hub_key.hex()}")
        session.say(fingerprints.fingerprint(report.hub_key))
