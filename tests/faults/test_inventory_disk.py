"""A disk that is full, for the inventory: the agent goes on, says so, and tells all once there is room."""

import contextlib
import json
import resource
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from tests.e2e.node import Node
from tests.e2e.workstation import eventually

pytestmark = pytest.mark.cc

PATIENCE = 30.0


class SmallDiskNode(Node):
    """A node whose state lies on a disk of its own."""

    disk: Path | None = None
    full = False

    @property
    def state(self) -> Path:
        return self.folder / "state" if self.disk is None else self.disk

    def agent_is_up(self) -> bool:
        if not self.full:
            return super().agent_is_up()
        assert self.agent is not None and self.agent.poll() is None, self.journal()
        with contextlib.suppress(OSError):
            return self.get("/readyz").startswith("ok")
        return False

    def events(self) -> list[dict[str, Any]]:
        """Without stumps: the writer leaves one where the disk was full, and begins a new line."""
        path = self.state / "events.jsonl"
        lines = path.read_bytes().splitlines() if path.exists() else []
        return [event for line in lines if (event := _event(line)) is not None]


def _event(line: bytes) -> dict[str, Any] | None:
    try:
        found: Any = json.loads(line)
    except ValueError:
        return None
    return cast("dict[str, Any]", found) if isinstance(found, dict) else None


@pytest.fixture
def node(tmp_path: Path) -> Iterator[SmallDiskNode]:
    with SmallDiskNode.standing(tmp_path) as standing:
        assert isinstance(standing, SmallDiskNode)
        standing.config = 'interval = "1s"\n'
        yield standing


@pytest.fixture
def small_disk(node: SmallDiskNode) -> Iterator[SmallDiskNode]:
    node.disk = node.folder / "disk"
    node.disk.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", node.disk], capture_output=True
    )
    if done.returncode:
        pytest.skip(f"cannot mount a small disk here: {done.stderr.decode().strip()}")
    yield node
    node.kill()
    subprocess.run(["umount", "-l", node.disk], check=False)


def fill(folder: Path) -> None:
    with contextlib.suppress(OSError), (folder / "ballast").open("ab", buffering=0) as out:
        while True:
            out.write(b"x" * 512)


def make_room(folder: Path) -> None:
    (folder / "ballast").unlink()


def well_again(node: Node) -> bool:
    return ": well again" in node.journal()


def told_once(node: Node) -> bool:
    """Each workload that is here was told of once, and what has gone, of its end too; in that order."""
    events = node.events()
    assert len({one["id"] for one in events}) == len(events), "none is told twice"
    told: Counter[str] = Counter()
    for one in events:
        kind = one["type"].rsplit(".", 1)[-1]
        if kind in ("detected", "exited"):
            told[one["subject"]] += 1 if kind == "detected" else -1
            assert told[one["subject"]] in (0, 1), "it begins before it ends"
    here = {one["id"] for one in node.inventory()["workloads"]}
    return {subject for subject, running in told.items() if running} == here


def goes_on_and_heals(node: Node, fill: Callable[[], object], make_room: Callable[[], object]) -> None:
    """While it is full something comes and something goes; both are told when there is room again."""
    first, leaving = node.run(), node.run()
    eventually(lambda: len(node.told("detected")) == 2, "both are told of", PATIENCE)
    eventually(lambda: not (node.state / ".inventory.json.new").exists(), "nothing is half done", PATIENCE)
    fill()
    came = node.run()
    node.end(leaving)
    eventually(lambda: "cannot write" in node.journal(), "it says so", PATIENCE)
    assert {first, leaving} <= {one["pid"] for one in node.inventory()["workloads"]}, "the old file is whole"
    pid = f'pid="{came}"'
    eventually(lambda: pid in node.get("/metrics"), "it goes on measuring", PATIENCE)
    assert node.agent is not None and node.agent.poll() is None
    make_room()
    eventually(lambda: node.workload(pid=came), "it is written again", PATIENCE)
    eventually(lambda: node.workload(pid=leaving) is None, "and what went is gone", PATIENCE)
    eventually(lambda: told_once(node), "all is told", PATIENCE)
    eventually(lambda: well_again(node), "it says that it is well", PATIENCE)
    assert len(node.told("detected")) == 3 and len(node.told("exited")) == 1
    node.kill()
    node.start()
    later = node.run()
    eventually(lambda: node.workload(pid=later), "it goes on after that", PATIENCE)
    eventually(lambda: told_once(node), "with nothing lost and nothing twice", PATIENCE)
    assert len(node.told("detected")) == 4 and len(node.told("exited")) == 1
    assert "Traceback" not in node.journal()


