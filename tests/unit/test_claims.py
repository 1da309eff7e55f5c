"""Claims: drawn up, sealed, opened; every rule broken once."""

import os
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from google.protobuf.message import DecodeError

from alliance import claims
from alliance.claims import Draft, SealedClaim, kind_number, kind_of, open_box, parse, seal_claim, seal_claims
from alliance.crypto import sealing
from alliance.crypto.secret import Secret
from alliance.crypto.signing import SigningKey, VerifyingKey
from alliance.errors import BoxInvalid, ClaimInvalid, Reason, SignatureInvalid
from alliance.identifiers import Kind
from alliance.statements import CLAIM
from alliance.taxonomy import DAY_MS, Category, EvidenceLevel, SharingLevel, SubjectRole
from alliance.v1.claim_pb2 import BoxContents, Claim, Label

KEY, _ = SigningKey.generate()
TAG, LABEL_KEY, ENTRY = os.urandom(32), os.urandom(32), os.urandom(16)
NOW = 1_800_000_000_000
DRAFT = Draft(
    kind=Kind.PHONE,
    category=Category.MULE_ACCOUNT,
    role=SubjectRole.MULE_COMPLICIT,
    evidence=EvidenceLevel.E2,
    observed_from=NOW - 5 * DAY_MS,
    observed_to=NOW - DAY_MS,
    filed_at=NOW,
    expires_at=NOW + 365 * DAY_MS,
    evidence_commitment=bytes(range(32)),
    label=Label(narrative_code="N1", case_reference="C-0118", desk_alias="desk", product_outcome="cash_loan"),
)


def seal(draft: Draft = DRAFT, **changes: Any) -> SealedClaim:
    options: dict[str, Any] = {
        "epoch": 7,
        "tag": TAG,
        "label_key": LABEL_KEY,
        "contributor": "lender-a",
        "signing_key": KEY,
        "entry_id": ENTRY,
    }
    return seal_claim(draft, **(options | changes))


def directory(member: str) -> VerifyingKey | None:
    return VerifyingKey(KEY.public_key) if member == "lender-a" else None


def claim_in(box: bytes) -> bytes:
    """Give the claim bytes in a box; none where it cannot be opened."""
    try:
        return BoxContents.FromString(sealing.open_sealed(LABEL_KEY, ENTRY, box)).claim
    except (BoxInvalid, DecodeError):
        return b""


def open_(box: bytes, **changes: Any) -> claims.OpenedClaim:
    options: dict[str, Any] = {
        "entry_id": ENTRY,
        "epoch": 7,
        "tag": TAG,
        "label_key": LABEL_KEY,
        "claim_sha256": sha256(claim_in(box)).digest(),
        "key_of": directory,
    }
    return open_box(box, **(options | changes))


def claim(**changes: Any) -> Claim:
    parsed = Claim.FromString(seal().claim)
    for name, value in changes.items():
        setattr(parsed, name, value)
    return parsed


def box_of(**changes: bytes) -> bytes:
    """Seal contents of which some fields were replaced."""
    contents = BoxContents.FromString(sealing.open_sealed(LABEL_KEY, ENTRY, seal().box))
    for name, value in changes.items():
        setattr(contents, name, value)
    return sealing.seal(LABEL_KEY, ENTRY, contents.SerializeToString())


def signed_box(altered: Claim) -> bytes:
    payload = altered.SerializeToString()
    return box_of(claim=payload, signature=KEY.sign(CLAIM, payload))


def test_a_holder_of_the_identifier_reads_what_was_stated() -> None:
    opened = open_(seal().box)
    assert opened.contributor == "lender-a"
    assert (opened.kind, opened.category, opened.role, opened.evidence) == (
        DRAFT.kind,
        DRAFT.category,
        DRAFT.role,
        DRAFT.evidence,
    )
    assert (opened.observed_from, opened.observed_to) == (DRAFT.observed_from, DRAFT.observed_to)
    assert (opened.filed_at, opened.expires_at) == (DRAFT.filed_at, DRAFT.expires_at)
    assert opened.sharing is SharingLevel.AMBER
    assert opened.label == DRAFT.label


def test_the_row_is_bound_together() -> None:
    sealed = seal()
    parsed = parse(sealed.claim)
    assert parsed.entry_id == sealed.entry_id == ENTRY
    assert (parsed.tag, parsed.epoch) == (TAG, 7)
    assert sealed.handle == sealing.handle(LABEL_KEY, ENTRY)
    assert parsed.dispute_commitment == sealing.dispute_commitment(LABEL_KEY, ENTRY)
    VerifyingKey(KEY.public_key).verify(CLAIM, sealed.claim, sealed.signature)
    assert len(sealed.box) == 512


