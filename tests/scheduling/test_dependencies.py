"""Jobs that wait for others: what is resolved at submit, what an end releases, and what it ends in turn."""

from collections.abc import Callable, Generator
from itertools import product
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.scheduling.cluster import job, node, placed

from sentinel.core.job import After, AfterKind, ArrayTask, Cancel, Job, JobState
from sentinel.core.job_lease import JobLease
from sentinel.drivers.stores.memory import MemoryStore
from sentinel.ports.store import Transaction
from sentinel.scheduling import desk
from sentinel.scheduling.dependencies import after_end
from sentinel.scheduling.lifecycle import CancelAsked, Satisfied
from sentinel.scheduling.reports import report_from

T = TypeVar("T")
OK, ANY, NOT_OK = AfterKind.OK, AfterKind.ANY, AfterKind.NOT_OK
N = node("gpu01", 8, id="n1")
ENDS = {
    JobState.SUCCEEDED: {"exit_code": 0},
    JobState.FAILED: {"exit_code": 3},
    JobState.CANCELED: {"signal": 15, "stopped": True},
}


class Line:
    """A store, jobs that run, and jobs that wait for them."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.do(lambda tx: tx.put_node(N))
        self.gpus = 0

    def do(self, work: Callable[[Transaction], T]) -> T:
        return self.store.write(work)

    def runs(self, id: str, **more: Any) -> None:
        found = placed(id, "n1", [f"g{self.gpus}"], started_at=1.0, **more)
        self.gpus += 1
        assert found.placement is not None
        lease = JobLease(
            token=found.placement.token,
            job=id,
            attempt=1,
            node="n1",
            gpus=found.gpus or found.placement.gpus,
            owner=found.owner,
            tenant=found.tenant,
            taken_at=0.0,
        )
        self.do(lambda tx: (tx.add_job(found, {}), tx.take_lease(lease)))

    def submit(self, id: str, *after: tuple[str, AfterKind], **more: Any) -> Job:
        new = job(id, after=tuple(After(job=name, kind=kind) for name, kind in after), **more)
        return self.do(lambda tx: desk.submit(tx, new, {}, key=None, digest="", now=7.0))[0]

    def end(self, id: str, state: JobState = JobState.SUCCEEDED) -> None:
        """As its node reports it."""
        if state is JobState.CANCELED:
            self.cancel(id)
        body = {"token": f"token-{id}", "job": id, "attempt": 1, "kind": "exited", **ENDS[state]}
        self.do(lambda tx: desk.told(tx, N, [report_from(body)], 50.0))
        assert self.job(id).state is state

    def cancel(self, id: str) -> None:
        self.do(lambda tx: desk.cancel(tx, id, Cancel(by="bob", at=9.0), 9.0))

    def job(self, id: str) -> Job:
        with self.store.read() as view:
            found = view.job(id)
        assert found is not None
        return found

    def types(self, id: str) -> list[str]:
        with self.store.read() as view:
            return [event.type.removeprefix("sentinel.job.") for event in view.events(0, 1000, subject=id)]


@pytest.fixture
def line() -> Generator[Line]:
    found = Line()
    yield found
    found.store.close()


# ------------------------------------------------------------------ one end, one that waits

RIGHT = {
    (OK, JobState.SUCCEEDED),
    (NOT_OK, JobState.FAILED),
    (NOT_OK, JobState.CANCELED),
    *product([ANY], ENDS),
}


@pytest.mark.parametrize(("kind", "state"), list(product(AfterKind, ENDS)))
def test_each_kind_by_each_end(line: Line, kind: AfterKind, state: JobState) -> None:
    line.runs("first")
    waiting = line.submit("second", ("first", kind))
    assert (waiting.state, len(waiting.after)) == (JobState.QUEUED, 1)
    assert line.job("first").awaited
    line.end("first", state)
    after = line.job("second")
    if (kind, state) in RIGHT:
        assert (after.state, after.after) == (JobState.QUEUED, ())
        assert line.types("second") == ["submitted", "released"]
    else:
        said = "was CANCELED" if state is JobState.CANCELED else state.value
        assert (after.state, after.ended_at) == (JobState.CANCELED, 50.0)
        assert after.reason == f"job first, which it waits for, {said}"
        assert after.cancel is not None
        assert after.cancel.by == "controller"


@pytest.mark.parametrize(("kind", "state"), list(product(AfterKind, ENDS)))
def test_what_has_ended_already_is_resolved_at_submit(line: Line, kind: AfterKind, state: JobState) -> None:
    line.runs("first")
    line.end("first", state)
    if (kind, state) in RIGHT:
        assert line.submit("second", ("first", kind)).after == ()
        assert not line.job("first").awaited
    else:
        with pytest.raises(desk.NeverBegins, match=r"job first .* any end of first"):
            line.submit("second", ("first", kind))


def test_all_that_it_waits_for_has_to_end(line: Line) -> None:
    for id in ("a", "b"):
        line.runs(id)
    line.submit("c", ("a", OK), ("b", ANY), ("a", ANY), ("a", OK))
    line.end("a")
    assert line.job("c").after == (After(job="b", kind=ANY),)
    assert line.types("c") == ["submitted"]
    line.end("b", JobState.FAILED)
    assert line.job("c").after == ()
    assert line.types("c") == ["submitted", "released"]


def test_one_that_is_awaited_already_is_left_as_it_is(line: Line) -> None:
    line.runs("a")
    line.submit("b", ("a", OK))
    before = line.job("a")
    line.submit("c", ("a", OK))
    assert line.job("a") == before
    line.end("a")
    assert line.job("b").after == line.job("c").after == ()


def test_a_plain_job_tells_nobody(line: Line) -> None:
    line.runs("a")
    line.end("a")
    assert not line.job("a").awaited


def test_a_waiting_job_that_is_canceled_ends_the_wait_of_others(line: Line) -> None:
    line.submit("a")
    line.submit("b", ("a", OK))
    line.submit("c", ("b", NOT_OK))
    line.submit("d", ("b", OK))
    line.cancel("a")
    assert line.job("b").state is JobState.CANCELED
    assert line.job("c").after == ()
    assert line.job("d").reason == "job b, which it waits for, was CANCELED"


def test_one_that_is_queued_again_has_not_ended(line: Line) -> None:
    line.runs("a", retries=1)
    line.submit("b", ("a", OK))
    body = {"token": "token-a", "job": "a", "attempt": 1, "kind": "exited", "exit_code": 3}
    line.do(lambda tx: desk.told(tx, N, [report_from(body)], 50.0))
    assert (line.job("a").state, line.job("a").awaited) == (JobState.QUEUED, True)
    assert line.job("b").after


def test_an_end_in_a_batch_of_reports_releases(line: Line) -> None:
    line.runs("a")
    line.runs("b")
    line.submit("c", ("a", OK), ("b", OK))
    bodies = [
        {"token": f"token-{id}", "job": id, "attempt": 1, "kind": "exited", "exit_code": 0} for id in "ab"
    ]
    line.do(lambda tx: desk.told(tx, N, [report_from(body) for body in bodies], 50.0))
    assert line.job("c").after == ()


def test_more_than_python_could_recurse_fall_together(line: Line) -> None:
    many = 1500

    def add(tx: Transaction) -> None:
        for n in range(many):
            after = (After(job=f"j{n - 1}", kind=OK),) if n else ()
            tx.add_job(job(f"j{n}", awaited=n < many - 1, after=after), {})

    line.do(add)
    line.cancel("j0")
    assert {line.job(f"j{n}").state for n in range(many)} == {JobState.CANCELED}


# ------------------------------------------------------------------ what may be named


def test_only_a_job_that_there_is_can_be_named(line: Line) -> None:
    line.runs("theirs", tenant="other")
    for name in ("nobody", "theirs", "second"):
        with pytest.raises(desk.NoSuchJob, match=name):
            line.submit("second", (name, ANY))
    with line.store.read() as view:
        assert view.job("second") is None


def test_a_refused_submit_leaves_nobody_awaited(line: Line) -> None:
    line.runs("a")
    with pytest.raises(desk.NoSuchJob):
        line.submit("b", ("a", OK), ("nobody", OK))
    assert not line.job("a").awaited


# ------------------------------------------------------------------ arrays


def an_array(line: Line, size: int = 3) -> None:
    for n in range(size):
        line.runs(f"arr_{n}", array=ArrayTask(id="arr", index=n, size=size))


def test_who_names_an_array_waits_for_all_its_tasks(line: Line) -> None:
    an_array(line)
    line.end("arr_1")
    assert line.submit("b", ("arr", OK)).after == (After(job="arr", kind=OK),)
    assert [line.job(f"arr_{n}").awaited for n in range(3)] == [True, False, True]
    line.end("arr_0")
    assert line.job("b").after
    line.end("arr_2")
    assert line.job("b").after == ()


def test_one_task_that_fails_is_enough(line: Line) -> None:
    an_array(line)
    line.submit("b", ("arr", OK))
    line.submit("c", ("arr", ANY))
    line.submit("d", ("arr_0", ANY))
    line.end("arr_0", JobState.FAILED)
    assert line.job("b").reason == "job arr_0, which it waits for, FAILED"
    assert line.job("c").after
    assert line.job("d").after == ()
    with pytest.raises(desk.NeverBegins, match="any end of arr"):
        line.submit("e", ("arr", OK))


def test_an_array_that_is_over_is_not_waited_for(line: Line) -> None:
    an_array(line)
    for n in range(3):
        line.end(f"arr_{n}")
    assert line.submit("b", ("arr", OK)).after == ()


# ------------------------------------------------------------------ pure


def test_what_does_not_concern_it_says_nothing() -> None:
    waiting = job("w", after=(After(job="x"),))
    assert after_end(waiting, job("y", state=JobState.FAILED), 1.0) is None


@settings(max_examples=200)
@given(
    kinds=st.dictionaries(st.sampled_from("abc"), st.sampled_from(list(AfterKind)), min_size=1),
    ends=st.permutations("abc"),
    states=st.lists(st.sampled_from(list(ENDS)), min_size=3, max_size=3),
)
def test_in_whatever_order_they_end(
    kinds: dict[str, AfterKind], ends: list[str], states: list[JobState]
) -> None:
    """It is free in the end exactly if each ended as was asked; and nothing is said of what is not
    awaited."""
    ended = dict(zip("abc", states, strict=True))
    waiting = job("w", after=tuple(After(job=id, kind=kind) for id, kind in kinds.items()))
    canceled = False
    for id in ends:
        what = after_end(waiting, job(id, state=ended[id]), 1.0)
        assert (what is None) == (id not in kinds)
        if isinstance(what, CancelAsked):
            canceled = True
            break
        if isinstance(what, Satisfied):
            waiting = job("w", after=what.after)
    free = all((kind, ended[id]) in RIGHT for id, kind in kinds.items())
    assert canceled is not free
    assert not free or waiting.after == ()
