"""Our programs without the second that each takes to import what it needs: forked from a process that has it already.

Whoever asks hands what a process inherits — arguments, folder, environment, mask, standard streams — to the process
that has everything imported, one for each process that asks. It forks, and the child runs what the real program runs.

- `Forked` is such a child, to be signalled, killed and waited for as one that was started; `forked` one whose streams
  are read as asyncio's processes' are.
- `forked_programs` gives a folder whose programs have the names of the real ones, and `python-m` for `python -m
  MODULE`, for pages of the documentation. Signals to such a stand-in go to the child, and it ends as the child does.

    python -m support.forked SOCKET
"""

import asyncio
import atexit
import importlib
import json
import os
import runpy
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any, Final, NamedTuple, NoReturn

from support.keys import open_cheaply

_STREAMS: Final = 3
_IMPORTED: Final = (
    "alembic.command",
    "alliance_audit.app",
    "alliance_server.cli.app",
    "alliance_server.cli.dev",
    "alliance_server.cli.serving",
    "alliance_server.demo.capture",
    "alliance_server.demo.patterns",
    "member_client.cli",
)
"""What programs import; none that is run by `python -m`."""
PYTHON_M: Final = "python-m"
_STAND_IN: Final = """\
#!{python} -SE
import json, os, signal, socket, sys
to = socket.socket(socket.AF_UNIX)
to.connect({address!r})
mask = os.umask(0)
os.umask(mask)
is_ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
entry, arguments = {entry!r}, sys.argv
if not entry:
    assert sys.argv[1] == "-m", "it stands in for python -m alone"
    entry, arguments = sys.argv[2], sys.argv[2:]
asked = entry, sys.argv[0], arguments, os.getcwd(), dict(os.environ), mask, is_ignored
content = json.dumps(asked).encode()
socket.send_fds(to, [len(content).to_bytes(4, "big")], [0, 1, 2])
to.sendall(content)
child = int.from_bytes(to.recv(4, socket.MSG_WAITALL), "big")
for number in (signal.SIGTERM, signal.SIGHUP, *([] if is_ignored else [signal.SIGINT])):
    signal.signal(number, lambda number, _: os.kill(child, number))
code = int.from_bytes(to.recv(2, socket.MSG_WAITALL), "big", signed=True)
os._exit(code if code >= 0 else 128 - code)
"""


def forked_programs(folder: Path) -> None:
    """Put such programs into a folder; they work for as long as this process does."""
    scripts = distribution("alliance-hub").entry_points.select(group="console_scripts")
    for name, entry in {PYTHON_M: "", **{it.name: it.value for it in scripts}}.items():
        program = folder / name
        program.write_text(_STAND_IN.format(python=sys.executable, address=_server().address, entry=entry), "utf-8")
        program.chmod(0o755)


class Forked:
    """`python -m MODULE …`, forked. Its end is seen by whoever asked, as a parent sees it."""

    def __init__(
        self,
        module: str,
        arguments: Sequence[str],
        *,
        environment: dict[str, str],
        folder: Path | None = None,
        streams: tuple[int, int, int],
    ) -> None:
        mask = os.umask(0)
        os.umask(mask)
        asked = module, module, [module, *arguments], str(folder or Path.cwd()), environment, mask, False
        content = json.dumps(asked).encode()
        self._child = socket.socket(socket.AF_UNIX)
        self._child.connect(_server().address)
        socket.send_fds(self._child, [len(content).to_bytes(4, "big")], streams)
        self._child.sendall(content)
        self.pid = int.from_bytes(self._child.recv(4, socket.MSG_WAITALL), "big")
        self.returncode: int | None = None
        try:
            self._end: int | None = os.pidfd_open(self.pid)
        except ProcessLookupError:
            self._end = None
            self._gone()

    def poll(self) -> int | None:
        """Give its exit code, or minus the signal that ended it; None while it runs."""
        if self._end is not None and select.select([self._end], [], [], 0)[0]:
            self._gone()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; raises TimeoutError."""
        if self._end is not None and not select.select([self._end], [], [], timeout)[0]:
            raise TimeoutError(f"it did not end in {timeout} s")
        code = self.poll()
        assert code is not None
        return code

    async def ended(self) -> int:
        """Wait for its end without holding up others; gives its exit code."""
        while (code := self.poll()) is None:  # noqa: ASYNC110 - whoever polls meanwhile closes what would tell
            await asyncio.sleep(0.005)
        return code

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal; one to a process that ended goes to nobody."""
        if self._end is not None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._end, number)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def _gone(self) -> None:
        self.returncode = int.from_bytes(self._child.recv(2, socket.MSG_WAITALL), "big", signed=True)
        self._child.close()
        if self._end is not None:
            os.close(self._end)
            self._end = None


