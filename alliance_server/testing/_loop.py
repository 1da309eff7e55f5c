"""An event loop on a thread of its own, for work that callers wait for wherever they are."""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import TimeoutError as NotInTime
from typing import Any, Final, TypeVar

PATIENCE_SECONDS: Final = 120.0

T = TypeVar("T")


class LoopThread:
    """Runs coroutines until it is closed; a daemon, so that a test run which is cut off ends."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="alliance-hub", daemon=True)
        self._thread.start()

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine there and give its result; raises what it raises, and TimeoutError after two minutes."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(PATIENCE_SECONDS)
        except NotInTime:
            if future.done():
                raise
            future.cancel()
            raise TimeoutError(f"the hub's thread did not answer within {PATIENCE_SECONDS:.0f} s") from None

    def close(self) -> None:
        """Cancel what is left there, and end the thread."""
        if self._loop.is_closed():
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.get_loop().run_forever()
