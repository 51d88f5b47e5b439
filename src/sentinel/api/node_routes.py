"""What agents and the controller say to each other: /api/v1/agent, as in docs/queue.md. Used by `make_app`.

Plain routes of the framework below, without its validation: two thousand agents that beat are most of what
this process does. They are not in /openapi.json, because nobody without a node's certificate can call them.
"""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, cast

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket

from sentinel.api.answers import as_json
from sentinel.api.attaching import AWAY
from sentinel.api.beats import (
    Beat,
    Samples,
    beat_from,
    documents_of,
    new_documents,
    node_after,
    node_workloads,
    says_of_jobs,
    write_renewals,
)
from sentinel.api.deps import state_of
from sentinel.api.desired import desired_json, unbegun
from sentinel.api.log_store import LogDiskFull
from sentinel.api.node_gate import fields_of, gone, json_of, node_of, number_of, only
from sentinel.api.node_joining import join, renew
from sentinel.api.problems import Problem, not_found
from sentinel.api.state import ApiState
from sentinel.core.errors import ProtocolError
from sentinel.core.job import IfLost
from sentinel.core.node import Node
from sentinel.ports.store import Reader, Transaction
from sentinel.scheduling import desk
from sentinel.scheduling.reports import Verdict, report_from

PREFIX = "/api/v1/agent"
LONGEST_WAIT = 60.0
MOST_REPORTS = 10_000
REFUSED = 1008  # RFC 6455: policy

router = APIRouter()


def _post(path: str) -> Callable[[Callable[[Request], Awaitable[Response]]], None]:
    def add(endpoint: Callable[[Request], Awaitable[Response]]) -> None:
        router.add_route(PREFIX + path, endpoint, methods=["POST"], include_in_schema=False)

    return add


@_post("/join")
async def _join(request: Request) -> Response:
    only(request)
    return as_json(await join(state_of(request), await json_of(request)), 201)


@_post("/renew")
async def _renew(request: Request) -> Response:
    only(request)
    state = state_of(request)
    node = await node_of(state, request)
    return as_json(await renew(state, node, await json_of(request)))


# ------------------------------------------------------------------ beats


@_post("/beat")
async def _beat(request: Request) -> Response:
    only(request)
    state = state_of(request)
    node = await node_of(state, request)
    beat = beat_from(await json_of(request))
    hub, now = state.hub, state.now()
    jobs = list(hub.mirror.on_node(node.id))
    placed = {job.placement.token for job in jobs if job.placement is not None}
    held = beat.held or frozenset()
    renewed = [token for token in held if token in placed]
    if any(job.spec.if_lost is IfLost.FENCE and job.placement.token in held for job in jobs if job.placement):
        # Its supervisor lets it live on because of this answer: whatever becomes of us, the lease is renewed.
        await state.write(partial(write_renewals, nodes={node.id: now}, leases=renewed))
    else:
        hub.renewals.note(node.id, now, renewed)
    if beat.samples is not None:
        hub.keep_samples(node.id, Samples(at=state.boottime(), samples=beat.samples))
    seen = hub.seen_by(beat.seen)
    digest = _digest(beat)
    new_workloads = digest is not None and hub.new_workloads(node.id, digest)
    moves = says_of_jobs(jobs, beat.held, seen)
    documents = await _new_documents(state, node, beat)
    if node_after(node, beat, now) is not None or new_workloads or moves or documents:
        keep = partial(
            _keep,
            id=node.id,
            beat=beat,
            seen=seen,
            now=now,
            moves=moves,
            workloads=new_workloads,
            documents=documents,
        )
        await state.write(keep)
        if new_workloads and digest is not None:
            hub.kept_workloads(node.id, digest)
    return as_json({"lease_seconds": state.settings.terms.lease, "unknown": sorted(held - placed)})


async def _new_documents(state: ApiState, node: Node, beat: Beat) -> dict[str, dict[str, Any]]:
    """What is to be kept of the beat's findings and of its arbiter's words, by kind; what is as before is
    left out. Few beats tell of any, so the store is asked, which may have been restored meanwhile."""
    told = documents_of(node, beat)
    if not told:
        return {}
    new = await state.read(partial(new_documents, node=node.id, documents=told))
    return {kind: document for kind, document in told.items() if kind in new}


def _keep(
    tx: Transaction,
    *,
    id: str,
    beat: Beat,
    seen: int,
    now: float,
    moves: bool,
    workloads: bool,
    documents: dict[str, dict[str, Any]],
) -> None:
    """What of a beat is worth a transaction."""
    node = tx.node(id)
    if node is None:
        raise gone()
    if (changed := node_after(node, beat, now)) is not None:
        desk.update_node(tx, changed, now)
        node = changed
    if moves and beat.held is not None:
        desk.missing(tx, node, beat.held, seen, now)
    if workloads and beat.workloads is not None:
        tx.put_workloads(id, node_workloads(node, beat.workloads))
    for kind, document in documents.items():
        tx.put_document(kind, id, document)


