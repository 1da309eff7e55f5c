# ruff: noqa: A001, A002, ERA001, N803, N806 - the RFC's lines are quoted, and its variables keep their names
"""RFC 9497 in VOPRF mode with ristretto255-SHA512, line against line, and additive blinding beside it.

Rules:

- above the code stands the RFC's line; elements and scalars are canonical 32-byte strings (`group.py`), so
  SerializeElement and SerializeScalar are the identity and are not written;
- callers hand in elements that `group.deserialise_element` accepted. Nothing here decodes what comes from
  outside, but for `Proof.from_bytes`;
- a proof is checked before anything is unblinded (§3.3.2). `finalize` below does so; whoever calls
  `unblind...` and `finalize_output` by themselves owes that check: additive blinding is unsafe without it;
- a blind, an offset and a proof nonce serve once. Functions ending in `_with` take them from outside: from a
  caller that drew them, or from published vectors.

What it does not do: OPRF and POPRF modes, limits of a wire message, single use of state (`tagging.py`),
packing (`backend.py`), or arithmetic on several threads.

Constant time: multiplications, inversions and scalar arithmetic are libsodium's. Lengths, counts and the
outcome of a verification are public and are branched on.
"""

import hashlib
import hmac
import os
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple, Self

from alliance.crypto import group
from alliance.crypto.group import Element, RandomBytes, Scalar
from alliance.crypto.hashing import i2osp
from alliance.errors import AllianceError, InvalidBatch, ProofInvalid

# §3.1: modeVOPRF = 0x01
MODE_VOPRF: Final = 0x01
# §3.1: contextString = "OPRFV1-" || I2OSP(mode, 1) || "-" || identifier
CONTEXT_STRING: Final = b"OPRFV1-" + i2osp(MODE_VOPRF, 1) + b"-" + b"ristretto255-SHA512"
# §4.1: the DSTs of the suite; §3.2.1: the one of DeriveKeyPair, which has no dash.
HASH_TO_GROUP_DST: Final = b"HashToGroup-" + CONTEXT_STRING
HASH_TO_SCALAR_DST: Final = b"HashToScalar-" + CONTEXT_STRING
DERIVE_KEY_PAIR_DST: Final = b"DeriveKeyPair" + CONTEXT_STRING

MAX_BATCH: Final = 4096
MAX_INPUT_BYTES: Final = 2**16 - 1
SEED_BYTES: Final = 32
PROOF_BYTES: Final = 64
OUTPUT_BYTES: Final = 64


class InvalidInputError(AllianceError):
    """RFC 9497's InvalidInputError: an input that is too long, or whose element is the identity."""


class DeriveKeyPairError(AllianceError):
    """RFC 9497's DeriveKeyPairError: no key comes from this seed, or the seed has the wrong length."""


class Proof(NamedTuple):
    """A batched DLEQ proof: the challenge c and the response s (RFC 9497 §2.2.1)."""

    c: Scalar
    s: Scalar

    def to_bytes(self) -> bytes:
        """Return c || s, 64 bytes."""
        return self.c + self.s

    @classmethod
    def from_bytes(cls, encoding: bytes) -> Self:
        """Read c || s strictly.

        Raises ProofInvalid if the length is not 64 or a half is not a canonical scalar.
        """
        if len(encoding) != PROOF_BYTES:
            raise ProofInvalid("a proof has 64 bytes")
        try:
            return cls(group.deserialise_scalar(encoding[:32]), group.deserialise_scalar(encoding[32:]))
        except group.InvalidScalarError as error:
            raise ProofInvalid("a proof is two canonical scalars") from error


class BatchProof(NamedTuple):
    """What BlindEvaluate gives: one evaluated element for each blinded one, and one proof for all."""

    evaluatedElements: list[Element]  # noqa: N815 - the RFC's name
    proof: Proof


def check_count(count: int) -> None:
    """Hold a batch against its limits: 1 to 4,096 items.

    Raises InvalidBatch outside them.
    """
    if not 1 <= count <= MAX_BATCH:
        raise InvalidBatch(f"a batch has 1 to {MAX_BATCH} items, not {count}")


