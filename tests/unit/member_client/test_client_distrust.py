"""What a hub could try on a member with its own signature: other keys, full filters, statuses, oversized entries."""

from pathlib import Path

import pytest
from client_fixtures import NOW, FilterHub, bucket_entry, new_signing_key, new_store, sealed_claim, tag

from alliance import statements
from alliance.claims import Draft, seal_claim
from alliance.crypto import bloom
from alliance.crypto.secret import Secret
from alliance.crypto.signing import SigningKey, VerifyingKey
from alliance.identifiers import Kind
from alliance.taxonomy import DAY_MS, Category, ClaimStatus, EvidenceLevel, SubjectRole
from alliance.v1 import bucket_pb2, taxonomy_pb2
from alliance.v1.bucket_pb2 import BucketEntry, GetBucketsResponse
from alliance.v1.claim_pb2 import ClaimStatusChange
from alliance.v1.directory_pb2 import (
    MEMBER_ROLE_ADMIN,
    MEMBER_ROLE_AUDITOR,
    MEMBER_ROLE_LIAISON,
    MEMBER_ROLE_MEMBER,
    Member,
    MemberRole,
)
from alliance.v1.registry_pb2 import ClaimRecord
from member_client import ClockWrong, FilterTampered, HubError, MemberKeyChanged, StatementInvalid
from member_client._bucket_fetch import _check_order
from member_client._buckets import Circumstances, Hit, judged
from member_client._directory import Directory, pin
from member_client._filter.facts import read_delta, read_header, read_heartbeat
from member_client._filter.live import LiveFilter
from member_client.own_claims import read_record

HUB, ALPHA, BETA, OTHER = (new_signing_key(number) for number in (1, 2, 3, 4))
HUB_KEY = VerifyingKey(HUB.public_key)
LABEL_KEY = b"L" * 32


def directory(**members: SigningKey) -> Directory:
    signed = [
        HUB.statement(statements.MEMBER, Member(id=name, identity_key=key.public_key).SerializeToString())
        for name, key in members.items()
    ]
    return Directory.of(signed, HUB_KEY)


# -- the directory ----------------------------------------------------------------------------------------------


