"""What the services need from outside: a store of units of work, and an evaluator. Contract suites run on each."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, TypeVar

from alliance.errors import AllianceError
from alliance.taxonomy import ClaimStatus
from alliance_server.domain.audit import AuditRecord
from alliance_server.domain.claims import CategoryCount, ListedEntry, Stock, StoredClaim
from alliance_server.domain.departures import Departure
from alliance_server.domain.epochs import Epoch
from alliance_server.domain.evaluations import Evaluation, RequestKey
from alliance_server.domain.filters import Delta, FilterState, Snapshot
from alliance_server.domain.members import Certificate, Invitation, Member, MemberState, Role
from alliance_server.domain.proposals import Proposal
from alliance_server.domain.quotas import Charged

T = TypeVar("T")


class MemberRepository(Protocol):
    """Members, their certificates and invitations."""

    def get(self, member_id: str) -> Member | None:
        """Give a member."""

    def hold(self, member_id: str) -> Member | None:
        """Give a member, held until the unit of work ends: what is decided on it stays true."""

    def hold_all(self, role: Role) -> None:
        """Hold all of a role until the unit of work ends."""

    def page(self, after: str, limit: int) -> list[Member]:
        """Give members by id, after one."""

    def save(self, member: Member) -> None:
        """Add a member or replace it."""

    def by_serial(self, serial: str) -> tuple[Member, Certificate] | None:
        """Give the holder of a certificate."""

    def add_certificate(self, certificate: Certificate) -> None:
        """Add a certificate."""

    def revoke_certificates(self, member_id: str, now: int) -> int:
        """Revoke all certificates of a member; returns how many were not revoked before."""

    def invitation(self, token_sha256: bytes) -> Invitation | None:
        """Give an invitation. Held until the unit of work ends."""

    def save_invitation(self, invitation: Invitation) -> None:
        """Add an invitation or replace it."""

    def end_invitations(self, member_id: str, now: int) -> None:
        """Let a member's invitations end that were not used."""

    def set_state(self, member_id: str, state: MemberState, now: int) -> None:
        """Change a membership's state."""

    def end_all_invitations(self, now: int) -> None:
        """Let all invitations end that were not used."""

    def count_ever_confirmed(self, role: Role) -> int:
        """Count those of a role whose key was confirmed, whatever became of them."""

    def count_able(self, role: Role, now: int, *, but: str) -> int:
        """Count those of a role, one apart, who are active and have a certificate that is good."""

    def count_certificates(self, member_id: str, now: int) -> int:
        """Count a member's certificates that are good."""

    def certificates(self, member_id: str, now: int) -> list[Certificate]:
        """Give a member's certificates that are good, oldest first. Held until the unit of work ends."""


class EpochRepository(Protocol):
    """Key epochs."""

    def get(self, epoch: int) -> Epoch | None:
        """Give an epoch."""

    def all(self) -> list[Epoch]:
        """Give all epochs, oldest first."""

    def add(self, epoch: Epoch) -> None:
        """Add an epoch and its empty filter state."""


