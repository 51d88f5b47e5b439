"""What would become of a job, asked before it is submitted. The dashboard's form shows it while one types."""

from dataclasses import replace
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from sentinel.api.answers import as_json
from sentinel.api.arrays import tasks_of
from sentinel.api.deps import State, Submitter
from sentinel.api.described import ChangeShape, Shape, answers
from sentinel.api.explainer import preview_json
from sentinel.api.job_request import JobRequest
from sentinel.api.routes.submitting import check_channels, check_priority
from sentinel.api.waits import waits
from sentinel.core.job import Job
from sentinel.core.secret import new_id
from sentinel.ports.store import Reader as StoreReader
from sentinel.scheduling.account_desk import check_queue
from sentinel.scheduling.dependencies import resolve

router = APIRouter(prefix="/api/v1", tags=["jobs"])


class JobPreviewShape(Shape):
    """What `GET jobs/ID/why` would say of it. `estimated_start` null: it cannot be told, `basis` says why."""

    starts_now: bool
    blocking: str
    reason: str
    held_by: list[dict[str, Any]]
    ahead: int
    estimated_start: str | None
    basis: str
    would_start_now_if: list[ChangeShape]


@router.post(
    "/jobs/preview",
    summary="What would become of a job",
    description="The body is that of `POST jobs`, and is refused for the same reasons; nothing is kept. Of "
    "an array: its first task.",
    responses=answers(JobPreviewShape, 404, 409),
)
async def preview_job(body: JobRequest, state: State, identity: Submitter) -> Response:
    check_priority(identity, body.priority)
    asked = Job(
        id=new_id(),
        owner=identity.name,
        tenant=identity.tenant,
        spec=body.spec(),
        submitted_at=state.now(),
        account=identity.group,
    )
    tasks = [asked] if body.array is None else tasks_of(asked, body.array)

    def look(reader: StoreReader) -> tuple[Job, int]:
        check_channels(reader, identity, asked.spec.notify, None)
        check_queue(reader, asked.owner, asked.account, len(tasks))
        first = tasks[0]
        if body.after:
            first = replace(first, after=waits(reader, identity, body.after))
            first = replace(first, after=resolve(reader, first).after)
        return first, reader.revision()

    first, revision = await state.read(look)
    await state.hub.caught_up(revision)
    return as_json(preview_json(await state.explainer.of(first)))
