"""Why a job waits, in words: what is in the way, on the node that is nearest."""

import time

import pytest
from tests.scheduling.cluster import gpu, job, node, placed, snapshot

from sentinel.core.job import Cancel, Job, JobState
from sentinel.core.node import BlockKind, Node, NodeState
from sentinel.scheduling.explain import Blocking, Reasons, reason_of, reasons, why, why_json

WAITS = job("j", 2)
NOW = 10_000.0


@pytest.mark.parametrize(
    ("things", "blocking", "reason"),
    [
        ([], "no-node", "no node has joined yet"),
        ([node("gpu01")], "nothing", "is about to be placed"),
        (
            [node("gpu01", 8), job("j", 64), node("gpu02", 4)],
            "too-large",
            "needs 64 GPUs on one node; the largest node, gpu01, has 8",
        ),
        (
            [node("gpu01", 8), job("j", 4, gpu_model="a100")],
            "too-large",
            "needs 4 A100 GPUs on one node; no node has such a GPU",
        ),
        (
            [node("gpu01", [gpu("x", 0), gpu("x", 1, gib=40)]), job("j", 2, gpu_memory_bytes=80 << 30)],
            "too-large",
            "needs 2 GPUs with 80 GiB on one node; gpu01 has the most such, 1",
        ),
        (
            [node("gpu01", 8), node("gpu02", 1), job("j", 2, on="gpu02")],
            "too-large",
            "needs 2 GPUs on one node; gpu02 has 1",
        ),
        ([node("gpu01"), job("j", on="gpu09")], "no-node", "no node is called gpu09"),
        ([node("gpu01", None)], "unknown", "which GPUs gpu01 has is not known yet"),
        (
            [node("gpu01", None), node("gpu02", 1)],
            "unknown",
            "which GPUs gpu01 has is not known yet; no other node has 2 GPUs",
        ),
        (
            [node("gpu01", 2), placed("r", "gpu01", ["gpu01-0"])],
            "gpus-busy",
            "gpu01 has 1 of the 2 GPUs free; the others are with job r (alice)",
        ),
        (
            [
                node("gpu01", 4),
                node("gpu02", 4),
                placed("r", "gpu01", ["gpu01-0", "gpu01-1", "gpu01-2"]),
                *(placed(f"s{n}", "gpu02", [f"gpu02-{n}"], owner="bob") for n in range(4)),
                job("j", 4),
            ],
            "gpus-busy",
            "the freest node, gpu01, has 1 of the 4 GPUs free; the others are with job r (alice)",
        ),
        (
            [node("gpu01", 5), *(placed(f"r{n}", "gpu01", [f"gpu01-{n}"]) for n in range(5))],
            "gpus-busy",
            "gpu01 has no GPU free; they are with "
            "job r0 (alice), job r1 (alice), job r2 (alice) and 2 more jobs",
        ),
        (
            [node("gpu01", 2, blocked={1: (BlockKind.UNMANAGED, "python train.py of bob")})],
            "unmanaged",
            "GPU 1 of gpu01 is held by a workload that nobody queued: python train.py of bob",
        ),
        (
            [node("gpu01", 3, blocked=dict.fromkeys((1, 2), (BlockKind.QUARANTINED, "Xid 79")))],
            "quarantined",
            "2 GPUs of gpu01 are quarantined: Xid 79",
        ),
        (
            [node("gpu01", 2, blocked={0: (BlockKind.LEASED, "carol, since 10:02")})],
            "leased",
            "GPU 0 of gpu01 is leased by sentinel-request: carol, since 10:02",
        ),
        (
            [node("gpu01", 2, blocked={0: (BlockKind.UNKNOWN, "docker does not answer")})],
            "unknown",
            "GPU 0 of gpu01 is not known to be free: docker does not answer",
        ),
        ([node("gpu01", 2, drained="new fans")], "drained", "gpu01 is drained by root: new fans"),
        ([node("gpu01", 2, state=NodeState.SILENT)], "silent", "gpu01 is not heard of"),
        ([node("gpu01", 2, state=NodeState.DEAD)], "silent", "gpu01 was declared dead"),
        (
            [node("gpu01", 2), placed("r", "gpu01", ["gpu01-0"]), job("wide", 2, owner="bob"), job("j")],
            "ahead",
            "1 free GPU of gpu01 is kept for job wide (bob), which is ahead and needs 2",
        ),
        (
            [node("gpu01", 2), job("j", refusals=2, node="gpu01", reason="no account there")],
            "backoff",
            "gpu01 did not begin it (2 times in a row): no account there; tried again 10 s after that",
        ),
        (
            [node("gpu01", 2), placed("r", "gpu01", ["gpu01-0", "gpu01-1"]), job("j", refusals=1)],
            "gpus-busy",
            "gpu01 has no GPU free; they are with job r (alice)",
        ),
    ],
)
def test_what_is_in_the_way(things: list[Job | Node], blocking: str, reason: str) -> None:
    if not any(thing.id == "j" for thing in things):
        things = [*things, WAITS]
    s = snapshot(*things)
    found = why(s.jobs["j"], s, NOW)
    assert (found.reason, found.blocking.value) == (reason, blocking)
    assert reasons(s, NOW)["j"] == reason == reason_of(s.jobs["j"], s, NOW)


