import json

import pytest
from cli_fakes import AWAY, CLEAN, DOUBTED, LISTED, Cli, assert_no_identifier

from member_client import Consent

WHY = ("--purpose", "loan_application", "--consent", "C-7")


@pytest.mark.parametrize(
    ("value", "state", "code"),
    [
        (LISTED, "match", 0),
        (CLEAN, "clear", 0),
        (AWAY, "unknown", 5),
        (DOUBTED, "unconfirmed", 7),
        ("138", "refused", 4),
        (" ", "refused", 4),
    ],
)
def test_each_state_has_its_exit_code(value: str, state: str, code: int) -> None:
    result = Cli()("check", "phone", value, *WHY)
    assert result.exit_code == code
    assert f"{state} · you may: " in result.stdout
    assert_no_identifier(result.output)
    document = json.loads(Cli()("check", "phone", value, *WHY, "--json").stdout)
    assert (document["state"], document["exit_code"]) == (state, code)


def test_a_match_is_shown_with_what_it_permits() -> None:
    result = Cli()("check", "phone", LISTED, *WHY)
    for word in ("Category", "mule_account", "mule_unwitting", "E3", "2 members", "2029-02-28", "active", "step up"):
        assert word in result.stdout
    assert "phone · loan_application · epoch 7 · filter 42 s old" in result.stdout


@pytest.mark.parametrize(
    ("value", "fail_on", "code"),
    [
        (LISTED, "match", 10),
        (LISTED, "unknown", 0),
        (AWAY, "unknown", 11),
        (AWAY, "match", 5),
        (CLEAN, "match", 0),
        (DOUBTED, "unknown", 7),
    ],
)
def test_fail_on(value: str, fail_on: str, code: int) -> None:
    assert Cli()("check", "phone", value, *WHY, "--fail-on", fail_on).exit_code == code


def test_a_refused_value_comes_with_advice() -> None:
    result = Cli()("check", "resident_id", "11010519491231002Y", *WHY)
    assert "resident_id: malformed. The text does not have the shape" in result.stdout


def test_the_value_can_come_from_standard_input() -> None:
    cli = Cli()
    result = cli("check", "phone", "-", *WHY, input=f"{LISTED}\n")
    assert "match" in result.stdout
    assert [subject.field_count() for subject in cli.client.subjects] == [1]


def test_a_value_may_start_with_a_dash() -> None:
    assert "clear" in Cli()("check", *WHY, "email", "--", "-x@example.com").stdout


def test_consent_is_a_reference_or_a_document(tmp_path: object) -> None:
    cli = Cli()
    cli("check", "phone", CLEAN, *WHY)
    assert cli.client.consents == [Consent.of("C-7")]
    assert cli("check", "phone", CLEAN, "--purpose", "transaction", "--consent", "@/absent").exit_code == 2


def test_repeated_questions_are_timed() -> None:
    result = Cli()("--json", "check", "phone", CLEAN, *WHY, "--repeat", "5")
    latency = json.loads(result.stdout)["latency_ms"]
    assert latency["answers"] == 5
    assert 0 < latency["p50"] <= latency["p99"]
    assert "of 5 answers" in Cli()("check", "phone", CLEAN, *WHY, "--repeat", "5").stdout


def test_a_hub_that_is_away_has_no_latency() -> None:
    result = Cli()("--json", "check", "phone", AWAY, *WHY, "--repeat", "5")
    assert result.exit_code == 5
    assert json.loads(result.stdout)["latency_ms"] == {"p50": 0.0, "p99": 0.0, "answers": 0}
