"""Tables of how claims fared: `claims quality` for a member's own, `admin quality` for everybody's."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Final

import typer

from alliance.taxonomy import Category, Outcome
from member_client import ClaimQuality, OutcomeCount
from member_client.cli.admin.options import done
from member_client.cli.language import tr, word
from member_client.cli.session import Session, session_of
from member_client.cli.tables import print_table

_OUTCOMES: Final = ("Confirmed fraud", "False match", "Wrong person", "Stale", "Victim")
"""In the order of `Outcome`."""
_SPARED: Final = ("Victim", "Stale")
_NOT_TOLD: Final = "–"


def claims_quality(context: typer.Context) -> None:
    """Show what became of decisions that rested on your claims.

    Counts by the month at whose end they were told, at least five each, of at
    least two members, none of whom is named. For example:

      member-client claims quality
    """
    session = session_of(context)
    found = session.run(_told(session))
    session.document({"outcomes": [_count(it) for it in found]})
    by_place: dict[tuple[str, Category], dict[Outcome, int]] = {}
    for it in found:
        by_place.setdefault((it.month, it.category), {})[it.outcome] = it.count
    rows = [[month, word(Category, category.word), *_cells(counts)] for (month, category), counts in by_place.items()]
    _print(session, ("Month", "Category", *_OUTCOMES), rows)


def admin_quality(context: typer.Context) -> None:
    """Show how each lender's claims fared within the last twelve months.

    Precision is confirmed fraud among confirmed fraud, false matches and wrong
    persons. What five reports of two members do not stand behind is not told
    yet. For example:

      member-client admin quality
    """
    session = session_of(context)
    found = done(session, lambda admin: admin.quality())
    session.document({"quality": [asdict(it) | _derived(it) for it in found]})
    rows = [
        [
            it.contributor,
            word(Category, it.category.word),
            _precision(it),
            *_cells({each: it.of(each) for each in Outcome}),
        ]
        for it in found
    ]
    _print(session, ("Member", "Category", "Precision", *_OUTCOMES), rows)


def _print(session: Session, columns: tuple[str, ...], rows: list[list[str]]) -> None:
    if session.as_json:
        return
    if not rows:
        session.say(tr("nothing is told yet: it takes five reports of two members, and the end of a month"))
        return
    print_table(session, columns, rows, spared=_SPARED, whole=tr("--json has them"))
    session.note(tr("{sign} fewer than five reports, those of one member alone, or none", sign=_NOT_TOLD))


async def _told(session: Session) -> list[OutcomeCount]:
    async with session.client() as client:
        return await client.claim_outcomes()


def _cells(counts: Mapping[Outcome, int]) -> list[str]:
    return [f"{counts[it]:,}" if counts.get(it) else _NOT_TOLD for it in Outcome]


def _precision(quality: ClaimQuality) -> str:
    return _NOT_TOLD if quality.precision is None else f"{quality.precision:.0%}"


def _derived(quality: ClaimQuality) -> dict[str, object]:
    return {"category": quality.category.word, "reports": quality.reports, "precision": quality.precision}


def _count(told: OutcomeCount) -> dict[str, object]:
    return asdict(told) | {"category": told.category.word, "outcome": told.outcome.word}
