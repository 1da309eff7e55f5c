"""Where a command's files go, how they are written, and that none of them is its own input."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from member_client.cli.group import UsageFault
from member_client.cli.language import CHINESE, retold, spoken, tr
from member_client.files import RefusedFile, record_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from member_client.files import Refusal, WriteRecord


def refused_path(file: Path) -> Path:
    """Give the refused file's place beside the input: `customers.csv` → `customers.refused.csv`."""
    return file.with_name(f"{file.stem}.refused.csv")


def refuse_same_paths(*paths: Path | None) -> None:
    """Raise UsageFault where two files of a command are one, or a folder for output is missing."""
    named = [path.resolve() for path in paths if path is not None]
    if len(set(named)) < len(named):
        raise UsageFault(tr("input, --out and --refused must be different files"))
    for path in named[1:]:
        if not path.parent.is_dir():
            raise UsageFault(tr("{folder}: there is no such folder", folder=path.parent))


def refused_file(path: Path) -> RefusedFile:
    """Open the refused file as the reader's spreadsheet takes it."""
    return RefusedFile(path, bom=spoken() == CHINESE)


def result_file(path: Path, columns: Sequence[str]) -> AbstractContextManager[WriteRecord]:
    """Open a result file as the reader's spreadsheet takes it."""
    return record_file(path, columns, bom=spoken() == CHINESE)


def told_refusal(refusal: Refusal) -> Refusal:
    """Give a line of `refused.csv` with its advice in the reader's language; its reason stays a machine's word."""
    return replace(refusal, how_to_fix=retold(refusal.how_to_fix))


def readable(path: Path | None) -> Path | None:
    """Give the document behind claims; raises UsageFault where there is no such file."""
    if path is not None and not path.is_file():
        raise UsageFault(tr("--evidence-file: there is no such file"))
    return path
