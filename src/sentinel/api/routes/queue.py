"""The queue as a whole: whether jobs are held after a restore, and the end of that."""

from fastapi import APIRouter
from starlette.responses import Response

from sentinel.api.answers import as_json
from sentinel.api.deps import Operator, Reader, State
from sentinel.api.described import HoldShape, answers
from sentinel.api.requests import WhyRequest
from sentinel.scheduling import desk
from sentinel.scheduling.mirror import holds

router = APIRouter(prefix="/api/v1", tags=["queue"])


@router.get("/queue", summary="Whether jobs are held after a restore", responses=answers(HoldShape))
async def show_queue(state: State, _: Reader) -> Response:
    return as_json({"held": await state.read(holds)})


@router.post(
    "/queue/resume",
    summary="Place jobs again after a restore",
    description="For an operator who knows that no node runs what the restored store does not know of.",
    responses=answers(HoldShape),
)
async def resume_queue(state: State, identity: Operator, body: WhyRequest | None = None) -> Response:
    now, why = state.now(), body.why if body else ""
    await state.write(lambda tx: desk.end_hold(tx, identity.name, why, now))
    return as_json({"held": False})
