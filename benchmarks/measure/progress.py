"""How a run tells what it does."""

from collections.abc import Callable

Say = Callable[[str], None]
"""Told a step, a few words: shown on a terminal, else nowhere."""
