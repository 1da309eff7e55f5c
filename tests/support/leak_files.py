"""Which files the suite's programs wrote, told by who opened them and not by their names.

- A file that a test opens for writing is the test's: its input. The innermost frame of the project's code decides,
  and what is opened later by a program is the program's.
- A copy is whose its original is; a file that is renamed stays whose it was.
- All others are programs' files: databases, which the libraries open by themselves, and whatever other processes write.
- What a program's file held is taken before it is removed or replaced.

Python tells no hook of files that native code writes (Parquet). A test that makes an input so says `is_input(path)`.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
_PROGRAMS = tuple(f"{ROOT / name}{os.sep}" for name in ("alliance", "alliance_server", "member_client", "benchmarks"))
_COPIES = os.sep + "shutil.py"
_WRITING = os.O_WRONLY | os.O_RDWR
_OF_HYPOTHESIS = f"{ROOT / '.hypothesis'}{os.sep}"
"""It keeps the constants of all sources there, and draws from them."""
_COMPILED = f"{os.sep}__pycache__{os.sep}"
"""What Python makes of sources that lie among temporary files."""
_TEMPORARY = os.path.realpath(tempfile.gettempdir()) + os.sep

inputs: set[str] = set()
"""Files that tests wrote themselves."""


def is_input(path: Path) -> None:
    """Say that a file is a test's own, though native code wrote it."""
    inputs.add(os.path.realpath(path))


class FileWatch:
    """Listens to the interpreter's audit events; there is no end to it but the process's."""

    def __init__(self, tests: Path, before_it_goes: Callable[[str], None]) -> None:
        self._tests = (f"{ROOT / 'tests'}{os.sep}", f"{tests}{os.sep}")
        self._before_it_goes = before_it_goes
        self._events: dict[str, Callable[..., None]] = {
            "open": self._opened,
            "shutil.copyfile": self._copied,
            "os.rename": self._renamed,
            "os.remove": self._removed,
            "sqlite3.connect": self._connected,
        }
        self._written: set[str] = set()

    def start(self) -> None:
        """Listen from now on."""
        sys.addaudithook(self._heard)
        self._watch_processes()

    def _heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        if (act := self._events.get(event)) is not None:
            act(*arguments)

    def _opened(self, path: Any, _mode: Any, flags: int) -> None:
        if not flags & _WRITING or (name := _name(path)) is None:
            return
        match self._writer(sys._getframe(2)):
            case "test":
                inputs.add(name)
            case "program":
                inputs.discard(name)
                self._written.add(name)

    def _writer(self, frame: FrameType | None) -> str:
        while frame is not None:
            file = frame.f_code.co_filename
            if file.startswith(_PROGRAMS):
                return "program"
            if file.endswith(_COPIES):
                return "copy"
            if file.startswith(self._tests):
                return "test"
            frame = frame.f_back
        return "other"

    def _copied(self, source: Any, target: Any) -> None:
        self._takes_after(_name(source), _name(target))

    def _renamed(self, source: Any, target: Any, *_folders: Any) -> None:
        name = _name(target)
        if name is not None and name not in inputs and Path(name).is_file():
            self._before_it_goes(name)
        self._takes_after(_name(source), name)

    def _takes_after(self, source: str | None, target: str | None) -> None:
        if target is not None and source in inputs:
            inputs.add(target)
        elif target is not None:
            inputs.discard(target)
            self._written.add(target)

    def _removed(self, path: Any, folder: int = -1) -> None:
        name = _name(path, folder)
        if name is not None and name in self._written and name not in inputs:
            self._before_it_goes(name)

    def _connected(self, path: Any) -> None:
        if (name := _name(path)) is not None:
            inputs.discard(name)
            self._written.add(name)

    def _watch_processes(self) -> None:
        """A file that a test hands to a process for its output is the process's."""
        start: Any = subprocess.Popen.__init__

        def started(process: Any, *arguments: Any, **options: Any) -> None:
            for stream in (options.get("stdout"), options.get("stderr")):
                if isinstance(name := getattr(stream, "name", None), str):
                    inputs.discard(os.path.realpath(name))
            start(process, *arguments, **options)

        setattr(subprocess.Popen, "__init__", started)  # noqa: B010 - its stub is overloaded


def _name(path: Any, folder: int = -1) -> str | None:
    """Give a file's full name; None where it is no name, or not among temporary files."""
    if not isinstance(path, str | bytes | os.PathLike):
        return None
    name = os.fsdecode(path)
    if folder >= 0 and not name.startswith(os.sep):
        try:
            name = os.path.join(os.readlink(f"/proc/self/fd/{folder}"), name)  # noqa: PTH118, PTH115 - a hot path
        except OSError:
            return None
    name = os.path.abspath(name)  # noqa: PTH100
    is_left_out = _COMPILED in name or name.startswith(_OF_HYPOTHESIS)
    return name if name.startswith(_TEMPORARY) and not is_left_out else None
