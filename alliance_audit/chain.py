"""What binds a log to the one before: its first leaf names the SHA-256 of that one's last checkpoint, and its size.

After a restore it names the succession too, and the checkpoint is the newest tree in the backup: what came later in the
lost hub is the gap that the succession declares.
"""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

from alliance.audit_events import HUB, OK
from alliance.errors import NoteInvalid
from alliance.tlog.checkpoints import Checkpoint
from alliance.tlog.exports import KEYS, PREVIOUS
from alliance.tlog.logs import LogName
from alliance.v1.audit_pb2 import AuditEvent
from alliance.v1.succession_pb2 import Succession
from alliance_audit.export import Export, ExportedLog, ToldSuccession
from alliance_audit.report import LogReport
from alliance_audit.successions import SIGNERS, believed, signers
from alliance_audit.trust import Trust, text_before

_PLACE: Final = "entry 0"
_AFTER_RESTORE: Final = 2


def check_chain(first: AuditEvent, log: ExportedLog, export: Export, trust: Trust, report: LogReport) -> None:
    """Hold a log's first leaf against the log before, as the export and the auditor have it. Raises ExportInvalid."""
    if first.actor != HUB or first.outcome != OK:
        report.fault(_PLACE, "is not the hub's own event")
    previous, bound = log.previous(), list(first.commitments)
    if not bound:
        report.notes.append("it says that it is the alliance's first log: nothing is before it")
        if previous is not None:
            report.fault(_PLACE, f"names no log before it, and {PREVIOUS} is one")
        return
    succession = _succession(bound, export, log.name, trust, report) if len(bound) == _AFTER_RESTORE else None
    text = _text(previous, succession, report)
    if text is None:
        return
    if bound[0] != sha256(text.encode()).digest():
        report.fault(_PLACE, f"does not follow from the checkpoint before: {PREVIOUS} is another than it names")
        return
    origin, size = text.split("\n")[0], int(text.split("\n")[1])
    if first.items != size:
        report.fault(_PLACE, f"says that the log before has {first.items} entries; its checkpoint says {size}")
    if not _is_before(origin, log.name):
        report.fault(_PLACE, f"follows {origin}, which is not before it")
    report.notes.append(f"it follows {origin} of {size} entries")
    _check_signature(previous, trust, report)
    is_believed = believed(export, origin, trust.admins) is not None
    for one in (it for it in trust.checkpoints if it.origin == origin):
        if one.size <= size or not is_believed:
            _check_remembered(one, text, size, report)


def _text(previous: Checkpoint | None, succession: Succession | None, report: LogReport) -> str | None:
    if succession is not None:
        try:
            return text_before(succession)
        except NoteInvalid:
            report.fault(KEYS, f"the succession to origin {succession.origin} names no log before")
            return None
    if previous is None:
        report.fault(PREVIOUS, "is missing: the first leaf names a log before")
        return None
    return previous.text


def _succession(
    bound: list[bytes], export: Export, name: LogName, trust: Trust, report: LogReport
) -> Succession | None:
    """Give the succession that a first leaf names, and say what it declares lost."""
    for told in export.successions:
        if sha256(told.payload).digest() == bound[1]:
            found = told.succession
            if found.origin != name.origin:
                report.fault(_PLACE, f"names the succession to origin {found.origin}")
            report.notes.append(f"{_gap(found)}; {_signed(told, trust, report)}")
            return found
    report.fault(KEYS, "the succession that the first leaf names is missing")
    return None


def _signed(told: ToldSuccession, trust: Trust, report: LogReport) -> str:
    """Say who signed a succession; where the auditor has keys of admins, two of these must have."""
    count = signers(told, trust.admins)
    if trust.admins and count < SIGNERS:
        report.fault(KEYS, f"{count} of the admins whose keys you gave signed the succession, and not {SIGNERS}")
    if count:
        return f"{count} admins signed this whose keys you gave"
    names = ", ".join(admin for admin, _ in told.statements) or "nobody"
    return f"it says that {names} signed this: give the admins' keys by --admin"


def _gap(succession: Succession) -> str:
    taken, restored = (
        datetime.fromtimestamp(time / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        for time in (succession.backup_taken_at, succession.restored_at)
    )
    return (
        f"origin {succession.origin} was restored at {restored} from a backup of {taken}: "
        f"events between the two are lost"
    )


def _is_before(origin: str, name: LogName) -> bool:
    try:
        before = LogName.parse(origin)
    except NoteInvalid:
        return False
    return before.alliance == name.alliance and before < name


def _check_signature(previous: Checkpoint | None, trust: Trust, report: LogReport) -> None:
    if previous is None or not (keys := trust.keys_of(LogName.parse(previous.origin))):
        return
    try:
        if previous.note.signed_by(keys):
            return
    except NoteInvalid:
        pass
    report.fault(PREVIOUS, "is not signed by its log's key")


def _check_remembered(one: Checkpoint, text: str, size: int, report: LogReport) -> None:
    """Hold what somebody remembers of the log before against where this log says that it ended."""
    if one.size > size:
        lost = f"{size}…{one.size - 1}"
        report.fault(_PLACE, f"says that the log before ended at {size}: a checkpoint that you gave has entries {lost}")
    elif one.size == size and one.text != text:
        report.fault(_PLACE, "follows another log before than the checkpoint that you gave")
    elif one.size < size:
        report.notes.append(f"the checkpoint of {one.origin} that you gave is not its last: verify that month by it")
