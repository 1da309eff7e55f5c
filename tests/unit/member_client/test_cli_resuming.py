"""`--resume`: whatever stops a run says how it goes on, and an id is good for its own run only."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from cli_fakes import AWAY, CLEAN, DOUBTED, LISTED, NOW_MS, Cli, FakeClient, assert_no_identifier

from member_client import BudgetExhausted, ConflictingRetry, HubUnavailable, InvalidUse, NotEnrolled, ProofRejected
from member_client.errors import StorageFull

DAY_MS = 86_400_000
WHY = ("--purpose", "portfolio_screening", "--consent", "basis-7")
STATED = ("--category", "phishing", "--role", "perpetrator", "--expires", "90d")
GIVEN = "book-of.2027_01"
COMMANDS = {"screen": WHY, "contribute": STATED}
SHAPES = {"screen": r"S-[A-Z2-7]{16}", "contribute": r"C-20260921-[A-Z2-7]{16}"}
WITHIN = {"screen": ", within a day", "contribute": ""}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return a_list(tmp_path / "list.csv")


def a_list(path: Path, *more: str) -> Path:
    lines = [f"phone,{value}" for value in ("1", CLEAN, LISTED, *more)]
    path.write_text("\n".join(("kind,identifier", *lines)) + "\n", "utf-8")
    return path


def stopped(command: str, path: Path, fault: BaseException, *options: str, now_ms: int = NOW_MS) -> Any:
    own = type(fault)(*fault.args)  # what is added to an exception stays on it
    return Cli(FakeClient(fault=own, fault_after=1), now_ms)(command, path, *COMMANDS[command], *options)


def contribution_id(path: Path) -> str:
    found = re.search(r"--resume (\S+)", stopped("contribute", path, HubUnavailable("away")).stderr)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("command", ["screen", "contribute"])
@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (HubUnavailable("The hub cannot be reached."), 5),
        (StorageFull("This machine's disk is full."), 5),
        (BudgetExhausted("The day's budget is spent."), 6),
        (OSError("no such device"), 1),
        (KeyboardInterrupt(), 130),
    ],
)
def test_whatever_stops_a_run_says_how_it_goes_on(command: str, path: Path, fault: BaseException, code: int) -> None:
    result = stopped(command, path, fault)
    assert result.exit_code == code
    note = rf"to go on where it stopped: the same command with --resume {SHAPES[command]}{WITHIN[command]}"
    assert re.fullmatch(f"member-client: {note}", result.stderr.splitlines()[-1])
    assert result.stdout == ""
    assert_no_identifier(result.output)


@pytest.mark.parametrize("command", ["screen", "contribute"])
@pytest.mark.parametrize(("fault", "code"), [(HubUnavailable("away"), 5), (KeyboardInterrupt(), 130)])
def test_the_document_of_a_run_that_stopped_says_it_too(
    command: str, path: Path, fault: BaseException, code: int
) -> None:
    told = json.loads(stopped(command, path, fault, "--json").stdout)["error"]
    assert told["exit_code"] == code
    (note,) = told["notes"]
    assert re.search(f"--resume {SHAPES[command]}", note)


@pytest.mark.parametrize("command", ["screen", "contribute"])
@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (InvalidUse("nonsense"), 2),
        (NotEnrolled("there is no enrolled profile in /x"), 3),
        (ProofRejected("The hub's evaluation does not verify under the epoch's key."), 7),
        (RuntimeError("a bug"), 1),
    ],
)
def test_what_would_end_the_same_way_again_prints_no_id(
    command: str, path: Path, fault: BaseException, code: int
) -> None:
    result = stopped(command, path, fault, "--json")
    assert result.exit_code == code
    assert "--resume" not in result.output
    assert "notes" not in json.loads(result.stdout)["error"]


@pytest.mark.parametrize("command", ["screen", "contribute"])
def test_a_wrong_option_prints_no_id(command: str, path: Path) -> None:
    result = Cli()(command, path, *COMMANDS[command], "--ref", "absent")
    assert result.exit_code == 2
    assert "--resume" not in result.output


@pytest.mark.parametrize("command", ["screen", "contribute"])
@pytest.mark.parametrize("typed", ["", "-x", ".x", "S-ABCDEFGHIJKLMNOP\n", "two words", "编号", "a" * 65])
def test_only_ids_are_taken_and_what_was_typed_is_not_repeated(command: str, path: Path, typed: str) -> None:
    _refuses_the_form(command, path, typed)


@pytest.mark.parametrize(
    "typed",
    [
        "S-",
        "s-abcdefghijklmnop",
        "S-ABCDEFGHIJKLMNO",
        "S-ABCDEFGHIJKLMNOPQ",
        "S-ABCDEFGHIJKLMN01",
        "C-20260921-ABCDEFGHIJKLMNO",
        "C-2026092-ABCDEFGHIJKLMNOP",
        "C-２０２６０９２１-ABCDEFGHIJKLMNOP",
        "S-ABCDEFGHIJKLMNOP",
        GIVEN,
        LISTED,
    ],
)
def test_a_contribution_takes_no_other_ids(path: Path, typed: str) -> None:
    _refuses_the_form("contribute", path, typed)


@pytest.mark.parametrize("typed", ["S-ABCDEFGHIJKLMNOP", "C-20260921-ABCDEFGHIJKLMNOP", GIVEN, LISTED])
def test_a_screening_that_nobody_began_is_not_taken_up(path: Path, typed: str) -> None:
    cli = Cli()
    result = cli("screen", path, *WHY, "--resume", typed)
    assert result.exit_code == 2
    assert "--resume: no run was begun here under this id within the last day" in result.stderr
    assert "to go on" not in result.stderr
    assert_no_identifier(result.output)
    assert not cli.client.runs


def _refuses_the_form(command: str, path: Path, typed: str) -> None:
    cli = Cli()
    result = cli(command, path, *COMMANDS[command], "--resume", typed)
    assert result.exit_code == 2
    assert "--resume takes the id that the run printed" in result.stderr
    assert_no_identifier(result.output)
    assert not cli.client.runs
    assert not cli.client.rows


# -- a screening -----------------------------------------------------------------------------------------------------


def test_the_id_of_a_screening_goes_to_the_sdk_and_into_the_document(path: Path) -> None:
    cli = Cli()
    first, second = (json.loads(cli("screen", path, *WHY, "--json").stdout)["run"] for _ in range(2))
    assert first != second
    assert re.fullmatch(SHAPES["screen"], first)
    cli.client.begun.add(first)
    document = json.loads(cli("screen", path, *WHY, "--resume", first, "--json").stdout)
    assert document["run"] == first
    assert cli.client.runs == [first, second, first]


def test_what_a_screening_left_open_is_asked_about_again_under_its_id(tmp_path: Path) -> None:
    cli = Cli()
    result = cli("screen", a_list(tmp_path / "open.csv", AWAY, DOUBTED), *WHY)
    (run_id,) = cli.client.runs
    assert f"not settled: hub_unavailable 1, integrity 1; --resume {run_id} asks about them again" in result.stdout


def test_a_screening_may_be_named_beforehand(path: Path) -> None:
    cli = Cli()
    assert json.loads(cli("screen", path, *WHY, "--run-id", GIVEN, "--json").stdout)["run"] == GIVEN
    assert cli.client.runs == [GIVEN]
    result = stopped("screen", path, HubUnavailable("away"), "--run-id", GIVEN)
    assert f"--resume {GIVEN}, within a day" in result.stderr


@pytest.mark.parametrize("named", ["", "-x", ".x", "x\n", "two words", "编号", "a" * 65])
def test_names_of_runs_are_plain(path: Path, named: str) -> None:
    cli = Cli()
    result = cli("screen", path, *WHY, "--run-id", named)
    assert result.exit_code == 2
    assert "--run-id has 1 to 64 letters, digits and . _ -" in result.stderr
    assert not cli.client.runs


def test_a_run_is_named_or_taken_up_and_not_both(path: Path) -> None:
    result = Cli()("screen", path, *WHY, "--run-id", GIVEN, "--resume", GIVEN)
    assert result.exit_code == 2
    assert "--resume and --run-id exclude each other" in result.stderr


def test_another_files_screening_is_a_wrong_option(path: Path) -> None:
    conflict = ConflictingRetry("This request id was used for other subjects within the last day.")
    cli = Cli(FakeClient(fault=conflict, begun={GIVEN}))
    result = cli("screen", path, *WHY, "--resume", GIVEN)
    assert result.exit_code == 2
    assert "--resume: file and options must be those of the run that printed this id" in result.stderr
    assert "to go on" not in result.stderr


# -- a contribution --------------------------------------------------------------------------------------------------


def test_the_id_of_a_contribution_is_its_days_and_its_contents(path: Path) -> None:
    first = contribution_id(path)
    assert contribution_id(path) == first
    assert json.loads(Cli()("contribute", path, *STATED, "--json").stdout)["run"] == first
    result = Cli()("contribute", path, *STATED, "--resume", first, "--json")
    assert result.exit_code == 4
    assert json.loads(result.stdout)["run"] == first


@pytest.mark.parametrize(
    "options",
    [
        ("--category", "telecom_fraud"),
        ("--role", "recruiter"),
        ("--expires", "91d"),
        ("--evidence", "E2", "--evidence-file", __file__),
        ("--map", "kind=kind", "--map", "identifier=identifier"),
        ("--amend",),
        ("--relist",),
    ],
)
def test_another_option_is_another_contribution(path: Path, options: tuple[str, ...]) -> None:
    run_id = contribution_id(path)
    cli = Cli()
    result = cli("contribute", path, *STATED, *options, "--resume", run_id)
    assert result.exit_code == 2
    assert "--resume: file and options must be those of the run that printed this id" in result.stderr
    assert not cli.client.rows


def test_another_file_is_another_contribution(path: Path) -> None:
    run_id = contribution_id(path)
    a_list(path, AWAY)
    cli = Cli()
    assert cli("contribute", path, *STATED, "--resume", run_id).exit_code == 2
    assert not cli.client.rows


def test_durations_count_from_the_day_on_which_the_run_began(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(f"kind,identifier,expires\nphone,{CLEAN},\nphone,{LISTED},30d\n", "utf-8")
    run_id = contribution_id(path)
    today = NOW_MS // DAY_MS * DAY_MS
    later = Cli(now_ms=NOW_MS + 3 * DAY_MS)
    assert later("contribute", path, *STATED, "--resume", run_id).exit_code == 0
    assert [row.expires_at for row in later.client.rows] == [today + 90 * DAY_MS, today + 30 * DAY_MS]
    anew = Cli(now_ms=NOW_MS + 3 * DAY_MS)
    assert anew("contribute", path, *STATED).exit_code == 0
    assert [row.expires_at for row in anew.client.rows] == [today + 93 * DAY_MS, today + 33 * DAY_MS]


def test_a_run_that_is_taken_up_and_stops_again_prints_the_same_id(path: Path) -> None:
    run_id = contribution_id(path)
    later = stopped("contribute", path, KeyboardInterrupt(), "--resume", run_id, now_ms=NOW_MS + DAY_MS)
    assert f"--resume {run_id}" in later.stderr


def test_a_day_that_does_not_exist_is_a_wrong_option(path: Path) -> None:
    run_id = contribution_id(path).replace("20260921", "20260931")
    result = Cli()("contribute", path, *STATED, "--resume", run_id)
    assert result.exit_code == 2
    assert "--resume: there is no such day" in result.stderr
