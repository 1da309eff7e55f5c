"""A lender's own book: told of each claim that touches it once, and of what becomes of it; the hub learns volumes."""

import asyncio
import json
import signal
import sys
from collections.abc import Callable, Iterable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from support.hub import RunningHub, running_hub
from support.kills import until
from support.lender_process import member_client
from support.proxy import through_proxy
from support.sdk import BASIS, PHONES, Tamper, command, contribute, flipped, lender, row

from alliance.taxonomy import Action, Category, ClaimStatus, SubjectRole
from member_client import (
    AllianceClient,
    BookDamaged,
    ConsentMissing,
    InvalidUse,
    Subject,
    WatchEvent,
    WatchKind,
    _bucket_fetch,
)
from member_client._book import keeping
from member_client._book.shelves import BookShelves
from member_client._credentials import ProfileKeys

NewFolder = Callable[[], Path]
SECONDS = 60
MINE = PHONES[:6]
OTHERS = PHONES[600:605]


def customers(texts: Iterable[str] = MINE) -> list[Subject]:
    return [Subject(f"C-{text[-3:]}", phone=text) for text in texts]


def ref(text: str) -> str:
    return f"C-{text[-3:]}"


async def told(client: AllianceClient, after: int = 0) -> list[WatchEvent]:
    """Look once, and give what is not acknowledged."""
    return [event async for event in client.watch(after, follow=False)]


async def change(hub: RunningHub, entry_id: bytes, status: ClaimStatus, version: int) -> None:
    now = hub.clock.now_ms()
    await hub.hub.store.write(lambda it: it.claims.change_status(entry_id, status, version, b"", now=now))


async def test_a_new_claim_is_told_once_and_goes_on_being_told_until_it_is_acknowledged(
    new_hub_folder: NewFolder,
) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a, lender(hub, "b") as b:
        await hub.settle()
        report = await b.watch_add(customers(), consent=BASIS)
        assert (report.subjects, report.added, report.known, report.refused) == (6, 6, 0, ())
        assert await told(b) == []
        (claim,) = await contribute(a, [row(MINE[2]), row(OTHERS[0])][:1])
        await hub.settle()
        (event,) = await told(b)
        assert (event.number, event.kind, event.ref, event.field) == (1, WatchKind.MATCH_NEW, ref(MINE[2]), "phone")
        assert (event.entry_id, event.contributor, event.category) == (claim.entry_id, "a", Category.MULE_ACCOUNT)
        assert (event.status, event.action) == (ClaimStatus.ACTIVE, Action.INFORM)
        assert await told(b) == [event]
        assert await told(b, after=1) == []
        await b.close()
        assert await told(b) == [event]
        await b.watch_acknowledge(1)
        assert await told(b) == []
        status = await b.watch_status()
        assert (status.newest, status.acknowledged, status.unacknowledged, status.matches) == (1, 1, 0, 1)
        with pytest.raises(InvalidUse):
            await b.watch_acknowledge(2)


async def test_what_is_listed_already_is_told_when_it_is_added_and_own_claims_are_not(
    new_hub_folder: NewFolder,
) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a, lender(hub, "b") as b:
        await contribute(a, [row(MINE[0])])
        await contribute(b, [row(MINE[1])])
        await hub.settle()
        await b.watch_add(customers(), consent=BASIS)
        assert [(event.kind, event.ref) for event in await told(b)] == [(WatchKind.MATCH_NEW, ref(MINE[0]))]


