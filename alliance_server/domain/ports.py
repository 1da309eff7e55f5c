"""What the services need from outside: a store of units of work, and an evaluator. Contract suites run on each."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, TypeVar

from alliance.crypto.merkle import Frontier
from alliance.errors import AllianceError
from alliance.taxonomy import ClaimStatus
from alliance.tlog.tiles import Tile
from alliance_server.domain.alarms import Alarm, DayOfUse, Finding
from alliance_server.domain.attachments import Attachment
from alliance_server.domain.attachments import Key as AttachmentKey
from alliance_server.domain.audit import AuditRecord
from alliance_server.domain.cases import Asked, Case, Decision, Match, Placed, Scope
from alliance_server.domain.claims import (
    CategoryCount,
    EndedClaim,
    ListedEntry,
    NumberedChange,
    Stock,
    StoredClaim,
    TaggedClaim,
)
from alliance_server.domain.countersignatures import Countersigning, NumberedStatement
from alliance_server.domain.departures import Departure
from alliance_server.domain.disputes import Dispute, Overdue
from alliance_server.domain.epochs import Epoch
from alliance_server.domain.evaluations import Evaluation, RequestKey
from alliance_server.domain.filters import Delta, FilterState, Snapshot
from alliance_server.domain.logs import Leaf, Log, Position, TreeHead
from alliance_server.domain.members import Certificate, Invitation, Member, MemberState, Role
from alliance_server.domain.operators import Operator
from alliance_server.domain.outcomes import OutcomeBatch, Quality, Told
from alliance_server.domain.policies import AdoptedPolicy
from alliance_server.domain.proposals import Proposal
from alliance_server.domain.purges import Purges
from alliance_server.domain.quotas import Charged
from alliance_server.domain.recalls import Recall, Receipt
from alliance_server.domain.reciprocity import Business, Given, Standing
from alliance_server.domain.successions import Succession, SuccessionSignature
from alliance_server.domain.suppression import NumberedList
from alliance_server.domain.witnesses import Cosignature, NumberedWitnesses

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

    def ending(self, before: int) -> list[tuple[str, int]]:
        """Give active members whose last unrevoked certificate ends before a time, and when it does; soonest first."""

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

    def hold(self) -> list[Epoch]:
        """Give all epochs, oldest first, held until the unit of work ends, with the registries of each."""

    def save(self, epoch: Epoch) -> None:
        """Replace an epoch."""


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

    def change_status(
        self, entry_id: bytes, status: ClaimStatus, version: int, statement: bytes, *, now: int, reason: str = ""
    ) -> None:
        """Record a change of status and have the feed tell it; raises Refused unless `version` is the next one."""

    def due_to_purge(self, now: int, most: int) -> list[EndedClaim]:
        """Give up to so many claims that are to be deleted by now, each contributor's together."""

    def purge(self, entry_ids: Sequence[bytes]) -> int:
        """Delete claims with what was reported about them; returns how many there were."""

    def own(
        self,
        contributor: str,
        after: tuple[int, int],
        limit: int,
        *,
        live_only: bool,
        before_epoch: int = 0,
        retagged_too: bool = False,
    ) -> list[StoredClaim]:
        """Give a contributor's claims after (epoch, sequence) that no later epoch holds, or all of them."""

    def in_ranges(self, epoch: int, ranges: Sequence[tuple[bytes, bytes]], now: int) -> list[list[ListedEntry]]:
        """Give live listed claims by the range [low, high] in which their tags lie; by tag within each."""

    def on_tags(self, epoch: int, tags: Sequence[bytes], now: int) -> list[TaggedClaim]:
        """Give live claims on some tags, those that protect apart, each with its tag."""

    def tags_between(self, epoch: int, after: int, upto: int) -> bytes:
        """Give packed tags of live listed claims by sequence in (after, upto]."""

    def live_tags(self, epoch: int, upto: int, now: int, page: int) -> Iterator[bytes]:
        """Give distinct tags of live listed claims up to a sequence, packed, in pages of so many."""

    def count_live(self, epoch: int, upto: int, now: int) -> int:
        """Count distinct live listed tags up to a sequence."""

    def report(self, entry_id: bytes, reporter: str, finding: int, now: int) -> None:
        """Record that an entry was found wrong."""

    def count_own_live(self, contributor: str, now: int) -> int:
        """Count a contributor's live claims; one that is re-tagged counts once."""

    def hold(self, entry_ids: Sequence[bytes]) -> dict[bytes, StoredClaim]:
        """Give those claims that exist, by entry id, held until the unit of work ends."""

    def link(self, successors: Mapping[bytes, bytes]) -> None:
        """Record which claims re-tag which, by the entry id of the earlier one; each is held."""

    def count_to_retag(self, contributor: str, before_epoch: int, most: int, now: int) -> int:
        """Count a contributor's live claims of earlier epochs that are not re-tagged, at most so many."""

    def laggards(self, epoch: int, now: int) -> list[tuple[str, int]]:
        """Give members with live claims of an epoch that are not re-tagged, and how many; most first."""

    def is_retagged(self, epoch: int, now: int) -> bool:
        """Say whether no member has a live claim of an epoch that waits to be re-tagged."""

    def count_of(self, epoch: int, now: int) -> tuple[int, int]:
        """Count an epoch's claims: live ones, and all that there are."""

    def destroy(self, epoch: int, most: int) -> int:
        """Delete up to so many claims of an epoch with what was reported about them; returns how many."""

    def own_live_by_category(self, contributor: str, now: int) -> list[CategoryCount]:
        """Count a contributor's live claims by category, with when they expire."""


