"""The life of a job by its table: every move there is can be reached, and nothing ever leaves it."""

from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel.core.job import After, AfterKind, Cancel, IfLost, Job, JobSpec, JobState, Placement, Rank
from sentinel.scheduling.lifecycle import (
    TABLE,
    Allocate,
    CancelAsked,
    Exited,
    Fenced,
    Found,
    Freed,
    Gathered,
    Gone,
    Illegal,
    Input,
    Move,
    PreemptAsked,
    Refused,
    Running,
    Satisfied,
    Silence,
    Starting,
    allocated,
    move,
    submitted,
)

TOKEN = "now"
HERE = Placement(node="n", gpus=("g0",), token=TOKEN)
ELSEWHERE = Placement(node="m", gpus=("h0",), token="later")
ASKED = Cancel(by="bob", at=1.0)
ROOM = Cancel(by="controller", at=1.0, why="job x needs its GPUs")
WAITS = After(job="earlier", kind=AfterKind.OK)
VERBS = {state: state.value.lower() for state in JobState} | {JobState.QUEUED: "requeued"}


def job(
    state: JobState,
    *,
    cancel: Cancel | None = None,
    preempt: Cancel | None = None,
    part: Rank | None = None,
    **spec: Any,
) -> Job:
    return Job(
        id="j",
        owner="alice",
        spec=JobSpec(command=("true",), cwd="/", **spec),
        submitted_at=0.0,
        state=state,
        attempt=0 if state is JobState.QUEUED else 1,
        placement=HERE if state.placed else None,
        allocated_at=2.0 if state.placed else None,
        started_at=1.0 if state is JobState.RUNNING else None,
        cancel=cancel,
        preempt=preempt if state.placed else None,
        part=part,
    )


def gang(state: JobState, *, cancel: Cancel | None = None, preempt: Cancel | None = None, **spec: Any) -> Job:
    """It has no lease in any state."""
    made = job(state, cancel=cancel, preempt=preempt, nodes=2, **spec)
    return replace(made, placement=None, allocated_at=None)


