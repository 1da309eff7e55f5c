import logging
import threading
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cli_fakes import AWAY, CLEAN, LISTED, FakeClient, assert_no_identifier
from support.leak_files import is_input

from member_client import InvalidUse, Subject, Verdict
from member_client._drawing import ReadAhead
from member_client._frames import FRAME_COLUMNS, FrameColumns, screened
from member_client.screening import OnProgress
from member_client.verdicts import OnUnavailable

MIXED: dict[str, list[Any]] = {
    "no": ["C-1", "C-2", None, CLEAN, "C-5"],
    "mobile": [LISTED, CLEAN, AWAY, CLEAN, "1.38E+10"],
    "mail": ["a@example.com", None, None, "", "b@example.com"],
    "amount": [1.5, 2.5, None, 4.5, 5.5],
}
BOTH = {"phone": "mobile", "email": "mail"}


async def screen(
    frame: object,
    columns: Any = None,
    *,
    ref: str = "",
    consent_column: str = "",
    client: FakeClient | None = None,
    on_unavailable: OnUnavailable = "step_up",
    on_progress: OnProgress | None = None,
) -> Any:
    fake = client or FakeClient()

    async def one_by_one(subjects: Iterator[Subject]) -> AsyncGenerator[Subject, None]:
        for subject in subjects:
            yield subject

    async def screen_many(
        subjects: Iterator[Subject] | ReadAhead[Subject], told: OnProgress
    ) -> AsyncGenerator[Verdict, None]:
        done = 0
        drawn = subjects if isinstance(subjects, ReadAhead) else one_by_one(subjects)
        async for verdict in fake.screen_many(drawn, purpose="portfolio_screening"):
            yield verdict
            done += 1
            told(done)

    asked = FrameColumns(columns or {"phone": "mobile"}, ref, consent_column)
    return await screened(frame, asked, screen_many, on_unavailable, on_progress)


def records(found: Any) -> list[dict[str, Any]]:
    if isinstance(found, pd.DataFrame):
        found = pa.Table.from_pandas(found, preserve_index=False)
    elif isinstance(found, pl.DataFrame):
        found = found.to_arrow()
    assert isinstance(found, pa.Table)
    assert tuple(found.column_names) == FRAME_COLUMNS
    rows: list[dict[str, Any]] = found.to_pylist()
    return rows


def file_of(folder: Path) -> Path:
    pq.write_table(pa.table(MIXED), folder / "list.parquet")
    is_input(folder / "list.parquet")
    return folder / "list.parquet"


def mixed(sort: str, folder: Path) -> object:
    """The same rows in each sort of frame."""
    makers: dict[str, Any] = {
        "pandas": lambda: pd.DataFrame(MIXED),
        "polars": lambda: pl.DataFrame(MIXED),
        "table": lambda: pa.table(MIXED),
        "batches": lambda: pa.table(MIXED).to_reader(max_chunksize=2),
        "batch": lambda: pa.RecordBatch.from_pydict(MIXED),
        "path": lambda: file_of(folder),
    }
    made: object = makers[sort]()
    return made


SORTS = ("pandas", "polars", "table", "batches", "batch", "path")


@pytest.mark.parametrize("sort", SORTS)
async def test_each_sort_of_frame_gives_a_row_for_each_row(sort: str, tmp_path: Path) -> None:
    found = await screen(mixed(sort, tmp_path), BOTH, ref="no")
    kind = {"pandas": pd.DataFrame, "polars": pl.DataFrame}.get(sort, pa.Table)
    assert isinstance(found, kind)
    rows = records(found)
    first = rows[0]
    receipt = first.pop("receipt")
    assert receipt is None  # the fake evaluates nothing
    assert first == {
        "row": 1,
        "ref": "C-1",
        "state": "match",
        "action": "step_up",
        "fields": "phone",
        "categories": "mule_account",
        "roles": "mule_unwitting",
        "evidence": "E3",
        "sources": 2,
        "until": "2029-02-28",
        "status": "active",
        "contributors": "bank-b bank-c",
        "reason": None,
    }
    told = [(row["row"], row["ref"], row["state"], row["action"], row["reason"]) for row in rows]
    assert told[1:] == [
        (2, "C-2", "clear", "none", None),
        (3, "3", "unknown", "step_up", "phone:hub_unavailable"),
        (4, None, "refused", "step_up", "ref:ref_is_identifier"),
        (5, "C-5", "refused", "step_up", "phone:spreadsheet_damaged"),
    ]
    assert {row["sources"] for row in rows[1:]} == {None}
    assert_no_identifier(str(rows), repr(found))


