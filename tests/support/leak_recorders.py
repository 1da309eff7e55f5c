"""Where the suite's programs write: each place hands a copy of what was written there to the search.

- Logs: every record of every logger, before any filter or handler, with the texts of the exceptions in it. Tracebacks
  are taken without their source lines, which are code and no data.
- Output: what tests captured, what commands printed that ran in this process or in another.
- Errors: every exception of the project and of gRPC as it is made, with those that it is raised over.
- Reprs: of every object of the SDK's public names as it is made.
"""

import functools
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any

import pytest
from grpc import aio
from typer.testing import CliRunner

import member_client
from alliance.errors import AllianceError
from alliance.identifiers import Identifier
from member_client import AllianceClientError
from member_client._session import Session
from member_client._transport import Transport
from support.leak_spool import ERROR, LOG, OUTPUT, REPR

Note = Callable[[str, str | bytes], None]
"""Takes the sort of a place and what was written there."""

ERRORS: tuple[type[BaseException], ...] = (AllianceError, AllianceClientError, aio.AioRpcError)
_MAX_CHAIN = 20


def record(note: Note) -> None:
    """Record from now on, until the process ends."""
    _record_logs(note)
    _record_commands(note)
    _record_captures(note)
    record_errors(note)
    for cls in _public_classes():
        _after_making(cls, lambda made: note(REPR, f"{made!r} {made}"))


# -- logs and output --------------------------------------------------------------------------------------------


def _record_logs(note: Note) -> None:
    handle = logging.Logger.handle

    @functools.wraps(handle)
    def recorded(self: logging.Logger, record: logging.LogRecord) -> None:
        note(LOG, "\n".join(texts_of_record(record)))
        handle(self, record)

    logging.Logger.handle = recorded  # type: ignore[method-assign]


def texts_of_record(record: logging.LogRecord) -> Iterator[str]:
    """Give the texts of a record: logger, message, exceptions."""
    yield record.name
    try:
        yield record.getMessage()
    except (TypeError, ValueError):
        yield f"{record.msg!r} {record.args!r}"
    if record.exc_info and record.exc_info[1] is not None:
        yield from texts_of_error(record.exc_info[1])


def _record_commands(note: Note) -> None:
    communicate: Any = subprocess.Popen.communicate
    invoke: Any = CliRunner.invoke

    @functools.wraps(communicate)
    def communicated(self: Any, *arguments: Any, **options: Any) -> Any:
        outputs = communicate(self, *arguments, **options)
        for output in outputs:
            note(OUTPUT, output or "")
        return outputs

    @functools.wraps(invoke)
    def invoked(self: Any, *arguments: Any, **options: Any) -> Any:
        result = invoke(self, *arguments, **options)
        note(OUTPUT, result.output)
        if result.exception is not None:
            note(ERROR, "\n".join(texts_of_error(result.exception)))
        return result

    subprocess.Popen.communicate = communicated  # type: ignore[method-assign]
    CliRunner.invoke = invoked  # type: ignore[method-assign]


def _record_captures(note: Note) -> None:
    """Record what a test takes out of its captured output; the rest is in its report."""
    readouterr: Any = pytest.CaptureFixture.readouterr

    @functools.wraps(readouterr)
    def read(self: Any) -> Any:
        captured = readouterr(self)
        for output in captured:
            note(OUTPUT, output)
        return captured

    pytest.CaptureFixture.readouterr = read  # type: ignore[method-assign]


# -- errors and reprs -------------------------------------------------------------------------------------------


def record_errors(note: Note) -> None:
    """Record the errors of all classes that there are by now; those that are recorded already are passed over."""
    for base in ERRORS:
        for cls in [base, *_below(base)]:
            if cls in ERRORS or "__init__" in vars(cls):
                _after_making(cls, lambda made: note(ERROR, "\n".join(_texts_of_made(made))))


def _below(cls: type[Any]) -> Iterator[type[Any]]:
    for child in cls.__subclasses__():
        yield child
        yield from _below(child)


def _texts_of_made(error: BaseException) -> Iterator[str]:
    yield from texts_of_error(error)
    if (handled := sys.exception()) is not None and handled is not error:
        yield from texts_of_error(handled)  # what it is about to be raised over


def texts_of_error(error: BaseException) -> Iterator[str]:
    """Give the texts of an error and of all that it is chained to."""
    left, seen = [error], set[int]()
    while left and len(seen) < _MAX_CHAIN:
        one = left.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield f"{type(one).__name__} {one} {one!r} {' '.join(getattr(one, '__notes__', ()))}"
        if isinstance(one, aio.AioRpcError):
            yield f"{one.trailing_metadata()!r}"
        left += [linked for linked in (one.__cause__, one.__context__) if linked is not None]


def _public_classes() -> list[type[Any]]:
    public = [getattr(member_client, name) for name in member_client.__all__]
    classes = [it for it in public if isinstance(it, type) and not issubclass(it, (BaseException, Enum))]
    return [*classes, Session, Transport, Identifier]


def _after_making(cls: type[Any], act: Callable[[Any], None]) -> None:
    """Act on every object of a class, and of those below that have no constructor of their own, once it is made."""
    make = cls.__init__
    if hasattr(make, "is_recorded"):
        return

    @functools.wraps(make)
    def made(self: Any, *arguments: Any, **options: Any) -> None:
        make(self, *arguments, **options)
        if type(self).__init__ is made:  # else a constructor below is not done yet
            act(self)

    made.is_recorded = True  # type: ignore[attr-defined]
    cls.__init__ = made
