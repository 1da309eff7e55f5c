"""Any changed, added, removed or reordered byte of a bundle is found, and its file or region is named."""

import io
from collections.abc import Iterator
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.bundles import ALLIANCE, CASE, MadeCase, verified
from support.case_parts import NOW

from alliance.cases.bundle import ustar
from alliance.cases.bundle.reading import read
from alliance.cases.bundle.report import BundleReport
from alliance.cases.bundle.writing import Source, Titles, write
from alliance.crypto.signing import SigningKey

MANIFEST = {"manifest.json", "manifest.signature"}


@cache
def whole() -> bytes:
    """Give a bundle of a whole case; most bytes are its files'."""
    return MadeCase().bundle()


def regions(bundle: bytes) -> list[tuple[int, int, set[str]]]:
    """Give where each region of a bundle begins and ends, and by which places a fault in it may be named."""
    found: list[tuple[int, int, set[str]]] = []
    at = 0
    while bundle[at : at + 1] != b"\x00":
        told = ustar.told(bundle[at : at + ustar.BLOCK])
        assert told is not None
        name, size = told
        begin, end = at + ustar.BLOCK, at + ustar.BLOCK + size
        padded = end + ustar.padding(size)
        found += [
            (at, begin, {f"header of {name}"}),
            (begin, end, MANIFEST if name in MANIFEST else {name}),
            (end, padded, {f"padding after {name}"}),
        ]
        at = padded
    return [*found, (at, len(bundle), {"end of the archive"})]


def places(bundle: bytes) -> set[str]:
    return {fault.place for fault in verified(bundle).faults}


def test_regions_are_all_there_is() -> None:
    found = regions(whole())
    assert [end for _, end, _ in found[:-1]] == [begin for begin, _, _ in found[1:]]
    assert (found[0][0], found[-1][1]) == (0, len(whole()))


def flipped(bundle: bytes, at: int, bit: int) -> bytes:
    return bundle[:at] + bytes([bundle[at] ^ (1 << bit)]) + bundle[at + 1 :]


def container_places(bundle: bytes, original: bytes) -> set[str]:
    """Give what reading alone finds; whether the manifest is what was signed, verification looks at."""
    report, signed = BundleReport(), BundleReport()
    contents, before = read(io.BytesIO(bundle), report), read(io.BytesIO(original), signed)
    assert before is not None
    found = {fault.place for fault in report.faults}
    if contents is not None and (contents.signed, contents.signature) != (before.signed, before.signature):
        found |= MANIFEST
    return found


def test_every_flipped_byte_of_an_archive_is_found_and_its_region_named() -> None:
    key = SigningKey.generate()[0]
    out = io.BytesIO()
    titles = Titles(ALLIANCE, key.public_key, CASE, "A-1", "first", NOW)
    write(out, titles, [Source.of("README.txt", b""), Source.of("case/a.pdf", bytes(range(200)))], key)
    bundle = out.getvalue()
    for begin, end, names in regions(bundle):
        for at in range(begin, end):
            found = container_places(flipped(bundle, at, at % 8), bundle)
            assert names & found, (at, names, found)


def _sampled(bundle: bytes) -> Iterator[tuple[int, set[str]]]:
    """Give the first and the last byte of every region, and one of every field of every header."""
    fields = [begin for _, begin, _ in ustar.FIELDS]
    for begin, end, names in regions(bundle):
        if begin < end:
            yield from ((at, names) for at in {begin, end - 1, (begin + end) // 2})
        if any(name.startswith("header of ") for name in names):
            yield from ((begin + field, names) for field in fields)


def test_every_region_of_a_case_s_bundle_is_guarded() -> None:
    for at, names in _sampled(whole()):
        assert names & container_places(flipped(whole(), at, 0), whole()), (at, names)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, len(whole()) - 1), st.integers(0, 7))
def test_a_flipped_bit_is_found(at: int, bit: int) -> None:
    (names,) = [names for begin, end, names in regions(whole()) if begin <= at < end]
    assert names & places(flipped(whole(), at, bit))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, len(whole())), st.binary(min_size=1, max_size=1100))
def test_an_inserted_byte_is_found(at: int, more: bytes) -> None:
    assert places(whole()[:at] + more + whole()[at:])


@settings(deadline=None, max_examples=40)
@given(st.integers(0, len(whole()) - 1), st.integers(1, 1100))
def test_a_removed_byte_is_found(at: int, fewer: int) -> None:
    assert places(whole()[:at] + whole()[at + fewer :])


@settings(deadline=None, max_examples=40)
@given(st.integers(0, len(whole()) - 1))
def test_a_bundle_that_ends_too_soon_is_found(at: int) -> None:
    assert places(whole()[:at])


@pytest.mark.parametrize("more", [b"\x00", b"x", bytes(512), bytes(10240)])
def test_whatever_follows_the_end_is_found(more: bytes) -> None:
    assert places(whole() + more) == {"end of the archive"}


def _files(bundle: bytes) -> list[tuple[str, bytes]]:
    found = regions(bundle)[:-1]
    return [
        (next(iter(names)).removeprefix("header of "), bundle[begin : found[number + 2][1]])
        for number, (begin, _, names) in enumerate(found)
        if number % 3 == 0
    ]


def _archive(files: list[tuple[str, bytes]]) -> bytes:
    return b"".join(content for _, content in files) + ustar.END


def test_a_file_that_is_there_twice_or_not_at_all_or_elsewhere_is_named() -> None:
    files = _files(whole())
    assert _archive(files) == whole()
    for number, (name, _) in list(enumerate(files))[::3]:
        twice = [*files[: number + 1], *files[number:]]
        assert name in places(_archive(twice))
        gone = [*files[:number], *files[number + 1 :]]
        assert {name, f"header of {name}"} & places(_archive(gone))
        if 1 < number < len(files) - 1:
            swapped = [*files[:number], files[number + 1], files[number], *files[number + 2 :]]
            assert places(_archive(swapped)) == {files[number + 1][0]}


def test_a_file_that_was_added_is_named_and_nothing_else() -> None:
    added = ustar.header("case/added.statement", 3) + b"new" + bytes(ustar.padding(3))
    for number in range(2, len(_files(whole())), 5):
        files = _files(whole())
        files.insert(number, ("", added))
        assert places(_archive(files)) == {"case/added.statement"}


def test_a_file_in_the_manifest_of_another_size_is_named() -> None:
    files = _files(whole())
    name, _ = files[4]
    longer = b"x" * 700
    files[4] = (name, ustar.header(name, len(longer)) + longer + bytes(ustar.padding(len(longer))))
    assert name in places(_archive(files))


def test_several_faults_are_all_listed() -> None:
    bundle = whole()
    begins = {next(iter(names)): begin for begin, _, names in regions(bundle)[6:] if len(names) == 1}
    for at in begins.values():
        bundle = flipped(bundle, at, 0) if at < len(bundle) else bundle
    assert begins.keys() <= places(bundle)