class ChangeRepository(Protocol):
    """The feed of changes of claims' statuses, numbered in the order in which they took effect."""

    def newest(self) -> int:
        """Give the number of the newest change; 0 where there was none."""

    def after(self, number: int, limit: int) -> list[NumberedChange]:
        """Give changes after a number, in order."""

    def is_due_to_purge(self, now: int) -> bool:
        """Say whether there are changes to forget by now."""

    def purge(self, now: int, most: int) -> int:
        """Forget up to so many changes of claims that would be over by now anyhow; returns how many."""


class RecallRepository(Protocol):
    """Recalled claims, and who has dealt with them."""

    def receipt(self, member_id: str) -> Receipt | None:
        """Give a member's newest receipt. Held until the unit of work ends."""

    def keep(self, receipt: Receipt) -> None:
        """Keep a receipt unless there is one that reaches as far."""

    def after(self, number: int, limit: int) -> list[Recall]:
        """Give recalls after a number, in order, with the members that have not said that they dealt with them."""


class DisputeRepository(Protocol):
    """Disputes about claims."""

    def get(self, dispute_id: bytes) -> Dispute | None:
        """Give a dispute. Held until the unit of work ends."""

    def about(self, claim_ids: Sequence[bytes]) -> list[Dispute]:
        """Give all disputes about some claims, oldest first."""

    def add(self, dispute: Dispute) -> None:
        """Add a dispute."""

    def save(self, dispute: Dispute) -> None:
        """Keep where a dispute is."""

    def opened_by(self, member: str, after: int, limit: int, *, waiting_only: bool) -> list[tuple[int, Dispute]]:
        """Give what a member opened after a row number, with their row numbers."""

    def about_own(self, contributor: str, after: int, limit: int, *, waiting_only: bool) -> list[tuple[int, Dispute]]:
        """Give what is about a contributor's claims after a row number, with their row numbers."""

    def escalated(self, after: int, limit: int) -> list[tuple[int, Dispute]]:
        """Give what waits for a reviewer after a row number, with their row numbers."""

    def overdue(self, now: int, most: int) -> list[Dispute]:
        """Give up to so many open disputes that are due, each contributor's together. Held until the unit ends."""

    def is_overdue(self, now: int) -> bool:
        """Say whether there are open disputes that are due."""

    def of_ended_claims(self, now: int, most: int) -> list[tuple[Dispute, ClaimStatus | None]]:
        """Give up to so many unfinished disputes whose claim lives no more, with its status; None: it is gone."""

    def overdue_by_contributor(self, now: int) -> list[Overdue]:
        """Count by contributor what is overdue: its answers, and reviewers' decisions about its claims."""

    def is_due_to_purge(self, now: int) -> bool:
        """Say whether there is something to delete by now."""

    def purge(self, now: int, most: int) -> tuple[int, int]:
        """Delete sealed statements and whole disputes, up to so many of each; returns how many of each."""


