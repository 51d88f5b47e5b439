"""What a new supervisor makes of the attempts of the one before."""

from dataclasses import replace

import pytest

from sentinel.supervisor.adoption import (
    KILLED_LAUNCHING,
    REBOOTED,
    UNSEEN,
    Contained,
    Ended,
    Lives,
    judge,
)
from sentinel.supervisor.attempts import (
    Attempt,
    Container,
    Ends,
    Exited,
    Phase,
    Refused,
    Running,
    Runs,
    Starting,
    Stop,
    step,
)
from sentinel.supervisor.proc import TICKS, Seen

RUNS = Runs(pid=70, began=100.0, by=100.05, started_at=1e9)
LEADER = Seen(70, "S", 1, 70, 70, int(100.02 * TICKS), None)


def attempt(phase: Phase) -> Attempt:
    return Attempt(
        job="j", attempt=1, token="t", gpus=(), grace=5.0, time_limit=None, fence_at=None, phase=phase
    )


RUNNING = step(attempt(Starting()), RUNS)


def made_of(
    found: Attempt, leader: Seen | None = None, marked: tuple[Seen, ...] = (), *, same_boot: bool = True
) -> Lives | Ended | Contained | None:
    return judge(found, same_boot=same_boot, leader=leader, marked=marked, booted_at=1000.0)


def why(what: Lives | Ended | Contained | None) -> str:
    assert isinstance(what, Ended)
    phase = what.attempt.phase
    assert isinstance(phase, Exited)
    assert (phase.exit_code, phase.signal) == (None, None)
    return phase.why


def test_what_runs_is_taken_over_as_it_was() -> None:
    stopping = step(RUNNING, Stop(why="canceled", kill_at=200.0))
    for found in (RUNNING, stopping):
        assert made_of(found, LEADER) == Lives(found, 70)


@pytest.mark.parametrize(
    "other",
    [
        None,
        replace(LEADER, state="Z"),
        replace(LEADER, started=LEADER.started + 100),
        replace(LEADER, started=LEADER.started - 100),
        replace(LEADER, session=5),
    ],
)
def test_what_is_not_that_very_process_has_ended(other: Seen | None) -> None:
    what = made_of(RUNNING, other)
    assert why(what) == UNSEEN
    assert isinstance(what, Ended)
    assert what.search == RUNNING.phase
    assert isinstance(what.attempt.phase, Exited) and not what.attempt.phase.gone


def test_a_stopped_one_keeps_its_reason() -> None:
    assert why(made_of(step(RUNNING, Stop(why="canceled", kill_at=1.0)))) == f"canceled; {UNSEEN}"


def test_after_a_reboot_nothing_runs_and_nothing_is_looked_for() -> None:
    for found in (RUNNING, attempt(Starting())):
        what = made_of(found, LEADER, (LEADER,), same_boot=False)
        assert why(what) == REBOOTED
        assert isinstance(what, Ended)
        assert what.search is None
        assert isinstance(what.attempt.phase, Exited) and what.attempt.phase.gone


def test_one_that_was_being_launched_is_found_by_its_mark() -> None:
    child = Seen(71, "S", 70, 70, 70, LEADER.started + 1, None)
    what = made_of(attempt(Starting()), None, (child, LEADER))
    assert isinstance(what, Lives)
    phase = what.attempt.phase
    assert isinstance(phase, Running)
    assert (what.pid, phase.pid, phase.found) == (70, 70, True)
    assert phase.started_at == pytest.approx(1100.02, abs=0.02)
    assert made_of(what.attempt, LEADER) == Lives(what.attempt, 70)


def test_one_of_which_nothing_is_found_was_killed_then() -> None:
    what = made_of(attempt(Starting()))
    assert why(what) == KILLED_LAUNCHING
    assert isinstance(what, Ended)
    assert what.search is None
    child = Seen(71, "S", 1, 70, 70, LEADER.started + 1, None)
    left = made_of(attempt(Starting()), None, (child,))
    assert isinstance(left, Ended)
    assert left.search is not None


def test_what_had_ended_needs_nothing() -> None:
    assert made_of(step(RUNNING, Ends(exit_code=0))) is None
    assert made_of(attempt(Refused(why="no"))) is None


def test_of_one_in_a_container_its_engine_has_to_say() -> None:
    box = Container(engine="docker", name="c")
    runs, starts = replace(RUNNING, container=box), replace(attempt(Starting()), container=box)
    assert made_of(runs, LEADER) == Contained(runs, 70)
    assert made_of(runs, None) == Contained(runs, None), "its leader's end is not its own"
    assert made_of(runs, replace(LEADER, started=LEADER.started + 100)) == Contained(runs, None)
    assert made_of(starts, None, (LEADER,)) == Contained(starts, 70)
    assert made_of(starts) == Contained(starts, None)
    assert why(made_of(runs, same_boot=False)) == REBOOTED
