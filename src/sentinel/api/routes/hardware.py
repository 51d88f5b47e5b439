"""What is on the nodes: GPUs, the workloads seen on them, and the leases of jobs."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from sentinel.api.answers import cut, lease_json, page, polled, same, tag_of, workload_json
from sentinel.api.deps import Reader, State
from sentinel.api.described import GpuShape, LeaseShape, PageShape, WorkloadShape, answers
from sentinel.api.finding import node_names
from sentinel.api.parameters import After, Filter, Limit
from sentinel.core.job_lease import JobLease
from sentinel.core.node import node_gpu_json
from sentinel.core.workload import WorkloadState
from sentinel.ports.store import NodeWorkload
from sentinel.ports.store import Reader as StoreReader

router = APIRouter(prefix="/api/v1")


@router.get(
    "/gpus",
    tags=["gpus"],
    summary="GPUs of all nodes, with the job that holds each",
    responses=answers(PageShape[GpuShape], headers=("ETag",)),
)
async def list_gpus(
    request: Request, state: State, identity: Reader, limit: Limit = 100, after: After = None
) -> Response:
    def look(reader: StoreReader) -> tuple[str, dict[str, Any]]:
        tag = tag_of("gpus", reader.revision(), identity.tenant, limit, after)
        if same(request, tag):
            return tag, {}
        held = {(lease.node, gpu): lease.job for lease in reader.leases() for gpu in lease.gpus}
        gpus = [
            {**node_gpu_json(gpu), "node": node.name, "job": held.get((node.id, gpu.uuid))}
            for node in reader.nodes()
            if node.tenant == identity.tenant
            for gpu in node.gpus or ()
        ]
        shown, following = cut(sorted(gpus, key=_place), _place, limit, after)
        return tag, page(shown, following)

    tag, found = await state.read(look)
    return polled(request, found, tag)


def _place(gpu: dict[str, Any]) -> str:
    return f"{gpu['node']} {gpu['index']:08} {gpu['uuid']}"


@router.get(
    "/workloads",
    tags=["workloads"],
    summary="What nodes see on their GPUs, managed or not",
    description="`node` is a node's name, `owner` a Unix user there, `state` how it stands.",
    responses=answers(PageShape[WorkloadShape], headers=("ETag",)),
)
async def list_workloads(
    request: Request,
    api: State,
    identity: Reader,
    node: Filter = None,
    owner: Filter = None,
    state: Annotated[WorkloadState | None, Query()] = None,
    limit: Limit = 100,
    after: After = None,
) -> Response:
    def look(reader: StoreReader) -> dict[str, Any]:
        names = node_names(reader, identity)
        found = [
            (names[one.node], one)
            for one in reader.workloads(tenant=identity.tenant, owner=owner)
            if one.node in names
            and (node is None or names[one.node] == node)
            and (state is None or one.state == state)
        ]
        shown, following = cut(sorted(found, key=_seen), _seen, limit, after)
        return page([workload_json(one, name) for name, one in shown], following)

    return polled(request, await api.read(look))


def _seen(found: tuple[str, NodeWorkload]) -> str:
    return f"{found[0]} {found[1].id}"


@router.get(
    "/leases",
    tags=["leases"],
    summary="GPUs reserved for jobs",
    responses=answers(PageShape[LeaseShape], headers=("ETag",)),
)
async def list_leases(
    request: Request, state: State, identity: Reader, limit: Limit = 100, after: After = None
) -> Response:
    def look(reader: StoreReader) -> tuple[str, dict[str, Any]]:
        tag = tag_of("leases", reader.revision(), identity.tenant, limit, after)
        if same(request, tag):
            return tag, {}
        names = node_names(reader, identity)
        mine = [lease for lease in reader.leases() if lease.tenant == identity.tenant]
        shown, following = cut(sorted(mine, key=_attempt), _attempt, limit, after)
        return tag, page([lease_json(lease, names.get(lease.node, "")) for lease in shown], following)

    tag, found = await state.read(look)
    return polled(request, found, tag)


def _attempt(lease: JobLease) -> str:
    return f"{lease.job} {lease.attempt:09}"
