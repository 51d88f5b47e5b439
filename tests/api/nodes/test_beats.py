"""Beats: what is accepted, what of them changes something, and what is merely counted."""

from dataclasses import replace
from typing import Any

import pytest
from tests.api.nodes.nodes_fixture import NOW, job, node

from sentinel.api.beats import Renewals, beat_from, facts_of, node_after, node_workloads, says_of_jobs
from sentinel.core.errors import ProtocolError
from sentinel.core.finding import Finding, GpuRef, Layer, Severity, finding_json
from sentinel.core.job import JobState
from sentinel.core.node import Block, BlockKind, NodeState, Sharing, node_gpu_json


def raw(**changes: Any) -> dict[str, Any]:
    gpus = [node_gpu_json(gpu) for gpu in node().gpus or ()]
    return {"boot_id": "boot", "agent_version": "1", "gpus": gpus, "held": ["t1"], "seen": 5} | changes


def test_nothing_changed() -> None:
    beat = beat_from(raw())
    assert beat.held == {"t1"} and beat.workloads is None and beat.samples is None
    assert node_after(node(), beat, NOW) is None


@pytest.mark.parametrize(
    "changes",
    [{"boot_id": "other"}, {"agent_version": "2"}, {"gpus": None}, {"gpus": []}],
)
def test_something_of_the_node_changed(changes: dict[str, Any]) -> None:
    after = node_after(node(), beat_from(raw(**changes)), NOW + 1)
    assert after is not None and after.last_seen_at == NOW + 1 and after.state is NodeState.UP


FACTS = {"address": "10.0.0.7", "cpus": 64, "memory_bytes": 2**40, "sharing": "mps"}


def test_facts_are_kept_and_none_are_as_before() -> None:
    after = node_after(node(), beat_from(raw(facts=FACTS)), NOW)
    assert after is not None
    assert (after.address, after.cpus, after.memory_bytes, after.sharing) == (
        "10.0.0.7",
        64,
        2**40,
        Sharing.MPS,
    )
    assert node_after(after, beat_from(raw(facts=FACTS)), NOW) is None
    assert (
        node_after(after, beat_from(raw()), NOW) is node_after(after, beat_from(raw(facts=None)), NOW) is None
    )
    rebooted = node_after(after, beat_from(raw(boot_id="other")), NOW)
    assert rebooted is not None and facts_of(rebooted) == facts_of(after)
    unknown = node_after(after, beat_from(raw(facts={**FACTS, "address": "", "cpus": None})), NOW)
    assert unknown is not None and (unknown.address, unknown.cpus) == ("", None)


FINDING = Finding(
    component="xid",
    code="79",
    severity=Severity.CRITICAL,
    layer=Layer.HARDWARE,
    title="the card fell off the bus",
    cause="",
    next_step="",
    gpu=GpuRef(uuid="GPU-0", index=0),
)
FOUND = finding_json(FINDING)


def test_findings_are_told_or_as_before() -> None:
    assert beat_from(raw()).findings is beat_from(raw(findings=None)).findings is None
    assert beat_from(raw(findings=[])).findings == ()
    assert beat_from(raw(findings=[FOUND, FOUND])).findings == (FINDING,), "each once"
    assert node_after(node(), beat_from(raw(findings=[FOUND])), NOW) is None, "the node is as it was"


def test_where_a_gpu_is_is_a_change() -> None:
    gpus = [node_gpu_json(gpu) for gpu in node().gpus or ()]
    after = node_after(node(), beat_from(raw(gpus=[{**gpu, "island": 0, "numa": 1} for gpu in gpus])), NOW)
    assert after is not None and [(gpu.island, gpu.numa) for gpu in after.gpus or ()] == [(0, 1)] * 2
    older = [{key: gpu[key] for key in gpu if key not in ("island", "numa")} for gpu in gpus]
    assert node_after(node(), beat_from(raw(gpus=older)), NOW) is None


@pytest.mark.parametrize("state", [NodeState.SILENT, NodeState.DEAD])
def test_who_beats_is_up(state: NodeState) -> None:
    assert node_after(node(state=state), beat_from(raw()), NOW) == replace(node(), last_seen_at=NOW)


def test_a_block_is_a_change() -> None:
    gpu = {"uuid": "GPU-0", "index": 0, "model": "A", "memory_total_bytes": None}
    found = beat_from(raw(gpus=[gpu | {"blocked": {"kind": "unmanaged", "why": "ollama"}}]))
    after = node_after(node(), found, NOW)
    assert after is not None and after.gpus is not None
    assert after.gpus[0].blocked == Block(kind=BlockKind.UNMANAGED, why="ollama")