def test_a_limit_on_file_sizes(node: Node) -> None:
    node.start()
    assert node.agent is not None
    pid, (_, hard) = node.agent.pid, resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(most: int) -> object:
        return resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, hard))

    # Enough for its journal, which is a file here, and not for an inventory.
    goes_on_and_heals(node, lambda: limit(2048), lambda: limit(hard))


def come_and_go(node: Node, many: int) -> None:
    pids = [node.run() for _ in range(many)]
    eventually(lambda: all(node.workload(pid=one) for one in pids), "all are here", PATIENCE)
    for one in pids:
        node.end(one)
    eventually(lambda: told_once(node) and not node.inventory()["workloads"], "all have ended", PATIENCE)


def test_a_limit_that_cuts_writes_short(node: Node) -> None:
    """The inventory fits and the log does not, or only a part of it: the events wait in the outbox."""
    node.start()
    assert node.agent is not None
    pid, (_, hard) = node.agent.pid, resource.getrlimit(resource.RLIMIT_FSIZE)
    for _ in range(2):  # the log is to be longer than the inventory
        come_and_go(node, 12)
    log = node.state / "events.jsonl"
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (log.stat().st_size + 700, hard))
    came = [node.run() for _ in range(3)]
    eventually(lambda: f"cannot write {log}" in node.journal(), "it says so", PATIENCE)
    eventually(lambda: all(node.workload(pid=one) for one in came), "the inventory is kept", PATIENCE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))
    eventually(lambda: len(node.told("detected")) == 27, "all is told", PATIENCE)
    assert told_once(node) and len(node.told("exited")) == 24
    eventually(lambda: well_again(node), "it says that it is well", PATIENCE)


@pytest.mark.root
def test_a_disk_without_room(small_disk: SmallDiskNode) -> None:
    small_disk.start()
    folder = small_disk.state
    goes_on_and_heals(small_disk, lambda: fill(folder), lambda: make_room(folder))
    said = small_disk.journal()
    assert "No space left on device" in said
    assert said.count("cannot write") <= 4, "once for each file, not at every try"


@pytest.mark.root
def test_a_disk_that_is_full_at_the_start(small_disk: SmallDiskNode) -> None:
    fill(small_disk.state)
    pid = small_disk.run()
    small_disk.full = True
    small_disk.start()
    eventually(lambda: f'pid="{pid}"' in small_disk.get("/metrics"), "it measures all the same", PATIENCE)
    eventually(lambda: "No space left on device" in small_disk.journal(), "it says so", PATIENCE)
    assert not (small_disk.state / "inventory.json").exists()
    make_room(small_disk.state)
    eventually(lambda: (small_disk.state / "inventory.json").exists(), "it is written", PATIENCE)
    eventually(lambda: told_once(small_disk), "and told", PATIENCE)
    assert len(small_disk.told("detected")) == 1
    assert "Traceback" not in small_disk.journal()


@pytest.mark.root
def test_a_look_on_a_full_disk_says_so_and_the_next_one_tells_all(small_disk: SmallDiskNode) -> None:
    small_disk.run()
    fill(small_disk.state)
    for _ in range(2):
        done = small_disk.scan("--json")
        assert done.returncode == 1, done
        assert "No space left on device" in done.stderr and "Traceback" not in done.stderr
    make_room(small_disk.state)
    done = small_disk.scan("--json")
    assert done.returncode == 0, done.stderr
    assert [one["type"] for one in json.loads(done.stdout)["events"]] == ["sentinel.workload.detected"]
    assert len(small_disk.told("detected")) == 1
