"""The instruments of a benchmark: clocks, calls, memory, bytes, other programs, profiles."""

import asyncio
import itertools
import mmap
import os
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path
from tempfile import gettempdir

import pytest

from benchmarks.measure.calls import called, called_for
from benchmarks.measure.clocks import cpu_of, medians, percentile, repeated
from benchmarks.measure.failure import BenchmarkFailed, PeerMissing
from benchmarks.measure.memory import descendants, memory_of, watched
from benchmarks.measure.processes import Program
from benchmarks.measure.profile import ARITHMETIC, INTERPRETER, KERNEL, OTHER, counted
from benchmarks.measure.resources import Meter
from benchmarks.peers import home
from benchmarks.peers.home import Peer

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="the kernel tells it on Linux only")
MEBIBYTE = 2**20

PROGRAM = """
import json, sys
for line in sys.stdin:
    question = json.loads(line)
    if question["do"] == "end":
        sys.exit("it ended")
    answer = {"failure": "it failed"} if question["do"] == "fail" else {"doubled": 2 * question["number"]}
    print(json.dumps(answer), flush=True)
"""


# -- clocks and calls ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.0, 1)])
def test_percentiles_are_samples_by_nearest_rank(share: float, expected: int) -> None:
    assert percentile(list(range(100, 0, -1)), share) == expected


def test_medians_are_taken_of_every_name_once_a_round_after_a_first_that_does_not_count() -> None:
    samples = iter([1000.0, 3.0, 1.0, 2.0])
    works = itertools.count()
    found = medians([lambda: {"one": next(samples)}, cpu_of("work", repeated(lambda: next(works), 5), 5)], 3)
    assert found["one"] == 2.0
    assert found["work"] >= 0.0
    assert next(works) == 20


@pytest.mark.parametrize("in_flight", [1, 4])
async def test_every_call_is_made_once_and_no_more_are_in_flight(in_flight: int) -> None:
    made: list[int] = []
    flying = most = 0

    async def call(number: int) -> None:
        nonlocal flying, most
        flying += 1
        most = max(most, flying)
        await asyncio.sleep(0)
        made.append(number)
        flying -= 1

    calls = await called(call, 50, in_flight)
    assert sorted(made) == list(range(50))
    assert len(calls.latencies) == 50
    assert most == in_flight
    assert len((calls + calls).latencies) == 100


async def test_calls_for_some_time_are_numbered_without_gaps() -> None:
    made: list[int] = []

    async def call(number: int) -> None:
        made.append(number)
        await asyncio.sleep(0)

    calls = await called_for(call, 0.02, 3)
    assert sorted(made) == list(range(len(calls.latencies)))
    assert not (await called_for(call, 0.0)).latencies


# -- what a process spends -------------------------------------------------------------------------------------


@LINUX
def test_memory_of_a_process_is_told_apart_from_what_it_maps(tmp_path: Path) -> None:
    path = tmp_path / "mapped"
    path.write_bytes(bytes(64 * MEBIBYTE))
    with watched(me=os.getpid()) as watch, path.open("rb") as file:
        own = bytearray(os.urandom(MEBIBYTE) * 32)
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            touched = sum(mapped[:: mmap.PAGESIZE])
            while watch.peak["me"].mapped < watch.start["me"].mapped + 48 * MEBIBYTE:
                pass
        while watch.peak["me"].own < watch.start["me"].own + 24 * MEBIBYTE:
            pass
    assert touched == 0
    assert len(own) == 32 * MEBIBYTE
    assert watch.peak["me"].own < watch.start["me"].own + 64 * MEBIBYTE


@LINUX
def test_children_count_and_what_is_gone_has_no_memory() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert child.pid in descendants(os.getpid())
        assert memory_of(os.getpid()).own > memory_of(child.pid).own > 0
        child.communicate()
    assert memory_of(child.pid).own == 0


@LINUX
def test_a_meter_counts_bytes_of_connections_that_end_as_well() -> None:
    meter = Meter()
    before = meter.read()
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        other, _ = server.accept()
        with other:
            client.sendall(bytes(100_000))
            received = 0
            while received < 100_000:
                received += len(other.recv(65_536))
            spent = meter.read() - before
    # Both ends are in this process.
    assert spent.sent >= 100_000
    assert spent.received >= 100_000
    assert (meter.read() - before).received >= spent.received


