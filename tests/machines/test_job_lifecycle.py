"""The life of a job by its table: every move there is can be reached, and nothing ever leaves it."""

from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel.core.job import Cancel, IfLost, Job, JobSpec, JobState, Placement
from sentinel.scheduling.lifecycle import (
    TABLE,
    Allocate,
    CancelAsked,
    Exited,
    Fenced,
    Found,
    Gone,
    Illegal,
    Input,
    Move,
    Refused,
    Running,
    Silence,
    Starting,
    move,
    submitted,
)

TOKEN = "now"
HERE = Placement(node="n", gpus=("g0",), token=TOKEN)
ELSEWHERE = Placement(node="m", gpus=("h0",), token="later")
ASKED = Cancel(by="bob", at=1.0)
VERBS = {state: state.value.lower() for state in JobState} | {JobState.QUEUED: "requeued"}


def job(state: JobState, *, cancel: Cancel | None = None, **spec: Any) -> Job:
    return Job(
        id="j",
        owner="alice",
        spec=JobSpec(command=("true",), cwd="/", **spec),
        submitted_at=0.0,
        state=state,
        attempt=0 if state is JobState.QUEUED else 1,
        placement=HERE if state.placed else None,
        started_at=1.0 if state is JobState.RUNNING else None,
        cancel=cancel,
    )


def inputs(token: str) -> list[Input]:
    return [
        Allocate(placement=replace(HERE, token=token), node_name="n"),
        CancelAsked(cancel=ASKED),
        Found(placement=ELSEWHERE, node_name="m", attempt=7),
        Found(placement=ELSEWHERE, node_name="m", attempt=0),
        Starting(token=token),
        Running(token=token, started_at=5.0),
        Running(token=token),
        Exited(token=token, exit_code=0, signal=None),
        Exited(token=token, exit_code=3, signal=None, started_at=4.0, ended_at=6.0),
        Exited(token=token, exit_code=None, signal=9, stopped=True),
        Exited(token=token, exit_code=0, signal=None, stopped=True),
        Exited(token=token, exit_code=None, signal=None, why="the machine was restarted"),
        Refused(token=token, why="no room"),
        Refused(token=token, why="no such folder", final=True),
        Silence(token=token, why="silent"),
        Gone(token=token, why="gone"),
    ]


JOBS = [
    replace(job(state, cancel=cancel, if_lost=if_lost), started_at=began)
    for state, cancel, if_lost, began in product(JobState, (None, ASKED), IfLost, (None, 1.0))
]


def made_of(what: Job, told: Input) -> Move | None:
    try:
        return move(what, told, 10.0)
    except (Illegal, Fenced):
        return None


def test_every_move_of_the_table_can_be_reached_and_nothing_leaves_it() -> None:
    reached = {
        (before.state, made.job.state)
        for before in JOBS
        for told in inputs(TOKEN)
        if (made := made_of(before, told)) is not None and made.job.state is not before.state
    }
    reached |= {
        (JobState.LOST, JobState.LOST)
        for told in inputs(TOKEN)
        if isinstance(told, Found) and made_of(job(JobState.LOST), told) is not None
    }
    assert reached == TABLE


def test_every_state_can_be_reached_from_the_first_and_every_end_is_one() -> None:
    known = {JobState.QUEUED}
    while more := {after for before, after in TABLE if before in known} - known:
        known |= more
    assert known == set(JobState)
    assert not {before for before, _ in TABLE if before.ended}


@pytest.mark.parametrize("told", inputs(TOKEN), ids=repr)
def test_a_move_has_its_event_and_a_lease_exactly_while_it_is_placed(told: Input) -> None:
    for before in JOBS:
        made = made_of(before, told)
        if made is not None:
            it_is_whole(before, made)


def it_is_whole(before: Job, made: Move) -> None:
    after = made.job
    assert (after.placement is not None) == after.state.placed
    assert (after.ended_at is not None) == after.state.ended
    assert [fact.data["state"] for fact in made.facts] == [after.state.value]
    if after.state is before.state and after.placement == before.placement:
        assert [fact.type for fact in made.facts] == ["sentinel.job.cancel-requested"]
        assert after.cancel == ASKED
    else:
        assert [fact.type for fact in made.facts] == [f"sentinel.job.{VERBS[after.state]}"]
        assert [fact.data["from"] for fact in made.facts] == [before.state.value]
    let_go = before.placement is not None and after.placement != before.placement
    assert made.frees == (TOKEN if let_go else None)
    if after.state is JobState.ALLOCATED and before.state is JobState.QUEUED:
        assert after.attempt == before.attempt + 1
    assert (after.id, after.spec) == (before.id, before.spec)


def test_what_is_told_of_another_attempt_changes_nothing() -> None:
    for before, told in product(JOBS, inputs("another")):
        if not isinstance(told, Allocate | CancelAsked | Found):
            with pytest.raises(Fenced):
                move(before, told, 10.0)


@settings(max_examples=300)
@given(st.data())
def test_told_twice_is_told_once(data: st.DataObject) -> None:
    before = data.draw(st.sampled_from(JOBS))
    told = data.draw(st.sampled_from(inputs(TOKEN)))
    first = made_of(before, told)
    if first is None or isinstance(told, Allocate):
        return
    second = made_of(first.job, told)
    assert second is None, "it has ended, its attempt is over, or it is so already"


