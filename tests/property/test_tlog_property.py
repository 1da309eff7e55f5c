"""Trees, proofs, tiles, notes and checkpoints: what holds for all of them, and that nothing bent passes."""

import base64
from collections.abc import Sequence

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from alliance.crypto import merkle
from alliance.errors import MerkleProofInvalid, NoteInvalid
from alliance.tlog import tiles
from alliance.tlog.checkpoints import (
    MAX_TIME,
    Checkpoint,
    checkpoint_text,
    cosign,
    cosigners,
    read_checkpoint,
    sign_checkpoint,
)
from alliance.tlog.notes import COSIGNATURE, ED25519, Note, NoteKey, Signature, read_note

LARGEST = 300
LEAVES = [merkle.leaf_hash(at.to_bytes(2)) for at in range(LARGEST)]
SECRETS = [Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32) for seed in range(4)]
LOG = NoteKey("alliance/audit/1/2026-11", SECRETS[0].public_key().public_bytes_raw())
WITNESSES = [NoteKey(f"witness/{at}", SECRETS[at].public_key().public_bytes_raw(), COSIGNATURE) for at in (1, 2, 3)]


def root_of(begin: int, end: int) -> bytes:
    """RFC 9162 §2.1.1, word for word."""
    if end - begin == 1:
        return LEAVES[begin]
    split = begin + (1 << (end - begin - 1).bit_length() - 1)
    return merkle.node_hash(root_of(begin, split), root_of(split, end))


ROOTS = [merkle.Frontier().root(), *(merkle.Frontier().extended(LEAVES[:size]).root() for size in range(1, LARGEST))]


def plain(wanted: Sequence[merkle.Node]) -> list[bytes]:
    """Give nodes by their definition."""
    return [root_of(index << level, (index + 1) << level) for level, index in wanted]


sizes = st.integers(1, LARGEST - 1)


@given(st.data(), sizes)
def test_a_proof_of_inclusion_verifies_at_its_place_alone(data: st.DataObject, size: int) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = merkle.inclusion_proof(index, size, plain)
    assert ROOTS[size] == root_of(0, size)
    merkle.verify_inclusion(LEAVES[index], index, size, proof, ROOTS[size])
    other = data.draw(st.integers(-2, 2 * size + 2).filter(lambda it: it != index))
    with pytest.raises(MerkleProofInvalid):
        merkle.verify_inclusion(LEAVES[index], other, size, proof, ROOTS[size])
    with pytest.raises(MerkleProofInvalid):
        merkle.verify_inclusion(data.draw(bent_hash(LEAVES[index])), index, size, proof, ROOTS[size])
    with pytest.raises(MerkleProofInvalid):
        merkle.verify_inclusion(LEAVES[index], index, size, proof, data.draw(bent_hash(ROOTS[size])))
    with pytest.raises(MerkleProofInvalid):
        merkle.verify_inclusion(LEAVES[index], index, size, data.draw(bent_proof(proof)), ROOTS[size])


@given(st.data(), sizes)
def test_a_proof_of_consistency_verifies_between_its_trees_alone(data: st.DataObject, second: int) -> None:
    first = data.draw(st.integers(1, second))
    proof = merkle.consistency_proof(first, second, plain)
    merkle.verify_consistency(first, ROOTS[first], second, ROOTS[second], proof)
    with pytest.raises(MerkleProofInvalid):
        merkle.verify_consistency(first, data.draw(bent_hash(ROOTS[first])), second, ROOTS[second], proof)
    with pytest.raises(MerkleProofInvalid):
        merkle.verify_consistency(first, ROOTS[first], second, data.draw(bent_hash(ROOTS[second])), proof)
    with pytest.raises(MerkleProofInvalid):
        merkle.verify_consistency(first, ROOTS[first], second, ROOTS[second], data.draw(bent_proof(proof)))
    if first < second:
        with pytest.raises(MerkleProofInvalid):
            merkle.verify_consistency(second, ROOTS[second], first, ROOTS[first], proof)
        with pytest.raises(MerkleProofInvalid):
            merkle.verify_consistency(first, ROOTS[second], second, ROOTS[first], proof)


@given(sizes, sizes)
def test_a_fork_has_no_proof(one: int, other: int) -> None:
    first, second = sorted((one, other))
    forked = merkle.Frontier().extended([*LEAVES[: first - 1], merkle.leaf_hash(b"fork")]).root()
    with pytest.raises(MerkleProofInvalid):
        merkle.verify_consistency(first, forked, second, ROOTS[second], merkle.consistency_proof(first, second, plain))


