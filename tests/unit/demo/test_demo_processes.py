"""The demo's children: started apart from the caller's settings, and ended whatever happens."""

import time
from pathlib import Path

import psutil
import pytest

from alliance_server.demo.processes import DemoFailed, Ended, Processes, demand


def script(folder: Path, name: str, text: str) -> str:
    """Write a module into a folder that is on the path of the child."""
    (folder / f"{name}.py").write_text(text)
    return name


@pytest.fixture(autouse=True)
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


def test_outputs_codes_and_complaints_are_read(tmp_path: Path) -> None:
    name = script(
        tmp_path,
        "speaker",
        "import sys; print('{\"said\": ' + sys.stdin.read() + '}'); print('a\\nb\\nc', file=sys.stderr); sys.exit(4)",
    )
    with Processes(tmp_path) as processes:
        ended = processes.start("speaker", name, typed="1").wait(30)
    assert (ended.code, ended.document(), ended.complaint) == (4, {"said": 1}, "b c")
    assert demand("speaker", ended, (0, 4)) is ended
    with pytest.raises(DemoFailed, match="speaker ended with exit code 4: b c"):
        demand("speaker", ended)


def test_the_callers_alliance_settings_stay_with_the_caller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLIANCE_HUB_LISTEN", "0.0.0.0:1")
    monkeypatch.setenv("ALLIANCE_HOME", "/elsewhere")
    name = script(tmp_path, "teller", "import json, os; print(json.dumps({k: v for k, v in os.environ.items()}))")
    with Processes(tmp_path) as processes:
        seen = processes.start("teller", name, typed="", settings={"ALLIANCE_HOME": "/own"}).wait(30).document()
    assert "ALLIANCE_HUB_LISTEN" not in seen
    assert seen["ALLIANCE_HOME"] == "/own"


def test_children_are_ended_with_the_block(tmp_path: Path) -> None:
    name = script(tmp_path, "sleeper", "import time\nprint('{}', flush=True)\ntime.sleep(600)")
    pids: list[int] = []

    def interrupted() -> None:
        with Processes(tmp_path) as processes:
            processes.start("sleeper", name).first_line(30)
            pids.extend(child.pid for child in psutil.Process().children() if name in child.cmdline())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert len(pids) == 1
    assert not psutil.pid_exists(pids[0])


def test_one_that_will_not_end_is_ended_for_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alliance_server.demo.processes._END_SECONDS", 0.2)
    stubborn = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('{}', flush=True)\n"
    name = script(tmp_path, "stubborn", f"{stubborn}time.sleep(600)")
    start = time.monotonic()
    with Processes(tmp_path) as processes:
        processes.start("stubborn", name).first_line(30)
    assert time.monotonic() - start < 30


def test_a_child_that_says_nothing_is_a_failure(tmp_path: Path) -> None:
    name = script(tmp_path, "mute", "import time; time.sleep(600)")
    dying = script(tmp_path, "dying", "raise SystemExit('no room')")
    with Processes(tmp_path) as processes:
        with pytest.raises(DemoFailed, match="did not answer"):
            processes.start("mute", name).first_line(0.5)
        with pytest.raises(DemoFailed, match="did not end"):
            processes.start("mute", name).wait(0.1)
        with pytest.raises(DemoFailed, match="dying ended with exit code 1: no room"):
            processes.start("dying", dying).first_line(30)


def test_ended_is_a_plain_value() -> None:
    assert Ended(0, "{}", "").document() == {}