@pytest.mark.parametrize("sort", ["pandas", "polars", "arrow"])
async def test_numbers_count_as_texts_and_floats_are_refused_rows(sort: str) -> None:
    make: Any = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "arrow": pa.table}[sort]
    whole = records(await screen(make({"mobile": [int(LISTED), int(CLEAN)]})))
    assert [row["state"] for row in whole] == ["match", "clear"]
    damaged = records(await screen(make({"mobile": [float(LISTED), None, float(CLEAN)]})))
    assert [(row["ref"], row["state"], row["reason"]) for row in damaged] == [
        ("1", "refused", "phone:spreadsheet_damaged"),
        ("2", "refused", "empty"),
        ("3", "refused", "phone:spreadsheet_damaged"),
    ]


async def test_a_pandas_column_may_mix_texts_and_numbers() -> None:
    frame = pd.DataFrame(
        {"mobile": [LISTED, int(LISTED), float(LISTED), None, pd.NaT, True, [LISTED], pd.Timestamp("2027-01-31")]}
    )
    rows = records(await screen(frame))
    assert [(row["state"], row["reason"]) for row in rows] == [
        ("match", None),
        ("match", None),
        ("refused", "phone:spreadsheet_damaged"),
        ("refused", "empty"),
        ("refused", "empty"),
        ("refused", "phone:not_text"),
        ("refused", "phone:not_text"),
        ("refused", "phone:not_a_valid_number"),
    ]


async def test_a_pandas_result_has_the_index_of_the_frame() -> None:
    frame = pd.DataFrame({"mobile": [LISTED, CLEAN]}, index=pd.Index(["x", "y"]))
    found = await screen(frame)
    assert list(frame.join(found)["state"]) == ["match", "clear"]
    assert str(found["sources"].dtype) == "Int32"


@pytest.mark.parametrize("kind", ["category", "string[pyarrow]", "object"])
async def test_texts_of_pandas_come_in_several_types(kind: str) -> None:
    frame = pd.DataFrame({"mobile": pd.Series([LISTED, None, CLEAN], dtype=kind)})
    assert [row["state"] for row in records(await screen(frame))] == ["match", "refused", "clear"]


async def test_columns_that_are_not_used_may_hold_anything() -> None:
    polars = pl.DataFrame({"mobile": [LISTED], "thing": pl.Series([object()], dtype=pl.Object)})
    pandas = pd.DataFrame({"mobile": [LISTED], "thing": [object()]})
    for frame in (polars, pandas):
        assert [row["state"] for row in records(await screen(frame))] == ["match"]


async def test_objects_of_polars_are_no_texts() -> None:
    frame = pl.DataFrame({"mobile": pl.Series([LISTED, object()], dtype=pl.Object)})
    rows = records(await screen(frame))
    assert [(row["state"], row["reason"]) for row in rows] == [("refused", "phone:not_text")] * 2


async def test_long_frames_keep_their_order_and_tell_their_progress() -> None:
    size = 9_000
    texts = [LISTED if number % 1_000 == 0 else "x" if number % 3 else CLEAN for number in range(size)]
    for frame in (pd.DataFrame({"mobile": texts}), pa.table({"mobile": texts})):
        told: list[int] = []
        rows = records(await screen(frame, on_progress=told.append))
        assert [row["row"] for row in rows] == list(range(1, size + 1))
        assert [row["row"] for row in rows if row["state"] == "match"] == list(range(1, size + 1, 1_000))
        assert told == sorted(told)
        assert told[-1] == size


