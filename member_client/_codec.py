"""Verdicts as sealed bytes and back: JSON with numbers for words, never a format of somebody else's."""

import json
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, Final

from alliance.identifiers import Kind
from alliance.taxonomy import Action, Category, ClaimStatus, EvidenceLevel, SubjectRole
from member_client.errors import StoreDamaged
from member_client.verdicts import FieldVerdict, Match, State, Verdict

_VERDICT: Final = tuple(field.name for field in fields(Verdict))
_FIELD: Final = tuple(field.name for field in fields(FieldVerdict))
_MATCH: Final = tuple(field.name for field in fields(Match))


def encoded(verdict: Verdict) -> bytes:
    """Give a verdict's bytes."""
    content = _named(verdict, _VERDICT)
    content["fields"] = [
        _named(field, _FIELD) | {"matches": [_named(match, _MATCH) for match in field.matches]}
        for field in verdict.fields
    ]
    return json.dumps(content, default=bytes.hex).encode()


def decoded(data: bytes) -> Verdict:
    """Read what `encoded` gave; raises StoreDamaged."""
    try:
        raw: dict[str, Any] = json.loads(data)
        fields = tuple(_field(field) for field in raw.pop("fields"))
        return Verdict(**{**raw, "state": State(raw["state"]), "action": Action(raw["action"]), "fields": fields})
    except (ValueError, KeyError, TypeError):
        raise StoreDamaged("A verdict in the local store cannot be read.") from None


def _named(record: object, names: Sequence[str]) -> dict[str, Any]:
    return {name: getattr(record, name) for name in names}


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
