"""Looks for what keeps a member's machine from working, and says how to mend it. Changes nothing but the cache."""

import os
import stat
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from alliance.clock import Clock
from alliance.crypto import backend
from alliance.identifiers import PINS, pins
from alliance.keyring.passphrase import PASSPHRASE_FILE, PASSPHRASE_FILE_VARIABLE, PASSPHRASE_VARIABLE
from member_client._certificates import days_left
from member_client._directory import Directory
from member_client._session import Session
from member_client._state import files_set_aside
from member_client.config import Profile
from member_client.errors import AllianceClientError

CERTIFICATE_WARNING_DAYS: Final = 30
SKEW_WARNING_MS: Final = 60_000


class Level(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found; `how_to_fix` is empty where nothing needs mending."""

    level: Level
    what: str
    how_to_fix: str = ""


async def examine(profile: Profile, opened: Callable[[], Awaitable[Session]], clock: Clock) -> list[Finding]:
    """Examine a profile from the inside out; goes on as far as it can."""
    findings = [*_software(), *_folder(profile)]
    try:
        session = await opened()
    except AllianceClientError as error:
        return [*findings, _failed("keys and store", error)]
    findings.append(Finding(Level.OK, "keys and store open"))
    findings += _set_aside(profile)
    findings.append(_certificate(session, clock))
    try:
        facts = await session.facts.refresh()
    except AllianceClientError as error:
        return [*findings, _failed("the hub", error)]
    findings.append(
        Finding(Level.OK, f"the hub answers; epoch {facts.epoch.id} serves, {len(facts.directory)} members")
    )
    findings.append(_membership(session, facts.directory))
    return [*findings, *await _filter(session, facts.epoch.id, clock)]


def _failed(what: str, error: AllianceClientError) -> Finding:
    return Finding(Level.ERROR, f"{what}: {type(error).__name__}: {error}", error.how_to_fix)


def _software() -> list[Finding]:
    findings = [Finding(Level.OK, f"arithmetic: {backend.select().description}")]
    installed = pins()
    if installed == PINS:
        findings.append(Finding(Level.OK, f"identifiers: {installed.norm}, data as pinned"))
    else:
        findings.append(
            Finding(
                Level.WARNING,
                f"identifiers: {installed.norm}, but its data are of other versions than pinned",
                "Install the versions that the package asks for: other data may derive other tags.",
            )
        )
    return findings


def _folder(profile: Profile) -> list[Finding]:
    findings = []
    mode = stat.S_IMODE(profile.folder.stat().st_mode)
    if mode & 0o022:
        findings.append(
            Finding(Level.WARNING, f"{profile.folder} can be written by others", f"chmod go-w {profile.folder}")
        )
    beside = profile.folder / "keys" / PASSPHRASE_FILE
    set_elsewhere = os.environ.get(PASSPHRASE_VARIABLE) or os.environ.get(PASSPHRASE_FILE_VARIABLE)
    if beside.exists() and not set_elsewhere:
        findings.append(
            Finding(
                Level.WARNING,
                "the passphrase lies beside the keys that it seals",
                f"For production give it by {PASSPHRASE_FILE_VARIABLE} from elsewhere, and remove {beside}.",
            )
        )
    return findings


def _set_aside(profile: Profile) -> list[Finding]:
    """Tell of stores that were damaged and rebuilt."""
    return [
        Finding(
            Level.WARNING,
            f"a damaged store was set aside: {path}",
            "Look at the disk. Keep the file while openings of consent from before may be asked for, then remove it.",
        )
        for path in files_set_aside(profile.state_folder)
    ]


def _certificate(session: Session, clock: Clock) -> Finding:
    days = days_left(session.keys.certificate_pem, clock.now_ms())
    if days < 0:
        return Finding(Level.ERROR, "the certificate is expired", "Ask the alliance's office for a new invitation.")
    if days < CERTIFICATE_WARNING_DAYS:
        return Finding(Level.WARNING, f"the certificate ends in {days} days", "Renew it before it ends.")
    return Finding(Level.OK, f"the certificate is good for {days} days")


def _membership(session: Session, directory: Directory) -> Finding:
    key = directory.keys.get(session.profile.member)
    if key is None or key.public_key != session.identity.public_key:
        return Finding(
            Level.ERROR,
            "the directory names another identity key for this member",
            "Ask the alliance's office: claims of this machine cannot be verified by others.",
        )
    return Finding(Level.OK, "the directory names this member's identity key")


async def _filter(session: Session, epoch: int, clock: Clock) -> list[Finding]:
    keeper = await session.keeper(epoch)
    try:
        await keeper.refresh()
    except AllianceClientError as error:
        return [_failed("the filter", error)]
    live = keeper.live
    if live is None or live.heartbeat is None:
        return [Finding(Level.ERROR, "there is no filter", "Try again when the hub has built one.")]
    findings = [
        Finding(
            Level.OK, f"the filter is {live.age_ms(clock.now_ms()) // 1000} s old: {live.header.listings:,} listings"
        )
    ]
    if live.heartbeat.time - clock.now_ms() > SKEW_WARNING_MS:
        findings.append(Finding(Level.WARNING, "this machine's clock is behind the hub's", "Synchronise it (NTP)."))
    return findings
