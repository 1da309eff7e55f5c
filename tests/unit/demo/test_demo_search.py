"""The search for leaks finds every form of what it looks for, wherever it stands, and nothing else."""

import base64
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes

from alliance.identifiers import Identifier, Kind
from alliance_server.demo.patterns import MIN_BYTES, patterns_of, texts_of
from alliance_server.demo.people import Inventor, Written
from alliance_server.demo.search import CHUNK_BYTES, Findings, Order, fingerprint, search

PHONE = Written("phone", "+86 139 1234 5678", Identifier(Kind.PHONE, "+8613912345678"))


def sm3(text: bytes) -> bytes:
    digest = hashes.Hash(hashes.SM3())
    digest.update(text)
    return digest.finalize()


def look_for(texts: list[bytes], content: bytes, folder: Path) -> Findings:
    file = folder / "content.bin"
    file.write_bytes(content)
    return search(Order(texts, [file]))


def names_in(findings: Findings) -> set[str]:
    return {name for names in findings.found.values() for name in names}


FORMS = {
    "as typed": b"+86 139 1234 5678",
    "canonical": b"+8613912345678",
    "national": b"13912345678",
    "input": b"alliance/v1\0phone\0+8613912345678",
    "hexadecimal": b"13912345678".hex().encode(),
    "base64": base64.b64encode(b"+8613912345678"),
    "sha256": hashlib.sha256(b"13912345678").digest(),
    "sha256 in hexadecimal": hashlib.sha256(b"+8613912345678").hexdigest().encode(),
    "SHA256 IN HEXADECIMAL": hashlib.sha256(b"+8613912345678").hexdigest().upper().encode(),
    "md5": hashlib.md5(b"13912345678", usedforsecurity=False).digest(),
    "md5 in base64": base64.b64encode(hashlib.md5(b"13912345678", usedforsecurity=False).digest()),
    "sm3": sm3(b"+86 139 1234 5678"),
    "sm3 in base64 for URLs": base64.urlsafe_b64encode(sm3(b"alliance/v1\0phone\0+8613912345678")),
}


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_found(form: str, tmp_path: Path) -> None:
    # The byte after it is never the one that a prefix leaves out.
    before, after = os.urandom(1001), bytes([FORMS[form][-1] ^ 0xFF]) + os.urandom(77)
    findings = look_for(texts_of([PHONE]), before + FORMS[form] + after, tmp_path)
    assert fingerprint(FORMS[form].rstrip(b"=")) in names_in(findings)
    assert not names_in(look_for(texts_of([PHONE]), before + FORMS[form][:-1] + after, tmp_path)) & {
        fingerprint(FORMS[form])
    }


@pytest.mark.parametrize("shift", range(-20, 21, 1))
def test_nothing_hides_across_the_edge_of_a_chunk(shift: int, tmp_path: Path) -> None:
    content = bytes(CHUNK_BYTES + shift) + FORMS["canonical"] + b"\0"
    assert fingerprint(FORMS["canonical"]) in names_in(look_for([b"+8613912345678"], content, tmp_path))


@pytest.mark.parametrize("offset", range(2 * MIN_BYTES))
def test_every_alignment_is_read(offset: int, tmp_path: Path) -> None:
    content = b"x" * offset + b"13912345678"
    assert names_in(look_for([b"13912345678"], content, tmp_path)) == {fingerprint(b"13912345678")}


def test_a_leak_is_counted_once_a_file(tmp_path: Path) -> None:
    content = b"13912345678, 13912345678" + bytes(CHUNK_BYTES) + b"13912345678"
    assert list(look_for([b"13912345678"], content, tmp_path).found.values()) == [[fingerprint(b"13912345678")]]


def test_what_only_ends_alike_is_not_found(tmp_path: Path) -> None:
    assert not names_in(look_for([b"13912345678"], b"00012345678 13812345678 12345678", tmp_path))


def test_others_are_not_found(tmp_path: Path) -> None:
    inventor = Inventor(3)
    written = [inventor.write("resident_id", inventor.new("resident_id")) for _ in range(500)]
    content = b" ".join(text for text in texts_of(written[:250]))
    assert not names_in(look_for(texts_of(written[250:]), content + os.urandom(200_000), tmp_path))
    assert len(names_in(look_for(texts_of(written[:250]), content, tmp_path))) >= 250


def test_short_texts_are_looked_for_by_their_longer_forms(tmp_path: Path) -> None:
    short = Written("domain", "c1.is", Identifier(Kind.DOMAIN, "c1.is"))
    assert not names_in(look_for(texts_of([short]), b"see c1.is", tmp_path))
    assert names_in(look_for(texts_of([short]), b"alliance/v1\0domain\0c1.is", tmp_path))
    assert names_in(look_for(texts_of([short]), hashlib.sha256(b"c1.is").digest(), tmp_path))


def test_every_text_has_plain_and_hashed_patterns() -> None:
    patterns = list(patterns_of(b"13912345678"))
    assert len(patterns) == len(set(patterns))
    assert len(patterns) >= 1 + 2 + 3 * 4


def test_a_malformed_text_is_looked_for_as_typed() -> None:
    assert texts_of([Written("phone", " 1391234567O", None)]) == [b" 1391234567O", b"1391234567O"]


def test_the_search_runs_as_a_process(tmp_path: Path) -> None:
    file, order = tmp_path / "content.bin", tmp_path / "order.json"
    file.write_bytes(b"13912345678")
    order.write_text(Order([b"13912345678", "１３９".encode() * 4], [file]).to_json())
    done = subprocess.run(
        [sys.executable, "-m", "alliance_server.demo.search", str(order)], capture_output=True, check=True
    )
    assert fingerprint(b"13912345678").encode() in done.stdout
    assert b"13912345678" not in done.stdout
    assert not done.stderr