@given(sizes)
def test_every_tree_begins_with_the_empty_one(size: int) -> None:
    merkle.verify_consistency(0, ROOTS[0], size, ROOTS[size], [])
    merkle.verify_consistency(0, ROOTS[0], 0, ROOTS[0], [])
    for second, second_root, first_root, proof in (
        (size, ROOTS[size], ROOTS[size], []),
        (size, ROOTS[size], ROOTS[0], [ROOTS[size]]),
        (0, ROOTS[size], ROOTS[0], []),
        (-size, ROOTS[size], ROOTS[0], []),
        (2**63, ROOTS[size], ROOTS[0], []),
    ):
        with pytest.raises(MerkleProofInvalid):
            merkle.verify_consistency(0, first_root, second, second_root, proof)


def bent_hash(content: bytes) -> st.SearchStrategy[bytes]:
    flipped = st.integers(0, 8 * len(content) - 1).map(
        lambda bit: (int.from_bytes(content) ^ 1 << bit).to_bytes(len(content))
    )
    return flipped | st.sampled_from([b"", content[:-1], content + b"\x00", bytes(32)])


@st.composite
def bent_proof(draw: st.DrawFn, proof: list[bytes]) -> list[bytes]:
    """Give a proof with one node flipped, dropped, added, or in another place."""
    bent = list(proof)
    at = draw(st.integers(0, len(proof)))
    match draw(st.sampled_from(["add", "drop", "flip", "swap"])):
        case "drop" if at < len(proof):
            del bent[at]
        case "flip" if at < len(proof):
            bent[at] = draw(bent_hash(bent[at]))
        case "swap" if at + 1 < len(proof):
            bent[at : at + 2] = bent[at + 1], bent[at]
        case _:
            bent.insert(at, draw(st.sampled_from([bytes(32), LEAVES[0], *proof])))
    assume(bent != proof)
    return bent


def tile_of(tile: tiles.Tile, leaves: Sequence[bytes]) -> bytes:
    width = 256**tile.level
    begin = tile.number * tiles.WIDTH * width
    chunks = (leaves[at : at + width] for at in range(begin, begin + tile.width * width, width))
    return b"".join(merkle.Frontier().extended(chunk).root() for chunk in chunks)


MANY = [merkle.leaf_hash(at.to_bytes(4)) for at in range(70_000)]
"""A tree of three levels of tiles."""


@settings(max_examples=8, deadline=None)
@given(st.lists(st.integers(1, 66_000), min_size=1, max_size=4, unique=True).map(sorted), st.data())
def test_tiles_of_a_growing_tree_hold_all_its_nodes(grown: list[int], data: st.DataObject) -> None:
    held: dict[str, bytes] = {}
    for before, now in zip([0, *grown], grown, strict=False):
        fresh = {tile.path: tile_of(tile, MANY) for tile in tiles.tiles_of(before, now)}
        assert not fresh.keys() & held.keys()
        held |= fresh
    size = grown[-1]
    nodes = tiles.nodes_of(size, lambda tile: held[tile.path])
    tree = merkle.Frontier().extended(MANY[:size])
    levels = [level for level in range(size.bit_length() - 1, -1, -1) if size >> level & 1]
    assert nodes([(level, (size >> level) - 1) for level in levels]) == list(tree.nodes)
    index = data.draw(st.integers(0, size - 1))
    merkle.verify_inclusion(MANY[index], index, size, merkle.inclusion_proof(index, size, nodes), tree.root())
    first = grown[0]
    smaller = merkle.Frontier().extended(MANY[:first]).root()
    merkle.verify_consistency(first, smaller, size, tree.root(), merkle.consistency_proof(first, size, nodes))


@given(sizes, st.integers(-1, 12), st.integers(-1, LARGEST))
def test_tiles_give_no_node_that_the_tree_does_not_hold_whole(size: int, level: int, index: int) -> None:
    nodes = tiles.nodes_of(size, lambda tile: tile_of(tile, LEAVES))
    if level >= 0 and index >= 0 and (index + 1) << level <= size:
        assert nodes([(level, index)]) == plain([(level, index)])
    else:
        with pytest.raises(ValueError, match="beyond"):
            nodes([(level, index)])


@given(st.lists(st.binary(max_size=40), max_size=30), st.data())
def test_bundles_come_back_whole_or_not_at_all(entries: list[bytes], data: st.DataObject) -> None:
    packed = tiles.packed_entries(entries)
    assert tiles.unpacked_entries(packed) == entries
    if entries:
        cut = packed[: -data.draw(st.integers(1, len(entries[-1]) + 1))]
        with pytest.raises(NoteInvalid):
            tiles.unpacked_entries(cut)


