"""A process that brings texts into canonical form, and the two ends of its pipe.

It is a plain child that runs this module, not one of `multiprocessing`, whose children run the caller's main module
again. Frames are u32 big-endian length ‖ JSON. Texts travel through pipes alone: never by arguments, environment or
files. It ends when its input ends, so it never outlives its parent; it says nothing on any other stream.
"""

import json
import os
import struct
import subprocess
import sys
from collections.abc import Sequence
from typing import IO, Any, Final

from alliance.identifiers import InvalidIdentifier, Kind, Reason, canonicalise

_LENGTH: Final = struct.Struct(">I")
_FORM, _REASON = "=", "!"
_END_SECONDS: Final = 5.0
_OWN_VARIABLES: Final = "ALLIANCE_"
"""A passphrase may be among them, and a worker needs none."""

Asked = tuple[Kind, str]


class WorkerFailed(Exception):
    """The process cannot be started or does not answer."""


class Worker:
    """The caller's end; for one thread at a time."""

    def __init__(self) -> None:
        """Start the process; raises WorkerFailed."""
        try:
            # The interpreter's own path and this module's name: nothing of a caller's is in it. Without -P, modules in
            # the working folder would go before ours, and the folder of a list may be anybody's.
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-P", "-m", __name__],
                cwd=os.sep,
                env={name: value for name, value in os.environ.items() if not name.startswith(_OWN_VARIABLES)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # an interrupt at the terminal is the parent's
            )
        except (OSError, ValueError) as error:
            raise WorkerFailed from error

    def forms(self, fields: Sequence[Asked], region: str) -> list[str | Reason]:
        """Give form or reason of each text; raises WorkerFailed."""
        process = self._process
        if process.stdin is None or process.stdout is None:
            raise WorkerFailed
        try:
            _send(process.stdin, [region, [[kind.value, text] for kind, text in fields]])
            answers = _received(process.stdout)
        except (OSError, ValueError):
            raise WorkerFailed from None  # its text could quote what was sent
        if not isinstance(answers, list) or len(answers) != len(fields):
            raise WorkerFailed
        return [_read(answer) for answer in answers]

    def close(self) -> None:
        """End the process."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except OSError:  # what was not flushed to a process that is gone
                    continue
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def serve(source: IO[bytes], sink: IO[bytes]) -> None:
    """Answer requests until there are no more."""
    while (request := _received(source)) is not None:
        region, fields = request
        _send(sink, [_answer(Kind(kind), text, region) for kind, text in fields])


def _answer(kind: Kind, text: str, region: str) -> str:
    try:
        return _FORM + canonicalise(kind, text, default_region=region, suppression=None).canonical
    except InvalidIdentifier as refusal:
        return _REASON + refusal.reason.value


def _read(answer: Any) -> str | Reason:  # noqa: ANN401 - what JSON gave
    try:
        sort, text = answer[:1], answer[1:]
        return text if sort == _FORM else Reason(text)
    except (TypeError, ValueError):
        raise WorkerFailed from None


def _send(stream: IO[bytes], content: object) -> None:
    data = json.dumps(content).encode()
    stream.write(_LENGTH.pack(len(data)) + data)
    stream.flush()


def _received(stream: IO[bytes]) -> Any:  # noqa: ANN401 - what JSON gives; None at the end
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    return json.loads(stream.read(length))


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
