"""`member-client enrol`, `sync`, `renew`, `doctor`: becoming a member, staying one, and finding out what is wrong."""

from pathlib import Path
from typing import Annotated, Final

import typer
from rich.cells import set_cell_size
from rich.text import Text

from member_client import Finding, Level, Profile, SyncReport, errors
from member_client.cli.group import UsageFault
from member_client.cli.language import retold, told_finding, tr
from member_client.cli.progress import age
from member_client.cli.session import Session, printable, session_of

_LEVEL_STYLES: Final = {"ok": "green", "warning": "yellow", "error": "bold red"}
_LEVEL_WIDTH: Final = 8
_NOT_CONFIGURED: Final = 3


def enrol(
    context: typer.Context,
    bundle: Annotated[Path, typer.Argument(help="The bundle that the alliance's office sent.", metavar="BUNDLE")],
) -> None:
    """Enrol this machine with the bundle of your invitation.

    Keys are made here and stay here; the bundle's token works once. The
    alliance lets you in when you have read the words that are printed to its
    admins by telephone. Example:

      member-client --profile ~/alliance enrol bundle.json
    """
    session = session_of(context)
    if not bundle.is_file():
        raise UsageFault(tr("{file}: there is no such file", file=bundle))
    profile = session.run(_enrolled(session, bundle))
    session.say(
        tr(
            "enrolled {member} in {alliance}; profile in {folder}",
            member=profile.member,
            alliance=profile.alliance,
            folder=profile.folder,
        )
    )
    words = session.ports.fingerprint(session.folder)
    session.say(tr("fingerprint: {words}", words=words))
    session.note(tr("read these words to the alliance by telephone: calls are refused until it confirms them"))
    session.note(tr("keep a backup of that folder; then: member-client sync"))
    session.document(
        {
            "member": profile.member,
            "alliance": profile.alliance,
            "profile": str(profile.folder),
            "fingerprint": words,
        }
    )


async def _enrolled(session: Session, bundle: Path) -> Profile:
    return await session.ports.enrol(bundle, session.folder)


def fingerprint(context: typer.Context) -> None:
    """Print the words of this member's key, which you read to the alliance's admins by telephone.

    They are no secret: they tell your key from one of somebody who took
    your place. Say them only where you are called at a number that the
    alliance knows, or where you call a number that you know. With --json
    the public key itself is told too, as an auditor asks for it. Example:

      member-client fingerprint
    """
    session = session_of(context)
    words = session.ports.fingerprint(session.folder)
    session.say(words)
    session.document({"fingerprint": words, "identity_key": session.ports.identity_key(session.folder).hex()})


def sync(context: typer.Context) -> None:
    """Bring the filter, keys and member directory up to date.

    Screening does this by itself; alone it shows whether the hub can be
    reached. Example:

      member-client sync
    """
    session = session_of(context)
    report = session.run(_synced(session))
    session.say(
        tr(
            "epoch {epoch} · {listings:,} listings · sequence {sequence:,} · filter {age} old · {members:,} members · "
            "{megabytes:,.1f} MB downloaded",
            epoch=report.epoch,
            listings=report.listings,
            sequence=report.sequence,
            age=age(report.filter_age_ms),
            members=report.members,
            megabytes=report.downloaded_bytes / 1_000_000,
        )
    )
    names = ("epoch", "listings", "sequence", "filter_age_ms", "members", "downloaded_bytes")
    session.document({name: getattr(report, name) for name in names})


async def _synced(session: Session) -> SyncReport:
    async with session.client() as client:
        return await client.sync()


def renew(context: typer.Context) -> None:
    """Renew this member's certificate now.

    In use that happens by itself, at two thirds of its life. Example:

      member-client renew
    """
    session = session_of(context)
    session.run(_renewed(session))
    session.say(tr("the certificate is renewed; the one before it stays good until it ends"))
    session.document({"renewed": True})


async def _renewed(session: Session) -> None:
    async with session.client() as client:
        await client.renew()


def doctor(context: typer.Context) -> None:
    """Look for what keeps this machine from working, and say how to mend it.

    For example:

      member-client doctor
    """
    session = session_of(context)
    findings = session.run(_examined(session))
    for finding in findings:
        level = str(finding.level)
        mark = Text(set_cell_size(retold(level), _LEVEL_WIDTH), style=_LEVEL_STYLES.get(level, ""))
        session.say(mark + f" {printable(told_finding(finding.what))}")
        if finding.how_to_fix:
            session.say(f"{' ' * _LEVEL_WIDTH} {retold(finding.how_to_fix)}")
    healthy = all(finding.level is not Level.ERROR for finding in findings)
    session.document({"healthy": healthy, "findings": [_record(finding) for finding in findings]})
    raise typer.Exit(max((_exit_code(finding) for finding in findings), default=0))


async def _examined(session: Session) -> list[Finding]:
    async with session.client() as client:
        return await client.doctor()


def _exit_code(finding: Finding) -> int:
    """Give the code of the error that a finding names, else that of a machine that is not set up."""
    if finding.level is not Level.ERROR:
        return 0
    fault = getattr(errors, finding.what.partition(": ")[2].partition(": ")[0], None)
    if isinstance(fault, type) and issubclass(fault, errors.AllianceClientError):
        return fault.exit_code
    return _NOT_CONFIGURED


def _record(finding: Finding) -> dict[str, str]:
    return {"level": str(finding.level), "what": finding.what, "how_to_fix": retold(finding.how_to_fix)}
