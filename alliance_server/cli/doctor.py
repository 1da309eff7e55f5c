"""`alliance-server doctor`: what keeps a hub from working, or will."""

import json
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

from alliance.clock import SystemClock
from alliance.findings import Finding, Level
from alliance_server.cli.printing import say
from alliance_server.doctor import examine

_STYLES: Final = {Level.OK: "green", Level.WARNING: "yellow", Level.ERROR: "bold red"}
_WIDTH: Final = 8
_NOT_HEALTHY: Final = 3


def run_doctor(out: Console, folder: Path, *, as_json: bool) -> int:
    """Examine a hub and print what was found; returns the exit code."""
    findings = examine(folder, SystemClock())
    healthy = all(finding.level is not Level.ERROR for finding in findings)
    if as_json:
        records = [{"level": it.level, "what": it.what, "how_to_fix": it.how_to_fix} for it in findings]
        say(out, json.dumps({"healthy": healthy, "findings": records}, indent=1))
    else:
        for finding in findings:
            _print(out, finding)
    return 0 if healthy else _NOT_HEALTHY


def _print(out: Console, finding: Finding) -> None:
    level = Text(f"{finding.level:<{_WIDTH}} ", style=_STYLES[finding.level])
    out.print(level + Text(finding.what, style="default"), soft_wrap=True, highlight=False)
    if finding.how_to_fix:
        say(out, f"{'':<{_WIDTH}} {finding.how_to_fix}")
