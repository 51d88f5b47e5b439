"""When a waiting job is thought to start, and what that rests on."""

from tests.scheduling.cluster import gang, job, limits, node, placed, reservation, snapshot

from sentinel.core.account import Scope
from sentinel.core.job import ArrayTask
from sentinel.scheduling.outlook import Outlook, foresee
from sentinel.scheduling.placement import place
from sentinel.scheduling.snapshot import Snapshot

NOW = 10_000.0


def outlook(s: Snapshot, id: str = "j") -> Outlook:
    return foresee(s, s.jobs[id], place(s, NOW), NOW)


def running(id: str, on: str, index: int, lasts: float, **more: object) -> object:
    return placed(id, on, [f"{on}-{index}"], started_at=NOW, time_limit=lasts, **more)


def test_the_first_of_its_kind_has_its_booking() -> None:
    s = snapshot(node("n", 1), placed("r", "n", ["n-0"], started_at=NOW, time_limit=300.0), job("j"))
    assert outlook(s) == Outlook(at=NOW + 300.0, basis="the time limits of what holds the GPUs")


def test_the_others_are_played_forward() -> None:
    s = snapshot(node("n", 1), placed("r", "n", ["n-0"], started_at=NOW, time_limit=300.0))
    s.take(jobs=[job("first", time_limit=50.0), job("second", time_limit=50.0), job("j", time_limit=50.0)])
    found = outlook(s)
    assert found.at == NOW + 400.0
    assert found.basis.startswith("the queue played forward for 6 min 40 s")
    assert outlook(s) == found, "and the snapshot is as it was"


def test_what_would_take_too_many_steps_is_said_to() -> None:
    s = snapshot(node("n", 1), placed("r", "n", ["n-0"], started_at=NOW, time_limit=300.0))
    s.take(jobs=[job(f"j{n}", submitted_at=NOW + n, time_limit=50.0) for n in range(5)])
    found = place(s, NOW)
    assert foresee(s, s.jobs["j4"], found, NOW).at == NOW + 500.0
    steps = iter((True, True, False))
    tired = foresee(s, s.jobs["j4"], found, NOW, lambda: next(steps))
    assert tired.at is None
    assert tired.basis.startswith("not within 5 min 50 s;"), tired.basis


def test_gangs_of_an_array_and_after_a_maintenance() -> None:
    s = snapshot(node("a", 1), node("b", 1), reservation("m", NOW, NOW + 100.0))
    s.take(
        jobs=[
            job(f"A_{n}", nodes=2, time_limit=60.0, array=ArrayTask(id="A", index=n, size=3, limit=1))
            for n in range(3)
        ]
    )
    assert [outlook(s, f"A_{n}").at for n in range(3)] == [NOW + 100.0, NOW + 160.0, NOW + 220.0]


def test_a_gang_that_runs_ends_and_its_name_is_free() -> None:
    s = snapshot(
        node("a", 1),
        node("b", 1),
        *gang("g", {"a": ["a-0"], "b": ["b-0"]}, started_at=NOW, time_limit=70.0),
        job("first", 1, time_limit=60.0),
        job("j", 1, time_limit=60.0),
        job("k", 1, time_limit=60.0),
    )
    assert outlook(s).at == NOW + 70.0
    assert outlook(s, "k").at == NOW + 130.0


def test_a_quota_is_over_when_what_counts_ends() -> None:
    s = snapshot(node("n", 8), limits(Scope.USER, "alice", running_gpus=1), job("j"))
    s.take(jobs=[placed("r", "n", ["n-0"], started_at=NOW, time_limit=70.0)])
    assert outlook(s).at == NOW + 70.0
    s.take(jobs=[placed("r", "n", ["n-0"], started_at=NOW)])
    assert outlook(s) == Outlook(at=None, basis="what counts against the quota has no time limit")


def test_what_is_not_known_is_said() -> None:
    s = snapshot(node("n", 1), placed("r", "n", ["n-0"], owner="bob"), job("j"))
    assert outlook(s) == Outlook(at=None, basis="job r (bob) has no time limit")


def test_room_that_is_made() -> None:
    s = snapshot(
        node("n", 1), placed("r", "n", ["n-0"], preemptible=True, started_at=NOW), job("j", priority=1)
    )
    assert outlook(s) == Outlook(at=NOW + 90.0, basis="job r makes room, within its grace")
