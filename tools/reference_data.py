"""The page of what is kept: every table and column of the hub's database, and the shelves of a member's store."""

import inspect
from collections.abc import Iterator

from reference_text import NOTICE, prose, table
from sqlalchemy import Table
from sqlmodel import SQLModel

from alliance.taxonomy import DAY_MS, EvidenceLevel, SubjectRole, retention_ms
from alliance_server.storage import columns, tables
from alliance_server.storage.columns import Holds, Kept, Level
from member_client._store import WATCHED, Shelf

_HEAD = f"""{NOTICE}

# Data model

*For whoever runs a hub, audits it, or answers for what it keeps.*

No identifier is in any table: the hub never has one. What stands here is beside the columns in
`alliance_server/storage/tables/`, and a column without it fails the tests. Times are milliseconds since 1970, UTC,
unless the text says otherwise; types are PostgreSQL's.
"""

_CLASSES = """## Classes

Level and kind. The levels are in the order of those of JR/T 0197-2020, of which the fifth is not used; what a member
keeps itself it classifies by its own rules. Nothing in the database is a secret that opens anything: keys lie sealed in
the key store (`keys/`), tokens are kept as hashes.
"""

_RETENTION = """## Retention

How long a value is to stay, and what ends it. Where nothing does, it says so: such rows stay until somebody deletes
them in the database. A purge that leaves an event as its proof is not built.
"""

_CLAIMS = """### How long a claim lasts

At most, from its filing. A device, IMEI or IP address lasts {kinds} at most; a client who is a victim {victim} at most;
what protects somebody {protected}, whatever its evidence. A claim that is over leaves buckets at once and the filter at
its next snapshot; its row stays.
"""

_HUB_FILES = (
    (
        "`keys/`",
        "signing key, CA's key, the epoch's secret key, sealed by scrypt and AES-256-GCM",
        "the operator deletes them",
    ),
    ("`snapshots/`", "the bits of snapshots, by their digest", "as their row in `filter_snapshots`"),
    (
        "`attachments/`",
        "sealed files of replies to police cases, under digests for names, and how much of each is durable",
        "as their row in `case_attachments`",
    ),
    (
        "standard error",
        "the log: methods, outcomes, counts; no identifier, tag, key or token",
        "whoever collects it says",
    ),
)

_MEMBER = """## On a member's disk

`pins.sqlite3`, `store.sqlite3` and `decisions.sqlite3`, by shelves. A row's name is an HMAC-SHA-256 under the store's
key; its value is sealed with AES-256-GCM, bound to shelf and row. What decisions are found by are HMACs as well. The
store's key lies in `keys/`, sealed under the passphrase. Who has the files alone sees how many rows there are, their
sizes, when those end that have an end, and which decisions have a topic in common. What has ended is
removed when a client opens the store, and while it is open. Pins lie in a file of their own
([why](../adr/0011-pins-apart-from-what-can-be-rebuilt.md)).
"""

_MEMBER_FILES = (
    (
        "`profile.toml`, `ca.pem`",
        "addresses, names, the hub's public key and CA; nothing secret",
        "the member deletes them",
    ),
    ("`keys/`", "identity, TLS key, the store's key, sealed by scrypt and AES-256-GCM", "the member deletes them"),
    ("`filter/`", "the bits of the snapshot in force; nothing of the member's own", "the next is in force"),
    (
        "`receipts/`",
        "the hub's receipts for this member's calls, sealed under the store's key; none holds what was asked about",
        "a hundred thousand newer ones",
    ),
    (
        "`log-fork-….json`, `receipt-broken-….json`",
        "what proves that the hub changed its log: its own signatures; **not sealed**, for they are to be shown",
        "the member deletes them",
    ),
    (
        "`store.sqlite3.damaged-…`, `decisions.sqlite3.damaged-…`",
        "a store that was damaged, sealed as it was",
        "the member deletes it",
    ),
    (
        "`witness.sqlite3`",
        "of a witness: the newest checkpoint that it saw, and what it cosigned last, sealed; its key lies in `keys/`",
        "the member deletes it: it is not begun anew",
    ),
    ("`log-fork-….json`", "two checkpoints of the hub that do not go together, as proof", "the member deletes it"),
    ("results of commands", "what the member asked to have written, **not sealed**", "the member deletes them"),
)
_FILES = {Shelf.PINS: "pins"} | dict.fromkeys((Shelf.DECISIONS, Shelf.REVISITS, Shelf.CHANGES), "decisions")
_FILES |= dict.fromkeys(WATCHED, "book")


