"""`oprf`: edges that the vectors do not reach."""

import pytest

from alliance.crypto import group, oprf
from alliance.errors import InvalidBatch, ProofInvalid

SK, PK = oprf.derive_key_pair(bytes(range(32)), b"unit")


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_seed_has_32_bytes(length: int) -> None:
    with pytest.raises(oprf.DeriveKeyPairError):
        oprf.derive_key_pair(bytes(length), b"")


def test_the_info_of_a_key_has_a_limit() -> None:
    oprf.derive_key_pair(bytes(32), bytes(65535))
    with pytest.raises(oprf.DeriveKeyPairError):
        oprf.derive_key_pair(bytes(32), bytes(65536))


def test_derive_key_pair_gives_up_after_256_zeros(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[bytes] = []

    def zero(msg: bytes, dst: bytes) -> group.Scalar:
        tries.append(msg)
        return group.ZERO

    monkeypatch.setattr(group, "hash_to_scalar", zero)
    with pytest.raises(oprf.DeriveKeyPairError):
        oprf.derive_key_pair(bytes(32), b"")
    assert [msg[-1] for msg in tries] == list(range(256))


def test_inputs_have_a_limit() -> None:
    oprf.hash_input(bytes(65535))
    with pytest.raises(oprf.InvalidInputError):
        oprf.hash_input(bytes(65536))


def test_an_input_that_hashes_to_the_identity_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group, "hash_to_group", lambda *_: group.IDENTITY)
    for attempt in (oprf.blind_with, oprf.blind_additively_with):
        with pytest.raises(oprf.InvalidInputError):
            attempt(b"x", group.ONE)
    with pytest.raises(oprf.InvalidInputError):
        oprf.evaluate(SK, b"x")


def test_an_offset_that_gives_the_identity_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    opposite = group.subtract(group.IDENTITY, group.GENERATOR)
    monkeypatch.setattr(group, "hash_to_group", lambda *_: opposite)
    with pytest.raises(oprf.InvalidInputError):
        oprf.blind_additively_with(b"x", group.ONE)


@pytest.mark.parametrize("encoding", [b"", bytes(63), bytes(65), b"\xff" * 64, bytes(32) + b"\xff" * 32])
def test_a_proof_is_two_canonical_scalars(encoding: bytes) -> None:
    with pytest.raises(ProofInvalid):
        oprf.Proof.from_bytes(encoding)


@pytest.mark.parametrize("zeros", [slice(0, 32), slice(32, 64), slice(0, 64)])
def test_zero_scalars_in_a_proof_are_a_wrong_proof_and_no_crash(zeros: slice) -> None:
    blinded = [oprf.blind_with(b"x", group.random_scalar())]
    evaluated, proof = oprf.blind_evaluate(SK, PK, blinded)
    encoding = bytearray(proof.to_bytes())
    encoding[zeros] = bytes(len(encoding[zeros]))
    with pytest.raises(ProofInvalid):
        oprf.verify_proof(group.GENERATOR, PK, blinded, evaluated, oprf.Proof.from_bytes(bytes(encoding)))


def test_lists_of_a_statement_go_together() -> None:
    proof = oprf.Proof(group.ONE, group.ONE)
    one = [group.GENERATOR]
    for c, d in [(one, one * 2), (one * 2, one), ([], [])]:
        with pytest.raises(InvalidBatch):
            oprf.verify_proof(group.GENERATOR, PK, c, d, proof)
        with pytest.raises(InvalidBatch):
            oprf.generate_proof_with(group.ONE, SK, group.GENERATOR, PK, c, d)


@pytest.mark.parametrize("count", [0, -1, 4097])
def test_counts_outside_the_limits(count: int) -> None:
    with pytest.raises(InvalidBatch):
        oprf.check_count(count)


def test_evaluated_items_may_not_change_places_by_a_compensating_error() -> None:
    # Sums stay the same without the weights di: +G on one item, -G on the other. The weights must tell.
    blinded = [oprf.blind_with(item, group.random_scalar()) for item in (b"a", b"b")]
    evaluated, proof = oprf.blind_evaluate(SK, PK, blinded)
    moved = [group.add(evaluated[0], group.GENERATOR), group.subtract(evaluated[1], group.GENERATOR)]
    with pytest.raises(ProofInvalid):
        oprf.verify_proof(group.GENERATOR, PK, blinded, moved, proof)


def test_every_proof_has_a_nonce_of_its_own() -> None:
    blinded = [oprf.blind_with(b"x", group.ONE)]
    proofs = {oprf.blind_evaluate(SK, PK, blinded).proof for _ in range(5)}
    assert len(proofs) == 5
