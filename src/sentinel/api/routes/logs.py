"""A job's output and its terminal."""

import asyncio
from collections.abc import Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, WebSocket
from starlette.responses import Response

from sentinel.api.deps import Controller, State
from sentinel.api.described import problems
from sentinel.api.finding import find_job, its_own, its_owner
from sentinel.api.log_reading import Log, follow, last_lines, look_at, read, whole
from sentinel.api.parameters import MOST_NUMBER, JobId
from sentinel.api.problems import Problem, invalid
from sentinel.api.session_cookie import authorization_of
from sentinel.api.state import ApiState
from sentinel.api.streaming import Interrupted, Stream
from sentinel.core.identity import Identity
from sentinel.core.job import Job
from sentinel.ports.store import Reader as StoreReader

router = APIRouter(prefix="/api/v1", tags=["jobs"])
MOST_LIMIT = 16 << 20
MOST_LINES = 100_000
MOST_RANK = 511
BYTES = "application/octet-stream"
_HEADERS = {
    name: {"description": said, "schema": {"type": "string"}}
    for name, said in (
        ("Log-Offset", "Where these bytes begin: more than was asked for where the middle was cut out."),
        ("Log-Size", "How much there was when the answer began."),
        ("Log-Complete", "`true`: no more will come."),
        ("Log-Attempt", "Which attempt's log this is; not there before the first."),
    )
}


@router.get(
    "/jobs/{id}/logs",
    summary="What a job wrote",
    description="Raw bytes from `offset` on, or the last `tail` lines; at most `limit` of them, or all that "
    "there are. `follow=true` goes on to the job's end. `attempt`: the last if not given. `rank`: of which "
    "part of a gang, the first if not given.",
    response_class=Response,
    responses={
        200: {
            "description": "The bytes",
            "content": {BYTES: {"schema": {"type": "string", "format": "binary"}}},
            "headers": _HEADERS,
        },
        **problems(401, 403, 404, 409, 416),
    },
)
async def show_log(
    id: JobId,
    request: Request,
    state: State,
    identity: Controller,
    attempt: Annotated[int | None, Query(ge=1, le=1_000_000_000)] = None,
    offset: Annotated[int | None, Query(ge=0, le=MOST_NUMBER)] = None,
    limit: Annotated[int | None, Query(ge=1, le=MOST_LIMIT)] = None,
    tail: Annotated[int | None, Query(ge=0, le=MOST_LINES)] = None,
    rank: Annotated[int, Query(ge=0, le=MOST_RANK)] = 0,
    following: Annotated[bool, Query(alias="follow")] = False,
) -> Response:
    job = await state.read(lambda reader: _readable(reader, identity, id))
    if tail is not None and offset is not None:
        raise invalid("tail", "give tail or offset, not both")
    if following and limit is not None:
        raise invalid("limit", "what is followed has no limit")
    if attempt is not None and attempt > job.attempt:
        raise Problem(
            404,
            f"job {job.id} has had {job.attempt} attempts",
            kind="no-such-attempt",
            hint="leave the attempt out for the last one",
        )
    if rank >= job.spec.nodes:
        raise Problem(
            404,
            f"job {job.id} runs on one node" if job.spec.nodes == 1 else f"job {job.id} has no rank {rank}",
            kind="no-such-rank",
            hint="leave the rank out" if job.spec.nodes == 1 else f"its ranks are 0 to {job.spec.nodes - 1}",
        )
    log = await look_at(state, job, attempt or job.attempt, rank)
    begin = offset or 0 if tail is None else await last_lines(state, log, tail)
    if begin > log.size:
        raise Problem(
            416,
            f"the log of attempt {log.attempt} of job {job.id} has {log.size} bytes",
            kind="beyond-the-end",
            hint="ask from there",
            headers=_headers(log, log.size),
        )
    if following:
        look = _Looking(state, identity, authorization_of(request), job.id)
        body = follow(state, log, begin, only=attempt is not None, look=look, rank=rank)
        return Stream(body, media_type=BYTES, headers=_headers(log, await _real(state, log, begin)))
    if limit is not None:
        at, data = await read(state, log, begin, limit)
        return Response(data, media_type=BYTES, headers=_headers(log, at))
    at = await _real(state, log, begin)
    return Stream(whole(state, log, at, log.size), media_type=BYTES, headers=_headers(log, at))


def _readable(reader: StoreReader, identity: Identity, id: str) -> Job:
    job = find_job(reader, identity, id)
    its_own(identity, job, "its log")
    return job


def _headers(log: Log, offset: int) -> dict[str, str]:
    found = {
        "Log-Offset": str(offset),
        "Log-Size": str(log.size),
        "Log-Complete": "true" if log.complete else "false",
    }
    return found | {"Log-Attempt": str(log.attempt)} if log.attempt else found


async def _real(state: ApiState, log: Log, offset: int) -> int:
    """Where the first byte from `offset` on really is."""
    at, data = await read(state, log, offset, 1)
    return at if data else offset


class _Looking:
    """Looks at a job for somebody who follows it, for as long as they may."""

    def __init__(self, state: ApiState, identity: Identity, authorization: str | None, id: str) -> None:
        self._state, self._identity, self._authorization, self._id = state, identity, authorization, id

    async def __call__(self) -> Job:
        if not await self._state.gate.still(self._identity, self._authorization):
            raise Interrupted("whoever reads this may not any more")
        job = await self._state.read(lambda reader: reader.job(self._id))
        if job is None:
            raise Interrupted("there is no such job any more")
        return job


# ------------------------------------------------------------------ terminals


@router.websocket("/jobs/{id}/attach")
async def attach(id: JobId, socket: WebSocket, state: State, identity: Controller) -> None:
    """The terminal of a job that runs on one, for its owner alone. Relayed to its node's agent."""

    def look(reader: StoreReader) -> Job:
        job = find_job(reader, identity, id)
        its_owner(identity, job, "terminal")
        return job

    job = await state.read(look)
    if not job.spec.pty:
        raise Problem(
            409, f"job {job.id} has no terminal", kind="no-terminal", hint="`sentinel run --pty` gives one"
        )
    if job.placement is None:
        raise Problem(
            409,
            f"job {job.id} is {job.state}: it runs nowhere now",
            kind="not-running",
            hint="attach while it runs; its log is there afterwards"
            if job.state.ended
            else "wait until it runs",
        )
    await while_allowed(
        state,
        identity,
        authorization_of(socket),
        state.hub.attach.client(socket, node=job.placement.node, job=job.id, attempt=job.attempt),
    )


async def while_allowed(
    state: ApiState, identity: Identity, authorization: str | None, work: Coroutine[Any, Any, None]
) -> None:
    """`work`, until it is done, or until whoever asked for it may not any more."""
    task = asyncio.create_task(work)
    try:
        while not task.done():
            await asyncio.wait([task], timeout=state.settings.look_again)
            if not task.done() and not await state.gate.still(identity, authorization):
                return
        await task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
