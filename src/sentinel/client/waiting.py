"""Waiting for jobs to end: their events say when to look. Called by `client.sync`."""

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

ENDED = frozenset(state.value for state in JobState if state.ended)
_TYPES = tuple(f"sentinel.job.{state.lower()}" for state in sorted(ENDED))


class Asked(Protocol):
    """What is needed of a client."""

    def job(self, id: str) -> dict[str, Any]: ...

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
    found: dict[str, dict[str, Any]] = {}
    if len(names) == 1:  # it may have ended; and its own events are enough
        found[names[0]] = client.job(names[0])
    patience = client.new_patience()
    while left := [name for name in names if name not in found or found[name]["state"] not in ENDED]:
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
    return [found[id] for id in ids]


def _wait_on(
    client: Asked, stream: Stream, left: Sequence[str], found: dict[str, dict[str, Any]], end: float | None
) -> None:
    """Brings `found` up to date until all have ended. ApiUnavailable when the stream ends before."""
    running: dict[str, list[str]] = {}
    for name in left:
        found[name] = job = client.job(name)
        if job["state"] not in ENDED:
            running.setdefault(job["id"], []).append(name)
    if not running:
        return
    for ended in _ended(stream, end):
        for name in running.pop(ended, ()):
            found[name] = client.job(ended)
        if not running:
            return
    raise ApiUnavailable("the controller ended the stream of events")


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


def _ends(found: dict[str, dict[str, Any]]) -> Call:
    """The stream of the ends of jobs; of that one where it is only one."""
    only = next(iter(found.values()))["id"] if len(found) == 1 else None
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
