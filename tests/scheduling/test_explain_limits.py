"""Why a job waits although GPUs are free: quotas, reservations, and what of a node is not its GPUs."""

from typing import Any

import pytest
from tests.scheduling.cluster import GIB, job, limits, node, placed, reservation, snapshot

from sentinel.core.account import Scope
from sentinel.core.job import ArrayTask
from sentinel.core.node import Sharing
from sentinel.scheduling.explain import Blocking, why
from sentinel.scheduling.placement import place

NOW = 10_000.0
HOST = node("a", 4, cpus=8, memory_bytes=64 * GIB)
TWO = node("a", 2)


@pytest.mark.parametrize(
    ("things", "asked", "blocking", "reason", "changes"),
    [
        (
            [TWO, limits(Scope.USER, "alice", running_gpus=1)],
            job("j", 2),
            "quota",
            "user alice may have 1 GPU at once, and has 0; this job asks for 2",
            [{"gpus": 1}],
        ),
        (
            [TWO, reservation("course", NOW + 3600, NOW + 7200, users=("bob",))],
            job("j"),
            "reservation",
            "reservation course keeps nodes from 1970-01-01T03:46:40.000Z, and it has no time limit",
            [{"time_limit": 3540.0}],
        ),
        (
            [TWO, reservation("course", NOW - 1, NOW + 7200, nodes=("a",))],
            job("j", time_limit=60.0),
            "reservation",
            "maintenance course keeps nodes from 1970-01-01T02:46:39.000Z until 1970-01-01T04:46:40.000Z, "
            "and it is not for this job",
            [],
        ),
        (
            [TWO, node("b", 2), reservation("course", NOW - 1, NOW + 7200, nodes=("b",))],
            job("j", on="b"),
            "reservation",
            "maintenance course keeps nodes from 1970-01-01T02:46:39.000Z until 1970-01-01T04:46:40.000Z, "
            "and it is not for this job",
            [{"node": None}],
        ),
        (
            [HOST, placed("r", "a", ["a-0"], cpus=6)],
            job("j", cpus=4),
            "host-busy",
            "a has 2 of the 4 CPUs free that it needs; jobs have the rest",
            [{"cpus": 2}],
        ),
        (
            [HOST, placed("r", "a", ["a-0"], memory_bytes=60 * GIB)],
            job("j", memory_bytes=8 * GIB),
            "host-busy",
            "a has 4 GiB of the 8 GiB of memory free that it needs; jobs have the rest",
            [{"memory_bytes": 4 * GIB}],
        ),
        (
            [HOST, node("b", 1, cpus=16)],
            job("j", 2, cpus=12),
            "too-large",
            "needs 2 GPUs, 12 CPUs; nothing has all of that, as far as is known",
            [{"gpus": 1}, {"cpus": 8}],
        ),
        (
            [HOST],
            job("j", cpus=12),
            "too-large",
            "needs 1 GPU, 12 CPUs; a has the most CPUs, 8",
            [{"cpus": 8}],
        ),
        (
            [HOST],
            job("j", memory_bytes=100 * GIB),
            "too-large",
            "needs 1 GPU, 100 GiB of memory; a has the most memory, 64 GiB",
            [{"memory_bytes": 64 * GIB}],
        ),
        (
            [node("a", 2, sharing=Sharing.NO)],
            job("j", gpu_milli=500),
            "too-large",
            "needs 0.5 of a GPU; jobs may share GPUs on no node",
            [],
        ),
        (
            [TWO, placed("r", "a", ["a-0"], array=ArrayTask(id="arr", index=0, size=2, limit=1))],
            job("j", array=ArrayTask(id="arr", index=1, size=2, limit=1)),
            "array-limit",
            "1 of array arr hold GPUs, as many as may at once",
            [],
        ),
    ],
)
def test_what_is_in_the_way_and_what_would_help(
    things: list[Any], asked: Any, blocking: str, reason: str, changes: list[dict[str, Any]]
) -> None:
    seen = snapshot(*things, asked)
    found = why(asked, seen, NOW)
    assert (found.blocking, found.reason) == (Blocking(blocking), reason)
    assert [dict(one.change) for one in found.would_start_now_if] == changes
    assert not place(seen, NOW).chosen, "what is said is true"


def test_who_shares_a_gpu_is_named() -> None:
    halves = [placed(id, "a", ["a-0"], gpu_milli=500) for id in "rs"]
    waits = job("j", gpu_milli=500)
    found = why(waits, snapshot(node("a", 1), *halves, waits), NOW)
    assert [(one.job, one.gpus) for one in found.held_by] == [("r", ("a-0",)), ("s", ("a-0",))]
    assert found.reason == "a has no GPU free; they are with job r (alice) and job s (alice)"


def test_who_is_like_the_first_waits_for_the_same() -> None:
    """And not for the first, for which the node is kept."""
    jobs = [job(id) for id in "jk"]
    seen = snapshot(TWO, reservation("course", NOW - 1, NOW + 7200, nodes=("a",)), *jobs)
    assert [why(one, seen, NOW).blocking for one in jobs] == [Blocking.RESERVATION] * 2
