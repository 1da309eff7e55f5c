import io
from pathlib import Path
from typing import Any

import pytest
from cli_fakes import Cli, FixedClock
from rich.console import Console

from member_client.cli.progress import age, pace, progress
from member_client.cli.session import Ports, Session, printable


def session(*, terminal: bool, quiet: bool = False) -> tuple[Session, io.StringIO]:
    no: Any = None
    ports = Ports(open_client=no, enrol=no, fingerprint=no, identity_key=no, clock=FixedClock())
    made = Session(ports, Path(), quiet=quiet)
    written = io.StringIO()
    made.err = Console(file=written, force_terminal=terminal, width=120)
    return made, written


def test_progress_shows_rate_on_a_terminal() -> None:
    made, written = session(terminal=True)
    with progress(made, "list.csv", 200) as advance:
        for _ in range(200):
            advance()
    assert "rows/s" in written.getvalue()
    assert "list.csv" in written.getvalue()


@pytest.mark.parametrize(("terminal", "quiet"), [(False, False), (True, True)])
def test_progress_shows_nothing_elsewhere(terminal: bool, quiet: bool) -> None:
    made, written = session(terminal=terminal, quiet=quiet)
    with progress(made, "list.csv", 200) as advance:
        advance()
    assert written.getvalue() == ""


@pytest.mark.parametrize("terminal", [True, False])
def test_a_wait_for_quota_says_until_when(*, terminal: bool) -> None:
    made, written = session(terminal=terminal)
    with progress(made, "list.csv", 200) as advance:
        for until in (1_700_000_000_000, None, 1_800_000_000_001):
            advance.waits(until)
    shown = "2027-01-15 08:00:01" if terminal else "2023-11-14 22:13:20"
    assert f"waiting for quota until {shown} UTC" in written.getvalue()
    if not terminal:
        assert len(written.getvalue().splitlines()) == 1


def test_times_as_people_say_them() -> None:
    assert pace(100_000, 9.8) == "9.8 s · 10,204 rows/s"
    assert pace(100_000, 150) == "2 min 30 s · 667 rows/s"
    assert [age(ms) for ms in (-1, 42_000, 600_000, 10_800_000)] == ["0 s", "42 s", "10 min", "3 h"]


def test_control_characters_are_not_printed() -> None:
    assert printable("a\x1b[31mb") == "a�[31mb"
    assert Cli()("--version").exit_code == 0