@pytest.mark.parametrize(
    "wrong",
    [
        {"surprise": 1},
        {"seen": -1},
        {"seen": True},
        {"seen": None},
        {"boot_id": 1},
        {"boot_id": "a\nb"},
        {"agent_version": "x" * 300},
        {"gpus": {}},
        {"gpus": [1]},
        {"gpus": [{"uuid": "x"}]},
        {"gpus": [{"uuid": "x", "index": 0, "model": 7}]},
        {"gpus": [{"uuid": "x", "index": 0, "blocked": {"kind": "whim", "why": ""}}]},
        {"gpus": [{"uuid": "x", "index": 0}, {"uuid": "x", "index": 1}]},
        {"gpus": [{"uuid": "x", "index": 0, "island": "one"}]},
        {"gpus": [{"uuid": "x", "index": 0, "island": True}]},
        {"gpus": [{"uuid": "x", "index": 0, "numa": -1}]},
        {"facts": []},
        {"facts": {}},
        {"facts": {**FACTS, "more": 1}},
        {"facts": {**FACTS, "address": None}},
        {"facts": {**FACTS, "address": "a\nb"}},
        {"facts": {**FACTS, "cpus": "4"}},
        {"facts": {**FACTS, "cpus": True}},
        {"facts": {**FACTS, "memory_bytes": -1}},
        {"facts": {**FACTS, "memory_bytes": 1 << 60}},
        {"facts": {**FACTS, "sharing": "always"}},
        {"facts": {**FACTS, "sharing": ["mps"]}},
        {"held": "t1"},
        {"held": [1]},
        {"held": ["t"] * 10_001},
        {"workloads": [1]},
        {"samples": [{"uuid": "x", "secret": 1}]},
        {"samples": [{"uuid": "x", "power_watts": "much"}]},
        {"samples": [{"power_watts": 1}]},
        {"findings": {}},
        {"findings": [1]},
        {"findings": [{}]},
        {"findings": [{**FOUND, "title": "x" * 300}]},
        {"findings": [FOUND] * 201},
    ],
)
def test_what_is_no_beat(wrong: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError):
        beat_from(raw(**wrong))


@pytest.mark.parametrize("found", [None, [], "x", 1])
def test_what_is_not_even_an_object(found: object) -> None:
    with pytest.raises(ProtocolError):
        beat_from(found)


RUNNING = replace(job(state=JobState.RUNNING), revision=10)


def test_a_begun_job_that_is_not_named_says_of_jobs() -> None:
    assert says_of_jobs([RUNNING], frozenset(), 10)


def test_a_lost_job_that_is_named_is_news() -> None:
    assert says_of_jobs([replace(RUNNING, state=JobState.LOST)], frozenset({"t1"}), 0)


@pytest.mark.parametrize(
    ("one", "held", "seen"),
    [
        (RUNNING, None, 10),  # the agent cannot ask its supervisor
        (RUNNING, frozenset({"t1"}), 10),
        (RUNNING, frozenset(), 9),  # it moved after the agent asked
        (replace(RUNNING, state=JobState.ALLOCATED), frozenset(), 10),
    ],
)
def test_and_these_are_not(one: Any, held: frozenset[str] | None, seen: int) -> None:
    assert not says_of_jobs([one], held, seen)


def test_workloads_need_their_columns() -> None:
    good = {"id": "w1", "origin": "docker", "state": "running", "user": None, "name": "x"}
    [kept] = node_workloads(node(), [good, good])
    assert (kept.node, kept.owner, kept.data) == ("node000001", None, good)
    for wrong in ("id", "origin", "state"):
        with pytest.raises(ProtocolError):
            node_workloads(node(), [{**good, wrong: None}])


def test_renewals_are_taken_once_and_given_back() -> None:
    renewals = Renewals()
    assert renewals.take() is None
    renewals.note("n1", NOW, ["a", "b"])
    renewals.note("n1", NOW + 1, ["a"])
    taken = renewals.take()
    assert taken is not None and taken[0] == {"n1": NOW + 1} and sorted(taken[1]) == ["a", "b"]
    assert renewals.take() is None
    renewals.note("n1", NOW + 5, ["c"])
    renewals.back(*taken)
    again = renewals.take()
    assert again is not None and again[0] == {"n1": NOW + 5} and sorted(again[1]) == ["a", "b", "c"]
