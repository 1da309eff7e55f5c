"""What a development hub prints once it serves: how to use it, and the magic identifiers with their outcomes."""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from alliance.development import MAGIC, Outcome
from alliance.keyring.passphrase import PASSPHRASE_FILE_VARIABLE, PASSPHRASE_VARIABLE
from alliance_server.cli.dev.lists import SIZES
from alliance_server.demo.files import CUSTOMER_COLUMNS, CUSTOMERS_FILE, REF_COLUMN
from alliance_server.demo.lender import Lender

_TRIED: Final = next(magic for magic in MAGIC if magic.outcome is Outcome.DECLINE_WITH_HUMAN)


def welcome(lender: Lender, hub: str, home: Path, caller: Mapping[str, str] = os.environ) -> list[str]:
    """Give the lines; `caller` are the settings of the shell that the hub was started from."""
    return [
        f"development hub on {hub}, alliance 'dev', in {home}",
        "",
        *_table(),
        "",
        "in another shell:",
        "",
        *_unset(caller),
        f"export ALLIANCE_HOME={shlex.quote(str(lender.profile))}",
        f"member-client check phone {_TRIED.phone} --purpose loan_application --consent C-2026-0118",
        "",
        f"{SIZES.customers} made-up customers, {SIZES.matches} of them listed:",
        "",
        _screening(lender),
        "",
        "Ctrl-C ends it",
    ]


def _table() -> list[str]:
    head = ("outcome", "phone", "email", "verdict", "you may", "what it stands for")
    rows = [(magic.outcome, magic.phone, magic.email, magic.state, magic.action.word, magic.meaning) for magic in MAGIC]
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    return [
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in (head, *rows)
    ]


def _unset(caller: Mapping[str, str]) -> list[str]:
    """Name what would lock the profile up: its passphrase lies beside its keys."""
    names = [name for name in (PASSPHRASE_VARIABLE, PASSPHRASE_FILE_VARIABLE) if name in caller]
    return [f"unset {' '.join(names)}"] if names else []


def _screening(lender: Lender) -> str:
    columns = " ".join(f"--map {name}={column}" for name, column in CUSTOMER_COLUMNS.items())
    file = shlex.quote(str(lender.folder / CUSTOMERS_FILE))
    return f"member-client screen {file} --purpose portfolio_screening --consent basis-1 --ref {REF_COLUMN} {columns}"
