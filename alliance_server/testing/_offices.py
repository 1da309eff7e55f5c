"""The lenders of a hub under test: their profiles, and what others of them claim. Runs on the hub's loop.

Whatever a lender does here it does through the SDK's public face, with keys of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, TypeVar

from alliance.cases.words import InstrumentType
from alliance.clock import Clock
from alliance.crypto.signing import SigningKey
from alliance.errors import AllianceError
from alliance.identifiers import Kind, parse_kind
from alliance.taxonomy import DAY_MS, Category, EvidenceLevel, SubjectRole, Word, needs_approvals, needs_commitment
from alliance_server.bootstrap import Hub
from alliance_server.cli.dev.confirming import confirm_own
from alliance_server.cli.members import bundle
from alliance_server.domain.cases import Scope
from alliance_server.domain.members import Role
from member_client import (
    AllianceClient,
    ContributionOutcome,
    ContributionRow,
    CountersignatureDocument,
    Operator,
    Profile,
    enrol,
)

DEVICES: Final = ("oaid", "idfa", "android_id", "mac")
OPERATORS: Final = ("operator-1", "operator-2")
OFFICERS: Final = ("officer-1", "officer-2")
COUNTERSIGNER: Final = "countersigning-police"
"""Stands behind claims at E4 and E5."""
_EVIDENCE: Final = sha256(b"evidence of a test").digest()

W = TypeVar("W", bound=Word)


@dataclass(frozen=True, slots=True)
class FiledClaim:
    """A claim that stands at the hub: its name there, and the lender that filed it."""

    entry_id: bytes
    by: str


@dataclass(frozen=True, slots=True)
class LiaisonOffice:
    """A liaison that is enrolled and has a scope, and the two officers who sign its cases."""

    profile: Profile
    officers: tuple[Operator, Operator]


def claim_row(
    kind: str | Kind,
    text: str,
    *,
    category: str | Category,
    role: str | SubjectRole,
    evidence: str | EvidenceLevel,
    expires_at: int | None,
) -> ContributionRow:
    """Make a row of words; raises ValueError, which lists the words there are."""
    if kind in DEVICES:
        kind, text = Kind.DEVICE, f"{kind}:{text}"
    level, part = _word(EvidenceLevel, evidence), _word(SubjectRole, role)
    return ContributionRow(
        kind=parse_kind(kind),
        text=text,
        category=_word(Category, category),
        role=part,
        evidence=level,
        expires_at=expires_at,
        evidence_digest=_EVIDENCE if needs_commitment(part, level) else None,
    )


def ending_after(days: float | None, now_ms: int) -> int | None:
    """Give the time so many days from now, milliseconds UTC; None stays None."""
    return None if days is None else now_ms + round(days * DAY_MS)


def _word(words: type[W], given: str | W) -> W:
    if isinstance(given, words):
        return given
    try:
        return words.parse(str(given))
    except AllianceError as error:
        raise ValueError(str(error)) from None


class Offices:
    """Every lender of one hub."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        """Keep profiles and bundles in a folder."""
        self._folder = folder
        self._clock = clock
        self._clients: dict[str, AllianceClient] = {}
        self._approvers: dict[str, tuple[Operator, Operator]] = {}

    async def bundle(self, hub: Hub, name: str, role: Role = Role.MEMBER) -> Path:
        """Invite somebody and give the path of their bundle; raises Refused for one who is enrolled."""
        ticket = await hub.enrolment.invite(name, name, role)
        path = self._folder / f"{name}.bundle.json"
        addresses = (f"127.0.0.1:{port}" for port in (hub.port, hub.enrolment_port))
        path.write_bytes(bundle(hub.config, hub.keys, ticket, *addresses))
        return path

    async def liaison(
        self, hub: Hub, name: str, instruments: Sequence[str | InstrumentType], categories: Sequence[str | Category]
    ) -> LiaisonOffice:
        """Give a liaison, enrolled now where it was not before, with its officers and this scope."""
        profile = await self.profile(hub, name, Role.LIAISON)
        officers = await self._operators(await self._client(hub, name), OFFICERS)
        allowed = frozenset(int(_word(InstrumentType, it)) for it in instruments)
        scope = Scope(name, allowed, frozenset(int(_word(Category, it)) for it in categories))
        await hub.store.write(lambda transaction: transaction.cases.set_scope(scope))
        return LiaisonOffice(profile, officers)

    async def profile(self, hub: Hub, name: str, role: Role = Role.MEMBER) -> Profile:
        """Give the profile of a lender or an office, enrolled now where it was not before."""
        folder = self._folder / name
        if (folder / "profile.toml").exists():
            return Profile.load(folder)
        profile = await enrol(await self.bundle(hub, name, role), folder, clock=self._clock)
        await confirm_own(hub, name)
        return profile

    async def file(self, hub: Hub, row: ContributionRow, by: str) -> FiledClaim:
        """File a claim; raises ValueError where it is refused."""
        client = await self._client(hub, by)
        first, second = (
            await self._operators(client, OPERATORS) if needs_approvals(row.role, row.evidence) else (None, None)
        )
        (result,) = [result async for result in client.contribute([row], operator=first)]
        if result.outcome is ContributionOutcome.PENDING_REVIEW and second is not None:
            (result,) = await client.approve_reviews([result.entry_id], operator=second)
        if result.outcome is ContributionOutcome.PENDING_COUNTERSIGNATURE:
            await self._countersigned(hub, client, result.entry_id)
            (result,) = await client.countersigning.file()
        if result.outcome is ContributionOutcome.REFUSED:
            raise ValueError(f"the claim is refused: {result.reason}. {result.how_to_fix}")
        return FiledClaim(result.entry_id, by)

    async def _countersigned(self, hub: Hub, client: AllianceClient, entry_id: bytes) -> None:
        """Have a liaison of the fixture's own stand behind a claim."""
        await self.profile(hub, COUNTERSIGNER, Role.LIAISON)
        liaison = await self._client(hub, COUNTERSIGNER)
        officer, _ = await self._operators(liaison, OFFICERS)
        await client.countersigning.ask([entry_id], liaison=COUNTERSIGNER, reference="made-up")
        document = CountersignatureDocument("made-up", _EVIDENCE)
        await liaison.countersigning.sign(entry_id, officer=officer, document=document)

    async def withdraw(self, hub: Hub, claim: FiledClaim, reason: str) -> None:
        """Withdraw a claim."""
        await (await self._client(hub, claim.by)).withdraw(claim.entry_id, reason=reason)

    async def rest(self) -> None:
        """Close the lenders' clients; they open again when they are needed."""
        for client in self._clients.values():
            await client.close()

    async def _operators(self, client: AllianceClient, names: Sequence[str]) -> tuple[Operator, Operator]:
        """Give the two of a lender or liaison who sign what needs it, registered at their first use."""
        if client.profile.member not in self._approvers:
            made = [Operator(name, SigningKey.generate()[0]) for name in names]
            for operator in made:
                await client.add_operator(operator)
            self._approvers[client.profile.member] = (made[0], made[1])
        return self._approvers[client.profile.member]

    async def _client(self, hub: Hub, name: str) -> AllianceClient:
        if name not in self._clients:
            profile = await self.profile(hub, name)
            self._clients[name] = AllianceClient(profile, clock=self._clock, cpu_threads=1)
        return self._clients[name]
