"""How a run that came to its end is graded: the order of the exit codes.

integrity (7) > `--fail-on` (10, 11) > not settled (5) > rows refused (4) > done (0). Unknown and unconfirmed are no
success: whoever reads only the exit code must not take them for clear.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from member_client.cli.group import UsageFault
from member_client.cli.language import tr

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

DONE: Final = 0
ROWS_REFUSED: Final = 4
NOT_SETTLED: Final = 5
INTEGRITY: Final = 7
FAIL_ON_MATCH: Final = 10
FAIL_ON_UNKNOWN: Final = 11

FAIL_ON_HELP: Final = "Exit with 10 on a match, or 11 on unknown or unconfirmed: match or unknown; may be repeated."
_OPEN_STATES: Final = frozenset({"unknown", "unconfirmed"})


def read_fail_on(words: Sequence[str] | None) -> frozenset[str]:
    """Read `--fail-on`; raises UsageFault."""
    chosen = frozenset(word.strip().lower() for word in words or ())
    if not chosen <= {"match", "unknown"}:
        raise UsageFault(tr("--fail-on is match or unknown"))
    return chosen


def ending(
    *, states: Collection[str] = (), refused: bool, integrity: bool = False, fail_on: Collection[str] = ()
) -> int:
    """Give the exit code of a finished run by the states that occurred."""
    unsettled = bool(_OPEN_STATES & frozenset(states))
    graded = (
        (integrity, INTEGRITY),
        ("match" in fail_on and "match" in states, FAIL_ON_MATCH),
        ("unknown" in fail_on and unsettled, FAIL_ON_UNKNOWN),
        (unsettled, NOT_SETTLED),
        (refused, ROWS_REFUSED),
    )
    return next((code for applies, code in graded if applies), DONE)
