"""Generates the stubs of `alliance.v1` from `proto/`: `python tools/protos.py DESTINATION`.

The destination is the folder `alliance/v1` itself, or another one for the test that the committed stubs are
fresh.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROTO = ROOT / "proto"


def generate(destination: Path) -> None:
    """Write the stubs to `destination`; raises CalledProcessError where a proto does not compile."""
    sources = sorted(str(path.relative_to(PROTO)) for path in PROTO.glob("alliance/v1/*.proto"))
    plugins = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    with tempfile.TemporaryDirectory() as scratch:
        outputs = [f"--{kind}_out={scratch}" for kind in ("python", "grpc_python", "mypy", "mypy_grpc")]
        command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{PROTO}", *outputs, *sources]
        subprocess.run(command, check=True, env={**os.environ, "PATH": plugins})  # noqa: S603 - our own files
        destination.mkdir(parents=True, exist_ok=True)
        for stale in destination.glob("*_pb2*"):
            stale.unlink()
        for stub in Path(scratch, "alliance/v1").iterdir():
            shutil.copy(stub, destination / stub.name)


if __name__ == "__main__":
    generate(Path(sys.argv[1]))