class CaseRepository(Protocol):
    """Police cases, and what liaisons may ask for."""

    def scope(self, member_id: str) -> Scope | None:
        """Give what a liaison may ask for; None where nobody has said."""

    def set_scope(self, scope: Scope) -> None:
        """Say what a liaison may ask for."""

    def get(self, case_id: bytes) -> Case | None:
        """Give a case. Held until the unit of work ends."""

    def add(self, case: Case) -> None:
        """Add a case."""

    def save(self, case: Case) -> None:
        """Keep where a case is."""

    def page(self, after: int, limit: int, *, liaison: str | None, waiting_only: bool) -> list[tuple[int, Case]]:
        """Give cases of a liaison, or of all, after a row number, with their row numbers."""

    def items_under(self, liaison: str, instrument_sha256: bytes) -> int:
        """Sum up the suspects that a liaison's cases have of an instrument."""

    def instrument_types(self, liaison: str, instrument_sha256: bytes) -> set[int]:
        """Give the types as which a liaison's cases that use an instrument state it; one, or none."""

    def decisions(self, case_ids: Sequence[bytes]) -> list[Decision]:
        """Give what was decided about some cases, as it came."""

    def add_decision(self, decision: Decision) -> None:
        """Add a decision; raises where one of the function decided."""

    def steps(self, case_id: bytes, *, members_too: bool) -> list[tuple[int, bytes]]:
        """Give the numbers of the events of a case's life, with what they commit to, oldest first."""

    def progress(self, case_id: bytes, epoch: int) -> tuple[int, int]:
        """Give how many suspects were evaluated under an epoch's key, and how many submitted."""

    def evaluated(self, case_id: bytes, epoch: int, items: int) -> None:
        """Note that so many more suspects of a case, which is held, were evaluated."""

    def place(self, case_id: bytes, epoch: int, first_index: int) -> Placed | None:
        """Give the submission that began at a place."""

    def add_place(self, placed: Placed, matches: Sequence[Match]) -> None:
        """Add a submission of a case, which is held, and what matched."""

    def drop_retagged(self, case_id: bytes) -> None:
        """Forget matches of claims whose successors match as well."""

    def drop_matches(self, case_id: bytes) -> None:
        """Forget what matched."""

    def ask(self, case_id: bytes) -> int:
        """Ask the contributors of what matched; returns how many."""

    def asked(self, case_id: bytes, member: str) -> Asked | None:
        """Give what a case asks a member. Held until the unit of work ends."""

    def opened(self, case_id: bytes, member: str, items: int) -> None:
        """Note that a member evaluated so many more identifiers to open what it is asked."""

    def inquiries(self, member: str, after: int, limit: int) -> list[tuple[int, Case, Asked]]:
        """Give the cases that ask a member after a row number, with their row numbers; its replies' bytes apart."""

    def entries(self, case_id: bytes, member: str, after: bytes, limit: int) -> list[Match]:
        """Give the claims of a member that a case asks about, by entry id after one."""

    def reply(self, case_id: bytes, member: str, statement: bytes, sealed: bytes, now: int) -> None:
        """Keep a member's reply."""

    def replies(self, case_id: bytes, after: str, limit: int) -> list[Asked]:
        """Give the members that a case asks, by id after one, with their replies."""

    def run_out(self, now: int, most: int) -> list[Case]:
        """Give up to so many cases whose clock has run out. Held until the unit of work ends."""

    def has_run_out(self, now: int) -> bool:
        """Say whether there is a case whose clock has run out."""

    def is_due_to_purge(self, now: int) -> bool:
        """Say whether there is something to delete by now."""

    def purge(self, now: int, most: int) -> tuple[int, int]:
        """Delete sealed things and whole cases, up to so many of each; returns how many of each."""


