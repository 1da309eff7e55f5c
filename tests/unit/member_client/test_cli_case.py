"""`member-client case`: what it takes, what it shows, and in which words; nobody whom a case is about."""

import csv
import json
from pathlib import Path

import pytest
from cli_fakes import CLEAN, LISTED, NOW_MS, Cli, FakeClient, assert_no_identifier
from fake_cases import FakeCases, a_case, a_decision

from alliance.taxonomy import DAY_MS, Category
from member_client import (
    Case,
    CaseAnswer,
    CaseExtension,
    CaseReply,
    CaseState,
    CaseStep,
    CaseVerdict,
    InstrumentType,
    Kind,
    MemberRole,
    ReleaseOutcome,
    UrgencyGround,
)

ID = "0b1c2d3e4f5061728394a5b6c7d8e9f0"


@pytest.fixture
def notice(tmp_path: Path) -> Path:
    path = tmp_path / "notice.pdf"
    path.write_bytes(b"%PDF a notice")
    return path


def a_list(tmp_path: Path, *rows: str, head: str = "kind,identifier") -> Path:
    path = tmp_path / "suspects.csv"
    path.write_text("\n".join((head, *rows)) + "\n", "utf-8")
    return path


def opening(file: Path, notice: Path, **changes: str) -> list[str | Path]:
    options = {
        "--instrument": "evidence_notice",
        "--reference": "X-2026-0117",
        "--document": str(notice),
        "--until": "60d",
        "--scope": "mule_account,telecom_fraud",
        "--period": "90d",
        "--number": "C-2026-88",
        "--officer": "officer-1",
        "--second": "officer-2",
    }
    given = options | {f"--{name}": value for name, value in changes.items()}
    return ["case", "open", file, *(word for option in given.items() for word in option)]


def cli_of(*cases: Case, **parts: object) -> Cli:
    return Cli(FakeClient(police=FakeCases(known=list(cases), **parts)))  # type: ignore[arg-type]  # by name


def test_a_preview_says_how_much_is_asked_for_and_nothing_of_whom(tmp_path: Path, notice: Path) -> None:
    file = a_list(tmp_path, f"phone,{LISTED}", f"phone,+86 {LISTED}", f"phone,{CLEAN}", "phone,12", "colour,red")
    cli = Cli()
    result = cli(*opening(file, notice, urgent="funds_moving", note="transfers on 3 March"), "--dry-run")
    assert result.exit_code == 4, result.output
    for word in (
        "asks about 2 identifiers; the instrument covers 2,000, of which 2,000 are left",
        "looks back 90 days; an instrument of this type allows 1,095",
        "5 rows, 1 repeated, 2 refused",
        "mule_account, telecom_fraud",
        "telephone number 2",
        "money is being moved away",
        "transfers on 3 March",
        "nothing was sent",
    ):
        assert word in result.stdout, result.stdout
    (terms,) = cli.client.police.terms
    assert (terms.instrument, terms.urgency) == (InstrumentType.EVIDENCE_NOTICE, UrgencyGround.FUNDS_MOVING)
    assert terms.period == (NOW_MS - 90 * DAY_MS, NOW_MS)
    assert terms.categories == [Category.MULE_ACCOUNT, Category.TELECOM_FRAUD]
    with (tmp_path / "suspects.refused.csv").open(encoding="utf-8-sig", newline="") as written:
        refused = [(it["row"], it["reason"]) for it in csv.DictReader(written)]
    assert [row for row, _ in refused] == ["4", "5"]
    assert_no_identifier(result.output, (tmp_path / "suspects.refused.csv").read_text("utf-8-sig"))
    document = json.loads(cli(*opening(file, notice), "--dry-run", "--json").stdout)
    assert (document["items"], document["repeated"], document["refusals"]) == (2, 1, 2)
    assert document["suspects"] == {"phone": 2}


