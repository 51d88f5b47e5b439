"""What is told of, once each, and what is not."""

from dataclasses import replace
from typing import Any

from sentinel.core.event import BECAME_IDLE, DETECTED, EXITED, RECLASSIFIED, RESUMED, Event
from sentinel.core.inventory import Inventory, SourceReport, SourceState
from sentinel.core.workload import Category, Origin, Workload, WorkloadState
from sentinel.inventory.diff import diff

RUNNING, IDLE, EXIT = WorkloadState.RUNNING, WorkloadState.IDLE, WorkloadState.EXITED
OK = SourceReport(state=SourceState.OK)
BOX = Workload(
    id="c1",
    origin=Origin.DOCKER,
    category=Category.CONTAINER,
    state=RUNNING,
    name="box",
    user="ann",
    started_at=100.0,
    first_seen_at=105.0,
    last_seen_at=105.0,
    gpu_memory_bytes=5,
    source="docker",
    seen_running=True,
)
STOPPED = replace(BOX, state=EXIT, seen_running=False)


def of(*workloads: Workload, **more: Any) -> Inventory:
    found: dict[str, Any] = {"scanned_at": 200.0, "sources": {"gpus": OK, "docker": OK}}
    return Inventory(node="lab1", boot_id="b", workloads=workloads, **(found | more))


def types(before: Inventory | None, after: Inventory) -> list[str]:
    return [one.type for one in diff(before, after)]


def test_the_first_look_tells_of_what_runs_and_of_nothing_that_does_not() -> None:
    (event,) = diff(None, of(BOX, replace(STOPPED, id="c2")))
    assert (event.type, event.subject, event.source, event.time) == (
        DETECTED,
        "c1",
        "/nodes/lab1/inventory",
        200.0,
    )
    assert event.data["workload"]["name"] == "box"


def test_nothing_changed_is_nothing_told() -> None:
    assert diff(of(BOX), of(BOX)) == ()
    assert diff(of(BOX), of(replace(BOX, name="renamed", cpu_percent=5.0))) == ()


def test_ends() -> None:
    assert types(of(BOX), of()) == [EXITED]
    assert types(of(BOX), of(STOPPED)) == [EXITED]
    assert types(of(STOPPED), of()) == []
    assert types(of(STOPPED), of(replace(STOPPED, state=WorkloadState.UNKNOWN))) == []


def test_a_restart_between_two_looks_is_an_end_and_a_beginning() -> None:
    again = replace(BOX, started_at=150.0)
    first, second = diff(of(BOX), of(again))
    assert (first.type, second.type) == (EXITED, DETECTED)
    assert first.data["workload"]["started_at"] < second.data["workload"]["started_at"]
    assert types(of(BOX), of(replace(BOX, started_at=100.0009))) == []
    assert types(of(BOX), of(replace(BOX, started_at=None))) == []


def test_unknown_is_no_end_and_coming_back_no_beginning() -> None:
    unknown = replace(BOX, state=WorkloadState.UNKNOWN)
    assert types(of(BOX), of(unknown)) == []
    assert types(of(unknown), of(BOX)) == []
    assert types(of(unknown), of(STOPPED)) == [EXITED]


def test_switching_a_source_off_ends_nothing() -> None:
    off = {"gpus": OK, "docker": SourceReport(state=SourceState.ABSENT)}
    assert types(of(BOX), of(sources=off)) == []


def test_reclassified_says_from_what_to_what() -> None:
    (event,) = diff(of(BOX), of(replace(BOX, user="bob", origin=Origin.COMPOSE)))
    assert event.type == RECLASSIFIED
    assert event.data["from"] == {"origin": "raw-docker", "category": "unmanaged-container", "user": "ann"}
    assert event.data["to"] == {"origin": "docker-compose", "category": "unmanaged-container", "user": "bob"}


def test_idle_and_resumed() -> None:
    idle = replace(BOX, state=IDLE, quiet_since=110.0, idle_since=110.0)
    assert types(of(BOX), of(idle)) == [BECAME_IDLE]
    assert types(of(idle), of(idle)) == []
    assert types(of(idle), of(BOX)) == [RESUMED]
    assert types(of(idle), of(STOPPED)) == [EXITED]
    assert types(of(idle), of(replace(idle, state=WorkloadState.UNKNOWN))) == []
    assert types(of(replace(idle, state=WorkloadState.UNKNOWN)), of(idle)) == []


def test_not_knowing_is_not_resuming() -> None:
    idle = replace(BOX, state=IDLE, quiet_since=110.0, idle_since=110.0)
    assert types(of(idle), of(replace(BOX, gpu_memory_bytes=None))) == []
    silent = {"gpus": SourceReport(state=SourceState.UNKNOWN), "docker": OK}
    assert types(of(idle), of(BOX, sources=silent)) == []
    assert types(of(idle), of(replace(BOX, quiet_since=199.0))) == []  # the count began anew after a gap


def test_a_process_that_is_part_of_something_else_now() -> None:
    process = replace(BOX, id="process:7:0:b", pid=7, source="gpus")
    (exited, _) = diff(of(process), of(replace(BOX, pids=(7,))))
    assert (exited.subject, exited.data["part_of"]) == ("process:7:0:b", "c1")


def test_the_same_fact_has_the_same_id_and_another_one_another() -> None:
    def ids(*events: Event) -> list[str]:
        return [one.id for one in events]

    assert ids(*diff(None, of(BOX))) == ids(*diff(None, of(replace(BOX, name="x"), scanned_at=300.0)))
    different = [
        *diff(None, of(BOX)),
        *diff(of(BOX), of()),
        *diff(None, of(replace(BOX, started_at=101.0))),
        *diff(of(BOX), of(replace(BOX, user="bob"))),
        *diff(of(BOX), of(replace(BOX, user="bob"), scanned_at=300.0)),
        *diff(None, of(replace(BOX, id="c2"))),
    ]
    assert len(set(ids(*different))) == len(different)
    assert all(len(one) == 32 for one in ids(*different))
