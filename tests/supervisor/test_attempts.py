"""The one table of an attempt's moves, and its deadlines."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.supervisor.attempts import (
    TABLE,
    Attempt,
    Container,
    Ends,
    Exited,
    Follows,
    Happening,
    Illegal,
    Manner,
    Next,
    Phase,
    Refused,
    Running,
    Runs,
    Starting,
    Step,
    Stop,
    Stopping,
    Waiting,
    deadline,
    overdue,
    step,
)
from sentinel.supervisor.records import attempt_from, phase_line, whole_line

RUNS = Runs(pid=7, began=100.0, by=100.1, started_at=1e9)


def attempt(phase: Phase, **fields: object) -> Attempt:
    new = Attempt(
        job="j", attempt=1, token="t", gpus=("G",), grace=5.0, time_limit=None, fence_at=None, phase=phase
    )
    return replace(new, **fields)  # pyright: ignore[reportArgumentType]


def running(**fields: object) -> Attempt:
    return step(attempt(Starting(), **fields), RUNS)


def test_a_job_that_ends_by_itself_was_not_stopped() -> None:
    phase = step(running(), Ends(exit_code=3, ended_at=1e9 + 1)).phase
    assert phase == Exited(exit_code=3, started_at=1e9, ended_at=1e9 + 1)


def test_a_job_that_was_told_to_end_says_why() -> None:
    told = step(running(), Stop(why="canceled", kill_at=110.0))
    assert step(told, Ends(signal=15)).phase == Exited(
        signal=15, why="canceled", stopped=True, started_at=1e9
    )


def test_of_two_stops_the_first_reason_and_the_sooner_end_count() -> None:
    once = step(running(), Stop(why="time limit", kill_at=130.0))
    twice = step(once, Stop(why="canceled", kill_at=105.0))
    assert isinstance(twice.phase, Stopping)
    assert (twice.phase.why, twice.phase.kill_at) == ("time limit", 105.0)
    assert step(twice, Stop(why="again", kill_at=200.0)) == twice


def test_a_checkpoint_comes_before_the_signal_unless_a_plain_stop_comes() -> None:
    asked = step(running(), Stop(why="room", kill_at=130.0, checkpoint=True))
    assert isinstance(asked.phase, Stopping) and asked.phase.step is Step.CHECKPOINT
    runs = step(asked, Next(step=Step.CHECKPOINTING))
    again = step(runs, Stop(why="room", kill_at=140.0, checkpoint=True))
    assert again == runs
    told = step(runs, Next(step=Step.TOLD))
    plain = step(runs, Stop(why="canceled", kill_at=120.0))
    for one, kill_at in ((told, 130.0), (plain, 120.0)):
        assert isinstance(one.phase, Stopping)
        assert (one.phase.step, one.phase.why, one.phase.kill_at) == (Step.TOLD, "room", kill_at)
    with pytest.raises(Illegal):
        step(told, Next(step=Step.CHECKPOINTING))
    with pytest.raises(Illegal):
        step(running(), Next(step=Step.TOLD))


def test_another_that_follows_its_container_moves_no_limit() -> None:
    found = step(running(time_limit=600.0), Follows(pid=9, began=400.0, by=400.1))
    assert found.live is not None
    assert (found.live.pid, found.live.began, found.live.started_at) == (9, 400.0, 1e9)
    assert deadline(found) == 700.0
    assert overdue(step(found, Follows(pid=10, began=650.0, by=650.1)), 700.0)
    with pytest.raises(Illegal):
        step(attempt(Starting()), Follows(pid=9, began=1.0, by=1.0))


def test_how_it_is_ended_and_what_it_runs_in_are_in_the_journal() -> None:
    manner = Manner(stop_signal=10, checkpoint=("a", "b c"), cwd="/x", umask=0o77, uid=5, gid=6, setup=True)
    found = running(manner=manner, container=Container(engine="docker", name="c"))
    assert attempt_from(whole_line(found)) == found
    assert {"manner", "container"}.isdisjoint(whole_line(running())), "a plain job has neither"


def test_an_end_that_nobody_saw_keeps_the_reason_of_a_stop() -> None:
    told = step(running(), Stop(why="canceled", kill_at=110.0))
    phase = step(told, Ends(why="nobody saw it end")).phase
    assert isinstance(phase, Exited)
    assert (phase.exit_code, phase.signal, phase.why) == (None, None, "canceled; nobody saw it end")


def test_what_has_ended_moves_no_more() -> None:
    for over in (step(running(), Ends(exit_code=0)), attempt(Refused(why="no"))):
        for what in (Waiting(why=""), Starting(), RUNS, Stop(why="", kill_at=0), Ends(), Refused(why="")):
            with pytest.raises(Illegal):
                step(over, what)


def test_nothing_is_launched_twice() -> None:
    with pytest.raises(Illegal):
        step(running(), RUNS)
    with pytest.raises(Illegal):
        step(running(), Starting())


@pytest.mark.parametrize(
    ("found", "now", "why"),
    [
        (running(time_limit=600.0), 699.9, ""),
        (running(time_limit=600.0), 700.0, "over its time limit of 10 min"),
        (running(fence_at=150.0), 149.0, ""),
        (running(fence_at=150.0), 150.0, "its lease ran out: the controller was not heard of in time"),
        (running(time_limit=1e6, fence_at=150.0), 149.0, ""),
    ],
)
def test_limits(found: Attempt, now: float, why: str) -> None:
    assert overdue(found, now) == why


def test_the_next_deadline_is_the_first() -> None:
    assert deadline(running()) is None
    assert deadline(running(time_limit=600.0, fence_at=150.0)) == 150.0
    assert deadline(attempt(Waiting(why=""), fence_at=150.0)) == 150.0
    stopping = step(running(time_limit=600.0, fence_at=150.0), Stop(why="", kill_at=120.0))
    assert deadline(stopping) == 120.0
    assert deadline(step(stopping, Ends(exit_code=0))) is None


happenings: st.SearchStrategy[Happening] = st.one_of(
    st.builds(Waiting, why=st.text(max_size=3)),
    st.builds(Starting),
    st.just(RUNS),
    st.builds(Stop, why=st.text(max_size=3), kill_at=st.floats(0, 1000), checkpoint=st.booleans()),
    st.builds(Next, step=st.sampled_from(Step)),
    st.builds(Follows, pid=st.integers(2, 9), began=st.floats(0, 1000), by=st.floats(0, 1000)),
    st.builds(Ends, exit_code=st.none() | st.integers(0, 255), why=st.text(max_size=3)),
    st.builds(Refused, why=st.text(max_size=3), final=st.booleans()),
)


@given(st.sampled_from([Waiting(why=""), Starting()]), st.lists(happenings, max_size=12))
def test_whatever_happens_stays_in_the_table_and_in_the_journal(
    first: Phase, happened: list[Happening]
) -> None:
    """Each move is the table's, an end is the last, and the lines laid over each other give the attempt."""
    now = attempt(first)
    journal = whole_line(now)
    for what in happened:
        try:
            new = step(now, what)
        except Illegal:
            continue
        assert (type(now.phase), type(new.phase)) in TABLE
        assert not now.over
        if not isinstance(new.phase, Waiting):
            journal.update(phase_line(new))
            assert attempt_from(journal) == new
        if isinstance(new.phase, Exited):
            assert new.phase.stopped == isinstance(now.phase, Stopping)
            assert isinstance(now.phase, Starting | Running | Stopping)
        now = new
