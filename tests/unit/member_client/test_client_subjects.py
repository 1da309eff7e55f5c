"""Subjects: fields in order, kinds by name, and a repr that holds no identifier."""

from typing import Any

import pytest

from alliance.identifiers import Kind
from member_client import Consent, InvalidUse, Subject
from member_client.subjects import FIELDS


def test_fields_come_with_their_kind_and_prefix() -> None:
    subject = Subject("r", oaid="ABCDEF0123456789", phone="13800138000", mac=" MAC:00-11", email=None, ip=" ")
    assert list(subject.fields()) == [
        ("phone", Kind.PHONE, "13800138000"),
        ("oaid", Kind.DEVICE, "oaid:ABCDEF0123456789"),
        ("mac", Kind.DEVICE, " MAC:00-11"),
    ]
    assert subject.field_count() == 3


def test_of_takes_every_field_by_name_and_no_other() -> None:
    subject = Subject.of("r", dict.fromkeys(FIELDS, "x"))
    assert [name for name, _, _ in subject.fields()] == list(FIELDS)
    with pytest.raises(InvalidUse):
        Subject.of("r", {"mobile": "13800138000"})


def test_numbers_are_refused_without_being_shown() -> None:
    with pytest.raises(InvalidUse) as caught:
        Subject("r", phone=13800138000)  # type: ignore[arg-type]
    assert "13800138000" not in str(caught.value)


def test_a_ref_that_repeats_a_field_is_refused_without_being_shown() -> None:
    with pytest.raises(InvalidUse, match="ref repeats a field") as caught:
        Subject("13800138000", phone="13800138000")
    assert "13800138000" not in str(caught.value)


@pytest.mark.parametrize(("evidence", "policy"), [(None, "p"), (7, "p"), ("basis-7", None)])
def test_a_consent_is_made_of_evidence(evidence: Any, policy: Any) -> None:
    with pytest.raises(InvalidUse, match="a consent is made of"):
        Consent.of(evidence, policy=policy)


def test_repr_shows_the_ref_and_no_identifier() -> None:
    subject = Subject("C-0118", phone="13800138000", email="a@example.org")
    assert "C-0118" in repr(subject)
    assert "138" not in repr(subject)
    assert "example" not in repr(subject)
