"""Append-only tables: the database itself refuses to change or delete their rows.

Triggers stop mistakes and whoever has the hub's password; who owns the database can drop them. What proves that nothing
was changed is the tree over the events, held against a checkpoint that somebody else remembers.

- SQLite's REPLACE deletes a row without its trigger, unless the writer's own connection asks for it: so a row that
  would take the place of another is refused before it is inserted. Hence no ON CONFLICT clause works on these tables.
- None of them is partitioned. A partition of one would have its row trigger, which PostgreSQL clones, and not the one
  against TRUNCATE, which is to be put on each.
"""

from collections.abc import Mapping
from typing import Final

TABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "audit_events": ("id",),
    "audit_logs": ("number", "origin"),
    "audit_tree_heads": ("log, size", "rowid"),
    "audit_checkpoints": ("log, size", "rowid"),
    "audit_cosignatures": ("log, size, witness", "rowid"),
    "published_facts": ("row", "rowid"),
    "witness_lists": ("number",),
}
"""The tables, each with its keys: where none of them is SQLite's own number of a row, that is one as well."""
_FUNCTION: Final = "alliance_append_only"


def statements(dialect: str, table: str) -> list[str]:
    """Give the statements that make a table append-only."""
    if dialect == "sqlite":
        return _of_sqlite(table)
    call = f"EXECUTE FUNCTION {_FUNCTION}()"
    return [
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {call}",
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {call}",
    ]


def function(dialect: str) -> list[str]:
    """Give the statement that makes what the triggers call, where the database needs one."""
    if dialect == "sqlite":
        return []
    refusal = "RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege'"
    return [f"CREATE FUNCTION {_FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {refusal}; END $$"]


def _of_sqlite(table: str) -> list[str]:
    refusal = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    taken = " OR ".join(f"EXISTS (SELECT 1 FROM {table} WHERE {_is_new(key)})" for key in TABLES[table])  # noqa: S608
    return [
        f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} {refusal}",
        f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {refusal}",
        f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN {taken} {refusal}",
    ]


def _is_new(key: str) -> str:
    """Give the condition that a row has the key of the one that is to be inserted."""
    return " AND ".join(f"{column} = NEW.{column}" for column in key.split(", "))
