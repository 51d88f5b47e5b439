"""Reads jobs' logs for whoever may: a piece, the last lines, or everything as it comes. Used by routes.logs.

Offsets are the node's: what was cut out of the middle of a log is a hole. An answer ends at one, so that
whoever goes on from its offset hears where the rest begins (`Log-Offset`). Files are read on the readers'
threads.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass

from sentinel.api.state import ApiState
from sentinel.api.streaming import Interrupted
from sentinel.core.errors import StoreUnavailable
from sentinel.core.job import Job
from sentinel.scheduling.gangs import part_id

PIECE = 256 * 1024
MOST_TAIL = 8 << 20  # how far back the last lines are looked for
SETTLE = 10.0  # seconds after an end in which the rest of the log may still come
PART_ATTEMPT = 1  # a part has one attempt: that of its gang has new parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """One attempt's log as it is now. `attempt` 0: the job has none yet, and no log. `job` and `kept` are the
    id and the attempt under which it is kept: of a gang, those of the part."""

    job: str
    attempt: int
    size: int
    complete: bool
    kept: int


async def look_at(state: ApiState, job: Job, attempt: int, rank: int) -> Log:
    """How much there is of it; of a gang, of what that rank writes."""
    if attempt == 0:
        return Log(job=job.id, attempt=0, size=0, complete=job.state.ended, kept=0)
    id, kept = job.id, attempt
    if job.spec.nodes > 1:
        id, kept = part_id(job.id, attempt, rank), PART_ATTEMPT
    found = await state.run(lambda: state.logs.size(id, kept))
    size, complete = (0, False) if found is None else (found.size, found.complete)
    return Log(job=id, attempt=attempt, size=size, complete=complete, kept=kept)


async def read(state: ApiState, log: Log, offset: int, limit: int) -> tuple[int, bytes]:
    """(where it really begins, bytes): `offset` may lie in a hole. No bytes at the end."""
    if log.attempt == 0 or limit <= 0:
        return offset, b""
    return await state.run(lambda: state.logs.read(log.job, log.kept, offset, limit))


async def last_lines(state: ApiState, log: Log, lines: int) -> int:
    """The offset at which the last `lines` lines begin, looked for in the last MOST_TAIL bytes."""
    if lines == 0 or log.attempt == 0:
        return log.size
    end, least = log.size, max(0, log.size - MOST_TAIL)
    wanted = lines
    while end > least:
        begin = max(least, end - PIECE)
        for at, data in reversed(await _pieces(state, log, begin, end)):
            text = data[:-1] if at + len(data) == log.size and data.endswith(b"\n") else data
            found = text.count(b"\n")
            if found >= wanted:
                return at + _nth_from_end(text, wanted) + 1
            wanted -= found
        end = begin
    return least


async def _pieces(state: ApiState, log: Log, begin: int, end: int) -> list[tuple[int, bytes]]:
    """What there is between the two, without holes."""
    found: list[tuple[int, bytes]] = []
    while begin < end:
        at, data = await read(state, log, begin, end - begin)
        if not data or at >= end:
            break
        found.append((at, data[: end - at]))
        begin = at + len(data)
    return found


def _nth_from_end(text: bytes, count: int) -> int:
    """Where the `count`-th newline from the end is."""
    at = len(text)
    for _ in range(count):
        at = text.rindex(b"\n", 0, at)
    return at


async def whole(state: ApiState, log: Log, offset: int, end: int) -> AsyncGenerator[bytes]:
    """All that is between `offset` and `end`, or the next hole."""
    while offset < end:
        at, data = await read(state, log, offset, min(PIECE, end - offset))
        if not data or at != offset:
            return
        yield data
        offset += len(data)


# ------------------------------------------------------------------ following

Look = Callable[[], Awaitable[Job]]


async def follow(
    state: ApiState, log: Log, offset: int, *, only: bool, look: Look, rank: int
) -> AsyncGenerator[bytes]:
    """What comes, to the end of the job; `only`: of that attempt.

    `look` gives the job as it is now; Interrupted when whoever reads may not any more, or the controller is
    being stopped. A store that cannot be reached for a while is waited for.
    """
    over_since: float | None = None
    fresh = True
    with ExitStack() as stack:
        following = stack.enter_context(state.hub.following(log.job))
        while True:
            if state.hub.closing:
                raise Interrupted("the controller is being stopped")
            try:
                job = await look()
            except StoreUnavailable:
                await following.more(state.settings.look_again)
                continue
            # Asked before the log is read: what a log that was complete then does not have never comes.
            now = await look_at(state, job, log.attempt, rank)
            at, data = await read(state, log, offset, PIECE)
            if data:
                if at != offset and not fresh:
                    return
                yield data
                offset, over_since, fresh = at + len(data), None, False
                continue
            if job.state.ended or job.attempt > log.attempt:
                over_since = state.boottime() if over_since is None else over_since
                if now.complete or _never_ran(job, log) or state.boottime() - over_since >= SETTLE:
                    if job.attempt == log.attempt or (only and log.attempt):
                        return
                    log = await look_at(state, job, log.attempt + 1, rank)
                    offset, over_since, fresh = 0, None, True
                    stack.close()
                    following = stack.enter_context(state.hub.following(log.job))
                    continue
            # A part's log may be whole while its gang goes on, whose end wakes nobody here.
            soon = over_since is not None or now.complete
            await following.more(1.0 if soon else state.settings.look_again)


def _never_ran(job: Job, log: Log) -> bool:
    """Nothing of it will ever be logged."""
    return log.attempt == 0 or (job.state.ended and job.attempt == log.attempt and job.started_at is None)
