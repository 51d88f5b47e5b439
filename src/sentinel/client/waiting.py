"""Waiting for jobs and arrays to end: their events say when to look. Called by `client.jobs`."""

import json
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from sentinel.client import calls
from sentinel.client.calls import Call
from sentinel.client.connection import Stream
from sentinel.client.patience import Patience
from sentinel.client.sse import EventParser
from sentinel.core.clock import boottime
from sentinel.core.errors import ApiError, ApiUnavailable
from sentinel.core.job import JobState

Found = dict[str, list[dict[str, Any]]]  # what was asked for → that job, or the tasks of that array

ENDED = frozenset(state.value for state in JobState if state.ended)
_TYPES = tuple(f"sentinel.job.{state.lower()}" for state in sorted(ENDED))


class Asked(Protocol):
    """What is needed of a client."""

    def find(self, id: str) -> dict[str, Any]: ...

    def job(self, id: str) -> dict[str, Any]: ...

    def jobs(self, *, array: str | None = None, limit: int | None = 100) -> list[dict[str, Any]]: ...

    def job_events(self, id: str) -> list[dict[str, Any]]: ...

    def events(
        self, *, after: int | None = None, types: Sequence[str] = (), subject: str | None = None
    ) -> Generator[dict[str, Any]]: ...

    def event_stream(self, call: Call) -> AbstractContextManager[Stream]: ...

    def new_patience(self) -> Patience: ...


def wait_for(client: Asked, ids: Sequence[str], timeout: float | None) -> list[dict[str, Any]]:
    """The jobs once all have ended. TimeoutError when that takes longer than `timeout` seconds."""
    end = None if timeout is None else boottime() + timeout
    names = list(dict.fromkeys(ids))
    found: Found = {}
    if len(names) == 1:  # it may have ended; and its own events are enough
        found[names[0]] = _look(client, names[0])
    patience = client.new_patience()
    while left := [name for name in names if name not in found or _live(found[name])]:
        _in_time(end)
        try:
            # The stream is open before the jobs are looked at, so no end falls between the two.
            with client.event_stream(_ends(found)) as stream:
                patience.reached()
                _wait_on(client, stream, left, found, end)
        except ApiError as error:
            _in_time(end)
            if not error.retry:
                raise
            patience.wait(error)
    return [job for id in ids for job in found[id]]


def _wait_on(client: Asked, stream: Stream, left: Sequence[str], found: Found, end: float | None) -> None:
    """Brings `found` up to date until all have ended. ApiUnavailable when the stream ends before."""
    running: dict[str, set[str]] = {}  # a name → the ids of those of it that have not ended
    for name in left:
        found[name] = _look(client, name)
        running[name] = _live(found[name])
    if not any(running.values()):
        return
    for ended in _ended(stream, end):
        for name, ids in running.items():
            if ended not in ids:
                continue
            ids.discard(ended)
            if not ids:  # an array is read again once, when its last task has ended
                found[name] = _look(client, name)
                running[name] = _live(found[name])
        if not any(running.values()):
            return
    raise ApiUnavailable("the controller ended the stream of events")


def _look(client: Asked, name: str) -> list[dict[str, Any]]:
    """The job of that name, or the tasks of the array, by their index."""
    one = client.find(name)
    if "states" not in one:
        return [one]
    return sorted(client.jobs(array=one["id"], limit=None), key=lambda job: job["array"]["index"])


def _live(jobs: Sequence[dict[str, Any]]) -> set[str]:
    """The ids of those that have not ended."""
    return {job["id"] for job in jobs if job["state"] not in ENDED}


def until(client: Asked, id: str, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The job as soon as it is so. Its events say when to look."""
    job = client.job(id)
    if fits(job):
        return job
    past = client.job_events(id)
    # The stream begins with an event that there was already, so that none is missed between two looks.
    after = int(past[-1]["id"]) - 1 if past else None
    for _ in client.events(after=after, subject=job["id"]):
        job = client.job(id)
        if fits(job):
            break
    return job


def _ends(found: Found) -> Call:
    """The stream of the ends of jobs; of that one where it is only one."""
    jobs = [job for these in found.values() for job in these]
    only = jobs[0]["id"] if len(found) == len(jobs) == 1 else None
    return calls.event_stream(None, types=_TYPES, subject=only)


def _ended(stream: Stream, end: float | None) -> Iterator[str]:
    """The id of each job that ends."""
    parser = EventParser()
    while True:
        if end is not None:
            stream.set_timeout(max(0.01, end - boottime()))
        piece = next(stream, None)
        if piece is None:
            return
        _in_time(end)
        for event in parser.feed(piece):
            yield str(json.loads(event.data)["subject"])


def _in_time(end: float | None) -> None:
    if end is not None and boottime() >= end:
        raise TimeoutError("the jobs have not all ended in that time")
