"""The simulated fleet and its past: nobody's GPU twice, the same for the same seed, and curves that agree."""

import math
from collections import Counter, defaultdict
from itertools import pairwise
from random import Random

import pytest

from sentinel.core.job import Job, JobState
from sentinel.core.node import BlockKind, Node, NodeState
from sentinel.core.sample_batch import decode, encode
from sentinel.server.seeding.curves import LENGTH, LONGEST, curves
from sentinel.server.seeding.fleet import CARD_OF, CARDS, SIMULATED, USERS, lanes, nodes
from sentinel.server.seeding.past import FINE, HOUR, MINUTE, Rows, all_rows, batches
from sentinel.server.seeding.seed import SeedOptions, _made
from sentinel.server.seeding.timeline import QUEUE, Stint, Timeline, timeline
from sentinel.server.seeding.trouble import SILENT_FOR, Trouble

NOW = 1_800_000_123.0
DAY = 86400.0


def a_fleet(count: int = 40, gpus: int = 8, seed: int = 1) -> list[Node]:
    return nodes(Random(seed), count=count, gpus=gpus, joined_at=NOW - DAY, now=NOW)


def lived(seed: int = 1, *, jobs: int = 600, count: int = 40, gpus: int = 8) -> tuple[list[Node], Timeline]:
    random = Random(seed)
    fleet = nodes(random, count=count, gpus=gpus, joined_at=NOW - DAY, now=NOW)
    return fleet, timeline(random, fleet, jobs=jobs, days=1, now=NOW)


def made(**changes: object) -> Trouble:
    usual = {"nodes": 40, "gpus": 8, "days": 1.0, "jobs": 600, "seed": 3, "alerts": True, "live": False,
             "every": 10.0, "force": False, "as_json": False}  # fmt: skip
    return _made(SeedOptions(**{**usual, **changes}), NOW)  # type: ignore[arg-type]


def test_nodes_are_marked_and_models_are_mixed() -> None:
    fleet = a_fleet()
    assert [node.name for node in fleet[:2]] == ["sim-001", "sim-002"]
    assert {node.agent_version for node in fleet} == {SIMULATED}
    assert len({node.id for node in fleet}) == 40
    uuids = {gpu.uuid for node in fleet for gpu in node.gpus or ()}
    assert len(uuids) == 320
    assert Counter((node.gpus or ())[0].model for node in fleet) == {
        card.model: round(40 * card.share) for card in CARDS
    }
    for node in fleet:
        assert [gpu.index for gpu in node.gpus or ()] == list(range(8))
        assert len({gpu.model for gpu in node.gpus or ()}) == 1


@pytest.mark.parametrize("gpus", [1, 2, 3, 4, 7, 8, 16])
def test_lanes_are_all_gpus(gpus: int) -> None:
    for seed in range(30):
        assert sum(lanes(Random(seed), gpus)) == gpus


@pytest.mark.parametrize("gpus", [1, 3, 8])
@pytest.mark.parametrize("jobs", [0, 5, 600])
def test_no_gpu_is_anybodys_twice(gpus: int, jobs: int) -> None:
    _, line = lived(jobs=jobs, gpus=gpus)
    by_gpu: dict[tuple[str, int], list[Stint]] = defaultdict(list)
    for stint in line.stints:
        assert stint.start < (stint.end or NOW) <= NOW
        for index in stint.gpus:
            by_gpu[stint.node, index].append(stint)
    for stints in by_gpu.values():
        stints.sort(key=lambda one: one.start)
        for one, next in pairwise(stints):
            assert one.end is not None and one.end <= next.start


def test_about_as_many_jobs_as_were_asked_for_in_all_states() -> None:
    _, line = lived()
    assert 540 <= len(line.jobs) <= 660
    states = Counter(job.state for job in line.jobs)
    assert states.keys() == {
        JobState.QUEUED, JobState.RUNNING, JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELED,
    }  # fmt: skip
    assert states[JobState.SUCCEEDED] > states[JobState.FAILED] > 0
    assert {job.owner for job in line.jobs} <= set(USERS)
    assert len({job.id for job in line.jobs}) == len(line.jobs)


