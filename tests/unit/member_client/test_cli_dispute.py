"""`member-client dispute`: what it takes, what it shows, and in which words."""

import json
from pathlib import Path

import pytest
from cli_fakes import LISTED, NOW_MS, Cli, FakeClient, a_dispute, assert_no_identifier

from alliance.disputes import DisputeGround, DisputeState
from alliance.taxonomy import DAY_MS, Category, EvidenceLevel, SubjectRole
from member_client import Consent, DisputeNotPossible, Escalation

ID = "0b1c2d3e4f5061728394a5b6c7d8e9f0"
ENTRY = "5f0c2b7e9d4148f6a3b1c0d2e4f60718"


@pytest.fixture
def told(tmp_path: Path) -> Path:
    path = tmp_path / "told.txt"
    path.write_text("这不是我。\nIt was my brother.", "utf-8")
    return path


def opening(told: Path, *more: str | Path) -> tuple[str | Path, ...]:
    about = ("--entry", ENTRY, "--ground", "identity_theft", "--statement", told, "--request", "complaint-117")
    return ("dispute", "open", "phone", LISTED, *about, *more)


def test_a_dispute_is_opened_with_what_the_consumer_brings(told: Path, tmp_path: Path) -> None:
    letter = tmp_path / "letter.pdf"
    letter.write_bytes(b"%PDF")
    cli = Cli()
    result = cli(*opening(told, "--evidence", letter))
    assert result.exit_code == 0, result.output
    for word in ("identity theft", "waits for the contributor", "brought", "15 days, until 2026-10-06", ENTRY):
        assert word in result.stdout
    assert cli.client.complaints == [(bytes.fromhex(ENTRY), "identity_theft", told.read_text("utf-8"), letter)]
    assert cli.client.consents == [Consent.of("complaint-117")]
    assert cli.client.calls["sync"] == 1  # what was filed a moment ago can be contested
    assert_no_identifier(result.output)
    document = json.loads(cli(*opening(told), "--json").stdout)
    assert (document["dispute"], document["ground"], document["days_left"]) == (ID, "identity_theft", 15)


def test_the_value_can_come_from_standard_input(told: Path) -> None:
    cli = Cli()
    arguments = [it if it != LISTED else "-" for it in opening(told)]
    assert cli(*arguments, input=f"{LISTED}\n").exit_code == 0
    assert [text for _, text in cli.client.subjects[0].texts()] == [LISTED]


def test_what_cannot_be_opened_says_why(told: Path, tmp_path: Path) -> None:
    long, latin = tmp_path / "long.txt", tmp_path / "latin.txt"
    long.write_bytes(b"x" * 20_000)
    latin.write_bytes(b"\xe9t\xe9")
    wrong = [
        ([*opening(tmp_path / "missing")], "no such file"),
        ([*opening(long)], "4,094 bytes"),
        ([*opening(latin)], "UTF-8"),
        ([it if it != ENTRY else "5f0c" for it in opening(told)], "32 hexadecimal digits"),
        ([it if it != "phone" else "telephone" for it in opening(told)], "KIND is one of"),
        ([it if it != "complaint-117" else "@nowhere" for it in opening(told)], "--request"),
        ([it if it != "identity_theft" else "because" for it in opening(told)], "one of identity_theft, wrong_person"),
    ]
    for arguments, words in wrong:
        result = Cli()(*arguments)
        assert (result.exit_code, words in result.output) == (2, True), result.output
    refused = Cli(FakeClient(fault=DisputeNotPossible("No dispute can be opened so.")))(*opening(told))
    assert refused.exit_code == 6
    assert_no_identifier(refused.output)


def test_lists_show_the_clock() -> None:
    late = a_dispute(id=bytes(15) + b"\x01", due_at=NOW_MS - DAY_MS, state=DisputeState.UNANSWERED)
    done = a_dispute(id=bytes(15) + b"\x02", state=DisputeState.UPHELD, ground=DisputeGround.OUTDATED)
    cli = Cli(FakeClient(opened=[done], contested=[a_dispute(), late, done]))
    queue = cli("dispute", "queue").stdout
    for word in (ID, "somebody else", "15 days, until", "unanswered, claim suspended", "overdue since 2026-09-20"):
        assert word in queue
    assert "upheld" not in queue
    assert len(json.loads(cli("dispute", "queue", "--all", "--json").stdout)["disputes"]) == 3
    (listed,) = json.loads(cli("dispute", "list", "--json").stdout)["disputes"]
    assert (listed["state"], listed["days_left"]) == ("upheld", None)
    assert "upheld by the contributor" in cli("dispute", "list").stdout
    assert "nothing waits" in Cli()("dispute", "queue").stdout
    assert "no disputes" in Cli()("dispute", "list").stdout


