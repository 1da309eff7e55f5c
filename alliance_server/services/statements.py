"""What the hub states about itself, signed with its identity key."""

from collections.abc import Sequence

from alliance.crypto.signing import Signer
from alliance.identifiers import SuppressionList
from alliance.statements import EPOCH, MEMBER, SUPPRESSION_LIST, TRUST_ROOTS
from alliance.v1 import directory_pb2, enrolment_pb2, epoch_pb2
from alliance.v1.statement_pb2 import SignedStatement
from alliance_server.domain.epochs import Epoch
from alliance_server.domain.members import Member


def epoch_statement(key: Signer, epoch: Epoch, now: int) -> SignedStatement:
    """State an epoch."""
    payload = epoch_pb2.Epoch(
        id=epoch.id,
        suite=epoch.suite,
        public_key=epoch.public_key,
        state=epoch_pb2.EpochState.ValueType(epoch.state),
        not_before=epoch.not_before,
        not_after=epoch.not_after,
        stated_at=now,
        retagged=epoch.retagged_at is not None,
        filter_sequence=epoch.filter_sequence or 0,
    )
    return key.statement(EPOCH, payload.SerializeToString())


def member_statement(key: Signer, member: Member) -> SignedStatement:
    """State a member and its key."""
    payload = directory_pb2.Member(
        id=member.id,
        display_name=member.display_name,
        identity_key=member.identity_key,
        state=directory_pb2.MemberState.ValueType(member.state),
        stated_at=member.stated_at,
        role=directory_pb2.MemberRole.ValueType(member.role),
    )
    return key.statement(MEMBER, payload.SerializeToString())


def roots_statement(key: Signer, certificates: Sequence[bytes], now: int) -> SignedStatement:
    """State the CAs in force, DER, the one that issues first."""
    payload = enrolment_pb2.TrustRoots(certificates=certificates, stated_at=now)
    return key.statement(TRUST_ROOTS, payload.SerializeToString())


def suppression_statement(key: Signer, suppression: SuppressionList) -> SignedStatement:
    """State a suppression list; its number is in it."""
    return key.statement(SUPPRESSION_LIST, suppression.to_bytes())
