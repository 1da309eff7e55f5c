"""The verifier against exports that were bent: each is found, with the place."""

import json
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from support.exports import (
    MONTH,
    OTHER_KEY,
    WITNESS,
    MadeLog,
    checkpoint_of,
    cosigned,
    entry_of,
    first_entry,
    public,
    put,
    rewrite,
    write_bundle,
    write_export,
)

from alliance.crypto.merkle import leaf_hash, node_hash
from alliance.crypto.secret import Secret
from alliance.crypto.signing import SigningKey
from alliance.tlog.checkpoints import Checkpoint, read_checkpoint
from alliance.tlog.logs import LogName
from alliance.tlog.tiles import Tile, unpacked_entries
from alliance.v1.succession_pb2 import Succession
from alliance_audit.export import read_export
from alliance_audit.report import Report
from alliance_audit.trust import Trust
from alliance_audit.verifying import verify

SIZE = 1300
ENTRIES = [first_entry(), *(entry_of(number) for number in range(1, SIZE))]
CHECKPOINT = checkpoint_of(ENTRIES)
KEY = LogName("test", 1, MONTH).key(public(MadeLog(ENTRIES).key))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_export(tmp_path / "export", MadeLog(ENTRIES))


def checked(folder: Path, *checkpoints: Checkpoint, keys: bool = True) -> Report:
    return verify(read_export(folder), Trust([KEY] if keys else [], checkpoints=checkpoints))


def wrong(folder: Path, *checkpoints: Checkpoint, keys: bool = True) -> str:
    report = checked(folder, *checkpoints, keys=keys)
    assert not report.holds
    return "\n".join(map(str, report.faults))


def bundle(folder: Path, number: int) -> tuple[Path, list[bytes]]:
    path = folder / "1" / Tile(0, number, min(256, SIZE - number * 256)).entries_path
    return path, unpacked_entries(path.read_bytes())


def change_bundle(folder: Path, number: int, change: Callable[[list[bytes]], list[bytes]]) -> None:
    path, entries = bundle(folder, number)
    write_bundle(folder / "1", 999, changed := change(entries))
    (folder / "1" / Tile(0, 999, len(changed)).entries_path).rename(path)


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 1300])
def test_an_export_that_nobody_bent_holds(tmp_path: Path, size: int) -> None:
    folder = write_export(tmp_path / "export", MadeLog(ENTRIES[:size]))
    report = checked(folder)
    assert report.faults == []
    assert report.logs[0].size == size
    assert report.logs[0].root == checkpoint_of(ENTRIES[:size]).root
    assert checked(folder, checkpoint_of(ENTRIES[: size - 1 or 1]), keys=False).holds


def test_entries_are_shown_in_their_order(folder: Path) -> None:
    seen: list[tuple[int, bytes]] = []
    verify(read_export(folder), Trust([KEY]), lambda entry: seen.append((entry.index, entry.salt + entry.content)))
    assert seen == list(enumerate(ENTRIES))


def test_nothing_vouches_for_itself(folder: Path) -> None:
    assert "nothing that you gave vouches" in wrong(folder, keys=False)


def test_a_key_may_be_of_another_month_and_not_of_another_origin(folder: Path) -> None:
    export = read_export(folder)
    public_key = KEY.public_key
    assert verify(export, Trust([LogName("test", 1, "2026-01").key(public_key)])).holds
    assert verify(export, Trust(plain_keys=[public_key])).holds
    for name in (LogName("test", 2, MONTH), LogName("rest", 1, MONTH)):
        assert not verify(export, Trust([name.key(public_key)])).holds


def test_a_changed_event_is_found_at_its_entry(folder: Path) -> None:
    change_bundle(folder, 2, lambda it: [*it[:5], it[5][:32] + entry_of(517, actor="else")[32:], *it[6:]])
    assert "entry 517 (tile/entries/002) · is not what was logged" in wrong(folder)


def test_a_swapped_salt_is_found_at_its_entries(folder: Path) -> None:
    change_bundle(folder, 0, lambda it: [*it[:7], it[8][:32] + it[7][32:], it[7][:32] + it[8][32:], *it[9:]])
    assert "entries 7…8 (tile/entries/000) · is not what was logged" in wrong(folder)


