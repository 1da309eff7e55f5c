"""The generated reference is that of the code."""

import subprocess
import sys
from pathlib import Path

import member_client
from member_client import errors

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"
PAGES = {"sdk.md", "errors.md", "command-line.md", "data-model.md", "taxonomy.md"}


def test_the_reference_is_that_of_the_code(tmp_path: Path) -> None:
    """`make reference` brings it up to date."""
    command = [sys.executable, str(ROOT / "tools" / "reference.py"), str(tmp_path)]
    subprocess.run(command, check=True, cwd=ROOT, env={"PYTHONPATH": str(ROOT), "PATH": ""})
    made = {path.name: path.read_text("utf-8") for path in tmp_path.iterdir()}
    assert set(made) == PAGES
    assert [name for name, text in made.items() if (REFERENCE / name).read_text("utf-8") != text] == []


def test_everything_public_is_described() -> None:
    text = (REFERENCE / "sdk.md").read_text("utf-8")
    undescribed = [
        name for name in member_client.__all__ if f"\n### {name}\n" not in text and f"| [`{name}`]" not in text
    ]
    assert undescribed == []
    catalogue = (REFERENCE / "errors.md").read_text("utf-8")
    raised = [name for name, thing in vars(errors).items() if isinstance(thing, type) and issubclass(thing, Exception)]
    assert [name for name in raised if f"\n### {name}\n" not in catalogue] == []
