"""Child processes of the demo: each started here is ended here, by its own id, whatever happens.

Outputs go to files, never to pipes that nobody empties. Children get no `ALLIANCE_…` settings of the caller's but the
choice of a backend: the demo must not touch another hub or profile.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from alliance_server.config import settings_of_others

_POLL_SECONDS = 0.05
_END_SECONDS = 10.0
_LAST_BYTES = 2000


class DemoFailed(Exception):
    """Something that the demo shows went otherwise; the text says what and holds no identifier."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A process that ended by itself."""

    code: int
    output: str
    complaint: str
    """The end of its standard error."""

    def document(self) -> dict[str, Any]:
        """Read its output as one JSON object; raises DemoFailed."""
        try:
            content = json.loads(self.output)
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise DemoFailed(f"a process printed no JSON and ended with exit code {self.code}: {self.complaint}")
        return content


class Child:
    """A process that was started."""

    def __init__(self, name: str, process: "subprocess.Popen[bytes]", output: Path, log: Path) -> None:
        self.name = name
        self.output = output
        self._process = process
        self._log = log

    def wait(self, seconds: float) -> Ended:
        """Wait until it ends; raises DemoFailed where it does not."""
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise DemoFailed(f"{self.name} did not end within {seconds:,.0f} s") from None
        return Ended(code, self.output.read_text("utf-8"), self.complaint())

    def complaint(self) -> str:
        """Give the last lines of its standard error: what went wrong, and how to mend it."""
        with self._log.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - _LAST_BYTES))
            lines = log.read().decode("utf-8", "replace").splitlines()
        return " ".join(line.strip() for line in lines[-2:]) or "(no word)"

    def first_line(self, seconds: float) -> dict[str, Any]:
        """Wait for its first line of output, a JSON object; raises DemoFailed where it ends before."""
        until = time.monotonic() + seconds
        while "\n" not in (text := self.output.read_text("utf-8")):
            if self._process.poll() is not None:
                raise DemoFailed(f"{self.name} ended with exit code {self._process.returncode}: {self.complaint()}")
            if time.monotonic() > until:
                raise DemoFailed(f"{self.name} did not answer within {seconds:,.0f} s")
            time.sleep(_POLL_SECONDS)
        content = json.loads(text.partition("\n")[0])
        return dict(content)

    def release(self) -> None:
        """Close its standard input, which asks a hub to end."""
        if self._process.stdin is not None:
            self._process.stdin.close()

    def end(self) -> None:
        """End it if it still runs: gently, then for good."""
        if self._process.poll() is not None:
            return
        self.release()
        self._process.terminate()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Processes:
    """Starts children and ends all that are left; use it as a context manager."""

    def __init__(self, folder: Path) -> None:
        """Write outputs and logs to a folder."""
        self._folder = folder
        self._children: list[Child] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for child in reversed(self._children):
            child.end()

    def start(
        self,
        name: str,
        module: str,
        *arguments: str | Path,
        typed: str | None = None,
        log: Path | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> Child:
        """Start `python -m MODULE …`; `typed` goes to its standard input, which stays open where there is none."""
        place = self._folder / f"{len(self._children):03}-{name.replace(' ', '-')}"
        output, log = place.with_suffix(".out"), log or place.with_suffix(".err")
        with output.open("wb") as standard_output, log.open("ab") as standard_error:
            # The arguments are the demo's own and no shell reads them.
            process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", module, *map(str, arguments)],
                stdin=subprocess.PIPE,
                stdout=standard_output,
                stderr=standard_error,
                env=_environment(settings or {}),
            )
        child = Child(name, process, output, log)
        self._children.append(child)
        if typed is not None and process.stdin is not None:
            process.stdin.write(typed.encode())
            process.stdin.close()
        return child

    def run(self, name: str, module: str, *arguments: str | Path, seconds: float = 120.0) -> Ended:
        """Run a process to its good end; raises DemoFailed where it is another."""
        return demand(name, self.start(name, module, *arguments, typed="").wait(seconds))


def demand(name: str, ended: Ended, codes: Collection[int] = (0,)) -> Ended:
    """Raise DemoFailed unless a process ended with one of the codes."""
    if ended.code not in codes:
        raise DemoFailed(f"{name} ended with exit code {ended.code}: {ended.complaint}")
    return ended


def timed(children: Callable[[], Sequence[Child]], seconds: float) -> tuple[list[Ended], float]:
    """Start children together, wait for all, and give how they ended with the time that it took, start-up included."""
    start = time.monotonic()
    ended = [child.wait(seconds) for child in children()]
    return ended, time.monotonic() - start


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    inherited = dict(os.environ)
    for name in settings_of_others(os.environ):
        del inherited[name]
    return {**inherited, "PYTHONUTF8": "1", **settings}
