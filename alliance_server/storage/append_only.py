"""Append-only tables: the database itself refuses to change or delete their rows.

Triggers stop mistakes and whoever has the hub's password; who owns the database can drop them. What proves that nothing
was changed is the tree over the events, held against a checkpoint that somebody else remembers.
"""

from typing import Final

TABLES: Final = (
    "audit_events",
    "audit_logs",
    "audit_tree_heads",
    "audit_checkpoints",
    "audit_cosignatures",
    "published_facts",
)
_FUNCTION: Final = "alliance_append_only"


def statements(dialect: str, table: str) -> list[str]:
    """Give the statements that make a table append-only. A partitioned table's partitions have its row trigger, too."""
    if dialect == "sqlite":
        refusal = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        return [
            f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb.upper()} ON {table} {refusal}"
            for verb in ("update", "delete")
        ]
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
