"""Turns: tasks that do everything side by side but one thing, which they do one after the other."""

import asyncio


class Abandoned(Exception):
    """The task before this one failed in its turn; its error is the one to be told."""


class Turn:
    """One task's turn at something, `async with`; nobody's comes after one that failed."""

    def __init__(self, before: "Turn | None" = None) -> None:
        self._before = before
        self._over = asyncio.Event()
        self._failed = False

    async def __aenter__(self) -> None:
        before, self._before = self._before, None
        if before is not None:
            await before._over.wait()
            if before._failed:
                self._end(failed=True)
                raise Abandoned

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._end(failed=kind is not None)

    def _end(self, *, failed: bool) -> None:
        self._failed = failed
        self._over.set()
