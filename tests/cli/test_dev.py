"""The development hub as developers run it: a process, its magic identifiers through the SDK, and its end."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from support.forked import PYTHON_M

from alliance.development import MAGIC
from alliance.taxonomy import Action, Category, EvidenceLevel, SubjectRole
from member_client import (
    AllianceClient,
    Consent,
    ContributionOutcome,
    ContributionRow,
    HubUnavailable,
    Kind,
    Profile,
    State,
    Subject,
    Verdict,
)

pytestmark = [
    pytest.mark.shows_identifiers(reason="a development hub prints its magic identifiers, which are nobody's"),
    pytest.mark.timeout(600),  # to furnish it takes eleven processes; a busy machine takes its time
]
BASIS = Consent.of("basis-2026-03")
SERVES = "Ctrl-C ends it"
NOT_CONFIGURED, SOME_FIELDS_REFUSED, INTEGRITY, INTERRUPTED = 3, 4, 7, 130


def environment(**settings: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ALLIANCE_")}
    return clean | settings


def two_free_ports() -> int:
    """Find a port that is free together with the next one."""
    while True:
        with socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", 0))
            port = int(one.getsockname()[1])
            try:
                other.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port


class Dev:
    """`alliance-server dev` in a folder, running."""

    def __init__(self, folder: Path, python: str, *options: str, **settings: str) -> None:
        self.folder = folder
        self._python = python
        self.port = two_free_ports()
        self._output = folder / "output"
        command = [python, "-m", "alliance_server", "dev", "--port", str(self.port), *options]
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                command, cwd=folder, stdout=output, stderr=output, env=environment(**settings)
            )

    def said(self) -> str:
        return self._output.read_text("utf-8")

    def wait(self) -> "Dev":
        until = time.monotonic() + 120
        while SERVES not in self.said():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < until, self.said()
            time.sleep(0.1)
        return self

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """Ask it to end as a terminal does; gives its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(60)

    @property
    def home(self) -> Path:
        """What it says that ALLIANCE_HOME is."""
        found = re.search(r"^export ALLIANCE_HOME=(.+)$", self.said(), re.MULTILINE)
        assert found
        return Path(found[1])

    def client(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `member-client` in the developer's profile."""
        return subprocess.run(
            [self._python, "-m", "member_client", *arguments],
            env=environment(ALLIANCE_HOME=str(self.home)),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )


@pytest.fixture(scope="module")
def forked(programs: Path) -> str:
    """Python for `-m`, as it stands with everything imported."""
    return str(programs / PYTHON_M)


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory, forked: str) -> Iterator[Dev]:
    """A hub in memory; furnishing one takes seven processes, so the tests share it, and it leaves nothing."""
    folder = tmp_path_factory.mktemp("dev")
    temporary = folder / "tmp"
    temporary.mkdir()
    running = Dev(folder, forked, "--memory", "--seed", "7", TMPDIR=str(temporary)).wait()
    assert running.home.is_relative_to(temporary)
    yield running
    assert running.end() == 0
    assert "error" not in running.said()
    assert list(temporary.iterdir()) == []
    assert sorted(path.name for path in folder.iterdir()) == ["output", "tmp"]


async def screened(client: AllianceClient, *subjects: Subject) -> list[Verdict]:
    return [it async for it in client.screen_many(subjects, purpose="portfolio_screening", consent=BASIS)]


async def test_every_magic_identifier_gives_its_outcome(dev: Dev) -> None:
    expected = [(magic.state, magic.action, magic.state == "unconfirmed") for magic in MAGIC]
    async with AllianceClient(Profile.load(dev.home)) as client:
        for kind in ("phone", "email"):
            subjects = [Subject.of(magic.outcome, {kind: getattr(magic, kind)}) for magic in MAGIC]
            verdicts = await screened(client, *subjects)
            assert [(it.state, it.action, it.state == "unconfirmed") for it in verdicts] == expected
            integrity = {it.ref for it in verdicts if it.integrity}
            assert integrity == {"integrity"}
            reasons = {it.ref: it.fields[0].reason for it in verdicts if it.fields[0].reason}
            assert reasons == {
                "unconfirmed": "bucket_unavailable",
                "unknown": "hub_unavailable",
                "refused": "suppressed",
                "integrity": "integrity",
            }
        roles = {it.matches[0].role for it in verdicts if it.matches}
        assert roles == {SubjectRole.PERPETRATOR, SubjectRole.CLIENT_VICTIM, SubjectRole.PROTECTED}


async def test_what_is_played_follows_on_unavailable(dev: Dev) -> None:
    profile = Profile.load(dev.home)
    for outcome in ("unknown", "unconfirmed"):
        subject = Subject(outcome, email=f"{outcome}@magic.example")
        async with AllianceClient(profile, on_unavailable="proceed") as client:
            (verdict,) = await screened(client, subject)
            assert (verdict.state, verdict.action, verdict.is_final) == (outcome, Action.NONE, False)
            assert client.usage.evaluations == 0
        async with AllianceClient(profile, on_unavailable="raise") as client:
            with pytest.raises(HubUnavailable):
                await screened(client, subject)


async def test_other_fields_of_a_subject_stand_beside_a_magic_one(dev: Dev) -> None:
    async with AllianceClient(Profile.load(dev.home)) as client:
        subject = Subject("C-1", phone=MAGIC[7].phone, email="decline_with_human@magic.example")
        (verdict,) = await screened(client, subject)
        assert (verdict.state, verdict.action) == (State.MATCH, Action.DECLINE_WITH_HUMAN)
        assert [field.state for field in verdict.fields] == [State.UNKNOWN, State.MATCH]


