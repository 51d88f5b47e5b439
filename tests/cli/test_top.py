"""`sentinel top` as a whole: owners from /proc and the inventory, the reader, a real terminal."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from tests.cli.inventories import GIB, NOW, inventory, workload, write
from tests.cli.own_terminal import ALTERNATE, MAIN, Screen

from sentinel.cli.local.top.look import Look
from sentinel.cli.local.top.owners import Owners, known_from, workload_of
from sentinel.cli.local.top.reader import TopReader
from sentinel.core.errors import GpuReadError, SentinelError, UsageError
from sentinel.core.gpu import Gpu, GpuProcess, GpuReading, ProcessKind
from sentinel.core.process import ProcessId
from sentinel.core.process_facts import ProcessFacts, Usage
from sentinel.core.workload import Category, Origin
from sentinel.drivers.gpus.simulated_claims import claim

SENTINEL = str(Path(sys.executable).with_name("sentinel"))


class Processes:
    """A ProcessFactsSource of processes made up here: pid → start, and processor seconds so far."""

    def __init__(self, started: dict[int, int]) -> None:
        self.started, self.cpu_seconds = started, 10.0

    def identify(self, pid: int) -> ProcessId | None:
        return ProcessId(pid, self.started[pid]) if pid in self.started else None

    def facts(self, pid: int) -> ProcessFacts | None:
        process = self.identify(pid)
        at = NOW - 100 if pid != 9 else NOW + 100
        return process and ProcessFacts(process=process, name=f"p{pid}", uid=1000 + pid, started_at=at)

    def usage(self, process: ProcessId) -> Usage | None:
        return Usage(cpu_seconds=self.cpu_seconds, memory_bytes=GIB)

    def group_usage(self, cgroups: Sequence[str]) -> Usage | None:
        return None

    def user_name(self, uid: int) -> str | None:
        return {1005: "eve"}.get(uid)

    def owner_of(self, path: str) -> int | None:
        return None


def reading(*pids: int) -> GpuReading:
    processes = tuple(GpuProcess(pid=pid, kind=ProcessKind.COMPUTE, name=f"/usr/bin/x{pid}") for pid in pids)
    return GpuReading(source="simulated", gpus=(Gpu(index=0, uuid="GPU-0", processes=processes),))


def owners(facts: Processes, folder: Path) -> Owners:
    return Owners(facts, folder, node="box", boot_id="boot")


# ------------------------------------------------------------------ owners


def test_without_an_inventory_a_process_is_its_uids(tmp_path: Path) -> None:
    found = owners(Processes({5: 50, 6: 60}), tmp_path).look(reading(5, 6, 7), 1.0, NOW)
    five, six, gone = found.rows
    assert (five.user, five.name, five.origin, five.memory_bytes) == ("eve", "x5", None, GIB)
    assert six.user == "1006"  # a uid without a name
    assert (gone.user, gone.memory_bytes, gone.cpu_percent, gone.started_at) == (None, None, None, None)
    assert "sentinel scan" in found.notes[0]


def test_with_an_inventory_it_is_the_workloads(tmp_path: Path) -> None:
    write(
        tmp_path,
        inventory(
            workload(1, name="trainer", user="ann", pid=4, pids=(5, 9), process=ProcessId(4, 40)),
            workload(
                2, name="job", user=None, origin=Origin.SLURM, pid=6, pids=(6,), process=ProcessId(6, 1)
            ),
            workload(3, name="exact", user="bob", pid=7, process=ProcessId(7, 70), pids=()),
        ),
    )
    facts = Processes({5: 50, 6: 60, 7: 70, 9: 90})
    found = owners(facts, tmp_path).look(reading(5, 6, 7, 9), 1.0, NOW)
    inside, reused, exact, later = found.rows
    assert (inside.user, inside.name, inside.origin) == ("ann", "trainer", Origin.DOCKER)
    assert (exact.user, exact.name) == ("bob", "exact")
    assert reused.origin is None  # the inventory's pid 6 started at another time
    assert later.origin is None  # it started after the scan
    assert found.notes == ()


def test_the_inventory_of_an_earlier_boot_knows_nobody() -> None:
    found = inventory(workload(1, process=ProcessId(5, 50)))
    assert workload_of(ProcessId(5, 50), None, known_from(found, "boot")) is not None
    assert workload_of(ProcessId(5, 50), None, known_from(found, "another")) is None


def test_an_inventory_is_read_again_when_it_was_replaced(tmp_path: Path) -> None:
    look_at = owners(Processes({5: 50}), tmp_path)
    assert look_at.look(reading(5), 1.0, NOW).rows[0].origin is None
    host = workload(1, origin=Origin.HOST, category=Category.HOST, pids=(5,), name="found")
    write(tmp_path, inventory(host))
    found = look_at.look(reading(5), 2.0, NOW)
    assert (found.rows[0].name, found.notes) == ("found", ())
    (tmp_path / "inventory.json").write_text("{")
    assert "damaged" in look_at.look(reading(5), 3.0, NOW).notes[0]
    write(tmp_path, inventory(host), NOW - 400)
    assert "as the inventory had them 6 min ago" in look_at.look(reading(5), 4.0, NOW).notes[0]


def test_a_share_of_processor_time_needs_two_looks(tmp_path: Path) -> None:
    facts = Processes({5: 50})
    look_at = owners(facts, tmp_path)
    assert look_at.look(reading(5), 10.0, NOW).rows[0].cpu_percent is None
    facts.cpu_seconds += 3.0
    assert look_at.look(reading(5), 12.0, NOW).rows[0].cpu_percent == 150.0
    facts.started[5] = 51  # another process has that pid now
    assert look_at.look(reading(5), 14.0, NOW).rows[0].cpu_percent is None


# ------------------------------------------------------------------ the reader


class Source:
    """GPUs that answer, fail or hang, as told."""

    def __init__(self) -> None:
        self.trouble: Exception | None = None
        self.free = threading.Event()
        self.free.set()
        self.closed = threading.Event()

    def read(self) -> GpuReading:
        self.free.wait(10)
        if self.trouble is not None:
            raise self.trouble
        return reading()

    def close(self) -> None:
        self.closed.set()


def look_at(found: GpuReading, now: float, wall: float) -> Look:
    return Look(node="box", reading=found, rows=(), read_at=now, wall=wall)


@contextlib.contextmanager
def reader(source: Source, interval: float = 0.01) -> Iterator[TopReader]:
    found = TopReader(lambda: source, look_at, interval)
    found.start()
    try:
        yield found
    finally:
        source.free.set()
        found.close()
        assert source.closed.wait(5)


def test_a_failed_reading_keeps_the_last_one_and_says_why() -> None:
    source = Source()
    with reader(source) as found:
        assert found.wait(1, 5).look is not None
        source.trouble = GpuReadError("GPU is lost")
        end = time.monotonic() + 5
        while found.found.trouble is None:
            assert time.monotonic() < end
            time.sleep(0.005)
        assert found.found.look is not None
        assert found.found.trouble == "GPU is lost"
        source.trouble = None
        while found.found.trouble is not None:
            assert time.monotonic() < end
            time.sleep(0.005)


def test_a_driver_that_hangs_holds_nobody_up() -> None:
    source = Source()
    source.free.clear()
    with reader(source) as found:
        assert found.wait(1, 0.05).look is None


def test_what_is_wrong_from_the_start_is_raised() -> None:
    source = Source()
    source.trouble = GpuReadError("no driver")
    with reader(source) as found, pytest.raises(SentinelError, match="no driver"):
        found.wait(1, 5)

    def none() -> Source:
        raise UsageError("no such source")

    wrong = TopReader(none, look_at, 1.0)
    wrong.start()
    with pytest.raises(UsageError):
        wrong.wait(1, 5)


# ------------------------------------------------------------------ the command


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    claims = tmp_path / "claims"
    claim(claims, [0], 4 * GIB, ProcessKind.COMPUTE)  # by this very process
    return {
        **os.environ,
        "SENTINEL_SIMULATED_DIR": str(claims),
        "SENTINEL_STATE_DIR": str(tmp_path / "state"),
        "TERM": "xterm-256color",
        "LC_ALL": "C.UTF-8",
    }


def top(environment: dict[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [SENTINEL, "top", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        timeout=60,
    )


def test_once_is_one_whole_frame_of_plain_text(environment: dict[str, str]) -> None:
    for arguments in (["--once"], []):  # through a pipe it is the same without asking
        done = top(environment, "--source", "simulated:30", *arguments)
        assert done.returncode == 0, done.stderr
        lines = done.stdout.splitlines()
        assert all(line.isprintable() for line in lines)
        assert sum("Simulated GPU" in line for line in lines) == 30
        (mine,) = [line for line in lines if f" {os.getpid()} " in line]
        assert "4 GiB" in mine


def test_json_has_two_looks_behind_it(environment: dict[str, str]) -> None:
    done = top(environment, "--source", "simulated:2", "--json", "--once")
    found = json.loads(done.stdout)
    (process,) = found["processes"]
    assert (process["pid"], process["gpu_memory_bytes"]) == (os.getpid(), 4 * GIB)
    assert process["cpu_percent"] is not None
    assert process["sm_percent"] is None
    assert process["memory_bytes"] > 0


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["--source", "nope"], 2),
        (["--interval", "5ms", "--source", "simulated:1"], 2),
        (["--interval", "soon", "--source", "simulated:1"], 2),
        (["--source", "smi-xml:/no/such/file"], 2),
    ],
)
def test_asking_wrongly(environment: dict[str, str], arguments: list[str], status: int) -> None:
    done = top(environment, *arguments)
    assert (done.returncode, done.stdout) == (status, "")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("how", "status"),
    [("q", 0), ("\x03", 0), (signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 0)],
)
def test_the_terminal_is_as_it_was_however_it_ends(
    environment: dict[str, str], how: str | signal.Signals, status: int
) -> None:
    with Screen(environment, "top", "--source", "simulated:2") as screen:
        screen.shows("sentinel top")
        assert ALTERNATE in screen.shown
        assert termios.tcgetattr(screen.inside) != screen.before
        if isinstance(how, signal.Signals):
            os.kill(screen.process.pid, how)
        else:
            screen.press(how)
        screen.ended(status)
        assert screen.shown.rstrip().endswith(MAIN) or MAIN in screen.shown


def test_keys_and_a_resized_window(environment: dict[str, str]) -> None:
    with Screen(environment, "top", "--source", "simulated:2") as screen:
        screen.shows("GiB")
        screen.press("h")
        screen.shows("never shown as 0")
        screen.press("h")
        screen.shows("GPU UTIL")  # curses draws what has changed, no more
        screen.press("/nobody\r")
        screen.shows("none of 1 processes")
        screen.press("\x1b")
        screen.shows(str(os.getpid()))
        screen.resize(200, 50)
        os.kill(screen.process.pid, signal.SIGWINCH)
        screen.shows("driver simulated")
        screen.resize(20, 5)
        os.kill(screen.process.pid, signal.SIGWINCH)
        screen.shows("sentinel top")
        screen.press("q")
        screen.ended(0)


@pytest.mark.parametrize("term", ["xterm", "linux", "screen", "vt100", "xterm-mono"])
def test_terminals_of_many_kinds(environment: dict[str, str], term: str) -> None:
    with Screen({**environment, "TERM": term, "NO_COLOR": "1"}, "top", "--source", "simulated:1") as screen:
        screen.shows("GiB")
        screen.press("q")
        screen.ended(0)
        assert not any(f"\x1b[3{colour}m" in screen.shown for colour in range(8))


@pytest.mark.parametrize("term", ["dumb", "no-such-terminal", ""])
def test_a_terminal_that_cannot_move_its_cursor_gets_one_snapshot(
    environment: dict[str, str], term: str
) -> None:
    with Screen({**environment, "TERM": term}, "top", "--source", "simulated:1") as screen:
        screen.shows("Simulated GPU")
        screen.ended(0)
        assert "\x1b" not in screen.shown


def test_a_driver_that_fails_meanwhile_is_said_on_the_screen(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with Screen(environment, "top", "--source", "simulated:1", "--interval", "200ms") as screen:
        screen.shows("sentinel top")
        (tmp_path / "claims" / "fault").write_text("GPU is lost")
        screen.shows("GPU is lost")
        screen.press("q")
        screen.ended(0)
