"""Buckets: whose entries are read, and what is believed."""

from dataclasses import replace

import pytest
from client_fixtures import NOW, bucket_entry, new_signing_key, sealed_claim, tag

from alliance import statements
from alliance.crypto.secret import Secret
from alliance.crypto.signing import VerifyingKey
from alliance.identifiers import Kind
from alliance.taxonomy import DAY_MS, ClaimStatus
from alliance.v1 import bucket_pb2
from alliance.v1.bucket_pb2 import BucketEntry
from alliance.v1.claim_pb2 import ClaimStatusChange
from member_client._buckets import Circumstances, Hit, by_prefix, judged, judged_in_turn

HUB, BETA = new_signing_key(1), new_signing_key(2)
LABEL_KEY = b"L" * 32
HIT = Hit(Kind.PHONE, tag(1), Secret(LABEL_KEY), (0, 3))
KEYS = {"beta": VerifyingKey(BETA.public_key), "alpha": VerifyingKey(BETA.public_key)}
HERE = Circumstances(epoch=1, member="alpha", hub_key=VerifyingKey(HUB.public_key), key_of=KEYS.get, now_ms=NOW)
BROKEN = (("entry_id", b""), ("entry_id", bytes(15)), ("handle", b""), ("handle", bytes(17)))
BOX, MISMATCH, SIGNATURE = (
    bucket_pb2.ENTRY_FINDING_BOX_INVALID,
    bucket_pb2.ENTRY_FINDING_CLAIM_MISMATCH,
    bucket_pb2.ENTRY_FINDING_SIGNATURE_INVALID,
)


def status_entry(status: int, *, about: bytes | None = None, signer: int = 1) -> BucketEntry:
    claim = sealed_claim(BETA, "beta", HIT.tag, LABEL_KEY)
    change = ClaimStatusChange(entry_id=about or claim.entry_id, version=1, changed_at=NOW)
    change.status = ClaimStatusChange(status=status).status  # type: ignore[arg-type]
    statement = new_signing_key(signer).statement(statements.CLAIM_STATUS, change.SerializeToString())
    return bucket_entry(claim, status=statement)


def finding(entry: BucketEntry, circumstances: Circumstances = HERE) -> bucket_pb2.EntryFinding.ValueType | None:
    found, faults = judged([entry], [HIT], circumstances)
    assert not (found and faults)
    return faults[0].finding if faults else None


def test_our_entry_is_believed_and_others_are_left_unread() -> None:
    ours = bucket_entry(sealed_claim(BETA, "beta", HIT.tag, LABEL_KEY))
    others = [bucket_entry(sealed_claim(BETA, "beta", tag(n), b"%032d" % n)) for n in range(2, 40)]
    found, faults = judged([*others, ours], [HIT], HERE)
    assert [one.claim.entry_id for one in found] == [ours.entry_id]
    assert (found[0].status, faults) == (ClaimStatus.ACTIVE, [])


def test_own_and_expired_claims_are_left_out() -> None:
    own = bucket_entry(sealed_claim(BETA, "alpha", HIT.tag, LABEL_KEY))
    over = bucket_entry(sealed_claim(BETA, "beta", HIT.tag, LABEL_KEY))
    assert judged([own], [HIT], HERE) == ([], [])
    assert judged([over], [HIT], replace(HERE, now_ms=NOW + DAY_MS)) == ([], [])
    assert len(judged([over], [HIT], replace(HERE, now_ms=NOW + DAY_MS - 1))[0]) == 1


def test_an_entry_without_an_id_or_handle_is_nobodys_and_hides_no_other() -> None:
    ours = bucket_entry(sealed_claim(BETA, "beta", HIT.tag, LABEL_KEY))
    broken = [bucket_entry(sealed_claim(BETA, "beta", HIT.tag, LABEL_KEY), **{name: value}) for name, value in BROKEN]
    found, faults = judged([*broken, ours], [HIT], HERE)
    assert ([one.claim.entry_id for one in found], faults) == ([ours.entry_id], [])


def test_every_hit_of_a_bucket_finds_its_own() -> None:
    hits = [Hit(Kind.PHONE, tag(number), Secret(b"%032d" % number), (number,)) for number in range(5)]
    claims = [sealed_claim(BETA, "beta", hit.tag, hit.label_key.reveal()) for hit in hits]
    buckets = [([bucket_entry(claims[3]), bucket_entry(claims[0])], hits[:4]), ([bucket_entry(claims[4])], hits[4:])]
    found, faults = judged_in_turn(buckets, HERE)
    assert ([one.hit.places for one in found], faults) == ([(3,), (0,), (4,)], [])


def test_a_wrong_box_or_claim_is_a_fault() -> None:
    claim = sealed_claim(BETA, "beta", HIT.tag, LABEL_KEY)
    changed = bytearray(claim.box)
    changed[100] ^= 1
    assert finding(bucket_entry(claim, box=bytes(changed))) == BOX
    assert finding(bucket_entry(claim, box=b"short")) == BOX
    assert finding(bucket_entry(sealed_claim(BETA, "beta", tag(2), LABEL_KEY))) == BOX
    assert finding(bucket_entry(sealed_claim(BETA, "beta", HIT.tag, LABEL_KEY, epoch=2))) == BOX
    assert finding(bucket_entry(sealed_claim(BETA, "beta", HIT.tag, LABEL_KEY, kind=Kind.EMAIL))) == MISMATCH
    for digest in (b"", bytes(32), bytes(1024)):
        assert finding(bucket_entry(claim, claim_sha256=digest)) == MISMATCH


def test_a_wrong_signature_or_an_unknown_contributor_is_a_fault() -> None:
    forged = bucket_entry(sealed_claim(new_signing_key(9), "beta", HIT.tag, LABEL_KEY))
    stranger = bucket_entry(sealed_claim(BETA, "gamma", HIT.tag, LABEL_KEY))
    assert finding(forged) == SIGNATURE
    faults = judged([stranger], [HIT], HERE)[1]
    assert (faults[0].finding, faults[0].unknown_contributor) == (SIGNATURE, True)


@pytest.mark.parametrize("status", [ClaimStatus.DISPUTED, ClaimStatus.SUSPENDED, ClaimStatus.ACTIVE])
def test_the_hubs_word_on_a_status_is_taken(status: ClaimStatus) -> None:
    assert judged([status_entry(status)], [HIT], HERE)[0][0].status is status


def test_a_claim_that_is_not_live_is_left_out() -> None:
    assert judged([status_entry(ClaimStatus.WITHDRAWN)], [HIT], HERE) == ([], [])


def test_a_status_of_another_claim_or_signer_is_a_fault() -> None:
    assert finding(status_entry(ClaimStatus.SUSPENDED, about=b"x" * 16)) == SIGNATURE
    assert finding(status_entry(ClaimStatus.SUSPENDED, signer=2)) == SIGNATURE
    assert finding(status_entry(77)) == SIGNATURE


def test_hits_are_sorted_by_prefix() -> None:
    other = replace(HIT, tag=bytes([HIT.tag[0] ^ 0x80]) + HIT.tag[1:])
    assert by_prefix([HIT, other], 0) == {0: [HIT, other]}
    assert len(by_prefix([HIT, other], 1)) == 2
    assert "L" not in repr(HIT)