def page() -> str:
    """Write the page; raises ValueError or KeyError where a table or a column says too little of itself."""
    parts = [_HEAD, *_classes(), *_retention(), *_tables(), *_hub_files(), *_members_store()]
    return "\n".join(parts).rstrip() + "\n"


def _classes() -> Iterator[str]:
    yield _CLASSES
    rows = ((f"{kind.level.value} {kind.level.name.lower()}", _word(kind), kind.meaning) for kind in Holds)
    yield from table(("level", "kind", "what it is"), rows)
    meanings = columns.meanings(Level)
    yield from table(
        ("level", "who may see it"), ((f"{it.value} {it.name.lower()}", meanings[it.name]) for it in Level)
    )


def _retention() -> Iterator[str]:
    yield _RETENTION
    rows = ((_word(kept), kept.how_long, kept.ended_by or "**not yet purged**") for kept in Kept)
    yield from table(("retention", "how long", "what ends it"), rows)
    of_kinds, victim, protected = (
        _days(retention_ms(kind, role, EvidenceLevel.E5))
        for kind, role in (
            ("device", SubjectRole.PERPETRATOR),
            ("phone", SubjectRole.CLIENT_VICTIM),
            ("phone", SubjectRole.PROTECTED),
        )
    )
    yield _CLAIMS.format(kinds=of_kinds, victim=victim, protected=protected)
    lives = ((it.word.upper(), _days(retention_ms("phone", SubjectRole.PERPETRATOR, it))) for it in EvidenceLevel)
    yield from table(("evidence", "at most"), lives)


def _days(milliseconds: int) -> str:
    return f"{milliseconds // DAY_MS:,} days"


def _tables() -> Iterator[str]:
    yield "## Tables\n"
    for record in _records():
        made = tables.table_of(record)
        yield f"### {made.name}\n"
        yield f"{prose(record)}\n"
        yield from table(("column", "type", "meaning", "changes", "class", "retention"), _rows(record, made))


def _records() -> list[type[SQLModel]]:
    """Give the records in the order of their module."""
    things = vars(tables).values()
    return [it for it in things if inspect.isclass(it) and issubclass(it, SQLModel) and hasattr(it, "__table__")]


def _rows(record: type[SQLModel], made: Table) -> Iterator[tuple[str, ...]]:
    meanings = columns.meanings(record)
    for one in made.columns:
        about = columns.about(one)
        meaning = meanings[one.name]
        if one.nullable and "NULL" not in meaning:
            raise ValueError(f"{made.name}.{one.name} does not say what NULL means")
        level = f"{about.holds.level.value} {_word(about.holds)}"
        yield f"`{one.name}`", columns.type_of(one), meaning, "yes" if about.mutable else "", level, _word(about.kept)


def _word(member: Holds | Kept) -> str:
    return member.name.lower().replace("_", " ")


def _hub_files() -> Iterator[str]:
    yield "## Beside the database\n"
    yield from table(("where", "what", "until"), _HUB_FILES)


def _members_store() -> Iterator[str]:
    yield _MEMBER
    rows = ((f"`{shelf}`", _FILES.get(shelf, "store"), shelf.holds, shelf.until) for shelf in Shelf)
    yield from table(("shelf", "file", "what", "until"), rows)
    yield "Beside them:\n"
    yield from table(("where", "what", "until"), _MEMBER_FILES)
