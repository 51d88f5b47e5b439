"""Clocks that jump: the epoch's alone, by libfaketime. CLOCK_BOOTTIME, by which all is measured, is real."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.components.debian import install_packages
from tests.faults.queue.checker import check
from tests.faults.queue.world import Held, World, alive, eventually, kill

pytestmark = [pytest.mark.real, pytest.mark.cc, pytest.mark.slow]
JUMPS = [("+1h", "-1h"), ("-1h", "+1h"), ("+1d", "-1d"), ("-1d", "+1d"), ("+0", "+0")]
LEASE = 20.0  # long enough for a busy machine; a jump is longer than any


def library() -> str:
    """libfaketime's, installed if need be."""
    for again in (False, True):
        for found in Path("/usr/lib").glob("*/faketime/libfaketime.so.1"):
            return str(found)
        if not again:
            install_packages(["libfaketime"], "libfaketime, which makes clocks jump")
    raise AssertionError("libfaketime was installed, and is not there")


# libfaketime has an absolute sleep on CLOCK_MONOTONIC (Python's time.sleep) fail once the epoch has jumped.
SLEEP = """
#include <errno.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_nanosleep(clockid_t clock, int flags, const struct timespec *request, struct timespec *left) {
    return syscall(SYS_clock_nanosleep, clock, flags, request, left) ? errno : 0;
}
"""


@pytest.fixture(scope="module")
def sleep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library with a sleep that is the kernel's."""
    folder = tmp_path_factory.mktemp("sleep")
    source, built = folder / "sleep.c", folder / "sleep.so"
    source.write_text(SLEEP)
    words = [os.environ.get("CC", "cc"), "-shared", "-fPIC", "-o", str(built), str(source)]
    subprocess.run(words, check=True, capture_output=True)
    return built