def test_entry_ids_are_drawn_anew() -> None:
    assert seal(entry_id=None).entry_id != seal(entry_id=None).entry_id


def test_the_largest_claim_fits_its_box() -> None:
    far = 2**62
    draft = replace(
        DRAFT,
        kind=Kind.ACCOUNT,
        category=Category.PHISHING,
        role=SubjectRole.PROTECTED,
        evidence=EvidenceLevel.E5,
        observed_from=far - 2,
        observed_to=far - 1,
        filed_at=far,
        expires_at=far + 730 * DAY_MS,
        sharing=SharingLevel.GREEN,
        label=Label(narrative_code="x" * (claims.MAX_LABEL_BYTES - 2)),
    )
    sealed = seal(draft, contributor="c" * 32, epoch=2**32 - 1)
    assert len(sealed.box) == 512
    assert len(sealed.claim) <= sealing.MAX_CONTENTS_BYTES
    opened = open_(sealed.box, epoch=2**32 - 1, key_of=lambda _: VerifyingKey(KEY.public_key))
    assert opened.contributor == "c" * 32


def test_a_label_of_97_bytes_is_refused() -> None:
    with pytest.raises(ClaimInvalid, match="96"):
        seal(replace(DRAFT, label=Label(narrative_code="x" * 95)))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"entry_id": b""}, Reason.CLAIM_INVALID),
        ({"entry_id": bytes(15)}, Reason.CLAIM_INVALID),
        ({"entry_id": bytes(17)}, Reason.CLAIM_INVALID),
        ({"tag": b""}, Reason.CLAIM_INVALID),
        ({"tag": bytes(31)}, Reason.CLAIM_INVALID),
        ({"tag": bytes(33)}, Reason.CLAIM_INVALID),
        ({"label_commitment": b""}, Reason.CLAIM_INVALID),
        ({"label_commitment": bytes(33)}, Reason.CLAIM_INVALID),
        ({"dispute_commitment": b""}, Reason.CLAIM_INVALID),
        ({"evidence_commitment": b""}, Reason.CLAIM_INVALID),
        ({"evidence_commitment": bytes(31)}, Reason.CLAIM_INVALID),
        ({"contributor": ""}, Reason.CLAIM_INVALID),
        ({"contributor": "c" * 33}, Reason.CLAIM_INVALID),
        ({"contributor": "贷" * 11}, Reason.CLAIM_INVALID),
        ({"epoch": 0}, Reason.CLAIM_INVALID),
        ({"kind": 0}, Reason.CLAIM_INVALID),
        ({"kind": 11}, Reason.CLAIM_INVALID),
        ({"kind": 2**31 - 1}, Reason.CLAIM_INVALID),
        ({"kind": -1}, Reason.CLAIM_INVALID),
        ({"category": 0}, Reason.CLAIM_INVALID),
        ({"category": 13}, Reason.CLAIM_INVALID),
        ({"subject_role": 0}, Reason.CLAIM_INVALID),
        ({"subject_role": -1}, Reason.CLAIM_INVALID),
        ({"evidence_level": 0}, Reason.CLAIM_INVALID),
        ({"evidence_level": 6}, Reason.CLAIM_INVALID),
        ({"sharing_level": 0}, Reason.CLAIM_INVALID),
        ({"sharing_level": 4}, Reason.CLAIM_INVALID),
        ({"observed_from": 0}, Reason.CLAIM_INVALID),
        ({"observed_from": -1}, Reason.CLAIM_INVALID),
        ({"observed_from": NOW - DAY_MS + 1}, Reason.CLAIM_INVALID),
        ({"observed_to": NOW + 1}, Reason.CLAIM_INVALID),
        ({"kind": kind_number(Kind.DOMAIN)}, Reason.FILING_RULE_BROKEN),
        ({"category": Category.DEVICE_FARM}, Reason.FILING_RULE_BROKEN),
        ({"category": Category.BROKER_CREDIT_REPAIR}, Reason.FILING_RULE_BROKEN),
        ({"subject_role": SubjectRole.BROKER_AGENT}, Reason.FILING_RULE_BROKEN),
        ({"observed_from": 1, "observed_to": NOW - 5 * 365 * DAY_MS - 1}, Reason.FILING_RULE_BROKEN),
        (
            {"subject_role": SubjectRole.PROTECTED, "evidence_level": EvidenceLevel.E1, "evidence_commitment": b""},
            Reason.CLAIM_INVALID,
        ),
        ({"expires_at": 0}, Reason.EXPIRY_OUT_OF_BOUNDS),
        ({"expires_at": NOW}, Reason.EXPIRY_OUT_OF_BOUNDS),
        ({"expires_at": NOW + 365 * DAY_MS + 1}, Reason.EXPIRY_OUT_OF_BOUNDS),
        ({"expires_at": 2**63 - 1}, Reason.EXPIRY_OUT_OF_BOUNDS),
        ({"expires_at": -(2**63)}, Reason.EXPIRY_OUT_OF_BOUNDS),
    ],
)
def test_a_broken_rule_has_its_reason(changes: dict[str, Any], reason: Reason) -> None:
    altered = claim(**changes)
    for validate in (claims.validate, lambda it: parse(it.SerializeToString())):
        with pytest.raises(ClaimInvalid) as caught:
            validate(altered)
        assert caught.value.reason is reason
    with pytest.raises((ClaimInvalid, BoxInvalid)):
        open_(signed_box(altered))