def test_another_order_is_found(folder: Path) -> None:
    change_bundle(folder, 1, lambda it: [*it[:3], it[4], it[3], *it[5:]])
    assert "entries 259…260 (tile/entries/001) · are out of order" in wrong(folder)


def test_an_entry_that_was_taken_out_of_its_bundle_is_found(folder: Path) -> None:
    change_bundle(folder, 3, lambda it: [*it[:9], *it[10:]])
    assert "entry 777 was taken out, or put in" in wrong(folder)


def test_an_entry_that_was_taken_out_with_all_others_moved_up_is_found(folder: Path) -> None:
    left = [*ENTRIES[:600], *ENTRIES[601:]]
    for number in range(5):
        write_bundle(folder / "1", number, left[number * 256 : (number + 1) * 256])
    path, _ = bundle(folder, 5)
    path.unlink()
    write_bundle(folder / "1", 5, left[5 * 256 :])
    (folder / "1" / Tile(0, 5, SIZE - 1 - 5 * 256).entries_path).rename(path)
    found = wrong(folder)
    assert "entry 600 was taken out, or put in" in found
    assert f"entries {SIZE - 1}…{SIZE - 1} · are cut off or missing" in found


def test_a_tail_that_was_cut_off_is_found(folder: Path) -> None:
    path, _ = bundle(folder, 5)
    path.unlink()
    found = wrong(folder)
    assert f"{Tile(0, 5, 20).entries_path} · is missing" in found
    assert "entries 1280…1299 · are cut off or missing" in found


def test_a_tail_that_was_cut_off_with_its_checkpoint_is_found_by_one_that_is_remembered(tmp_path: Path) -> None:
    folder = write_export(tmp_path / "export", MadeLog(ENTRIES[:1000]))
    assert checked(folder).holds
    assert "entries 1000…1299 · are cut off or missing: a checkpoint that you gave" in wrong(folder, CHECKPOINT)
    assert "1299" not in "".join(checked(folder, CHECKPOINT).logs[0].vouched)


def test_a_changed_tile_is_told_from_a_changed_entry(folder: Path) -> None:
    rewrite(folder / "1/tile/0/001", lambda it: it[:64] + bytes(32) + it[96:])
    found = wrong(folder)
    assert "tile/0/001 · hash 2 was changed: the entries are as they were" in found
    assert "tile/entries" not in found


def test_a_changed_tile_above_the_lowest_is_found(folder: Path) -> None:
    rewrite(folder / "1" / Tile(1, 0, 5).path, lambda it: it[:96] + bytes(32) + it[128:])
    assert "hash 3 was changed" in wrong(folder)


def test_a_missing_tile_and_one_of_another_length_are_found(folder: Path) -> None:
    (folder / "1/tile/0/000").unlink()
    rewrite(folder / "1/tile/0/001", lambda it: it[:-1])
    found = wrong(folder)
    assert "tile/0/000 · is missing" in found
    assert "tile/0/001 · a tile has another length" in found


def test_an_entry_changed_with_its_hash_is_found_by_the_tile_above(folder: Path) -> None:
    entry = ENTRIES[300][:32] + entry_of(300, actor="else")[32:]
    change_bundle(folder, 1, lambda it: [*it[:44], entry, *it[45:]])
    rewrite(folder / "1/tile/0/001", lambda it: it[: 44 * 32] + leaf_hash(entry) + it[45 * 32 :])
    found = wrong(folder)
    assert "entries 256…511 · do not hash to hash 1 of tile/1/000" in found
    assert "entries 0…1299 · do not hash to the root" in found


def test_a_log_that_was_written_anew_is_narrowed_by_what_is_remembered(tmp_path: Path) -> None:
    entries = [*ENTRIES[:700], entry_of(700, actor="else"), *ENTRIES[701:]]
    folder = write_export(tmp_path / "export", MadeLog(entries))
    assert checked(folder).holds  # the hub itself signed it
    remembered = [checkpoint_of(ENTRIES[:size]) for size in (300, 600, 900)]
    assert "entries 600…899 · do not hash to the root that a checkpoint that you gave has" in wrong(folder, *remembered)


