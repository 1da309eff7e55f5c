"""Rows to drafts: refused before they cost anything, and equal content known again. The journal beside them."""

from pathlib import Path
from typing import Any

import pytest
from client_fixtures import NOW, new_signing_key, new_store, sealed_claim, tag

from alliance.identifiers import BUILTIN, Kind
from alliance.taxonomy import DAY_MS, Category, EvidenceLevel, SubjectRole
from member_client import ContributionRow
from member_client._canonical import Canon
from member_client._drafting import Drafted, Refused, all_drafted
from member_client._journal import Drawn, Journal, Keepsake, Known, Place, Settled
from member_client.cli.language import retold, speaking

NOTHING = Known(None, None)
WITHDRAWN = Known(None, None, was_withdrawn=True)


def row(**bent: Any) -> ContributionRow:
    facts: dict[str, Any] = {
        "kind": Kind.PHONE,
        "text": "13967210483",
        "category": Category.MULE_ACCOUNT,
        "role": SubjectRole.PERPETRATOR,
        "evidence": EvidenceLevel.E1,
    }
    return ContributionRow(**{**facts, **bent})


def draw(one: ContributionRow, now_ms: int = NOW) -> Drafted | Refused:
    return all_drafted([one], canon=Canon("CN", "test", BUILTIN), member="alpha", now_ms=now_ms)[0]


def drawn(one: ContributionRow, now_ms: int = NOW) -> Drafted:
    outcome = draw(one, now_ms)
    assert isinstance(outcome, Drafted), outcome
    return outcome


def test_a_row_gets_the_retention_limit_and_the_time_of_filing() -> None:
    draft = drawn(row()).draft
    assert (draft.filed_at, draft.observed_from, draft.observed_to) == (NOW, NOW, NOW)
    assert draft.expires_at == NOW + 90 * DAY_MS


@pytest.mark.parametrize(
    ("bent", "reason"),
    [
        ({"text": "nonsense"}, "illegal_character"),
        ({"evidence": EvidenceLevel.E2}, "claim_invalid"),
        ({"category": Category.DEVICE_FARM}, "filing_rule_broken"),
        ({"role": SubjectRole.BROKER_AGENT}, "filing_rule_broken"),
        ({"category": Category.FORGED_DOCUMENTS}, "filing_rule_broken"),
        ({"observed_from": 1, "observed_to": 1}, "filing_rule_broken"),
        ({"role": SubjectRole.PROTECTED}, "claim_invalid"),
        ({"expires_at": NOW - 1}, "expiry_out_of_bounds"),
        ({"expires_at": NOW + 91 * DAY_MS}, "expiry_out_of_bounds"),
        ({"observed_to": NOW + 1}, "claim_invalid"),
        ({"observed_from": NOW, "observed_to": NOW - 5}, "claim_invalid"),
        ({"observed_from": -5, "observed_to": NOW}, "claim_invalid"),
        ({"observed_from": 2**70}, "claim_invalid"),
        ({"case_reference": "x" * 95}, "claim_invalid"),
        ({"evidence": EvidenceLevel.E2, "evidence_file": Path("/nowhere/file")}, "evidence_unreadable"),
    ],
)
def test_rows_that_would_be_refused_are_refused_here(bent: dict[str, Any], reason: str) -> None:
    outcome = draw(row(**bent))
    assert isinstance(outcome, Refused)
    assert outcome.reason == reason
    assert outcome.how_to_fix
    assert "13967210483" not in outcome.how_to_fix


@pytest.mark.parametrize(
    ("bent", "told"),
    [
        ({"category": Category.DEVICE_FARM}, "类别 device_farm 只涉及以下标识类型：imei, device, ip。请按所属类别"),
        ({"role": SubjectRole.BROKER_AGENT}, "类别 mule_account 只适用于以下角色：perpetrator, mule_unwitting"),
        ({"category": Category.FORGED_DOCUMENTS}, "类别 forged_documents 至少须有以下证据等级：E2。请按所属类别"),
        ({"observed_from": 1, "observed_to": 1}, "类别 mule_account 只涉及结束未超过以下天数的行为：1825。请按"),
    ],
)
def test_a_broken_filing_rule_is_named_with_what_it_allows(bent: dict[str, Any], told: str) -> None:
    outcome = draw(row(**bent))
    assert isinstance(outcome, Refused)
    assert outcome.how_to_fix.startswith("The category ")
    assert "member-client taxonomy --table filing" in outcome.how_to_fix
    with speaking("zh-CN"):
        assert retold(outcome.how_to_fix).startswith(told)


