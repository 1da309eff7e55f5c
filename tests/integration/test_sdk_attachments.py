"""Files of a release, from a member to an officer: over TLS, through cuts, and past a hub that bends them."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import pytest_asyncio
from support.attachments import (
    Told,
    ask,
    attach,
    copied,
    hand_over,
    liaison_of,
    sealed_file,
    session_of,
)
from support.hub import RunningHub, running_hub
from support.kills import until
from support.proxy import Proxy
from support.sdk import Tamper

from alliance.crypto import attachment
from alliance.v1.case_pb2 import ReleasedFile
from member_client import (
    AttachmentMismatch,
    AttachmentTampered,
    CaseStateConflict,
    HubUnavailable,
    InvalidUse,
    NotFound,
    ReplyWindowClosed,
)
from member_client._cases.attachments import download, is_rubbish, prepared, upload
from member_client._cases.moving import PART_BYTES
from member_client._session import Session

pytestmark = pytest.mark.asyncio(loop_scope="module")

MIB = 1024 * 1024
SLOW = 16 * MIB
"""Bytes a second, so that there is a time between beginning and end."""
NewFolder = Callable[[], Path]


class Desk(SimpleNamespace):
    """A hub, a member that a case asks, and the case's liaison."""

    hub: RunningHub
    member: Session
    liaison: Session
    tamper: Tamper

    async def uploaded(self, path: Path, **options: Any) -> tuple[bytes, ReleasedFile]:
        """Attach a file to a case of its own that is handed over."""
        case_id = ask(self.hub, "lender")
        released = await upload(self.member, case_id, path, **options)
        hand_over(self.hub, case_id)
        return case_id, released

    async def fetched(self, case_id: bytes, released: ReleasedFile, target: Path, **options: Any) -> bytes:
        await download(self.liaison, case_id, "lender", released, target, **options)
        return await asyncio.to_thread(target.read_bytes)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    tamper = Tamper("DownloadAttachment", lambda _reply: None)
    folder = tmp_path_factory.mktemp("attachments") / "hub"
    async with (
        running_hub(folder, interceptors=[tamper]) as hub,
        liaison_of(hub) as liaison,
        session_of(hub, "lender") as member,
    ):
        yield Desk(hub=hub, member=member, liaison=liaison, tamper=tamper)


def made(folder: Path, size: int, name: str = "流水.csv") -> Path:
    path = folder / name
    path.write_bytes(os.urandom(size))
    return path


def in_folder(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537, 3 * MIB + 17])
async def test_a_file_arrives_as_it_was(desk: Desk, tmp_path: Path, size: int) -> None:
    path, up, down = made(tmp_path, size), Told(), Told()
    case_id, released = await desk.uploaded(path, progress=up)
    (tmp_path / "bundle").mkdir()
    assert await desk.fetched(case_id, released, tmp_path / "bundle" / "x", progress=down) == path.read_bytes()
    assert in_folder(tmp_path / "bundle") == ["x"]
    assert (released.name, released.size, released.sha256) == (
        "流水.csv",
        size,
        sha256(path.read_bytes()).digest(),
    )
    total = attachment.sealed_size(size)
    assert up.steps[-1] == down.steps[-1] == (total, total)


async def test_the_hub_has_bytes_of_a_size_class_and_nothing_of_the_file(desk: Desk, tmp_path: Path) -> None:
    path = made(tmp_path, 0)
    path.write_bytes(b"account 6222 of nobody\n" * 10_000)
    case_id, released = await desk.uploaded(path)
    lies = sealed_file(desk.hub, case_id, "lender", released.attachment_id).read_bytes()
    assert sha256(lies).digest() == released.sealed_sha256
    assert len(lies) == released.sealed_size == 262_144 + 4 * 16 + 16
    assert b"account" not in lies
    names = " ".join(in_folder(desk.hub.hub.config.attachments_folder))
    assert "lender" not in names
    assert case_id.hex() not in names


async def test_the_same_file_is_the_same_attachment_and_goes_over_the_line_once(desk: Desk, tmp_path: Path) -> None:
    path, told, case_id = made(tmp_path, 300_000), Told(), ask(desk.hub, "lender")
    described = await prepared(desk.member, case_id, path)
    assert await upload(desk.member, case_id, path, released=described) == described
    assert await upload(desk.member, case_id, path, progress=told) == described
    assert told.steps == [(described.sealed_size, described.sealed_size)]
    async with session_of(desk.hub, "lender") as later:
        assert await prepared(later, case_id, path) == described
    elsewhere = await prepared(desk.member, ask(desk.hub, "lender"), path)
    assert elsewhere.attachment_id != described.attachment_id
    assert elsewhere.key != described.key


