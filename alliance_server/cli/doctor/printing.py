"""Prints what was found, and gives the exit code: of `alliance-server doctor` and of `config check`."""

import json
from dataclasses import asdict
from typing import Final

from rich.console import Console
from rich.text import Text

from alliance.findings import Finding, Level
from alliance_server.cli.printing import say

_STYLES: Final = {Level.OK: "green", Level.WARNING: "yellow", Level.ERROR: "bold red"}
_WIDTH: Final = 8
_NOT_HEALTHY: Final = 3


def print_findings(out: Console, findings: list[Finding], *, as_json: bool) -> int:
    """Print findings in their order; returns the exit code."""
    errors = sum(it.level is Level.ERROR for it in findings)
    if as_json:
        say(out, json.dumps({"healthy": not errors, "findings": [asdict(it) for it in findings]}, indent=1))
    else:
        for finding in findings:
            _print(out, finding)
        warnings = sum(it.level is Level.WARNING for it in findings)
        say(out, f"{errors} error(s), {warnings} warning(s)" if errors or warnings else "nothing is wrong")
    return _NOT_HEALTHY if errors else 0


def _print(out: Console, finding: Finding) -> None:
    level = Text(f"{finding.level:<{_WIDTH}} ", style=_STYLES[finding.level])
    out.print(level + Text(str(finding), style="default"), soft_wrap=True, highlight=False)
    if finding.how_to_fix:
        say(out, f"{'':<{_WIDTH}} {finding.how_to_fix}")
