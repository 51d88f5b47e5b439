"""Submitting jobs and arrays.

`POST jobs` is the hot path of the whole controller: nothing here waits but for the store's commit.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from sentinel.api.alert_documents import channels, there_are
from sentinel.api.answers import as_json
from sentinel.api.arrays import submitted_json, tasks_of
from sentinel.api.deps import Submitter, state_of
from sentinel.api.described import JobShape, NewArrayShape, answers
from sentinel.api.direct import DirectRoute
from sentinel.api.job_request import JobRequest
from sentinel.api.problems import Problem, invalid
from sentinel.api.waits import waits
from sentinel.core.alert_json import CHANNEL
from sentinel.core.identity import Action, Identity
from sentinel.core.job import Job
from sentinel.core.job_json import job_json, spec_json
from sentinel.core.job_notify import wishes
from sentinel.core.secret import new_id
from sentinel.ports.store import Reader, Transaction
from sentinel.scheduling import desk

router = APIRouter(prefix="/api/v1", tags=["jobs"])
LONGEST_KEY = 200
MOST_ARRAY_BYTES = 128 << 20
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
    job = Job(
        id=new_id(),
        owner=identity.name,
        tenant=identity.tenant,
        spec=spec,
        submitted_at=now,
        account=identity.group,
    )
    digest = "" if key is None else _digest(body, job)
    if body.array is not None:
        return await _submit_array(request, body, identity, tasks_of(job, body.array), key, digest)

    def submit(tx: Transaction) -> tuple[Job, bool]:
        check_channels(tx, identity, spec.notify, key)
        asked = _waiting(tx, identity, body, [job], key)[0] if body.after else job
        return desk.submit(tx, asked, environment, key=key, digest=digest, now=now)

    kept, new = await state.write(submit)
    return as_json(job_json(kept), 201 if new else 200)


async def _submit_array(
    request: Request, body: JobRequest, identity: Identity, tasks: list[Job], key: str | None, digest: str
) -> Response:
    now = tasks[0].submitted_at
    together = len(tasks) * len(json.dumps([spec_json(tasks[0].spec), body.environment]))
    if together > MOST_ARRAY_BYTES:
        raise invalid(
            "array",
            f"the {len(tasks)} tasks together take {together >> 20} MiB, and at most "
            f"{MOST_ARRAY_BYTES >> 20} are kept",
            "put what is big in their environment or command into a file that they read",
        )

    def submit(tx: Transaction) -> tuple[list[Job], bool]:
        check_channels(tx, identity, tasks[0].spec.notify, key)
        asked = _waiting(tx, identity, body, tasks, key) if body.after else tasks
        return desk.submit_array(tx, asked, body.environment, key=key, digest=digest, now=now)

    kept, new = await state_of(request).write(submit)
    return as_json(submitted_json(kept), 201 if new else 200)


def _waiting(
    tx: Transaction, identity: Identity, body: JobRequest, jobs: list[Job], key: str | None
) -> list[Job]:
    """These jobs with what they wait for. Of a key that was used, what was said then is kept."""
    if key is not None and tx.idempotent(identity.name, key) is not None:
        return jobs
    after = waits(tx, identity, body.after)
    return [replace(job, after=after) for job in jobs]


router.add_api_route(
    "/jobs",
    submit_job,
    methods=["POST"],
    status_code=201,
    summary="Submit a job, or an array of jobs",
    description="Answered once it is durable. With an `Idempotency-Key` that was used before: 200 and the "
    "job of that time, or 409 when the body was another. With `array` there are many, and the answer has "
    "their ids.",
    responses={
        **answers(JobShape | NewArrayShape, 404, 409, status=201),
        200: {"description": "The job of before", "model": JobShape | NewArrayShape},
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


def check_channels(tx: Reader, identity: Identity, notify: Sequence[str], key: str | None) -> None:
    """Problem 409 when one of those who are to be told is nobody. Of a key that was used, it was one then."""
    if not notify or (key is not None and tx.idempotent(identity.name, key) is not None):
        return
    wanted = {wish.channel for wish in wishes(notify)}
    missing = sorted(name for name in wanted if tx.document(CHANNEL, name) is None)
    if missing:
        known = {one.name for one in channels(tx)}
        raise Problem(409, f"there is no channel {missing[0]}", kind="no-such-channel", hint=there_are(known))


def idempotency_key(request: Request) -> str | None:
    """The header's value. Problem 422 when it cannot be a key."""
    key = request.headers.get("idempotency-key")
    if key is not None and not (0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
        raise invalid("Idempotency-Key", f"a key is 1 to {LONGEST_KEY} printable ASCII characters")
    return key


def _digest(body: JobRequest, job: Job) -> str:
    """What tells one request from another."""
    what: dict[str, Any] = {"spec": spec_json(job.spec), "environment": body.environment}
    if body.after:
        what["after"] = [[one.job, one.kind] for one in body.after]
    if body.array is not None:
        what["array"] = body.array
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()
