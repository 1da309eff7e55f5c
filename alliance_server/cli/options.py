"""What the hub's commands share: where a hub lies, and where they print."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

stdout = Console()

HubFolder = Annotated[
    Path,
    typer.Option("--dir", envvar="ALLIANCE_HUB_DIR", help="The hub's folder.", show_default=True),
]
DEFAULT_FOLDER = Path("hub")
