"""Generates `docs/reference/` as far as it follows from the code: `python tools/reference.py DESTINATION`.

Five pages: `sdk.md` from `member_client.__all__`, `errors.md` from the error catalogues, `command-line.md` from the
commands of all programs, `data-model.md` from the hub's tables and the member's store, `taxonomy.md` from the tables
of the core. The destination is `docs/reference` itself, or another folder for the test that the committed pages are
fresh.
"""

import os
import sys
from pathlib import Path

os.environ.update(LANG="C.UTF-8", LC_ALL="C.UTF-8")  # programs may choose their language by it

import reference_commands
import reference_data
import reference_errors
import reference_sdk
import reference_taxonomy

PAGES = {
    "sdk.md": reference_sdk.page,
    "errors.md": reference_errors.page,
    "command-line.md": reference_commands.page,
    "data-model.md": reference_data.page,
    "taxonomy.md": reference_taxonomy.page,
}


def generate(destination: Path) -> None:
    """Write the pages to `destination`."""
    destination.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        (destination / name).write_text(page(), "utf-8")


if __name__ == "__main__":
    generate(Path(sys.argv[1]))