async def test_a_file_that_is_not_the_prepared_one_is_not_sent(desk: Desk, tmp_path: Path) -> None:
    path, case_id = made(tmp_path, 5), ask(desk.hub, "lender")
    described = await prepared(desk.member, case_id, path)
    path.write_bytes(b"other")
    with pytest.raises(AttachmentMismatch):
        await upload(desk.member, case_id, path, released=described)


async def test_a_file_that_changes_meanwhile_is_not_sent_on(desk: Desk, tmp_path: Path) -> None:
    path, case_id = made(tmp_path, 8 * MIB), ask(desk.hub, "lender")

    def changes(done: int, _total: int) -> None:
        if done <= PART_BYTES:
            with path.open("r+b") as file:
                file.write(b"changed")

    with pytest.raises(InvalidUse, match="changes while"):
        await upload(desk.member, case_id, path, progress=changes)


@pytest.mark.parametrize("name", ["missing", "x" * 129])
async def test_what_cannot_be_attached_is_said_at_once(desk: Desk, tmp_path: Path, name: str) -> None:
    if name != "missing":
        made(tmp_path, 1, name)
    with pytest.raises(InvalidUse):
        await prepared(desk.member, ask(desk.hub, "lender"), tmp_path / name)


# -- cuts ----------------------------------------------------------------------------------------------------------


@pytest_asyncio.fixture(loop_scope="module")
async def proxy(desk: Desk) -> AsyncIterator[Proxy]:
    made = Proxy(desk.hub.address)
    await made.start()
    yield made
    await made.stop()


async def _lies(desk: Desk, case_id: bytes, released: ReleasedFile, count: int) -> None:
    """Wait until the hub has so many bytes of an attachment."""
    path = sealed_file(desk.hub, case_id, "lender", released.attachment_id)
    await until(lambda: path.exists() and path.stat().st_size >= count)


async def test_an_upload_goes_on_where_the_hub_has_it_after_each_cut(desk: Desk, tmp_path: Path, proxy: Proxy) -> None:
    path, told, case_id = made(tmp_path, 7 * MIB), Told(), ask(desk.hub, "lender")
    described = await prepared(desk.member, case_id, path)
    proxy.bytes_a_second = SLOW
    async with session_of(desk.hub, "lender", address=proxy.address) as member:
        task = asyncio.create_task(upload(member, case_id, path, progress=told))
        for count in (2 * MIB, 4 * MIB):
            await _lies(desk, case_id, described, count)
            proxy.reset()
        assert await task == described
    starts = told.starts()
    assert len(starts) == 3
    assert starts[1] > 2 * MIB
    assert starts[2] > 4 * MIB
    hand_over(desk.hub, case_id)
    assert await desk.fetched(case_id, described, tmp_path / "x") == path.read_bytes()


async def test_a_download_goes_on_behind_what_was_opened_after_each_cut(
    desk: Desk, tmp_path: Path, proxy: Proxy
) -> None:
    path, told = made(tmp_path, 7 * MIB), Told()
    case_id, released = await desk.uploaded(path)
    cuts = [2 * MIB, 5 * MIB]

    def cut(done: int, total: int) -> None:
        if cuts and done > cuts[0]:
            del cuts[0]
            proxy.reset()
        told(done, total)

    async with liaison_of(desk.hub, address=proxy.address) as liaison:
        await download(liaison, case_id, "lender", released, tmp_path / "x", progress=cut)
    assert not cuts
    assert all(start > PART_BYTES for start in told.starts()[1:])
    assert (tmp_path / "x").read_bytes() == path.read_bytes()


async def test_a_run_that_ended_is_gone_on_with_by_the_next(desk: Desk, tmp_path: Path, proxy: Proxy) -> None:
    path, case_id, told = made(tmp_path, 7 * MIB), ask(desk.hub, "lender"), Told()
    released = await _begun(desk, proxy, case_id, path)
    assert await upload(desk.member, case_id, path, progress=told) == released
    assert told.steps[0][0] > 2 * MIB
    hand_over(desk.hub, case_id)
    target, told, begun = tmp_path / "x", Told(), asyncio.Event()

    def some(done: int, _total: int) -> None:
        if done > 2 * MIB:
            begun.set()

    await _cancelled(download(desk.liaison, case_id, "lender", released, target, progress=some), begun.wait())
    assert not target.exists()
    assert await desk.fetched(case_id, released, target, progress=told) == path.read_bytes()
    assert told.steps[0][0] > 2 * MIB
    assert in_folder(tmp_path) == sorted(["x", path.name])


