"""Which successions are believed: two pinned admins under one payload, in an unbroken chain, and nothing else."""

from pathlib import Path
from typing import Any

import pytest
from client_fixtures import new_store

from alliance.crypto.secret import Secret
from alliance.crypto.signing import SigningKey, VerifyingKey
from alliance.v1.directory_pb2 import MEMBER_ROLE_ADMIN, MEMBER_ROLE_AUDITOR, MEMBER_ROLE_MEMBER
from alliance.v1.epoch_pb2 import EPOCH_STATE_ACTIVE
from alliance.v1.statement_pb2 import SignedStatement
from alliance.v1.succession_pb2 import Succession, SuccessionRecord, SuccessionSignature
from member_client import EpochRevived, MemberRoleChanged, SuccessionRejected, _epochs
from member_client._directory import Directory, pin, pinned_key
from member_client._epochs import PinnedEpoch
from member_client._store import Shelf
from member_client.succession import Origin, believed, following, read_succession


def key(number: int) -> SigningKey:
    return SigningKey(Secret(bytes([number]) * 32))


ANN, BOB, CYN, MEMBER, STRANGER = (key(number) for number in range(1, 6))
HUBS = [key(number) for number in range(10, 15)]
"""Identity keys of origins 1 to 5."""
ADMINS = {"ann": ANN, "bob": BOB, "cyn": CYN}


def admin_key(name: str) -> bytes | None:
    """The pins: members and strangers are no admins, whatever the hub says."""
    return ADMINS[name].public_key if name in ADMINS else None


def payload(origin: int = 2, **changes: Any) -> bytes:
    fields: dict[str, Any] = {
        "alliance": "test",
        "origin": origin,
        "previous_hub_key": HUBS[origin - 2].public_key,
        "hub_key": HUBS[origin - 1].public_key,
    }
    return Succession(**(fields | changes)).SerializeToString(deterministic=True)


def record(content: bytes, *signers: tuple[str, SigningKey], over: bytes = b"") -> SuccessionRecord:
    signatures = [
        SuccessionSignature(admin=name, statement=signer.statement("succession", over or content))
        for name, signer in signers
    ]
    return SuccessionRecord(payload=content, signatures=signatures, complete=True)


def accepted(*records: SuccessionRecord, pinned: Origin | None = None) -> int:
    """Give the number of the origin that is believed; 1 where nothing is news."""
    found = [read_succession(it, "test", admin_key) for it in records]
    chain = following(found, pinned or Origin(0, HUBS[0].public_key))
    return believed(chain).origin if chain else 1


BOTH = (("ann", ANN), ("bob", BOB))


def test_two_pinned_admins_are_believed() -> None:
    assert accepted(record(payload(), *BOTH)) == 2
    assert accepted(record(payload(), *BOTH, ("cyn", CYN), ("stranger", STRANGER))) == 2
    assert accepted(record(payload(), *BOTH), pinned=Origin(1, HUBS[0].public_key)) == 2


@pytest.mark.parametrize(
    "signers",
    [
        (),
        (("ann", ANN),),
        (("ann", ANN), ("ann", ANN)),
        (("ann", ANN), ("bob", ANN)),
        (("ann", ANN), ("stranger", STRANGER)),
        (("ann", ANN), ("lender", MEMBER)),
        (("ann", ANN), ("bob", STRANGER)),
        (("ann", ANN), ("ann", BOB)),
    ],
    ids=["none", "one", "one twice", "one for both", "a stranger", "a member", "forged", "one name, two keys"],
)
def test_fewer_than_two_pinned_admins_are_not_believed(signers: tuple[tuple[str, SigningKey], ...]) -> None:
    with pytest.raises(SuccessionRejected):
        accepted(record(payload(), *signers))


def test_a_key_that_is_pinned_for_two_names_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ADMINS, "ann-again", ANN)
    with pytest.raises(SuccessionRejected):
        accepted(record(payload(), ("ann", ANN), ("ann-again", ANN)))


def test_signatures_over_other_bytes_or_of_another_type_are_not_believed() -> None:
    with pytest.raises(SuccessionRejected):
        accepted(record(payload(), *BOTH, over=payload(restored_at=1)))
    content = payload()
    other_type = [
        SuccessionSignature(admin=name, statement=signer.statement("proposal", content)) for name, signer in BOTH
    ]
    with pytest.raises(SuccessionRejected):
        accepted(SuccessionRecord(payload=content, signatures=other_type))
    cut = [SuccessionSignature(admin=name, statement=SignedStatement(payload=content)) for name, _ in BOTH]
    with pytest.raises(SuccessionRejected):
        accepted(SuccessionRecord(payload=content, signatures=cut))


