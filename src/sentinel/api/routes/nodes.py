"""Nodes: looking at them, draining, declaring dead, removing."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from starlette.responses import Response

from sentinel.api.answers import as_json, cut, page, polled
from sentinel.api.beats import forget_documents
from sentinel.api.deps import Admin, Operator, Reader, State
from sentinel.api.described import NodeArbiterShape, NodeShape, PageShape, answers
from sentinel.api.finding import find_node
from sentinel.api.parameters import After, Limit, Name
from sentinel.api.problems import Problem
from sentinel.api.requests import NeededWhyRequest, Nothing, WhyRequest
from sentinel.api.state import ApiState
from sentinel.core.node import Drain, Node, node_json
from sentinel.core.node_arbiter import NODE_ARBITER
from sentinel.ports.store import NodeWorkload, Transaction
from sentinel.ports.store import Reader as StoreReader
from sentinel.scheduling import desk
from sentinel.scheduling.writing import write_node_fact

router = APIRouter(prefix="/api/v1", tags=["nodes"])
_LIVE = frozenset(("running", "idle", "paused"))
_UNTOLD: dict[str, Any] = {
    "standing": "unknown",
    "why": "its agent has not told yet",
    "services": [],
    "leases": [],
    "waiting": [],
    "hold": None,
}


@router.get(
    "/nodes",
    summary="Nodes, by name",
    description="`samples` is null when older than 30 seconds; `jobs` are those that hold GPUs there; "
    "`strays` are workloads on its GPUs that nobody queued.",
    responses=answers(PageShape[NodeShape], headers=("ETag",)),
)
async def list_nodes(
    request: Request, state: State, identity: Reader, limit: Limit = 100, after: After = None
) -> Response:
    def look(reader: StoreReader) -> dict[str, Any]:
        mine = [node for node in reader.nodes() if node.tenant == identity.tenant]
        shown, following = cut(mine, _name, limit, after)
        jobs = _jobs(reader)
        return page([_shown(state, reader, node, jobs) for node in shown], following)

    return polled(request, await state.read(look))


@router.get("/nodes/{name}", summary="A node", responses=answers(NodeShape, 404))
async def show_node(name: Name, state: State, identity: Reader) -> Response:
    return as_json(await state.read(lambda reader: _one(state, reader, find_node(reader, identity, name))))


@router.get(
    "/nodes/{name}/arbiter",
    summary="What a node's arbiter says",
    description="Which services step aside for whom, who has the node's GPUs by it, who waits there. "
    "`unknown`: the node's agent never told. Of a node that is not up it is what was told last.",
    responses=answers(NodeArbiterShape, 404),
)
async def show_node_arbiter(name: Name, state: State, identity: Reader) -> Response:
    def look(reader: StoreReader) -> dict[str, Any]:
        node = find_node(reader, identity, name)
        kept = reader.document(NODE_ARBITER, node.id)
        return {"node": node.name, **(_UNTOLD if kept is None or kept.data is None else kept.data)}

    return as_json(await state.read(look))


@router.post(
    "/nodes/{name}/drain",
    summary="Let no new job onto a node",
    description="What runs there goes on.",
    responses=answers(NodeShape, 404),
)
async def drain_node(
    name: Name, state: State, identity: Operator, body: WhyRequest | None = None
) -> Response:
    now = state.now()
    drain = Drain(by=identity.name, at=now, why=body.why if body else "")

    def work(tx: Transaction) -> dict[str, Any]:
        node = find_node(tx, identity, name)
        desk.drain(tx, node.id, drain, now)
        return _one(state, tx, find_node(tx, identity, name))

    return as_json(await state.write(work))


@router.post("/nodes/{name}/resume", summary="End a drain", responses=answers(NodeShape, 404))
async def resume_node(
    name: Name, state: State, identity: Operator, _body: Annotated[Nothing | None, Body()] = None
) -> Response:
    now = state.now()

    def work(tx: Transaction) -> dict[str, Any]:
        node = find_node(tx, identity, name)
        desk.resume(tx, node.id, identity.name, now)
        return _one(state, tx, find_node(tx, identity, name))

    return as_json(await state.write(work))


@router.post(
    "/nodes/{name}/declare-dead",
    summary="Say that nothing runs on a silent node any more",
    description="Its lost jobs are queued again, so be sure. 409 for a node that is up: it is not dead.",
    responses=answers(NodeShape, 404, 409),
)
async def declare_node_dead(name: Name, body: NeededWhyRequest, state: State, identity: Operator) -> Response:
    now = state.now()

    def work(tx: Transaction) -> dict[str, Any]:
        node = find_node(tx, identity, name)
        desk.declare_dead(tx, node.id, identity.name, body.why, now)
        return _one(state, tx, find_node(tx, identity, name))

    return as_json(await state.write(work))


@router.delete(
    "/nodes/{name}",
    status_code=204,
    summary="Forget a node",
    description="Its certificate opens nothing any more. 409 while jobs hold leases there.",
    responses=answers(None, 404, 409, status=204),
)
async def remove_node(name: Name, state: State, identity: Admin) -> Response:
    now = state.now()

    def remove(tx: Transaction) -> None:
        node = find_node(tx, identity, name)
        if held := [lease.job for lease in tx.leases(node=node.id)]:
            raise Problem(
                409,
                f"jobs hold leases on {node.name}: {', '.join(held[:5])}{', …' if len(held) > 5 else ''}",
                kind="has-leases",
                hint="cancel them, or declare the node dead first",
            )
        tx.remove_node(node.id)
        forget_documents(tx, node.id)
        write_node_fact(tx, node, "removed", now, by=identity.name)

    await state.write(remove)
    return Response(status_code=204)


# ------------------------------------------------------------------ how a node is shown


def _name(node: Node) -> str:
    return node.name


def _one(state: ApiState, reader: StoreReader, node: Node) -> dict[str, Any]:
    return _shown(state, reader, node, _jobs(reader, node.id))


def _shown(state: ApiState, reader: StoreReader, node: Node, jobs: dict[str, list[str]]) -> dict[str, Any]:
    samples = state.hub.samples_of(node.id)
    return {
        **node_json(node),
        "samples": None if samples is None else [dict(one) for one in samples.samples],
        "jobs": jobs.get(node.id, []),
        "strays": [_stray(one) for one in reader.workloads(node=node.id) if _is_stray(one)],
    }


def _jobs(reader: StoreReader, node: str | None = None) -> dict[str, list[str]]:
    """Ids of the jobs that hold leases, by node id."""
    found: dict[str, list[str]] = {}
    for lease in reader.leases(node=node):
        found.setdefault(lease.node, []).append(lease.job)
    return {id: sorted(jobs) for id, jobs in found.items()}


def _is_stray(workload: NodeWorkload) -> bool:
    """Whether it has GPUs though nobody queued it. Where that is not known, it is none."""
    return (
        workload.data.get("managed") is False and workload.state in _LIVE and bool(workload.data.get("gpus"))
    )


def _stray(workload: NodeWorkload) -> dict[str, Any]:
    return {key: workload.data.get(key) for key in ("id", "name", "user", "origin", "state", "pid", "gpus")}
