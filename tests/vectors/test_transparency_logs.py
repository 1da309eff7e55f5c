"""Published figures of transparency logs: Merkle proofs, signed notes, keys, and a real log.

- `merkle_probes.json`: transparency-dev/merkle, `testdata/`, which goes back to google/certificate-transparency.
- Notes and the keys of Peter Neumann and Enoch Root: golang.org/x/mod, `sumdb/note/note_test.go`.
- Witnesses' keys: filippo.io/torchwood (`cmd/`) and transparency-dev/formats (`note/note_cosigv1_test.go`).
- The example notes: C2SP, signed-note.md and tlog-cosignature.md; the sizes of tiles: C2SP, tlog-tiles.md, and
  golang.org/x/mod, `sumdb/tlog/tile_test.go`.
- `sumdb.json`: sum.golang.org, whose key is in the Go command (`cmd/go/internal/modfetch/key.go`).
"""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from alliance.crypto import merkle
from alliance.errors import MerkleProofInvalid, NoteInvalid
from alliance.tlog import tiles
from alliance.tlog.notes import MAX_SIGNATURES, Note, NoteKey, read_note, sign_note

HERE = Path(__file__).parent
PROBES = json.loads((HERE / "merkle_probes.json").read_text())
SUMDB = json.loads((HERE / "sumdb.json").read_text())
NO_HASHES = "additional/sizes-are-equal-one-and-proof-is-empty"
"""Two roots that are no hashes at all, which is not what the probe asks about; ours refuses them."""

PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETERS_SECRET = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETERS = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
ENOCHS = "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
WITNESSES = [
    "transparency.dev/DEV:witness-little-garden+d8042a87+BCtusOxINQNUTN5Oj8HObRkh2yHf/MwYaGX4CPdiVEPM",
    "witness.stagemole.eu+67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv",
    "witness.navigli.sunlight.geomys.org+a3e00fe2+BNy/co4C1Hn1p+INwJrfUlgz7W55dSZReusH/GhUhJ/G",
    "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
]
EXAMPLES = [
    (
        "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n"
        "— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaq"
        "P3ZekRwNtIc=\n"
    ),
    (
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
        "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyW"
        "E+xeMcTOAYQ8=\n"
        "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo"
        "0xUe+mbIUBkBIfZ+qnA==\n"
    ),
]

Probe = dict[str, Any]


def test_the_lists_are_complete() -> None:
    assert [len(PROBES[kind]) for kind in ("inclusion", "consistency")] == [98, 98]
    assert all(sum(probe["holds"] for probe in PROBES[kind]) == 6 for kind in ("inclusion", "consistency"))


def hashes(texts: list[str]) -> list[bytes]:
    return [bytes.fromhex(text) for text in texts]


def inclusion(probe: Probe) -> None:
    leaf, root = hashes([probe["leaf"], probe["root"]])
    merkle.verify_inclusion(leaf, probe["index"], probe["size"], hashes(probe["proof"]), root)


def consistency(probe: Probe) -> None:
    first, second = hashes([probe["first_root"], probe["second_root"]])
    merkle.verify_consistency(probe["first"], first, probe["second"], second, hashes(probe["proof"]))


@pytest.mark.parametrize("kind", [inclusion, consistency])
def test_merkle_probes(kind: Any) -> None:
    found = {}
    for probe in PROBES[kind.__name__]:
        try:
            kind(probe)
        except MerkleProofInvalid:
            found[probe["probe"]] = False
        else:
            found[probe["probe"]] = True
    expected = {probe["probe"]: probe["holds"] and probe["probe"] != NO_HASHES for probe in PROBES[kind.__name__]}
    assert found == expected


def test_a_note_is_signed_to_the_byte() -> None:
    secret = base64.b64decode(PETERS_SECRET)
    key = Ed25519PrivateKey.from_private_bytes(secret[1:])
    assert str(sign_note(TEXT, NoteKey.from_vkey(PETER), key.sign)) == f"{TEXT}\n{PETERS}"
    assert NoteKey("PeterNeumann", key.public_key().public_bytes_raw(), secret[0]).vkey == PETER


def note(lines: str, text: str = TEXT) -> Note:
    return read_note(f"{text}\n{lines}".encode())


def names(found: Note, *vkeys: str) -> list[str]:
    return [key.name for key in found.signed_by([NoteKey.from_vkey(vkey) for vkey in vkeys])]


def test_signatures_of_a_note() -> None:
    assert names(note(PETERS + ENOCHS), PETER) == ["PeterNeumann"]
    assert names(note(PETERS + ENOCHS), PETER, ENOCH) == ["PeterNeumann", "EnochRoot"]
    assert names(note(PETERS + ENOCHS)) == []
    assert names(note(PETERS + PETERS + ENOCHS + ENOCHS), PETER) == ["PeterNeumann"]
    assert names(note(ENOCHS + ENOCHS[:60] + "ABCD" + ENOCHS[60:]), PETER) == []
    assert names(note(PETERS), PETER, ENOCH, ENOCH) == ["PeterNeumann"]


