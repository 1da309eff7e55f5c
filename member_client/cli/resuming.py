"""Runs that can be taken up where they stopped: their ids, and the line that says how.

A screening's id is drawn; the SDK keeps what was settled under it, sealed, for a day, and refuses the id for anything
else. A contribution needs nothing kept, since its journal knows every row: the id says on which day it began, so that
`90d` means the same again, and holds a digest of file and options, so that nothing else is taken for it.
"""

from __future__ import annotations

import base64
import hmac
import os
import re
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import file_digest, sha256
from typing import TYPE_CHECKING, Final

from member_client.cli.group import UsageFault
from member_client.cli.language import tr
from member_client.errors import AllianceClientError, ConflictingRetry, IntegrityError, InvalidUse, NotEnrolled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from member_client.cli.session import Session

_NAMED: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_CONTRIBUTION: Final = re.compile(r"C-([0-9]{8})-([A-Z2-7]{16})")
_ID_BYTES: Final = 10


@contextmanager
def resumable(run_id: str) -> Iterator[None]:
    """Let whatever stops the run say how it is taken up; raises UsageFault where the id is another run's."""
    try:
        yield
    except ConflictingRetry:
        raise _another_run() from None
    except (InvalidUse, NotEnrolled, IntegrityError):
        raise  # the same again would end the same way
    except (AllianceClientError, KeyboardInterrupt, OSError) as stop:
        stop.add_note(_how_to_go_on(run_id))
        raise


def screening_id(resume: str | None, named: str | None = None) -> str:
    """Give a new run's id, the one that is taken up, or the caller's own; raises UsageFault where it is none."""
    if resume is not None and named is not None:
        raise UsageFault(tr("--resume and --run-id exclude each other"))
    if named is not None:
        if not _NAMED.fullmatch(named):
            raise UsageFault(tr("--run-id has 1 to 64 letters, digits and . _ -, and begins with none of these signs"))
        return named
    if resume is None:
        return f"S-{_text(os.urandom(_ID_BYTES))}"
    if not _NAMED.fullmatch(resume):
        raise UsageFault(tr("--resume takes the id that the run printed, for example S-ABCDEFGHIJKLMNOP"))
    return resume


def unknown_run() -> UsageFault:
    """Give the complaint about an id under which nothing was begun."""
    return UsageFault(
        tr("--resume: no run was begun here under this id within the last day; without --resume all is asked anew")
    )


def contribution_id(session: Session, resume: str | None, file: Path, options: object, now_ms: int) -> tuple[str, int]:
    """Give the run's id and the time from which durations count; raises UsageFault where it is another run's."""
    # Under a key: the id is printed, and who sees it must not try out what the file holds.
    digest = _text(session.run(_keyed(session, _digest(file, options)))[:_ID_BYTES])
    if resume is None:
        day = datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y%m%d")
        return f"C-{day}-{digest}", now_ms
    told = _CONTRIBUTION.fullmatch(resume)
    if told is None:
        raise UsageFault(tr("--resume takes the id that the run printed, for example C-20260301-ABCDEFGHIJKLMNOP"))
    if not hmac.compare_digest(told[2], digest):
        raise _another_run()
    try:
        began = datetime.strptime(told[1], "%Y%m%d").replace(tzinfo=UTC)
    except ValueError:
        raise UsageFault(tr("--resume: there is no such day")) from None
    return resume, round(began.timestamp() * 1000)


def _how_to_go_on(run_id: str) -> str:
    if not _CONTRIBUTION.fullmatch(run_id):
        return tr("to go on where it stopped: the same command with --resume {id}, within a day", id=run_id)
    return tr("to go on where it stopped: the same command with --resume {id}", id=run_id)


def _another_run() -> UsageFault:
    return UsageFault(tr("--resume: file and options must be those of the run that printed this id"))


async def _keyed(session: Session, data: bytes) -> bytes:
    async with session.client() as client:
        return await client.keyed_digest(data)


def _digest(file: Path, options: object) -> bytes:
    """Digest a file and what is said of its rows."""
    with file.open("rb") as content:
        return file_digest(content, lambda: sha256(repr(options).encode())).digest()


def _text(data: bytes) -> str:
    return base64.b32encode(data).decode()