def test_show_gives_a_dispute_and_on_demand_the_statement() -> None:
    mine = a_dispute(state=DisputeState.UPHELD, answered_at=NOW_MS, escalate_until=NOW_MS + 30 * DAY_MS)
    cli = Cli(FakeClient(opened=[mine]))
    assert "Escalate by" in cli("dispute", "show", ID).stdout
    cli = Cli(FakeClient(contested=[a_dispute()]))
    assert "It was not me." not in cli("dispute", "show", ID).stdout
    assert "It was not me.\nSee 0b1c." in cli("dispute", "show", ID, "--statement").stdout
    assert json.loads(cli("dispute", "show", ID, "--statement", "--json").stdout)["statement"].startswith("It was")
    assert "statement" not in json.loads(cli("dispute", "show", ID, "--json").stdout)
    assert cli("dispute", "show", "00" * 16).exit_code == 2
    assert cli("dispute", "show", "xyz").exit_code == 2


@pytest.mark.parametrize("outcome", ["upheld", "corrected", "withdrawn", "recalled"])
def test_each_answer_is_a_word_with_a_code(outcome: str) -> None:
    result = Cli()("dispute", "answer", ID, outcome, "--reason", "checked_with_police")
    assert (result.exit_code, "checked_with_police" in result.stdout) == (0, True)
    document = json.loads(Cli()("dispute", "answer", ID, outcome, "--reason", "checked", "--json").stdout)
    assert (document["state"], document["answer_reason"]) == (outcome, "checked")
    assert Cli()("dispute", "answer", ID, outcome, "--reason", "Mr Wang was nice").exit_code == 2
    assert Cli()("dispute", "answer", ID, "perhaps", "--reason", "checked").exit_code == 2


def test_escalation_and_review() -> None:
    assert "waits for a reviewer" in Cli()("dispute", "escalate", ID).stdout
    waiting = Escalation(
        id=bytes.fromhex(ID),
        ground=DisputeGround.INACCURATE,
        category=Category.MULE_ACCOUNT,
        role=SubjectRole.MULE_COMPLICIT,
        evidence=EvidenceLevel.E2,
        filed_at=NOW_MS,
        expires_at=NOW_MS + DAY_MS,
        opened_at=NOW_MS,
        answered_at=NOW_MS,
        answer_reason="checked",
        escalated_at=NOW_MS,
        due_at=NOW_MS + 20 * DAY_MS,
        has_evidence=True,
    )
    cli = Cli(FakeClient(escalated=[waiting]))
    for word in (ID, "not what happened", "mule_account", "checked"):
        assert word in cli("dispute", "review").stdout
    assert json.loads(cli("dispute", "review", "--json").stdout)["escalations"][0]["evidence"] == "E2"
    decided = cli("dispute", "review", ID, "--decision", "claim_suspended", "--reason", "evidence_too_thin")
    assert "reviewed: claim suspended" in decided.stdout
    assert cli.client.reviewed == [(bytes.fromhex(ID), "evidence_too_thin")]
    assert "nothing waits" in Cli()("dispute", "review").stdout
    for arguments in ([ID], ["--reason", "x"], [ID, "--decision", "claim_stands"]):
        assert cli("dispute", "review", *arguments).exit_code == 2


def test_chinese_is_spoken(told: Path) -> None:
    shown = Cli()(*opening(told), "--lang", "zh-CN").stdout
    for word in ("身份被盗用", "待报送方答复", "15 天"):
        assert word in shown


def test_a_check_for_a_dispute_names_the_entries() -> None:
    why = ("--purpose", "dispute", "--consent", "complaint-117")
    assert f"entry {'00' * 16} · mule_account · bank-b" in Cli()("check", "phone", LISTED, *why).stdout
    document = json.loads(Cli()("check", "phone", LISTED, *why, "--json").stdout)
    assert [it["contributor"] for it in document["entries"]] == ["bank-b", "bank-c"]
    assert "entry" not in Cli()("check", "phone", LISTED, "--purpose", "transaction", "--consent", "C").stdout
