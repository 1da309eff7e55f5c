"""Our programs without the second that each takes to import what it needs: forked from a process that has it already.

A page of the documentation starts a dozen of them. `forked_programs` gives a folder whose programs have the names of
the real ones, and `python-m` for `python -m MODULE`. Each hands what a process inherits — arguments, folder,
environment, mask, standard streams — to the process that has everything imported, which forks, and the child runs what
the real program runs. Signals to the stand-in go to the child, and it ends as the child does.

    python -m support.forked SOCKET
"""

import atexit
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import distribution
from pathlib import Path
from typing import Any, Final, NoReturn

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
os._exit((to.recv(1) or bytes([137]))[0])
"""


@contextmanager
def forked_programs(folder: Path, environment: dict[str, str]) -> Iterator[None]:
    """Put such programs into a folder, and have them work until the block ends.

    The environment is that of the process that they are forked from.
    """
    address = folder / "socket"
    scripts = distribution("alliance-hub").entry_points.select(group="console_scripts")
    for name, entry in {PYTHON_M: "", **{it.name: it.value for it in scripts}}.items():
        program = folder / name
        program.write_text(_STAND_IN.format(python=sys.executable, address=str(address), entry=entry), "utf-8")
        program.chmod(0o755)
    command = [sys.executable, "-m", "support.forked", str(address)]
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == b"ready\n"
            yield
        finally:
            process.stdin.close()


def _serve(address: str) -> None:
    for module in _IMPORTED:
        importlib.import_module(module)
    assert len(list(Path("/proc/self/task").iterdir())) == 1, "threads are not forked"
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the children: their stand-ins hear of their ends
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen(64)
        print("ready", flush=True)  # noqa: T201 - to whoever started it
        while listening in select.select([listening, sys.stdin], [], [])[0]:  # not whoever started it has ended
            asking, _ = listening.accept()
            if os.fork() == 0:
                listening.close()
                _run(asking)
            asking.close()


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
    asking.set_inheritable(False)
    asking.sendall(os.getpid().to_bytes(4, "big"))
    code = _code_of(entry)
    asking.sendall(bytes([code]))
    os._exit(code)


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