def derive_key_pair(seed: bytes, info: bytes) -> tuple[Scalar, Element]:
    """Derive skS and pkS from a secret seed of 32 bytes and public info (RFC 9497 §3.2.1: DeriveKeyPair).

    Raises DeriveKeyPairError if the seed has another length, the info is too long, or 256 tries gave zero.
    """
    if len(seed) != SEED_BYTES or len(info) > MAX_INPUT_BYTES:
        raise DeriveKeyPairError("a seed has 32 bytes, an info at most 65,535")
    # deriveInput = seed || I2OSP(len(info), 2) || info
    deriveInput = seed + i2osp(len(info), 2) + info
    # while skS == 0: if counter > 255: raise DeriveKeyPairError
    for counter in range(256):
        # skS = G.HashToScalar(deriveInput || I2OSP(counter, 1), DST = "DeriveKeyPair" || contextString)
        skS = group.hash_to_scalar(deriveInput + i2osp(counter, 1), DERIVE_KEY_PAIR_DST)
        if not hmac.compare_digest(skS, group.ZERO):
            # pkS = G.ScalarMultGen(skS)
            return skS, group.scalar_mult_base(skS)
    raise DeriveKeyPairError("no key comes from this seed")


def hash_input(input: bytes) -> Element:
    """Hash an input to the group, as the first lines of Blind and Evaluate do (RFC 9497 §3.3.1).

    Raises InvalidInputError if the input is longer than 65,535 bytes or its element is the identity.
    """
    if len(input) > MAX_INPUT_BYTES:
        raise InvalidInputError("an input has at most 65,535 bytes")
    # inputElement = G.HashToGroup(input)
    inputElement = group.hash_to_group(input, HASH_TO_GROUP_DST)
    # if inputElement == G.Identity(): raise InvalidInputError
    if inputElement == group.IDENTITY:
        raise InvalidInputError("the input hashes to the identity")
    return inputElement


def blind_with(input: bytes, blind: Scalar) -> Element:
    """Blind an input with a given scalar, not zero and never used before (RFC 9497 §3.3.1: Blind).

    The RFC's first line, blind = G.RandomScalar(), is `group.random_scalar` on the caller's side.

    Raises InvalidInputError as `hash_input`.
    """
    inputElement = hash_input(input)
    # blindedElement = blind * inputElement
    return group.scalar_mult(blind, inputElement)


def blind_additively_with(input: bytes, offset: Scalar) -> Element:
    """Blind an input as B = H(x) + r·G (protocol §2; draft-irtf-cfrg-voprf-06, appendix "Additive blinding").

    `offset` is r: uniform, not zero, never used before. The output is that of multiplicative blinding.
    Allowed because the public key is authenticated and the proof checked (Jarecki, Krawczyk, Xu: "On the
    (In)Security of the Diffie-Hellman Oblivious PRF with Multiplicative Blinding", PKC 2021).

    Raises InvalidInputError as `hash_input`, or if B is the identity.
    """
    inputElement = hash_input(input)
    blindedElement = group.add(inputElement, group.scalar_mult_base(offset))
    if blindedElement == group.IDENTITY:
        raise InvalidInputError("the blinded element is the identity")
    return blindedElement


def _composite_scalars(B: Element, C: Sequence[Element], D: Sequence[Element]) -> Iterator[Scalar]:
    """Yield the weights di that ComputeComposites and ComputeCompositesFast share (RFC 9497 §2.2.1)."""
    Bm = B
    # seedDST = "Seed-" || contextString
    seedDST = b"Seed-" + CONTEXT_STRING
    # seedTranscript = I2OSP(len(Bm), 2) || Bm || I2OSP(len(seedDST), 2) || seedDST
    seedTranscript = i2osp(len(Bm), 2) + Bm + i2osp(len(seedDST), 2) + seedDST
    # seed = Hash(seedTranscript)
    seed = hashlib.sha512(seedTranscript).digest()
    # for i in range(m):
    for i, (Ci, Di) in enumerate(zip(C, D, strict=True)):
        # compositeTranscript = I2OSP(len(seed), 2) || seed || I2OSP(i, 2) ||
        #   I2OSP(len(Ci), 2) || Ci || I2OSP(len(Di), 2) || Di || "Composite"
        compositeTranscript = (
            i2osp(len(seed), 2) + seed + i2osp(i, 2)
            + i2osp(len(Ci), 2) + Ci + i2osp(len(Di), 2) + Di + b"Composite"
        )  # fmt: skip
        # di = G.HashToScalar(compositeTranscript)
        yield group.hash_to_scalar(compositeTranscript, HASH_TO_SCALAR_DST)


