import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sentinel.core.errors import GpuReadError
from sentinel.core.gpu import GpuReading, ProcessKind
from sentinel.drivers.gpus import simulated_claims as claims
from sentinel.drivers.gpus.simulated import MEMORY_BYTES, Holding, SimulatedGpus, main

GIB = 2**30


@contextmanager
def holding(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "sentinel.drivers.gpus.simulated", "hold", "--dir", str(folder)]
    process = subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert "holds" in process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.communicate()


def read(folder: Path, count: int = 2) -> GpuReading:
    return SimulatedGpus(count, claims_dir=folder).read()


def used(folder: Path) -> list[int | None]:
    return [gpu.memory_used_bytes for gpu in read(folder).gpus]


def test_cards_are_the_same_each_time(tmp_path: Path) -> None:
    first, second = read(tmp_path).gpus, read(tmp_path, 3).gpus
    assert first == second[:2]
    assert len({gpu.uuid for gpu in second}) == 3
    assert {gpu.memory_total_bytes for gpu in second} == {MEMORY_BYTES}
    assert [gpu.processes for gpu in second] == [(), (), ()]


def test_holders_hold(tmp_path: Path) -> None:
    held = [
        Holding(pid=41, gpus=(0, 1), memory_bytes=GIB),
        Holding(pid=42, gpus=(1,), memory_bytes=2 * GIB, kind=ProcessKind.GRAPHICS),
    ]
    source = SimulatedGpus(3, lambda: held, tmp_path)
    assert [gpu.memory_used_bytes for gpu in source.read().gpus] == [GIB, 3 * GIB, 0]
    assert [[one.pid for one in gpu.processes or ()] for gpu in source.read().gpus] == [[41], [41, 42], []]
    held.clear()
    assert [gpu.memory_free_bytes for gpu in source.read().gpus] == [MEMORY_BYTES] * 3


def test_more_than_a_card_has(tmp_path: Path) -> None:
    source = SimulatedGpus(1, lambda: [Holding(pid=41, gpus=(0,), memory_bytes=2 * MEMORY_BYTES)], tmp_path)
    assert source.read().gpus[0].memory_free_bytes == 0


def test_a_process_holds_until_it_is_killed(tmp_path: Path) -> None:
    with holding(tmp_path, "--gpu", "0", "--gpu", "1", "--memory", "4GiB") as process:
        assert used(tmp_path) == [4 * GIB, 4 * GIB]
        (listed,) = read(tmp_path).gpus[0].processes or ()
        assert (listed.pid, listed.kind, listed.memory_bytes) == (process.pid, ProcessKind.COMPUTE, 4 * GIB)
        process.kill()
        process.wait()
        assert used(tmp_path) == [0, 0]
    assert list(tmp_path.iterdir()) == []


def test_a_polite_end_leaves_nothing(tmp_path: Path) -> None:
    with holding(tmp_path, "--gpu", "0", "--memory", "1GiB") as process:
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
        assert list(tmp_path.iterdir()) == []


def test_a_command_holds_in_place_of_the_holder(tmp_path: Path) -> None:
    with holding(tmp_path, "--gpu", "1", "--memory", "1GiB", "--graphics", "--", "sleep", "60") as process:
        end = time.monotonic() + 5
        (listed,) = read(tmp_path).gpus[1].processes or ()
        while listed.name != "sleep" and time.monotonic() < end:
            (listed,) = read(tmp_path).gpus[1].processes or ()
        assert (listed.pid, listed.kind, listed.name) == (process.pid, ProcessKind.GRAPHICS, "sleep")
        assert read(tmp_path).gpus[1].utilization_percent == 0


def test_claims_of_reused_and_dead_pids_are_cleaned_up(tmp_path: Path) -> None:
    body = json.dumps({"gpus": [0], "memory_bytes": GIB})
    start = claims.started(os.getpid())
    assert start is not None
    mine = tmp_path / f"{os.getpid()}-{start}.json"
    for name in (mine.name, f"{os.getpid()}-{start - 1}.json", "999999999-1.json"):
        (tmp_path / name).write_text(body)
    assert used(tmp_path) == [GIB, 0]
    assert list(tmp_path.iterdir()) == [mine]


def test_a_zombie_holds_nothing() -> None:
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert claims.started(child.pid) is None
    child.wait()


