"""Jobs: submitting, listing and looking at them. What ends or repeats them is in `job_control`.

`POST jobs` is the hot path of the whole controller: nothing here waits but for the store's commit.
"""

import hashlib
import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from sentinel.api.answers import as_json, event_json, page, polled, same, tag_of
from sentinel.api.deps import Controller, Reader, State, Submitter, state_of
from sentinel.api.described import EventShape, JobShape, PageShape, WhyShape, answers
from sentinel.api.direct import DirectRoute
from sentinel.api.finding import find_job, its_owner
from sentinel.api.parameters import After, Filter, JobId, Limit, Number
from sentinel.api.problems import Problem, invalid
from sentinel.api.reasons import reasons_of, why_of
from sentinel.api.requests import JobRequest
from sentinel.core.identity import Action, Identity
from sentinel.core.job import Job, JobState
from sentinel.core.job_json import job_json, spec_json
from sentinel.core.secret import new_id
from sentinel.ports.store import JobFilter, Page
from sentinel.ports.store import Reader as StoreReader
from sentinel.scheduling import desk
from sentinel.scheduling.explain import why_json

router = APIRouter(prefix="/api/v1", tags=["jobs"])
LONGEST_KEY = 200
StateName = Literal["QUEUED", "ALLOCATED", "STARTING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELED", "LOST"]
States = Annotated[
    list[StateName],
    Query(alias="state", default_factory=list, max_length=50, description="May be given more than once."),
]
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key with the same body gives the job that the first call made.",
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[!-~]+$"},
}


async def submit_job(body: JobRequest, request: Request, identity: Submitter) -> Response:
    state = state_of(request)
    check_priority(identity, body.priority)
    key = idempotency_key(request)
    spec, environment = body.spec(), body.environment
    now = state.now()
    job = Job(id=new_id(), owner=identity.name, tenant=identity.tenant, spec=spec, submitted_at=now)
    digest = "" if key is None else digest_of({"spec": spec_json(spec), "environment": environment})
    kept, new = await state.write(
        lambda tx: desk.submit(tx, job, environment, key=key, digest=digest, now=now)
    )
    return as_json(job_json(kept), 201 if new else 200)


router.add_api_route(
    "/jobs",
    submit_job,
    methods=["POST"],
    status_code=201,
    summary="Submit a job",
    description="Answered once it is durable. With an `Idempotency-Key` that was used before: 200 and the "
    "job of that time, or 409 when the body was another.",
    responses={
        **answers(JobShape, 409, status=201),
        200: {"description": "The job of before", "model": JobShape},
    },
    openapi_extra={"parameters": [_KEY]},
    route_class_override=DirectRoute,
)


def check_priority(identity: Identity, priority: int) -> None:
    """Problem 403 when it is above what everybody may ask for."""
    if priority > 0 and not identity.may(Action.OPERATE):
        raise Problem(
            403,
            f"priority {priority} would run before everybody else's jobs; above 0 is for operators, and "
            f"{identity.name} is {identity.role}",
            kind="priority",
            hint="leave the priority out, or ask an operator to submit it",
        )


def idempotency_key(request: Request) -> str | None:
    """The header's value. Problem 422 when it cannot be a key."""
    key = request.headers.get("idempotency-key")
    if key is not None and not (0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
        raise invalid("Idempotency-Key", f"a key is 1 to {LONGEST_KEY} printable ASCII characters")
    return key


def digest_of(what: dict[str, Any]) -> str:
    """What tells one request from another."""
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


@router.get(
    "/jobs",
    summary="Jobs, newest first",
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
    limit: Limit = 100,
    after: After = None,
) -> Response:
    asked = JobFilter(
        tenant=identity.tenant,
        owner=identity.name if owner == "me" else owner,
        states=tuple(JobState(one) for one in wanted),
        node=node,
        name=name,
        id_prefix=None if id_prefix is None else id_prefix.lower(),
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


@router.get("/jobs/{id}", summary="A job", responses=answers(JobShape, 404, 409))
async def show_job(id: JobId, state: State, identity: Reader) -> Response:
    job = await state.read(lambda reader: find_job(reader, identity, id))
    return as_json(job_json(job, reason=reasons_of(state, [job]).get(job.id)))


@router.get(
    "/jobs/{id}/why",
    summary="Why a job is in its state",
    description="For one that waits: what blocks it, who holds it, and how many jobs are ahead.",
    responses=answers(WhyShape, 404, 409),
)
async def why_job(id: JobId, state: State, identity: Reader) -> Response:
    job = await state.read(lambda reader: find_job(reader, identity, id))
    return as_json(why_json(why_of(state, job)))


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
