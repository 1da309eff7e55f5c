"""Frames on a real hub: what one lender listed, another finds in a frame of its own library."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.hub import running_hub
from support.leak_files import is_input
from support.sdk import BASIS, PHONES, PORTFOLIO, contribute, lender, row

from member_client import ConsentMissing, InvalidUse

NewFolder = Callable[[], Path]


async def test_frames_of_each_library_are_screened(new_hub_folder: NewFolder, tmp_path: Path) -> None:
    size = 1_500
    content: dict[str, list[Any]] = {
        "app_id": [f"A-{number}" for number in range(size)],
        "mobile": [PHONES[number % len(PHONES)] if number % 7 else f"bad {number}" for number in range(size)],
    }
    listed = {PHONES[1], PHONES[8], PHONES[900]}
    expected = [
        "refused" if not number % 7 else "match" if phone in listed else "clear"
        for number, phone in enumerate(content["mobile"])
    ]
    pq.write_table(pa.table(content), tmp_path / "list.parquet")
    is_input(tmp_path / "list.parquet")
    frames = (pd.DataFrame(content), pl.DataFrame(content), pa.table(content).to_reader(), tmp_path / "list.parquet")
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a, lender(hub, "b") as b:
        await contribute(a, [row(phone) for phone in listed])
        await hub.settle()
        for frame in frames:
            found = await b.screen_frame(
                frame, columns={"phone": "mobile"}, ref="app_id", purpose=PORTFOLIO, consent=BASIS
            )
            table = pa.table(found)
            assert table["ref"].to_pylist() == content["app_id"]
            assert table["state"].to_pylist() == expected
            assert all(cells["receipt"] for cells in table.to_pylist() if cells["state"] != "refused")
            matches = [cells for cells in table.to_pylist() if cells["state"] == "match"]
            assert {cells["contributors"] for cells in matches} == {"a"}
            shown = str(table.to_pydict())
            assert not [phone for phone in PHONES if phone[3:] in shown]


async def test_synchronous_code_screens_frames_too(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a, lender(hub, "b") as b:
        await contribute(a, [row(PHONES[1])])
        await hub.settle()

        def screen() -> Any:
            with b.blocking as blocking:
                frame = pl.DataFrame({"mobile": PHONES[:3]})
                return blocking.screen_frame(frame, columns={"phone": "mobile"}, purpose=PORTFOLIO, consent=BASIS)

        found = await asyncio.to_thread(screen)
        assert found["state"].to_list() == ["clear", "match", "clear"]


async def test_a_frame_needs_purpose_and_consent_like_anything_else(new_hub_folder: NewFolder) -> None:
    frame = pa.table({"mobile": [PHONES[0]]})
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a:
        with pytest.raises(ConsentMissing):
            await a.screen_frame(frame, columns={"phone": "mobile"}, purpose=PORTFOLIO)
        with pytest.raises(InvalidUse):
            await a.screen_frame(frame, columns={"phone": "mobile"}, purpose="curiosity", consent=BASIS)
        assert a.usage.evaluations == 0
