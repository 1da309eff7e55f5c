"""A member that is killed while it answers a case: nothing is lost, nothing is sent twice, and nothing stays behind."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from support.asked import Asked, asked
from support.lender_process import member_client
from support.sdk import Silence, lender

from alliance.cases.words import REPLY_AFTER_MS, REPLY_WITHIN_MS
from member_client import NotFound, ReplyOutcome, ReplyState
from member_client._store import Shelf

NewFolder = Callable[[], Path]
SECOND_PASSPHRASE = "an operator's own"


async def sent_replies(one: Asked) -> int:
    return (await one.station.got(one.case)).case.replied


@pytest.mark.parametrize("method", ["ListInquiries", "ListOperators", "SendCaseReply"])
async def test_a_killed_approval_or_sending_is_taken_up(
    new_hub_folder: NewFolder, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALLIANCE_OPERATOR_PASSPHRASE", SECOND_PASSPHRASE)
    silence = Silence(method)
    async with asked(new_hub_folder(), interceptors=[silence]) as one:
        await one.drafted()
        await one.client.close()
        one.open_window()
        folder = one.client.profile.folder
        case, second = one.case.id.hex(), one.operators[1].name
        approve = [
            "--profile",
            str(folder),
            "--json",
            "case",
            "release",
            case,
            "--operator",
            second,
            "--approve",
            "--yes",
        ]
        silence.active = True
        killed = await member_client(approve, folder.parent)
        await silence.reached.wait()
        killed.kill()
        await killed.communicate()
        silence.active = False
        if method != "SendCaseReply":
            assert await sent_replies(one) == 0
            again = await member_client(approve, folder.parent)
            said, complaint = await again.communicate()
            assert again.returncode == 0, complaint
            assert json.loads(said)["replies"][0]["outcome"] == "sent"
        for outcomes in (["sent"], []) if method == "SendCaseReply" else ([],):
            again = await member_client(["--profile", str(folder), "--json", "case", "send"], folder.parent)
            said, complaint = await again.communicate()
            assert again.returncode == 0, complaint
            assert [it["outcome"] for it in json.loads(said)["replies"]] == outcomes
        assert await sent_replies(one) == 1
        await one.contents()
        session = await one.client._session()
        assert not list(session.store.rows(Shelf.INQUIRIES))


async def test_who_was_cut_off_learns_after_the_window_that_the_hub_has_it(new_hub_folder: NewFolder) -> None:
    silence = Silence("SendCaseReply")
    async with asked(new_hub_folder(), interceptors=[silence]) as one:
        await one.ready()
        one.pass_by(REPLY_AFTER_MS)
        silence.active = True
        sending = asyncio.create_task(one.client.inquiries.send())
        await silence.reached.wait()
        sending.cancel()
        with suppress(asyncio.CancelledError):
            await sending
        await one.client.close()
        silence.active = False
        one.pass_by(REPLY_WITHIN_MS)
        async with lender(one.station.hub, "bank-a") as client:
            assert [it.outcome for it in await client.inquiries.send()] == [ReplyOutcome.SENT]
            assert (await client.inquiries.one(one.case.id)).reply is ReplyState.SENT
            with pytest.raises(NotFound):
                await client.inquiries.drafted(one.case.id)


async def test_a_disk_image_of_the_profile_shows_no_value(new_hub_folder: NewFolder) -> None:
    async with asked(new_hub_folder()) as one:
        await one.drafted(one.released(what_happened="the money went to a carwash in Ningbo"))
        folder = one.client.profile.state_folder
        assert not [it for it in folder.iterdir() if it.is_file() and b"carwash" in it.read_bytes()]
