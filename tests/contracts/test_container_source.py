"""What every source of containers owes its port, run against each: the fakes, Docker, Podman, containerd."""

import contextlib
import itertools
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.components.docker_engine import DockerEngine as DockerDaemon
from tests.components.docker_engine import busybox_tar
from tests.components.podman_service import PodmanService
from tests.fakes.container_engine import FakeEngine
from tests.fakes.containers import FakeContainers

from sentinel.core.container import ContainerState
from sentinel.core.errors import SourceAbsent, SourceUnknown
from sentinel.drivers.containers.containerd import ContainerdContainers
from sentinel.drivers.containers.docker import DockerEngine
from sentinel.ports.containers import ContainerSource

NUMBER = itertools.count()


@dataclass
class Case:
    """A source, and what is done to its engine behind its back. `add` starts one that sleeps: its id."""

    source: ContainerSource
    add: Callable[[str], str]
    end: Callable[[str], object]  # its process
    remove: Callable[[str], object]
    stop: Callable[[], object]  # the engine
    start: Callable[[], object]
    again: Callable[[], ContainerSource]  # another source for the same engine


@contextlib.contextmanager
def in_memory() -> Iterator[Case]:
    fake = FakeContainers()

    def stop() -> None:
        fake.trouble = SourceUnknown("stopped")
        fake.hang_up()

    def start() -> None:
        fake.trouble = None

    yield Case(
        fake,
        lambda name: fake.add(name, labels={"a": "b"}).id,
        fake.end,
        fake.remove,
        stop,
        start,
        lambda: fake,
    )


@contextlib.contextmanager
def fake_engine() -> Iterator[Case]:
    fake = FakeEngine()
    make = lambda: DockerEngine(host=fake.host, timeout=5)  # noqa: E731
    yield Case(
        make(),
        lambda name: fake.add(name, Config__Labels={"a": "b"}),
        fake.end,
        fake.remove,
        fake.stop,
        fake.start,
        make,
    )
    fake.close()


@contextlib.contextmanager
def docker() -> Iterator[Case]:
    with DockerDaemon.running() as engine:
        make = lambda: DockerEngine(host=engine.host)  # noqa: E731
        yield Case(
            make(),
            lambda name: engine.run(options=["--name", name, "--label", "a=b"]),
            lambda id: engine.docker("kill", id),
            lambda id: engine.docker("rm", "-f", id),
            engine.stop,
            engine.start,
            make,
        )


@contextlib.contextmanager
def podman() -> Iterator[Case]:
    with PodmanService.running() as service:
        make = lambda: DockerEngine(name="podman", host=service.host)  # noqa: E731

        def end(id: str) -> None:
            service.podman("kill", id)
            service.podman("wait", id)

        yield Case(
            make(),
            lambda name: service.run(options=["--name", name, "--label", "a=b"]),
            end,
            lambda id: service.podman("rm", "-f", "-t", "0", id),
            service.stop,
            service.start,
            make,
        )


@contextlib.contextmanager
def containerd() -> Iterator[Case]:
    """On the containerd of a real dockerd, in a namespace that is not Docker's."""
    root = Path(tempfile.mkdtemp(prefix="sroot-", dir="/tmp"))
    with DockerDaemon.running() as engine:
        engine.program("tar", "-x", "-C", str(root), stdin=busybox_tar())
        ctr = ("ctr", "-a", engine.containerd_address, "-n", "default")
        make = lambda: ContainerdContainers(address=engine.containerd_address)  # noqa: E731

        def add(name: str) -> str:
            options = ["--rootfs", "-d", "--null-io", "--label", "a=b"]
            engine.program(*ctr, "run", *options, str(root), name, "/bin/sleep", "1000")
            return name

        def end(id: str) -> None:
            engine.program(*ctr, "tasks", "kill", "-s", "KILL", id)
            deadline = time.monotonic() + 5
            while f"{id} " in engine.program(*ctr, "tasks", "ls") and time.monotonic() < deadline:
                tasks = [line.split() for line in engine.program(*ctr, "tasks", "ls").splitlines()]
                if any(task[0] == id and task[2] == "STOPPED" for task in tasks):
                    return

        def remove(id: str) -> None:
            with contextlib.suppress(AssertionError):  # it warns by its exit status that it was killed
                engine.program(*ctr, "tasks", "rm", "-f", id)
            engine.program(*ctr, "containers", "rm", id)

        yield Case(make(), add, end, remove, engine.stop, engine.start, make)
    shutil.rmtree(root)


REAL = [pytest.mark.real, pytest.mark.root, pytest.mark.slow]