@pytest.mark.parametrize(
    "lines", [PETERS[:60] + "ABCD" + PETERS[60:], PETERS + PETERS[:60] + "ABCD" + PETERS[60:]], ids=["first", "second"]
)
def test_a_bad_signature_of_a_known_key_spoils_a_note(lines: str) -> None:
    with pytest.raises(NoteInvalid):
        note(lines).signed_by([NoteKey.from_vkey(PETER)])


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        f"{TEXT}\n".encode(),
        f"{TEXT}\n{PETERS}"[:-1].encode(),
        f"\x01{TEXT}\n{PETERS}".encode(),
        b"\xff" + f"{TEXT}\n{PETERS}".encode(),
        f"{TEXT}\n{PETERS.replace('PeterNeumann', 'Bad Name')}".encode(),
        f"{TEXT}\n{PETERS}Unexpected line.\n".encode(),
        f"{TEXT}\n{PETERS * (MAX_SIGNATURES + 1)}".encode(),
    ],
)
def test_what_is_no_note(content: bytes) -> None:
    with pytest.raises(NoteInvalid):
        read_note(content)


@pytest.mark.parametrize("line", [PETERS.replace("PeterNeumann", "CarmenSandiego"), PETERS.replace("x08g", "xxxx")])
def test_a_line_of_another_name_or_id_is_of_another_key(line: str) -> None:
    assert names(note(line), PETER) == []


def test_no_part_and_no_bend_of_a_key_is_one() -> None:
    parts = [PETER[begin:end] for begin in range(len(PETER)) for end in range(begin + 1, len(PETER) + 1)]
    bent = [PETER[:at] + chr(ord(PETER[at]) + 1) + PETER[at + 1 :] for at in range(len(PETER))]
    others = [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ]
    for word in [part for part in parts if part != PETER] + bent + others:
        with pytest.raises(NoteInvalid):
            NoteKey.from_vkey(word)


@pytest.mark.parametrize("vkey", [PETER, ENOCH, *WITNESSES])
def test_keys_of_others(vkey: str) -> None:
    assert NoteKey.from_vkey(vkey).vkey == vkey


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_come_back_as_they_are(example: str) -> None:
    assert str(read_note(example.encode())) == example


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (tiles.Tile(0, 1_234_067), "tile/0/x001/x234/067"),
        (tiles.Tile(0, 273, 112), "tile/0/273.p/112"),
        (tiles.Tile(1, 0), "tile/1/000"),
        (tiles.Tile(0, 259_347, 218), "tile/0/x259/347.p/218"),
    ],
)
def test_paths_of_tiles(tile: tiles.Tile, path: str) -> None:
    assert tile.path == path
    assert tile.entries_path == path.replace("tile/0/", "tile/entries/").replace("tile/1/", "tile/entries/")


def test_the_tiles_of_seventy_thousand_entries() -> None:
    found = [(tile.level, tile.number, tile.width) for tile in tiles.tiles_of(0, 70_000)]
    whole = [(0, number, 256) for number in range(273)]
    assert found == [*whole, (0, 273, 112), (1, 0, 256), (1, 1, 17), (2, 0, 1)]
    assert [(it.level, it.width) for it in tiles.tiles_of(0, 256)] == [(0, 256), (1, 1)]


def signed_tree(content: str) -> tuple[int, bytes]:
    """Give size and root of a tree that sum.golang.org signed."""
    found = read_note(content.encode())
    assert names(found, SUMDB["key"]) == ["sum.golang.org"]
    _, size, root, _ = found.text.split("\n")
    return int(size), base64.b64decode(root)


def test_a_record_of_a_real_log_is_proven_from_its_tiles() -> None:
    size, root = signed_tree(SUMDB["newer"])
    nodes = tiles.nodes_of(size, lambda tile: base64.b64decode(SUMDB["tiles"][tile.path]))
    index = SUMDB["record"]["index"]
    proof = merkle.inclusion_proof(index, size, nodes)
    leaf = merkle.leaf_hash(SUMDB["record"]["text"].encode())
    merkle.verify_inclusion(leaf, index, size, proof, root)
    with pytest.raises(MerkleProofInvalid):
        merkle.verify_inclusion(leaf, index + 1, size, proof, root)


def test_two_trees_of_a_real_log_are_consistent() -> None:
    first, second = signed_tree(SUMDB["older"]), signed_tree(SUMDB["newer"])
    proof = hashes(SUMDB["consistency"])
    merkle.verify_consistency(*first, *second, proof)
    with pytest.raises(MerkleProofInvalid):
        merkle.verify_consistency(first[0] - 1, first[1], *second, proof)