def _digest(beat: Beat) -> bytes | None:
    if beat.workloads is None:
        return None
    return hashlib.blake2b(json.dumps(beat.workloads, sort_keys=True).encode(), digest_size=16).digest()


# ------------------------------------------------------------------ what is to run, and what became of it


async def _desired(request: Request) -> Response:
    only(request, "seen", "wait")
    state = state_of(request)
    id = (await node_of(state, request)).id
    seen = int(number_of(request, "seen", 0, 0, 1 << 53))
    hub = state.hub
    await hub.wait_for_node(id, seen, number_of(request, "wait", 0, 0, LONGEST_WAIT))
    if id not in hub.mirror.nodes:
        await node_of(state, request)  # removed, or so new that only the store knows it
    jobs = list(hub.mirror.on_node(id))
    revision, attach, follow = hub.revision_for(id), hub.attach.wanted(id), hub.followed(id)
    environments = {}
    if begin := unbegun(jobs):
        environments = await state.read(lambda reader: reader.environments(begin))
    within = state.settings.terms.start_within
    return as_json(
        desired_json(jobs, environments, revision=revision, start_within=within, attach=attach, follow=follow)
    )


router.add_route(PREFIX + "/desired", _desired, methods=["GET"], include_in_schema=False)


@_post("/reports")
async def _reports(request: Request) -> Response:
    only(request)
    state = state_of(request)
    id = (await node_of(state, request)).id
    raw = fields_of(await json_of(request), frozenset(("reports",)))["reports"]
    if not isinstance(raw, list) or len(cast("list[Any]", raw)) > MOST_REPORTS:
        raise ProtocolError(f"reports is a list of at most {MOST_REPORTS}")
    reports = [report_from(one) for one in cast("list[Any]", raw)]
    now = state.now()

    def work(tx: Transaction) -> list[Verdict]:
        node = tx.node(id)
        if node is None:
            raise gone()
        return desk.told(tx, node, reports, now)

    verdicts = await state.write(work) if reports else []
    return as_json({"revision": state.hub.proven_for(id), "results": [verdict.value for verdict in verdicts]})


# ------------------------------------------------------------------ logs and terminals


@_post("/logs/{job}/{attempt:int}")
async def _logs(request: Request) -> Response:
    only(request, "offset", "complete")
    state = state_of(request)
    node = await node_of(state, request)
    job, attempt = str(request.path_params["job"]), int(request.path_params["attempt"])
    await _its_own(state, node, job, attempt)
    offset = int(number_of(request, "offset", 0, 0, 1 << 53))
    complete = request.query_params.get("complete", "false") == "true"
    data = await request.body()
    append = partial(state.logs.append, job, attempt, offset, data, complete=complete)
    try:
        size = await asyncio.get_running_loop().run_in_executor(None, append)
    except LogDiskFull as error:
        raise Problem(507, error.message, kind="disk-full", hint="keep it, and send it again later") from None
    state.hub.log_grew(job)
    return as_json({"size": size})


async def _its_own(state: ApiState, node: Node, job: str, attempt: int) -> None:
    """Problem 403 when that attempt did not run on this node, 404 when there is no such job."""
    ran_on = state.hub.ran_on(job, attempt)
    if ran_on is None:
        ran_on = await state.read(partial(_ran_on, node=node, job=job, attempt=attempt))
    if ran_on is None:
        raise not_found("job", job)
    if ran_on != node.id:
        raise Problem(
            403,
            f"attempt {attempt} of job {job} did not run on {node.name}",
            kind="forbidden",
            hint="drop its log",
        )


def _ran_on(reader: Reader, *, node: Node, job: str, attempt: int) -> str | None:
    """The node's id when the attempt ran there, else ""; None when there is no such job."""
    found = reader.job(job)
    if found is None:
        return None
    if found.attempt == attempt and found.node == node.name:
        return node.id
    told = reader.events(0, 1000, subject=job)
    here = any(one.data.get("attempt") == attempt and one.data.get("node") == node.name for one in told)
    return node.id if here else ""


async def _attach(socket: WebSocket) -> None:
    state = state_of(socket)
    try:
        node = await node_of(state, socket)
    except Problem as problem:
        await socket.close(REFUSED, problem.detail)
        return
    if state.hub.closing:
        await socket.close(AWAY, "the controller is being stopped")
        return
    await state.hub.attach.agent(socket, session=str(socket.path_params["session"]), node=node.id)


router.add_websocket_route(PREFIX + "/attach/{session}", _attach)