@given(st.binary(max_size=60))
def test_whatever_is_read_as_a_bundle_is_one(content: bytes) -> None:
    try:
        entries = tiles.unpacked_entries(content)
    except NoteInvalid:
        return
    assert tiles.packed_entries(entries) == content


names = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"], exclude_characters="+"), min_size=1)
texts = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n")).map(lambda it: it + "\n")
lines = st.builds(Signature, names, st.binary(min_size=4, max_size=4), st.binary(min_size=1, max_size=80))


@given(texts, st.lists(lines, min_size=1, max_size=5))
def test_a_note_comes_back_as_it_was_written(text: str, signatures: list[Signature]) -> None:
    note = Note(text, tuple(signatures))
    assert read_note(str(note).encode()) == note


@given(st.binary(max_size=80) | st.text("\n \t—+=abAB01é", max_size=40).map(str.encode))
def test_whatever_is_read_as_a_note_has_one_spelling(content: bytes) -> None:
    for whole in (content, "a\n\n— b ".encode() + content, "a\n\n— b AAAAAAA=\n".encode() + content):
        try:
            note = read_note(whole)
        except NoteInvalid:
            continue
        assert str(note).encode() == whole


@given(names, st.sampled_from([ED25519, COSIGNATURE]), st.sampled_from(SECRETS))
def test_a_key_comes_back_from_its_word(name: str, kind: int, secret: Ed25519PrivateKey) -> None:
    key = NoteKey(name, secret.public_key().public_bytes_raw(), kind)
    assert NoteKey.from_vkey(key.vkey) == key


checkpoints = st.builds(
    lambda size, root: sign_checkpoint(size, root, LOG, SECRETS[0].sign),
    st.integers(0, 2**63 - 1),
    st.binary(min_size=32, max_size=32),
)
NO_SIZES = ["٣", "３", "²", "-1", "+1", " 1", "1 ", "1_0", "0x1", "1.0", "", "01", "1" * 5000, str(2**63)]


@given(checkpoints, st.data())
def test_a_checkpoint_has_one_spelling(known: Checkpoint, data: st.DataObject) -> None:
    assert read_checkpoint(str(known.note).encode()) == known
    known.require_signed(LOG)
    origin, _, root, _ = known.text.split("\n")
    text = data.draw(
        st.sampled_from(
            [f"{origin}\n{number}\n{root}\n" for number in NO_SIZES]
            + [
                known.text + "extension\n",
                known.text + "\n",
                "\n" + known.text,
                known.text.replace("\n", "\r\n"),
                known.text.replace(root, root[:-1]),
                known.text.replace(root, root + "="),
                known.text.replace(root, root[:-2] + "\n="),
                known.text.replace(root, base64.b64encode(known.root + b"\x00").decode()),
                known.text.replace(root, base64.b64encode(known.root[:-1]).decode()),
                known.text.replace(root, base64.urlsafe_b64encode(b"\xff" * 32).decode()),
                known.text.replace(root, root[:-2] + chr(ord(root[-2]) + 1) + "="),
                known.text.replace(origin, ""),
                known.text.replace(origin, "with space"),
                known.text.replace(origin, "with+plus"),
                known.text.replace(origin, "with\u2003space"),
            ]
        )
    )
    whole = str(Note(text, (Signature(LOG.name, LOG.key_id, SECRETS[0].sign(text.encode())),)))
    with pytest.raises(NoteInvalid):
        read_checkpoint(whole.encode())


@given(st.integers(0, MAX_TIME), st.integers(0, 8 * 76 - 1))
def test_a_cosignature_holds_for_its_text_key_and_time_alone(time: int, bit: int) -> None:
    text = checkpoint_text(LOG.name, 7, bytes(32))
    line = cosign(text, WITNESSES[0], time, SECRETS[1].sign)
    assert cosigners(Note(text, (line,)), WITNESSES) == {WITNESSES[0]: time}
    content = (int.from_bytes(line.key_id + line.signature) ^ 1 << bit).to_bytes(76)
    bent = Signature(line.name, content[:4], content[4:])
    assert cosigners(Note(text, (bent,)), WITNESSES) == {}
    assert cosigners(Note(checkpoint_text(LOG.name, 8, bytes(32)), (line,)), WITNESSES) == {}
    as_another = Signature(WITNESSES[1].name, WITNESSES[1].key_id, line.signature)
    assert cosigners(Note(text, (as_another,)), WITNESSES) == {}
