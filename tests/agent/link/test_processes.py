"""Whose a process on a GPU is, by what real processes and a made-up table show."""

import os
import subprocess
import sys

from tests.agent.link.wants import attempt
from tests.e2e.workstation import eventually

from sentinel.agent.link.attempt import Phase
from sentinel.agent.link.leftovers import PATIENCE, leftovers, places
from sentinel.agent.link.processes import MARK, Ended, LeftBehind, Ours, Processes, Serving, Strange
from sentinel.core.gpu import Gpu, GpuProcess, ProcessKind
from sentinel.core.process import ProcessId
from sentinel.drivers.processes.procfs import ProcFs


class Table:
    def __init__(self) -> None:
        self.marks: dict[int, str | None] = {}
        self.parents: dict[int, int] = {}
        self.read: list[int] = []

    def identify(self, pid: int) -> ProcessId | None:
        return ProcessId(pid, 1) if pid in self.marks else None

    def variable(self, pid: int, name: str) -> str | None:
        self.read.append(pid)
        return self.marks[pid]

    def descends(self, pid: int, ancestor: ProcessId) -> bool:
        while pid != ancestor.pid:
            if pid not in self.parents:
                return False
            pid = self.parents[pid]
        return True


def test_a_server_of_mps_is_what_its_daemon_started() -> None:
    table = Table()
    table.marks = {77: None, 78: None, 79: None, 1: "t-j1"}
    table.parents = {78: 77, 1: 78}
    processes = Processes(table, sees_all=True)
    found = processes.whose([78, 79, 1], {"t-j1": attempt()}, 77)
    assert found == {78: Serving(), 79: Strange(), 1: Ours(token="t-j1")}
    assert processes.whose([78], {}) == {78: Strange()}
    assert processes.whose([78], {}, 99) == {78: Strange()}, "that daemon has ended"


def test_by_its_mark() -> None:
    table = Table()
    table.marks = {1: "t-j1", 2: "t-old", 3: None, 4: "t-unheard-of"}
    attempts = {"t-j1": attempt(), "t-old": attempt("old", Phase.EXITED)}
    found = Processes(table, sees_all=True).whose([1, 2, 3, 4, 5], attempts)
    assert found == {
        1: Ours(token="t-j1"),
        2: LeftBehind(token="t-old"),
        3: Strange(),
        4: LeftBehind(token="t-unheard-of"),
        5: Ended(),
    }


def test_where_not_all_is_seen_what_is_not_there_is_somebodys() -> None:
    assert Processes(Table(), sees_all=False).whose([5], {}) == {5: Strange()}


def test_without_its_environment_it_is_known_by_its_parents() -> None:
    table = Table()
    table.marks, table.parents = {20: None, 7: "t-j1"}, {20: 7}
    assert Processes(table, sees_all=True).whose([20], {"t-j1": attempt(pid=7)}) == {20: Ours(token="t-j1")}
    ended = attempt(phase=Phase.EXITED, pid=7)
    assert Processes(table, sees_all=True).whose([20], {"t-j1": ended}) == {20: Strange()}


def test_a_mark_is_read_once_and_one_that_is_missing_again() -> None:
    table = Table()
    table.marks = {1: "t-j1", 2: None}
    processes = Processes(table, sees_all=True)
    for _ in range(3):
        processes.whose([1, 2], {"t-j1": attempt()})
    assert table.read == [1, 2, 2, 2]


def test_a_real_process() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env={**os.environ, MARK: "t-j1"}
    )
    try:
        processes = Processes(ProcFs(), sees_all=True)
        ours = {process.pid: Ours(token="t-j1")}
        eventually(lambda: processes.whose([process.pid], {"t-j1": attempt()}) == ours, "once it executes")
    finally:
        process.kill()
        process.communicate()
    assert Processes(ProcFs(), sees_all=True).whose([process.pid], {}) == {process.pid: Ended()}


def test_a_leftover_is_told_once_and_not_before_it_had_time_to_end() -> None:
    gpu = Gpu(index=0, uuid="g", processes=(GpuProcess(pid=2, kind=ProcessKind.COMPUTE),))
    place = ("g", 2, "t-old")
    assert places([gpu], {2: LeftBehind(token="t-old")}) == {place}
    assert places([gpu], {2: Ours(token="t-old")}) == frozenset()
    ended = {"t-old": attempt("old", Phase.EXITED)}
    assert leftovers({place: 10.0}, (), ended, 10.0 + PATIENCE - 0.1) == []
    ((told, report),) = leftovers({place: 10.0}, (), ended, 10.0 + PATIENCE)
    assert told == place
    assert (report.body["gpu"], report.body["pid"], report.body["job"]) == ("g", 2, "old")
    assert leftovers({place: 10.0}, {place}, ended, 99.0) == []
    assert leftovers({place: 10.0}, (), {}, 99.0) == [], "whose it was nobody knows any more"
