"""What is done to rows that came from a backup before a hub serves them: nothing that ended may be open again."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from alliance.cases.words import CaseState
from alliance.countersignatures import CountersignatureState
from alliance.taxonomy import ClaimStatus, SharingLevel
from alliance_server.domain.cases import NOT_ENDED, Scope
from alliance_server.domain.countersignatures import revoked_by
from alliance_server.domain.epochs import Epoch, EpochState
from alliance_server.domain.members import Certificate, Member, MemberState, Role
from alliance_server.domain.policies import AdoptedPolicy
from alliance_server.domain.proposals import ProposalState
from alliance_server.domain.purges import Purge, PurgeKind
from alliance_server.domain.suppression import NumberedList
from alliance_server.domain.witnesses import NumberedWitnesses
from alliance_server.storage.claims import Changed
from alliance_server.storage.tables import (
    LIVE_NUMBERS,
    CaseTable,
    CertificateTable,
    ClaimTable,
    EntryReportTable,
    EpochTable,
    FilterStateTable,
    ProposalTable,
    table_of,
)
from alliance_server.storage.unit_of_work import SqlTransaction

_CLAIMS = table_of(ClaimTable)
_EPOCHS = table_of(EpochTable)
_GAP: Final = 2**32
"""More changes than any hub tells between a backup and its loss."""


def forget_filters(connection: sa.Connection) -> None:
    """Have every filter built anew: what is in the rows was signed by another origin, and its bits are elsewhere."""
    values = {"base_sha256": b"", "delta_sequence": 0, "header": b"", "heartbeat": b""}
    connection.execute(sa.update(table_of(FilterStateTable)).values(values))


def number_changes_anew(connection: sa.Connection) -> None:
    """Have changes and countersignatures numbered behind all that the lost origin may have told members."""
    transaction = SqlTransaction(connection)
    transaction.changes.leave_gap(_GAP)
    transaction.countersignatures.leave_gap(_GAP)


def end_what_was_open(connection: sa.Connection, now: int) -> None:
    """End unused invitations, open proposals and cases: they may have been used, decided or ended after the backup."""
    SqlTransaction(connection).members.end_all_invitations(now)
    proposals = table_of(ProposalTable).c
    open_ones = (proposals.state == int(ProposalState.OPEN), proposals.decide_by > now)
    connection.execute(sa.update(table_of(ProposalTable)).where(*open_ones).values(decide_by=now))
    cases = table_of(CaseTable)
    for state in NOT_ENDED:
        end = CaseState.CLOSED if state is CaseState.OPEN else CaseState.EXPIRED
        values = {"state": int(end), "ended_at": now, "awaited": 0}
        connection.execute(sa.update(cases).where(cases.c.state == int(state)).values(values))


def retire_epochs(connection: sa.Connection, retired: Sequence[int]) -> None:
    """Mark epochs as retired, and remove what is left of them; their claims were not loaded."""
    connection.execute(sa.update(_EPOCHS).where(_EPOCHS.c.id.in_(retired)).values(state=int(EpochState.RETIRED)))
    connection.execute(sa.delete(_CLAIMS).where(_CLAIMS.c.epoch.in_(retired)))
    for epoch in retired:
        SqlTransaction(connection).quotas.drop_credits(epoch)
    reports = table_of(EntryReportTable)
    connection.execute(sa.delete(reports).where(reports.c.entry_id.not_in(sa.select(_CLAIMS.c.entry_id))))


def a_live_claim(connection: sa.Connection, epoch: int, now: int) -> tuple[bytes, bytes] | None:
    """Give entry id and tag of some claim that is live and listed; None where there is none."""
    columns = _CLAIMS.c
    listed = (columns.status.in_(LIVE_NUMBERS), columns.sharing_level != int(SharingLevel.RED))
    query = sa.select(columns.entry_id, columns.tag).where(columns.epoch == epoch, columns.expires_at > now, *listed)
    row = connection.execute(query.limit(1)).first()
    return None if row is None else (row.entry_id, row.tag)


def remember(transaction: SqlTransaction, connection: sa.Connection, purges: Sequence[Purge]) -> None:
    """Apply what a ledger remembers, in its order; doing it again changes nothing."""
    issued = _issued(purges)
    for place, purge in enumerate(purges):
        if purge.kind is PurgeKind.CERTIFICATES_REVOKED:
            later = [serial for at, serial in issued.get(purge.values["member_id"], ()) if at > place]
            _revoke(connection, purge.values, later)
        elif (apply := _APPLY.get(purge.kind)) is not None:
            apply(transaction, connection, purge.values)


def _claim(transaction: SqlTransaction, connection: sa.Connection, said: Mapping[str, Any]) -> None:
    """Give a claim the status that it had, and have members told: who was away did not hear it from the lost origin."""
    change = Changed(
        bytes.fromhex(said["entry_id"]),
        ClaimStatus(said["status"]),
        int(said["version"]),
        bytes.fromhex(said["statement"]),
        int(said.get("changed_at", 0)),  # this and the reason are not in ledgers before schema 0010
        said.get("reason", ""),
    )
    change.apply(connection, transaction.changes, _CLAIMS.c.status_version < change.version)


def _countersignature_revoked(transaction: SqlTransaction, _connection: sa.Connection, said: Mapping[str, Any]) -> None:
    """Revoke a countersignature again, and have members told."""
    substance = bytes.fromhex(said["substance"])
    known = transaction.countersignatures.hold([substance]).get(substance)
    if known is not None and known.state is CountersignatureState.COUNTERSIGNED:
        statements = (bytes.fromhex(said["revocation"]), bytes.fromhex(said["officer"]))
        transaction.countersignatures.revoke(revoked_by(known, *statements, int(said["revoked_at"])))


def _epoch_begun(transaction: SqlTransaction, _connection: sa.Connection, said: Mapping[str, Any]) -> None:
    """Keep the number of an epoch whose key is lost from standing for another key."""
    if transaction.epochs.get(int(said["epoch"])) is None:
        key = bytes.fromhex(said["public_key"])
        lost = (EpochState.RETIRED, int(said["not_before"]), int(said["not_after"]))
        transaction.epochs.add(Epoch(int(said["epoch"]), said["suite"], key, *lost))


def _member(transaction: SqlTransaction, _connection: sa.Connection, said: Mapping[str, Any]) -> None:
    key, state = bytes.fromhex(said["identity_key"]), MemberState(said["state"])
    transaction.members.save(
        Member(said["id"], said["display_name"], state, key, int(said["stated_at"]), Role(said["role"]))
    )


def _member_state(transaction: SqlTransaction, _connection: sa.Connection, said: Mapping[str, Any]) -> None:
    transaction.members.set_state(said["id"], MemberState(said["state"]), int(said["stated_at"]))


def _certificate(transaction: SqlTransaction, connection: sa.Connection, said: Mapping[str, Any]) -> None:
    certificates = table_of(CertificateTable)
    there = sa.select(certificates.c.serial).where(certificates.c.serial == said["serial"])
    if connection.execute(there).first() is None and transaction.members.get(said["member_id"]) is not None:
        period = (int(said["not_before"]), int(said["not_after"]))
        der = bytes.fromhex(said["der"])
        transaction.members.add_certificate(Certificate(said["serial"], said["member_id"], *period, None, der))


def _issued(purges: Sequence[Purge]) -> dict[str, list[tuple[int, str]]]:
    """Give where in a ledger certificates were issued, and their serials, by member."""
    found: dict[str, list[tuple[int, str]]] = {}
    for place, purge in enumerate(purges):
        if purge.kind is PurgeKind.CERTIFICATE:
            found.setdefault(purge.values["member_id"], []).append((place, purge.values["serial"]))
    return found


def _revoke(connection: sa.Connection, said: Mapping[str, Any], later: Sequence[str]) -> None:
    """Revoke what a member had: an entry may be older than the backup, which then holds what was issued after it."""
    certificates = table_of(CertificateTable)
    columns = certificates.c
    had = (columns.member_id == said["member_id"], columns.revoked_at.is_(None), columns.serial.not_in(later))
    connection.execute(sa.update(certificates).where(*had).values(revoked_at=int(said["revoked_at"])))


def _policy(transaction: SqlTransaction, _connection: sa.Connection, said: Mapping[str, Any]) -> None:
    adopted = AdoptedPolicy(bytes.fromhex(said["policy_sha256"]), int(said["adopted_at"]))
    if not transaction.policies.is_adopted(adopted.policy_sha256):
        transaction.policies.adopt(adopted)


def _suppression_list(transaction: SqlTransaction, _connection: sa.Connection, said: Mapping[str, Any]) -> None:
    numbered = NumberedList(int(said["number"]), bytes.fromhex(said["content"]), int(said["set_at"]))
    if numbered.number > transaction.suppression.number():
        transaction.suppression.add(numbered)


def _witness_list(transaction: SqlTransaction, _connection: sa.Connection, said: Mapping[str, Any]) -> None:
    numbered = NumberedWitnesses(int(said["number"]), bytes.fromhex(said["content"]), int(said["set_at"]))
    if numbered.number > transaction.witnesses.number():
        transaction.witnesses.add(numbered)


def _liaison_scope(transaction: SqlTransaction, _connection: sa.Connection, said: Mapping[str, Any]) -> None:
    instruments, categories = (frozenset(bytes.fromhex(said[name])) for name in ("instruments", "categories"))
    transaction.cases.set_scope(Scope(said["member_id"], instruments, categories))


_APPLY: Final[dict[PurgeKind, Callable[[SqlTransaction, sa.Connection, Mapping[str, Any]], None]]] = {
    PurgeKind.CERTIFICATE: _certificate,
    PurgeKind.CLAIM: _claim,
    PurgeKind.COUNTERSIGNATURE_REVOKED: _countersignature_revoked,
    PurgeKind.EPOCH_BEGUN: _epoch_begun,
    PurgeKind.LIAISON_SCOPE: _liaison_scope,
    PurgeKind.MEMBER: _member,
    PurgeKind.MEMBER_STATE: _member_state,
    PurgeKind.POLICY_ADOPTED: _policy,
    PurgeKind.SUPPRESSION_LIST: _suppression_list,
    PurgeKind.WITNESS_LIST: _witness_list,
}
"""Epochs that were retired and successions are taken up by whoever restores."""