def test_the_nearest_node_is_told_of() -> None:
    s = snapshot(
        node("drained", 4, drained="x"),
        node("blocked", 4, blocked={0: (BlockKind.UNMANAGED, "bob")}),
        node("silent", 4, state=NodeState.SILENT),
        node("small", 2),
        job("j", 4),
    )
    assert why(s.jobs["j"], s, NOW).blocking is Blocking.UNMANAGED
    s.take(nodes=[node("busy", 4)], jobs=[placed("r", "busy", ["busy-0"])])
    assert why(s.jobs["j"], s, NOW).reason.startswith("the freest node, busy, has 3 of the 4 GPUs free")


def test_who_holds_what() -> None:
    held = placed("r", "gpu01", ["gpu01-0", "gpu01-1"], owner="bob")
    quarantine = {2: (BlockKind.QUARANTINED, "Xid 79")}
    s = snapshot(node("gpu01", 4, blocked=quarantine), held, job("first", 4), job("j", 3))
    assert why_json(why(s.jobs["j"], s, NOW)) == {
        "id": "j",
        "state": "QUEUED",
        "blocking": "gpus-busy",
        "reason": "gpu01 has 1 of the 3 GPUs free; the others are with job r (bob)",
        "held_by": [
            {"job": "r", "gpus": ["gpu01-0", "gpu01-1"], "why": "bob's job, RUNNING", "until": None},
            {"what": "quarantined", "gpus": ["gpu01-2"], "why": "Xid 79", "until": None},
        ],
        "ahead": 1,
        "estimated_start": None,
        "basis": "job r (bob) has no time limit",
        "would_start_now_if": [{"change": {"gpus": 1}, "says": "it would start now with 1 GPU instead of 3"}],
    }
    s.take(jobs=[job("small", 1)])
    small = why_json(why(s.jobs["small"], s, NOW))
    assert small["blocking"] == "ahead"
    assert small["held_by"][-1] == {
        "job": "j",
        "gpus": ["gpu01-3"],
        "why": "is ahead, and the node is kept for it",
        "until": None,
    }


def test_those_about_to_be_placed_have_their_gpus_already() -> None:
    s = snapshot(node("gpu01", 1), job("first"), job("second"))
    assert reasons(s, NOW) == {
        "first": "is about to be placed",
        "second": "gpu01 has no GPU free; they are with job first (alice)",
    }
    assert why(s.jobs["second"], s, NOW).held_by[0].why == "alice's job, about to be placed"


def test_after_a_restore_it_says_so() -> None:
    s = snapshot(node("gpu01"), job("j"))
    s.hold = True
    found = why(s.jobs["j"], s, NOW)
    assert found.blocking is Blocking.HOLD
    assert "restored" in found.reason


def test_a_job_that_does_not_wait_says_how_it_stands() -> None:
    s = snapshot(node("gpu01"))
    begins = placed("j", "gpu01", ["gpu01-0"], state=JobState.ALLOCATED)
    assert reason_of(begins, s, NOW) == "gpu01 is about to begin it"
    waits = placed("j", "gpu01", ["gpu01-0"], state=JobState.ALLOCATED, reason="chat steps aside")
    assert reason_of(waits, s, NOW) == "chat steps aside"
    asked = placed("j", "gpu01", ["gpu01-0"], cancel=Cancel(by="bob", at=1.0))
    assert why(asked, s, NOW).reason == "bob asked for its end; gpu01 is about to end it"
    assert reason_of(job("j", state=JobState.FAILED, reason="exit code 3"), s, NOW) == "exit code 3"


def test_a_job_that_the_snapshot_does_not_know_yet_can_be_explained() -> None:
    s = snapshot(node("gpu01", 1), placed("r", "gpu01", ["gpu01-0"]))
    assert why(job("new"), s, NOW).blocking is Blocking.GPUS_BUSY


def test_ten_thousand_reasons_cost_about_one() -> None:
    s = snapshot(
        *(node(f"n{n}", 8) for n in range(100)),
        *(placed(f"r{n}", f"n{n}", [f"n{n}-{i}" for i in range(6)]) for n in range(100)),
        *(job(f"q{n}", 1 + n % 9, priority=n % 3) for n in range(10_000)),
    )
    times: list[float] = []
    for _ in range(3):
        began = time.process_time()
        found = reasons(s, NOW)
        times.append(time.process_time() - began)
    assert len(found) == 10_000
    assert all(found.values())
    assert min(times) < 0.5
    known = Reasons(s, NOW)
    began = time.process_time()
    for one in s.queued()[:20]:
        known.why(one)
    assert time.process_time() - began < 3.0, "each tries what would help by a few passes"