def test_another_hubs_signature_is_none(tmp_path: Path) -> None:
    folder = write_export(tmp_path / "export", MadeLog(ENTRIES, key=OTHER_KEY))
    assert "checkpoint · is not signed by the log's key" in wrong(folder)
    assert "a checkpoint that you gave, of 1300 entries · is not signed by" in wrong(folder, CHECKPOINT, keys=False)


def test_a_checkpoint_that_was_changed_or_replaced_is_found(folder: Path) -> None:
    rewrite(folder / "1/checkpoint", lambda it: it.replace(b"\n1300\n", b"\n1299\n"))
    assert "checkpoint · the hub's signature does not verify" in wrong(folder)
    put(folder / "1/checkpoint", str(checkpoint_of([b"0" * 40] * SIZE).note).encode())
    assert "do not hash to the root that the export's checkpoint has" in wrong(folder)
    put(folder / "1/checkpoint", b"nonsense")
    assert "a note has no signature" in wrong(folder)


def test_another_months_log_is_found(tmp_path: Path) -> None:
    name = LogName("test", 1, "2026-10")
    folder = write_export(tmp_path / "export", MadeLog(ENTRIES, name))
    assert "the export is of 2026-11, the log of 2026-10" in wrong(folder)
    folder = write_export(tmp_path / "other", MadeLog(ENTRIES))
    put(folder / "1/checkpoint", str(checkpoint_of(ENTRIES, name).note).encode())
    assert "is of the log test/1/2026-10".replace("test/1", "test/audit/1") in wrong(folder)
    folder = write_export(tmp_path / "third", MadeLog(ENTRIES))
    assert "is of test/audit/1/2026-10, which is not in this export" in wrong(folder, checkpoint_of(ENTRIES, name))


def test_what_is_no_event_or_a_first_leaf_elsewhere_is_found(tmp_path: Path) -> None:
    for number, entry in enumerate((b"\xff" * 50, b"short", first_entry())):
        folder = write_export(tmp_path / str(number), MadeLog([*ENTRIES[:4], entry]))
        assert "entry 4 (tile/entries/000.p/5)" in wrong(folder)
    assert "entry 0" in wrong(write_export(tmp_path / "x", MadeLog(ENTRIES[1:])))


def test_witnesses_are_counted(folder: Path) -> None:
    export, trust = read_export(folder), Trust([KEY], witnesses=[WITNESS], quorum=1)
    assert "fewer than 1 of the witnesses that you gave cosigned" in str(verify(export, trust).faults[0])
    put(folder / "1/checkpoint", cosigned(CHECKPOINT))
    assert verify(export, trust).holds
    rewrite(folder / "1/checkpoint", lambda it: it[:-12] + b"A" * 8 + it[-4:])
    assert not verify(export, trust).holds


OCTOBER = [first_entry(), *(entry_of(number) for number in range(1, 40))]
BEFORE = checkpoint_of(OCTOBER, LogName("test", 1, "2026-10"))


def bound_to(previous: Checkpoint, size: int | None = None, **options: object) -> MadeLog:
    first = first_entry(sha256(previous.text.encode()).digest(), size=previous.size if size is None else size)
    return MadeLog([first, *ENTRIES[1:50]], previous=previous)


def test_a_log_follows_the_one_before(tmp_path: Path) -> None:
    folder = write_export(tmp_path / "export", bound_to(BEFORE))
    assert checked(folder, BEFORE).holds
    earlier = checkpoint_of(OCTOBER[:10], LogName("test", 1, "2026-10"))
    assert checked(folder, earlier).holds
    later = checkpoint_of([*OCTOBER, entry_of(40)], LogName("test", 1, "2026-10"))
    assert "says that the log before ended at 40" in wrong(folder, later)
    other = checkpoint_of(OCTOBER[::-1], LogName("test", 1, "2026-10"))
    assert "follows another log before than the checkpoint that you gave" in wrong(folder, other)


