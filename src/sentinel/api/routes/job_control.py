"""What its owner, or an operator, does with a job: cancel and retry it."""

from typing import Annotated, Any

from fastapi import APIRouter, Body
from starlette.responses import Response

from sentinel.api.answers import as_json
from sentinel.api.deps import Controller, State
from sentinel.api.described import AskedArrayShape, JobShape, answers
from sentinel.api.finding import Array, find, find_job, its_own, its_owner
from sentinel.api.parameters import JobId
from sentinel.api.problems import Problem
from sentinel.api.requests import Nothing, WhyRequest
from sentinel.api.routes.submitting import check_priority
from sentinel.core.job import Cancel, Job
from sentinel.core.job_json import job_json
from sentinel.core.secret import new_id
from sentinel.ports.store import Transaction
from sentinel.scheduling import desk

router = APIRouter(prefix="/api/v1", tags=["jobs"])


@router.post(
    "/jobs/{id}/cancel",
    summary="Ask a job to end",
    description="One that waits is CANCELED at once; one that runs gets its stop signal, and SIGKILL after "
    "its grace. 409 when it has ended. Of an array: all its tasks that have not ended.",
    responses=answers(JobShape | AskedArrayShape, 404, 409),
)
async def cancel_job(
    id: JobId, state: State, identity: Controller, body: WhyRequest | None = None
) -> Response:
    now = state.now()
    cancel = Cancel(by=identity.name, at=now, why=body.why if body else "")

    def ask(tx: Transaction) -> dict[str, Any]:
        found = find(tx, identity, id)
        its_own(identity, found.task if isinstance(found, Array) else found, "canceling it")
        if isinstance(found, Array):
            asked = desk.cancel_array(tx, found.id, cancel, now)
            return {"id": found.id, "jobs": [job.id for job in asked]}
        return job_json(desk.cancel(tx, found.id, cancel, now))

    return as_json(await state.write(ask))


@router.post(
    "/jobs/{id}/retry",
    status_code=201,
    summary="Submit an ended job again",
    description="A new job with the same spec and environment. For its owner, since nobody else knows the "
    "environment. 409 unless it has ended.",
    responses=answers(JobShape, 404, 409, status=201),
)
async def retry_job(
    id: JobId, state: State, identity: Controller, _body: Annotated[Nothing | None, Body()] = None
) -> Response:
    now = state.now()
    new_one = new_id()

    def again(tx: Transaction) -> Job:
        old = find_job(tx, identity, id)
        its_owner(identity, old, "environment that a retry needs")
        if not old.state.ended:
            raise Problem(
                409,
                f"job {old.id} is {old.state} and has not ended",
                kind="not-ended",
                hint="cancel it first, or submit another one",
            )
        if old.part is not None:
            raise Problem(
                409,
                f"job {old.id} is a part of {old.part.of}, and runs with the others alone",
                kind="part",
                hint=f"retry {old.part.of}",
            )
        check_priority(identity, old.spec.priority)
        job = Job(
            id=new_one,
            owner=old.owner,
            tenant=old.tenant,
            spec=old.spec,
            submitted_at=now,
            account=identity.group,
        )
        kept, _ = desk.submit(tx, job, tx.environment(old.id), key=None, digest="", now=now)
        return kept

    return as_json(job_json(await state.write(again)), 201)
