"""The keeper on a hub in memory: download, resume, deltas, restart, roll-back, tampering, staleness."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from hashlib import sha256
from pathlib import Path

import pytest
import pytest_asyncio
from client_fixtures import CHUNK, NOW, FilterHub, FilterStub, StillClock, StubTransport, new_store, tag

from alliance import facts
from alliance.crypto.signing import VerifyingKey
from member_client import FactNotPublished, FilterChanged, FilterRolledBack, FilterTampered
from member_client._deadline import Deadline
from member_client._filter import FilterKeeper
from member_client._filter import keeper as keeper_module
from member_client._filter.archive import FilterArchive
from member_client._store import Store
from member_client._workers import Workers
from member_client.succession import Origin

TAGS = [tag(number) for number in range(6000)]
ABSENT = [tag(number) for number in range(100_000, 100_200)]


class StubHub:
    """A hub that was never restored."""

    origin = Origin(0, b"")

    def __init__(self, key: VerifyingKey) -> None:
        self.key = key

    async def succeeded(self) -> bool:
        return False


class Proofs:
    """Proves every fact, but those that a test leaves out; and says which were asked about."""

    def __init__(self) -> None:
        self.withheld: set[bytes] = set()
        self.proven: set[bytes] = set()

    async def prove(self, digests: Iterable[bytes], _deadline: Deadline) -> None:
        for digest in digests:
            if digest in self.withheld:
                raise FactNotPublished("The hub states what it did not publish in its log.")
            self.proven.add(digest)

    def knows(self, digest: bytes) -> bool:
        return digest in self.proven


class Rig:
    """A hub, its stub, and keepers of one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = StillClock()
        self.hub = FilterHub()
        self.hub.build(TAGS, 6000)
        self.stub = FilterStub(self.hub, bytes(self.hub.bits))
        self.store: Store = new_store(folder)
        self.workers = Workers(2)
        self.proofs = Proofs()

    def keeper(self) -> FilterKeeper:
        return FilterKeeper(
            1,
            folder=self.folder / "filter",
            archive=FilterArchive(self.store, self.store),
            transport=StubTransport(self.stub),  # type: ignore[arg-type]
            hub=StubHub(VerifyingKey(self.hub.key.public_key)),  # type: ignore[arg-type]
            prover=self.proofs,
            workers=self.workers,
            clock=self.clock,
        )

    def rebuild(self, tags: list[bytes], sequence: int) -> None:
        self.hub.build(tags, sequence)
        self.stub.served = bytes(self.hub.bits)

    def later(self, milliseconds: int) -> None:
        self.clock.now += milliseconds
        self.hub.now = self.clock.now


@pytest_asyncio.fixture
async def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    monkeypatch.setattr(keeper_module, "FilterServiceStub", lambda channel: channel)
    made = Rig(tmp_path)
    yield made
    await made.workers.close()


def hits(keeper: FilterKeeper, tags: list[bytes]) -> int:
    assert keeper.live is not None
    return len(keeper.live.hits(b"".join(tags)))


async def test_a_filter_is_fetched_verified_and_used(rig: Rig) -> None:
    keeper = rig.keeper()
    await keeper.load()
    assert not keeper.is_fresh()
    await keeper.ensure_fresh()
    assert keeper.is_fresh()
    assert hits(keeper, TAGS) == len(TAGS)
    assert hits(keeper, ABSENT) < 5
    assert keeper.downloaded_bytes == len(rig.stub.served)


async def test_deltas_are_applied_kept_and_applied_again_after_a_restart(rig: Rig) -> None:
    keeper = rig.keeper()
    await keeper.refresh()
    for step in range(3):
        rig.hub.add(ABSENT[step * 10 : step * 10 + 10], 6000 + 10 * (step + 1))
    await keeper.refresh()
    again = rig.keeper()
    await again.load()
    for one in (keeper, again):
        assert one.live is not None
        assert one.live.sequence == 6030
        assert one.is_fresh()
        assert hits(one, ABSENT[:30]) == 30
    assert again.downloaded_bytes == 0
    await again.refresh()
    assert again.downloaded_bytes == 0
    file = next((rig.folder / "filter").glob("*.bits"))
    assert sha256(file.read_bytes()).digest() == rig.hub.header.bits_sha256


async def test_a_new_snapshot_replaces_the_old_one(rig: Rig) -> None:
    keeper = rig.keeper()
    await keeper.refresh()
    rig.hub.add(ABSENT[:5], 6005)
    await keeper.refresh()
    rig.later(1000)
    rig.rebuild([*TAGS, *ABSENT[:5]], 6005)
    await keeper.refresh()
    assert hits(keeper, ABSENT[:5]) == 5
    assert len(list((rig.folder / "filter").iterdir())) == 1


async def test_a_cut_download_goes_on_where_it_was(rig: Rig) -> None:
    digest = rig.hub.header.bits_sha256
    folder = rig.folder / "filter"
    folder.mkdir()
    (folder / f"{digest.hex()}.part").write_bytes(rig.stub.served[: 2 * CHUNK])
    keeper = rig.keeper()
    await keeper.refresh()
    assert rig.hub.downloads == [2 * CHUNK]
    assert hits(keeper, TAGS) == len(TAGS)


async def test_a_damaged_part_is_fetched_from_the_start(rig: Rig) -> None:
    digest = rig.hub.header.bits_sha256
    folder = rig.folder / "filter"
    folder.mkdir()
    (folder / f"{digest.hex()}.part").write_bytes(bytes(CHUNK))
    keeper = rig.keeper()
    await keeper.refresh()
    assert rig.hub.downloads == [CHUNK, 0]
    assert keeper.is_fresh()


