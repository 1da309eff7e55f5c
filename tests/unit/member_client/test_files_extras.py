"""The base install has neither pyarrow nor openpyxl: everything imports, and what needs them says how to get them."""

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import Workbook

BLOCKED = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("pyarrow", "openpyxl", "pandas", "polars"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Blocked())
"""


def without_extras(folder: Path, program: str) -> str:
    """Run a program where no library of the extras can be imported."""
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED + program], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def files(tmp_path: Path) -> Path:
    pq.write_table(pa.table({"kind": ["phone"]}), tmp_path / "list.parquet")
    book = Workbook()
    book.worksheets[0].append(["kind"])
    book.save(tmp_path / "list.xlsx")
    (tmp_path / "list.csv").write_text("kind\nphone\n")
    return tmp_path


def test_the_base_install_reads_text_and_names_the_extra_for_the_rest(files: Path) -> None:
    said = without_extras(
        files,
        """
from pathlib import Path
import member_client.cli.app
from member_client.files import TableInvalid, open_table, record_file
print(len(list(open_table(Path("list.csv")))))
for name in ("list.parquet", "list.xlsx"):
    try:
        open_table(Path(name))
    except TableInvalid as fault:
        print(fault)
try:
    with record_file(Path("out.parquet"), ("row",)):
        pass
except TableInvalid as fault:
    print(fault)
print(sorted(path.name for path in Path().iterdir()))
""",
    )
    frames = "Parquet files and data frames need an extra that is not installed: pip install 'alliance-hub[frames]'"
    assert said.splitlines() == [
        "1",
        frames,
        "Excel workbooks need an extra that is not installed: pip install 'alliance-hub[excel]'",
        frames,
        "['list.csv', 'list.parquet', 'list.xlsx']",
    ]


def test_frames_without_the_extra_are_a_fault_of_the_configuration(files: Path) -> None:
    said = without_extras(
        files,
        """
import asyncio
from member_client import AllianceClient, ConfigurationInvalid, Profile
from pathlib import Path
client = AllianceClient(Profile(Path(), "aif", "bank-a", "hub:1", "hub.aif", "ca.pem", bytes(32)))
try:
    asyncio.run(client.screen_frame(object(), columns={"phone": "mobile"}, purpose="portfolio_screening"))
except ConfigurationInvalid as fault:
    print(fault)
""",
    )
    assert "pip install 'alliance-hub[frames]'" in said


def test_nothing_of_the_extras_is_imported_before_it_is_needed(files: Path) -> None:
    program = """
import sys
import member_client.cli.app
from pathlib import Path
from member_client.files import open_table
list(open_table(Path("list.csv")))
print([name for name in ("pyarrow", "openpyxl", "pandas", "polars") if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=files, capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.strip() == "[]"
