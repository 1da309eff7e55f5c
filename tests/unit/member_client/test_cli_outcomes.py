import json

import pytest
from cli_fakes import Cli, FakeClient

from alliance.taxonomy import Category, Outcome
from member_client import InvalidUse, OutcomeCount

RECEIPT = "R-7Q2XJ5VNQK3ZC6M4WD5T2EAB3M-0"


@pytest.mark.parametrize(
    "arguments",
    [
        ("report", RECEIPT, "--outcome", "victim"),
        ("report", "--outcome", "victim", RECEIPT),
        ("report", "add", RECEIPT, "--outcome", "victim"),
        ("report", RECEIPT, "--outcome", "本人为受害人"),
    ],
)
def test_a_receipt_may_stand_where_a_command_would(arguments: tuple[str, ...]) -> None:
    cli = Cli()
    result = cli(*arguments)
    assert (result.exit_code, result.stderr) == (0, "")
    (kept,) = cli.client.reported
    assert (kept.receipt, kept.outcome) == (RECEIPT, Outcome.VICTIM)
    assert "victim, about 1 claims" in result.stdout


def test_one_claim_of_a_verdict() -> None:
    cli = Cli()
    entry = "5f0c2b7e9d4148f6a3b1c0d2e4f60718"
    result = cli("report", RECEIPT, "--outcome", "stale", "--entry", entry, "--json")
    assert json.loads(result.stdout)["reports"] == [
        {
            "receipt": RECEIPT,
            "entry": entry,
            "category": "mule_account",
            "outcome": "stale",
            "reported_at": cli.client.reported[0].reported_at,
        }
    ]
    assert cli("report", RECEIPT, "--outcome", "stale", "--entry", "5f0c").exit_code == 2


def test_what_cannot_be_reported() -> None:
    cli = Cli()
    result = cli("report", RECEIPT, "--outcome", "guilty")
    assert result.exit_code == 2
    assert "--outcome is one of confirmed_fraud, false_match" in result.stderr
    assert cli("report", RECEIPT).exit_code == 2
    refused = Cli(FakeClient(fault=InvalidUse("no decision of this receipt is known here")))
    assert refused("report", RECEIPT, "--outcome", "stale").exit_code == 2
    assert cli.client.reported == []


def test_what_waits_and_what_was_sent() -> None:
    cli = Cli()
    assert "0 reports wait · 0 were sent" in cli("report", "list").stdout
    assert "no reports wait" in cli("report", "send").stdout
    cli("report", RECEIPT, "--outcome", "stale")
    listed = cli("report", "list")
    assert "1 reports wait · 0 were sent" in listed.stdout
    assert RECEIPT in listed.stdout
    assert json.loads(cli("report", "list", "--json").stdout)["waiting"][0]["outcome"] == "stale"
    assert "1 reports sent, in counts" in cli("report", "send").stdout
    assert json.loads(cli("report", "list", "--json").stdout) == {"waiting": [], "sent": 1}


def test_own_claims_by_month_and_category() -> None:
    told = [
        OutcomeCount("2026-10", Category.MULE_ACCOUNT, Outcome.CONFIRMED_FRAUD, 1234),
        OutcomeCount("2026-10", Category.MULE_ACCOUNT, Outcome.WRONG_PERSON, 5),
        OutcomeCount("2026-11", Category.PHISHING, Outcome.STALE, 6),
    ]
    cli = Cli(FakeClient(told=told))
    header, first, second = cli("claims", "quality").stdout.splitlines()
    titles = ["Month", "Category", "Confirmed fraud", "False match", "Wrong person", "Stale", "Victim"]
    assert header.split() == " ".join(titles).split()
    assert first.split() == ["2026-10", "mule_account", "1,234", "–", "5", "–", "–"]
    assert second.split() == ["2026-11", "phishing", "–", "–", "–", "6", "–"]
    assert "fewer than five" in cli("claims", "quality").stderr
    assert json.loads(cli("claims", "quality", "--json").stdout)["outcomes"][1] == {
        "month": "2026-10",
        "category": "mule_account",
        "outcome": "wrong_person",
        "count": 5,
    }
    assert "确认欺诈" in cli("--lang", "zh-CN", "claims", "quality").stdout


def test_nothing_is_told_yet() -> None:
    assert "nothing is told yet" in Cli()("claims", "quality").stdout