class AttachmentRepository(Protocol):
    """Attachments of replies to cases."""

    def get(self, key: AttachmentKey) -> Attachment | None:
        """Give an attachment."""

    def add(self, attachment: Attachment) -> None:
        """Add an attachment that is begun."""

    def complete(self, key: AttachmentKey, now: int) -> bool:
        """Note that an attachment is whole; false where it is so already, or there is none."""

    def remove(self, key: AttachmentKey) -> bool:
        """Forget an attachment; false where there is none."""

    def used(self, case_id: bytes, member: str) -> tuple[int, int]:
        """Give how many attachments a member has to a case, and their sizes' sum."""

    def whole(self, case_id: bytes, members: Sequence[str]) -> list[Attachment]:
        """Give those that some members uploaded whole to a case, each member's together."""

    def due_to_purge(self, now: int, most: int) -> list[AttachmentKey]:
        """Give up to so many whose case ended long enough ago, or is gone."""


class OutcomeRepository(Protocol):
    """What became of decisions: batches of members, counts that wait, and counts that were told."""

    def digest(self, member_id: str, day: int) -> bytes | None:
        """Give the digest of the batch that a member sent for a day; None where it sent none."""

    def reported(self, member_id: str, since: int) -> int:
        """Count what a member reported since a time."""

    def add(self, batch: OutcomeBatch, month: int, now: int) -> None:
        """Add a batch to what waits in a month; its member is held."""

    def is_due(self, month: int) -> bool:
        """Say whether the end of a month is still to be dealt with: its counts told, and old ones forgotten."""

    def next_waiting(self, after: str, month: int) -> str | None:
        """Give the contributor after one about whom something waits up to a month."""

    def tell(self, contributor: str, month: int) -> int:
        """Tell what may be told of a contributor's claims by the end of a month; returns how many counts."""

    def end(self, month: int, now: int) -> int:
        """Note that a month was dealt with, and forget what is too old; returns how many rows."""

    def told(self, contributor: str, after: tuple[int, int, int], limit: int) -> list[Told]:
        """Give what was told of a contributor's claims after (month, category, outcome), in their order."""

    def quality(self, after: str, limit: int, since: int) -> list[Quality]:
        """Sum up what was told from a month on, of so many contributors after one."""


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

    def drop(self, epoch: int) -> list[bytes]:
        """Forget an epoch's filter; returns the digests of its files."""

    def superseded(self, before: int) -> list[bytes]:
        """Forget snapshots that are not in force and older than a time; returns the digests of their files."""


class QuotaRepository(Protocol):
    """Budgets, contribution credit and the replay cache."""

    def charge(self, member_id: str, resource: int, day: int, items: int, now: int = 0, item_us: int = 0) -> Charged:
        """Add items (or take them back, where negative) and give what is so then. Held until the unit of work ends.

        The bucket is full as many times `item_us` later than it would have been, and than `now`; both microseconds.
        """

    def settle(self, member_id: str, resource: int, day: int, used: int, full_at: int) -> None:
        """Put a day's row, which a charge holds, right."""

    def used(self, member_id: str, resource: int, day: int) -> int:
        """Give the items used on a day."""

    def used_since(self, member_id: str, resources: Sequence[int], day: int) -> int:
        """Give the items of these resources used from a day on."""

    def buckets(self, member_id: str, day: int) -> dict[int, int]:
        """Give when a member's buckets will be full, microseconds UTC, by resource."""

    def own(self, member_id: str, resource: int) -> Charged:
        """Give a member's own limits; None where it has none of its own."""

    def set_limit(self, member_id: str, resource: int, items: int) -> None:
        """Give a member a limit of its own."""

    def set_burst(self, member_id: str, resource: int, items: int) -> None:
        """Give a member a bucket of its own size."""

    def evaluation_contents(self, requests: Sequence[RequestKey]) -> dict[RequestKey, bytes]:
        """Give the content digests of those requests that were admitted before."""

    def add_evaluations(self, evaluations: Sequence[Evaluation], now: int) -> None:
        """Remember evaluations."""

    def add_credit(self, member_id: str, epoch: int, evaluations: int, *, retagging: bool = False) -> None:
        """Add evaluations for rows to be filed: for new claims, or for re-tagged ones; each pays for its own."""

    def credit(self, member_id: str, epoch: int, *, retagging: bool = False) -> int:
        """Give the evaluations that rows may still be filed for."""

    def drop_credits(self, epoch: int) -> None:
        """Forget what rows of an epoch could be filed for."""

    def spend_credit(self, member_id: str, epoch: int, rows: int, *, retagging: bool = False) -> int:
        """Take up to `rows` evaluations; returns how many were left to take."""


