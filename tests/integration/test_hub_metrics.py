"""What a hub shows to whoever scrapes it: that things were counted, and that nothing of anybody is in it."""

import asyncio
import re
import urllib.request
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import grpc
import pytest
import pytest_asyncio
import sqlalchemy as sa
from conftest import Members
from google.protobuf import descriptor_pool
from prometheus_client.parser import text_string_to_metric_families
from support.hub import RunningHub, running_hub
from support.wire import members_channel, refuses, valid_elements

from alliance.errors import Reason
from alliance.taxonomy import DAY_MS, Purpose
from alliance.v1 import bucket_pb2, epoch_pb2, filter_pb2, registry_pb2
from alliance.v1.epoch_pb2_grpc import EpochServiceStub
from alliance_server.domain.policy import POLICY

pytestmark = pytest.mark.asyncio(loop_scope="module")

Sample = dict[tuple[tuple[str, str], ...], float]
SCRAPED = {"metrics_listen": "127.0.0.1:0"}


def scrape(hub: RunningHub) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{hub.hub.metrics_port}/metrics", timeout=30) as reply:
        text: str = reply.read().decode()
    return text


def samples(hub: RunningHub) -> dict[str, Sample]:
    found: dict[str, Sample] = {}
    for family in text_string_to_metric_families(scrape(hub)):
        for it in family.samples:
            found.setdefault(it.name, {})[tuple(sorted(it.labels.items()))] = it.value
    return found


def value(hub: RunningHub, name: str, **labels: str) -> float:
    return samples(hub)[f"alliance_hub_{name}"].get(tuple(sorted(labels.items())), 0.0)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(new_hub_folder: Callable[[], Path]) -> AsyncIterator[RunningHub]:
    async with running_hub(new_hub_folder(), config=SCRAPED) as running:
        yield running


async def test_calls_are_counted_by_method_and_outcome(hub: RunningHub, members: Members) -> None:
    def counted(method: str, outcome: str) -> float:
        return value(hub, "calls_total", method=method, outcome=outcome)

    member = await members(hub)
    before = counted("EpochService/ListEpochs", "ok"), counted("BucketService/GetBuckets", "refused")
    refused = value(hub, "refusals_total", reason="INVALID_BATCH")
    for _ in range(3):
        await member.epochs.ListEpochs(epoch_pb2.ListEpochsRequest())
    with refuses(Reason.INVALID_BATCH):
        await member.buckets.GetBuckets(bucket_pb2.GetBucketsRequest(epoch=1, prefix_bits=9)).read()
    assert counted("EpochService/ListEpochs", "ok") == before[0] + 3
    assert counted("BucketService/GetBuckets", "refused") == before[1] + 1
    assert value(hub, "refusals_total", reason="INVALID_BATCH") == refused + 1
    assert value(hub, "call_seconds_count", method="EpochService/ListEpochs") == before[0] + 3


async def test_evaluated_items_are_counted_by_purpose(hub: RunningHub, members: Members) -> None:
    member = await members(hub)
    before = value(hub, "evaluated_items_total", purpose="transaction")
    await member.evaluate(valid_elements(5), Purpose.TRANSACTION)
    await member.evaluate(valid_elements(40), Purpose.TRANSACTION)
    assert value(hub, "evaluated_items_total", purpose="transaction") == before + 45
    with refuses(Reason.INVALID_ELEMENT):
        await member.evaluate(bytes(32), Purpose.TRANSACTION)
    assert value(hub, "evaluated_items_total", purpose="transaction") == before + 45


async def test_commits_are_counted_with_their_units(hub: RunningHub, members: Members) -> None:
    def counted() -> tuple[float, float]:
        return value(hub, "commit_units_sum"), value(hub, "commit_seconds_count")

    member, before = await members(hub), counted()
    await member.epochs.ListEpochs(epoch_pb2.ListEpochsRequest())
    after = counted()
    assert after[0] > before[0]
    assert after[1] > before[1]
    assert value(hub, "commit_units_count") >= after[1]


async def test_refusals_before_authentication_are_counted(hub: RunningHub, members: Members) -> None:
    member, before = await members(hub), value(hub, "unauthenticated_refusals_total")
    await hub.hub.enrolment.revoke(member.id)
    async with members_channel(hub, member.identity) as channel:
        with refuses(Reason.NOT_AUTHENTICATED):
            await EpochServiceStub(channel).ListEpochs(epoch_pb2.ListEpochsRequest())
    assert value(hub, "unauthenticated_refusals_total") == before + 1


async def test_a_stream_that_is_open_is_seen_until_it_ends(own_scraped: RunningHub, own_members: Members) -> None:
    def streams() -> float:
        return value(own_scraped, "calls_under_way", method="RegistryService/Contribute", shape="stream")

    member = await own_members(own_scraped)
    await member.credit(1)
    stream = member.registry.Contribute()
    await stream.write(registry_pb2.ContributeRequest(request_id=bytes(16), rows=[member.row()]))
    await stream.read()
    assert streams() == 1
    await stream.done_writing()
    assert await stream.code() is grpc.StatusCode.OK
    assert streams() == 0