class ClaimRepository(Protocol):
    """The registry of claims."""

    def get(self, entry_id: bytes) -> StoredClaim | None:
        """Give a claim."""

    def get_many(self, entry_ids: Sequence[bytes]) -> dict[bytes, StoredClaim]:
        """Give those claims that exist, by entry id."""

    def digests(self, entry_ids: Sequence[bytes]) -> dict[bytes, bytes]:
        """Give the row digests of those entries that exist."""

    def stock(self, contributor: str, epoch: int, tags: Sequence[bytes], now: int) -> Stock:
        """Give what a contributor has on these tags, once its claims that are over are marked as expired."""

    def add(self, claims: Sequence[StoredClaim]) -> None:
        """Add claims."""

    def change_status(self, entry_id: bytes, status: ClaimStatus, version: int, statement: bytes) -> None:
        """Record a change of status; raises Refused unless `version` is the next one."""

    def own(self, contributor: str, after: tuple[int, int], limit: int, *, live_only: bool) -> list[StoredClaim]:
        """Give a contributor's claims after (epoch, sequence)."""

    def in_ranges(self, epoch: int, ranges: Sequence[tuple[bytes, bytes]], now: int) -> list[list[ListedEntry]]:
        """Give live listed claims by the range [low, high] in which their tags lie; by tag within each."""

    def tags_between(self, epoch: int, after: int, upto: int) -> bytes:
        """Give packed tags of live listed claims by sequence in (after, upto]."""

    def live_tags(self, epoch: int, upto: int, now: int, page: int) -> Iterator[bytes]:
        """Give distinct tags of live listed claims up to a sequence, packed, in pages of so many."""

    def count_live(self, epoch: int, upto: int, now: int) -> int:
        """Count distinct live listed tags up to a sequence."""

    def report(self, entry_id: bytes, reporter: str, finding: int, now: int) -> None:
        """Record that an entry was found wrong."""

    def count_own_live(self, contributor: str, now: int) -> int:
        """Count a contributor's live claims."""

    def own_live_by_category(self, contributor: str, now: int) -> list[CategoryCount]:
        """Count a contributor's live claims by category, with when they expire."""


class FilterRepository(Protocol):
    """Filter states, snapshots and deltas."""

    def state(self, epoch: int) -> FilterState | None:
        """Give an epoch's state."""

    def advance(self, epoch: int, rows: int) -> int:
        """Reserve the next sequences for rows; returns the first. Held until the unit of work ends."""

    def snapshot(self, bits_sha256: bytes) -> Snapshot | None:
        """Give a snapshot."""

    def publish(self, snapshot: Snapshot) -> None:
        """Put a snapshot in force."""

    def add_delta(self, epoch: int, delta: Delta) -> None:
        """Add a delta and move the state's delta sequence."""

    def deltas(self, base_sha256: bytes, after: int, limit: int) -> list[Delta]:
        """Give a base's next deltas from a sequence on, in order."""

    def beat(self, epoch: int, heartbeat: bytes) -> None:
        """Store the newest heartbeat."""

    def superseded(self, before: int) -> list[bytes]:
        """Forget snapshots that are not in force and older than a time; returns the digests of their files."""


class QuotaRepository(Protocol):
    """Budgets, contribution credit and the replay cache."""

    def charge(self, member_id: str, resource: int, day: int, items: int) -> Charged:
        """Add items (or take them back, where negative) and give the day's total, and the member's own limit."""

    def used(self, member_id: str, resource: int, day: int) -> int:
        """Give the items used on a day."""

    def limit(self, member_id: str, resource: int) -> int | None:
        """Give a member's own limit of items a day; None where it has none of its own."""

    def set_limit(self, member_id: str, resource: int, items: int) -> None:
        """Give a member a limit of its own."""

    def evaluation_contents(self, requests: Sequence[RequestKey]) -> dict[RequestKey, bytes]:
        """Give the content digests of those requests that were admitted before."""

    def add_evaluations(self, evaluations: Sequence[Evaluation], now: int) -> None:
        """Remember evaluations."""

    def add_credit(self, member_id: str, epoch: int, evaluations: int) -> None:
        """Add contribution evaluations."""

    def spend_credit(self, member_id: str, epoch: int, rows: int) -> int:
        """Take up to `rows` evaluations; returns how many were left to take."""


class AuditRepository(Protocol):
    """Audit events."""

    def page(self, actor: str, after: int, limit: int) -> list[tuple[int, AuditRecord]]:
        """Give an actor's events after a row number, with their row numbers."""

    def count(self, actor: str, since: int, most: int) -> int:
        """Count an actor's newest events since a time, at most so many."""


