"""The page of the taxonomy: every table of `alliance.published`, which `member-client taxonomy` exports too."""

from reference_text import NOTICE, table

from alliance.published import tables

_HEAD = f"""{NOTICE}

# Taxonomy

*For data officers, for whoever writes an integration, and for whoever examines one.*

The words that claims are made of, and the rules that follow from them. They are one table in the code
(`alliance/taxonomy/`), under the policy version that every audit event names, and are the same at contributor, hub and
reader. `member-client taxonomy --csv taxonomy.csv` exports them all, `--table filing --csv -` one of them.
"""


def page() -> str:
    """Write the page."""
    parts = [_HEAD]
    for one in tables().values():
        parts += [f"## {one.title}\n", f"{one.about}\n", *table([_head(name) for name in one.columns], one.rows)]
    return "\n".join(parts).rstrip() + "\n"


def _head(column: str) -> str:
    return column.replace("_", " ")
