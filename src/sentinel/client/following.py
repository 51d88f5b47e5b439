"""Streams that go on after a broken connection: a job's log by its offset, events by their id.

Called by `client.sync`. What breaks is tried again for as long as the client's patience lasts; each byte and
each event comes once.
"""

import json
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from sentinel.client import calls
from sentinel.client.calls import Call
from sentinel.client.connection import Stream
from sentinel.client.patience import Patience
from sentinel.client.sse import EventParser
from sentinel.client.waiting import ENDED
from sentinel.core.errors import ApiError, ApiUnavailable

Open = Callable[[Call], AbstractContextManager[Stream]]

_RANGE_NOT_SATISFIABLE = 416


class Asked(Protocol):
    """What is needed of a client."""

    def job(self, id: str) -> dict[str, Any]: ...

    def log_stream(self, call: Call) -> AbstractContextManager[Stream]: ...

    def new_patience(self) -> Patience: ...


def follow_log(
    client: Asked,
    begun: Callable[[], int],
    id: str,
    attempt: int | None,
    offset: int | None,
    tail: int | None,
    *,
    rank: int | None = None,
) -> Iterator[bytes]:
    """What the job writes, to its end: of that attempt, or of the present one and all that follow.

    Each attempt has a log of its own, so a stream is always of one: its offset says where to go on.
    `begun`: waits for the first attempt; its number, 0 when there will be none.
    """
    present = begun() if attempt is None else attempt
    while present:
        yield from _follow_attempt(client, id, present, offset, tail, rank)
        job = client.job(id)
        if attempt is not None or job["attempt"] <= present:
            return
        present, offset, tail = present + 1, 0, None


def _follow_attempt(
    client: Asked, id: str, attempt: int, offset: int | None, tail: int | None, rank: int | None
) -> Iterator[bytes]:
    patience = client.new_patience()
    while True:
        new, size = 0, None
        call = calls.logs(
            id,
            attempt=attempt,
            rank=rank,
            offset=offset,
            tail=tail if offset is None else None,
            follow=True,
        )
        try:
            with client.log_stream(call) as stream:
                patience.reached()
                begins = _number(stream.headers.get("log-offset"), offset) or 0
                if stream.headers.get("log-complete") == "true":
                    size = _number(stream.headers.get("log-size"), None)
                for piece in stream:
                    offset = begins + new + len(piece)
                    new += len(piece)
                    yield piece
                offset = begins + new
        except ApiError as error:
            if not (error.retry or (error.status == _RANGE_NOT_SATISFIABLE and offset)):
                raise
            patience.wait(error)
            continue
        # It ends at the job's end, but also before a piece that was cut out, and when the controller stops.
        if size is not None and offset >= size:
            return
        job = client.job(id)
        over = job["state"] in ENDED or job["attempt"] > attempt
        if over and not new:
            yield from read_log(client.log_stream, id, attempt=attempt, offset=offset, tail=None, rank=rank)
            return
        if not new:
            patience.wait(ApiUnavailable("the controller ended the stream of the log"))


def read_log(
    opened: Open,
    id: str,
    *,
    attempt: int | None,
    offset: int | None,
    tail: int | None,
    rank: int | None = None,
) -> Iterator[bytes]:
    """What the job has written by now. A controller may answer with a part of it."""
    end: int | None = None
    while True:
        last = tail if offset is None else None
        call = calls.logs(id, attempt=attempt, rank=rank, offset=offset, tail=last)
        with opened(call) as stream:
            offset = _number(stream.headers.get("log-offset"), offset) or 0
            attempt = _number(stream.headers.get("log-attempt"), attempt)
            end = _number(stream.headers.get("log-size"), None) if end is None else end
            before = offset
            for piece in stream:
                offset += len(piece)
                yield piece
        if end is None or offset >= end or offset == before:
            return


def follow_events(
    opened: Open,
    patience: Patience,
    after: int | None,
    *,
    types: Sequence[str] = (),
    subject: str | None = None,
) -> Generator[dict[str, Any]]:
    """Events as they happen, for ever. `after` None: from now on."""
    while True:
        parser = EventParser()
        try:
            with opened(calls.event_stream(after, types=types, subject=subject)) as stream:
                patience.reached()
                for piece in stream:
                    for event in parser.feed(piece):
                        after = _number(event.id, after)
                        yield json.loads(event.data)
            patience.wait(ApiUnavailable("the controller ended the stream of events"))
        except ValueError:
            raise ApiError("what came is no stream of events", hint="see the controller's log") from None
        except ApiError as error:
            if not error.retry:
                raise
            patience.wait(error)


def _number(text: str | None, otherwise: int | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else otherwise