async def _begun(desk: Desk, proxy: Proxy, case_id: bytes, path: Path) -> ReleasedFile:
    """Upload some of a file, and end."""
    proxy.bytes_a_second = SLOW
    described = await prepared(desk.member, case_id, path)
    async with session_of(desk.hub, "lender", address=proxy.address) as member:
        await _cancelled(upload(member, case_id, path), _lies(desk, case_id, described, 2 * MIB))
    return described


async def _cancelled(move: Coroutine[Any, Any, Any], moment: Coroutine[Any, Any, Any]) -> None:
    """Cancel a move at a moment before its end."""
    task = asyncio.create_task(move)
    await moment
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_two_uploads_of_one_file_at_once_both_end_well(desk: Desk, tmp_path: Path) -> None:
    path, case_id = made(tmp_path, 3 * MIB), ask(desk.hub, "lender")
    async with session_of(desk.hub, "lender") as other:
        both = await asyncio.gather(upload(desk.member, case_id, path), upload(other, case_id, path))
    assert both[0] == both[1]
    hand_over(desk.hub, case_id)
    assert await desk.fetched(case_id, both[0], tmp_path / "x") == path.read_bytes()


# -- bent ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [0, 40, 65_568, -1], ids=["nonce", "first chunk", "second chunk", "padding"])
async def test_a_flipped_bit_on_the_hubs_disk_leaves_nothing(desk: Desk, tmp_path: Path, place: int) -> None:
    path = made(tmp_path, 150_000)
    case_id, released = await desk.uploaded(path)
    lies = sealed_file(desk.hub, case_id, "lender", released.attachment_id)
    bent = bytearray(lies.read_bytes())
    bent[place] ^= 1
    lies.write_bytes(bent)
    with pytest.raises(AttachmentTampered):
        await desk.fetched(case_id, released, tmp_path / "x")
    assert in_folder(tmp_path) == [path.name]
    bent[place] ^= 1
    lies.write_bytes(bent)
    assert await desk.fetched(case_id, released, tmp_path / "x") == path.read_bytes()


async def test_rubbish_is_its_members_where_it_signed_just_that_also_after_a_cut(
    desk: Desk, tmp_path: Path, proxy: Proxy
) -> None:
    case_id, told, cuts = ask(desk.hub, "lender"), Told(), [MIB]
    honest = await prepared(desk.member, case_id, made(tmp_path, 3 * MIB))
    sealed = os.urandom(honest.sealed_size)
    await attach(desk.member, case_id, honest.attachment_id, sealed)
    hand_over(desk.hub, case_id)

    def cut(done: int, total: int) -> None:
        if cuts and done > cuts[0]:
            del cuts[0]
            proxy.reset()
        told(done, total)

    async with liaison_of(desk.hub, address=proxy.address) as liaison:
        signed = copied(honest, sealed_sha256=sha256(sealed).digest())
        assert await is_rubbish(liaison, case_id, "lender", signed, progress=cut)
        assert not await is_rubbish(liaison, case_id, "lender", honest)
    assert not cuts
    assert all(start > PART_BYTES for start in told.starts()[1:])


async def test_more_than_was_signed_is_refused(desk: Desk, tmp_path: Path) -> None:
    path = made(tmp_path, 10)
    case_id, released = await desk.uploaded(path)
    lies = sealed_file(desk.hub, case_id, "lender", released.attachment_id)
    with lies.open("ab") as file:
        file.write(b"\x00")
    with pytest.raises(AttachmentTampered):
        await desk.fetched(case_id, released, tmp_path / "x")


async def test_another_file_of_the_same_member_is_not_taken_for_it(desk: Desk, tmp_path: Path) -> None:
    path, other = made(tmp_path, 10), made(tmp_path, 10, "other")
    case_id = ask(desk.hub, "lender")
    one, two = await upload(desk.member, case_id, path), await upload(desk.member, case_id, other)
    hand_over(desk.hub, case_id)
    for bent in (
        copied(one, attachment_id=two.attachment_id),
        copied(one, sha256=two.sha256),
        copied(one, key=two.key),
        copied(one, size=9),
        copied(one, size=11),
    ):
        with pytest.raises(AttachmentTampered):
            await desk.fetched(case_id, bent, tmp_path / "x")
    assert in_folder(tmp_path) == sorted([path.name, "other"])