def test_a_link_to_another_log_before_is_found(tmp_path: Path) -> None:
    log = bound_to(BEFORE)
    log.previous = checkpoint_of(OCTOBER[:-1], LogName("test", 1, "2026-10"))
    assert "does not follow from the checkpoint before" in wrong(write_export(tmp_path / "1", log))
    assert "says that the log before has 39 entries" in wrong(write_export(tmp_path / "2", bound_to(BEFORE, 39)))
    later = checkpoint_of(OCTOBER, LogName("test", 1, "2026-12"))
    assert "which is not before it" in wrong(write_export(tmp_path / "3", bound_to(later)))
    log.previous = None
    assert "previous · is missing" in wrong(write_export(tmp_path / "4", log))


def test_a_restored_hub_follows_by_its_succession(tmp_path: Path) -> None:
    name, lost = LogName("test", 2, MONTH), LogName("test", 1, MONTH)
    before = checkpoint_of(ENTRIES[:90], lost)
    payload = Succession(
        alliance="test", origin=2, log_origin=str(lost), log_size=90, log_root=before.root, restored_at=1
    ).SerializeToString()
    digests = (sha256(before.text.encode()).digest(), sha256(payload).digest())
    new = MadeLog([first_entry(*digests, size=90), *ENTRIES[1:20]], name, key=OTHER_KEY)
    folder = write_export(tmp_path / "export", MadeLog(ENTRIES[:90]), new, successions=[payload])
    trust = Trust([KEY, name.key(public(OTHER_KEY))])
    report = verify(read_export(folder), trust)
    assert report.faults == []
    assert "are lost; it says that nobody signed this" in "".join(report.logs[1].notes)
    # What the succession says of the lost log holds against its entries.
    longer = write_export(tmp_path / "longer", MadeLog(ENTRIES[:89]), new, successions=[payload])
    assert "the succession to origin 2 has 90 entries" in str(verify(read_export(longer), trust).faults[0])
    without = write_export(tmp_path / "without", MadeLog(ENTRIES[:90]), new)
    assert "the succession that the first leaf names is missing" in str(verify(read_export(without), trust).faults)


@pytest.mark.parametrize("signed_by", [0, 1, 2])
def test_entries_behind_the_checkpoint_rest_on_a_succession_that_admins_signed(folder: Path, signed_by: int) -> None:
    admins = [SigningKey(Secret(bytes(31) + bytes([it]))) for it in (7, 8)]
    payload = Succession(
        alliance="test", origin=2, log_origin=str(CHECKPOINT.origin), log_size=SIZE, log_root=CHECKPOINT.root
    ).SerializeToString()
    signatures = [
        {"admin": "a", "statement": b64encode(key.statement("succession", payload).SerializeToString())}
        for key in admins[:signed_by]
    ]
    about = json.loads((folder / "hub-keys.json").read_bytes())
    about["successions"] = [{"payload": b64encode(payload), "signatures": signatures}]
    put(folder / "hub-keys.json", json.dumps(about, default=bytes.decode).encode())
    put(folder / "1" / "checkpoint", str(checkpoint_of(ENTRIES[:1000]).note).encode())
    for trusted in ([], [key.public_key for key in admins]):
        report = verify(read_export(folder), Trust([KEY], admins=trusted))
        assert report.holds is (signed_by == 2 and bool(trusted))
        text = "".join(map(str, report.faults)) + "".join(report.logs[0].notes)
        assert f"entries 1000…{SIZE - 1}" in text


def test_an_export_names_no_folder_outside_itself(folder: Path) -> None:
    about = json.loads((folder / "export.json").read_bytes())
    about["logs"][0]["folder"] = "../1"
    put(folder / "export.json", json.dumps(about).encode())
    with pytest.raises(Exception, match="names a folder"):
        read_export(folder)


def test_the_tree_of_many_tiles_is_the_tree() -> None:
    hashes = [leaf_hash(bytes([it])) for it in range(3)]
    tree = checkpoint_of([bytes([it]) for it in range(3)])
    assert tree.root == node_hash(node_hash(hashes[0], hashes[1]), hashes[2])
    assert read_checkpoint(str(tree.note).encode()).root == tree.root