async def test_filters_epochs_and_certificates_are_watched(new_hub_folder: Callable[[], Path]) -> None:
    async with running_hub(new_hub_folder(), config=SCRAPED) as hub:
        await hub.stop_maintenance()
        epoch = hub.hub.store.read_now(lambda transaction: transaction.epochs.get(1))
        assert epoch is not None
        hub.clock.advance(seconds=90)
        left = (epoch.not_after - hub.clock.now_ms()) / DAY_MS
        assert value(hub, "epoch_days_left", epoch="1") == pytest.approx(left)
        assert value(hub, "filter_age_seconds", epoch="1") >= 90
        assert value(hub, "filter_rows_behind", epoch="1") == 0
        await hub.stop_sealing()
        await hub.hub.sealer.turn()
        assert value(hub, "log_waiting_seconds") == 0
        await hub.invite("nobody")
        hub.clock.advance(seconds=70)
        assert value(hub, "log_waiting_seconds") >= 70
        leaves = value(hub, "log_leaves")
        await hub.hub.sealer.turn()
        assert (value(hub, "log_waiting_seconds"), value(hub, "log_leaves") > leaves) == (0, True)
        found = samples(hub)["alliance_hub_certificate_days_left"]
        assert set(found) == {(("certificate", "hub"),), (("certificate", "ca"),)}
        assert 360 < found[("certificate", "hub"),] < 366
        assert 3640 < found[("certificate", "ca"),] < 3651


async def test_a_hub_whose_database_is_away_says_so_and_goes_on(new_hub_folder: Callable[[], Path]) -> None:
    folder = new_hub_folder()
    async with running_hub(folder, config=SCRAPED) as hub:
        await hub.stop_maintenance()
        assert value(hub, "database_reachable") == 1
        with hub.hub.store.engine.begin() as connection:
            connection.execute(sa.text("ALTER TABLE epochs RENAME TO away"))
        found = samples(hub)
        assert found["alliance_hub_database_reachable"] == {(): 0.0}
        assert "alliance_hub_filter_age_seconds" not in found
        assert "alliance_hub_calls_total" in found
        with hub.hub.store.engine.begin() as connection:
            connection.execute(sa.text("ALTER TABLE away RENAME TO epochs"))


async def test_a_turn_of_maintenance_that_fails_is_counted(
    new_hub_folder: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_hub(new_hub_folder(), config={**SCRAPED, "maintenance_seconds": 0.01}) as hub:

        async def fail() -> bool:
            raise RuntimeError

        monkeypatch.setattr(hub.hub.maintenance, "turn", fail)
        async with asyncio.timeout(60):
            while await asyncio.to_thread(value, hub, "maintenance_failures_total") < 2:
                pass


async def test_nothing_of_anybody_is_in_a_label(new_hub_folder: Callable[[], Path], own_members: Members) -> None:
    """A hub that was kept busy: its labels are of few values, all of them the hub's own words."""
    async with running_hub(new_hub_folder(), config=SCRAPED) as hub:
        mine = [await own_members(hub, name) for name in ("bank-of-the-north", "lender-zz")]
        for member in mine:
            await member.credit(3)
            await member.contribute(*(member.row() for _ in range(3)))
            await member.evaluate(valid_elements(3), Purpose.TRANSACTION, operator="operator-7")
            with refuses(Reason.EPOCH_NOT_SERVED):
                await member.filters.GetFilter(filter_pb2.GetFilterRequest(epoch=31337))
            with refuses(Reason.FILTER_CHANGED):
                await member.filters.DownloadSnapshot(filter_pb2.DownloadSnapshotRequest(bits_sha256=bytes(32))).read()
            fetch = bucket_pb2.GetBucketsRequest(epoch=1, prefix_bits=1, prefixes=[1])
            assert [it async for it in member.buckets.GetBuckets(fetch)]
        text = scrape(hub)
        for secret in ("bank-of-the-north", "lender-zz", "operator-7", "31337"):
            assert secret not in text
        labels: dict[str, set[str]] = {}
        for family in text_string_to_metric_families(text):
            for it in family.samples:
                for label, worth in it.labels.items():
                    labels.setdefault(label, set()).add(worth)
        assert set(labels) <= {
            *("method", "outcome", "shape", "reason", "purpose", "epoch", "certificate", "le"),
            *("version", "backend", "python"),
        }
        assert len(labels["method"]) == len(POLICY) + 1
        assert labels["reason"] <= set(Reason.__members__)
        assert labels["purpose"] <= {it.word for it in Purpose}
        assert labels["epoch"] == {"1"}
        # Nothing that looks like a digest, a serial or an id.
        assert not re.search(r'"[0-9a-f]{16,}"', text)


async def test_hubs_of_one_process_count_apart(new_hub_folder: Callable[[], Path], own_members: Members) -> None:
    async with (
        running_hub(new_hub_folder(), config=SCRAPED) as busy,
        running_hub(new_hub_folder(), config=SCRAPED) as idle,
    ):
        member = await own_members(busy)
        await member.epochs.ListEpochs(epoch_pb2.ListEpochsRequest())
        counted = {"method": "EpochService/ListEpochs", "outcome": "ok"}
        assert value(busy, "calls_total", **counted) == 1
        assert value(idle, "calls_total", **counted) == 0


async def test_without_the_setting_nobody_listens(own_hub: RunningHub) -> None:
    assert own_hub.hub.metrics_port == 0


async def test_every_method_has_its_shape(hub: RunningHub) -> None:
    shapes = {dict(key)["method"]: dict(key)["shape"] for key in samples(hub)["alliance_hub_calls_under_way"]}
    for method in POLICY.keys() - {"/grpc.health.v1.Health/List"}:  # which older releases of it lack
        described = descriptor_pool.Default().FindMethodByName(method[1:].replace("/", "."))
        is_stream = described.client_streaming or described.server_streaming
        assert shapes[method[1:].removeprefix("alliance.v1.")] == ("stream" if is_stream else "unary")


@pytest_asyncio.fixture(loop_scope="module")
async def own_scraped(new_hub_folder: Callable[[], Path]) -> AsyncIterator[RunningHub]:
    async with running_hub(new_hub_folder(), config=SCRAPED) as running:
        yield running
