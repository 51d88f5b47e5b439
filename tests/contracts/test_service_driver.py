"""What every ServiceDriver owes its port, run against each: the fake, a plain process, the same with gentler
rungs, a systemd unit."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest
from tests.components.systemd_machine import Machine
from tests.fakes.cuda_checkpoint import CudaCheckpointStandIn
from tests.fakes.service import FakeService

from sentinel.core.errors import ServiceError
from sentinel.core.service import Down, Rung, Sight, Up
from sentinel.drivers.services.laddered import LadderedService
from sentinel.drivers.services.process import ProcessService
from sentinel.drivers.services.systemd import SystemdService
from sentinel.ports.services import ServiceDriver

OBEYS = "while :; do sleep 60 & wait; done"
IGNORES_TERM = "trap '' TERM; while :; do sleep 60 & wait; done"
CRASHES = "echo no model at /models/llama >&2; exit 3"


class Maker(Protocol):
    """Makes a driver of a service that runs this shell script, and what must be closed at the end."""

    def __call__(self, script: str) -> ServiceDriver: ...


def fake(script: str) -> ServiceDriver:
    service = FakeService(pids=(os.getpid(),))
    service.restore_trouble = "exit status 3" if script == CRASHES else None
    service.evict(Rung.STOP)
    return service


@pytest.fixture(
    params=[
        "fake",
        "process",
        "laddered",
        pytest.param("systemd", marks=[pytest.mark.real, pytest.mark.slow]),
    ]
)
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Maker]:
    made: list[ServiceDriver] = []

    def process(script: str) -> ServiceDriver:
        user = "nobody" if os.geteuid() == 0 else None
        return ProcessService(
            name="chat",
            command=["/bin/sh", "-c", script],
            instance=str(tmp_path),
            run_dir=tmp_path,
            user=user,
            stop_timeout=0.5,
            log_path=tmp_path / "log",
        )

    def laddered(script: str) -> ServiceDriver:
        # Nothing listens there, and nothing has a CUDA context: what must work does so all the same.
        checkpoint = CudaCheckpointStandIn(tmp_path / "cuda")
        url = "http://127.0.0.1:9"
        return LadderedService(
            process(script), name="chat", api="vllm", url=url, checkpoint_path=str(checkpoint.path)
        )

    def systemd(script: str) -> ServiceDriver:
        machine: Machine = request.getfixturevalue("machine")
        unit = machine.add_unit(
            "contract", f'ExecStart=/bin/sh -c "{script}"\nRestart=always\nRestartSec=50ms'
        )
        return SystemdService(
            name="chat",
            unit=unit,
            stop_timeout=0.5,
            systemctl=str(machine.systemctl),
            cgroup_root=machine.cgroup_root,
        )

    makers: dict[str, Maker] = {
        "fake": fake,
        "process": process,
        "laddered": laddered,
        "systemd": systemd,
    }

    def one(script: str) -> ServiceDriver:
        made.append(makers[request.param](script))
        return made[-1]

    yield one
    for driver in made:
        driver.evict(Rung.STOP)
        driver.close()


def await_sight(driver: ServiceDriver, kind: type[Sight]) -> Sight:
    """The first sight of that kind; what is seen after 5 s otherwise."""
    deadline = time.monotonic() + 5
    while not isinstance(sight := driver.look(), kind) and time.monotonic() < deadline:
        time.sleep(0.02)
    return sight


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_it_offers_stop_last(make: Maker) -> None:
    assert make(OBEYS).rungs[-1] is Rung.STOP


def test_a_service_that_was_never_started_is_down_and_not_failed(make: Maker) -> None:
    sight = make(OBEYS).look()
    assert isinstance(sight, Down)
    assert not sight.failed
    assert sight.why


def test_restore_brings_it_up_with_living_processes(make: Maker) -> None:
    driver = make(OBEYS)
    driver.restore()
    sight = driver.look()
    assert isinstance(sight, Up)
    assert sight.pids
    assert all(alive(pid) for pid in sight.pids)


def test_restore_of_what_runs_starts_no_second_one(make: Maker) -> None:
    driver = make(OBEYS)
    driver.restore()
    first = driver.look()
    driver.restore()
    assert isinstance(first, Up)
    assert isinstance(again := driver.look(), Up)
    assert again.pids & first.pids
    assert len(again.pids) <= 2


@pytest.mark.parametrize("script", [OBEYS, IGNORES_TERM], ids=["obeys", "ignores TERM"])
def test_after_a_stop_no_process_is_left_and_it_is_no_failure(make: Maker, script: str) -> None:
    driver = make(script)
    driver.restore()
    before = driver.look()
    driver.evict(Rung.STOP)
    assert isinstance(before, Up)
    if not isinstance(driver, FakeService):  # its one process is the test's
        assert not [pid for pid in before.pids if alive(pid)]
    sight = driver.look()
    assert isinstance(sight, Down), sight
    assert not sight.failed


def test_stopping_what_is_stopped_is_fine(make: Maker) -> None:
    driver = make(OBEYS)
    driver.evict(Rung.STOP)
    driver.evict(Rung.STOP, enough_bytes=1 << 30)
    assert isinstance(driver.look(), Down)


def test_it_comes_back_as_often_as_it_is_asked_to(make: Maker) -> None:
    driver = make(OBEYS)
    for _ in range(7):  # more than systemd's start limit of five in ten seconds
        driver.restore()
        assert isinstance(driver.look(), Up)
        driver.evict(Rung.STOP)
        assert isinstance(driver.look(), Down)


def test_a_service_that_crashes_at_once_is_an_error_that_says_how(make: Maker) -> None:
    driver = make(CRASHES)
    with pytest.raises(ServiceError, match=r"exit[- ](code, exit )?status 3"):
        driver.restore()
    driver.evict(Rung.STOP)  # where it is restarted for ever, that ends too
    assert isinstance(await_sight(driver, Down), Down)


def test_a_rung_that_it_does_not_have_is_an_error(make: Maker) -> None:
    driver = make(OBEYS)
    missing = next(rung for rung in Rung if rung not in driver.rungs)
    with pytest.raises(ServiceError, match=missing.value):
        driver.evict(missing)


def test_looks_from_another_thread_never_disturb_a_move(make: Maker) -> None:
    driver = make(OBEYS)
    done, seen = threading.Event(), list[Sight]()

    def watch() -> None:
        while not done.is_set():
            seen.append(driver.look())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        for _ in range(2):
            driver.restore()
            assert isinstance(driver.look(), Up)
            driver.evict(Rung.STOP)
            assert isinstance(driver.look(), Down)
    finally:
        done.set()
        watcher.join()
    assert all(isinstance(sight, Up | Down) for sight in seen)
    assert not [sight for sight in seen if isinstance(sight, Down) and sight.failed]
