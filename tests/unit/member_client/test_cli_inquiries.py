"""`member-client case` for a member that is asked: what it shows, what it signs, and what it never does."""

import json
from pathlib import Path
from typing import Any

import pytest
from cli_fakes import CLEAN, LISTED, NOW_MS, Cli, FakeClient, an_own_claim, assert_no_identifier
from fake_inquiries import CASE, FakeInquiries, an_inquiry

from alliance.cases.words import CaseState, ReleaseOutcome, UrgencyGround
from alliance.identifiers import Kind
from alliance.taxonomy import DAY_MS
from member_client import (
    AttachmentMismatch,
    InquiredClaim,
    InquiryAnswer,
    OpenedSuspect,
    Operator,
    ReplyOutcome,
    ReplyState,
    SentReply,
    StatementInvalid,
)

ID = CASE.hex()
ENTRY, OTHER_ENTRY = (7).to_bytes(16, "big"), (8).to_bytes(16, "big")
SUSPECT = OpenedSuspect(Kind.PHONE, LISTED, b"leaf", "transfers on 3 March")
SIGNED = ("--operator", "desk-7", "--basis", "Art. 54", "--yes")


def asked(*entries: bytes, **changes: Any) -> FakeInquiries:
    claims = [InquiredClaim(it, an_own_claim(), None) for it in entries or (ENTRY,)]
    return FakeInquiries(found=[an_inquiry(claims=len(claims), **changes)], asked=claims, suspect=SUSPECT)


def cli_of(inquiries: FakeInquiries) -> Cli:
    return Cli(FakeClient(inquiries=inquiries))