class WatchRepository(Protocol):
    """Members' volumes by the hour, their declared business, standings and alarms."""

    def count_hours(self, now: int) -> None:
        """Bring the counts by the hour up to the budgets, and forget those that are too old."""

    def today(self, day: int) -> dict[str, dict[int, dict[int, int]]]:
        """Give the items of a day by member, resource and hour."""

    def history(self, since: int, until: int, night_utc: int) -> dict[str, dict[int, list[DayOfUse]]]:
        """Give what was used on days in [since, until), by member and resource, where anything was."""

    def businesses(self) -> dict[str, Business]:
        """Give what was declared, by member."""

    def business(self, member_id: str) -> Business:
        """Give a member's declared business."""

    def declare(self, member_id: str, business: Business) -> None:
        """Declare a member's business."""

    def given(self, member_id: str, now: int) -> Given:
        """Give what a member has contributed, in the epoch in which it is worth most."""

    def queried(self, since: int, resources: Sequence[int]) -> dict[str, int]:
        """Give the items used of these resources from a day on, by member."""

    def standing(self, member_id: str) -> Standing | None:
        """Give a member's standing; None where it was not computed yet."""

    def last_standing(self) -> Standing | None:
        """Give one of the standings that were computed last; None where there are none."""

    def save_standings(self, standings: Sequence[Standing]) -> None:
        """Put standings in the place of all that there are."""

    def raise_alarm(self, member_id: str, finding: Finding, day: int, now: int) -> bool:
        """Keep an alarm; false where there is one of the member, the kind and the day."""

    def alarm(self, alarm_id: int) -> Alarm | None:
        """Give an alarm. Held until the unit of work ends."""

    def alarms(self, after: int, limit: int, *, open_only: bool) -> list[Alarm]:
        """Give alarms after an id, oldest first."""

    def acknowledge(self, alarm_id: int, admin: str, reason: str, now: int) -> None:
        """Keep the acknowledgement of an alarm."""


class AuditRepository(Protocol):
    """Audit events."""

    def page(self, actor: str, after: int, limit: int) -> list[AuditRecord]:
        """Give an actor's events after a row number, with their row numbers."""

    def count(self, actor: str, since: int, most: int) -> int:
        """Count an actor's newest events since a time, at most so many."""