@pytest.fixture(
    scope="module",
    params=[in_memory, fake_engine, *(pytest.param(one, marks=REAL) for one in (docker, podman, containerd))],
)
def case(request: pytest.FixtureRequest) -> Iterator[Case]:
    with request.param() as made:
        yield made
        made.source.close()


@pytest.fixture
def another(case: Case) -> Iterator[ContainerSource]:
    """A source of its own for the same engine, closed afterwards; the one in memory is its engine itself."""
    source = case.again()
    yield source
    if source is not case.source:
        source.close()


@pytest.fixture
def name() -> str:
    return f"test{next(NUMBER)}"


def ids(source: ContainerSource) -> set[str]:
    return {one.id for one in source.containers()}


class Listener:
    """Collects what `changes` yields, in a thread, as its users do."""

    def __init__(self, source: ContainerSource) -> None:
        self.seen: list[str] = []
        self.error: Exception | None = None
        self._source = source
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        time.sleep(0.3)  # nothing tells when the engine has begun to listen to us

    def _listen(self) -> None:
        try:
            for id in self._source.changes():
                self.seen.append(id)
        except Exception as error:
            self.error = error

    def heard_of(self, id: str, seconds: float = 1.0) -> bool:
        deadline = time.monotonic() + seconds
        while id not in self.seen and time.monotonic() < deadline:
            time.sleep(0.005)
        return id in self.seen

    def ended(self, seconds: float = 5.0) -> bool:
        self._thread.join(seconds)
        return not self._thread.is_alive()


def test_it_names_its_engine(case: Case) -> None:
    assert case.source.name in ("docker", "podman", "containerd")


def test_a_container_is_listed_and_told_about(case: Case, name: str) -> None:
    id = case.add(name)
    summary = next(one for one in case.source.containers() if one.id == id)
    assert summary.state is ContainerState.RUNNING
    found = case.source.inspect(id)
    assert found is not None
    assert (found.id, found.name, found.engine) == (id, name, case.source.name)
    assert found.state is ContainerState.RUNNING
    assert found.command[0].endswith("sleep")
    assert found.labels["a"] == "b"
    assert found.pid is not None and found.pid > 0
    assert found.created_at is not None
    case.remove(id)


def test_listing_and_inspecting_change_nothing(case: Case, name: str) -> None:
    id = case.add(name)
    assert case.source.containers() == case.source.containers()
    assert case.source.inspect(id) == case.source.inspect(id)
    case.remove(id)


def test_one_that_ended_is_listed_without_a_process(case: Case, name: str) -> None:
    id = case.add(name)
    case.source.containers()
    case.source.inspect(id)
    case.end(id)
    summary = next(one for one in case.source.containers() if one.id == id)
    found = case.source.inspect(id)
    assert found is not None
    assert summary.state is found.state is ContainerState.EXITED
    assert found.pid is None
    case.remove(id)


def test_one_that_is_removed_is_gone(case: Case, name: str) -> None:
    id = case.add(name)
    assert id in ids(case.source)
    assert case.source.inspect(id) is not None
    case.remove(id)
    assert id not in ids(case.source)
    assert case.source.inspect(id) is None


def test_one_that_never_was_is_none(case: Case) -> None:
    for id in ("0" * 64, "nonesuch", "--help", "../../info", "a b", "a?b", "é", ""):
        assert case.source.inspect(id) is None, id


def test_changes_are_told_within_a_second(case: Case, another: ContainerSource, name: str) -> None:
    listener = Listener(another)
    id = case.add(name)
    assert listener.heard_of(id), listener.error
    listener.seen.clear()
    case.end(id)
    assert listener.heard_of(id), listener.error
    listener.seen.clear()
    case.remove(id)
    assert listener.heard_of(id), listener.error
    if another is not case.source:
        another.close()
        assert listener.ended()
        assert listener.error is None


def test_an_engine_that_stops_is_not_an_engine_without_containers(
    case: Case, another: ContainerSource, name: str
) -> None:
    id = case.add(name)
    source = another
    assert id in ids(source)
    listener = Listener(source)
    case.stop()
    assert listener.ended()
    assert listener.error is None
    with pytest.raises((SourceUnknown, SourceAbsent)) as caught:
        source.containers()
    assert caught.value.message.count("\n") == 0
    with pytest.raises((SourceUnknown, SourceAbsent)):
        source.inspect(id)
    with pytest.raises((SourceUnknown, SourceAbsent)):
        next(iter(source.changes()), None)
    case.start()
    assert id in ids(source)
    assert source.inspect(id) is not None
    case.remove(id)


def test_once_closed_no_change_is_told(case: Case) -> None:
    source = case.again()
    if source is case.source:
        source = FakeContainers()
    source.close()
    source.close()
    assert list(source.changes()) == []
