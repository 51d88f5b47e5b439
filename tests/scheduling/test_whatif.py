"""The smallest changes that would have a job start now: each is tried, and is true."""

from dataclasses import replace
from random import Random

import pytest
from tests.scheduling.cluster import GIB, gpu, job, node, placed, snapshot, where

from sentinel.scheduling.placement import place
from sentinel.scheduling.snapshot import Snapshot
from sentinel.scheduling.whatif import suggest

NOW = 10_000.0


def changes(s: Snapshot, id: str = "j") -> list[object]:
    return [dict(one.change) for one in suggest(s, s.jobs[id], place(s, NOW), NOW)]


def test_fewer_gpus_as_many_as_are_free() -> None:
    s = snapshot(node("n", 8), placed("r", "n", ["n-0", "n-1", "n-2"]), job("j", 8))
    assert changes(s) == [{"gpus": 5}]


def test_without_patience_what_was_found_by_then() -> None:
    s = snapshot(node("n", 8), placed("r", "n", ["n-0", "n-1", "n-2"]), job("j", 8, gpu_model="h100"))
    found = place(s, NOW)
    assert suggest(s, s.jobs["j"], found, NOW, lambda: False) == ()
    once = iter((True, False))
    assert [dict(one.change) for one in suggest(s, s.jobs["j"], found, NOW, lambda: next(once))] == [
        {"gpus": 5}
    ]


def test_fewer_nodes() -> None:
    s = snapshot(node("a", 1), node("b", 1), node("c", 1), placed("r", "a", ["a-0"]), job("j", nodes=3))
    assert {"nodes": 2} in changes(s)


def test_another_model_less_memory_another_node() -> None:
    old = [gpu("old", 0, gib=40, model="NVIDIA A100")]
    s = snapshot(node("new", 1), node("old", old), placed("r", "new", ["new-0"]))
    s.take(jobs=[job("j", gpu_model="h100"), job("k", gpu_memory_bytes=80 * GIB), job("l", on="new")])
    assert changes(s) == [{"gpu_model": "NVIDIA A100"}]
    assert changes(s, "k") == [{"gpu_memory_bytes": 40 * GIB}]
    assert changes(s, "l") == [{"node": None}]


def test_a_time_limit_that_is_over_before_what_is_promised() -> None:
    s = snapshot(
        node("n", 2), placed("r", "n", ["n-0"], started_at=NOW, time_limit=3600.0), job("wide", 2), job("j")
    )
    assert changes(s) == [{"time_limit": 3540.0}], "a whole minute, and time to submit it"


def test_nothing_where_nothing_helps() -> None:
    s = snapshot(node("n", 1), placed("r", "n", ["n-0"]), job("j"))
    assert changes(s) == []


@pytest.mark.parametrize("seed", range(40))
def test_whoever_follows_a_suggestion_starts_now(seed: int) -> None:
    random = Random(seed)
    s = snapshot(
        node("a", 4), node("b", [gpu("b", n, gib=40, model="NVIDIA A100") for n in range(4)]), node("c", 2)
    )
    for n in range(6):
        fields = {
            "nodes": random.choice([1, 1, 2]),
            "time_limit": random.choice([None, 100.0, 4000.0]),
            "gpu_model": random.choice([None, "h100", "a100"]),
            "gpu_memory_bytes": random.choice([None, None, 60 * GIB]),
            "priority": random.choice([0, 0, 1]),
        }
        s.take(jobs=[job(f"j{n}", random.choice([1, 2, 3, 4]), **fields)])
    for name, count in (("a", 4), ("b", 4), ("c", 2)):
        cards = [f"{name}-{i}" for i in range(count) if random.random() < 0.6]
        limit = random.choice([None, 500.0])
        s.take(jobs=[placed(f"r{uuid}", name, [uuid], started_at=NOW, time_limit=limit) for uuid in cards])
    found = place(s, NOW)
    told = place(s, NOW)
    for id in list(s.lines):
        for one in suggest(s, s.jobs[id], found, NOW) if id not in where(found) else ():
            waits = s.jobs[id]
            s.take(jobs=[replace(waits, spec=replace(waits.spec, **one.change))])
            before = {other: booking for other, booking in found.bookings.items() if other != id}
            assert id in where(place(s, NOW, before)), one.says
            s.take(jobs=[waits])
    assert place(s, NOW) == told, "asking changes nothing"
