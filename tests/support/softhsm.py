"""A SoftHSM2 for the tests: tokens in a temporary folder, and no root's rights.

`make test` unpacks Debian's packages into the environment; an installed SoftHSM2 does as well.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from alliance.crypto.secret import Secret
from alliance_server.config import Pkcs11Settings
from alliance_server.hub_keys import PIN_VARIABLE
from alliance_server.signing.token import Token

PIN = "pin-of-the-tests-4711"
_PLACES = ("usr/lib/softhsm", "usr/lib/*/softhsm", "usr/lib64/softhsm", "usr/lib64/pkcs11", "usr/local/lib/softhsm")


class NoSoftHsm(Exception):
    """There is no SoftHSM2 here."""


@dataclass(frozen=True)
class SoftHsm:
    """An installed SoftHSM2, and a folder for its tokens."""

    module: Path
    program: Path
    folder: Path
    _numbers: "count[int]"

    def new_token(self, prefix: str = "alliance") -> Pkcs11Settings:
        """Make an empty token; its PIN is PIN."""
        label = f"token-{next(self._numbers)}-{os.getpid()}"
        command = [str(self.program), "--module", str(self.module), "--init-token", "--free", "--label", label]
        done = subprocess.run(
            [*command, "--so-pin", "so-pin-4711", "--pin", PIN],
            env={**os.environ, "LD_LIBRARY_PATH": str(self.module.parent)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return Pkcs11Settings(module=self.module, token=label, prefix=prefix)

    @staticmethod
    def opened(settings: Pkcs11Settings, pin: str = PIN) -> Token:
        """Open a token apart from the process's own session with it."""
        return Token(str(settings.module), settings.token, Secret(pin.encode()))


def running_softhsm(folder: Path) -> Iterator[SoftHsm]:
    """Set this process up for a SoftHSM2 with tokens in a folder; raises NoSoftHsm."""
    roots = (Path(sys.prefix) / "softhsm2", Path("/"))
    module = next((it for root in roots for place in _PLACES for it in root.glob(f"{place}/libsofthsm2.so")), None)
    program = next((it for root in roots for it in root.glob("usr/*bin/softhsm2-util")), None)
    if module is None or program is None:
        raise NoSoftHsm("SoftHSM2 is not here: 'make test' unpacks it where apt-get can, or install softhsm2")
    tokens = folder / "tokens"
    tokens.mkdir()
    settings = folder / "softhsm2.conf"
    settings.write_text(f"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n")
    variables = {"SOFTHSM2_CONF": str(settings), PIN_VARIABLE: PIN}
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    yield SoftHsm(module.resolve(), program, folder, count(1))
    for name, value in before.items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value
