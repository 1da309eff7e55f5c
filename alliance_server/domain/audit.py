"""Audit events: what is recorded of every call, and how its leaf is hashed.

An event holds time, actor, action, purpose, counts, digests, policy version and outcome. Never an identifier, the
tag of a query, or a prefix.
"""

import os
from dataclasses import dataclass

from alliance.audit_events import OK, SALT_BYTES
from alliance.crypto import merkle
from alliance.errors import Reason
from alliance.taxonomy import Purpose
from alliance.v1 import taxonomy_pb2
from alliance.v1.audit_pb2 import AuditEvent
from alliance_server.domain.actions import AuditAction
from alliance_server.domain.policy import POLICY_VERSION


@dataclass(slots=True)
class AuditRecord:
    """An event as it is kept: `leaf_hash = SHA-256(0x00 ‖ salt ‖ event)` (RFC 9162, section 2.1.1)."""

    actor: str
    time: int
    action: str
    salt: bytes
    event: bytes
    leaf_hash: bytes
    row: int = 0
    """Its number, which the commit gives it: receipts name it."""


def record_event(
    *,
    time: int,
    actor: str,
    action: AuditAction,
    operator: str = "",
    purpose: Purpose | None = None,
    epoch: int = 0,
    items: int = 0,
    items_refused: int = 0,
    commitments: tuple[bytes, ...] = (),
    refusal: Reason | None = None,
) -> AuditRecord:
    """Make the record of one event, with a fresh salt."""
    event = AuditEvent(
        time=time,
        actor=actor,
        operator=operator,
        action=action,
        purpose=taxonomy_pb2.Purpose.ValueType(purpose or 0),
        epoch=epoch,
        items=items,
        items_refused=items_refused,
        commitments=commitments,
        policy_version=POLICY_VERSION,
        outcome=refusal.name if refusal else OK,
    ).SerializeToString()
    salt = os.urandom(SALT_BYTES)
    return AuditRecord(actor, time, action, salt, event, merkle.leaf_hash(salt + event))