GARBAGE = [
    b"",
    b"null",
    b"[]",
    b"{}",
    b'{"gpus": 0, "memory_bytes": 1}',
    b'{"gpus": [0], "memory_bytes": -1}',
    b'{"gpus": [0], "memory_bytes": true}',
    b'{"gpus": [-1], "memory_bytes": 1}',
    b'{"gpus": [0], "memory_bytes": 1e3}',
    b'{"gpus": [0], "memory_bytes": 99999999999999999999}',
    b'{"gpus": [0], "memory_bytes": 1, "kind": "king"}',
    b'{"gpus": [0], "memory_bytes": 1, "kind": []}',
    b"[" * 10_000,
    b'{"gpus": [0], "memory_bytes": 1}' + b" " * 20_000,
    b"\xff\xfe\x00",
]


def own_claim(folder: Path) -> Path:
    return folder / f"{os.getpid()}-{claims.started(os.getpid())}.json"


@pytest.mark.parametrize("content", GARBAGE)
def test_garbage_is_ignored(tmp_path: Path, content: bytes) -> None:
    own_claim(tmp_path).write_bytes(content)
    assert used(tmp_path) == [0, 0]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.binary(max_size=200) | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(
    lambda value: json.dumps({"gpus": value, "memory_bytes": value, "kind": value}).encode()
))  # fmt: skip
def test_any_content_is_read_or_ignored(tmp_path: Path, content: bytes) -> None:
    own_claim(tmp_path).write_bytes(content)
    read(tmp_path)


def test_links_pipes_and_folders_are_no_claims(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(json.dumps({"gpus": [0], "memory_bytes": GIB}))
    path = own_claim(tmp_path)
    path.symlink_to(secret)
    assert used(tmp_path) == [0, 0]
    path.unlink()
    os.mkfifo(path)
    assert used(tmp_path) == [0, 0]
    path.unlink()
    path.mkdir()
    assert used(tmp_path) == [0, 0]


def test_the_fault_switch(tmp_path: Path) -> None:
    (tmp_path / "fault").write_text("the driver hangs\nmore\n")
    with pytest.raises(GpuReadError, match=r"^the driver hangs$"):
        read(tmp_path)
    (tmp_path / "fault").write_text("")
    with pytest.raises(GpuReadError, match="simulated fault"):
        read(tmp_path)
    (tmp_path / "fault").unlink()
    assert read(tmp_path)


def test_no_folder_is_no_claims(tmp_path: Path) -> None:
    assert used(tmp_path / "none") == [0, 0]
    assert not (tmp_path / "none").exists()


def test_where_claims_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.delenv("SENTINEL_SIMULATED_DIR", raising=False)
    assert claims.default_folder() == Path(f"/tmp/sentinel-simulated-{os.getuid()}")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1")
    assert claims.default_folder() == Path("/run/user/1/sentinel-simulated")
    monkeypatch.setenv("SENTINEL_SIMULATED_DIR", str(tmp_path / "here"))
    assert claims.default_folder() == tmp_path / "here"
    assert claims.ready_folder(tmp_path / "here").stat().st_mode & 0o777 == 0o700


def test_a_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "there")
    with pytest.raises(PermissionError):
        claims.ready_folder(tmp_path / "link")


def test_asking_wrongly(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["hold", "--dir", str(tmp_path), "--gpu", "0", "--memory"]
    assert main([*arguments, "much"]) == 2
    assert main([*arguments, "1GiB", "--", str(tmp_path / "none")]) == 127
    assert list(tmp_path.iterdir()) == []
    assert len(capsys.readouterr().err.strip().splitlines()) == 2


def test_sensors_move_with_the_load(tmp_path: Path) -> None:
    held = Holding(pid=os.getpid(), gpus=(1,), memory_bytes=2**30, kind=ProcessKind.COMPUTE)
    idle, busy = (gpu.sensors for gpu in SimulatedGpus(2, lambda: [held], tmp_path).read().gpus)
    assert idle is not None
    assert busy is not None
    assert (idle.performance_state, busy.performance_state) == (8, 0)
    assert (idle.sm_clock_hertz or 0) < (busy.sm_clock_hertz or 0)
    assert (idle.minor_number, busy.minor_number) == (0, 1)