async def test_adding_again_costs_nothing_and_what_is_taken_out_is_watched_no_more(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a, lender(hub, "b") as b:
        await hub.settle()
        subjects = [*customers(), Subject("C-two", phone=MINE[0], email="someone@example.org")]
        subjects.append(Subject("C-bad", phone="12"))
        report = await b.watch_add(subjects, consent=BASIS)
        assert (report.subjects, report.added) == (8, 8)
        assert [(it.place, it.ref, it.field) for it in report.refused] == [(7, "C-bad", "phone")]
        used = b.usage.evaluations
        again = await b.watch_add(subjects, consent=BASIS)
        assert (again.added, again.known, b.usage.evaluations) == (0, 8, used)
        assert await b.watch_fields() == {"phone": 7, "email": 1}
        await b.watch_add(customers(PHONES[10:12]), consent=BASIS)
        assert await b.watch_remove([ref(MINE[0]), "nobody"]) == 1
        await contribute(a, [row(MINE[0]), row(PHONES[11])])
        await hub.settle()
        assert {event.ref for event in await told(b)} == {"C-two", ref(PHONES[11])}
        assert (await b.watch_status()).identifiers == 9
        with pytest.raises(ConsentMissing):
            await b.watch_add(subjects, consent=None)  # type: ignore[arg-type]


async def test_what_becomes_of_a_claim_is_told_for_what_it_is(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a, lender(hub, "b") as b:
        first, second, third = [it.entry_id for it in await contribute(a, [row(text) for text in MINE[:3]])]
        await hub.settle()
        await b.watch_add(customers(), consent=BASIS)
        await b.watch_acknowledge((await told(b))[-1].number)
        await a.withdraw(first, reason="settled")
        await a.recall(second, reason="wrong_person")
        await change(hub, third, ClaimStatus.DISPUTED, 1)
        events = {event.entry_id: event for event in await told(b)}
        assert len(events) == 3
        withdrawn, recalled, disputed = events[first], events[second], events[third]
        assert (withdrawn.kind, withdrawn.status, withdrawn.reason) == (
            WatchKind.MATCH_CLEARED,
            ClaimStatus.WITHDRAWN,
            "settled",
        )
        assert (recalled.kind, recalled.status, recalled.reason) == (
            WatchKind.RECALL,
            ClaimStatus.RECALLED,
            "wrong_person",
        )
        assert (withdrawn.action, recalled.action) == (Action.NONE, Action.NONE)
        assert (disputed.kind, disputed.status) == (WatchKind.DISPUTE, ClaimStatus.DISPUTED)
        await b.watch_acknowledge((await b.watch_status()).newest)
        await change(hub, third, ClaimStatus.ACTIVE, 2)
        (back,) = await told(b)
        assert (back.kind, back.status, back.action) == (WatchKind.MATCH_CHANGED, ClaimStatus.ACTIVE, Action.INFORM)


async def test_a_claim_that_is_over_is_cleared_by_the_clock(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a, lender(hub, "b") as b:
        ends = hub.clock.now_ms() + 3_600_000
        await contribute(a, [row(MINE[0], expires_at=ends)])
        await hub.settle()
        await b.watch_add(customers(), consent=BASIS)
        (event,) = await told(b)
        assert event.expires_at == ends
        hub.clock.advance(seconds=3600)
        await hub.settle()
        over = (await told(b, after=1))[0]
        assert (over.kind, over.status, over.action) == (WatchKind.MATCH_CLEARED, ClaimStatus.EXPIRED, Action.NONE)


async def test_a_second_claim_on_the_same_identifier_is_told_by_a_rescreening(new_hub_folder: NewFolder) -> None:
    async with (
        running_hub(new_hub_folder()) as hub,
        lender(hub, "a") as a,
        lender(hub, "c") as c,
        lender(hub, "b") as b,
    ):
        await contribute(a, [row(MINE[0])])
        await hub.settle()
        await b.watch_add(customers(), consent=BASIS)
        assert len(await told(b)) == 1
        worse = row(MINE[0], role=SubjectRole.PROTECTED, evidence_digest=bytes(32))
        await contribute(c, [worse])
        await hub.settle()
        before = await b.watch_status()
        report = await b.watch_rescreen()
        (event,) = await told(b, after=1)
        assert (report.events, event.kind, event.contributor, event.action) == (
            1,
            WatchKind.MATCH_NEW,
            "c",
            Action.STEP_UP,
        )
        after = await b.watch_status()
        assert (after.rescreenings, after.evaluations) == (before.rescreenings + 1, before.evaluations)
        assert after.prefixes > before.prefixes


async def test_who_listens_is_told_as_it_happens_and_no_event_is_lost_with_the_process(
    new_hub_folder: NewFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "LOOK_SECONDS", 0.2)
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a, lender(hub, "b") as b:
        await hub.settle()
        await b.watch_add(customers(), consent=BASIS)
        async with asyncio.timeout(SECONDS), aclosing(b.watch()) as events:  # type: ignore[type-var]
            (claim,) = await contribute(a, [row(MINE[1])])
            assert (await anext(events)).entry_id == claim.entry_id
            await a.recall(claim.entry_id, reason="wrong_person")
            recalled = await anext(events)
            assert (recalled.kind, recalled.entry_id) == (WatchKind.RECALL, claim.entry_id)
        await b.close()
        assert [event.number for event in await told(b)] == [1, 2]


async def test_a_book_that_is_damaged_is_not_taken_for_an_empty_one(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "b") as b:
        await hub.settle()
        await b.watch_add(customers(), consent=BASIS)
        await b.close()
        (path,) = b.profile.state_folder.glob("book.sqlite3")
        path.write_bytes(b"no store" * 512)
        with pytest.raises(BookDamaged):
            await b.watch_status()
        path.unlink()
        assert (await b.watch_status()).identifiers == 0


async def test_the_commands_add_look_tell_and_take_out_and_nothing_of_it_is_on_disk_in_clear(
    new_hub_folder: NewFolder, tmp_path: Path
) -> None:
    path, events = tmp_path / "customers.csv", tmp_path / "events.jsonl"
    lines = "".join(f"KUNDE-{text[-3:]},{text}\n" for text in MINE)
    path.write_text(f"customer_no,mobile\n{lines}", encoding="utf-8")
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a, lender(hub, "b") as b:
        (claim,) = await contribute(a, [row(MINE[0])])
        await hub.settle()
        add = ("watch", "add", str(path), "--map", "phone=mobile", "--ref", "customer_no", "--consent", "basis")
        assert "added 6 · in the book already 0" in await command(hub, "b", *add)
        assert "added 0 · in the book already 6" in await command(hub, "b", *add)
        assert "1 events handed over" in await command(hub, "b", "watch", "run", "--once", "--to", f"jsonl:{events}")
        told_there = json.loads(events.read_text())
        assert (told_there["ref"], told_there["entry"]) == (f"KUNDE-{MINE[0][-3:]}", claim.entry_id.hex())
        await a.recall(claim.entry_id, reason="wrong_person")
        said = await command(hub, "b", "watch", "run", "--once")
        assert f"recall KUNDE-{MINE[0][-3:]} phone" in said
        status = json.loads(await command(hub, "b", "--json", "watch", "status"))
        assert (status["identifiers"], status["evaluations"], status["unacknowledged"]) == (6, 6, 0)
        assert "1 identifiers taken out" in await command(hub, "b", "watch", "remove", "--ref", f"KUNDE-{MINE[0][-3:]}")
        assert (await command(hub, "b", "watch", "list")).split() == ["phone", "5"]
        for folder in (b.profile.state_folder, hub.folder):
            for file in (it for it in folder.rglob("*") if it.is_file()):
                content = file.read_bytes()
                assert b"KUNDE" not in content, file.name
                assert not any(text.encode() in content or text[1:].encode() in content for text in MINE), file.name


async def test_two_processes_that_look_at_once_tell_an_event_once(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a, lender(hub, "b") as b:
        await hub.settle()
        await b.watch_add(customers(), consent=BASIS)
        await told(b)
        await contribute(a, [row(text) for text in MINE])
        await hub.settle()
        async with AllianceClient(b.profile, clock=hub.clock) as other:
            looks = await asyncio.gather(told(b), told(other), other.watch_add(customers(OTHERS), consent=BASIS))
            assert {event.ref for events in looks[:2] for event in events} == {ref(text) for text in MINE}
            assert [event.number for event in await told(other)] == [1, 2, 3, 4, 5, 6]
            assert (await told(b)) == (await told(other))
            await a.withdraw((await told(b))[0].entry_id, reason="settled")
            assert [event.kind for event in (await told(other))[6:]] == [WatchKind.MATCH_CLEARED]
            assert len(await told(b)) == 7


async def test_a_bucket_that_is_overfull_hides_its_own_hits_alone_and_says_so(
    new_hub_folder: NewFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a, lender(hub, "b") as b:
        await contribute(a, [row(MINE[0])])
        await hub.settle()
        with monkeypatch.context() as patched:
            patched.setattr(_bucket_fetch, "MAX_BUCKET_ENTRIES", 0)
            await b.watch_add(customers(), consent=BASIS)
            assert await told(b) == []
        assert (await b.watch_status()).unsettled == 1
        assert await told(b) == []
        await b.watch_rescreen()
        assert [event.ref for event in await told(b)] == [ref(MINE[0])]
        assert (await b.watch_status()).unsettled == 0


async def test_who_listens_goes_on_where_it_was_when_the_network_is_back(
    new_hub_folder: NewFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "LOOK_SECONDS", 0.1)
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a:
        async with lender(hub, "b") as b:
            pass
        async with through_proxy(b.profile.folder, clock=hub.clock) as (b, proxy):
            await hub.settle()
            await b.watch_add(customers(), consent=BASIS)
            async with asyncio.timeout(SECONDS), aclosing(b.watch()) as events:  # type: ignore[type-var]
                first = asyncio.ensure_future(anext(events))
                await proxy.refuse(0.5)
                claims = await contribute(a, [row(text) for text in MINE[:2]])
                await hub.settle()
                assert (await first).number == 1
                assert (await anext(events)).number == 2
                proxy.reset()
                await a.recall(claims[0].entry_id, reason="wrong_person")
                assert (await anext(events)).kind is WatchKind.RECALL


async def test_a_claim_that_the_hub_drops_without_a_word_is_cleared_once_the_filter_rules_it_out(
    new_hub_folder: NewFolder,
) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a, lender(hub, "b") as b:
        kept, lost = [it.entry_id for it in await contribute(a, [row(text) for text in MINE[:2]])]
        await hub.settle()
        await b.watch_add(customers(), consent=BASIS)
        assert len(await told(b)) == 2

        await hub.hub.store.write(lambda it: it.claims.purge([lost]))
        # Its bits stay until the next snapshot, and its bucket is no hit that is looked at anew.
        assert await told(b, after=2) == []
        await hub.hub.maintenance.rebuild(1)
        (gone,) = await told(b, after=2)
        assert (gone.kind, gone.entry_id, gone.reason) == (WatchKind.MATCH_CLEARED, lost, "")
        assert kept != lost


async def test_tags_of_another_key_under_the_same_number_are_derived_anew(new_hub_folder: NewFolder) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a, lender(hub, "b") as b:
        await hub.settle()
        await b.watch_add(customers(), consent=BASIS)
        used = (await b.watch_status()).evaluations
        await b.close()
        shelves = BookShelves(b.profile.state_folder, ProfileKeys(b.profile, hub.clock).store_key)
        # As if the tags were of a key that this member has decided not to trust any more.
        assert shelves.hold_epoch(1, bytes(32))
        shelves.close()
        await contribute(a, [row(MINE[0])])
        await hub.settle()
        assert [event.ref for event in await told(b)] == [ref(MINE[0])]
        assert (await b.watch_status()).evaluations == used + len(MINE)


KILLED = """
import asyncio, os, pathlib, signal, sys
from member_client import AllianceClient, Profile

async def main():
    async with AllianceClient(Profile.load(pathlib.Path(sys.argv[1]))) as client:
        async for event in client.watch(follow=False):
            print(event.number, event.event_id, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


async def test_a_process_that_is_killed_before_it_acknowledged_is_told_again_under_the_same_number(
    new_hub_folder: NewFolder,
) -> None:
    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a, lender(hub, "b") as b:
        await hub.settle()
        await b.watch_add(customers(), consent=BASIS)
        await b.close()
        await contribute(a, [row(MINE[0])])
        await hub.settle()
        said = []
        for _ in range(2):
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", KILLED, str(b.profile.folder), stdout=asyncio.subprocess.PIPE
            )
            async with asyncio.timeout(SECONDS):
                output, _ = await process.communicate()
            assert process.returncode == -signal.SIGKILL
            said.append(output.decode().split())
        assert said[0] == said[1]
        (event,) = await told(b)
        assert said[0] == [str(event.number), event.event_id]


async def test_the_command_goes_on_until_it_is_ended_and_hears_of_a_recall_as_it_happens(
    new_hub_folder: NewFolder, tmp_path: Path
) -> None:
    path = tmp_path / "events.jsonl"

    def kinds() -> list[str]:
        return [json.loads(line)["kind"] for line in path.read_text().splitlines()] if path.exists() else []

    async with running_hub(new_hub_folder()) as hub, lender(hub, "a") as a, lender(hub, "b") as b:
        (claim,) = await contribute(a, [row(MINE[0])])
        await hub.settle()
        await b.watch_add(customers(), consent=BASIS)
        told_to = ["--profile", str(b.profile.folder), "watch", "run", "--to", f"jsonl:{path}"]
        process = await member_client(told_to, tmp_path)
        async with asyncio.timeout(SECONDS):
            await until(lambda: kinds() == ["match.new"])
            await a.recall(claim.entry_id, reason="wrong_person")
            # Long before the next turn of the filter: the feed tells of a claim that the book knows.
            await until(lambda: kinds() == ["match.new", "recall"])
            await until(lambda: acknowledged(b))
            process.send_signal(signal.SIGTERM)
            assert await process.wait() == 130


async def acknowledged(client: AllianceClient) -> bool:
    return (await client.watch_status()).unacknowledged == 0


async def test_a_box_that_the_hub_spoils_clears_nobody(new_hub_folder: NewFolder) -> None:
    def spoil(reply: Any) -> None:
        for entry in reply.entries:
            entry.box = flipped(entry.box, 100)

    tamper = Tamper("GetBuckets", spoil)
    async with (
        running_hub(new_hub_folder(), interceptors=[tamper]) as hub,
        lender(hub, "a") as a,
        lender(hub, "b") as b,
    ):
        await contribute(a, [row(MINE[0])])
        await hub.settle()
        await b.watch_add(customers(), consent=BASIS)
        assert len(await told(b)) == 1
        tamper.active = True
        assert (await b.watch_rescreen()).events == 0
        assert (await b.watch_status()).matches == 1
        tamper.active = False
        assert (await b.watch_rescreen()).events == 0
