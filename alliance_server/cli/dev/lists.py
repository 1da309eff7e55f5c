"""What the lenders of a development hub claim: made-up listings by a seed, and the magic identifiers.

One lender claims what leads to good matches; another one claims what the hub then damages, as a disk would: a box
that does not open, which is nobody's fault but must never pass for a claim.
"""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from alliance.crypto.sealing import BOX_BYTES
from alliance.development import MAGIC, Outcome
from alliance.taxonomy import EvidenceLevel, SubjectRole, needs_commitment
from alliance_server.demo.files import write_world
from alliance_server.demo.made_up import LENDERS as ROLES
from alliance_server.demo.made_up import Sizes, invent
from alliance_server.storage import database
from alliance_server.storage.tables import ClaimTable, table_of

DEV: Final = "dev"
CONTRIBUTORS: Final = ("lender-a", "lender-b")
FAULTY: Final = "lender-x"
SIZES: Final = Sizes(claims=150, customers=300, matches=30, own=0, malformed=0)
_LIST: Final = "list.csv"
_EVIDENCE_FILE: Final = "evidence.txt"
_COLUMNS: Final = ("kind", "identifier", "category", "role", "evidence", "evidence_file")
_STATED: Final[Mapping[Outcome, tuple[str, str, str]]] = {
    Outcome.INFORM: ("mule_account", "perpetrator", "E1"),
    Outcome.STEP_UP: ("false_application", "perpetrator", "E2"),
    Outcome.DECLINE_WITH_HUMAN: ("telecom_fraud", "perpetrator", "E3"),
    Outcome.VICTIM: ("broker_policy_surrender", "client_victim", "E3"),
    Outcome.PROTECTED: ("synthetic_identity", "protected", "E1"),
}
_DAMAGED: Final[Mapping[Outcome, tuple[str, str, str]]] = {Outcome.INTEGRITY: ("phishing", "perpetrator", "E1")}
_CLAIMS: Final = table_of(ClaimTable)


def write_lists(home: Path, seed: int) -> dict[str, Path]:
    """Write every contributor's list and, for the developer, customers to screen; gives the lists by lender."""
    names = (*CONTRIBUTORS, FAULTY, DEV)
    for name in names:
        (home / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    folders = dict(zip(ROLES, (home / name for name in (*CONTRIBUTORS, DEV)), strict=True))
    write_world(invent(SIZES, seed), folders)
    first = home / CONTRIBUTORS[0] / _LIST
    with first.open("a", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(_rows(_STATED))
    faulty = home / FAULTY / _LIST
    with faulty.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([_COLUMNS, *_rows(_DAMAGED)])
    return {name: home / name / _LIST for name in (*CONTRIBUTORS, FAULTY)}


def _rows(stated: Mapping[Outcome, tuple[str, str, str]]) -> list[Sequence[str]]:
    return [
        (identifier.kind, identifier.canonical, *words, _EVIDENCE_FILE if _has_file(*words[1:]) else "")
        for magic in MAGIC
        if (words := stated.get(magic.outcome))
        for identifier in magic.identifiers()
    ]


def _has_file(role: str, evidence: str) -> bool:
    return needs_commitment(SubjectRole.parse(role), EvidenceLevel.parse(evidence))


def damage(engine: Engine) -> None:
    """Damage the boxes of the one lender whose boxes shall not open; doing it again changes nothing."""
    update = sa.update(_CLAIMS).where(_CLAIMS.c.contributor == FAULTY).values(box=bytes(BOX_BYTES))
    with database.writing(engine) as connection, connection.begin():
        connection.execute(update)
