"""`alliance-server report`: a quarter's police cases, read from the hub's tables beside a hub that serves."""

import csv
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
import pytest_asyncio
from support.police import Station, filed, station_of
from support.wire import enrol
from typer.testing import CliRunner

from alliance.cases.words import CASE_KEPT_MS, DECIDE_WITHIN_MS, HOUR_MS, CaseVerdict, InstrumentType, UrgencyGround
from alliance.errors import Reason
from alliance.taxonomy import DAY_MS
from alliance_server.cli.app import app
from alliance_server.cli.case_report import as_csv, as_markdown
from alliance_server.domain.case_counts import CountedCase, Outcome
from alliance_server.domain.errors import Refused
from alliance_server.services.cases.counting import Quarter, cases_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

NewFolder = Callable[[], Path]
HELD, FREE = "13812345671", "13912345672"


def quarter_at(milliseconds: int) -> Quarter:
    time = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return Quarter(time.year, (time.month + 2) // 3)


@pytest_asyncio.fixture(loop_scope="module")
async def station(new_hub_folder: NewFolder) -> AsyncIterator[Station]:
    async with station_of(new_hub_folder()) as made:
        yield made


def counted(station: Station, quarter: Quarter, now: int | None = None) -> list[CountedCase]:
    at = station.now if now is None else now
    return station.hub.hub.store.read_now(lambda it: cases_of(it, quarter, at))


async def test_every_case_is_counted_by_what_became_of_it(station: Station) -> None:
    quarter, now = quarter_at(station.now), station.now
    lender = await enrol(station.hub, "lender")
    await filed(lender, HELD)
    await lender.close()
    await station.submit(station.drawn_up(FREE))
    await station.submit(station.drawn_up(FREE, urgency=int(UrgencyGround.FLIGHT)))
    withdrawn = station.drawn_up(FREE)
    await station.submit(withdrawn)
    await station.end(withdrawn)
    refused = station.drawn_up(
        FREE, instrument_type=int(InstrumentType.COURT_ORDER), instrument_sha256=sha256(b"an order").digest()
    )
    await station.submit(refused)
    station.pass_by(HOUR_MS)
    await station.decide(station.legal, refused)
    await station.decide(station.duty, refused, CaseVerdict.REFUSE)
    after = await station.approved(FREE)
    await station.end(after)
    await station.opened(HELD)
    await station.opened(FREE)
    found = counted(station, quarter)
    evidence, order = InstrumentType.EVIDENCE_NOTICE, InstrumentType.COURT_ORDER
    assert [(it.instrument, it.outcome) for it in found] == [
        (evidence, Outcome.WAITING),
        (evidence, Outcome.WAITING),
        (evidence, Outcome.WITHDRAWN),
        (order, Outcome.REFUSED),
        (evidence, Outcome.UNMATCHED),
        (evidence, Outcome.MATCHED),
        (evidence, Outcome.UNMATCHED),
    ]
    assert [it.is_urgent for it in found] == [False, True, *[False] * 5]
    hours = [None if it.decided_in is None else it.decided_in // HOUR_MS for it in found]
    assert hours == [None, None, None, 1, 0, 0, 0]

    station.pass_by(DECIDE_WITHIN_MS)
    await station.job().turn()
    assert [it.outcome for it in counted(station, quarter)][:2] == [Outcome.EXPIRED] * 2
    assert counted(station, quarter_at(now - 92 * DAY_MS)) == []

    station.pass_by(200 * DAY_MS)  # a case that the clock ends stays what it was
    await station.job().turn()
    assert counted(station, quarter) == counted(station, quarter, quarter.begins + CASE_KEPT_MS - 1)
    assert [it.outcome for it in counted(station, quarter)][5] is Outcome.MATCHED


async def test_a_quarter_whose_records_may_be_gone_is_not_reported(station: Station) -> None:
    quarter = quarter_at(station.now)
    with pytest.raises(Refused) as refused:
        counted(station, quarter, quarter.begins + CASE_KEPT_MS)
    assert refused.value.reason is Reason.INVALID_REQUEST
    with pytest.raises(Refused):
        counted(station, quarter, quarter.begins - 1)


@pytest.mark.parametrize("text", ["", "2026", "2026Q5", "2026Q0", "26Q1", "2026-Q1", "Q12026", "1999Q1"])
async def test_what_is_no_quarter_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        Quarter.parse(text)


async def test_quarters_follow_each_other() -> None:
    quarters = [Quarter.parse(text) for text in ("2026Q3", " 2026q4", "2027Q1")]
    assert [it.ends for it in quarters[:2]] == [it.begins for it in quarters[1:]]
    assert quarters[1].begins == int(datetime(2026, 10, 1, tzinfo=UTC).timestamp() * 1000)


async def test_the_command_writes_both_files_beside_a_hub_that_serves(station: Station, tmp_path: Path) -> None:
    quarter = str(quarter_at(int(datetime.now(UTC).timestamp() * 1000)))
    runner = CliRunner()
    printed = runner.invoke(app, ["report", "--quarter", quarter, "--dir", str(station.hub.folder)])
    assert printed.exit_code == 0, printed.output
    assert f"in {quarter}" in printed.output
    assert "the quarter is not over" in printed.output
    written = runner.invoke(
        app, ["report", "--quarter", quarter, "--out", str(tmp_path), "--dir", str(station.hub.folder)]
    )
    assert written.exit_code == 0, written.output
    with (tmp_path / f"police-cases-{quarter}.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [it["instrument_type"] for it in lines] == [*(it.word for it in InstrumentType), "all"]
    assert (tmp_path / f"police-cases-{quarter}.md").read_text().startswith("# Police cases of ")
    missing = runner.invoke(app, ["report", "--quarter", quarter, "--out", str(tmp_path / "no"), "--dir", "x"])
    assert missing.exit_code != 0


async def test_small_counts_are_hidden_and_sums_are_ranges() -> None:
    many = [CountedCase(InstrumentType.EVIDENCE_NOTICE, Outcome.MATCHED, False, DAY_MS) for _ in range(7)]
    few = [CountedCase(InstrumentType.EVIDENCE_NOTICE, Outcome.REFUSED, True, 3 * DAY_MS) for _ in range(2)]
    lines = list(csv.reader(as_csv(many + few).splitlines()))
    assert lines[1] == ["evidence_notice", "8–11", "0", "0", "0", "<5", "7", "0", "7", "<5", "1.0"]
    assert lines[2] == ["inquiry_notice", *["0"] * 9, ""]
    assert lines[5] == ["all", "8–11", "0", "0", "0", "<5", "7", "0", "7", "<5", "1.0"]
    urgent = [CountedCase(InstrumentType.COURT_ORDER, Outcome.WAITING, True, None)] * 6
    rows = list(csv.reader(as_csv([*urgent, *urgent[:1], *few]).splitlines()))
    assert (rows[4][9], rows[1][9], rows[5][9]) == ("7", "<5", "8–11")
    mixed = [*urgent, CountedCase(InstrumentType.COURT_ORDER, Outcome.REFUSED, False, DAY_MS)]
    assert list(csv.reader(as_csv(mixed).splitlines()))[4][9] == "≥5"
    text = as_markdown("test", Quarter(2026, 4), many, Quarter(2026, 4).ends)
    assert "| evidence notice |" not in text
    assert "| evidence_notice | 7 | 0 |" in text
    assert "the quarter is not over" not in text
