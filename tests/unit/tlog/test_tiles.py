"""Nodes out of tiles: many proofs of neighbours cost the reading of few."""

from alliance.crypto import merkle
from alliance.tlog.growing import GrowingTree
from alliance.tlog.tiles import Tile, nodes_of

SIZE = 20_000


def test_proofs_of_neighbours_read_their_tiles_once_and_hold_few_of_many() -> None:
    leaves = [merkle.leaf_hash(at.to_bytes(4)) for at in range(SIZE)]
    tree = GrowingTree()
    held = {tile: b"".join(hashes) for tile, hashes in [*tree.add(leaves), *tree.rest()]}
    asked: list[Tile] = []

    def read(tile: Tile) -> bytes:
        asked.append(tile)
        return held[tile]

    nodes = nodes_of(SIZE, read)
    for index in range(5_000, 6_000):
        merkle.verify_inclusion(leaves[index], index, SIZE, merkle.inclusion_proof(index, SIZE, nodes), tree.root())
    assert len(asked) == len(set(asked)) <= 8
    for index in [*range(0, SIZE, 200), *range(0, SIZE, 200)]:
        merkle.verify_inclusion(leaves[index], index, SIZE, merkle.inclusion_proof(index, SIZE, nodes), tree.root())
    assert len(asked) > len(set(asked))  # what was read long ago was let go