class LogRepository(Protocol):
    """Logs over the audit events, their trees and checkpoints. Rows are added, and never changed."""

    def all(self) -> list[Log]:
        """Give all logs, in their order."""

    def newest(self) -> Log | None:
        """Give the log that events are added to."""

    def get(self, origin: str) -> Log | None:
        """Give a log by its origin."""

    def begin(self, log: Log) -> None:
        """Add a log; raises where there is one of its number or origin."""

    def head(self, log: int, size: int | None = None) -> TreeHead | None:
        """Give a log's newest tree, or that of a size."""

    def add_head(self, head: TreeHead) -> None:
        """Add a tree; raises where the log has one of this size."""

    def checkpoint(self, log: int, size: int | None = None) -> tuple[int, bytes] | None:
        """Give a log's newest signed checkpoint, or that of a size: size and note."""

    def add_checkpoint(self, log: int, size: int, note: bytes) -> None:
        """Add the signed checkpoint of a tree; raises where there is one."""

    def settled(self, wait_ms: int) -> int:
        """Give the number up to which no event can appear any more; raises Refused where somebody is in the way."""

    def has_beyond(self, row: int) -> bool:
        """Say whether there is an event behind a row."""

    def leaves(self, after_row: int, last_row: int, limit: int) -> list[Leaf]:
        """Give the leaves of events in a range of rows, in order."""

    def records(self, after_row: int, last_row: int, limit: int) -> list[AuditRecord]:
        """Give the events in a range of rows, in order, with their rows."""

    def row_at(self, log: Log, leaf_index: int) -> int | None:
        """Give the row behind which the event of a leaf is the first, from leaf 1 on; None beyond the newest tree."""

    def positions(self, rows: Sequence[int]) -> dict[int, Position]:
        """Say where events are, by their rows; those that no checkpoint has yet are left out."""


class FactRepository(Protocol):
    """Facts that are published in the audit log."""

    def published(self, digests: Sequence[bytes], after_row: int) -> dict[bytes, int]:
        """Give the row of the newest publication of those digests that have one after a row."""

    def events(self, rows: Sequence[int]) -> dict[int, AuditRecord]:
        """Give events by their rows."""


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

    def effective(self, change: str, limit: int) -> list[Proposal]:
        """Give the newest proposals of a change that took effect."""

    def count_open(self, proposer: str, now: int) -> int:
        """Count an admin's proposals that wait."""

    def count_overdue(self, now: int) -> int:
        """Count those done by break-glass whose review is overdue."""


class SuccessionRepository(Protocol):
    """Origins of the hub after the first."""

    def newest(self) -> Succession | None:
        """Give the newest. Held until the unit of work ends."""

    def after(self, origin: int) -> list[Succession]:
        """Give those after an origin, oldest first."""

    def add(self, succession: Succession) -> None:
        """Add one."""

    def complete(self, origin: int, now: int) -> None:
        """Note that enough admins signed."""

    def signatures(self, origin: int) -> list[SuccessionSignature]:
        """Give the signatures of one, by admin."""

    def sign(self, signature: SuccessionSignature, payload: bytes) -> None:
        """Add a signature of a succession with this payload."""


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


class PolicyRepository(Protocol):
    """Versions of the policy's tables that were adopted."""

    def is_adopted(self, policy_sha256: bytes) -> bool:
        """Say whether a version was adopted."""

    def all(self) -> list[AdoptedPolicy]:
        """Give those that were adopted, oldest first."""

    def adopt(self, adopted: AdoptedPolicy) -> None:
        """Add one that was not adopted before."""


class WitnessRepository(Protocol):
    """Witness lists that admins set, and what witnesses handed in. Rows are added, and never changed."""

    def number(self) -> int:
        """Give the number of the newest list; 0 where there is none."""

    def newest(self) -> NumberedWitnesses | None:
        """Give the newest list."""

    def add(self, numbered: NumberedWitnesses) -> None:
        """Add a list; raises where there is one of its number."""

    def cosignature(self, log: int, size: int, witness: str) -> str | None:
        """Give the line of a witness under a checkpoint."""

    def add_cosignature(self, cosignature: Cosignature) -> None:
        """Add a line; raises where the witness has one under this checkpoint."""

    def lines(self, log: int, size: int, witnesses: Collection[str]) -> list[str]:
        """Give the lines of some witnesses under a checkpoint, in the order in which they came."""

    def cosigned(self, log: int | None, witnesses: Collection[str], count: int) -> tuple[int, int] | None:
        """Give log and size of the newest checkpoint, of one log or of any, that so many of some witnesses cosigned."""


