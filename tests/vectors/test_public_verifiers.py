"""A log of ours under the libraries that others verify logs with, and a note of theirs under ours.

`public_verifier/` is a program of our own over golang.org/x/mod, transparency-dev/formats and transparency-dev/merkle,
pinned in its go.mod and go.sum. It is built where `go` is, and skipped elsewhere.
"""

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from alliance.crypto import merkle
from alliance.tlog import tiles
from alliance.tlog.checkpoints import cosign, cosigners, read_checkpoint, sign_checkpoint
from alliance.tlog.logs import LogName
from alliance.tlog.notes import COSIGNATURE, NoteKey

PROGRAM = Path(__file__).parent / "public_verifier"
LOG = str(LogName("demo-alliance", 1, "2026-11"))
TIME = 1_790_000_000

Question = dict[str, Any]
Ask = Callable[[Question], "subprocess.CompletedProcess[bytes]"]


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Ask:
    """Give what runs the program on a question."""
    go = shutil.which("go")
    if go is None:
        pytest.skip("there is no `go` here, with which the public verifiers are built")
    program = tmp_path_factory.mktemp("public_verifier") / "program"
    built = subprocess.run(
        [go, "build", "-mod=readonly", "-o", str(program), "."],
        cwd=PROGRAM,
        env=os.environ | {"GOTOOLCHAIN": "local", "GOWORK": "off"},
        capture_output=True,
        check=False,
    )
    if built.returncode:
        pytest.skip(f"the public verifiers cannot be built here: {built.stderr.decode()[-300:]}")
    return lambda question: subprocess.run(
        [str(program)], input=json.dumps(question).encode(), capture_output=True, check=False
    )


def key_of(seed: int, name: str, kind: int) -> tuple[Ed25519PrivateKey, NoteKey]:
    private = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
    return private, NoteKey(name, private.public_key().public_bytes_raw(), kind)


def text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def written(folder: Path, size: int) -> Question:
    """Write a log as the hub serves it, grown in two steps, and give what there is to verify."""
    private, log = key_of(1, LOG, 1)
    witnesses = [key_of(2 + at, f"demo-alliance/witness/{at}", COSIGNATURE) for at in range(2)]
    leaves = [f"leaf {at}".encode() for at in range(size)]
    hashes = [merkle.leaf_hash(leaf) for leaf in leaves]
    for before, now in ((0, size // 3), (size // 3, size)):
        for tile in tiles.tiles_of(before, now):
            file = folder / tile.path
            file.parent.mkdir(parents=True, exist_ok=True)
            width = 256**tile.level
            begin = tile.number * tiles.WIDTH * width
            chunks = (hashes[at : at + width] for at in range(begin, begin + tile.width * width, width))
            file.write_bytes(b"".join(merkle.Frontier().extended(chunk).root() for chunk in chunks))
    root = merkle.root(leaves)
    checkpoint = sign_checkpoint(size, root, log, private.sign)
    cosignatures = [cosign(checkpoint.text, key, TIME, secret.sign) for secret, key in witnesses]
    (folder / "checkpoint").write_text(str(checkpoint.note.with_signatures(cosignatures)))
    nodes = tiles.nodes_of(size, lambda tile: (folder / tile.path).read_bytes())
    firsts = sorted({1, 2, size // 3, size // 2, size - 1} - {0})
    return {
        "folder": str(folder),
        "log": log.vkey,
        "witnesses": [key.vkey for _, key in witnesses],
        "leaves": [text(leaf) for leaf in leaves],
        "inclusion": [
            {"index": at, "proof": [text(it) for it in merkle.inclusion_proof(at, size, nodes)]} for at in range(size)
        ],
        "consistency": [
            {
                "first": first,
                "root": text(merkle.root(leaves[:first])),
                "proof": [text(it) for it in merkle.consistency_proof(first, size, nodes)],
            }
            for first in firsts
        ],
    }


@pytest.mark.parametrize("size", [7, 256, 771])
def test_a_log_of_ours_is_one_to_everybody(ask: Ask, tmp_path: Path, size: int) -> None:
    answer = ask(written(tmp_path, size))
    assert answer.returncode == 0, answer.stderr.decode()
    told = json.loads(answer.stdout)
    checkpoint = read_checkpoint(told["note"].encode())
    checkpoint.require_signed(NoteKey.from_vkey(told["log"]))
    assert list(cosigners(checkpoint.note, [NoteKey.from_vkey(told["witness"])])) == [
        NoteKey.from_vkey(told["witness"])
    ]
    assert str(checkpoint.note) == told["note"]


def bend_a_proof(question: Question) -> None:
    question["inclusion"][3]["proof"].reverse()


def bend_a_root(question: Question) -> None:
    question["consistency"][0]["root"] = text(bytes(32))


def bend_a_leaf(question: Question) -> None:
    question["leaves"][2] = text(b"another")


def bend_a_witness(question: Question) -> None:
    question["witnesses"][1] = key_of(9, "demo-alliance/witness/1", COSIGNATURE)[1].vkey


def bend_a_tile(question: Question) -> None:
    (Path(question["folder"]) / "tile/0/000.p/7").write_bytes(bytes(7 * 32))


@pytest.mark.parametrize("bend", [bend_a_proof, bend_a_root, bend_a_leaf, bend_a_witness, bend_a_tile])
def test_they_refuse_what_is_bent(ask: Ask, tmp_path: Path, bend: Callable[[Question], None]) -> None:
    question = written(tmp_path, 7)
    bend(question)
    assert ask(question).returncode != 0