def inputs(token: str) -> list[Input]:
    return [
        Allocate(placement=replace(HERE, token=token), node_name="n"),
        CancelAsked(cancel=ASKED),
        PreemptAsked(cancel=ROOM),
        Satisfied(after=()),
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


def gang_inputs() -> list[Input]:
    return [
        Allocate(placement=None, node_name="n,m", gpus=("g0", "h0")),
        Found(placement=None, node_name="m", attempt=7),
        CancelAsked(cancel=ASKED),
        PreemptAsked(cancel=ROOM),
        Satisfied(after=()),
        *(gathered(state) for state in JobState),
    ]


def gathered(state: JobState, **more: Any) -> Gathered:
    end = {"ended_at": 9.0} if state.ended else {}
    return Gathered(state=state, node="n,m", gpus=("g0", "h0"), **end, **more)


ASKS = ((None, None), (ASKED, None), (None, ROOM), (ASKED, ROOM))
JOBS = [
    replace(job(state, cancel=cancel, preempt=preempt, if_lost=if_lost, retries=retries), started_at=began)
    for state, (cancel, preempt), if_lost, retries, began in product(
        JobState, ASKS, IfLost, (0, 1), (None, 1.0)
    )
]
JOBS.append(replace(job(JobState.QUEUED), after=(WAITS,)))
GANGS = [gang(state, cancel=cancel, preempt=preempt) for state, (cancel, preempt) in product(JobState, ASKS)]
PARTS = [replace(one, part=Rank(of="g", rank=0, size=2)) for one in JOBS if one.state is not JobState.QUEUED]
ALL = [*JOBS, *GANGS, *PARTS]


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


def test_a_gang_and_a_part_keep_to_the_table() -> None:
    for before, told in [*product(GANGS, gang_inputs()), *product(PARTS, inputs(TOKEN))]:
        made = made_of(before, told)
        if made is not None and made.job.state is not before.state:
            assert (before.state, made.job.state) in TABLE


def test_every_input_moves_something() -> None:
    for told in [*inputs(TOKEN), *gang_inputs()]:
        of_an_earlier_attempt = isinstance(told, Found) and told.attempt == 0
        assert any(made_of(before, told) for before in ALL) is not of_an_earlier_attempt, told


@pytest.mark.parametrize("told", [*inputs(TOKEN), *gang_inputs()], ids=repr)
def test_a_move_has_its_event_and_a_lease_exactly_while_it_is_placed(told: Input) -> None:
    for before in ALL:
        made = made_of(before, told)
        if made is not None:
            it_is_whole(before, made)


def it_is_whole(before: Job, made: Move) -> None:
    after = made.job
    leased = after.state.placed and after.spec.nodes == 1
    assert (after.placement is not None) == (after.allocated_at is not None) == leased
    assert (after.ended_at is not None) == after.state.ended
    assert after.state is not JobState.QUEUED or after.preempt is None
    assert [fact.data["state"] for fact in made.facts] in ([after.state.value], [])
    types = [fact.type.removeprefix("sentinel.job.") for fact in made.facts]
    if after.state is before.state and (after.attempt, after.placement) == (before.attempt, before.placement):
        asked = {"cancel-requested": after.cancel == ASKED, "preempt-requested": after.preempt == ROOM}
        asked["released"] = before.after != after.after == ()
        assert all(asked[one] for one in types)
        assert len(types) == (after.stop != before.stop or after.after != before.after)
    else:
        assert types == [VERBS[after.state]]
        assert [fact.data["from"] for fact in made.facts] == [before.state.value]
    let_go = before.placement is not None and after.placement != before.placement
    assert made.frees == (Freed(token=TOKEN, gpus=1, since=2.0) if let_go else None)
    if after.state is JobState.ALLOCATED and before.state is JobState.QUEUED:
        assert after.attempt == before.attempt + 1
    if after.part is not None:
        assert after.state is not JobState.QUEUED
        assert all(fact.data["part_of"] == "g" for fact in made.facts)
    assert (after.id, after.spec) == (before.id, before.spec)


def test_what_is_told_of_another_attempt_changes_nothing() -> None:
    for before, told in product(ALL, inputs("another")):
        if not isinstance(told, Allocate | CancelAsked | PreemptAsked | Satisfied | Found):
            with pytest.raises(Fenced):
                move(before, told, 10.0)


@settings(max_examples=300)
@given(st.data())
def test_told_twice_is_told_once(data: st.DataObject) -> None:
    before = data.draw(st.sampled_from(ALL))
    told = data.draw(st.sampled_from([*inputs(TOKEN), *gang_inputs()]))
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


# ------------------------------------------------------------------ tried again


def failed(code: int | None = 3, signal: int | None = None, **more: Any) -> Exited:
    return Exited(token=TOKEN, exit_code=code, signal=signal, **more)


def test_a_job_that_failed_by_itself_is_tried_again_as_often_as_it_asked() -> None:
    running = job(JobState.RUNNING, retries=2)
    made = move(running, failed(ended_at=9.0), 10.0)
    assert made is not None
    again = made.job
    assert (again.state, again.failures, again.exit_code, again.ended_at) == (JobState.QUEUED, 1, None, None)
    assert again.reason == "exit code 3; tried again (1 of 2)"
    (fact,) = made.facts
    assert (fact.type, fact.data["exit_code"]) == ("sentinel.job.requeued", 3)
    killed = moved(replace(running, failures=1), failed(None, 11))
    assert (killed.state, killed.reason) == (JobState.QUEUED, "ended by signal 11; tried again (2 of 2)")
    last = moved(replace(running, failures=2), failed())
    assert (last.state, last.exit_code, last.reason) == (JobState.FAILED, 3, "exit code 3")


@pytest.mark.parametrize(
    ("told", "spec", "cancel"),
    [
        (failed(3), {"retry_codes": (75,)}, None),
        (failed(None, 11), {"retry_codes": (75,)}, None),
        (failed(3), {"retries": 0}, None),
        (failed(3), {}, ASKED),
        (failed(143, stopped=True, why="time limit"), {}, None),
        (failed(None, why="its supervisor was killed"), {}, None),
    ],
)
def test_what_is_not_tried_again(told: Exited, spec: dict[str, Any], cancel: Cancel | None) -> None:
    asked: dict[str, Any] = {"retries": 2, **spec}
    ended = moved(job(JobState.RUNNING, cancel=cancel, **asked), told)
    assert (ended.state, ended.failures) == (JobState.FAILED, 0)


def test_only_the_exit_codes_that_were_named_are_tried_again() -> None:
    assert moved(job(JobState.RUNNING, retries=1, retry_codes=(3, 75)), failed(3)).state is JobState.QUEUED


# ------------------------------------------------------------------ making room


def test_a_job_that_was_stopped_to_make_room_is_queued_again_whatever_its_exit_code() -> None:
    asked = moved(job(JobState.RUNNING), PreemptAsked(cancel=ROOM))
    assert (asked.state, asked.preempt, asked.placement) == (JobState.RUNNING, ROOM, HERE)
    for told in (failed(0, stopped=True), failed(1, stopped=True), failed(None, 9, stopped=True)):
        back = moved(asked, told)
        assert (back.state, back.preemptions, back.failures) == (JobState.QUEUED, 1, 0)
        assert (back.preempt, back.reason, back.exit_code) == (None, "job x needs its GPUs", None)


def test_one_that_ended_by_itself_before_has_its_own_end() -> None:
    asked = job(JobState.RUNNING, preempt=ROOM)
    assert moved(asked, failed(0)).state is JobState.SUCCEEDED
    assert moved(asked, failed(3)).state is JobState.FAILED
    retried = moved(job(JobState.RUNNING, preempt=ROOM, retries=1), failed(3))
    assert (retried.state, retried.failures, retried.preempt) == (JobState.QUEUED, 1, None)


def test_one_that_had_not_begun_makes_room_without_a_refusal() -> None:
    back = moved(job(JobState.ALLOCATED, preempt=ROOM), Refused(token=TOKEN, why="called off"))
    assert (back.state, back.preemptions, back.refusals) == (JobState.QUEUED, 1, 0)


def test_a_cancel_is_more_than_a_wish_for_room() -> None:
    both = moved(job(JobState.RUNNING, preempt=ROOM), CancelAsked(cancel=ASKED))
    assert both.stop == ASKED
    assert moved(both, failed(None, 15, stopped=True)).state is JobState.CANCELED
    assert move(job(JobState.RUNNING, cancel=ASKED), PreemptAsked(cancel=ROOM), 10.0) is None
    for state in (JobState.QUEUED, JobState.FAILED):
        with pytest.raises(Illegal):
            move(job(state), PreemptAsked(cancel=ROOM), 10.0)


def test_what_was_asked_of_an_earlier_attempt_is_not_asked_of_one_that_is_found() -> None:
    found = Found(placement=ELSEWHERE, node_name="m", attempt=2)
    assert moved(job(JobState.RUNNING, preempt=ROOM), found).preempt is None


# ------------------------------------------------------------------ waiting for others


def test_a_job_that_waits_for_another_is_not_allocated() -> None:
    waiting = replace(job(JobState.QUEUED), after=(WAITS,))
    give = Allocate(placement=HERE, node_name="n")
    with pytest.raises(Illegal):
        move(waiting, give, 10.0)
    free = moved(waiting, Satisfied(after=()))
    assert free.state is JobState.QUEUED
    assert moved(free, give).state is JobState.ALLOCATED
    with pytest.raises(Illegal):
        move(job(JobState.RUNNING), Satisfied(after=()), 10.0)


def test_only_the_last_of_what_it_waits_for_makes_an_event() -> None:
    other = replace(WAITS, job="other")
    made = move(replace(job(JobState.QUEUED), after=(WAITS, other)), Satisfied(after=(other,)), 10.0)
    assert made is not None
    assert (made.job.after, made.facts) == ((other,), ())


# ------------------------------------------------------------------ gangs and their parts


@pytest.mark.parametrize(
    ("told", "counted"),
    [
        (Refused(token=TOKEN, why="no room"), {"refusals": 1}),
        (Gone(token=TOKEN, why="rebooted"), {}),
    ],
)
def test_what_would_queue_another_job_again_ends_a_part(told: Input, counted: dict[str, int]) -> None:
    part = moved(job(JobState.ALLOCATED, part=Rank(of="g", rank=1, size=2)), told)
    counts = {name: getattr(part, name) for name in ("refusals", "preemptions", "failures")}
    assert (part.state, part.again, part.ended_at) == (JobState.FAILED, True, 10.0)
    assert counts == {"refusals": 0, "preemptions": 0, "failures": 0} | counted


def test_a_part_says_how_its_end_came_about() -> None:
    part = job(JobState.RUNNING, part=Rank(of="g", rank=1, size=2), retries=5)
    own = moved(part, failed(3))
    assert (own.state, own.again, own.failures, own.exit_code) == (JobState.FAILED, False, 1, 3)
    room = moved(replace(part, preempt=ROOM), failed(143, stopped=True))
    assert (room.state, room.again, room.preemptions, room.exit_code) == (JobState.FAILED, True, 1, 143)
    limit = moved(part, failed(143, stopped=True, why="time limit"))
    assert (limit.again, limit.failures) == (False, 0)
    kept = job(JobState.RUNNING, part=Rank(of="g", rank=1, size=2), if_lost=IfLost.KEEP)
    assert not moved(kept, Gone(token=TOKEN, why="rebooted")).again


def test_a_gang_has_no_placement_and_another_job_one() -> None:
    waiting = gang(JobState.QUEUED)
    given = moved(waiting, Allocate(placement=None, node_name="n,m", gpus=("g0", "h0")))
    assert (given.state, given.attempt, given.node, given.gpus) == (
        JobState.ALLOCATED,
        1,
        "n,m",
        ("g0", "h0"),
    )
    with pytest.raises(Illegal):
        move(waiting, Allocate(placement=HERE, node_name="n"), 10.0)
    with pytest.raises(Illegal):
        move(job(JobState.QUEUED), Allocate(placement=None, node_name="n"), 10.0)


def test_what_parts_come_to_is_for_gangs_that_were_placed() -> None:
    running = gathered(JobState.RUNNING, started_at=5.0, failures=1)
    became = moved(gang(JobState.STARTING), running)
    assert (became.state, became.started_at, became.failures) == (JobState.RUNNING, 5.0, 1)
    assert move(became, running, 11.0) is None
    says = move(became, replace(running, reason="rank 0 on n: waits"), 11.0)
    assert says is not None
    assert (says.job.reason, says.facts) == ("rank 0 on n: waits", ())
    for not_so in (job(JobState.RUNNING), gang(JobState.QUEUED), gang(JobState.FAILED)):
        with pytest.raises(Illegal):
            move(not_so, running, 10.0)


def test_the_first_event_of_a_part_names_its_gang() -> None:
    told = allocated(job(JobState.ALLOCATED, part=Rank(of="g", rank=1, size=2)))
    assert (told.type, told.data["part_of"]) == ("sentinel.job.allocated", "g")