class ForkedWithPipes:
    """One whose streams are read and written as those of asyncio's processes."""

    def __init__(
        self, process: Forked, stdin: int, stdout: asyncio.StreamReader, stderr: asyncio.StreamReader | None
    ) -> None:
        self.process, self.stdout, self._stderr, self._stdin = process, stdout, stderr, stdin

    @property
    def returncode(self) -> int | None:
        """As `Forked.poll` gives it."""
        return self.process.poll()

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal; one to a process that ended goes to nobody."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()

    def close_stdin(self) -> None:
        """Let its standard input end."""
        if self._stdin >= 0:
            os.close(self._stdin)
            self._stdin = -1

    async def wait(self) -> int:
        """Wait for its end; gives its exit code."""
        code = await self.process.ended()
        self.close_stdin()
        return code

    async def communicate(self) -> tuple[bytes, bytes]:
        """Wait for its end; gives what it said on both streams."""
        self.close_stdin()
        errors = asyncio.ensure_future(self._stderr.read()) if self._stderr is not None else None
        said = await self.stdout.read()
        await self.wait()
        return said, b"" if errors is None else await errors


async def forked(
    module: str,
    arguments: Sequence[str],
    *,
    environment: dict[str, str],
    folder: Path | None = None,
    takes_errors: bool = True,
) -> ForkedWithPipes:
    """Fork `python -m MODULE …` with a pipe for each standard stream; its errors may go where ours go."""
    (stdin, to), (out, stdout) = os.pipe(), os.pipe()
    err, stderr = os.pipe() if takes_errors else (-1, os.dup(2))
    process = Forked(module, arguments, environment=environment, folder=folder, streams=(stdin, stdout, stderr))
    for end in (stdin, stdout, stderr):
        os.close(end)
    return ForkedWithPipes(process, to, await _reader(out), await _reader(err) if takes_errors else None)


async def _reader(end: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, os.fdopen(end, "rb"))
    return reader


def environment() -> dict[str, str]:
    """Give what a process needs to run these sources from whatever folder."""
    tests = Path(__file__).parents[1]
    paths = [str(tests), str(tests.parent), os.environ.get("PYTHONPATH", "")]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths)}


class _Server(NamedTuple):
    """The process that forks. It ends with this one, which holds its standard input."""

    address: str
    process: subprocess.Popen[bytes]


@cache
def _server() -> _Server:
    folder = tempfile.mkdtemp(prefix="forked-")
    atexit.register(shutil.rmtree, folder)
    address = str(Path(folder) / "socket")
    command = [sys.executable, "-m", "support.forked", address]
    process = subprocess.Popen(command, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return _Server(address, process)


def _serve(address: str) -> None:
    for module in _IMPORTED:
        importlib.import_module(module)
    open_cheaply()
    assert len(list(Path("/proc/self/task").iterdir())) == 1, "threads are not forked"
    ends, told = socket.socketpair()
    told.setblocking(False)
    signal.set_wakeup_fd(told.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    asked: dict[int, socket.socket] = {}
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen(64)
        print("ready", flush=True)  # noqa: T201 - to whoever started it
        while sys.stdin not in (ready := select.select([listening, ends, sys.stdin], [], [])[0]):
            if ends in ready:
                ends.recv(4096)
                _tell_ends(asked)
            if listening in ready:
                asking, _ = listening.accept()
                if (child := os.fork()) == 0:
                    signal.set_wakeup_fd(-1)
                    for one in (listening, ends, told, *asked.values()):
                        one.close()
                    _run(asking)
                asked[child] = asking


def _tell_ends(asked: dict[int, socket.socket]) -> None:
    """Tell whoever asked for a child that has ended how it did."""
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            child, status = ended
            with asked.pop(child) as asking, suppress(OSError):  # who asked may be gone
                asking.sendall(os.waitstatus_to_exitcode(status).to_bytes(2, "big", signed=True))


def _run(asking: socket.socket) -> NoReturn:
    """Be the program that was asked for, to its end."""
    head, streams, _, _ = socket.recv_fds(asking, 4, _STREAMS)
    content = asking.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL)
    entry, program, arguments, folder, environment, mask, is_ignored = json.loads(content)
    for place, stream in enumerate(streams):
        os.dup2(stream, place)
        os.close(stream)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN if is_ignored else signal.default_int_handler)
    os.chdir(folder)
    os.umask(mask)
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None  # it goes by the environment
    sys.argv = arguments
    if Path(program).name == PYTHON_M:
        sys.executable = program  # what it starts is forked, too
    with asking:
        asking.sendall(os.getpid().to_bytes(4, "big"))
    os._exit(_code_of(entry))


def _code_of(entry: str) -> int:
    """Run a function or a module as the interpreter does, its threads and what it registered for its end included."""
    module, _, function = entry.partition(":")
    code: Any = 0
    try:
        if function:
            getattr(importlib.import_module(module), function)()
        else:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        code = ended.code
        if isinstance(code, str):
            print(code, file=sys.stderr)  # noqa: T201 - as the interpreter does
    except BaseException:  # noqa: BLE001 - as the interpreter does
        sys.excepthook(*sys.exc_info())
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]  # what the interpreter does first
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    return code & 255 if isinstance(code, int) else int(code is not None)


if __name__ == "__main__":
    _serve(sys.argv[1])
