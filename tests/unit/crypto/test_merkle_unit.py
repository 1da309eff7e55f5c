"""`merkle`: the published roots of Certificate Transparency and the definition itself."""

import hashlib
from collections.abc import Sequence

import pytest

from alliance.crypto import merkle

# Leaves and roots of transparency-dev/merkle `testonly/constants.go` (LeafInputs, RootHashes), which go back to
# google/certificate-transparency's `merkle_tree_test.cc`.
LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def by_definition(leaves: list[bytes]) -> bytes:
    """RFC 9162 §2.1.1, word for word: k is the largest power of two smaller than n."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return merkle.leaf_hash(leaves[0])
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return merkle.node_hash(by_definition(leaves[:k]), by_definition(leaves[k:]))


def test_the_lists_are_complete() -> None:
    assert (len(LEAVES), len(ROOTS)) == (8, 9)


@pytest.mark.parametrize("size", range(9))
def test_published_roots(size: int) -> None:
    assert merkle.root(LEAVES[:size]).hex() == ROOTS[size]


@pytest.mark.parametrize("size", [*range(1, 40), 63, 64, 65, 255, 256, 257])
def test_the_stream_gives_the_root_of_the_definition(size: int) -> None:
    leaves = [index.to_bytes(2, "big") for index in range(size)]
    assert merkle.root(leaf for leaf in leaves) == by_definition(leaves)


def test_a_leaf_is_never_a_node() -> None:
    left, right = merkle.leaf_hash(b"a"), merkle.leaf_hash(b"b")
    assert merkle.root([b"a", b"b"]) != merkle.root([left + right])


def test_order_and_number_count() -> None:
    assert merkle.root([b"a", b"b"]) != merkle.root([b"b", b"a"])
    assert merkle.root([b"a", b"b", b"b"]) != merkle.root([b"a", b"b"])


@pytest.mark.parametrize(("size", "nodes"), [(0, 1), (1, 0), (3, 1), (4, 2)])
def test_a_frontier_has_the_nodes_of_its_size(size: int, nodes: int) -> None:
    with pytest.raises(ValueError, match="frontier"):
        merkle.Frontier(size, (bytes(32),) * nodes)
    with pytest.raises(ValueError, match="frontier"):
        merkle.Frontier(1, (bytes(31),))


def nothing(_: Sequence[merkle.Node]) -> list[bytes]:
    return []


@pytest.mark.parametrize(("first", "second"), [(0, 1), (2, 1), (-1, 1)])
def test_no_proof_of_consistency_leads_there(first: int, second: int) -> None:
    with pytest.raises(ValueError, match="leads from"):
        merkle.consistency_proof(first, second, nothing)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 1)])
def test_no_proof_of_inclusion_is_of_a_leaf_beyond(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="below the size"):
        merkle.inclusion_proof(index, size, nothing)


def test_proofs_are_made_of_the_nodes_that_were_asked_for() -> None:
    with pytest.raises(ValueError, match="other nodes"):
        merkle.inclusion_proof(0, 2, nothing)