class Clock:
    """The clock of a machine. `environment` is for its programs."""

    def __init__(self, file: Path, sleep: Path) -> None:
        self._file = file
        self.set("+0")
        self.environment = {
            "LD_PRELOAD": f"{sleep}:{library()}",
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def set(self, offset: str) -> None:
        """From the right time."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{offset}\n")
        new.rename(self._file)


@pytest.fixture
def clocks(tmp_path: Path, sleep: Path) -> tuple[Clock, Clock]:
    """The controller's, a node's."""
    return Clock(tmp_path / "controller-clock", sleep), Clock(tmp_path / "node-clock", sleep)


@pytest.fixture
def world(tmp_path: Path, clocks: tuple[Clock, Clock]) -> Iterator[World]:
    with World(
        tmp_path,
        alone=True,
        lease=LEASE,
        server_environment=clocks[0].environment,
        agent_environment=clocks[1].environment,
    ) as world:
        yield world


def test_what_jumps_is_the_epoch_alone(tmp_path: Path, sleep: Path) -> None:
    clock = Clock(tmp_path / "clock", sleep)
    code = (
        "import time; time.sleep(0.01); "
        "print(time.time(), time.clock_gettime(time.CLOCK_BOOTTIME), time.monotonic())"
    )

    def read() -> list[float]:
        words, environment = [sys.executable, "-c", code], {**os.environ, **clock.environment}
        shown = subprocess.run(words, env=environment, capture_output=True, text=True, check=True).stdout
        return [float(word) for word in shown.split()]

    clock.set("+1d")
    epoch, boot, monotonic = read()
    assert 86_390 < epoch - time.time() < 86_410
    assert abs(boot - time.clock_gettime(time.CLOCK_BOOTTIME)) < 10
    assert abs(monotonic - time.monotonic()) < 10


def test_jumps_of_hours_and_days(world: World, clocks: tuple[Clock, Clock]) -> None:
    node = world.node("a", 4)
    assert node.agent is not None
    stays = world.submit(gate="x", code=3)
    fenced = world.submit(gate="x", code=4, if_lost="fence")
    limited = world.submit(seconds=60, slow_end=0.01, time_limit=9)
    for id in (stays, fenced, limited):
        world.begun(id)
        world.becomes(id, "RUNNING")
    for jumps in JUMPS:
        with Held(node.pids("agent")[0]):  # so that the watch has nothing newer when it looks next
            time.sleep(0.3)
            for clock, jump in zip(clocks, jumps, strict=True):
                clock.set(jump)
            time.sleep(1.2)
        if "+1d" in jumps:  # whoever comes up by those clocks, and shakes hands anew
            kill(world.pid("api"))
            kill(node.pids("agent")[0])
            node.start()
        short = world.submit(code=5)
        assert world.ended(short)["attempt"] == 1
        eventually(lambda: world.client.node("a")["state"] == "up")
    ended = world.ended(limited)
    assert "time limit" in ended["reason"], ended
    start, end = world.begun(limited), world.marked(limited, "E")
    # The job says a moment after its start that it runs; a clock that counted would be off by hours.
    assert end is not None and 7.5 < end.at - start.at < 12, (start, end)
    assert {world.job(id)["state"] for id in (stays, fenced)} == {"RUNNING"}
    world.open_gate("x")
    for id in (stays, fenced):
        assert world.ended(id)["attempt"] == 1
    assert not world.client.past_events(types=["sentinel.job.lost", "sentinel.node.silent"], limit=None)
    check(world, codes={limited: [(0, None)]})


def test_a_node_whose_clock_is_years_behind(world: World, clocks: tuple[Clock, Clock]) -> None:
    """By that clock no certificate is good yet. It says so, and all is well once the clock is right; its job
    has not ended meanwhile."""
    node = world.node("a", 1)
    assert node.agent is not None
    id = world.submit(gate="x", code=3)
    world.begun(id)
    world.becomes(id, "RUNNING")
    [leader, *_] = world.job_pids(id)
    clocks[1].set("-9000d")
    kill(node.pids("agent")[0])
    node.start()
    eventually(lambda: "this node's certificate begins on" in world.tail())
    assert alive(leader)
    clocks[1].set("+0")
    world.is_up("a")
    assert world.job(id)["attempt"] == 1
    world.open_gate("x")
    world.ended(id)
    check(world)


def test_a_controller_that_started_while_its_clock_was_years_ahead(
    world: World, clocks: tuple[Clock, Clock]
) -> None:
    """It made itself a certificate that is not good yet. Started with the right clock, it makes another."""
    node = world.node("a", 1)
    id = world.submit(gate="x", code=3)
    world.begun(id)
    world.server.stop(signal.SIGKILL)
    clocks[0].set("+400d")
    world.server.start()
    eventually(lambda: "not yet valid" in world.tail())
    world.server.stop(signal.SIGKILL)
    clocks[0].set("+0")
    world.start()
    world.is_up("a")
    assert node.job_pids()
    world.open_gate("x")
    assert world.ended(id)["attempt"] == 1
    check(world)


def test_switched_on_again_after_forty_days(tmp_path: Path, sleep: Path) -> None:
    """A node's certificate is good for thirty. One on the controller's own machine joins again by itself."""
    clock = Clock(tmp_path / "clock", sleep)
    with World(tmp_path, lease=10, server_environment=clock.environment) as world:
        world.ended(world.submit(code=3))
        world.server.stop(signal.SIGKILL)
        kill(world.pid("supervisor"))
        clock.set("+40d")
        world.start()
        assert world.ended(world.submit(code=4))["attempt"] == 1
        check(world)


def test_a_node_that_was_away_for_forty_days(world: World, clocks: tuple[Clock, Clock]) -> None:
    """It says what is the matter, and joins again with a new token."""
    node = world.node("a", 1)
    world.ended(world.submit(code=3))
    node.end()
    for clock in clocks:
        clock.set("+40d")
    kill(world.pid("api"))
    node.start()
    eventually(lambda: "this node's certificate ended on" in world.tail() and "agent join" in world.tail())
    kill(node.pids("agent")[0])
    eventually(lambda: world.client.node("a")["state"] == "silent")
    done = node.join_again()
    assert done.returncode == 0, done
    node.start()
    assert world.ended(world.submit(code=4))["attempt"] == 1
    check(world)
