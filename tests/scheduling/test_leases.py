"""The watch: what is concluded from counts that move or stand still, and when."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from tests.scheduling.cluster import node, placed, snapshot

from sentinel.core.job import IfLost, Job, JobState
from sentinel.core.node import NodeState
from sentinel.scheduling.leases import (
    Finding,
    Judgement,
    Sightings,
    Terms,
    all_heard_of,
    judge,
    look,
    terms_for,
)
from sentinel.scheduling.lifecycle import Gone, Silence
from sentinel.scheduling.snapshot import Snapshot

TERMS = Terms()


class Watch:
    """Counts over time, looked at whenever a test says so."""

    def __init__(self, *things: object) -> None:
        self.snapshot: Snapshot = snapshot(*things)  # type: ignore[arg-type]
        self.nodes = dict.fromkeys(self.snapshot.nodes, 1)
        self.leases = {f"token-{job}": 0 for job in self.snapshot.jobs}
        self.seen = Sightings()

    def at(self, now: float, *, nodes: Mapping[str, int] | None = None, renew: str = "") -> Judgement:
        self.nodes.update(nodes or {})
        if renew:
            self.leases[f"token-{renew}"] += 1
        self.seen = look(self.seen, self.snapshot, self.nodes, self.leases, now)
        return judge(self.snapshot, self.seen, now, TERMS)

    def becomes(self, job: Job) -> None:
        self.snapshot.take(jobs=[job])


def job(state: JobState = JobState.RUNNING, **more: object) -> Job:
    return placed("j", "n", ["n-0"], state=state, **more)  # type: ignore[arg-type]


def test_a_node_is_silent_once_its_count_stood_still() -> None:
    w = Watch(node("n"))
    assert not w.at(0.0)
    assert not w.at(34.0)
    assert w.at(35.0).silent == {"n": 1}
    assert not w.at(36.0, nodes={"n": 2})
    assert w.at(80.0).silent == {"n": 2}


def test_a_node_that_just_came_up_is_fresh_though_its_count_has_not_moved_yet() -> None:
    w = Watch(node("n", state=NodeState.SILENT))
    w.at(0.0)
    assert not w.at(100.0)
    w.snapshot.take(nodes=[node("n")])
    assert not w.at(101.0)
    assert not w.at(130.0)
    assert w.at(136.0)


@pytest.mark.parametrize("state", [JobState.ALLOCATED, JobState.STARTING, JobState.RUNNING])
def test_a_lease_that_nothing_names_makes_its_job_lost(state: JobState) -> None:
    w = Watch(node("n"), job(state))
    w.at(0.0)
    assert w.at(69.0).findings == ()
    (found,) = w.at(70.0).findings
    assert isinstance(found.what, Silence)
    assert (found.job, found.count, found.what.token) == ("j", 0, "token-j")
    assert "not been heard of for 1 min 10 s" in found.what.why


def test_a_lease_that_is_named_lasts() -> None:
    w = Watch(node("n"), job())
    for now in range(0, 500, 60):
        assert w.at(float(now), renew="j").findings == ()


def test_a_report_is_as_good_as_a_beat() -> None:
    w = Watch(node("n"), job(JobState.ALLOCATED, revision=5))
    w.at(0.0)
    w.becomes(job(JobState.STARTING, revision=6))
    w.at(50.0)
    assert w.at(110.0).findings == ()
    assert w.at(120.0).findings != ()


def test_a_node_that_beats_and_does_not_name_a_job_is_told_of_as_such() -> None:
    for state, words in ((JobState.RUNNING, "cannot say whether it runs"), (JobState.ALLOCATED, "in time")):
        w = Watch(node("n"), job(state))
        for n in range(8):
            found = w.at(n * 10.0, nodes={"n": n + 2})
        (finding,) = found.findings
        assert words in finding.what.why
        assert not found.silent


@pytest.mark.parametrize("if_lost", [IfLost.REQUEUE, IfLost.KEEP])
def test_a_lost_job_stays_lost_however_long_its_node_is_silent(if_lost: IfLost) -> None:
    w = Watch(node("n"), job(JobState.LOST, if_lost=if_lost))
    w.at(0.0)
    assert w.at(1e6).findings == ()


def test_a_fenced_job_is_gone_after_its_lease_its_grace_and_the_margin() -> None:
    w = Watch(node("n"), job(if_lost=IfLost.FENCE, grace=30.0))
    w.at(0.0, renew="j")
    assert isinstance(w.at(70.0).findings[0].what, Silence)
    w.becomes(job(JobState.LOST, if_lost=IfLost.FENCE, grace=30.0, revision=9))
    assert w.at(99.0).findings == ()
    (found,) = w.at(100.0).findings
    assert found == Finding(job="j", count=1, what=found.what)
    assert isinstance(found.what, Gone)


def test_a_fenced_job_that_no_beat_ever_named_may_have_been_launched_until_it_was_lost() -> None:
    w = Watch(node("n"), job(JobState.ALLOCATED, if_lost=IfLost.FENCE, grace=30.0))
    w.at(0.0)
    w.at(100.0)
    w.becomes(job(JobState.LOST, if_lost=IfLost.FENCE, grace=30.0))
    w.at(110.0)
    assert w.at(110.0 + 60 + 60 + 30 + 9).findings == ()
    assert len(w.at(110.0 + 60 + 60 + 30 + 10).findings) == 1


def test_a_lost_job_that_is_named_again_begins_anew() -> None:
    lost = job(JobState.LOST, if_lost=IfLost.FENCE, grace=0.0)
    w = Watch(node("n"), lost)
    w.at(0.0, renew="j")
    w.at(60.0, renew="j")
    assert w.at(129.0).findings == ()
    assert len(w.at(130.0).findings) == 1


def test_a_lease_that_the_store_does_not_have_any_more_is_nothing_to_judge() -> None:
    w = Watch(node("n"), job())
    w.leases.clear()
    w.at(0.0)
    assert w.at(100.0).findings == ()


def test_after_a_restore_all_nodes_but_the_dead_must_have_moved() -> None:
    w = Watch(node("a"), node("b"), node("c", state=NodeState.DEAD))
    w.at(0.0)
    assert not all_heard_of(w.snapshot, w.seen)
    w.at(1.0, nodes={"a": 2})
    assert not all_heard_of(w.snapshot, w.seen)
    w.at(2.0, nodes={"b": 2})
    assert all_heard_of(w.snapshot, w.seen)
    w.snapshot.take(nodes=[replace(node("d"), id="d")])
    assert not all_heard_of(w.snapshot, w.seen)


def test_shorter_leases_have_everything_shorter_and_longer_ones_only_a_longer_margin() -> None:
    short, long = terms_for(6.0), terms_for(600.0)
    assert (short.lease, short.start_within, short.margin, short.silent_after) == (6.0, 6.0, 2.0, 3.5)
    assert (long.lease, long.start_within, long.margin, long.silent_after) == (600.0, 60.0, 100.0, 35.0)
    assert terms_for(60.0) == Terms()


def test_a_fenced_job_may_go_by_a_longer_lease_of_before() -> None:
    w = Watch(node("n"), job(JobState.LOST, if_lost=IfLost.FENCE, grace=30.0))
    w.at(0.0, renew="j")
    terms = terms_for(60.0, former_until=400.0)
    assert judge(w.snapshot, w.seen, 400.0 + 30 + 9, terms).findings == ()
    assert len(judge(w.snapshot, w.seen, 400.0 + 30 + 10, terms).findings) == 1