@pytest.mark.parametrize("place", [0, 3000, -1])
async def test_a_flipped_bit_is_refused_and_the_old_filter_stays(rig: Rig, place: int) -> None:
    keeper = rig.keeper()
    await keeper.refresh()
    before = keeper.live
    rig.later(1000)
    rig.rebuild([*TAGS, *ABSENT[:5]], 6005)
    bits = bytearray(rig.stub.served)
    bits[place] ^= 1
    rig.stub.served = bytes(bits)
    with pytest.raises(FilterTampered):
        await keeper.refresh()
    assert keeper.live is before
    assert keeper.is_fresh()


async def test_too_many_bytes_and_too_few_are_refused(rig: Rig) -> None:
    honest = rig.stub.served
    rig.stub.served = honest + b"\x00"
    with pytest.raises(FilterTampered):
        await rig.keeper().refresh()


async def test_bits_that_do_not_fit_the_listings_are_refused(rig: Rig) -> None:
    from alliance.crypto import bloom

    full = b"\xff" * len(rig.stub.served)
    rig.hub.header.bits_sha256 = sha256(full).digest()
    rig.hub.beat()
    rig.stub.served = full
    assert bloom.bit_count_for(6000) == rig.hub.header.bits
    with pytest.raises(FilterTampered):
        await rig.keeper().refresh()


async def test_going_back_is_refused_also_after_a_restart(rig: Rig) -> None:
    keeper = rig.keeper()
    await keeper.refresh()
    old = rig.hub.header, rig.hub.heartbeat, rig.stub.served
    rig.later(1000)
    rig.rebuild([*TAGS, *ABSENT[:5]], 6005)
    await keeper.refresh()
    in_force = keeper.live
    rig.hub.header, rig.hub.heartbeat, rig.stub.served = old
    again = rig.keeper()
    await again.load()
    for one in (keeper, again):
        with pytest.raises(FilterRolledBack):
            await one.refresh()
    assert keeper.live is in_force


@pytest.mark.parametrize("bent", [{"from_sequence": 6001}, {"epoch": 2}, {"base_sha256": b"\x02" * 32}])
async def test_deltas_with_a_gap_or_of_another_filter_are_refused(rig: Rig, bent: dict[str, object]) -> None:
    keeper = rig.keeper()
    await keeper.refresh()
    rig.hub.add(ABSENT[:5], 6005, **bent)
    with pytest.raises(FilterTampered):
        await keeper.refresh()
    assert keeper.live is not None
    assert keeper.live.sequence == 6000


async def test_a_heartbeat_without_its_deltas_is_refused(rig: Rig) -> None:
    keeper = rig.keeper()
    await keeper.refresh()
    rig.hub.beat(sequence=6001)
    with pytest.raises(FilterTampered):
        await keeper.refresh()


async def test_past_its_heartbeat_a_filter_is_stale_until_a_new_one(rig: Rig) -> None:
    keeper = rig.keeper()
    await keeper.refresh()
    rig.later(300_000)
    assert not keeper.is_fresh()
    rig.hub.beat()
    await keeper.ensure_fresh()
    assert keeper.is_fresh()


async def test_a_fresh_filter_is_refreshed_aside_and_one_at_a_time(rig: Rig) -> None:
    keeper = rig.keeper()
    await keeper.refresh()
    rig.later(31_000)
    rig.hub.beat()
    await asyncio.gather(*(keeper.ensure_fresh() for _ in range(10)))
    await keeper.refresh()
    assert keeper.live is not None
    assert keeper.live.age_ms(rig.clock.now) == 0


async def test_a_fault_found_aside_is_raised_to_the_next_caller(rig: Rig) -> None:
    keeper = rig.keeper()
    await keeper.refresh()
    rig.hub.beat(time=NOW - 5, not_after=NOW)
    rig.clock.now += 31_000
    await keeper.ensure_fresh()
    await asyncio.sleep(0.2)
    with pytest.raises(FilterRolledBack):
        await keeper.ensure_fresh()


async def test_a_filter_that_changes_meanwhile_is_asked_for_again_a_bounded_number_of_times(rig: Rig) -> None:
    rig.hub.changes = 2
    keeper = rig.keeper()
    await keeper.refresh()
    assert keeper.is_fresh()
    rig.later(1000)
    rig.rebuild([*TAGS, *ABSENT[:9]], 6009)
    rig.hub.changes = 100
    with pytest.raises(FilterChanged):
        await keeper.refresh()


async def test_a_header_that_the_log_does_not_prove_is_refused_and_the_old_filter_stays(rig: Rig) -> None:
    keeper = rig.keeper()
    await keeper.refresh()
    rig.later(30_000)
    rig.rebuild(TAGS[:10], 6001)  # what the hub may show one member alone
    rig.proofs.withheld = {facts.filter_header(rig.hub.signed_header.payload)}
    with pytest.raises(FactNotPublished):
        await keeper.refresh()
    assert hits(keeper, TAGS) == len(TAGS)
    rig.proofs.withheld = set()
    await keeper.refresh()
    assert keeper.live is not None
    assert keeper.live.sequence == 6001


async def test_a_stored_filter_whose_header_was_not_proven_is_not_taken_up(rig: Rig) -> None:
    await rig.keeper().refresh()
    later = rig.keeper()
    await later.load()
    assert later.live is not None
    rig.proofs.proven.clear()
    again = rig.keeper()
    await again.load()
    assert again.live is None