@pytest.mark.parametrize(
    "changes", [{"size": 1 << 40}, {"size": 65_537}, {"key": b"short"}, {"attachment_id": b""}, {"sha256": b""}]
)
async def test_what_describes_no_file_is_not_asked_for(desk: Desk, tmp_path: Path, changes: dict[str, Any]) -> None:
    released = ReleasedFile(
        attachment_id=bytes(16), size=10, sha256=bytes(32), key=bytes(16), sealed_size=attachment.sealed_size(10)
    )
    with pytest.raises(AttachmentTampered):
        await download(desk.liaison, bytes(16), "lender", copied(released, **changes), tmp_path / "x")


async def test_what_an_earlier_run_left_is_not_believed(desk: Desk, tmp_path: Path) -> None:
    path = made(tmp_path, 200_000)
    case_id, released = await desk.uploaded(path)
    part = tmp_path / f"x.{released.attachment_id.hex()}.part"
    part.write_bytes(bytes(100_000))
    assert await desk.fetched(case_id, released, tmp_path / "x") == path.read_bytes()
    assert in_folder(tmp_path) == sorted([path.name, "x"])


async def test_nothing_is_overwritten(desk: Desk, tmp_path: Path) -> None:
    path = made(tmp_path, 200_000)
    case_id, released = await desk.uploaded(path)
    target = tmp_path / "x"
    target.write_bytes(b"another file")
    with pytest.raises(InvalidUse, match="exists"):
        await desk.fetched(case_id, released, target)
    assert target.read_bytes() == b"another file"
    target.write_bytes(path.read_bytes())
    assert await desk.fetched(case_id, released, target) == path.read_bytes()


async def test_what_lay_wrong_at_the_hub_is_sent_once_more_from_the_start(
    desk: Desk, tmp_path: Path, proxy: Proxy
) -> None:
    path, case_id = made(tmp_path, 7 * MIB), ask(desk.hub, "lender")
    described = await _begun(desk, proxy, case_id, path)
    with sealed_file(desk.hub, case_id, "lender", described.attachment_id).open("r+b") as file:
        file.write(b"bent")
    released = await upload(desk.member, case_id, path)
    hand_over(desk.hub, case_id)
    assert await desk.fetched(case_id, released, tmp_path / "x") == path.read_bytes()


async def test_a_hub_that_ends_a_download_early_again_and_again_is_not_waited_for(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = made(tmp_path, 10)
    case_id, released = await desk.uploaded(path)
    monkeypatch.setattr("member_client._cases.moving.TOTAL_SECONDS", 0.2)

    def emptied(reply: Any) -> None:
        reply.part = b""

    desk.tamper.change, desk.tamper.active = emptied, True
    try:
        with pytest.raises(HubUnavailable, match="cut off"):
            await desk.fetched(case_id, released, tmp_path / "x")
    finally:
        desk.tamper.active = False


# -- who and when --------------------------------------------------------------------------------------------------


async def test_a_file_is_uploaded_within_the_window_alone(desk: Desk, tmp_path: Path) -> None:
    path, now = made(tmp_path, 10), desk.hub.clock.now_ms()
    windows: list[dict[str, Any]] = [{"reply_from": now + 3_600_000}, {"reply_by": now}]
    for window in windows:
        with pytest.raises(ReplyWindowClosed):
            await upload(desk.member, ask(desk.hub, "lender", **window), path)


async def test_who_is_not_asked_finds_no_case(desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        await upload(desk.member, ask(desk.hub, "another-lender"), made(tmp_path, 10))


async def test_a_file_is_downloaded_once_replies_are_handed_over(desk: Desk, tmp_path: Path) -> None:
    path, case_id = made(tmp_path, 10), ask(desk.hub, "lender")
    released = await upload(desk.member, case_id, path)
    with pytest.raises(CaseStateConflict):
        await desk.fetched(case_id, released, tmp_path / "x")
    hand_over(desk.hub, case_id)
    assert await desk.fetched(case_id, released, tmp_path / "x") == path.read_bytes()


async def test_another_liaisons_case_has_no_files(desk: Desk, tmp_path: Path) -> None:
    case_id = ask(desk.hub, "lender", liaison="another")
    released = await upload(desk.member, case_id, made(tmp_path, 10))
    hand_over(desk.hub, case_id)
    with pytest.raises(NotFound):
        await desk.fetched(case_id, released, tmp_path / "x")