def test_evidence_is_committed_to_under_a_fresh_salt(tmp_path: Path) -> None:
    file = tmp_path / "file.pdf"
    file.write_bytes(b"evidence")
    one, other = (drawn(row(evidence=EvidenceLevel.E2, evidence_file=file)) for _ in range(2))
    assert one.draft.evidence_commitment != other.draft.evidence_commitment
    assert (len(one.evidence_salt), len(one.draft.evidence_commitment)) == (32, 32)
    assert one.content == other.content


def test_content_is_what_a_row_says_whenever_it_is_drawn_up() -> None:
    assert drawn(row()).content == drawn(row(row_number=9, text="+86 139 6721 0483"), NOW + DAY_MS).content
    for bent in ({"role": SubjectRole.RECRUITER}, {"case_reference": "K"}, {"expires_at": NOW + DAY_MS}):
        assert drawn(row(**bent)).content != drawn(row()).content


def test_the_journal_knows_what_was_drawn_acknowledged_and_withdrawn(tmp_path: Path) -> None:
    journal = Journal(new_store(tmp_path))
    draft = drawn(row())
    place = Place.of(draft, 1)
    claim = sealed_claim(new_signing_key(), "alpha", tag(1), b"L" * 32)
    assert journal.known([place]) == [NOTHING]
    kept = Keepsake.of(draft, b"salt")
    journal.draw([(place, Drawn(claim, b"salt"), kept)])
    # Whoever dies now knows what the claim is about, should it stand.
    assert Journal(new_store(tmp_path)).keepsakes([claim.entry_id, b"another"]) == [kept, None]
    assert Journal(new_store(tmp_path)).known([place]) == [Known(None, Drawn(claim, b"salt"))]
    ends_at = draft.draft.expires_at
    journal.settle([Settled(place, claim.entry_id, ends_at, kept)])
    (known,) = journal.known([place])
    stands = known.stands
    assert known.drawn is None
    assert stands is not None
    assert (stands.entry_id, stands.content, stands.ends_at) == (claim.entry_id, draft.content, draft.draft.expires_at)
    assert journal.known([Place.of(draft, 2)]) == [NOTHING]
    assert journal.entries([place, Place.of(draft, 2)]) == [claim.entry_id]
    journal.withdraw(claim.entry_id, draft.draft.expires_at)
    assert Journal(new_store(tmp_path)).known([place, Place.of(draft, 2)]) == [WITHDRAWN, NOTHING]
    # Contributed again, it stands again under its new name.
    other = sealed_claim(new_signing_key(), "alpha", tag(1), b"L" * 32)
    assert other.entry_id != claim.entry_id
    journal.settle([Settled(place, other.entry_id, ends_at, kept, is_new_here=True)])
    assert journal.keepsakes([other.entry_id]) == [kept]
    (stands,) = (it.stands for it in journal.known([place]))
    assert stands is not None
    assert stands.entry_id == other.entry_id
    assert b"13967210483" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_a_refused_row_is_forgotten(tmp_path: Path) -> None:
    journal = Journal(new_store(tmp_path))
    place = Place.of(drawn(row()), 1)
    row_of_it = Drawn(sealed_claim(new_signing_key(), "alpha", tag(1), b"L" * 32), b"")
    journal.draw([(place, row_of_it, Keepsake.of(drawn(row()), b""))])
    journal.settle([], [place])
    assert journal.known([place]) == [NOTHING]


def test_a_row_shows_no_identifier() -> None:
    assert "1396" not in repr(row())
