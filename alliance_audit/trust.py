"""What an auditor brings: keys and checkpoints from elsewhere, and which roots of a log follow from them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from alliance.errors import NoteInvalid
from alliance.tlog.checkpoints import Checkpoint, checkpoint_text, cosigners
from alliance.tlog.exports import CHECKPOINT, KEYS
from alliance.tlog.logs import LogName
from alliance.tlog.notes import NoteKey
from alliance.v1.succession_pb2 import Succession
from alliance_audit.export import Export, ExportedLog
from alliance_audit.leaves import Mark
from alliance_audit.report import LogReport
from alliance_audit.successions import believed

REMEMBERED: Final = "a checkpoint that you gave"
THE_EXPORTS: Final = "the export's checkpoint"


@dataclass(frozen=True, slots=True)
class Trust:
    """Keys of the hub and of admins, checkpoints that others remember, witnesses and how many must have cosigned."""

    keys: Sequence[NoteKey] = ()
    """Under the name of any log of their origin."""
    plain_keys: Sequence[bytes] = ()
    """Identity keys of hubs, of whichever origin."""
    checkpoints: Sequence[Checkpoint] = ()
    witnesses: Sequence[NoteKey] = ()
    quorum: int = 0
    admins: Sequence[bytes] = ()
    """Identity keys of admins: two of them make a succession believed."""

    def keys_of(self, name: LogName) -> list[NoteKey]:
        """Give the keys that sign a log: an origin's key is the same for all its logs."""
        origins = [(LogName.parse(key.name), key.public_key) for key in self.keys]
        named = [public_key for of, public_key in origins if (of.alliance, of.origin) == (name.alliance, name.origin)]
        return [name.key(public_key) for public_key in (*named, *self.plain_keys)]

    def strangers(self, export: Export) -> Iterator[Checkpoint]:
        """Give the checkpoints that are about no log of the export, nor about the one before any of them."""
        known = {str(log.name) for log in export.logs} | {it.succession.log_origin for it in export.successions}
        for log in export.logs:
            if (previous := log.previous()) is not None:
                known.add(previous.origin)
        yield from (it for it in self.checkpoints if it.origin not in known)


def marks_of(log: ExportedLog, export: Export, trust: Trust, report: LogReport) -> list[Mark]:
    """Give the roots that the log's entries must have; faults go into the report. Raises ExportInvalid."""
    checkpoint = log.checkpoint()
    if checkpoint.origin != str(log.name):
        report.fault(CHECKPOINT, f"is of the log {checkpoint.origin}")
        return []
    given = trust.keys_of(log.name)
    keys = given or [key for key in (export.keys.get(str(log.name)),) if key is not None]
    remembered = _not_lost(log, [it for it in trust.checkpoints if it.origin == str(log.name)], export, trust, report)
    witnessed = [it for it in (checkpoint, log.witnessed()) if it is not None and it.origin == str(log.name)]
    _check_signed(checkpoint, keys, CHECKPOINT, report)
    for one in remembered:
        _check_signed(one, keys, f"{REMEMBERED}, of {one.size} entries", report)
    if given:
        report.vouched.append(f"entries 0…{checkpoint.size - 1}: the hub signed, by a key that you gave")
    elif keys:
        report.notes.append(f"the hub's key is from {KEYS} alone: give it by --key if you have it from elsewhere")
    for one in remembered:
        if one.size <= log.size:  # else entries are missing, and nothing is said to hold up to there
            report.vouched.append(f"entries 0…{one.size - 1}: {REMEMBERED}")
    cosigned = _cosigned(witnessed, trust, report)
    declared = list(_declared(log, export))
    reached = [it.size for it in (*remembered, *cosigned)]
    _check_reach(log, checkpoint, export, trust, reached, declared, report, has_key=bool(given))
    marks = [Mark(checkpoint.size, checkpoint.root, THE_EXPORTS), *declared]
    marks += [Mark(it.size, it.root, REMEMBERED) for it in remembered]
    return marks + [Mark(it.size, it.root, "a checkpoint that witnesses cosigned") for it in cosigned]


def _not_lost(
    log: ExportedLog, remembered: Sequence[Checkpoint], export: Export, trust: Trust, report: LogReport
) -> list[Checkpoint]:
    """Give what is remembered of a log as far as a restore that admins signed left it."""
    succession = believed(export, str(log.name), trust.admins)
    if succession is None:
        return list(remembered)
    for one in (it for it in remembered if it.size > succession.log_size):
        lost = f"entries {succession.log_size}…{one.size - 1}"
        report.notes.append(f"{lost} of {REMEMBERED} were lost in the restore, as admins signed whose keys you gave")
    return [it for it in remembered if it.size <= succession.log_size]


def _check_reach(
    log: ExportedLog,
    checkpoint: Checkpoint,
    export: Export,
    trust: Trust,
    vouched: Sequence[int],
    declared: Sequence[Mark],
    report: LogReport,
    *,
    has_key: bool,
) -> None:
    """Say how far what the auditor gave reaches, and find entries that nothing reaches."""
    reach = max(vouched, default=0)
    if not has_key and not reach:
        report.fault(CHECKPOINT, "nothing that you gave vouches for this log: give its key, or a checkpoint of it")
    elif not has_key and reach < checkpoint.size:
        report.notes.append(f"entries {reach}…{checkpoint.size - 1} came after what you gave: the hub alone vouches")
    if checkpoint.size < log.size:
        rest = f"entries {checkpoint.size}…{log.size - 1}"
        if not any(mark.size == log.size for mark in declared):
            report.fault(rest, "are behind the end of the export's checkpoint")
        elif (of_admins := believed(export, str(log.name), trust.admins)) and of_admins.log_size == log.size:
            report.notes.append(f"{rest} were not signed before the hub was lost: its succession vouches for them")
        else:
            text = "only a succession has them, which two admins must have signed: give their keys by --admin"
            report.fault(rest, text)


def _check_signed(checkpoint: Checkpoint, keys: Sequence[NoteKey], place: str, report: LogReport) -> None:
    if not keys:
        report.fault(place, f"there is no key to verify its signature by, in {KEYS} neither")
        return
    try:
        if checkpoint.note.signed_by(keys):
            return
    except NoteInvalid:
        report.fault(place, "the hub's signature does not verify: it was changed")
        return
    report.fault(place, f"is not signed by the log's key {keys[0].key_id.hex()}: another's, or replaced")


def _cosigned(checkpoints: Sequence[Checkpoint], trust: Trust, report: LogReport) -> list[Checkpoint]:
    """Give the checkpoints that enough of the auditor's witnesses cosigned; where some must, there has to be one."""
    found = []
    for one in checkpoints:
        names = sorted(key.name for key in cosigners(one.note, trust.witnesses))
        if len(names) >= max(trust.quorum, 1):
            report.vouched.append(f"entries 0…{one.size - 1}: cosigned by {', '.join(names)}")
            found.append(one)
    if trust.quorum and not found:
        report.fault(CHECKPOINT, f"fewer than {trust.quorum} of the witnesses that you gave cosigned")
    return found


def _declared(log: ExportedLog, export: Export) -> Iterator[Mark]:
    """Give what successions say of the log: as far as the backup had it."""
    for succession in (told.succession for told in export.successions):
        if succession.log_origin == str(log.name):
            yield Mark(succession.log_size, succession.log_root, f"the succession to origin {succession.origin}")


def text_before(succession: Succession) -> str:
    """Give the checkpoint's text of the newest tree in the backup that a succession names; raises NoteInvalid."""
    return checkpoint_text(succession.log_origin, succession.log_size, succession.log_root)