def test_a_members_key_is_the_one_first_seen(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    pin(directory(alpha=ALPHA), store)
    pin(directory(alpha=ALPHA, beta=BETA), store)
    pin(directory(beta=BETA), store)
    store.close()
    with pytest.raises(MemberKeyChanged) as caught:
        pin(directory(alpha=ALPHA, beta=OTHER), new_store(tmp_path))
    assert caught.value.exit_code == 7


@pytest.mark.parametrize("role", [MEMBER_ROLE_ADMIN, MEMBER_ROLE_LIAISON, MEMBER_ROLE_AUDITOR])
def test_whoever_is_no_institution_contributes_nothing(role: MemberRole.ValueType) -> None:
    """Their keys are known all the same: they sign other things."""
    signed = [
        HUB.statement(statements.MEMBER, Member(id=name, identity_key=key.public_key, role=its).SerializeToString())
        for name, key, its in (("alpha", ALPHA, MEMBER_ROLE_MEMBER), ("officer", BETA, role))
    ]
    known = Directory.of(signed, HUB_KEY)
    assert known.key_of("alpha") is not None
    assert known.key_of("officer") is None
    assert known.keys["officer"].public_key == BETA.public_key


def test_two_keys_of_one_member_at_once_are_refused() -> None:
    signed = [
        HUB.statement(statements.MEMBER, Member(id="beta", identity_key=key.public_key).SerializeToString())
        for key in (BETA, OTHER)
    ]
    assert len(Directory.of([signed[0], signed[0]], HUB_KEY)) == 1
    with pytest.raises(MemberKeyChanged):
        Directory.of(signed, HUB_KEY)


# -- the filter -------------------------------------------------------------------------------------------------


def opened(folder: Path, hub: FilterHub) -> LiveFilter:
    path = folder / "bits"
    path.write_bytes(hub.bits)
    return LiveFilter.opened(path, read_header(hub.signed_header, VerifyingKey(hub.key.public_key), 1))


def apply(live: LiveFilter, hub: FilterHub) -> None:
    live.apply(read_delta(hub.signed(statements.FILTER_DELTA, hub.deltas[-1]), VerifyingKey(hub.key.public_key)))


def test_a_delta_of_one_claim_sets_ten_bits_at_most(tmp_path: Path) -> None:
    hub = FilterHub()
    hub.build([tag(number) for number in range(100)], 100)
    live = opened(tmp_path, hub)
    hub.add([tag(1000)], 101)
    apply(live, hub)
    hub.add([tag(1001), tag(1002)], 102)
    with pytest.raises(FilterTampered):
        apply(live, hub)
    assert live.sequence == 101


def test_deltas_do_not_fill_the_filter(tmp_path: Path) -> None:
    hub = FilterHub()
    hub.build([tag(number) for number in range(100)], 100)
    live = opened(tmp_path, hub)
    room = bloom.M_MIN * 693 // 10_000  # tags that set half of the bits
    hub.add([tag(number) for number in range(1000, 1000 + room - 100)], room)
    apply(live, hub)
    hub.add([tag(number) for number in range(50_000, 50_000 + room)], 2 * room)
    with pytest.raises(FilterTampered):
        apply(live, hub)
    assert len(live.hits(b"".join(tag(number) for number in range(200_000, 201_000)))) < 10


def test_a_snapshot_from_the_future_leaves_no_mark() -> None:
    hub = FilterHub()
    hub.build([tag(1)], 1, created_at=NOW + DAY_MS)
    header = read_header(hub.signed_header, VerifyingKey(hub.key.public_key), 1)
    with pytest.raises(ClockWrong):
        read_heartbeat(hub.signed_heartbeat, VerifyingKey(hub.key.public_key), header, NOW)


# -- boxes ------------------------------------------------------------------------------------------------------

HIT = Hit(Kind.PHONE, tag(1), Secret(LABEL_KEY), (0,))
HERE = Circumstances(
    epoch=1, member="alpha", hub_key=HUB_KEY, key_of={"beta": VerifyingKey(BETA.public_key)}.get, now_ms=NOW
)


def entry_with(evidence: EvidenceLevel, filed_at: int) -> BucketEntry:
    draft = Draft(
        kind=Kind.PHONE,
        category=Category.MULE_ACCOUNT,
        role=SubjectRole.CLIENT_VICTIM,
        evidence=evidence,
        observed_from=NOW - DAY_MS,
        observed_to=NOW - DAY_MS,
        filed_at=filed_at,
        expires_at=filed_at + DAY_MS,
        evidence_commitment=bytes(32),
    )
    sealed = seal_claim(draft, epoch=1, tag=HIT.tag, label_key=LABEL_KEY, contributor="beta", signing_key=BETA)
    return bucket_entry(sealed)


@pytest.mark.parametrize(
    ("evidence", "filed_at", "finding"),
    [
        (EvidenceLevel.E3, NOW, None),
        (EvidenceLevel.E4, NOW, bucket_pb2.ENTRY_FINDING_COUNTERSIGNATURE_MISSING),
        (EvidenceLevel.E5, NOW, bucket_pb2.ENTRY_FINDING_COUNTERSIGNATURE_MISSING),
        (EvidenceLevel.E3, NOW + DAY_MS, None),
        (EvidenceLevel.E3, NOW + DAY_MS + 1, bucket_pb2.ENTRY_FINDING_CLAIM_MISMATCH),
    ],
)
def test_a_box_holds_nothing_that_the_hub_would_refuse_in_clear(
    evidence: EvidenceLevel, filed_at: int, finding: int | None
) -> None:
    found, faults = judged([entry_with(evidence, filed_at)], [HIT], HERE)
    assert (len(found), [fault.finding for fault in faults]) == ((0, [finding]) if finding else (1, []))


def test_entries_of_a_bucket_have_a_size() -> None:
    good = GetBucketsResponse(prefix=3, entries=[entry_with(EvidenceLevel.E3, NOW)] * 256)
    _check_order(good, 3, 0)
    for name in ("box", "handle", "entry_id"):
        entry = entry_with(EvidenceLevel.E3, NOW)
        setattr(entry, name, bytes(1 << 20))
        with pytest.raises(HubError):
            _check_order(GetBucketsResponse(prefix=3, entries=[entry]), 3, 0)


# -- own claims -------------------------------------------------------------------------------------------------


def record(status: ClaimStatus, change: ClaimStatus | None = None) -> ClaimRecord:
    sealed = sealed_claim(BETA, "beta", tag(1), LABEL_KEY)
    number = taxonomy_pb2.ClaimStatus.ValueType
    made = ClaimRecord(claim=sealed.claim, signature=sealed.signature, status=number(status))
    if change is not None:
        payload = ClaimStatusChange(entry_id=sealed.entry_id, version=1, status=number(change), changed_at=NOW)
        made.status_change.CopyFrom(BETA.statement(statements.CLAIM_STATUS, payload.SerializeToString()))
    return made


@pytest.mark.parametrize(
    ("status", "change", "believed"),
    [
        (ClaimStatus.ACTIVE, None, True),
        (ClaimStatus.EXPIRED, None, True),
        (ClaimStatus.WITHDRAWN, ClaimStatus.WITHDRAWN, True),
        (ClaimStatus.EXPIRED, ClaimStatus.DISPUTED, True),
        (ClaimStatus.WITHDRAWN, None, False),
        (ClaimStatus.ACTIVE, ClaimStatus.WITHDRAWN, False),
        (ClaimStatus.SUSPENDED, None, False),
    ],
)
def test_a_status_that_nobody_signed_is_refused(
    status: ClaimStatus, change: ClaimStatus | None, *, believed: bool
) -> None:
    def read() -> ClaimStatus:
        key = VerifyingKey(BETA.public_key)
        return read_record(record(status, change), member="beta", own_key=key, hub_key=HUB_KEY).status

    if believed:
        assert read() is status
        return
    with pytest.raises(StatementInvalid):
        read()