def moved(before: Job, told: Input) -> Job:
    made = move(before, told, 10.0)
    assert made is not None
    return made.job


def test_an_exit_code_is_what_the_node_saw_or_null_with_the_reason() -> None:
    running = job(JobState.RUNNING)
    ended = moved(running, Exited(token=TOKEN, exit_code=3, signal=None, ended_at=9.0))
    assert (ended.state, ended.exit_code, ended.reason, ended.ended_at) == (
        JobState.FAILED,
        3,
        "exit code 3",
        9.0,
    )
    killed = moved(running, Exited(token=TOKEN, exit_code=None, signal=9))
    assert (killed.state, killed.signal, killed.reason) == (JobState.FAILED, 9, "ended by signal 9")
    unseen = moved(running, Exited(token=TOKEN, exit_code=None, signal=None, why="its supervisor was killed"))
    assert (unseen.state, unseen.exit_code, unseen.signal) == (JobState.FAILED, None, None)
    assert unseen.reason == "its supervisor was killed"


def test_a_cancel_is_honoured_only_if_it_ended_the_job() -> None:
    running = job(JobState.RUNNING, cancel=ASKED)
    by_itself = moved(running, Exited(token=TOKEN, exit_code=0, signal=None))
    assert by_itself.state is JobState.SUCCEEDED
    stopped = moved(running, Exited(token=TOKEN, exit_code=0, signal=None, stopped=True))
    assert (stopped.state, stopped.reason) == (JobState.CANCELED, "canceled by bob")
    limit = moved(
        job(JobState.RUNNING), Exited(token=TOKEN, exit_code=0, signal=None, stopped=True, why="time limit")
    )
    assert (limit.state, limit.exit_code, limit.reason) == (JobState.FAILED, 0, "time limit")


def test_a_refusal_sends_back_to_the_queue_and_is_counted_until_it_runs() -> None:
    back = moved(job(JobState.ALLOCATED), Refused(token=TOKEN, why="no room"))
    assert (back.state, back.refusals, back.reason) == (JobState.QUEUED, 1, "no room")
    again = moved(moved(back, Allocate(placement=HERE, node_name="n")), Refused(token=TOKEN, why="no room"))
    assert again.refusals == 2
    runs = moved(moved(again, Allocate(placement=HERE, node_name="n")), Running(token=TOKEN))
    assert (runs.refusals, runs.started_at, runs.attempt) == (0, 10.0, 3)
    assert moved(job(JobState.STARTING), Refused(token=TOKEN, why="x", final=True)).state is JobState.FAILED
    assert (
        moved(job(JobState.STARTING, cancel=ASKED), Refused(token=TOKEN, why="x")).state is JobState.CANCELED
    )


@pytest.mark.parametrize(
    ("if_lost", "state"),
    [(IfLost.REQUEUE, JobState.QUEUED), (IfLost.FENCE, JobState.QUEUED), (IfLost.KEEP, JobState.FAILED)],
)
def test_what_becomes_of_a_job_that_is_gone_is_as_it_asked(if_lost: IfLost, state: JobState) -> None:
    gone = moved(job(JobState.LOST, if_lost=if_lost), Gone(token=TOKEN, why="the node came back without it"))
    assert gone.state is state
    assert "the node came back without it" in gone.reason
    assert gone.refusals == 0, "it may have run: that is no refusal"


def test_a_late_report_amends_a_lost_job() -> None:
    lost = moved(job(JobState.RUNNING), Silence(token=TOKEN, why="silent"))
    assert lost.placement == HERE, "it may run still"
    assert moved(lost, Running(token=TOKEN, started_at=1.0)).state is JobState.RUNNING
    assert moved(lost, Exited(token=TOKEN, exit_code=0, signal=None)).state is JobState.SUCCEEDED
    assert move(lost, Starting(token=TOKEN), 10.0) is None, "an old word: it has run"
    assert moved(replace(lost, started_at=None), Starting(token=TOKEN)).state is JobState.STARTING


def test_a_later_attempt_that_is_found_takes_the_place_of_the_one_that_the_store_knew() -> None:
    found = moved(job(JobState.RUNNING), Found(placement=ELSEWHERE, node_name="m", attempt=2))
    assert (found.state, found.attempt, found.placement, found.node) == (JobState.LOST, 2, ELSEWHERE, "m")
    with pytest.raises(Fenced):
        move(job(JobState.RUNNING), Found(placement=ELSEWHERE, node_name="m", attempt=1), 10.0)
    with pytest.raises(Fenced):
        move(job(JobState.FAILED), Found(placement=ELSEWHERE, node_name="m", attempt=9), 10.0)


def test_the_first_event_tells_nothing_that_is_its_owners_alone() -> None:
    told = submitted(replace(job(JobState.QUEUED), spec=JobSpec(command=("secret",), cwd="/home/secret")))
    assert told.type == "sentinel.job.submitted"
    assert "secret" not in repr(told)