@pytest.fixture(autouse=True)
def operators(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every operator has a key."""

    def opened(_session: object, name: str) -> Operator:
        return Operator(name, None)  # type: ignore[arg-type]  # the fake signs nothing

    monkeypatch.setattr("member_client.cli.case.releasing.opened_operator", opened)


@pytest.fixture
def values(tmp_path: Path) -> Path:
    path = tmp_path / "values.csv"
    path.write_text("account_number,account_status,full_name\n6222-0001,frozen,\n", "utf-8")
    return path


def test_the_inbox_shows_what_asks_and_until_when() -> None:
    urgent = an_inquiry(
        case_id=bytes(16),
        number="U-1",
        urgency=UrgencyGround.FUNDS_MOVING,
        reply_by=NOW_MS + 5 * 60 * 60 * 1000,
        reply=ReplyState.READY,
    )
    over = an_inquiry(case_id=bytes(range(16)), state=CaseState.CLOSED, ended_at=NOW_MS, reply=ReplyState.SENT)
    cli = cli_of(FakeInquiries(found=[an_inquiry(), urgent, over]))
    shown = cli("case", "inbox").stdout
    for word in (ID, "notice to collect evidence", "11 days, until", "5 hours, until", "money is being moved away"):
        assert word in shown
    assert "to be drawn up" in shown
    assert "ready, is sent in its window" in shown
    assert over.case_id.hex() not in shown
    assert over.case_id.hex() in cli("case", "inbox", "--all").stdout
    document = json.loads(cli("case", "inbox", "--json").stdout)
    first, second = document["cases"]
    assert (first["case"], first["claims"], first["reply"], first["urgency"]) == (ID, 1, "open", "")
    assert (second["urgency"], second["reply"]) == ("funds_moving", "ready")
    assert "no case asks you" in Cli()("case", "inbox").stdout


def test_a_case_that_does_not_verify_is_named_as_an_attack() -> None:
    fault = StatementInvalid("The hub shows a police case of nobody who is a liaison: it is not shown.")
    result = cli_of(FakeInquiries(found=[an_inquiry()], fault=fault))("case", "inbox")
    assert (result.exit_code, "INTEGRITY" in result.output) == (7, True)
    assert ID not in result.output


def test_replies_that_are_due_are_sent_by_any_case_command() -> None:
    inquiries = asked()
    inquiries.replies = [SentReply(CASE, ReplyOutcome.SENT, NOW_MS, NOW_MS + DAY_MS)]
    result = cli_of(inquiries)("case", "inbox")
    assert "the reply is sent, and the hub has it" in result.stderr
    assert inquiries.replies == []
    inquiries.replies = [SentReply(CASE, ReplyOutcome.SENT, NOW_MS, NOW_MS + DAY_MS)]
    fails = cli_of(inquiries)("case", "preview", "ffff")
    assert (fails.exit_code, "the reply is sent, and the hub has it" in fails.stderr) == (2, True)


def test_a_reply_that_cannot_be_sent_stops_no_command_but_send() -> None:
    inquiries = asked()
    inquiries.unsent = AttachmentMismatch("statement.pdf is not the file that was released.")
    result = cli_of(inquiries)("case", "inbox")
    assert (result.exit_code, ID in result.stdout) == (0, True)
    assert "NOT SENT: statement.pdf is not the file that was released." in result.stderr
    assert cli_of(inquiries)("case", "send").exit_code != 0


def test_send_says_what_became_of_each_reply() -> None:
    inquiries = asked()
    inquiries.replies = [SentReply(CASE, ReplyOutcome.WAITS, NOW_MS + DAY_MS, NOW_MS + 2 * DAY_MS)]
    assert "is ready, and is sent from" in cli_of(inquiries)("case", "send").stdout
    inquiries.replies = [SentReply(CASE, ReplyOutcome.OTHER, NOW_MS, NOW_MS)]
    assert "another machine of yours replied first" in cli_of(inquiries)("case", "send").stdout
    assert "no reply is ready" in cli_of(inquiries)("case", "send").stdout
    inquiries.replies = [SentReply(CASE, ReplyOutcome.TOO_LATE, NOW_MS, NOW_MS)]
    late = cli_of(inquiries)("case", "send")
    assert (late.exit_code, "TOO LATE" in late.output) == (6, True)
    inquiries.replies = [SentReply(CASE, ReplyOutcome.SENT, NOW_MS, NOW_MS)]
    document = json.loads(cli_of(inquiries)("case", "send", "--json").stdout)
    assert document["replies"][0]["outcome"] == "sent"


def test_a_preview_shows_own_claims_and_opens_what_it_is_told_to(tmp_path: Path) -> None:
    inquiries = asked()
    cli = cli_of(inquiries)
    shown = cli("case", "preview", ID[:8]).stdout
    for word in (ENTRY.hex(), "mule_account", "telephone number", "1 not opened", "police-sh"):
        assert word in shown
    assert "transfers on 3 March" not in shown
    shown = cli("case", "preview", ID[:8], "--open").stdout
    assert "transfers on 3 March" in shown
    assert f"…{LISTED[-4:]}" in shown
    customers = tmp_path / "customers.csv"
    customers.write_text(f"customer_no,mobile\nC-1,{LISTED}\nC-2,\nC-3,{CLEAN}\n", "utf-8")
    options = ("--subjects", customers, "--map", "phone=mobile", "--ref", "customer_no")
    result = cli("case", "preview", "沪公经（2026）117", *options)
    assert result.exit_code == 4  # a row without a number
    assert "C-1, C-3" in result.stdout
    assert [len(people) for people, _ in inquiries.opened] == [0, 0, 2]
    result = cli("case", "preview", ID, "--phone", "-", "--json", input=f"{LISTED}\n")
    (claim,) = json.loads(result.stdout)["asked_about"]
    assert (claim["customer"], claim["note"], claim["opened"]) == (f"…{LISTED[-4:]}", "transfers on 3 March", True)
    assert_no_identifier(result.output)
    assert cli("case", "preview", "ffff").exit_code == 2


def test_templates_list_what_may_be_released() -> None:
    shown = Cli()("case", "templates").stdout
    assert "account_number" in shown
    assert "narrative" in shown
    assert list(json.loads(Cli()("case", "templates", "loan", "--json").stdout)["templates"]) == ["loan"]
    assert Cli()("case", "templates", "everything").exit_code == 2


def test_a_release_shows_exactly_what_it_signs(values: Path, tmp_path: Path) -> None:
    attached = tmp_path / "statement.pdf"
    attached.write_bytes(b"%PDF-1.7")
    inquiries = asked()
    cli = cli_of(inquiries)
    order = ("case", "release", ID, *SIGNED, "--values", values, "--template", "account", "--template", "identity")
    result = cli(*order, "--attach", attached, "--field", "account_number")
    assert result.exit_code == 0, result.output
    for word in ("account_number", "6222-0001", "statement.pdf, 8 bytes", "Art. 54", "case release", ENTRY.hex()):
        assert word in result.stdout
    assert "frozen" not in result.stdout
    (answers,) = inquiries.answers
    assert answers == [InquiryAnswer(ENTRY, ReleaseOutcome.RELEASED, {"account_number": "6222-0001"}, (attached,))]
    assert inquiries.signed == [("draft", "desk-7")]
    approved = cli("case", "release", ID, "--operator", "desk-8", "--approve", "--yes")
    assert approved.exit_code == 0, approved.output
    for word in ("6222-0001", "drawn up by desk-7", "the hub has it"):
        assert word in approved.stdout
    assert inquiries.signed == [("draft", "desk-7"), ("approve", "desk-8")]


def test_whoever_declines_agrees_to_no_release(values: Path) -> None:
    inquiries = asked()
    cli = cli_of(inquiries)
    order = ("case", "release", ID, *SIGNED, "--values", values, "--template", "account", "--template", "identity")
    assert cli(*order).exit_code == 0
    refused = cli("case", "decline", ID, "--operator", "desk-8", "--approve", "--yes")
    assert (refused.exit_code, "6222-0001" in refused.output) == (2, True)
    assert "releases something, nothing was signed" in refused.output
    assert inquiries.signed == [("draft", "desk-7")]
    declining = asked()
    assert cli_of(declining)("case", "decline", ID, *SIGNED).exit_code == 0
    approved = cli_of(declining)("case", "decline", ID, "--operator", "desk-8", "--approve", "--yes")
    assert approved.exit_code == 0, approved.output
    assert declining.signed == [("draft", "desk-7"), ("approve", "desk-8")]


def test_a_dry_run_and_a_missing_yes_sign_nothing(values: Path) -> None:
    inquiries = asked()
    order = ("case", "release", ID, "--operator", "desk-7", "--basis", "x", "--values", values, "--template", "account")
    wide = (*order, "--template", "identity")
    result = cli_of(inquiries)(*wide, "--dry-run", "--json")
    assert json.loads(result.stdout)["answers"][0]["fields"] == {
        "account_number": "6222-0001",
        "account_status": "frozen",
    }
    refused = cli_of(inquiries)(*wide)
    assert (refused.exit_code, "nobody is there to be asked" in refused.output) == (2, True)
    assert inquiries.signed == []
    assert cli_of(inquiries)("case", "release", ID, "--operator", "desk-8", "--approve").exit_code == 2


def test_nothing_is_read_that_no_template_names(values: Path) -> None:
    order = ("case", "release", ID, *SIGNED, "--values", values)
    wrong: list[tuple[tuple[str | Path, ...], str]] = [
        ((*order, "--template", "account"), "1 columns of the file"),
        ((*order,), "--template"),
        ((*order, "--template", "everything"), "one of identity"),
        ((*order, "--template", "account", "--field", "shoe_size"), "shoe_size"),
        ((*order, "--template", "account", "--template", "identity", "--field", "sex"), "no column sex"),
        ((*order, "--template", "account", "--template", "identity", "--attach", "nowhere"), "not there"),
        (("case", "release", ID, "--operator", "desk-7", "--basis", "x"), "--values or --attach"),
        (("case", "release", ID, "--operator", "desk-7", "--values", values, "--template", "account"), "--basis"),
        ((*order, "--approve"), "nothing else"),
        (("case", "decline", ID, "--operator", "d"), "--basis"),
        (("case", "decline", ID, "--operator", "d", "--nothing", "--approve"), "nothing else"),
    ]
    for arguments, words in wrong:
        inquiries = asked()
        result = cli_of(inquiries)(*arguments)
        assert (result.exit_code, words in result.output) == (2, True), result.output
        assert inquiries.answers == []
        assert "6222-0001" not in result.output


def test_answers_are_mixed_claim_by_claim(tmp_path: Path) -> None:
    attached = tmp_path / "a.pdf"
    attached.write_bytes(b"%PDF")
    table = tmp_path / "answers.jsonl"
    rows = [
        {"entry": ENTRY.hex(), "account_number": "6222", "files": "a.pdf"},
        {"entry": OTHER_ENTRY.hex(), "outcome": "declined"},
    ]
    table.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    inquiries = asked(ENTRY, OTHER_ENTRY)
    order = ("case", "release", ID, *SIGNED, "--values", table, "--template", "account")
    result = cli_of(inquiries)(*order)
    assert result.exit_code == 0, result.output
    assert inquiries.answers == [
        [
            InquiryAnswer(ENTRY, ReleaseOutcome.RELEASED, {"account_number": "6222"}, (attached,)),
            InquiryAnswer(OTHER_ENTRY, ReleaseOutcome.DECLINED),
        ]
    ]
    table.write_text(json.dumps({"account_number": "6222"}), "utf-8")
    assert "column `entry`" in cli_of(asked(ENTRY, OTHER_ENTRY))(*order).output
    table.write_text(json.dumps({"entry": ENTRY.hex(), "outcome": "perhaps"}), "utf-8")
    assert "released, declined, nothing" in cli_of(asked())(*order).output
    table.write_text(json.dumps({"account_number": True}), "utf-8")
    assert cli_of(asked())(*order).exit_code == 2


def test_several_files_go_to_the_claims_they_name(tmp_path: Path) -> None:
    attached = tmp_path / "a.pdf"
    attached.write_bytes(b"%PDF")
    inquiries = asked(ENTRY, OTHER_ENTRY)
    order = ("case", "release", ID, *SIGNED)
    assert "ENTRY=FILE" in cli_of(inquiries)(*order, "--attach", attached).output
    assert cli_of(inquiries)(*order, "--attach", f"{OTHER_ENTRY.hex()}={attached}").exit_code == 0
    ((first, second),) = inquiries.answers
    assert (first.files, second.files) == ((), (attached,))
    assert cli_of(asked())(*order, "--attach", f"{OTHER_ENTRY.hex()}={attached}").exit_code == 2


@pytest.mark.parametrize(("more", "outcome"), [((), ReleaseOutcome.DECLINED), (("--nothing",), ReleaseOutcome.NOTHING)])
def test_declining_answers_about_every_claim(more: tuple[str, ...], outcome: ReleaseOutcome) -> None:
    inquiries = asked(ENTRY, OTHER_ENTRY)
    result = cli_of(inquiries)("case", "decline", ID, *SIGNED, *more)
    assert result.exit_code == 0, result.output
    assert inquiries.answers == [[InquiryAnswer(ENTRY, outcome), InquiryAnswer(OTHER_ENTRY, outcome)]]


def test_a_value_of_several_lines_is_shown_line_by_line(tmp_path: Path) -> None:
    table = tmp_path / "told.jsonl"
    table.write_text(json.dumps({"what_happened": "On 3 March.\nOn 4 March."}), "utf-8")
    order = ("case", "release", ID, *SIGNED, "--values", table, "--template", "narrative")
    assert "    On 3 March.\n    On 4 March.\n" in cli_of(asked())(*order).stdout


def test_chinese_is_spoken(values: Path) -> None:
    shown = cli_of(asked())("case", "inbox", "--lang", "zh-CN").stdout
    for word in ("待拟定", "调取证据通知书", "11 天"):
        assert word in shown
    order = ("case", "release", ID, *SIGNED, "--values", values, "--template", "account", "--template", "identity")
    assert "账号" in cli_of(asked())(*order, "--lang", "zh-CN").stdout