def compute_composites_fast(
    k: Scalar, B: Element, C: Sequence[Element], D: Sequence[Element]
) -> tuple[Element, Element]:
    """Combine C into M and set Z = k·M: the prover's way (RFC 9497 §2.2.1: ComputeCompositesFast)."""
    # M = G.Identity()
    M = group.IDENTITY
    for di, Ci in zip(_composite_scalars(B, C, D), C, strict=True):
        # M = di * C[i] + M
        M = group.add(group.scalar_mult(di, Ci), M)
    # Z = k * M
    Z = group.scalar_mult(k, M)
    # return (M, Z)
    return M, Z


def compute_composites(B: Element, C: Sequence[Element], D: Sequence[Element]) -> tuple[Element, Element]:
    """Combine C into M and D into Z: the verifier's way (RFC 9497 §2.2.2: ComputeComposites)."""
    # M = G.Identity(), Z = G.Identity()
    M = Z = group.IDENTITY
    for di, Ci, Di in zip(_composite_scalars(B, C, D), C, D, strict=True):
        # M = di * C[i] + M
        M = group.add(group.scalar_mult(di, Ci), M)
        # Z = di * D[i] + Z
        Z = group.add(group.scalar_mult(di, Di), Z)
    # return (M, Z)
    return M, Z


def _challenge(B: Element, M: Element, Z: Element, t2: Element, t3: Element) -> Scalar:
    """Hash the transcript that GenerateProof and VerifyProof share (RFC 9497 §2.2.1)."""
    # Bm = G.SerializeElement(B), a0 = ... M, a1 = ... Z, a2 = ... t2, a3 = ... t3
    # challengeTranscript = I2OSP(len(Bm), 2) || Bm || I2OSP(len(a0), 2) || a0 || I2OSP(len(a1), 2) || a1 ||
    #   I2OSP(len(a2), 2) || a2 || I2OSP(len(a3), 2) || a3 || "Challenge"
    challengeTranscript = b"".join(i2osp(len(a), 2) + a for a in (B, M, Z, t2, t3)) + b"Challenge"
    # c = G.HashToScalar(challengeTranscript)
    return group.hash_to_scalar(challengeTranscript, HASH_TO_SCALAR_DST)


def generate_proof_with(
    r: Scalar, k: Scalar, A: Element, B: Element, C: Sequence[Element], D: Sequence[Element]
) -> Proof:
    """Prove with a given nonce r that B = k·A and every D[i] = k·C[i] (RFC 9497 §2.2.1: GenerateProof).

    Two proofs under one r give the key away: outside of vectors, r is fresh and secret.

    Raises InvalidBatch if C and D differ in length or their length is not 1 to 4,096.
    """
    _check_lists(C, D)
    # (M, Z) = ComputeCompositesFast(k, B, C, D)
    M, Z = compute_composites_fast(k, B, C, D)
    # t2 = r * A
    t2 = group.scalar_mult(r, A)
    # t3 = r * M
    t3 = group.scalar_mult(r, M)
    c = _challenge(B, M, Z, t2, t3)
    # s = r - c * k
    s = group.scalar_subtract(r, group.scalar_multiply(c, k))
    # return [c, s]
    return Proof(c, s)


def verify_proof(A: Element, B: Element, C: Sequence[Element], D: Sequence[Element], proof: Proof) -> None:
    """Check that one k takes A to B and every C[i] to D[i] (RFC 9497 §2.2.2: VerifyProof).

    Raises ProofInvalid if it does not; InvalidBatch if C and D differ in length, are empty or too long.
    """
    _check_lists(C, D)
    # (M, Z) = ComputeComposites(B, C, D)
    M, Z = compute_composites(B, C, D)
    # c = proof[0], s = proof[1]
    c, s = proof
    # t2 = ((s * A) + (c * B))
    t2 = group.add(group.scalar_mult(s, A), group.scalar_mult(c, B))
    # t3 = ((s * M) + (c * Z))
    t3 = group.add(group.scalar_mult(s, M), group.scalar_mult(c, Z))
    expectedC = _challenge(B, M, Z, t2, t3)
    # return expectedC == c
    if not hmac.compare_digest(expectedC, c):
        raise ProofInvalid("the proof does not verify under this public key")


