"""What is remembered of processes, for how long, and that it is never another process's."""

import json
import os
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.fakes.process_facts import FakeProcessFacts

from sentinel.core.process import ProcessId
from sentinel.core.process_facts import ProcessFacts, Usage
from sentinel.inventory.known_processes import KnownProcesses

TICKS = os.sysconf("SC_CLK_TCK")
NOW = 10_000.0
FACTS = ProcessFacts(
    process=ProcessId(42, 100 * TICKS),
    name="python",
    command=("python", "train.py"),
    uid=1001,
    login_uid=1001,
    cgroups=("0::/user.slice",),
    started_at=5.0,
    variables={"SLURM_JOB_ID": "7"},
    in_host_user_namespace=True,
)


class Counting(FakeProcessFacts):
    """`read` has the pids whose facts were asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[int] = []

    def facts(self, pid: int) -> ProcessFacts | None:
        self.read.append(pid)
        return super().facts(pid)


class Desk:
    def __init__(self) -> None:
        self.source = Counting()
        self.source.add(FACTS)
        self.known = KnownProcesses(self.source)

    def look(self, now: float, *pids: int) -> dict[int, ProcessFacts]:
        return self.known.look(pids or (42,), (), now)[0]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_it_reads_what_it_does_not_know_and_then_no_more(desk: Desk) -> None:
    assert desk.look(NOW) == desk.look(NOW + 1) == desk.look(NOW + 119) == {42: FACTS}
    assert desk.source.read == [42]


def test_what_is_old_is_read_again(desk: Desk) -> None:
    desk.look(NOW)
    moved = replace(FACTS, cgroups=("0::/docker/abc",))
    desk.source.add(moved)
    assert desk.look(NOW + 119) == {42: FACTS}
    assert desk.look(NOW + 121) == {42: moved}


def test_of_a_young_process_sooner_as_it_may_yet_become_another_program(desk: Desk) -> None:
    desk.look(103.0)  # three seconds after its start
    execed = replace(FACTS, name="train")
    desk.source.add(execed)
    assert desk.look(105.0) == {42: FACTS}
    assert desk.look(105.6) == {42: execed}


def test_a_pid_that_was_given_out_anew_is_read_anew(desk: Desk) -> None:
    desk.look(NOW)
    other = replace(FACTS, process=ProcessId(42, 9_999 * TICKS), uid=1002)
    desk.source.add(other)
    assert desk.look(NOW + 1) == {42: other}


def test_what_has_ended_is_not_there_and_forgotten(desk: Desk) -> None:
    desk.look(NOW)
    gone = desk.source.known.pop(42)
    assert desk.look(NOW + 1) == {}
    desk.source.add(gone)
    desk.look(NOW + 2)
    assert desk.source.read == [42, 42, 42]


def test_what_nobody_asks_for_is_forgotten(desk: Desk) -> None:
    desk.look(NOW)
    desk.look(NOW, 43)
    assert desk.known.memory() == []


def test_usage_is_that_of_now_and_only_of_those_asked_for(desk: Desk) -> None:
    other = replace(FACTS, process=ProcessId(43, 1))
    desk.source.add(other)
    for seconds in (1.0, 2.0):
        desk.source.used[42] = Usage(cpu_seconds=seconds, memory_bytes=10)
        facts, usage = desk.known.look((42, 43), (42,), NOW + seconds)
        assert facts == {42: FACTS, 43: other}
        assert usage == {42: Usage(cpu_seconds=seconds, memory_bytes=10)}


# ------------------------------------------------------------------ between scans


def through_json(found: object) -> Any:
    return json.loads(json.dumps(found))


@pytest.mark.parametrize(
    "facts", [FACTS, ProcessFacts(process=ProcessId(42, 1), name="x")], ids=["all known", "little known"]
)
def test_what_one_scan_knew_the_next_need_not_read(facts: ProcessFacts) -> None:
    first, second = Desk(), Desk()
    first.source.add(facts)
    second.source.add(facts)
    first.look(NOW)
    second.known.remember(through_json(first.known.memory()))
    assert second.look(NOW + 1) == {42: facts}
    assert second.source.read == []


def test_a_process_of_that_pid_which_is_another_one_is_read(desk: Desk) -> None:
    desk.look(NOW)
    other = Desk()
    other.source.add(replace(FACTS, process=ProcessId(42, 5)))
    other.known.remember(through_json(desk.known.memory()))
    assert other.look(NOW + 1)[42].process.started == 5


KEYS = (
    "read_at pid started name command uid login_uid cgroups started_at variables in_host_user_namespace"
).split()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(JSON | st.lists(st.fixed_dictionaries(dict.fromkeys(KEYS, JSON)), max_size=3))
@example([{"read_at": 1.0, "pid": float("inf")}])
def test_no_memory_can_do_harm(memory: object) -> None:
    desk = Desk()
    desk.known.remember(memory)
    assert desk.look(NOW).keys() == {42}
