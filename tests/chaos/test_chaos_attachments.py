"""Attachments while their hub is killed, on a disk that is really full, and of a size that no memory holds."""

import asyncio
import errno
from pathlib import Path
from typing import Any

import psutil
import pytest
from support.attachments import Told, ask, hand_over, liaison_of, sealed_file, session_of
from support.hub import running_hub
from support.kills import until
from support.process import hub_process
from support.small_disk import small_disk

from alliance.crypto import attachment
from alliance_server.storage.attachment_files import DURABLE_EVERY_BYTES, AttachmentFiles
from member_client._cases.attachments import download, prepared, upload

MIB = 1024 * 1024


def made(path: Path, size: int) -> Path:
    """Make a file that says at each place where it is."""
    with path.open("wb") as file:
        for block in range(size // MIB):
            file.write(block.to_bytes(8, "big") * (MIB // 8))
    return path


async def test_an_upload_survives_its_hubs_death(tmp_path: Path) -> None:
    path = made(tmp_path / "video", 60 * MIB)
    async with hub_process(tmp_path / "hub") as (process, hub):
        async with liaison_of(hub) as liaison, session_of(hub, "lender") as member:
            case_id, told = ask(hub, "lender"), Told()
            described = await prepared(member, case_id, path)
            lies = sealed_file(hub, case_id, "lender", described.attachment_id)
            task = asyncio.create_task(upload(member, case_id, path, progress=told))
            await until(lambda: lies.exists() and lies.stat().st_size > DURABLE_EVERY_BYTES)
            process.kill()
            await process.start()
            assert await task == described
            assert told.starts()[-1] > DURABLE_EVERY_BYTES or len(told.starts()) == 1
            hand_over(hub, case_id)
            await download(liaison, case_id, "lender", described, tmp_path / "x")
        assert (tmp_path / "x").read_bytes() == path.read_bytes()


def test_a_full_disk_keeps_what_was_durable(tmp_path: Path) -> None:
    with small_disk(8) as disk:
        files = AttachmentFiles(disk.folder / "attachments", spare_bytes=0)
        size = attachment.sealed_size(4 * MIB)
        upload = files.begin("name", 0, size)
        upload.append(b"a" * MIB)
        upload.close()
        upload = files.begin("name", MIB, size)
        disk.fill()
        with pytest.raises(OSError, match="No space") as full:
            upload.append(b"b" * 4 * MIB)
        assert full.value.errno == errno.ENOSPC
        with pytest.raises(OSError, match="No space"):
            files.begin("other", 0, size)
        assert files.durable("name") >= MIB
        disk.make_room()
        upload = files.begin("name", MIB, size)
        upload.append(b"c" * MIB)
        upload.close()
        assert files.durable("name") == 2 * MIB
        assert b"".join(files.chunks("name", 0, MIB)) == b"a" * MIB + b"c" * MIB


def test_room_is_left_to_the_rest_of_the_hub() -> None:
    with small_disk(8) as disk:
        files = AttachmentFiles(disk.folder / "attachments", spare_bytes=6 * MIB)
        with pytest.raises(OSError, match="No space"):
            files.begin("name", 0, attachment.sealed_size(4 * MIB))
        files.begin("name", 0, attachment.sealed_size(1)).close()


def test_room_is_left_by_uploads_that_began_when_there_was_room_for_each() -> None:
    with small_disk(8) as disk:
        files = AttachmentFiles(disk.folder / "attachments", spare_bytes=2 * MIB)
        size = attachment.sealed_size(3 * MIB)
        one, other = files.begin("one", 0, size), files.begin("other", 0, size)
        one.append(b"a" * 4 * MIB)
        with pytest.raises(OSError, match="No space"):
            other.append(b"b" * 2 * MIB)
        one.close()
        other.close()
        assert files.durable("one") == 4 * MIB


@pytest.mark.nightly
async def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """Hub, member and liaison in one process: of 256 MiB up and down, less than a fifth is ever held."""
    path, most = made(tmp_path / "video", 256 * MIB), 0
    own = psutil.Process()

    def look(_done: int, _total: int) -> None:
        nonlocal most
        most = max(most, own.memory_info().rss)

    async with running_hub(tmp_path / "hub") as hub, liaison_of(hub) as liaison, session_of(hub, "lender") as member:
        options: Any = {"progress": look}
        small = made(tmp_path / "small", 8 * MIB)
        await upload(member, ask(hub, "lender"), small)
        before, case_id = own.memory_info().rss, ask(hub, "lender")
        released = await upload(member, case_id, path, **options)
        hand_over(hub, case_id)
        await download(liaison, case_id, "lender", released, tmp_path / "x", **options)
    grown = (most - before) / MIB
    print(f"memory grew by {grown:.0f} MiB while 256 MiB went up and down")  # noqa: T201 - the soak's figure
    assert grown < 50
    assert (tmp_path / "x").stat().st_size == path.stat().st_size
