"""Where a command's files go, and that none of them is its own input."""

from __future__ import annotations

from pathlib import Path

from member_client.cli.group import UsageFault


def refused_path(file: Path) -> Path:
    """Give the refused file's place beside the input: `customers.csv` → `customers.refused.csv`."""
    return file.with_name(f"{file.stem}.refused.csv")


def refuse_same_paths(*paths: Path | None) -> None:
    """Raise UsageFault where two files of a command are one, or a folder for output is missing."""
    named = [path.resolve() for path in paths if path is not None]
    if len(set(named)) < len(named):
        raise UsageFault("input, --out and --refused must be different files")
    for path in named[1:]:
        if not path.parent.is_dir():
            raise UsageFault(f"{path.parent}: there is no such folder")
