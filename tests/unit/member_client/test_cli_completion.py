"""Completion by the protocol that shells speak: words on the command line in, suggestions out. No identifier is one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli_fakes import LISTED
from typer.testing import CliRunner

from alliance.taxonomy import Category, SubjectRole
from member_client.cli.app import app
from member_client.files import FIELDS
from member_client.screening import SCREENING_PURPOSES

COMMANDS = [
    "enrol",
    "fingerprint",
    "sync",
    "check",
    "screen",
    "contribute",
    "protect",
    "subject-access",
    "quota",
    "taxonomy",
    "renew",
    "retag",
    "doctor",
    "report",
    "claims",
    "review",
    "operator",
    "recalls",
    "watch",
    "dispute",
    "case",
    "witness",
    "audit",
    "admin",
]
PURPOSES = [purpose.word for purpose in SCREENING_PURPOSES]


def run(programs: Path, folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "HOME": str(folder), "COLUMNS": "100", **settings}
    command = [str(programs / "member-client")]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def asked_by_bash(typed: str) -> dict[str, str]:
    """Give what bash's function sets to have the last word of a line completed."""
    last = len(typed.split(" ")) - 1
    return {"_MEMBER_CLIENT_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(last)}


def bash(typed: str) -> list[str]:
    """Complete the last word of a line; in this process, since a new one takes its time."""
    ended = CliRunner().invoke(app, [], prog_name="member-client", env=asked_by_bash(typed))
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert LISTED not in ended.stdout
    return ended.stdout.split()


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("member-client s", ["sync", "screen", "subject-access"]),
        ("member-client screen --purpose=lo", ["loan_application"]),
        (f"member-client check phone {LISTED} {LISTED}", []),
    ],
)
def test_the_program_answers_as_bash_asks(programs: Path, tmp_path: Path, typed: str, offered: list[str]) -> None:
    ended = run(programs, tmp_path, **asked_by_bash(typed))
    assert (ended.returncode, ended.stdout.split(), ended.stderr) == (0, offered, "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("member-client ", COMMANDS),
        ("member-client claims ", ["list", "show", "find", "withdraw", "recall", "amend", "quality", "countersign"]),
        ("member-client s", ["sync", "screen", "subject-access"]),
        ("member-client dispute ", ["open", "list", "queue", "show", "answer", "escalate", "review"]),
        ("member-client dispute open --ground w", ["wrong_person"]),
        ("member-client dispute answer 00 u", ["upheld"]),
        ("member-client dispute review 00 --decision claim_st", ["claim_stands"]),
        ("member-client screen --purpose ", PURPOSES),
        ("member-client screen --purpose=lo", ["loan_application"]),
        ("member-client screen f.csv --purpose portfolio_screening --con", ["--consent", "--consent-column"]),
        ("member-client screen f.csv --fail-on ", ["match", "unknown"]),
        ("member-client contribute --category ", [category.word for category in Category]),
        ("member-client contribute --role mule_", [r.word for r in SubjectRole if r.word.startswith("mule_")]),
        ("member-client contribute --evidence ", ["E1", "E2", "E3", "E4", "E5"]),
        ("member-client claims amend --evidence ", ["E1", "E2", "E3", "E4", "E5"]),
        ("member-client claims amend --role client_", ["client_victim"]),
        ("member-client check ", list(FIELDS)),
        ("member-client check i", ["imei", "idfa", "ip"]),
        ("member-client --lang ", ["zh-CN", "en"]),
        ("member-client screen --lang ", ["zh-CN", "en"]),
        ("member-client screen --json --lang zh --purpose d", ["dispute"]),
        ("member-client --profile here screen --purpose d", ["dispute"]),
    ],
)
def test_bash_is_offered_commands_options_and_words(typed: str, offered: list[str]) -> None:
    assert bash(typed) == offered


@pytest.mark.parametrize(
    "typed",
    [
        "member-client check phone ",
        f"member-client check phone {LISTED[:4]}",
        f"member-client check phone {LISTED} --consent ",
        f"member-client check phone {LISTED} {LISTED}",
        f"member-client {LISTED}",
        "member-client screen ",
        "member-client contribute list.csv --evidence-file ",
        "member-client claims show ",
        "member-client dispute open phone ",
    ],
)
def test_nothing_is_offered_for_identifiers_and_the_shell_completes_files(typed: str) -> None:
    # With nothing from us, bash (-o default) offers files.
    assert bash(typed) == []


@pytest.mark.parametrize(("language", "meaning"), [("en", "loan application"), ("zh", "贷款申请")])
def test_zsh_and_fish_show_meanings_in_the_language(
    programs: Path, tmp_path: Path, language: str, meaning: str
) -> None:
    typed = {"_TYPER_COMPLETE_ARGS": "member-client screen --purpose lo", "ALLIANCE_LANG": language}
    zsh = run(programs, tmp_path, _MEMBER_CLIENT_COMPLETE="complete_zsh", **typed)
    assert f'"loan_application":"{meaning}"' in zsh.stdout
    typed["_TYPER_COMPLETE_FISH_ACTION"] = "get-args"
    fish = run(programs, tmp_path, _MEMBER_CLIENT_COMPLETE="complete_fish", **typed)
    assert fish.stdout == f"loan_application\t{meaning}\n"


def test_zsh_completes_files_where_there_are_no_words(programs: Path, tmp_path: Path) -> None:
    typed = {"_MEMBER_CLIENT_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "member-client screen "}
    assert run(programs, tmp_path, **typed).stdout == "_files\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(programs: Path, tmp_path: Path, shell: str) -> None:
    ended = run(programs, tmp_path, _MEMBER_CLIENT_COMPLETE=f"source_{shell}")
    assert ended.returncode == 0
    assert f"_MEMBER_CLIENT_COMPLETE=complete_{shell}" in ended.stdout


def shown_by_bash(folder: Path, option: str) -> subprocess.CompletedProcess[str]:
    """Run below a bash, which is how the program finds out which shell it is asked for."""
    command = f'"{sys.executable}" -m member_client {option}; exit $?'
    environment = {**os.environ, "HOME": str(folder)}
    return subprocess.run(
        ["bash", "--norc", "-c", command], env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_the_options_show_and_install_the_script(tmp_path: Path) -> None:
    shown = shown_by_bash(tmp_path, "--show-completion")
    assert shown.returncode == 0
    assert "complete -o default -F _member_client_completion member-client" in shown.stdout
    assert list(tmp_path.iterdir()) == []
    assert shown_by_bash(tmp_path, "--install-completion").returncode == 0
    installed = tmp_path / ".bash_completions" / "member-client.sh"
    assert installed.read_text().strip() == shown.stdout.strip()
    assert str(installed) in (tmp_path / ".bashrc").read_text()
