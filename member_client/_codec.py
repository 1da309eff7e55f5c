"""Verdicts as sealed bytes and back: JSON with numbers for words, never a format of somebody else's."""

import json
from dataclasses import asdict
from typing import Any

from alliance.identifiers import Kind
from alliance.taxonomy import Action, Category, ClaimStatus, EvidenceLevel, SubjectRole
from member_client.errors import StoreDamaged
from member_client.verdicts import FieldVerdict, Match, State, Verdict


def encoded(verdict: Verdict) -> bytes:
    """Give a verdict's bytes."""
    return json.dumps(asdict(verdict), default=bytes.hex, separators=(",", ":")).encode()


def decoded(data: bytes) -> Verdict:
    """Read what `encoded` gave; raises StoreDamaged."""
    try:
        raw: dict[str, Any] = json.loads(data)
        fields = tuple(_field(field) for field in raw.pop("fields"))
        return Verdict(**{**raw, "state": State(raw["state"]), "action": Action(raw["action"]), "fields": fields})
    except (ValueError, KeyError, TypeError):
        raise StoreDamaged("A verdict in the local store cannot be read.") from None


def _field(raw: dict[str, Any]) -> FieldVerdict:
    matches = tuple(_match(match) for match in raw["matches"])
    return FieldVerdict(raw["field"], Kind(raw["kind"]), State(raw["state"]), raw["reason"], matches)


def _match(raw: dict[str, Any]) -> Match:
    words = {
        "kind": Kind(raw["kind"]),
        "category": Category(raw["category"]),
        "role": SubjectRole(raw["role"]),
        "evidence": EvidenceLevel(raw["evidence"]),
        "status": ClaimStatus(raw["status"]),
        "entry_id": bytes.fromhex(raw["entry_id"]),
    }
    return Match(**{**raw, **words})