def test_those_who_wait_wait_for_a_node_of_which_there_is_none() -> None:
    fleet, line = lived()
    busy = {one.node for one in line.stints if one.end is None}
    assert busy == {node.name for node in fleet}
    assert {job.spec.gpus for job in line.jobs if job.state is JobState.QUEUED} == {8}


def test_each_job_was_told_of_from_its_submission_to_its_state() -> None:
    _, line = lived()
    times = [one.time for one in line.told]
    assert times == sorted(times)
    told: dict[str, list[str]] = defaultdict(list)
    for one in line.told:
        told[one.job.id].append(one.fact.type.removeprefix("sentinel.job."))

    def story(job: Job) -> list[str]:
        last = job.state.value.lower()
        if job.state is JobState.QUEUED:
            return ["submitted"]
        if job.state is JobState.RUNNING:
            return ["submitted", "allocated", "running"]
        asked = ["cancel-requested"] if job.state is JobState.CANCELED else []
        return ["submitted", "allocated", "running", *asked, last]

    for job in line.jobs:
        assert told[job.id] == story(job)
        assert (job.placement is not None) == (job.state is JobState.RUNNING)
        if job.state.ended:
            assert job.started_at is not None and job.ended_at is not None
            assert job.submitted_at < job.started_at < job.ended_at <= NOW


def test_the_same_seed_makes_the_same_and_another_one_another() -> None:
    assert made() == made()
    assert made().nodes != made(seed=4).nodes


def test_what_is_wrong_for_alerts() -> None:
    found = made()
    silent = [node for node in found.nodes if node.state is NodeState.SILENT]
    assert [node.name for node in silent] == list(found.silent) and len(silent) == 1
    assert silent[0].last_seen_at == NOW - SILENT_FOR
    lost = [job for job in found.timeline.jobs if job.state is JobState.LOST]
    assert lost and {job.node for job in lost} == {silent[0].name}
    quarantined = [
        (node.id, gpu.uuid)
        for node in found.nodes
        for gpu in node.gpus or ()
        if gpu.blocked is not None and gpu.blocked.kind is BlockKind.QUARANTINED
    ]
    ((node_id, document),) = found.findings.items()
    assert [(node_id, document["findings"][0]["gpu"]["uuid"])] == quarantined
    assert len(found.hot) == 1
    plain = made(alerts=False)
    assert not (plain.hot or plain.findings or plain.silent)
    assert {node.state for node in plain.nodes} == {NodeState.UP}


def test_a_gpu_that_nobody_queued_for_is_blocked() -> None:
    found = made(alerts=False)
    by_hand = {
        (one.node, index) for one in found.timeline.stints if one.origin != QUEUE for index in one.gpus
    }
    blocked = {(node.name, gpu.index) for node in found.nodes for gpu in node.gpus or () if gpu.blocked}
    assert by_hand and blocked == by_hand


# ------------------------------------------------------------------ the past


@pytest.mark.parametrize("length", [300.0, HOUR, HOUR + 1.0, 5 * HOUR + 777.0])
def test_rows_cover_the_time_once(length: float) -> None:
    found = list(all_rows(NOW - length, NOW))
    times = [time for rows in found for time in rows.times]
    assert times == sorted(set(times))
    assert times[0] < NOW - length + MINUTE and NOW - FINE <= times[-1] < NOW
    assert max(next - one for one, next in pairwise(times)) <= MINUTE
    assert {rows.step for rows in found if rows.first > NOW - HOUR} == {FINE}
    for rows in found:
        assert rows.first // HOUR == rows.times[-1] // HOUR
        assert rows.count <= LONGEST