def test_wide_lists_and_days_as_ranges_are_read(tmp_path: Path, notice: Path) -> None:
    file = a_list(tmp_path, f"{LISTED},", f"{CLEAN},wang@example.com", head="mobile,mail")
    cli = Cli()
    maps = ("--map", "phone=mobile", "--map", "email=mail")
    result = cli(*opening(file, notice, period="2026-08-01..2026-08-31"), *maps, "--dry-run", "--json")
    document = json.loads(result.stdout)
    assert document["suspects"] == {"phone": 2, "email": 1}
    assert document["lookback_days"] == 31


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"instrument": "letter"}, "--instrument is one of evidence_notice"),
        ({"scope": "mule_account,debt"}, "--scope is one of"),
        ({"period": "2026-08-31"}, "--period is"),
        ({"period": "..2026-08-31"}, "--period is"),
        ({"until": "soon"}, "--until"),
        ({"urgent": "boredom"}, "--urgent is one of life_at_risk"),
        ({"number": "13800138011"}, "nine digits in a row"),
        ({"second": "officer-1"}, "two officers are named"),
        ({"period": "2026-08-31..2026-08-01"}, "look-back ends after it begins"),
        ({"note": "x" * 513}, "at most 512 bytes"),
    ],
)
def test_what_is_no_case_is_said_before_anything_is_signed(
    tmp_path: Path, notice: Path, changes: dict[str, str], words: str
) -> None:
    result = Cli()(*opening(a_list(tmp_path, f"phone,{LISTED}"), notice, **changes), "--yes")
    assert (result.exit_code, words in result.output) == (2, True), result.output
    assert_no_identifier(result.output)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"period": "2000d"}, "does not look back so far"),
        ({"until": "300d"}, "does not last so long"),
        ({"until": "2026-01-01"}, "time is over"),
    ],
)
def test_what_is_too_much_is_shown_and_refused(
    tmp_path: Path, notice: Path, changes: dict[str, str], words: str
) -> None:
    result = Cli()(*opening(a_list(tmp_path, f"phone,{LISTED}"), notice, **changes), "--yes")
    assert (result.exit_code, words in result.output) == (6, True), result.output
    assert "asks about 1 identifiers" in result.stdout


def test_an_instrument_that_is_used_up_opens_no_case(tmp_path: Path, notice: Path) -> None:
    file = a_list(tmp_path, f"phone,{LISTED}", f"phone,{CLEAN}")
    result = cli_of(left=1)(*opening(file, notice), "--yes")
    assert (result.exit_code, "of which 1 are left" in result.output) == (6, True)


def test_nobody_signs_unasked(tmp_path: Path, notice: Path) -> None:
    result = Cli()(*opening(a_list(tmp_path, f"phone,{LISTED}"), notice))
    assert (result.exit_code, "nobody is there" in result.output) == (2, True)
    result = cli_of(a_case(state=CaseState.DRAFT))("case", "submit", ID, "--officer", "officer-2")
    assert (result.exit_code, "asks about 3 identifiers" in result.output) == (2, True)
    assert Cli()(*opening(a_list(tmp_path, "phone,12"), notice), "--yes").exit_code == 2


def test_lists_show_what_waits_and_until_when() -> None:
    over = a_case(id=bytes(16), number="C-2026-1", state=CaseState.REFUSED, ended_at=NOW_MS)
    cli = cli_of(a_case(), over)
    for word in ("0b1c2d3e", "C-2026-88", "waits for the approvers", "2026-09-24", "C-2026-1", "refused"):
        assert word in cli("case", "list").stdout
    (waiting,) = json.loads(cli("case", "list", "--waiting", "--json").stdout)["cases"]
    assert (waiting["case"], waiting["state"], waiting["items"]) == (ID, "submitted", 3)
    assert "no case waits" in Cli()("case", "list", "--waiting").stdout
    assert "there are no cases" in Cli()("case", "list").stdout


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"state": CaseState.DRAFT, "submitted_at": 0}, "member-client case submit 0b1c2d3e"),
        ({}, "waits for legal approver, duty officer"),
        ({"decisions": (a_decision(),)}, "waits for duty officer"),
        ({"state": CaseState.APPROVED}, "member-client case match 0b1c2d3e"),
        ({"state": CaseState.MATCHING}, "not all suspects are in"),
        ({"state": CaseState.OPEN, "reply_by": NOW_MS + DAY_MS}, "no member holds a matching claim"),
        ({"state": CaseState.OPEN, "asked": 2, "reply_by": NOW_MS + DAY_MS}, "members reply until 2026-09-22"),
        ({"state": CaseState.OPEN, "asked": 2, "reply_by": NOW_MS}, "member-client case replies 0b1c2d3e"),
        (
            {"state": CaseState.OPEN, "asked": 2, "replied": 2, "reply_from": NOW_MS, "reply_by": NOW_MS + 1},
            "member-client case replies 0b1c2d3e",
        ),
        (
            {
                "state": CaseState.OPEN,
                "asked": 2,
                "reply_by": NOW_MS + DAY_MS,
                "extension": CaseExtension("large_files", NOW_MS, (a_decision(),)),
            },
            "more time waits for duty officer",
        ),
    ],
)
def test_status_says_what_comes_next(changes: dict[str, object], words: str) -> None:
    result = cli_of(a_case(**changes))("case", "status", "C-2026-88")
    assert (result.exit_code, words in result.stdout) == (0, True), result.output


