"""A disk that is really full: a small file system of its own, and a file that fills it."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

_BLOCK = bytes(4096)


class SmallDisk:
    """A mounted file system of a few megabytes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self, spare: int = 0) -> None:
        """Fill it, but for so many bytes."""
        with self._ballast.open("ab") as file, suppress(OSError):
            while True:
                os.write(file.fileno(), _BLOCK)
        if spare:
            os.truncate(self._ballast, max(0, self._ballast.stat().st_size - spare))

    def make_room(self) -> None:
        self._ballast.unlink(missing_ok=True)


@contextmanager
def small_disk(megabytes: int) -> Iterator[SmallDisk]:
    """Mount one until the block ends; where that is not permitted the test is skipped, with the reason."""
    folder = Path(tempfile.mkdtemp(prefix="alliance-disk-"))
    folder.chmod(0o755)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0755", "alliance-test", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip() or done.returncode}")
        try:
            yield SmallDisk(folder)
        finally:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
    except FileNotFoundError:
        pytest.skip("a small disk cannot be mounted here: there is no mount command")
    finally:
        folder.rmdir()
