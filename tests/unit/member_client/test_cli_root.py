import json
from pathlib import Path

import pytest
import typer
from cli_fakes import LISTED, Cli, FakeClient, assert_no_identifier

from member_client import (
    BudgetExhausted,
    Finding,
    HubUnavailable,
    Level,
    NotEnrolled,
    ProofRejected,
    TokenRefused,
)
from member_client.cli.group import globals_first

COMMANDS = ("enrol", "sync", "check", "screen", "contribute", "claims", "doctor")


def test_the_root_help_teaches() -> None:
    result = Cli()("--help")
    assert result.exit_code == 0
    for word in (*COMMANDS, "enrol bundle.json", "--profile", "ALLIANCE_HOME", "--json", "130"):
        assert word in result.stdout


@pytest.mark.parametrize(
    ("command", "example"),
    [
        ("enrol", "member-client --profile ~/alliance enrol bundle.json"),
        ("sync", "member-client sync"),
        ("check", "member-client check phone - --purpose loan_application --consent C-2026-0118"),
        ("screen", "member-client screen customers.csv --purpose portfolio_screening"),
        ("contribute", "member-client contribute list.csv --role perpetrator --expires 90d"),
        ("claims list", "member-client claims list --live --limit 20"),
        ("claims show", "member-client claims show 5f0c2b7e9d4148f6a3b1c0d2e4f60718"),
        ("claims withdraw", "member-client claims withdraw 5f0c2b7e9d4148f6a3b1c0d2e4f60718"),
        ("claims amend", "member-client claims amend 5f0c2b7e9d4148f6a3b1c0d2e4f60718 -"),
        ("doctor", "member-client doctor"),
    ],
)
def test_every_help_has_an_example(command: str, example: str) -> None:
    result = Cli()(*command.split(), "--help", env={"COLUMNS": "100"})
    assert result.exit_code == 0
    _usage, rest = result.stdout.split("Usage:", 1)[1].split("\n", 1)
    assert example in rest


@pytest.mark.parametrize("arguments", [(), ("claims",)])
def test_without_a_command_the_help_is_shown(arguments: tuple[str, ...]) -> None:
    result = Cli()(*arguments)
    assert result.exit_code == 2
    assert "Usage:" in result.output
    assert "member-client:" not in result.stderr


def test_version() -> None:
    result = Cli()("--version")
    assert (result.exit_code, result.stdout.split()[0]) == (0, "member-client")


@pytest.mark.parametrize(
    "arguments",
    [
        (LISTED,),
        ("check", "phone", LISTED, "--purpose", "loan_application", LISTED),
        ("check", "phone", f"--{LISTED}", "--purpose", "loan_application"),
        ("check", "phone", f"-{LISTED}", "--purpose", "loan_application"),
        ("check", LISTED, LISTED, "--purpose", "loan_application", "--consent", "C"),
        ("check", "phone", LISTED, "--purpose", LISTED, "--consent", "C"),
        ("check", "phone", LISTED, "--purpose", "rotation", "--consent", "C"),
        ("check", "phone", LISTED, "--purpose", "loan_application"),
        ("check", "phone", LISTED),
        ("check", "phone"),
        ("check", "phone", LISTED, "--purpose", "transaction", "--consent", "C", "--fail-on", LISTED),
        ("screen", "x.csv", "--purpose", "portfolio_screening", "--consent", "b", "--show", LISTED),
        ("claims", "show", LISTED),
        ("claims", "withdraw", "00" * 16, "--reason", LISTED),
        ("claims", LISTED),
        ("contribute", "x.csv", "--category", LISTED),
        ("contribute", "x.csv", "--expires", LISTED),
    ],
)
def test_wrong_usage_exits_with_2_and_repeats_no_value(arguments: tuple[str, ...]) -> None:
    cli = Cli()
    result = cli(*arguments)
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) <= 2
    assert_no_identifier(result.output)
    assert not cli.client.calls


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (NotEnrolled("there is no enrolled profile in /x"), 3),
        (HubUnavailable("the hub did not answer within 30 s"), 5),
        (BudgetExhausted("the day's budget is spent"), 6),
        (TokenRefused("the token is used"), 6),
        (ProofRejected("the proof does not verify"), 7),
    ],
)
def test_the_sdks_errors_give_their_exit_code_and_advice(fault: Exception, code: int) -> None:
    arguments = ("check", "phone", LISTED, "--purpose", "transaction", "--consent", "C")
    result = Cli(FakeClient(fault=fault))(*arguments)
    assert result.exit_code == code
    assert str(fault) in result.stderr
    assert ("INTEGRITY" in result.stderr) == (code == 7)
    assert result.stdout == ""
    document = json.loads(Cli(FakeClient(fault=fault))(*arguments, "--json").stdout)
    assert document["error"]["exit_code"] == code
    assert document["error"]["how_to_fix"]


