"""Ninety days of an alliance of twenty lenders, on a clock of the test's, with everything going wrong now and then.

Lenders file, amend, withdraw, recall, contest, answer or sit things out, screen their customers and go offline for
days; the hub is restarted; calls and answers are lost, delivered twice and overtaken. Every day the alliance's
clocks are held against what was done, and at the end nothing may be missing anywhere.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from support.simulated import STEP_HOURS, SimulatedAlliance

DAYS = 90
HAPPENS = (
    *("file", "leave", "restart", "withdrawn", "recalled", "contest", "suspended", "revisit"),
    *("answer upheld", "answer corrected", "answer withdrawn", "answer recalled"),
    *("review claim_stands", "review claim_suspended"),
)
"""A run in which not all of it happened says little."""


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", [1, *(pytest.param(it, marks=pytest.mark.nightly) for it in range(2, 8))])
async def test_ninety_days_meet_every_clock_and_lose_nothing(new_hub_folder: Callable[[], Path], seed: int) -> None:
    alliance = SimulatedAlliance(new_hub_folder(), seed)
    await alliance.found()
    try:
        for _ in range(DAYS * 24 // STEP_HOURS):
            await alliance.a_day()
            await alliance.clocks_hold()
        await alliance.everybody_comes()
        await alliance.nothing_is_lost()
        assert [it for it in HAPPENS if not alliance.did[it]] == [], (
            "a run in which not everything happened says little"
        )
        assert len(alliance.faults.done) == 4, "not everything went wrong"
    finally:
        await alliance.end()
