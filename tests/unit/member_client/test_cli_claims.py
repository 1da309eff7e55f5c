import json
from dataclasses import replace
from pathlib import Path

import pytest
from cli_fakes import CLEAN, LISTED, NOW_MS, Cli, FakeClient, an_own_claim, assert_no_identifier

from alliance.taxonomy import DAY_MS, ClaimStatus, EvidenceLevel, SubjectRole, retention_ms
from member_client import InvalidUse, OwnClaim


def test_claims_are_listed_up_to_a_limit() -> None:
    cli = Cli(FakeClient(own=[an_own_claim(number) for number in range(1, 6)]))
    result = cli("claims", "list", "--limit", "2")
    assert result.exit_code == 0
    for word in ("Entry", "00000000000000000000000000000002", "mule_account", "active", "2029-02-28", "… more"):
        assert word in result.stdout
    document = json.loads(cli("claims", "list", "--limit", "0", "--json").stdout)
    assert len(document["claims"]) == 5
    assert document["more"] is False


def test_no_claims() -> None:
    assert "no claims" in Cli()("claims", "list").stdout


def test_a_claim_is_shown() -> None:
    claim = an_own_claim(3)
    cli = Cli(FakeClient(own=[claim]))
    result = cli("claims", "show", claim.entry_id.hex())
    assert "category  mule_account" in result.stdout
    assert json.loads(cli("claims", "show", claim.entry_id.hex(), "--json").stdout)["status"] == "active"


def test_a_withdrawn_claim_shows_why() -> None:
    claim = replace(an_own_claim(3), status=ClaimStatus.WITHDRAWN, reason="filed_in_error")
    cli = Cli(FakeClient(own=[claim]))
    assert "filed_in_error" in cli("claims", "show", claim.entry_id.hex()).stdout
    assert json.loads(cli("claims", "show", claim.entry_id.hex(), "--json").stdout)["reason"] == "filed_in_error"


@pytest.mark.parametrize(("value", "typed"), [(LISTED, None), ("-", f"{LISTED}\n")])
def test_claims_are_found_by_their_identifier(value: str, typed: str | None) -> None:
    cli = Cli(FakeClient(own=[an_own_claim(3)]))
    result = cli("claims", "find", "phone", value, "--json", input=typed)
    assert [claim["entry"] for claim in json.loads(result.stdout)["claims"]] == [an_own_claim(3).entry_id.hex()]
    assert "no claims" in cli("claims", "find", "phone", CLEAN).stdout
    assert_no_identifier(result.output)


def test_a_wrong_kind_is_told_before_the_identifier_is_asked_for() -> None:
    result = Cli()("claims", "find", LISTED, "-", input="")
    assert result.exit_code == 2
    assert "KIND is one of phone" in result.stderr
    assert_no_identifier(result.output)


def test_a_claim_is_withdrawn_for_a_reason() -> None:
    claim = an_own_claim(3)
    cli = Cli(FakeClient(own=[claim]))
    result = cli("claims", "withdraw", claim.entry_id.hex(), "--reason", "filed_in_error")
    assert result.exit_code == 0
    assert cli.client.withdrawn == [(claim.entry_id, "filed_in_error")]


def test_a_claim_is_recalled_for_a_reason_code() -> None:
    claim = an_own_claim(3)
    cli = Cli(FakeClient(own=[claim]))
    assert cli("claims", "recall", claim.entry_id.hex(), "--reason", "wrong person").exit_code == 2
    assert cli("claims", "recall", claim.entry_id.hex(), "--reason", "wrong_person").exit_code == 0
    assert cli.client.recalled == [(claim.entry_id, "wrong_person")]


SUSPICION = replace(an_own_claim(3), evidence=EvidenceLevel.E1, expires_at=NOW_MS + DAY_MS)
ENTRY = SUSPICION.entry_id.hex()


def amend(claim: OwnClaim, *options: str | Path, typed: str | None = None, value: str = CLEAN) -> Cli:
    cli = Cli(FakeClient(own=[claim]))
    result = cli("claims", "amend", claim.entry_id.hex(), value, *options, input=typed)
    assert result.exit_code == 0, result.stderr
    assert_no_identifier(result.output)
    return cli


