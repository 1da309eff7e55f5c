"""Where peers live: a virtual environment each, made once with pip, beside this package and outside git.

Their requirements do not fit the product's (another protobuf, an older numpy), and nothing of theirs is imported
here: each is a program that is spoken to in lines of JSON.
"""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import benchmarks
from benchmarks.measure.failure import PeerMissing
from benchmarks.measure.processes import Program
from benchmarks.measure.progress import Say

HOME: Final = Path(benchmarks.__file__).parent / ".peers"
_PACKAGES: Final = Path(benchmarks.__file__).parent.parent
_INSTALL_SECONDS: Final = 1200.0
_SAID_LINES: Final = 3


@dataclass(frozen=True, slots=True)
class Peer:
    """A rival: its name, what pip installs of it, and the module of this package that speaks to it there."""

    name: str
    requirements: tuple[str, ...]
    program: str

    @property
    def _folder(self) -> Path:
        return HOME / self.name

    @property
    def _python(self) -> Path:
        return self._folder / "bin" / "python"

    @property
    def _mark(self) -> Path:
        """A file that is written last: an environment without it is half made."""
        return self._folder / ".installed"

    def install(self, say: Say) -> None:
        """Make the environment where it is not there; raises PeerMissing with the reason in one line."""
        wanted = "\n".join(self.requirements)
        if self._mark.exists() and self._mark.read_text("utf-8") == wanted:
            return
        say(f"installing {self.name} into {self._folder} (once)")
        shutil.rmtree(self._folder, ignore_errors=True)
        try:
            self._run(sys.executable, "-m", "venv", "--without-pip", str(self._folder))
            pip = ("-m", "pip", "--python", str(self._python))
            install = ("install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:")
            self._run(sys.executable, *pip, *install, *self.requirements)
            self._mark.write_text(wanted, "utf-8")
        except PeerMissing:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise

    def _run(self, *command: str) -> None:
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise PeerMissing(f"{self.name} cannot be installed: {type(error).__name__}") from None
        if done.returncode:
            said = " ".join(done.stderr.split("\n")[:_SAID_LINES]).strip()
            raise PeerMissing(f"{self.name} cannot be installed: {said}")

    def start(self, folder: Path, name: str = "") -> Program:
        """Start its program, with the folder as its own; what it writes beside its answers goes to a log there."""
        variables = {"PYTHONPATH": str(_PACKAGES), "TMPDIR": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
        return Program(name or self.name, folder, [str(self._python), "-m", self.program], variables)