def test_status_says_who_decided_and_how_it_came_there() -> None:
    decisions = (
        a_decision(),
        a_decision(CaseVerdict.REFUSE, approver="duty-7", function=MemberRole.DUTY_OFFICER, reason="not signed"),
    )
    case = a_case(state=CaseState.REFUSED, decisions=decisions, ended_at=NOW_MS)
    cli = cli_of(case, steps=(CaseStep(NOW_MS, "cyber-desk", "", "case:submit", 7),))
    shown = cli("case", "status", ID[:6]).stdout
    assert "approved by lin-legal, legal approver, 2026-09-21" in shown
    assert "refused by duty-7, duty officer, 2026-09-21 14:13:20 UTC: not signed" in shown
    assert "cyber-desk  case:submit" in shown
    document = json.loads(cli("case", "status", ID, "--json").stdout)
    assert document["steps"][0]["row"] == 7
    assert [it["verdict"] for it in document["decisions"]] == ["approve", "refuse"]
    assert cli("case", "status", "C-2026-99").exit_code == 2


def test_an_approver_sees_the_case_and_decides_with_a_reason(notice: Path) -> None:
    cli = cli_of(a_case())
    approved = cli("case", "approve", ID[:8], "--document", notice, "--reason", "in order", "--yes")
    assert (approved.exit_code, "X-2026-0117" in approved.stdout) == (0, True), approved.output
    assert "approved by lin-legal" in approved.stdout
    refused = cli("case", "refuse", ID[:8], "--document", notice, "--reason", "not signed", "--yes")
    assert "refused by lin-legal, legal approver, 2026-09-21 14:13:20 UTC: not signed" in refused.stdout
    assert [(it[1], it[2]) for it in cli.client.police.decided] == [
        (CaseVerdict.APPROVE, "in order"),
        (CaseVerdict.REFUSE, "not signed"),
    ]
    unasked = cli("case", "approve", ID[:8], "--document", notice, "--reason", "in order")
    assert (unasked.exit_code, len(cli.client.police.decided)) == (2, 2)


REPLIES = (
    CaseReply("bank-a", is_there=False),
    CaseReply(
        "bank-b",
        is_there=True,
        answers=(
            CaseAnswer(bytes(16), ReleaseOutcome.RELEASED, {"account": "6222"}, (), Kind.PHONE, "+8613800138011"),
            CaseAnswer(bytes(15) + b"1", ReleaseOutcome.DECLINED, {}, ()),
        ),
        legal_basis="反电信网络诈骗法第26条",
        approved_by=("b-1", "b-2"),
    ),
)


@pytest.mark.shows_identifiers(reason="an officer reads what was released")
def test_replies_are_counted_and_shown_on_demand_alone() -> None:
    cli = cli_of(a_case(state=CaseState.OPEN), replied=REPLIES)
    result = cli("case", "replies", ID)
    assert result.exit_code == 0, result.output
    assert "bank-a: did not reply in time" in result.stdout
    assert "bank-b: released 1 · declined 1 · nothing to release 0" in result.stdout
    assert_no_identifier(result.output, cli("case", "replies", ID, "--json").stdout)
    assert "+8613800138011" in cli("case", "replies", ID, "--released").stdout
    (_, reply) = json.loads(cli("case", "replies", ID, "--released", "--json").stdout)["replies"]
    assert reply["answers"][0]["fields"] == {"account": "6222"}
    assert "no member was asked" in cli_of(a_case())("case", "replies", ID).stdout


def test_a_reply_that_does_not_verify_is_an_alarm() -> None:
    bad = CaseReply("bank-c", is_there=True, fault="the sealed reply was changed, or is for somebody else")
    result = cli_of(a_case(), replied=(*REPLIES, bad))("case", "replies", ID)
    assert (result.exit_code, "bank-c: DOES NOT VERIFY: the sealed reply" in result.stdout) == (7, True)
    assert "bank-b: released 1" in result.stdout


def test_chinese_is_spoken(tmp_path: Path, notice: Path) -> None:
    file = a_list(tmp_path, f"phone,{LISTED}")
    shown = Cli()(*opening(file, notice, instrument="调取证据通知书"), "--dry-run", "--lang", "zh-CN").stdout
    for word in ("调取证据通知书", "涉诈资金中转账户", "电话号码 1", "90 天"):
        assert word in shown
    assert "待审批" in cli_of(a_case())("case", "status", ID, "--lang", "zh-CN").stdout
