"""Jobs: listing and looking at them. Submitting is in `submitting`; ending and repeating in `job_control`."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from sentinel.api.answers import as_json, event_json, page, polled, same, tag_of
from sentinel.api.arrays import array_json
from sentinel.api.deps import Controller, Reader, State
from sentinel.api.described import (
    ArrayShape,
    EventShape,
    JobShape,
    OneJobShape,
    PageShape,
    StateName,
    WhyShape,
    answers,
)
from sentinel.api.finding import Array, find, find_job, its_owner
from sentinel.api.parameters import After, Filter, JobId, Limit, Number
from sentinel.api.parts import parts_json, parts_of
from sentinel.api.reasons import reasons_of
from sentinel.core.job import Job, JobState
from sentinel.core.job_json import job_json
from sentinel.ports.store import JobFilter, Page
from sentinel.ports.store import Reader as StoreReader
from sentinel.scheduling.explain import why_json

router = APIRouter(prefix="/api/v1", tags=["jobs"])
States = Annotated[
    list[StateName],
    Query(alias="state", default_factory=list, max_length=50, description="May be given more than once."),
]


@router.get(
    "/jobs",
    summary="Jobs, newest first",
    description="Without the parts of gangs, which `part_of` alone names. `array`: the tasks of that one.",
    responses=answers(PageShape[JobShape], headers=("ETag",)),
)
async def list_jobs(
    request: Request,
    state: State,
    identity: Reader,
    wanted: States,
    owner: Filter = None,
    node: Filter = None,
    name: Filter = None,
    id_prefix: Filter = None,
    array: Filter = None,
    part_of: Filter = None,
    limit: Limit = 100,
    after: After = None,
) -> Response:
    asked = JobFilter(
        tenant=identity.tenant,
        owner=identity.name if owner == "me" else owner,
        states=tuple(JobState(one) for one in wanted),
        node=node,
        name=name,
        id_prefix=_lower(id_prefix),
        array=_lower(array),
        part_of=_lower(part_of),
    )
    mirrored = state.hub.mirror.revision

    def look(reader: StoreReader) -> tuple[str, list[Job], str | None]:
        # Reasons come from the mirror, so both revisions say whether the answer can have changed.
        tag = tag_of("jobs", reader.revision(), mirrored, asked, limit, after)
        if same(request, tag):
            return tag, [], None
        found, following = reader.find_jobs(asked, Page(limit=limit, after=after))
        return tag, list(found), following

    tag, jobs, following = await state.read(look)
    reasons = reasons_of(state, jobs)
    items = [job_json(job, reason=reasons.get(job.id)) for job in jobs]
    return polled(request, page(items, following), tag)


def _lower(id: str | None) -> str | None:
    return None if id is None else id.lower()


@router.get(
    "/jobs/{id}",
    summary="A job, or an array",
    description="That of a gang has its `parts`; an array, how many of its tasks are in which state.",
    responses=answers(OneJobShape | ArrayShape, 404, 409),
)
async def show_job(id: JobId, state: State, identity: Reader) -> Response:
    def look(reader: StoreReader) -> tuple[Job, list[Job]] | dict[str, Any]:
        found = find(reader, identity, id)
        if isinstance(found, Array):
            counts = reader.count_jobs(JobFilter(tenant=identity.tenant, array=found.id))
            return array_json(found, counts)
        return found, parts_of(reader, found)

    found = await state.read(look)
    if isinstance(found, dict):
        return as_json(found)
    job, parts = found
    shown = job_json(job, reason=reasons_of(state, [job]).get(job.id))
    return as_json(shown if job.spec.nodes == 1 else {**shown, "parts": parts_json(parts)})


@router.get(
    "/jobs/{id}/why",
    summary="Why a job is in its state",
    description="For one that waits: what blocks it, who holds it, how many jobs are ahead, when it is "
    "expected to begin, and what would let it begin now.",
    responses=answers(WhyShape, 404, 409),
)
async def why_job(id: JobId, state: State, identity: Reader) -> Response:
    job, revision = await state.read(lambda reader: (find_job(reader, identity, id), reader.revision()))
    await state.hub.caught_up(revision)  # else it would be told what was true before it was submitted
    return as_json(why_json(await state.explainer.why(job)))


@router.get(
    "/jobs/{id}/environment",
    summary="What a job was submitted with",
    description="For its owner alone: nobody else, admins neither.",
    responses={
        **answers(None, 404, 409),
        200: {
            "description": "Values by name",
            "content": {
                "application/json": {"schema": {"type": "object", "additionalProperties": {"type": "string"}}}
            },
        },
    },
)
async def show_environment(id: JobId, state: State, identity: Controller) -> Response:
    def look(reader: StoreReader) -> dict[str, str]:
        job = find_job(reader, identity, id)
        its_owner(identity, job, "environment")
        return dict(reader.environment(job.id))

    return as_json(await state.read(look))


@router.get(
    "/jobs/{id}/events",
    summary="What happened to a job, oldest first",
    responses=answers(PageShape[EventShape], 404, 409),
)
async def job_events(
    id: JobId, state: State, identity: Reader, after: Number = 0, limit: Limit = 100
) -> Response:
    def look(reader: StoreReader) -> Response:
        job = find_job(reader, identity, id)
        found = reader.events(after, limit, tenant=identity.tenant, subject=job.id)
        more = str(found[-1].id) if len(found) == limit else None
        return as_json(page([event_json(event) for event in found], more))

    return await state.read(look)
