"""Cover: how much of it, chosen by the key and the tag alone, and telling nothing of the tag."""

from client_fixtures import tag

from alliance.crypto import bloom
from alliance.crypto.secret import Secret
from member_client._cover import Cover

TAGS = [tag(number) for number in range(20_000)]
PACKED = b"".join(TAGS)
COVER, OTHER = Cover(Secret(b"c" * 32)), Cover(Secret(b"d" * 32))


def covered(cover: Cover, tags: list[bytes]) -> set[int]:
    """Places of the tags that are covered for."""
    return {place for place, one in enumerate(tags) if cover.prefixes(one, (), 20)}


def test_one_miss_in_a_hundred_is_covered_for() -> None:
    assert 140 < len(covered(COVER, TAGS)) < 260


def test_the_key_and_the_tag_alone_choose() -> None:
    together = COVER.prefixes(PACKED, (), 20)
    assert together == Cover(Secret(b"c" * 32)).prefixes(PACKED[320_000:] + PACKED[:320_000], (), 20)
    assert together == frozenset().union(*(COVER.prefixes(one, (), 20) for one in TAGS))
    assert len(covered(COVER, TAGS) & covered(OTHER, TAGS)) < 12
    assert len(together & OTHER.prefixes(PACKED, (), 20)) < 5


def test_a_prefix_of_cover_is_not_the_tags() -> None:
    chosen = COVER.prefixes(PACKED, (), 20)
    assert len(chosen & {bloom.prefix_of(one, 20) for one in TAGS}) < 40
    assert len({prefix >> 16 for prefix in chosen}) == 16
    assert all(prefix < 2**20 for prefix in chosen)
    assert COVER.prefixes(PACKED, (), 0) == {0}


def test_hits_have_no_cover_and_do_not_change_that_of_misses() -> None:
    places = covered(COVER, TAGS)
    assert COVER.prefixes(PACKED, places, 20) == frozenset()
    one = min(places)
    assert COVER.prefixes(PACKED, places - {one}, 20) == COVER.prefixes(TAGS[one], (), 20)


def test_the_key_is_not_shown() -> None:
    assert "cccc" not in repr(COVER)
