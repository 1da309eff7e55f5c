"""Files of filter bits: right or absent."""

import stat
from hashlib import sha256
from pathlib import Path

import pytest

from alliance.errors import FilterInvalid
from alliance_server.storage.snapshot_files import FileSnapshots

BITS = bytes(range(256)) * 40


def test_bits_come_back_by_their_digest(tmp_path: Path) -> None:
    files = FileSnapshots(tmp_path / "snapshots")
    digest = files.save(BITS)
    assert digest == sha256(BITS).digest()
    assert files.save(bytearray(BITS)) == digest
    assert files.load(digest) == BITS
    (path,) = (tmp_path / "snapshots").iterdir()
    assert path.name == f"{digest.hex()}.bits"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(("offset", "size"), [(0, 1000), (1, 4096), (len(BITS) - 1, 10), (len(BITS), 10)])
def test_chunks_from_an_offset(tmp_path: Path, offset: int, size: int) -> None:
    files = FileSnapshots(tmp_path)
    chunks = list(files.chunks(files.save(BITS), offset, size))
    assert b"".join(chunks) == BITS[offset:]
    assert all(len(chunk) <= size for chunk in chunks)


def test_a_changed_file_is_not_believed(tmp_path: Path) -> None:
    files = FileSnapshots(tmp_path)
    digest = files.save(BITS)
    (path,) = tmp_path.iterdir()
    path.write_bytes(BITS[:-1] + b"\x00")
    with pytest.raises(FilterInvalid, match="changed"):
        files.load(digest)


def test_a_missing_file_is_said_so(tmp_path: Path) -> None:
    files = FileSnapshots(tmp_path)
    digest = files.save(BITS)
    files.delete(digest)
    files.delete(digest)
    with pytest.raises(FilterInvalid, match="missing"):
        files.load(digest)
    with pytest.raises(FilterInvalid, match="missing"):
        next(iter(files.chunks(digest, 0, 10)))