def _check_lists(C: Sequence[Element], D: Sequence[Element]) -> None:
    """Hold two lists of a statement against each other and the limits."""
    check_count(len(C))
    if len(C) != len(D):
        raise InvalidBatch("blinded and evaluated elements differ in number")


def blind_evaluate_with(r: Scalar, skS: Scalar, pkS: Element, blindedElements: Sequence[Element]) -> BatchProof:
    """Evaluate blinded elements and prove it with a given nonce (RFC 9497 §3.3.2: BlindEvaluate, batched)."""
    check_count(len(blindedElements))
    # evaluatedElement = skS * blindedElement
    evaluatedElements = [group.scalar_mult(skS, blindedElement) for blindedElement in blindedElements]
    # proof = GenerateProof(skS, G.Generator(), pkS, blindedElements, evaluatedElements)
    proof = generate_proof_with(r, skS, group.GENERATOR, pkS, blindedElements, evaluatedElements)
    # return evaluatedElement, proof
    return BatchProof(evaluatedElements, proof)


def blind_evaluate(
    skS: Scalar, pkS: Element, blindedElements: Sequence[Element], *, random_bytes: RandomBytes = os.urandom
) -> BatchProof:
    """Evaluate blinded elements and prove it (RFC 9497 §3.3.2: BlindEvaluate, batched).

    Raises InvalidBatch if their number is not 1 to 4,096.
    """
    # r = G.RandomScalar()
    return blind_evaluate_with(group.random_scalar(random_bytes), skS, pkS, blindedElements)


def unblind(blinds: Sequence[Scalar], evaluatedElements: Sequence[Element]) -> list[Element]:
    """Take blinds off verified elements, with one inversion for all (RFC 9497 §3.3.1: start of Finalize)."""
    # N = G.ScalarInverse(blind) * evaluatedElement
    pairs = zip(group.batch_invert(blinds), evaluatedElements, strict=True)
    return [group.scalar_mult(inverse, evaluatedElement) for inverse, evaluatedElement in pairs]


def unblind_additively(offsets: Sequence[Scalar], evaluatedElements: Sequence[Element], pkS: Element) -> list[Element]:
    """Take offsets off verified elements: N = k·B - r·pkS (protocol §2)."""
    pairs = zip(offsets, evaluatedElements, strict=True)
    return [group.subtract(evaluatedElement, group.scalar_mult(r, pkS)) for r, evaluatedElement in pairs]


def finalize_output(input: bytes, unblindedElement: Element) -> bytes:
    """Hash an input and its unblinded element to 64 bytes of output (RFC 9497 §3.3.1: end of Finalize)."""
    # hashInput = I2OSP(len(input), 2) || input ||
    #   I2OSP(len(unblindedElement), 2) || unblindedElement || "Finalize"
    hashInput = i2osp(len(input), 2) + input + i2osp(len(unblindedElement), 2) + unblindedElement + b"Finalize"
    # return Hash(hashInput)
    return hashlib.sha512(hashInput).digest()


def finalize(
    inputs: Sequence[bytes],
    blinds: Sequence[Scalar],
    evaluatedElements: Sequence[Element],
    blindedElements: Sequence[Element],
    pkS: Element,
    proof: Proof,
) -> list[bytes]:
    """Verify, unblind and hash a multiplicatively blinded batch (RFC 9497 §3.3.2: Finalize, batched).

    Raises ProofInvalid, the RFC's VerifyError, with nothing unblinded; InvalidBatch if the lists of elements
    differ in length, are empty or too long.
    """
    # if VerifyProof(G.Generator(), pkS, blindedElements, evaluatedElements, proof) == false:
    #   raise VerifyError
    verify_proof(group.GENERATOR, pkS, blindedElements, evaluatedElements, proof)
    unblindedElements = unblind(blinds, evaluatedElements)
    return [finalize_output(input, element) for input, element in zip(inputs, unblindedElements, strict=True)]


def evaluate(skS: Scalar, input: bytes) -> bytes:
    """Compute the output of an input in clear, as only the key's holder can (RFC 9497 §3.3.1: Evaluate).

    Raises InvalidInputError as `hash_input`.
    """
    # evaluatedElement = skS * inputElement
    evaluatedElement = group.scalar_mult(skS, hash_input(input))
    # issuedElement = G.SerializeElement(evaluatedElement), then as in Finalize
    return finalize_output(input, evaluatedElement)