async def test_magic_identifiers_may_be_claimed_but_the_refused_one(dev: Dev) -> None:
    rows = [
        ContributionRow(Kind.PHONE, magic.phone, Category.PHISHING, SubjectRole.RECRUITER, EvidenceLevel.E1)
        for magic in MAGIC
        if magic.outcome in ("clear", "refused")
    ]
    async with AllianceClient(Profile.load(dev.home)) as client:
        results = [result async for result in client.contribute(rows)]
        assert [(it.outcome, it.reason) for it in results] == [
            (ContributionOutcome.ACCEPTED, ""),
            (ContributionOutcome.REFUSED, "suppressed"),
        ]
        assert results[1].how_to_fix
        (verdict,) = await screened(client, Subject("own", phone=rows[0].text))
        assert verdict.state is State.CLEAR


def test_it_says_what_to_type(dev: Dev) -> None:
    said = dev.said()
    for magic in MAGIC:
        assert re.search(rf"^{magic.outcome} +\{magic.phone} +{magic.email} +{magic.state} ", said, re.MULTILINE)
    check = re.search(r"^member-client (check .+)$", said, re.MULTILINE)
    screen = re.search(r"^member-client (screen .+)$", said, re.MULTILINE)
    assert check
    assert screen
    checked = dev.client("--json", *check[1].split())
    assert json.loads(checked.stdout)["action"] == "decline_with_human"
    done = dev.client("--json", *screen[1].split())
    assert done.returncode == SOME_FIELDS_REFUSED, done.stderr  # people misspell
    assert json.loads(done.stdout)["states"]["match"] == 30


def test_a_box_that_does_not_open_ends_with_its_exit_code(dev: Dev) -> None:
    done = dev.client("check", "email", "integrity@magic.example", "--purpose", "portfolio_screening", "--consent", "b")
    assert done.returncode == INTEGRITY


@pytest.mark.nightly
def test_it_starts_again_on_its_folder_after_an_interruption_and_on_other_ports(tmp_path: Path, forked: str) -> None:
    interrupted = Dev(tmp_path, sys.executable)
    until = time.monotonic() + 60
    while not (children := psutil.Process(interrupted.process.pid).children(recursive=True)):
        assert time.monotonic() < until, interrupted.said()
        time.sleep(0.01)
    assert interrupted.end() == INTERRUPTED
    assert not psutil.wait_procs(children, timeout=10)[1]
    first = Dev(tmp_path, forked).wait()
    home = first.home
    assert home == tmp_path / "alliance-dev" / "dev" / "profile"
    assert "unset" not in first.said()
    assert first.end() == 0
    again = Dev(tmp_path, forked, ALLIANCE_PASSPHRASE="somebody's", ALLIANCE_HUB_ALLIANCE="another").wait()
    try:
        assert again.home == home
        assert "\nunset ALLIANCE_PASSPHRASE\n" in again.said()
        assert f'hub = "127.0.0.1:{again.port}"' in (again.home / "profile.toml").read_text()
        done = again.client("--json", "check", "phone", MAGIC[3].phone, "--purpose", "transaction", "--consent", "C-1")
        assert len(json.loads(done.stdout)["matches"]) == 1
        assert again.client("doctor").returncode == 0
    finally:
        assert again.end(signal.SIGTERM) == 0


# -- what is refused -------------------------------------------------------------------------------------------------


def server(python: str, folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, "-m", "alliance_server", *arguments],
        cwd=folder,
        env=environment(**settings),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_another_folder_is_left_alone(tmp_path: Path, forked: str) -> None:
    mine = tmp_path / "alliance-dev"
    mine.mkdir()
    (mine / "mine").write_text("precious")
    done = server(forked, tmp_path, "dev")
    assert done.returncode == NOT_CONFIGURED
    assert "holds something else than a development hub; nothing was changed" in done.stderr
    assert [path.name for path in mine.iterdir()] == ["mine"]


def test_a_hub_of_another_name_is_no_development_hub(tmp_path: Path, forked: str) -> None:
    assert server(forked, tmp_path, "init", "alliance-dev/hub", "--alliance", "lenders").returncode == 0
    done = server(forked, tmp_path, "dev")
    assert done.returncode == NOT_CONFIGURED
    assert "holds something else" in done.stderr


def test_no_other_hub_may_have_the_name(tmp_path: Path, forked: str) -> None:
    done = server(forked, tmp_path, "init", "hub", "--alliance", "dev")
    assert done.returncode == NOT_CONFIGURED
    assert "the name 'dev' is kept for development hubs" in done.stderr
    assert not (tmp_path / "hub").exists()
    assert server(forked, tmp_path, "init", "hub").returncode == 0
    done = server(forked, tmp_path, "serve", "hub", ALLIANCE_HUB_ALLIANCE="dev")
    assert done.returncode == NOT_CONFIGURED
    assert "run it with 'alliance-server dev'" in done.stderr


def test_a_port_in_use_is_said(tmp_path: Path, dev: Dev, forked: str) -> None:
    done = server(forked, tmp_path, "dev", "--memory", "--port", str(dev.port), TMPDIR=str(tmp_path))
    assert done.returncode == NOT_CONFIGURED
    assert "give --port another number" in " ".join(done.stderr.split())
    assert list(tmp_path.iterdir()) == []
