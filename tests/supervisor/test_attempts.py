"""The one table of an attempt's moves, and its deadlines."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.supervisor.attempts import (
    TABLE,
    Attempt,
    Ends,
    Exited,
    Happening,
    Illegal,
    Phase,
    Refused,
    Running,
    Runs,
    Starting,
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


def test_an_end_that_nobody_saw_keeps_the_reason_of_a_stop() -> None:
    told = step(running(), Stop(why="canceled", kill_at=110.0))
    phase = step(told, Ends(unknown="nobody saw it end")).phase
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
    st.builds(Stop, why=st.text(max_size=3), kill_at=st.floats(0, 1000)),
    st.builds(Ends, exit_code=st.none() | st.integers(0, 255), unknown=st.text(max_size=3)),
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
