"""The keeper: what is on the disk after each pass, and after each way of not finishing one."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from tests.fakes.containers import FakeLabeller
from tests.inventory.site import GIB, UUID, Site
from tests.inventory.test_eventlog import ids

from sentinel.core.container import Device
from sentinel.core.errors import Refused, SentinelError, SourceUnknown
from sentinel.core.event import DETECTED, EXITED, RECLASSIFIED
from sentinel.core.inventory import SourceState
from sentinel.core.workload import Origin, WorkloadState
from sentinel.inventory import eventlog, statefile
from sentinel.inventory.statefile import NoInventory


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(folder=tmp_path / "state")


def types(found: Site) -> list[str]:
    return [event.type for event in found.scan().events]


def test_a_process_is_seen_owned_and_told_of_once(site: Site) -> None:
    site.run(42, memory=3 * GIB)
    first = site.scan()
    (workload,) = first.inventory.workloads
    assert (workload.user, workload.origin, workload.gpus) == ("ann", Origin.HOST, (UUID,))
    assert (workload.gpu_memory_bytes, workload.command) == (3 * GIB, "python train.py")
    assert workload.transient
    assert [event.type for event in first.events] == [DETECTED]
    second = site.scan()
    assert second.events == () and not second.inventory.workloads[0].transient
    assert len(ids(site.folder)) == 1


def test_it_goes_and_is_gone(site: Site) -> None:
    site.run(42)
    site.scan()
    site.end(42)
    assert types(site) == [EXITED]
    assert site.scanned().workloads == ()


def test_a_container_by_its_engine_and_the_kernel(site: Site) -> None:
    container = site.contain("trainer", 42, labels={"com.docker.compose.project": "lab"})
    (workload,) = site.scanned().workloads
    assert (workload.id, workload.origin, workload.runtime) == (container.id, Origin.COMPOSE, "docker")
    assert workload.gpu_access is True and workload.gpu_memory_bytes == GIB


def test_an_engine_that_is_down_takes_nothing_with_it(site: Site) -> None:
    site.contain("trainer", 42)
    site.docker.add("web", pid=None)
    assert len(site.scan().events) == 2
    site.docker.trouble = SourceUnknown("docker does not answer")
    down = site.scan()
    assert down.events == ()
    assert down.inventory.sources["docker"].state is SourceState.UNKNOWN
    states = {one.name: one.state for one in down.inventory.workloads}
    assert states == {"trainer": WorkloadState.RUNNING, "web": WorkloadState.UNKNOWN}
    site.docker.trouble = None
    assert site.scan().events == ()
    assert len(ids(site.folder)) == 2


def test_gpus_that_cannot_be_read_take_nothing_with_them(site: Site) -> None:
    site.run(42)
    site.scan()
    site.gpu_trouble = "GPU is lost"
    lost = site.scan()
    assert lost.events == () and lost.inventory.sources["gpus"].state is SourceState.UNKNOWN
    assert len(lost.inventory.workloads) == 1
    site.gpu_trouble = None
    assert site.scan().events == ()


def test_nothing_that_has_not_changed_is_inspected_by_the_next_scan(site: Site) -> None:
    for number in range(5):
        site.contain(f"c{number}", 100 + number)
    site.scan()
    assert len(site.docker.inspected) == 5
    site.scan()
    assert (len(site.docker.inspected), site.docker.listings) == (5, 2)


# ------------------------------------------------------------------ killed anywhere


def test_killed_before_the_log_the_events_are_told_by_the_next(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.run(42)

    def power_cut(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(eventlog.EventLog, "append", power_cut)
        with pytest.raises(KeyboardInterrupt):
            site.scan()
    assert (site.folder / "inventory.json").exists() and ids(site.folder) == []
    site.scan()
    assert len(ids(site.folder)) == 1
    site.scan()
    assert len(ids(site.folder)) == 1


def test_killed_after_the_log_nothing_is_told_twice(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.run(42)

    def power_cut(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(statefile, "save_memory", power_cut)
        with pytest.raises(KeyboardInterrupt):
            site.scan()
    assert len(ids(site.folder)) == 1
    site.scan()
    assert len(ids(site.folder)) == 1


def test_a_log_that_is_full_keeps_its_events_in_order(site: Site) -> None:
    keeper = site.keeper()
    (site.folder / "events.jsonl").mkdir()  # nothing can be appended to that
    site.run(42)
    first = keeper.keep()
    assert "events.jsonl" in first.trouble[0]
    site.run(43)
    assert keeper.keep().trouble
    (site.folder / "events.jsonl").rmdir()
    site.run(44)
    assert keeper.keep().trouble == ()
    lines = [json.loads(line) for line in (site.folder / "events.jsonl").read_text().splitlines()]
    assert [line["data"]["workload"]["pid"] for line in lines] == [42, 43, 44]
    keeper.close()


def test_an_inventory_that_cannot_be_written_is_said_and_the_old_one_stays(site: Site) -> None:
    site.run(42)
    site.scan()
    before = (site.folder / "inventory.json").read_bytes()
    keeper = site.keeper()
    blocker = site.folder / ".inventory.json.new"
    blocker.mkdir()
    site.run(43)
    with pytest.raises(SentinelError, match=r"cannot write .*inventory\.json"):
        keeper.keep()
    assert (site.folder / "inventory.json").read_bytes() == before
    blocker.rmdir()
    assert [event.data["workload"]["pid"] for event in keeper.keep().events] == [43]
    keeper.close()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"schema": 1}', b'{"schema": 99}'])
def test_a_damaged_inventory_is_said_and_made_anew(site: Site, content: bytes) -> None:
    site.folder.mkdir()
    (site.folder / "inventory.json").write_bytes(content)
    with pytest.raises(NoInventory):
        statefile.load(site.folder)
    site.run(42)
    assert types(site) == [DETECTED]
    assert len(site.said) == 1 and "inventory.json" in site.said[0]


def test_a_damaged_memory_only_costs_time(site: Site) -> None:
    site.contain("trainer", 42)
    site.scan()
    (site.folder / "scan-memory.json").write_text('{"boot_id": 3, "engines": 4')
    assert types(site) == []


# ------------------------------------------------------------------ one at a time, and who may read what


def test_one_keeper_a_folder(site: Site) -> None:
    keeper = site.keeper()
    with pytest.raises(Refused, match=f"process {os.getpid()} keeps the inventory"):
        site.keeper()
    keeper.close()
    site.keeper().close()


def test_the_inventory_is_for_all_and_the_memory_is_not(site: Site) -> None:
    os.umask(0o077)
    try:
        site.contain("trainer", 42)
        site.scan()
    finally:
        os.umask(0o022)
    modes = {path.name: path.stat().st_mode & 0o777 for path in site.folder.iterdir()}
    assert modes["inventory.json"] == 0o644
    assert modes["scan-memory.json"] == 0o600


# ------------------------------------------------------------------ marks


def test_marks_are_written_into_the_runtime_and_again_after_a_restart(tmp_path: Path) -> None:
    runtime = FakeLabeller()
    site = Site(folder=tmp_path, labellers=(runtime,))
    container = site.contain("trainer", 42, devices=(Device(host="/dev/nvidia0", container="/dev/nvidia0"),))
    runtime.found[container.id] = {}
    (workload,) = site.scanned().workloads
    assert workload.mark is not None and workload.mark.written_to == "inventory"
    kept = statefile.load(tmp_path).inventory.workloads[0]
    assert kept.mark is not None and kept.mark.written_to == "containerd"
    assert runtime.found[container.id]["sentinel.detected"] == "true"
    site.end(42)
    site.docker.put(replace(container, pid=43, started_at=9.0))
    site.run(43, cgroup=f"/system.slice/docker-{container.id}.scope")
    runtime.found[container.id] = {}
    events = site.scan().events
    assert sorted(event.type for event in events) == [DETECTED, EXITED]  # another run of the same container
    assert runtime.found[container.id]["sentinel.detected"] == "true"


def test_what_turns_out_managed_is_told_and_loses_its_mark(site: Site) -> None:
    container = site.contain("trainer", 42)
    assert site.scanned().workloads[0].mark is not None
    site.docker.put(replace(container, labels={"ds01.managed": "true"}))
    site.docker.end(container.id)
    site.scan()
    site.docker.put(replace(container, labels={"ds01.managed": "true"}, started_at=9.0))
    site.end(42)
    site.run(42, cgroup=f"/system.slice/docker-{container.id}.scope")
    found = site.scan()
    (workload,) = found.inventory.workloads
    assert workload.origin is Origin.DS01 and workload.mark is None
    assert {event.type for event in found.events} <= {DETECTED, RECLASSIFIED}