def test_where_in_rows_a_moment_is() -> None:
    rows = Rows(first=100.0, step=10.0, count=5)
    assert [rows.at(time) for time in (0.0, 100.0, 100.1, 110.0, 139.9, 140.0, 141.0, 999.0)] == [
        0, 0, 1, 1, 4, 4, 5, 5,
    ]  # fmt: skip


def value_at(node: Node, stints: list[Stint], metric: str, **labels: str) -> dict[float, float]:
    found: dict[float, float] = {}
    for batch in batches(node, stints, start=NOW - 2 * HOUR, end=NOW):
        for column in batch.columns:
            if column.metric == metric and labels.items() <= dict(column.labels).items():
                found |= {
                    time: value
                    for time, value in zip(batch.times, column.values, strict=True)
                    if not math.isnan(value)
                }
    return found


def test_what_is_held_is_told_of_whoever_holds_it_and_nobody_else() -> None:
    (node,) = a_fleet(1, 2)
    cut = NOW - HOUR - 600

    def stint(key: str, user: str, start: float, end: float | None) -> Stint:
        return Stint(
            key=key, node=node.name, gpus=(0,), start=start, end=end, user=user, origin=QUEUE, name=key
        )

    stints = [stint("a", "ada", 0.0, cut), stint("b", "bela", cut + 300, None)]
    ada = value_at(node, stints, "gpu_held", user="ada")
    bela = value_at(node, stints, "gpu_held", user="bela")
    assert set(ada.values()) == set(bela.values()) == {1.0}
    assert max(ada) < cut and min(bela) >= cut + 300
    assert value_at(node, stints, "gpu_held", gpu="1") == {}
    power = value_at(node, stints, "gpu_power_watts", gpu="0")
    held_power = value_at(node, stints, "gpu_held_power_watts", user="bela")
    assert held_power == {time: power[time] for time in held_power}
    used = value_at(node, stints, "gpu_utilization_percent", gpu="0")
    idle = value_at(node, stints, "gpu_held_idle", user="bela")
    assert idle == {time: float(used[time] <= 5) for time in idle}
    free = [value for time, value in used.items() if cut <= time < cut + 300]
    assert free and set(free) == {0.0}


def test_every_gpu_is_told_of_all_the_time_and_batches_are_what_agents_send() -> None:
    found = made(nodes=3, jobs=60, alerts=False)
    node = found.nodes[0]
    stints = [one for one in found.timeline.stints if one.node == node.name]
    for batch in batches(node, stints, start=NOW - 3 * HOUR, end=NOW):
        sent = decode(encode(batch))
        assert (sent.node, sent.sequence, sent.times) == (batch.node, batch.sequence, batch.times)
        assert [(one.metric, one.labels) for one in sent.columns] == [
            (one.metric, one.labels) for one in batch.columns
        ]
        for metric in ("gpu_up", "gpu_utilization_percent", "gpu_memory_used_bytes", "gpu_power_watts"):
            told = [one for one in batch.columns if one.metric == metric]
            assert len(told) == 8
            assert not any(math.isnan(value) for one in told for value in one.values)


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.model)
@pytest.mark.parametrize("level", [-1, 0, 60, 97])
def test_curves_stay_within_what_the_card_does(card: object, level: int) -> None:
    card = CARD_OF[card.model]  # type: ignore[attr-defined]
    found = curves(card, level)
    assert len(found.utilization) == LENGTH + LONGEST
    assert min(found.utilization) >= 0 and max(found.utilization) <= 100
    assert max(found.temperature) < 88 and min(found.temperature) > 20
    assert min(found.power) > 0 and max(found.power) < card.most_watts + 10
    assert [float(value <= 5) for value in found.utilization] == list(found.idle)
    assert (sum(found.idle) == len(found.idle)) == (level <= 0)
    if level == 97:
        hot = curves(card, level, hot=True).temperature
        assert sum(value > 88 for value in hot) > 0.8 * len(hot)
