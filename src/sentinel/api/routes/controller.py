"""The controller about itself: whether it works, its version, its certificate authority."""

from fastapi import APIRouter
from starlette.responses import Response

from sentinel.api.answers import as_json
from sentinel.api.deps import Anybody, Reader, State
from sentinel.api.described import CaShape, HealthShape, VersionShape, answers

router = APIRouter(prefix="/api/v1", tags=["controller"])


@router.get(
    "/health",
    summary="Whether the API answers and reaches its store",
    responses=answers(HealthShape, public=True),
)
async def health(state: State, _: Anybody) -> Response:
    await state.read(lambda reader: reader.revision())
    return as_json({"status": "ok"})


@router.get("/version", summary="What version answers", responses=answers(VersionShape))
async def version(state: State, _: Reader) -> Response:
    return as_json({"version": state.settings.version, "api": "v1"})


@router.get(
    "/ca",
    summary="The controller's certificate authority",
    description="As PEM. Whoever fetches it over an unverified connection compares its SHA-256 with the one "
    "in a join token before trusting it.",
    responses=answers(CaShape, public=True),
)
async def ca(state: State, _: Anybody) -> Response:
    return as_json({"ca": state.authority.ca_pem.decode("ascii")})
