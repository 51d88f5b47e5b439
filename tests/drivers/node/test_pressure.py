"""The node's pressure, from this machine's /proc and from one written by hand."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from sentinel.core.process import ProcessId
from sentinel.drivers.node.pressure import PressureReader

NOW = 1_800_000_000.0


def test_this_machine() -> None:
    found = PressureReader((Path("/"), Path("/nowhere/at/all"))).read((), NOW)
    assert found.disks is not None and [disk.folder for disk in found.disks] == ["/", "/nowhere/at/all"]
    for disk in found.disks:
        assert disk.total_bytes and disk.free_bytes is not None and disk.free_bytes <= disk.total_bytes
    told = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    assert found.memory_total_bytes == int(told["MemTotal"].split()[0]) * 1024
    assert found.memory_available_bytes is not None
    assert found.sees_host_processes == (str(Path("/proc/self/ns/pid").readlink()) == "pid:[4026531836]")


def test_a_zombie_that_the_driver_lists() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    try:
        deadline = time.monotonic() + 20
        while b") Z " not in Path(f"/proc/{child.pid}/stat").read_bytes():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        reader = PressureReader(())
        first = reader.read((child.pid,), NOW)
        (found,) = first.stuck or ()
        assert (found.process.pid, found.state, found.since) == (child.pid, "Z", NOW)
        (later,) = reader.read((child.pid,), NOW + 90).stuck or ()
        assert later.since == NOW
        assert reader.read((), NOW + 91).stuck == ()  # none of the driver's business
    finally:
        child.wait()
    assert reader.read((child.pid,), NOW + 92).stuck == ()


class Proc:
    """A /proc with what the reader looks at."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "pressure").mkdir()
        (root / "meminfo").write_text("MemTotal:       1000 kB\nMemAvailable:  100 kB\nOther: x\n")
        (root / "pressure" / "memory").write_text(
            "some avg10=1.00 avg60=2.00 avg300=3.00 total=4\nfull avg10=5.00 avg60=6.50 avg300=7.00 total=8\n"
        )

    def process(
        self, pid: int, state: str, *links: str, ticks: int = 5, parent: int = 1, name: str = "a) R (b"
    ) -> None:
        folder = self.root / str(pid)
        files = folder / "task" / str(pid) / "fd"
        files.mkdir(parents=True, exist_ok=True)
        rest = [state, str(parent), *["0"] * 9, str(ticks), "0", *["0"] * 6, "777", "0", "0"]
        (folder / "stat").write_text(f"{pid} ({name}) {' '.join(rest)}\n")
        for number, target in enumerate(links):
            (files / str(number)).symlink_to(target)


@pytest.fixture
def proc(tmp_path: Path) -> Proc:
    return Proc(tmp_path)


def test_memory_and_stalls(proc: Proc) -> None:
    found = PressureReader((), proc.root).read((), NOW)
    assert (found.memory_total_bytes, found.memory_available_bytes) == (1_024_000, 102_400)
    assert (found.memory_full_percent, found.io_full_percent) == (6.5, None)
    assert found.sees_host_processes is None


def test_who_is_stuck_with_a_gpu(proc: Proc) -> None:
    proc.process(10, "D", "/dev/nvidia3", "/dev/nvidiactl", "/dev/nvidia0")
    proc.process(11, "D", "/dev/sda")
    proc.process(12, "S", "/dev/nvidia0")
    proc.process(13, "Z")
    proc.process(14, "D", "/dev/nvidia0", parent=2)
    found = PressureReader((), proc.root).read((13,), NOW)
    assert [
        (one.process, one.state, one.name, one.devices)
        for one in sorted(found.stuck or (), key=lambda one: one.process)
    ] == [
        (ProcessId(10, 777), "D", "a) R (b", (0, 3)),
        (ProcessId(13, 777), "Z", "a) R (b", ()),
    ]


def test_who_got_processor_time_meanwhile_is_not_stuck_since_then(proc: Proc) -> None:
    proc.process(10, "D", "/dev/nvidia0")
    reader = PressureReader((), proc.root)
    reader.read((), NOW)
    (still,) = reader.read((), NOW + 60).stuck or ()
    assert still.since == NOW
    proc.process(10, "D", ticks=6)
    (anew,) = reader.read((), NOW + 120).stuck or ()
    assert anew.since == NOW + 120
    (back,) = reader.read((), NOW + 60).stuck or ()  # the clock was set back
    assert back.since == NOW + 60


def test_a_proc_that_cannot_be_read_is_unknown(tmp_path: Path) -> None:
    found = PressureReader((), tmp_path / "none").read((), NOW)
    assert found.stuck is None and found.memory_total_bytes is None and found.disks == ()


@pytest.mark.parametrize("text", ["", "MemTotal:", "MemTotal: x kB\nfull", "\xff\xfe:1"])
def test_noise_is_unknown(proc: Proc, text: str) -> None:
    (proc.root / "meminfo").write_text(text)
    (proc.root / "pressure" / "memory").write_text(text)
    folder = proc.root / "20"
    folder.mkdir()
    for stat in ("", "20 (x", "20 (x) D", "20 (x) D 1 2", text):
        (folder / "stat").write_text(stat)
        found = PressureReader((), proc.root).read((), NOW)
        assert found.memory_total_bytes is None and found.stuck == ()
