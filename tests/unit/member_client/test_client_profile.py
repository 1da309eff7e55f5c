"""Profiles, bundles, epochs and statements of others: what is read, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
from client_fixtures import NOW, new_signing_key, new_store

from alliance import statements
from alliance.crypto import merkle
from alliance.crypto.signing import VerifyingKey
from alliance.v1 import epoch_pb2
from alliance.v1.audit_pb2 import AuditEvent, AuditRecord
from alliance.v1.directory_pb2 import Member
from member_client import (
    ConfigurationInvalid,
    EpochKeyChanged,
    EpochNotServed,
    NotEnrolled,
    Profile,
    StatementInvalid,
    _epochs,
)
from member_client._bundle import read_bundle
from member_client._directory import Directory
from member_client.audit import read_event

HUB = new_signing_key()
HUB_KEY = VerifyingKey(HUB.public_key)


def profile(folder: Path) -> Profile:
    return Profile(folder, "test", "alpha", "hub:1", "hub.test", "ca.pem", HUB.public_key, "hub:2", "CN", 'op "7"')


def test_a_profile_survives_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profile(tmp_path).save()
    assert Profile.load(tmp_path) == profile(tmp_path)
    monkeypatch.setenv("ALLIANCE_HOME", str(tmp_path))
    assert Profile.load() == profile(tmp_path)
    assert profile(tmp_path).spiffe_id == "spiffe://test/members/alpha"


def test_no_profile_is_not_enrolled(tmp_path: Path) -> None:
    with pytest.raises(NotEnrolled):
        Profile.load(tmp_path / "none")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('hub = "hub:1"', ""),
        ('hub = "hub:1"', "hub = 1"),
        ("alliance", "alliances"),
        ('hub_key = "', 'hub_key = "00'),
        ('hub = "hub:1"', "hub = "),
        ('default_region = "CN"', 'default_region = "XX"'),
    ],
)
def test_a_broken_profile_is_refused(tmp_path: Path, old: str, new: str) -> None:
    profile(tmp_path).save()
    path = tmp_path / "profile.toml"
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(ConfigurationInvalid):
        Profile.load(tmp_path)


BUNDLE: dict[str, Any] = {
    "format": "alliance-enrolment/1",
    "alliance": "test",
    "member": "alpha",
    "hub": "hub:1",
    "enrolment": "hub:2",
    "server_name": "hub.test",
    "ca": "PEM",
    "hub_key": HUB.public_key.hex(),
    "token": "ab" * 32,
    "expires_at": NOW,
}


def test_a_bundle_is_read_and_hides_its_token(tmp_path: Path) -> None:
    path = tmp_path / "bundle.json"
    path.write_text(json.dumps(BUNDLE))
    bundle = read_bundle(path)
    assert bundle.token.reveal() == b"\xab" * 32
    assert "ab" * 16 not in repr(bundle)


@pytest.mark.parametrize(
    "bent",
    [
        {"format": "alliance-enrolment/2"},
        {"member": "../alpha"},
        {"member": "a" * 33},
        {"alliance": "te/st"},
        {"hub_key": "00" * 31},
        {"token": "ab" * 31},
        {"token": None},
        {"expires_at": "soon"},
        {"hub": ""},
    ],
)
def test_a_broken_bundle_is_refused_without_its_token(tmp_path: Path, bent: dict[str, Any]) -> None:
    path = tmp_path / "bundle.json"
    path.write_text(json.dumps({**BUNDLE, **bent}))
    with pytest.raises(ConfigurationInvalid) as caught:
        read_bundle(path)
    assert "abab" not in str(caught.value)


def epoch(number: int = 1, key: bytes = b"k" * 32, **bent: Any) -> Any:
    facts = {"id": number, "suite": _epochs.SUITE, "public_key": key, "state": epoch_pb2.EPOCH_STATE_ACTIVE}
    message = epoch_pb2.Epoch(**{**facts, "not_before": NOW, "not_after": NOW + 10, **bent})
    return HUB.statement(statements.EPOCH, message.SerializeToString())


def test_an_epochs_key_is_pinned_for_good(tmp_path: Path) -> None:
    first = _epochs.read_epochs([epoch()], HUB_KEY)
    _epochs.pin(first, new_store(tmp_path))
    _epochs.pin(first, new_store(tmp_path))
    with pytest.raises(EpochKeyChanged):
        _epochs.pin(_epochs.read_epochs([epoch(key=b"o" * 32)], HUB_KEY), new_store(tmp_path))


def test_the_newest_active_epoch_serves() -> None:
    known = _epochs.read_epochs(
        [epoch(1), epoch(2), epoch(3, state=epoch_pb2.EPOCH_STATE_RETIRING), epoch(4, not_before=NOW + 5)], HUB_KEY
    )
    epochs = _epochs.serving(known, NOW)
    assert (epochs.active.id, epochs.leaving and epochs.leaving.id, epochs.coming) == (2, 3, None)
    assert [it.id for it in epochs.screened(0)] == [2, 3]
    assert epochs.target == epochs.active
    with pytest.raises(EpochNotServed):
        _epochs.serving(known, NOW + 10)


@pytest.mark.parametrize("bent", [{"suite": "P256"}, {"public_key": b"short"}])
def test_other_suites_and_keys_are_refused(bent: dict[str, Any]) -> None:
    with pytest.raises(StatementInvalid):
        _epochs.read_epochs([epoch(**bent)], HUB_KEY)
    with pytest.raises(StatementInvalid):
        _epochs.read_epochs([epoch()], VerifyingKey(new_signing_key(2).public_key))


def test_the_directory_holds_verified_keys_only() -> None:
    beta = Member(id="beta", identity_key=new_signing_key(2).public_key).SerializeToString()
    invited = Member(id="gamma").SerializeToString()
    directory = Directory.of([HUB.statement(statements.MEMBER, one) for one in (beta, invited)], HUB_KEY)
    assert directory.key_of("beta") is not None
    assert directory.key_of("gamma") is None
    with pytest.raises(StatementInvalid):
        Directory.of([new_signing_key(2).statement(statements.MEMBER, beta)], HUB_KEY)


def test_audit_events_are_held_against_their_leaves() -> None:
    event = AuditEvent(time=NOW, actor="alpha", action="evaluation:evaluate", items=3).SerializeToString()
    record = AuditRecord(salt=b"s" * 32, event=event, leaf_hash=merkle.leaf_hash(b"s" * 32 + event))
    assert read_event(record, "alpha").items == 3
    for bent in ({"leaf_hash": b"x" * 32}, {"salt": b"s" * 31}, {"event": event + b"\x18\x01"}):
        fields: dict[str, Any] = {"salt": record.salt, "event": record.event, "leaf_hash": record.leaf_hash}
        with pytest.raises(StatementInvalid):
            read_event(AuditRecord(**{**fields, **bent}), "alpha")
    with pytest.raises(StatementInvalid):
        read_event(record, "beta")
