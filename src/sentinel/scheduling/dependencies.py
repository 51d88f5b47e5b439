"""Jobs that wait for the end of others. Called by desk at submit, and by writing when an awaited job has
ended.

    resolve(reader, job)          at submit: what a new job waits for, and who is awaited now
    release(reader, ended, now)   what becomes of those that waited for this one

Who names an array waits for all of its tasks. Only jobs that exist already can be named, so nothing ever
waits for itself. A job that waits for what can never be any more is canceled, which may end the wait of
others."""

from collections.abc import Sequence
from dataclasses import dataclass

from sentinel.core.errors import SentinelError
from sentinel.core.job import After, AfterKind, Cancel, Job, JobState
from sentinel.ports.store import Reader
from sentinel.scheduling.arrays import live_tasks, tasks_of
from sentinel.scheduling.inputs import CancelAsked, Satisfied
from sentinel.scheduling.lifecycle import Move, move

CONTROLLER = "controller"
_WANTED = {
    AfterKind.OK: frozenset({JobState.SUCCEEDED}),
    AfterKind.ANY: frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELED}),
    AfterKind.NOT_OK: frozenset({JobState.FAILED, JobState.CANCELED}),
}
_IN_WORDS = {AfterKind.OK: "its success", AfterKind.NOT_OK: "its failure", AfterKind.ANY: "its end"}


class NoSuchJob(SentinelError):
    """There is no job of that id."""


class NeverBegins(SentinelError):
    """What it would wait for can never be any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """`after`: what is still to be waited for. `awaited`: the jobs that are to tell of their end from now
    on."""

    after: tuple[After, ...] = ()
    awaited: tuple[Job, ...] = ()


def resolve(reader: Reader, job: Job) -> Waits:
    """What of `job.after` is not over yet. NoSuchJob, NeverBegins."""
    left: list[After] = []
    awaited: dict[str, Job] = {}
    for after in dict.fromkeys(job.after):
        named = _named(reader, after.job, job.tenant)
        for one in named:
            if one.state.ended and one.state not in _WANTED[after.kind]:
                raise NeverBegins(
                    f"job {one.id} {_ended(one)}, so a job that waits for {_IN_WORDS[after.kind]} would "
                    f"never begin; submit it without that, or to begin after any end of {after.job}"
                )
        if live := [one for one in named if not one.state.ended]:
            left.append(after)
            awaited.update((one.id, one) for one in live if not one.awaited)
    return Waits(after=tuple(left), awaited=tuple(awaited.values()))


def _named(reader: Reader, id: str, tenant: str) -> Sequence[Job]:
    """The job with this id, or the tasks of the array."""
    found = reader.job(id)
    named = tasks_of(reader, id) if found is None else [found]
    if not named or any(job.tenant != tenant for job in named):
        raise NoSuchJob(
            f"there is no job {id} that could be waited for; `sentinel job list` has those there are"
        )
    if found is not None and found.part is not None:
        raise NoSuchJob(f"job {id} is a part of job {found.part.of}; wait for that one")
    return named


def after_end(
    waiting: Job, ended: Job, now: float, *, left_of_array: int = 0
) -> Satisfied | CancelAsked | None:
    """What the end of `ended` is for `waiting`; None when it does not wait for it. `left_of_array`: how many
    other tasks of its array have not ended."""
    array = None if ended.array is None else ended.array.id
    left: list[After] = []
    for after in waiting.after:
        if after.job not in (ended.id, array):
            left.append(after)
        elif ended.state not in _WANTED[after.kind]:
            why = f"job {ended.id}, which it waits for, {_ended(ended)}"
            return CancelAsked(cancel=Cancel(by=CONTROLLER, at=now, why=why))
        elif after.job == array and left_of_array:
            left.append(after)
    return None if len(left) == len(waiting.after) else Satisfied(after=tuple(left))


def release(reader: Reader, ended: Job, now: float) -> list[Move]:
    """What is to be written of those that waited for it, now that it is kept as ended. What these moves end
    has to be released in turn."""
    waiting = {job.id: job for job in reader.waiting_for(ended.id)}
    left_of_array = 0
    if ended.array is not None and (more := reader.waiting_for(ended.array.id)):
        waiting.update((job.id, job) for job in more)
        left_of_array = live_tasks(reader, ended.array.id)
    made: list[Move] = []
    for job in waiting.values():
        what = after_end(job, ended, now, left_of_array=left_of_array)
        moved = None if what is None else move(job, what, now)
        if moved is not None:
            made.append(moved)
    return made


def _ended(job: Job) -> str:
    return f"was {job.state}" if job.state is JobState.CANCELED else job.state.value
