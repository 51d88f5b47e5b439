"""What to do so that what runs becomes what is wanted."""

import pytest
from tests.agent.link.wants import GPUS, attempt, desired, wanted

from sentinel.agent.link.attempt import Phase
from sentinel.agent.link.reconcile import HoldOff, Launch, Say, Stop, reconcile
from sentinel.agent.link.report import Kind
from sentinel.core.job import JobState


def held(*attempts: object) -> dict[str, object]:
    return {one.token: one for one in attempts}


def test_what_is_allocated_and_not_here_is_launched_in_time() -> None:
    job = wanted()
    (action,) = reconcile(desired(job, asked_at=100.0), {}, (), 159.9)
    assert action == Launch(wanted=job, begin_by=160.0)
    assert reconcile(desired(job, asked_at=100.0), {}, (), 160.0) == [], "too late to begin"


@pytest.mark.parametrize("phase", list(Phase))
def test_what_is_here_is_not_launched_again(phase: Phase) -> None:
    assert reconcile(desired(wanted()), held(attempt(phase=phase)), (), 1.0) == []


def test_what_is_over_with_is_not_launched_again_by_a_late_answer() -> None:
    assert reconcile(desired(wanted()), {}, {"t-j1"}, 1.0) == []


@pytest.mark.parametrize("state", [JobState.STARTING, JobState.RUNNING, JobState.LOST])
def test_what_ran_already_and_is_gone_is_not_run_twice(state: JobState) -> None:
    assert reconcile(desired(wanted(state=state)), {}, (), 1.0) == []


def test_a_gpu_that_an_earlier_attempt_still_has_is_waited_for() -> None:
    old, new = attempt("old"), wanted("new")
    assert reconcile(desired(new), held(old), (), 1.0) == [HoldOff(token="t-new", behind="t-old")]
    over = attempt("old", Phase.EXITED)
    assert isinstance(reconcile(desired(new), held(over), (), 1.0)[0], Launch)


def test_a_gpu_that_a_job_has_which_the_controller_does_not_know_is_not_waited_for() -> None:
    (action,) = reconcile(desired(wanted("new")), held(attempt("old", unknown=True)), (), 1.0)
    assert isinstance(action, Say) and action.report.kind is Kind.REFUSED
    assert not action.report.body["final"] and "job old" in action.report.body["why"]


def test_two_that_want_the_same_gpu_do_not_both_begin() -> None:
    first, second, other = wanted("a"), wanted("b"), wanted("c", gpus=(GPUS[1],))
    kinds = [type(one) for one in reconcile(desired(first, second, other), {}, (), 1.0)]
    assert kinds == [Launch, HoldOff, Launch]


def share(job: str, milli: int, **more: object) -> object:
    return wanted(job, spec={"gpu_milli": milli}, **more)


def test_shares_of_one_gpu_begin_as_long_as_they_fit() -> None:
    jobs = [share("a", 500), share("b", 300), share("c", 300), share("d", 200)]
    assert [type(one) for one in reconcile(desired(*jobs), {}, (), 1.0)] == [Launch, Launch, HoldOff, Launch]
    assert [type(one) for one in reconcile(desired(wanted("a"), share("b", 1)), {}, (), 1.0)] == [
        Launch,
        HoldOff,
    ]


def test_a_share_waits_for_a_whole_attempt_and_whose_share_is_not_known_has_the_whole() -> None:
    new = share("new", 500)
    for old, expected in (
        (attempt("old"), HoldOff),
        (attempt("old", milli=1000), HoldOff),
        (attempt("old", milli=501), HoldOff),
        (attempt("old", milli=500), Launch),
        (attempt("old", Phase.EXITED), Launch),
    ):
        (action,) = reconcile(desired(new), held(old), (), 1.0)
        assert type(action) is expected, old
    runs = share("old", 500, state=JobState.RUNNING)
    (action,) = reconcile(desired(runs, new), held(attempt("old")), (), 1.0)
    assert isinstance(action, Launch), "its spec says what it has"


def test_a_share_is_refused_where_one_of_several_is_not_known_to_the_controller() -> None:
    there = held(attempt("stray", unknown=True, milli=600), attempt("ours", milli=400))
    (action,) = reconcile(desired(share("new", 500)), there, (), 1.0)
    assert isinstance(action, Say) and "job stray" in action.report.body["why"]


def test_what_is_to_make_room_is_told_so() -> None:
    stop = wanted(run=False, preempt=True, why="for job b", spec={"grace": 60})
    (action,) = reconcile(desired(stop), held(attempt()), (), 1.0)
    assert action == Stop(token="t-j1", why="for job b", grace=60.0, preempt=True)


def test_what_is_to_end_is_told_once() -> None:
    stop = wanted(run=False, why="canceled by ada", spec={"grace": 5})
    (action,) = reconcile(desired(stop), held(attempt()), (), 1.0)
    assert action == Stop(token="t-j1", why="canceled by ada", grace=5.0)
    assert reconcile(desired(stop), held(attempt(stop_told=True)), (), 1.0) == []
    assert reconcile(desired(stop), held(attempt(phase=Phase.EXITED)), (), 1.0) == []


def test_what_is_to_end_and_never_began_is_refused_and_what_is_gone_said_to_be() -> None:
    (never,) = reconcile(desired(wanted(run=False)), {}, (), 1.0)
    assert isinstance(never, Say) and never.report.kind is Kind.REFUSED
    (gone,) = reconcile(desired(wanted(run=False, state=JobState.RUNNING)), {}, (), 1.0)
    assert isinstance(gone, Say) and gone.report.kind is Kind.GONE
    assert reconcile(desired(wanted(run=False)), {}, {"t-j1"}, 1.0) == []


def test_what_runs_and_is_not_wanted_is_left_to_the_controllers_word() -> None:
    assert reconcile(desired(), held(attempt()), (), 1.0) == []
