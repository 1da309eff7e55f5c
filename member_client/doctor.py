"""Looks for what keeps a member's machine from working, and says how to mend it. Changes nothing but the cache."""

import os
import stat
from collections.abc import Awaitable, Callable
from typing import Final

from alliance.clock import Clock
from alliance.crypto import backend
from alliance.findings import Finding, Level
from alliance.identifiers import PINS, pins
from alliance.keyring.passphrase import PASSPHRASE_FILE, PASSPHRASE_FILE_VARIABLE, PASSPHRASE_VARIABLE
from alliance.taxonomy import DAY_MS
from member_client._certificates import ca_ends_ms, read_lifetime_ms
from member_client._directory import Directory
from member_client._epochs import PinnedEpoch
from member_client._journal import Journal
from member_client._session import Session
from member_client._state import DECISIONS_FILE, files_set_aside
from member_client.config import Profile
from member_client.errors import AllianceClientError

CA_WARNING_DAYS: Final = 90
EPOCH_WARNING_DAYS: Final = 30
CLAIMS_WARNING_DAYS: Final = 30
SNAPSHOT_WARNING_DAYS: Final = 3
"""Of the seven for which a snapshot is good; a hub makes one every day."""
SKEW_WARNING_MS: Final = 60_000


async def examine(profile: Profile, opened: Callable[[], Awaitable[Session]], clock: Clock) -> list[Finding]:
    """Examine a profile from the inside out; goes on as far as it can."""
    findings = [*_software(), *_folder(profile)]
    try:
        session = await opened()
    except AllianceClientError as error:
        return [*findings, _failed("keys and store", error)]
    findings.append(Finding(Level.OK, "keys and store open"))
    findings += _set_aside(profile)
    now = clock.now_ms()
    findings += [_certificate(session, now), _ca(session, now), *await _claims(session, now), *await _revisits(session)]
    findings += await _entries(session)
    try:
        facts = await session.facts.refresh()
    except AllianceClientError as error:
        return [*findings, _failed("the hub", error)]
    findings.append(
        Finding(Level.OK, f"the hub answers; epoch {facts.epoch.id} serves, {len(facts.directory)} members")
    )
    findings += [_epoch(facts.epoch, clock.now_ms()), _membership(session, facts.directory)]
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
    """Tell of stores that were damaged and rebuilt, and of logs of decisions that an empty one took the place of."""
    lost = [
        Finding(
            Level.WARNING,
            f"a damaged log of decisions was set aside: {path}",
            "What lies in it is held against no recall: restore decisions.sqlite3 from a backup, then remove it.",
        )
        for path in files_set_aside(profile.state_folder, DECISIONS_FILE)
    ]
    return lost + [
        Finding(
            Level.WARNING,
            f"a damaged store was set aside: {path}",
            "Look at the disk. Keep the file while openings of consent from before may be asked for, then remove it.",
        )
        for path in files_set_aside(profile.state_folder)
    ]


def _certificate(session: Session, now: int) -> Finding:
    begins, ends = read_lifetime_ms(session.keys.certificate_pem)
    days = (ends - now) // DAY_MS
    if now >= ends:
        return Finding(Level.ERROR, "the certificate is expired", "Ask the alliance's office for a new invitation.")
    if now >= ends - (ends - begins) // 3:
        remedy = "In use it renews itself at two thirds of its life. Now: member-client renew"
        return Finding(Level.WARNING, f"the certificate ends in {days} days", remedy)
    return Finding(Level.OK, f"the certificate is good for {days} days")


def _ca(session: Session, now: int) -> Finding:
    ends = ca_ends_ms(session.keys.credentials.address.ca_pem)
    days = (ends - now) // DAY_MS
    if now >= ends:
        remedy = "Ask the alliance's office for the new CA: without it no connection to the hub is believed."
        return Finding(Level.ERROR, "the alliance's CA is expired", remedy)
    if days < CA_WARNING_DAYS:
        remedy = "Ask the alliance's office when another one follows; clients in use take it up by themselves."
        return Finding(Level.WARNING, f"the alliance's CA ends in {days} days", remedy)
    return Finding(Level.OK, f"the alliance's CA is good for {days} days")


def _epoch(epoch: PinnedEpoch, now: int) -> Finding:
    days = (epoch.not_after - now) // DAY_MS
    if days < EPOCH_WARNING_DAYS:
        remedy = "Ask the alliance's office when another one begins: without it nobody screens or contributes."
        return Finding(Level.WARNING, f"epoch {epoch.id} ends in {days} days", remedy)
    return Finding(Level.OK, f"epoch {epoch.id} is good for {days} days")


async def _claims(session: Session, now: int) -> list[Finding]:
    """Count what was filed from this machine and ends soon; others may have been filed elsewhere."""
    count = await session.workers.disk(Journal(session.store).count_ending, now, now + CLAIMS_WARNING_DAYS * DAY_MS)
    if not count:
        return []
    remedy = "File again those that still hold: member-client claims list"
    return [Finding(Level.WARNING, f"{count:,} claims that this machine filed expire within 30 days", remedy)]


async def _revisits(session: Session) -> list[Finding]:
    """Count decisions that nobody has looked at again since a claim behind them changed."""
    count = len(await session.workers.disk(session.decisions.revisits.listed))
    if not count:
        return []
    return [Finding(Level.WARNING, f"{count:,} decisions are to be revisited", "See member-client recalls list")]


async def _entries(session: Session) -> list[Finding]:
    """Count own entries that were found to be kept from readers."""
    count = len(await session.workers.disk(Journal(session.store).omitted))
    if not count:
        return []
    remedy = "Call the alliance's auditor, with what member-client audit entries names."
    return [Finding(Level.ERROR, f"the hub was found to keep {count:,} own entries from readers", remedy)]


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
    days = (live.header.not_after - clock.now_ms()) // DAY_MS
    if days < SNAPSHOT_WARNING_DAYS:
        remedy = "Tell the alliance's office: the hub does not renew its snapshots, and clears nobody after that."
        findings.append(Finding(Level.WARNING, f"the filter's snapshot ends in {days} days", remedy))
    if live.heartbeat.time - clock.now_ms() > SKEW_WARNING_MS:
        findings.append(Finding(Level.WARNING, "this machine's clock is behind the hub's", "Synchronise it (NTP)."))
    return findings
