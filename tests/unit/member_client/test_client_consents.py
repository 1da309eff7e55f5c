"""Consent: what is needed, what is committed to, what is never shown."""

from hashlib import sha256
from pathlib import Path

import pytest

from alliance.crypto import merkle
from alliance.taxonomy import Purpose
from member_client import Consent, ConsentMissing, InvalidUse
from member_client._consents import committed, needed, nonces

A, B, BASIS = Consent.of(b"pdf a"), Consent.of(b"pdf b"), Consent.of("basis-7")
PERSONAL = [Purpose.LOAN_APPLICATION, Purpose.ACCOUNT_OPENING, Purpose.TRANSACTION, Purpose.DISPUTE]


@pytest.mark.parametrize("purpose", PERSONAL)
def test_each_item_needs_a_consent(purpose: Purpose) -> None:
    assert needed(purpose, [A, None, B], BASIS) == (A.digest, BASIS.digest, B.digest)
    with pytest.raises(ConsentMissing):
        needed(purpose, [A, None], None)


@pytest.mark.parametrize("purpose", [Purpose.PORTFOLIO_SCREENING, Purpose.CONTRIBUTION])
def test_a_batch_needs_one_basis(purpose: Purpose) -> None:
    assert needed(purpose, [None, None], BASIS) == (BASIS.digest,)
    assert needed(purpose, [A, B], None) == (A.digest, B.digest)
    with pytest.raises(ConsentMissing):
        needed(purpose, [None, A], None)


def test_rotation_needs_none() -> None:
    assert needed(Purpose.ROTATION, [None], None) == ()
    assert committed(()).root == b""


def test_the_root_is_that_of_salted_leaves_and_can_be_opened_later() -> None:
    commitment = committed([A.digest, B.digest])
    hidden = zip(nonces(commitment.seed, 2), commitment.digests, strict=True)
    leaves = [sha256(nonce + digest).digest() for nonce, digest in hidden]
    assert commitment.root == merkle.root(leaves)
    assert committed(commitment.digests, commitment.seed).root == commitment.root
    assert committed(commitment.digests).root != commitment.root


def test_evidence_policy_and_sort_of_evidence_tell_consents_apart(tmp_path: Path) -> None:
    file = tmp_path / "consent.pdf"
    file.write_bytes(b"pdf a")
    assert Consent.of(file) == A
    assert Consent.of("pdf a") != A
    assert Consent.of(b"pdf a", policy="privacy-2026-03") != A


@pytest.mark.parametrize("evidence", [b"", "", "  ", Path("/nowhere/at/all")])
def test_no_evidence_is_no_consent(evidence: bytes | str | Path) -> None:
    with pytest.raises(InvalidUse):
        Consent.of(evidence)


def test_nothing_of_a_consent_is_printed() -> None:
    assert A.digest.hex() not in repr(A)
    assert "pdf" not in repr(A)