class SuppressionRepository(Protocol):
    """Suppression lists that admins set."""

    def number(self) -> int:
        """Give the number of the newest; 0 where there is none."""

    def newest(self) -> NumberedList | None:
        """Give the newest."""

    def add(self, numbered: NumberedList) -> None:
        """Add one; raises where there is one of its number."""


class OperatorRepository(Protocol):
    """Those of members' staff whose agreement is asked for."""

    def of(self, member_id: str) -> list[Operator]:
        """Give a member's operators, retired ones included, by id."""

    def add(self, operator: Operator) -> None:
        """Add an operator."""

    def retire(self, member_id: str, operator_id: str, now: int) -> None:
        """Note that an operator approves no more."""


class CountersignatureRepository(Protocol):
    """Requests for countersignatures, and the feed of what was countersigned and revoked."""

    def get(self, entry_id: bytes) -> Countersigning | None:
        """Give the request about a claim as it was asked for; held until the unit of work ends."""

    def hold(self, substances: Sequence[bytes]) -> dict[bytes, Countersigning]:
        """Give the requests about some substances, by their digests, held until the unit of work ends."""

    def is_any_revoked(self, claim_ids: Sequence[bytes]) -> bool:
        """Say whether a countersignature of one of some claims was revoked."""

    def count_waiting(self, contributor: str, now: int) -> int:
        """Count a contributor's requests that wait."""

    def page(
        self, after: int, limit: int, *, contributor: str = "", liaison: str = "", waiting_at: int | None = None
    ) -> list[tuple[int, Countersigning]]:
        """Give requests of a contributor, or to a liaison, after a row number, with their row numbers."""

    def add(self, request: Countersigning) -> None:
        """Add a request; its claim and its substance were not asked about before."""

    def refuse(self, request: Countersigning) -> None:
        """Keep a refusal."""

    def countersign(self, request: Countersigning) -> None:
        """Keep a countersignature, and have members told."""

    def revoke(self, request: Countersigning) -> None:
        """Keep a revocation, and have members told."""

    def newest(self) -> int:
        """Give the number of what was told last; 0 where nothing was."""

    def after(self, number: int, limit: int) -> list[NumberedStatement]:
        """Give what was told after a number, in order."""

    def is_due_to_purge(self, now: int) -> bool:
        """Say whether there is something to delete by now."""

    def purge(self, now: int, most: int) -> int:
        """Delete up to so many requests, and as much of the feed, whose time is over; returns how many requests."""


class LeaseRepository(Protocol):
    """Work that must happen once."""

    def acquire(self, name: str, holder: str, now: int, until: int) -> bool:
        """Take or renew a lease; false where another holds it."""

    def release(self, name: str, holder: str) -> None:
        """Give a lease back, where the holder has it."""


