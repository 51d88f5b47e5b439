"""Where agents send what they measured. Used by `make_app`.

    POST /api/v1/agent/samples    a batch as in core.sample_batch, application/octet-stream
                                  → {"kept": 0 or 1, "elsewhere": 0 or 1}

A plain route of the framework below, for the reason that `node_routes` gives. `elsewhere`: the history has
these samples from another source; there is no need to send more of them.
"""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from sentinel.api.answers import as_json
from sentinel.api.deps import state_of
from sentinel.api.node_gate import node_of, only
from sentinel.api.sample_intake import SampleIntake
from sentinel.api.state import ApiState

PATH = "/api/v1/agent/samples"

router = APIRouter()


async def _samples(request: Request) -> Response:
    only(request)
    state = state_of(request)
    node = await node_of(state, request)
    elsewhere = await _intake(request, state).keep(node.name, await request.body())
    return as_json({"kept": int(not elsewhere), "elsewhere": int(elsewhere)})


def _intake(request: Request, state: ApiState) -> SampleIntake:
    """The application's one, made when first needed."""
    kept = request.scope["app"].state
    found: SampleIntake | None = getattr(kept, "sample_intake", None)
    if found is None:
        found = kept.sample_intake = SampleIntake(state.history)
    return found


router.add_route(PATH, _samples, methods=["POST"], include_in_schema=False)
