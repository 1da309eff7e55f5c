"""The search over a hub's files: a leak in any of them is found and named by its file."""

import hashlib
from pathlib import Path

from alliance_server.demo.leaks import search_hub
from alliance_server.demo.people import Inventor
from alliance_server.demo.processes import Processes
from alliance_server.demo.stage import Stage


def test_a_leak_is_named_by_its_file_and_the_planted_one_is_none(tmp_path: Path) -> None:
    inventor = Inventor(11)
    written = [inventor.write("phone", inventor.new("phone")) for _ in range(50)]
    leaked = written[7].identifier
    assert leaked is not None
    (tmp_path / "processes").mkdir()
    with Processes(tmp_path / "processes") as processes:
        stage = Stage(tmp_path, processes, lambda _act: None)
        (stage.hub / "keys").mkdir(parents=True)
        (stage.hub / "keys" / "harmless").write_bytes(b"nothing " * 1000)
        clean = search_hub(stage, written, written[0])
        (stage.hub / "hub.db").write_bytes(bytes(5000) + hashlib.sha256(leaked.canonical.encode()).digest())
        (stage.observed / "received-1-honest.bin").write_text(f"phone={written[8].typed}", "utf-8")
        leaky = search_hub(stage, written, written[0])
    assert (clean.found, clean.files) == (0, 1)
    assert clean.planted == clean.planted_found > 20
    assert leaky.places["hub/hub.db"] == 1
    assert leaky.places["observed/received-1-honest.bin"] >= 1
    assert leaky.captured > 0
    assert leaky.planted == leaky.planted_found
