"""A gang of which a restored backup knows less than its nodes: found part by part, and never run twice."""

from collections.abc import Generator

import pytest
from tests.scheduling.gang_world import G, GangWorld, Worlds

from sentinel.core.job import JobState
from sentinel.scheduling import desk
from sentinel.scheduling.reports import Verdict, report_from

QUEUED, ALLOCATED, RUNNING = JobState.QUEUED, JobState.ALLOCATED, JobState.RUNNING
SUCCEEDED, FAILED, CANCELED, LOST = (
    JobState.SUCCEEDED,
    JobState.FAILED,
    JobState.CANCELED,
    JobState.LOST,
)


@pytest.fixture
def world() -> Generator[Worlds]:
    found = Worlds()
    yield found
    for one in found.made:
        one.check()
        one.close()


def running_elsewhere(w: GangWorld) -> None:
    """A backup of when it waited; meanwhile it runs."""
    w.backup()
    w.place()
    w.run(0, 1)
    w.restore()
    assert (w.gang().state, w.parts()) == (QUEUED, [])


def test_a_gang_that_runs_is_found_part_by_part(world: Worlds) -> None:
    w = world()
    running_elsewhere(w)
    had = [one.has[f"{G}.1.{rank}"] for rank, one in enumerate(w.nodes.values())]
    assert w.repeat(had[1]) is Verdict.APPLIED
    assert w.states() == [LOST, RUNNING]
    assert w.gang().reason == "rank 0 has not been heard of since the restore"
    assert w.repeat(had[0]) is Verdict.APPLIED
    assert w.states() == [RUNNING, RUNNING, RUNNING]
    assert (w.gang().attempt, w.gang().node, w.gang().gpus) == (1, "a,b", ("a-0", "b-0"))
    w.exit(0)
    w.exit(1)
    assert w.gang().state is SUCCEEDED


def test_the_first_that_is_found_ended_is_no_end_while_others_may_be_heard_of(world: Worlds) -> None:
    w = world()
    running_elsewhere(w)
    first, second = (one.has[f"{G}.1.{rank}"] for rank, one in enumerate(w.nodes.values()))
    assert w.tell(first, "exited", exit_code=0) is Verdict.APPLIED
    assert w.states() == [LOST, SUCCEEDED]
    assert w.repeat(second) is Verdict.APPLIED
    assert w.states() == [RUNNING, SUCCEEDED, RUNNING]


def test_what_is_not_heard_of_until_the_hold_is_over_is_not_known(world: Worlds) -> None:
    w = world()
    running_elsewhere(w)
    first, second = (one.has[f"{G}.1.{rank}"] for rank, one in enumerate(w.nodes.values()))
    w.tell(first, "exited", exit_code=0)
    w.end_hold()
    assert (w.gang().state, w.gang().exit_code) == (FAILED, None)
    assert "how rank 1 ended is not known" in w.gang().reason
    assert w.repeat(second) is Verdict.FENCED, "its node ends it"


def test_a_part_that_is_found_is_canceled_with_its_gang(world: Worlds) -> None:
    w = world()
    running_elsewhere(w)
    first, second = (one.has[f"{G}.1.{rank}"] for rank, one in enumerate(w.nodes.values()))
    w.repeat(first)
    w.cancel()
    assert w.repeat(second) is Verdict.APPLIED
    assert [part.cancel is not None for part in w.parts()] == [True, True]
    w.exit(0, None, signal=15, stopped=True)
    w.exit(1, None, signal=15, stopped=True)
    assert w.gang().state is CANCELED


def test_one_of_which_all_that_was_found_has_ended_is_canceled_at_once(world: Worlds) -> None:
    w = world()
    running_elsewhere(w)
    w.tell(w.nodes["a"].has[f"{G}.1.0"], "exited", exit_code=0)
    assert w.cancel().state is CANCELED
    assert w.repeat(w.nodes["b"].has[f"{G}.1.1"]) is Verdict.FENCED


def test_what_is_told_of_both_attempts_at_once(world: Worlds) -> None:
    """The earlier one has ended with what was said of the later."""
    w = world()
    w.place()
    w.run(0, 1)
    w.backup()
    w.restore()
    earlier, later = w.nodes["a"].has[f"{G}.1.0"], w.stray(f"{G}.2.0")
    reports = [
        report_from({"token": had.token, "job": had.id, "attempt": 1, "kind": "running"})
        for had in (earlier, later, earlier)
    ]
    verdicts = w.do(lambda tx: desk.told(tx, w.machine("a"), reports, w.at))
    assert verdicts == [Verdict.KNOWN, Verdict.APPLIED, Verdict.FENCED]
    assert (w.job(earlier.id).state, w.job(later.id).state) == (FAILED, RUNNING)


def test_a_later_attempt_ends_the_one_that_the_store_knew(world: Worlds) -> None:
    w = world()
    w.place()
    w.run(0, 1)
    w.backup()
    w.exit(0, None, signal=15, stopped=True)
    w.reboot("b")
    w.restore()
    assert w.states() == [RUNNING, RUNNING, RUNNING]
    assert w.tell(w.stray(f"{G}.2.0"), "running") is Verdict.APPLIED
    assert w.gang().attempt == 2
    assert [part.state for part in w.parts(of=1)] == [FAILED, FAILED]
    assert w.states() == [LOST, RUNNING]


@pytest.mark.parametrize(
    ("id", "kind", "verdict"),
    [
        (f"{G}.2.0", "gone", Verdict.FENCED),
        (f"{G}.1.5", "running", Verdict.FENCED),
        (f"{G}.2.2", "running", Verdict.FENCED),
        ("other.2.0", "running", Verdict.UNKNOWN),
        ("nobody", "running", Verdict.UNKNOWN),
    ],
)
def test_what_is_not_adopted(world: Worlds, id: str, kind: str, verdict: Verdict) -> None:
    w = world()
    w.place()
    w.backup()
    w.restore()
    assert w.tell(w.stray(id), kind) is verdict
    assert w.states() == [ALLOCATED, ALLOCATED, ALLOCATED]


def test_without_a_restore_an_unknown_part_is_unknown(world: Worlds) -> None:
    w = world()
    w.place()
    had = w.stray(f"{G}.2.0")
    assert w.tell(had, "running") is Verdict.UNKNOWN
    del w.nodes["a"].has[had.id]