class Transaction(Protocol):
    """One unit of work: all of it is durable together with its audit records, or none."""

    @property
    def members(self) -> MemberRepository: ...  # noqa: D102 - its type says it
    @property
    def epochs(self) -> EpochRepository: ...  # noqa: D102 - its type says it
    @property
    def claims(self) -> ClaimRepository: ...  # noqa: D102 - its type says it
    @property
    def changes(self) -> ChangeRepository: ...  # noqa: D102 - its type says it
    @property
    def recalls(self) -> RecallRepository: ...  # noqa: D102 - its type says it
    @property
    def disputes(self) -> DisputeRepository: ...  # noqa: D102 - its type says it
    @property
    def cases(self) -> CaseRepository: ...  # noqa: D102 - its type says it
    @property
    def attachments(self) -> AttachmentRepository: ...  # noqa: D102 - its type says it
    @property
    def countersignatures(self) -> CountersignatureRepository: ...  # noqa: D102 - its type says it
    @property
    def outcomes(self) -> OutcomeRepository: ...  # noqa: D102 - its type says it
    @property
    def filters(self) -> FilterRepository: ...  # noqa: D102 - its type says it
    @property
    def quotas(self) -> QuotaRepository: ...  # noqa: D102 - its type says it
    @property
    def audit(self) -> AuditRepository: ...  # noqa: D102 - its type says it
    @property
    def logs(self) -> LogRepository: ...  # noqa: D102 - its type says it
    @property
    def facts(self) -> FactRepository: ...  # noqa: D102 - its type says it
    @property
    def operators(self) -> OperatorRepository: ...  # noqa: D102 - its type says it
    @property
    def proposals(self) -> ProposalRepository: ...  # noqa: D102 - its type says it
    @property
    def departures(self) -> DepartureRepository: ...  # noqa: D102 - its type says it
    @property
    def leases(self) -> LeaseRepository: ...  # noqa: D102 - its type says it
    @property
    def watch(self) -> WatchRepository: ...  # noqa: D102 - its type says it
    @property
    def successions(self) -> SuccessionRepository: ...  # noqa: D102 - its type says it
    @property
    def policies(self) -> PolicyRepository: ...  # noqa: D102 - its type says it
    @property
    def suppression(self) -> SuppressionRepository: ...  # noqa: D102 - its type says it
    @property
    def witnesses(self) -> WitnessRepository: ...  # noqa: D102 - its type says it
    @property
    def purges(self) -> Purges: ...  # noqa: D102 - its type says it

    def record(self, record: AuditRecord) -> None:
        """Add an audit record to the unit of work."""

    def publish(self, digest: bytes, record: AuditRecord) -> None:
        """Add the publication of a fact to the unit of work, with its event."""

    def step(self, case_id: bytes, record: AuditRecord, statement: bytes = b"", *, of_member: bool = False) -> None:
        """Add a step of a case's life to the unit of work, with its event, which commits to a statement if to any."""

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


class EpochKeys(Protocol):
    """Secret keys of epochs."""

    def make_epoch_key(self, epoch: int) -> bytes:
        """Make an epoch's key, durably, unless there is one already; returns its public half."""

    def destroy_epoch_key(self, epoch: int) -> None:
        """Destroy an epoch's key; one that is gone already stays so."""

    def forget_epoch_keys(self, kept: Iterable[int]) -> None:
        """Hold no key in memory but those of some epochs."""


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


class AttachmentUpload(Protocol):
    """An attachment while it is written."""

    @property
    def received(self) -> int:
        """Bytes that came, over all its uploads."""

    @property
    def sha256(self) -> bytes:
        """Digest of all that came."""

    def append(self, part: bytes) -> None:
        """Write what came next; raises BlockingIOError where another upload took over, and OSError."""

    def close(self) -> None:
        """Have what came on the disk for good, and let go of it; raises OSError."""


class AttachmentFiles(Protocol):
    """Sealed attachments as files, by names that name nobody."""

    def durable(self, name: str) -> int:
        """End an upload, and give how many bytes are durable, 0 where there are none."""

    def begin(self, name: str, offset: int, size: int) -> AttachmentUpload:
        """Go on at an offset; raises BlockingIOError where another process is at it, ValueError, and OSError.

        A ValueError says that less is durable.
        """

    def chunks(self, name: str, offset: int, size: int) -> Iterable[bytes]:
        """Read from an offset on, in chunks; raises FileNotFoundError."""

    def remove(self, name: str) -> None:
        """Remove what there is."""


class LogFiles(Protocol):
    """The logs' tiles and newest checkpoints as files, which follow from the database."""

    def extend(self, origin: str, frontier: Frontier, leaf_hashes: Sequence[bytes]) -> None:
        """Add leaves to the tiles of a tree; raises NoteInvalid where they are not that tree's, or OSError."""

    def publish(self, origin: str, size: int, note: bytes) -> None:
        """Show a checkpoint, unless it is shown already, or a larger one."""

    def read(self, origin: str, tile: Tile) -> bytes:
        """Read a tile's bytes; raises FileNotFoundError or NoteInvalid."""

    def has(self, origin: str, frontier: Frontier) -> bool:
        """Say whether the tiles at the right edge of a tree are there, and are its own."""

    def forget(self, origin: str) -> None:
        """Remove a log's tiles, to make them anew."""