@pytest.mark.parametrize("debug", ["", "1"])
def test_a_bug_exits_with_1_and_shows_its_place_but_no_value(monkeypatch: pytest.MonkeyPatch, debug: str) -> None:
    monkeypatch.setenv("ALLIANCE_DEBUG", debug)
    fault = RuntimeError(f"cannot handle {LISTED}")
    fault.__cause__ = ValueError(LISTED)
    result = Cli(FakeClient(fault=fault))("check", "phone", LISTED, "--purpose", "transaction", "--consent", "C")
    assert result.exit_code == 1
    assert "internal error: RuntimeError in " in result.stderr
    assert ("Traceback" in result.stderr or 'File "' in result.stderr) == (debug == "1")
    assert_no_identifier(result.output)


@pytest.mark.parametrize("fault", [KeyboardInterrupt(), typer.Abort()])
def test_an_interruption_exits_with_130_and_says_how_to_go_on(fault: BaseException) -> None:
    arguments = ("check", "phone", LISTED, "--purpose", "transaction", "--consent", "C")
    result = Cli(FakeClient(fault=fault))(*arguments)
    assert result.exit_code == 130
    assert "run the same command again" in result.stderr
    told = json.loads(Cli(FakeClient(fault=fault))("--json", *arguments).stdout)["error"]
    assert (told["exit_code"], told["how_to_fix"]) == (130, "run the same command again")


def test_global_options_are_taken_anywhere() -> None:
    typed = ["screen", "f.csv", "--json", "--profile", "p", "--quiet", "--", "--json"]
    assert globals_first(typed) == ["--json", "--profile", "p", "--quiet", "screen", "f.csv", "--", "--json"]
    assert globals_first(["sync", "--profile"]) == ["--profile", "sync"]


def test_enrol(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.json"
    bundle.write_text("{}")
    cli = Cli()
    result = cli("enrol", bundle, "--profile", tmp_path / "home")
    assert result.exit_code == 0
    assert cli.enrolled == [(bundle, tmp_path / "home")]
    assert "enrolled bank-a in aif" in result.stdout
    assert cli("enrol", tmp_path / "absent.json").exit_code == 2


def test_the_profile_comes_from_the_environment(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.json"
    bundle.write_text("{}")
    cli = Cli()
    result = cli("enrol", bundle, "--json", env={"ALLIANCE_HOME": str(tmp_path / "home")})
    assert json.loads(result.stdout)["profile"] == str(tmp_path / "home")


def test_sync() -> None:
    assert "epoch 7 · 1,000 listings · sequence 12 · filter 42 s old · 3 members" in Cli()("sync").stdout
    assert json.loads(Cli()("sync", "--json").stdout)["epoch"] == 7


def test_doctor_exits_with_3_only_for_errors() -> None:
    warned = FakeClient(findings=[Finding(level=Level.WARNING, what="clock off by 3 s", how_to_fix="use NTP")])
    result = Cli(warned)("doctor")
    assert result.exit_code == 0
    assert "clock off by 3 s" in result.stdout
    assert "use NTP" in result.stdout
    broken = FakeClient(findings=[Finding(level=Level.ERROR, what="no certificate", how_to_fix="enrol")])
    result = Cli(broken)("doctor", "--json")
    assert result.exit_code == 3
    assert json.loads(result.stdout)["healthy"] is False


@pytest.mark.parametrize(("fault", "code"), [("HubUnavailable", 5), ("FilterTampered", 7), ("SyncReport", 3)])
def test_doctor_gives_the_code_of_what_it_ran_into(fault: str, code: int) -> None:
    findings = [
        Finding(level=Level.ERROR, what="the folder is open to others"),
        Finding(level=Level.ERROR, what=f"the filter: {fault}: it is so"),
    ]
    assert Cli(FakeClient(findings=findings))("doctor").exit_code == code


def test_a_word_that_is_none_of_a_few_is_answered_with_those() -> None:
    result = Cli()("admin", "offboard", "lender-b", "--claims", "drop", "--reason", "left")
    assert result.exit_code == 2
    assert "--claims: one of keep, withdraw is needed" in result.stderr
    chinese = Cli()("admin", "offboard", "lender-b", "--claims", "drop", "--reason", "left", "--lang", "zh-CN")
    assert "须为以下之一：keep, withdraw" in chinese.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("budget", "b", "searches", "100"), "one of loan_application, account_opening, transaction"),
        (("burst", "b", "transaction", "4095"), "4,096 to 1,000,000,000,000"),
        (("budget", "b", "transaction", str(10**12 + 1)), "0 to 1,000,000,000,000"),
    ],
)
def test_a_quota_that_cannot_be_set_is_answered_with_what_can(arguments: tuple[str, ...], told: str) -> None:
    result = Cli()("admin", *arguments, "--reason", "pilot")
    assert result.exit_code == 2
    assert told in result.stderr
