"""Ninety days of an alliance of twenty lenders, on a clock of the test's, with everything going wrong now and then.

Lenders file, amend, withdraw, recall, contest, answer or sit things out, screen their customers and go offline for
days; the hub is restarted; calls and answers are lost, delivered twice and overtaken. Every day the alliance's
clocks are held against what was done, and at the end nothing may be missing anywhere.

Outside of the nightly run the alliance is smaller, its time shorter, and its days are busier.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from support.simulated import STEP_HOURS, SimulatedAlliance

HAPPENS = (
    *("file", "leave", "restart", "withdrawn", "recalled", "contest", "suspended", "revisit"),
    *("answer upheld", "answer corrected", "answer withdrawn", "answer recalled"),
    *("review claim_stands", "review claim_suspended"),
)
"""A run in which not all of it happened says little."""


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("seed", "lenders", "days", "contests"),
    [(1, 6, 25, 2), *(pytest.param(seed, 20, 90, 1, marks=pytest.mark.nightly) for seed in range(1, 8))],
)
async def test_ninety_days_meet_every_clock_and_lose_nothing(
    new_hub_folder: Callable[[], Path], seed: int, lenders: int, days: int, contests: int
) -> None:
    alliance = SimulatedAlliance(new_hub_folder(), seed, lenders, contests)
    await alliance.found()
    try:
        for _ in range(days * 24 // STEP_HOURS):
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