@pytest.mark.parametrize(("value", "typed"), [(CLEAN, None), ("-", f"{CLEAN}\n")])
def test_an_amended_claim_keeps_what_is_not_named(value: str, typed: str | None) -> None:
    (row,) = amend(SUSPICION, "--role", "client_victim", typed=typed, value=value).client.rows
    assert (row.text, row.role, row.evidence) == (CLEAN, SubjectRole.CLIENT_VICTIM, EvidenceLevel.E1)
    assert (row.kind, row.category, row.sharing) == (SUSPICION.kind, SUSPICION.category, SUSPICION.sharing)
    assert (row.observed_from, row.observed_to) == (SUSPICION.observed_from, SUSPICION.observed_to)
    assert row.expires_at == SUSPICION.expires_at


def test_an_amended_claim_ends_no_later_than_its_new_words_allow() -> None:
    confirmed = replace(an_own_claim(3), expires_at=NOW_MS + 10_000 * DAY_MS)
    (row,) = amend(confirmed, "--evidence", "E1").client.rows
    assert row.expires_at == NOW_MS + retention_ms(confirmed.kind, confirmed.role, EvidenceLevel.E1)


def test_to_amend_nothing_is_a_wrong_call() -> None:
    cli = Cli(FakeClient(own=[SUSPICION]))
    result = cli("claims", "amend", ENTRY, CLEAN)
    assert result.exit_code == 2
    assert "nothing to amend: name what is to change" in result.stderr
    assert not cli.client.rows


def test_an_amended_claim_has_the_end_that_is_named() -> None:
    (row,) = amend(SUSPICION, "--expires", "2027-01-31").client.rows
    assert row.expires_at is not None
    assert row.expires_at % DAY_MS == 0
    assert (row.role, row.evidence) == (SUSPICION.role, SUSPICION.evidence)


@pytest.mark.parametrize("claim", [SUSPICION, an_own_claim(3)])
def test_evidence_above_e1_needs_its_file_again(tmp_path: Path, claim: OwnClaim) -> None:
    case = tmp_path / "case.pdf"
    case.write_bytes(b"evidence")
    above = claim.evidence > EvidenceLevel.E1
    named = ("--role", "recruiter") if above else ("--evidence", "E2")
    cli = Cli(FakeClient(own=[claim]))
    result = cli("claims", "amend", ENTRY, CLEAN, *named)
    assert result.exit_code == 2
    assert "evidence above E1 needs its file: give --evidence-file" in result.stderr
    assert not cli.client.rows
    (row,) = amend(claim, *named, "--evidence-file", case).client.rows
    assert (row.evidence, row.evidence_file) == (claim.evidence if above else EvidenceLevel.E2, case)
    (row,) = amend(claim, "--evidence", "E1").client.rows
    assert (row.evidence, row.evidence_file) == (EvidenceLevel.E1, None)


def test_a_wrong_entry_is_told_before_the_identifier_is_asked_for() -> None:
    cli = Cli(FakeClient(own=[SUSPICION]))
    for entry in (ENTRY[:-1], CLEAN, "nonsense"):
        result = cli("claims", "amend", entry, "-", input="")
        assert result.exit_code == 2
        assert "ENTRY is a claim's entry id" in result.stderr
        assert_no_identifier(result.output)
    assert not cli.client.rows


def test_what_is_no_amendment_is_told_by_the_sdk_in_the_readers_language() -> None:
    refused = InvalidUse("the row is refused: empty. The cell is empty: leave the row out or fill it in.")
    arguments = ("claims", "amend", ENTRY, CLEAN, "--role", "recruiter")
    result = Cli(FakeClient(own=[SUSPICION], fault=refused))(*arguments)
    assert (result.exit_code, str(refused) in result.stderr) == (2, True)
    result = Cli(FakeClient(own=[SUSPICION], fault=refused))(*arguments, "--lang", "zh")
    assert "该行未受理：empty。单元格为空：请删去该行或补填。" in result.stderr
