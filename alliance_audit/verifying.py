"""Verifies an export, and shows each entry on the way to whoever asks something of it."""

from collections.abc import Callable

from alliance.errors import NoteInvalid
from alliance.tlog.exports import CHECKPOINT, MANIFEST
from alliance_audit.chain import check_chain
from alliance_audit.export import Export, ExportedLog, ExportInvalid
from alliance_audit.leaves import Entry, Leaves, See
from alliance_audit.report import LogReport, Report
from alliance_audit.trust import Trust, marks_of

OnEntries = Callable[[int], None]
"""Told how many entries were read so far, now and then."""
_TELL_EVERY = 4096


def verify(
    export: Export,
    trust: Trust,
    see: See | None = None,
    on_entries: OnEntries | None = None,
) -> Report:
    """Verify an export; what is told of its entries counts once the report holds."""
    count = 0

    def look(entry: Entry) -> None:
        nonlocal count
        count += 1
        if on_entries is not None and count % _TELL_EVERY == 0:
            on_entries(count)
        if see is not None:
            see(entry)

    reports = [_verified(log, export, trust, look) for log in export.logs]
    _check_export(export, trust, reports)
    return Report(reports)


def _verified(log: ExportedLog, export: Export, trust: Trust, see: See) -> LogReport:
    report = LogReport(str(log.name))
    try:
        marks = marks_of(log, export, trust, report)

        def look(entry: Entry) -> None:
            if entry.index == 0:
                check_chain(entry.event, log, export, trust, report)
            see(entry)

        Leaves(log, marks, report, look).read()
    except (ExportInvalid, NoteInvalid) as error:
        report.fault(str(log.folder.name), str(error))
    return report


def _check_export(export: Export, trust: Trust, reports: list[LogReport]) -> None:
    """Find what no single log shows: another month's, or what the auditor gave that is about nothing in here."""
    if not reports:
        reports.append(LogReport(MANIFEST))
        reports[0].fault(MANIFEST, "names no log")
    for log, report in zip(export.logs, reports, strict=False):
        if log.name.month != export.month:
            report.fault(MANIFEST, f"the export is of {export.month}, the log of {log.name.month}")
    for one in trust.strangers(export):
        reports[0].fault(CHECKPOINT, f"a checkpoint that you gave is of {one.origin}, which is not in this export")
