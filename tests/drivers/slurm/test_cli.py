"""Slurm's commands, played by scripts: what is asked of them, and what becomes of those that fail or hang."""

import json
import time
from pathlib import Path

import pytest
from tests.fakes.slurm_commands import SlurmCommands

from sentinel.core.slurm import Part, SlurmReading
from sentinel.drivers.slurm.cli import CommandSource

MARK = "f00d"
NODES = b"NodeName=a CPUAlloc=1 CPUTot=4 Gres=gpu:h100:2 GresUsed=gpu:h100:1(IDX:0) State=MIXED\n"
QUEUE = f"{MARK} 1|RUNNING|gpu|ann|caf".encode() + b"\xe9\n"
SDIAG = b"Server thread count:  3\n"


@pytest.fixture
def commands(tmp_path: Path) -> SlurmCommands:
    found = SlurmCommands(tmp_path)
    found.prints("scontrol", NODES)
    found.prints("squeue", QUEUE)
    found.prints("sdiag", SDIAG)
    return found


def read(commands: SlurmCommands, *, timeout: float = 10.0, **more: str) -> SlurmReading:
    source = CommandSource(commands.environment | more, timeout=timeout, mark=lambda: MARK)
    return source.read()


def errors(reading: SlurmReading) -> dict[str, str]:
    return {one.part.value: one.error for one in reading.asked if one.error is not None}


def test_all_three_are_read_with_one_command_each(commands: SlurmCommands) -> None:
    reading = read(commands)
    assert reading.nodes is not None and reading.nodes[0].gpus_allocated == {"h100": 1}
    assert reading.jobs is not None and reading.jobs[0].account == "caf\ufffd"
    assert reading.scheduler is not None and reading.scheduler.server_threads == 3
    assert errors(reading) == {}
    assert [line.split()[0] for line in commands.asked()] == ["scontrol", "squeue", "sdiag"]


def test_marks_cannot_be_guessed(commands: SlurmCommands) -> None:
    source = CommandSource(commands.environment)
    source.read()
    source.read()
    first, second = (line for line in commands.asked() if line.startswith("squeue -h"))
    assert first != second


def test_one_that_fails_takes_no_other_with_it(commands: SlurmCommands) -> None:
    commands.prints("sdiag", b"", status=1, complaint="sdiag: error: x\nsdiag: fatal: not for you\n")
    reading = read(commands)
    assert reading.scheduler is None
    assert reading.nodes is not None and reading.jobs is not None
    assert errors(reading) == {"scheduler": "sdiag ends with 1: sdiag: fatal: not for you"}


def test_one_that_hangs_is_killed_with_its_children(commands: SlurmCommands) -> None:
    commands.does("squeue", f"sleep 61 & echo $! > {commands.folder}/child; wait")
    began = time.monotonic()
    reading = read(commands, timeout=1.0)
    assert time.monotonic() - began < 5
    assert reading.nodes is not None and reading.jobs is None
    assert "was killed" in errors(reading)["jobs"]
    child = int((commands.folder / "child").read_text())
    for _ in range(100):
        if not Path(f"/proc/{child}").exists() or "Z" in Path(f"/proc/{child}/stat").read_text().split()[2]:
            break
        time.sleep(0.02)
    else:
        pytest.fail("its child lives on")
    assert sum("squeue" in line for line in commands.asked()) == 1, "it is not asked once more"


def test_those_that_speak_json_alone_are_understood(commands: SlurmCommands) -> None:
    node = {"name": "a", "state": ["IDLE"], "cpus": 4, "alloc_cpus": 0, "gres": ""}
    meta = {"slurm": {"release": "24.11.5"}}
    commands.prints("scontrol", b"", status=1)
    commands.speaks_json_alone("sinfo", json.dumps({"meta": meta, "nodes": [node]}).encode())
    commands.speaks_json_alone("squeue", json.dumps({"jobs": [{"job_state": ["PENDING"]}]}).encode())
    commands.prints("sdiag", json.dumps({"statistics": {"server_thread_count": 4}}).encode())
    reading = read(commands)
    assert errors(reading) == {}
    assert reading.version == "24.11.5"
    assert reading.nodes is not None and reading.nodes[0].state == "idle"
    assert reading.jobs is not None and reading.jobs[0].state == "pending"
    assert reading.scheduler is not None and reading.scheduler.server_threads == 4


def test_where_there_is_no_slurm_nothing_is_zero(tmp_path: Path) -> None:
    reading = CommandSource({"PATH": str(tmp_path)}).read()
    assert not reading.answered
    assert [one.part for one in reading.asked] == list(Part)
    assert "install" in errors(reading)["jobs"]


def test_what_people_set_for_themselves_does_not_reach_them(commands: SlurmCommands) -> None:
    commands.does("squeue", f"env > {commands.folder}/env")
    read(commands, SQUEUE_FORMAT="%i", SLURM_CLUSTERS="x", SLURM_CONF="/etc/here", SLURM_JWT="token")
    seen = (commands.folder / "env").read_text().splitlines()
    assert "SLURM_CONF=/etc/here" in seen and "SLURM_JWT=token" in seen and "SLURM_BITSTR_LEN=0" in seen
    assert not [line for line in seen if line.startswith(("SQUEUE_FORMAT", "SLURM_CLUSTERS"))]


def test_no_descriptor_stays_open(commands: SlurmCommands) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    read(commands)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
