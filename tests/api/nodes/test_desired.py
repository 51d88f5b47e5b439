"""What agents are told: words, numbers and environments."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from tests.api.nodes.nodes_fixture import CANCEL, job

from sentinel.api.desired import Told, desired_json, told_from, unbegun
from sentinel.core.job import JobState


@given(st.integers(0, 2**33 - 1), st.integers(0, 2**12 - 1), st.integers(0, 2**8 - 1))
def test_a_told_number_can_be_read_back_and_is_no_float(revision: int, process: int, loose: int) -> None:
    told = Told(revision=revision, process=process, loose=loose)
    assert told_from(told.number()) == told and told.number() < 2**53
    assert Told(revision=revision + 1, process=0, loose=0).number() > told.number()


def test_a_job_to_run() -> None:
    found = desired_json(
        [job(state=JobState.ALLOCATED)],
        {"job0000001": {"A": "1"}},
        revision=7,
        start_within=60,
        attach=[],
        follow=["x"],
    )
    assert found["revision"] == 7 and found["start_within"] == 60 and found["follow"] == ["x"]
    [one] = found["jobs"]
    assert one["spec"]["command"] == ["true"]
    del one["spec"]
    assert one == {
        "job": "job0000001",
        "attempt": 1,
        "token": "t1",
        "want": "run",
        "preempt": False,
        "why": "",
        "owner": "ada",
        "gpus": ["GPU-0"],
        "environment": {"A": "1"},
        "state": "ALLOCATED",
    }


def test_a_canceled_one_is_to_stop_and_says_why() -> None:
    canceled = replace(job(state=JobState.RUNNING), cancel=CANCEL)
    [one] = desired_json([canceled], {}, revision=1, start_within=60, attach=[], follow=[])["jobs"]
    assert (one["want"], one["why"], one["environment"]) == ("stop", "canceled by bob", {})


def test_one_that_makes_room_is_to_stop_unless_it_is_canceled_anyway() -> None:
    asked = replace(job(state=JobState.RUNNING), preempt=replace(CANCEL, by="controller", why="for job x"))
    both = replace(asked, cancel=CANCEL)
    one, other = desired_json([asked, both], {}, revision=1, start_within=60, attach=[], follow=[])["jobs"]
    assert (one["want"], one["preempt"], one["why"]) == ("stop", True, "for job x")
    assert (other["want"], other["preempt"], other["why"]) == ("stop", False, "canceled by bob")


def test_only_what_is_to_begin_needs_its_environment() -> None:
    jobs = [job(f"job{state.value.lower()}", state) for state in JobState if state.placed]
    assert unbegun(jobs) == ["joballocated"]
    assert unbegun([replace(job(state=JobState.ALLOCATED), cancel=CANCEL)]) == []
    assert unbegun([replace(job(state=JobState.ALLOCATED), preempt=CANCEL)]) == []