@pytest.mark.parametrize(
    "changes",
    [
        {"previous_hub_key": HUBS[3].public_key},
        {"alliance": "another"},
        {"hub_key": HUBS[0].public_key},
        {"hub_key": b""},
        {"hub_key": bytes(32)},
        {"previous_hub_key": b"short"},
        {"origin": 1, "previous_hub_key": HUBS[0].public_key, "hub_key": HUBS[1].public_key},
        {"origin": 0, "previous_hub_key": HUBS[0].public_key, "hub_key": HUBS[1].public_key},
    ],
    ids=["another hub's", "another alliance's", "no change", "no key", "small order", "malformed", "first", "zeroth"],
)
def test_a_succession_of_something_else_is_refused_whoever_signed(changes: dict[str, Any]) -> None:
    with pytest.raises(SuccessionRejected):
        accepted(record(payload(**changes), *BOTH))


def test_what_cannot_be_read_is_refused() -> None:
    with pytest.raises(SuccessionRejected):
        accepted(record(b"\xff\xff", *BOTH))


def test_a_chain_is_followed_to_its_end_and_must_be_whole() -> None:
    chain = [record(payload(origin), *BOTH) for origin in (2, 3, 4)]
    assert accepted(*chain) == 4
    assert accepted(*chain, pinned=Origin(2, HUBS[1].public_key)) == 4
    for broken in ([chain[0], chain[2]], [chain[1], chain[2]], [chain[0], chain[2], chain[1]]):
        with pytest.raises(SuccessionRejected):
            accepted(*broken)
    weak = [chain[0], record(payload(3), ("ann", ANN)), chain[2]]
    with pytest.raises(SuccessionRejected):
        accepted(*weak)


def test_another_origin_of_the_same_number_is_refused() -> None:
    fork = record(payload(3, hub_key=STRANGER.public_key), *BOTH)
    assert accepted(record(payload(2), *BOTH), pinned=Origin(2, HUBS[1].public_key)) == 1
    with pytest.raises(SuccessionRejected):
        accepted(record(payload(4, previous_hub_key=STRANGER.public_key), *BOTH), pinned=Origin(3, HUBS[2].public_key))
    assert accepted(fork, pinned=Origin(3, HUBS[2].public_key)) == 1
    skipped = record(payload(5, previous_hub_key=HUBS[2].public_key), *BOTH)
    with pytest.raises(SuccessionRejected):
        accepted(skipped, pinned=Origin(3, HUBS[2].public_key))


def test_who_enrolled_at_a_later_origin_finds_its_place_in_the_chain() -> None:
    chain = [record(payload(origin), *BOTH) for origin in (2, 3)]
    assert accepted(*chain, pinned=Origin(0, HUBS[2].public_key)) == 1
    assert accepted(*chain, record(payload(4), *BOTH), pinned=Origin(0, HUBS[2].public_key)) == 4
    with pytest.raises(SuccessionRejected):
        accepted(*chain, pinned=Origin(0, STRANGER.public_key))


def test_what_is_shown_before_it_is_signed_names_who_signed_and_has_a_digest_of_the_bytes() -> None:
    found = read_succession(record(payload(retired_epochs=[1, 3]), ("bob", BOB)), "test", admin_key)
    assert (found.signed_by, found.is_signed, found.retired_epochs) == (("bob",), False, (1, 3))
    assert found.digest.hex() not in repr(found)
    assert found.digest != read_succession(record(payload(restored_at=9)), "test", admin_key).digest


# -- what is pinned besides --------------------------------------------------------------------------------------


def directory(**roles: int) -> Directory:
    keys = {name: VerifyingKey(ADMINS.get(name, MEMBER).public_key) for name in roles}
    return Directory(keys, {name: role for name, role in roles.items() if role != MEMBER_ROLE_MEMBER})


def test_a_role_is_pinned_with_the_key_and_never_changes(tmp_path: Path) -> None:
    pins = new_store(tmp_path)
    pin(directory(ann=MEMBER_ROLE_ADMIN, lender=MEMBER_ROLE_MEMBER), pins)
    pin(directory(ann=MEMBER_ROLE_ADMIN, lender=MEMBER_ROLE_MEMBER, bob=MEMBER_ROLE_ADMIN), pins)
    assert pinned_key("ann", MEMBER_ROLE_ADMIN, pins) == ANN.public_key
    for nobody in ("lender", "stranger"):
        assert pinned_key(nobody, MEMBER_ROLE_ADMIN, pins) is None
    for changed in ({"lender": MEMBER_ROLE_ADMIN}, {"ann": MEMBER_ROLE_MEMBER}, {"bob": MEMBER_ROLE_AUDITOR}):
        with pytest.raises(MemberRoleChanged):
            pin(directory(**changed), pins)
    assert pinned_key("lender", MEMBER_ROLE_ADMIN, pins) is None


def test_an_epoch_that_is_gone_is_believed_never_again(tmp_path: Path) -> None:
    pins = new_store(tmp_path)
    epochs = [PinnedEpoch(number, bytes([number]) * 32, EPOCH_STATE_ACTIVE, 0, 1) for number in (1, 2)]
    _epochs.pin(epochs, pins)
    pins.put_many((Shelf.PINS, *row, None) for row in _epochs.retired_rows({1}))
    _epochs.pin(epochs[1:], pins)
    with pytest.raises(EpochRevived):
        _epochs.pin(epochs, pins)