class ProposalRepository(Protocol):
    """Proposals of admins."""

    def get(self, proposal_id: bytes) -> Proposal | None:
        """Give a proposal. Held until the unit of work ends."""

    def add(self, proposal: Proposal) -> None:
        """Add a proposal."""

    def decide(self, proposal: Proposal) -> None:
        """Keep the decision about a proposal."""

    def page(self, after: int, limit: int, *, undecided_at: int | None) -> list[tuple[int, Proposal]]:
        """Give proposals after a row number, with their row numbers; with a time those alone that waited then."""

    def count_open(self, proposer: str, now: int) -> int:
        """Count an admin's proposals that wait."""

    def count_overdue(self, now: int) -> int:
        """Count those done by break-glass whose review is overdue."""


class DepartureRepository(Protocol):
    """Members whose claims are withdrawn after them."""

    def add(self, departure: Departure) -> None:
        """Add a departure."""

    def get(self, member_id: str) -> Departure | None:
        """Give a member's departure. Held until the unit of work ends."""

    def next(self, asked_before: int) -> Departure | None:
        """Give the oldest departure that is not over and was asked for before a time."""

    def save(self, departure: Departure) -> None:
        """Keep how far a departure is."""


class LeaseRepository(Protocol):
    """Work that must happen once."""

    def acquire(self, name: str, holder: str, now: int, until: int) -> bool:
        """Take or renew a lease; false where another holds it."""


class Transaction(Protocol):
    """One unit of work: all of it is durable together with its audit records, or none."""

    @property
    def members(self) -> MemberRepository: ...  # noqa: D102 - its type says it
    @property
    def epochs(self) -> EpochRepository: ...  # noqa: D102 - its type says it
    @property
    def claims(self) -> ClaimRepository: ...  # noqa: D102 - its type says it
    @property
    def filters(self) -> FilterRepository: ...  # noqa: D102 - its type says it
    @property
    def quotas(self) -> QuotaRepository: ...  # noqa: D102 - its type says it
    @property
    def audit(self) -> AuditRepository: ...  # noqa: D102 - its type says it
    @property
    def proposals(self) -> ProposalRepository: ...  # noqa: D102 - its type says it
    @property
    def departures(self) -> DepartureRepository: ...  # noqa: D102 - its type says it
    @property
    def leases(self) -> LeaseRepository: ...  # noqa: D102 - its type says it

    def record(self, record: AuditRecord) -> None:
        """Add an audit record to the unit of work."""

    def undone(self) -> AbstractContextManager[None]:
        """Take back whatever is done inside the block."""


class Store(Protocol):
    """Runs units of work, off the event loop."""

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Run a unit of work and answer once it is durable; commits are grouped. Work may run again on conflict."""

    def write_now(self, work: Callable[[Transaction], T]) -> T:
        """Do the same for code on a thread of its own."""

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run a read."""


@dataclass(frozen=True, slots=True)
class Share:
    """One custodian's evaluation: packed elements of 32 bytes, and a proof of 64."""

    index: int
    evaluated: bytes
    proof: bytes


class Evaluator(Protocol):
    """Evaluates blinded elements under an epoch's key: in this process, or at t of n custodians."""

    def evaluate(self, evaluations: Sequence[Evaluation]) -> list[tuple[Share, ...] | AllianceError]:
        """Evaluate batches that were admitted, each with shares of its own or a failure of its own.

        Runs off the event loop, and may wait. Custodians check the member's header for themselves.
        """


class SnapshotFiles(Protocol):
    """Content-addressed files of filter bits."""

    def save(self, bits: bytes | bytearray) -> bytes:
        """Write bits durably; returns their SHA-256."""

    def has(self, bits_sha256: bytes) -> bool:
        """Say whether there is a file of this name; its bits may still be wrong."""

    def load(self, bits_sha256: bytes) -> bytearray:
        """Read bits back; raises FilterInvalid where they are missing or wrong."""

    def chunks(self, bits_sha256: bytes, offset: int, size: int) -> Iterable[bytes]:
        """Read bits from an offset on, in chunks."""

    def delete(self, bits_sha256: bytes) -> None:
        """Remove bits that no snapshot needs."""
