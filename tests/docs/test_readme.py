"""The README and the tutorial do what they say: their commands run as they stand, in a shell of their own."""

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SETUP = ("make demo", "make test", "make backend", ". .venv/bin/activate")
"""Lines that set the machine up: this test runs in what they made, and other tests run the demo."""


def blocks(page: str, language: str) -> list[str]:
    text = (ROOT / page).read_text()
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    scripts = str(Path(sys.executable).parent)
    return {
        "PATH": f"{scripts}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "ALLIANCE_HUB_LISTEN": f"127.0.0.1:{free_port()}",
        "ALLIANCE_HUB_ENROLMENT_LISTEN": f"127.0.0.1:{free_port()}",
    }


def run_page(page: str, folder: Path, environment: dict[str, str], after: str = "") -> str:
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    commands = [line for line in lines if not line.startswith(SETUP)]
    assert len(commands) >= 7, "the page lost its commands"
    wait = "for i in $(seq 100); do grep -q 'hub serves' hub.log && break; sleep 0.1; done"
    script = "\n".join(commands).replace("serve hub &", f"serve hub 2>hub.log &\n{wait}")
    whole = f"set -e\ntrap 'kill $(jobs -p)' EXIT\n{script}\n{after}"
    done = subprocess.run(
        ["bash", "-c", whole], cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_readme_runs_up_to_its_sdk_example(tmp_path: Path, environment: dict[str, str]) -> None:
    (example,) = blocks("README.md", "python")
    (tmp_path / "decide.py").write_text(example)
    output = run_page("README.md", tmp_path, environment, "ALLIANCE_HOME=lender-b python decide.py")
    assert "mule_account" in output
    assert output.splitlines()[-2:] == ["take note", "proceed"]


def test_the_tutorial_runs(tmp_path: Path, environment: dict[str, str]) -> None:
    output = run_page("docs/tutorials/first-verdict.md", tmp_path, environment)
    assert "mule_account" in output
    assert "clear" in output


def test_every_link_between_pages_holds() -> None:
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("keys/*.md")]
    assert len(pages) > 10
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text())
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert not broken


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_the_makefile_has_the_targets_that_the_pages_name() -> None:
    text = "\n".join(page.read_text() for page in ROOT.glob("*.md"))
    named = set(re.findall(r"`make ([a-z]+)", text)) | set(re.findall(r"^make ([a-z]+)", text, re.MULTILINE))
    makefile = (ROOT / "Makefile").read_text()
    assert {"demo", "test", "check"} <= named
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in named)