async def test_a_stream_is_drawn_where_it_belongs() -> None:
    home, seen = threading.get_ident(), set[int]()
    schema = pa.schema([("mobile", pa.string())])

    def batches() -> Iterator[pa.RecordBatch]:
        seen.add(threading.get_ident())  # a database's cursor would refuse another thread here
        yield pa.RecordBatch.from_pydict({"mobile": [LISTED]}, schema=schema)

    assert len(records(await screen(pa.RecordBatchReader.from_batches(schema, batches())))) == 1
    assert seen == {home}


async def test_frames_without_rows() -> None:
    for frame in (pd.DataFrame({"mobile": []}), pl.DataFrame({"mobile": []}), pa.table({"mobile": pa.nulls(0)})):
        assert records(await screen(frame)) == []


async def test_each_row_may_have_its_own_consent() -> None:
    client = FakeClient()
    frame = pa.table({"mobile": [LISTED, CLEAN], "basis": ["basis-1", None]})
    rows = records(await screen(frame, consent_column="basis", client=client))
    assert [(row["state"], row["reason"]) for row in rows] == [("match", None), ("refused", "consent:consent_missing")]
    assert [consent is not None for consent in client.consents] == [True]


async def test_a_refused_row_may_proceed_where_the_client_says_so() -> None:
    rows = records(await screen(pd.DataFrame({"mobile": [[LISTED]]}), on_unavailable="proceed"))
    assert [(row["state"], row["action"]) for row in rows] == [("refused", "none")]


class Broken:
    """Claims to be a frame, and quotes a value when it is asked."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        raise ValueError(LISTED)


def breaking() -> pa.RecordBatchReader:
    schema = pa.schema([("mobile", pa.string())])

    def batches() -> Iterator[pa.RecordBatch]:
        yield pa.RecordBatch.from_pydict({"mobile": [CLEAN]}, schema=schema)
        raise ValueError(LISTED)

    return pa.RecordBatchReader.from_batches(schema, batches())


@pytest.mark.parametrize(
    ("frame", "columns", "ref", "words"),
    [
        ({"mobile": [LISTED]}, {"phone": "mobile"}, "", "no frame"),
        (pl.LazyFrame({"mobile": [LISTED]}), {"phone": "mobile"}, "", "no frame"),
        (pl.Series("mobile", [LISTED]), {"phone": "mobile"}, "", "Arrow stream"),
        (pd.Series([LISTED]), {"phone": "mobile"}, "", "no frame|Arrow stream"),
        (Broken(), {"phone": "mobile"}, "", "Arrow stream"),
        (breaking(), {"phone": "mobile"}, "", "broke off"),
        (pa.table({"mobile": [LISTED]}), {"phone": "handy"}, "", "missing column handy; columns found: mobile"),
        (pd.DataFrame({LISTED: [1]}), {"phone": "handy"}, "", "missing column handy"),
        (pa.table([pa.array(["1"])] * 2, names=["mobile"] * 2), {"phone": "mobile"}, "", "more than once"),
        (pd.DataFrame([["1", "2"]], columns=["mobile", "mobile"]), {"phone": "mobile"}, "", "more than once"),
        (pa.table({"mobile": [LISTED]}), {"telephone": "mobile"}, "", "the fields are phone"),
        (pa.table({"mobile": [LISTED]}), ["mobile"], "", "the fields are phone"),
        (pa.table({"mobile": [LISTED]}), {"phone": "mobile", "email": "mobile"}, "", "one column for two fields"),
        (pa.table({"mobile": [LISTED]}), {"phone": "mobile"}, "mobile", "ref mobile is a column of identifiers"),
        (Path("absent.parquet"), {"phone": "mobile"}, "", "no such file"),
    ],
)
async def test_what_cannot_be_screened_is_invalid_use(frame: object, columns: Any, ref: str, words: str) -> None:
    with pytest.raises(InvalidUse, match=words) as refused:
        await screen(frame, columns, ref=ref)
    assert_no_identifier(str(refused.value))


async def test_nothing_is_logged_of_a_frame(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await screen(pd.DataFrame(MIXED), BOTH, ref="no")
    assert_no_identifier(caplog.text)