def test_a_meter_counts_the_cpu_of_children() -> None:
    meter = Meter()
    before = meter.read()
    subprocess.run([sys.executable, "-c", "sum(range(3_000_000))"], check=True)
    assert (meter.read() - before).cpu > 0.0


@LINUX
def test_threads_that_the_interpreter_knows_are_not_elsewhere() -> None:
    # In a process of its own: what children of other tests spent goes as they end.
    program = """
import threading
from benchmarks.measure.resources import Meter
meter = Meter()
before = meter.read()
thread = threading.Thread(target=sum, args=(range(5_000_000),))
thread.start()
thread.join()
spent = meter.read() - before
assert spent.elsewhere <= spent.cpu, spent
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[2])


# -- programs --------------------------------------------------------------------------------------------------


def program(folder: Path) -> Program:
    return Program("doubler", folder, [sys.executable, "-c", PROGRAM], {})


def test_a_program_answers_in_lines_and_its_failures_are_told(tmp_path: Path) -> None:
    with program(tmp_path) as doubler:
        assert doubler.ask({"do": "double", "number": 21}, 30.0) == {"doubled": 42}
        with pytest.raises(BenchmarkFailed, match=r"doubler.*it failed"):
            doubler.ask({"do": "fail"}, 30.0)
        assert doubler.ask({"do": "double", "number": 1}, 30.0) == {"doubled": 2}
    with pytest.raises(ProcessLookupError):
        os.kill(doubler.pid, 0)


def test_a_program_that_ends_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    with program(tmp_path) as doubler, pytest.raises(BenchmarkFailed, match=r"(?s)ended early.*it ended"):
        doubler.ask({"do": "end"}, 30.0)


def test_a_program_that_does_not_answer_is_not_waited_for(tmp_path: Path) -> None:
    with program(tmp_path) as doubler, pytest.raises(BenchmarkFailed, match="no answer in time"):
        doubler.answer(0.1)


def test_a_peer_that_cannot_be_installed_is_missing_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(home, "HOME", tmp_path / "peers")
    said: list[str] = []
    with pytest.raises(PeerMissing, match=r"^nobody cannot be installed: ") as missing:
        Peer("nobody", (str(tmp_path / "nobody.whl"),), "nobody").install(said.append)
    assert "\n" not in str(missing.value)
    assert len(said) == 1
    assert not (tmp_path / "peers" / "nobody").exists()


# -- profiles --------------------------------------------------------------------------------------------------

SCRIPT = f"""\
    ffffffff8100 do_syscall_64 ([kernel.kallsyms])
          11f77c __send (/usr/lib/x86_64-linux-gnu/libc.so.6)
           1a2b3 tcp_flush (/venv/grpc/_cython/cygrpc.cpython-311-x86_64-linux-gnu.so)
          250a3f _PyEval_Vector (/usr/lib/libpython3.11.so.1.0)

          100000 memcpy (/usr/lib/x86_64-linux-gnu/libc.so.6)
          250a3f _PyEval_EvalFrameDefault (/usr/lib/libpython3.11.so.1.0)

            1234 [unknown] (/venv/alliance_native/alliance_native.abi3.so)

            1234 [unknown] (/venv/mmh3.cpython-311-x86_64-linux-gnu.so)

            1234 select_epoll (/usr/lib/python3.11/lib-dynload/select.cpython-311-x86_64-linux-gnu.so)

            1234 sha256 (/usr/lib/python3.11/lib-dynload/_hashlib.cpython-311-x86_64-linux-gnu.so)

            1234 [unknown] ({gettempdir()}/tmpabcdefg.so (deleted))

    ffffffff8100 schedule ([kernel.kallsyms])
"""


def test_a_sample_belongs_to_who_asked_the_system() -> None:
    assert counted(SCRIPT.splitlines()) == Counter(
        {
            "TLS and gRPC": 1,
            INTERPRETER: 2,
            ARITHMETIC: 2,
            OTHER: 1,
            "OpenSSL: signatures, sealing, digests": 1,
            KERNEL: 1,
        }
    )