@pytest.mark.parametrize(
    "changes",
    [
        {"evidence_level": EvidenceLevel.E1, "evidence_commitment": b"", "expires_at": NOW + 90 * DAY_MS},
        {"observed_from": 1, "observed_to": NOW - 5 * 365 * DAY_MS},
        {"observed_from": NOW, "observed_to": NOW},
        {"expires_at": NOW + 1},
        {"contributor": "c" * 32},
    ],
)
def test_what_just_keeps_the_rules_is_accepted(changes: dict[str, Any]) -> None:
    claims.validate(claim(**changes))


@pytest.mark.parametrize("content", [b"\xff", b"\x0a\x05ab", b"\x22\x02\xff\xfe", b"\x0b" * 300])
def test_what_is_no_claim(content: bytes) -> None:
    with pytest.raises(ClaimInvalid, match="not a claim"):
        parse(content)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"tag": bytes(32)}, BoxInvalid),
        ({"epoch": 8}, BoxInvalid),
        ({"entry_id": bytes(16)}, BoxInvalid),
        ({"label_key": bytes(32)}, BoxInvalid),
        ({"key_of": lambda _: None}, SignatureInvalid),
        ({"key_of": lambda _: VerifyingKey(SigningKey.generate()[0].public_key)}, SignatureInvalid),
    ],
)
def test_another_question_gets_no_answer(changes: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        open_(seal().box, **changes)


@pytest.mark.parametrize(
    ("box", "error"),
    [
        (lambda: box_of(signature=b""), SignatureInvalid),
        (lambda: box_of(signature=bytes(64)), SignatureInvalid),
        (lambda: box_of(signature=bytes(63)), SignatureInvalid),
        (lambda: box_of(claim=claim(category=3).SerializeToString()), SignatureInvalid),
        (lambda: box_of(claim=b""), ClaimInvalid),
        (lambda: box_of(label=b""), BoxInvalid),
        (lambda: box_of(salt=bytes(32)), BoxInvalid),
        (lambda: signed_box(claim(tag=bytes(32))), BoxInvalid),
        (lambda: signed_box(claim(epoch=8)), BoxInvalid),
        (lambda: signed_box(claim(entry_id=bytes(16))), BoxInvalid),
        (lambda: signed_box(claim(dispute_commitment=os.urandom(32))), BoxInvalid),
        (lambda: signed_box(claim(contributor="lender-b")), SignatureInvalid),
        (lambda: sealing.seal(LABEL_KEY, ENTRY, b"\xff\xff"), BoxInvalid),
        (lambda: sealing.seal(LABEL_KEY, ENTRY, b""), ClaimInvalid),
    ],
)
def test_a_box_that_holds_something_else(box: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        open_(box())


@pytest.mark.parametrize(
    "digest",
    [b"", bytes(32), sha256(b"").digest(), sha256(seal().claim).digest()[:31]],
    ids=["none", "zeros", "of nothing", "cut off"],
)
def test_a_claim_that_is_not_the_one_which_the_hub_holds(digest: bytes) -> None:
    better = claim(evidence_level=EvidenceLevel.E3)
    for box in (seal().box, signed_box(better)):
        with pytest.raises(ClaimInvalid, match="not the one that the hub holds"):
            open_(box, claim_sha256=digest)
    with pytest.raises(ClaimInvalid, match="not the one that the hub holds"):
        open_(signed_box(better), claim_sha256=sha256(seal().claim).digest())


def test_a_label_that_cannot_be_read() -> None:
    salt, label = bytes(32), b"\xff\xff"
    altered = claim(label_commitment=sha256(salt + label).digest())
    payload = altered.SerializeToString()
    with pytest.raises(BoxInvalid, match="label"):
        open_(box_of(claim=payload, signature=KEY.sign(CLAIM, payload), salt=salt, label=label))


def test_a_signature_of_another_type_does_not_count() -> None:
    payload = seal().claim
    with pytest.raises(SignatureInvalid):
        open_(box_of(signature=KEY.sign("claim-status", payload)))


@pytest.mark.parametrize("kind", Kind)
def test_kinds_have_their_numbers(kind: Kind) -> None:
    assert kind_of(kind_number(kind)) is kind


def test_reprs_show_no_content() -> None:
    shown = repr(seal()) + repr(open_(seal().box))
    for content in (TAG, LABEL_KEY, seal().handle):
        assert content.hex() not in shown
        assert repr(content) not in shown
    assert "C-0118" not in shown


# -- many at once -----------------------------------------------------------------------------------------------


def seal_many(drafts: list[Draft], tags: list[bytes], keys: list[bytes]) -> list[SealedClaim | ClaimInvalid]:
    return seal_claims(
        drafts,
        epoch=7,
        tags=b"".join(tags),
        label_keys=Secret(b"".join(keys)),
        contributor="lender-a",
        signing_key=KEY,
    )


def test_many_are_sealed_each_for_its_tag_and_key_and_a_bad_one_alone_is_refused() -> None:
    tags, keys = ([bytes([start + place]) * 32 for place in range(5)] for start in (0, 100))
    drafts = [replace(DRAFT, observed_to=NOW - place) for place in range(1, 6)]
    drafts[2] = replace(DRAFT, expires_at=NOW)
    sealed = seal_many(drafts, tags, keys)
    assert [isinstance(it, ClaimInvalid) for it in sealed] == [False, False, True, False, False]
    entry_ids = set()
    for draft, tag, key, it in zip(drafts, tags, keys, sealed, strict=True):
        if isinstance(it, ClaimInvalid):
            assert it.reason is Reason.EXPIRY_OUT_OF_BOUNDS
            continue
        digest = sha256(it.claim).digest()
        opened = open_(it.box, entry_id=it.entry_id, tag=tag, label_key=key, claim_sha256=digest)
        assert (opened.observed_to, opened.label) == (draft.observed_to, draft.label)
        assert it.handle == sealing.handle(key, it.entry_id)
        entry_ids.add(it.entry_id)
    assert len(entry_ids) == 4


def test_many_that_are_none_or_all_bad() -> None:
    assert seal_many([], [], []) == []
    bad = replace(DRAFT, expires_at=NOW)
    assert all(isinstance(it, ClaimInvalid) for it in seal_many([bad, bad], [TAG] * 2, [LABEL_KEY] * 2))


@pytest.mark.parametrize(("tags", "keys"), [(1, 2), (2, 1), (3, 2), (2, 3), (0, 0)])
def test_parts_that_differ_in_number_seal_nothing(tags: int, keys: int) -> None:
    with pytest.raises(ValueError, match="number"):
        seal_many([DRAFT, DRAFT], [TAG] * tags, [LABEL_KEY] * keys)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"expires_at": NOW},
        {"expires_at": NOW + 366 * DAY_MS},
        {"observed_from": 0},
        {"observed_to": NOW + 1},
        {"evidence_commitment": b""},
        {"evidence_commitment": bytes(31)},
        {"evidence": EvidenceLevel.E1, "evidence_commitment": b"", "expires_at": NOW + 90 * DAY_MS},
        {"label": Label(narrative_code="x" * 95)},
        {"label": None},
        {"kind": Kind.DEVICE},
        {"kind": Kind.DOMAIN},
        {"category": Category.DEVICE_FARM},
        {"observed_from": 1, "observed_to": 1},
    ],
)
def test_a_draft_is_checked_as_its_claim_will_be(changes: dict[str, Any]) -> None:
    draft = replace(DRAFT, **changes)
    reasons: list[Reason | None] = []
    for work in (lambda: claims.check(draft, contributor="lender-a"), lambda: seal(draft)):
        try:
            work()
        except ClaimInvalid as error:
            reasons.append(error.reason)
        else:
            reasons.append(None)
    assert reasons[0] is reasons[1]


def test_a_contributor_of_no_name_or_too_long_a_one_is_refused_before_anything() -> None:
    for contributor in ("", "c" * 33):
        with pytest.raises(ClaimInvalid):
            claims.check(DRAFT, contributor=contributor)
