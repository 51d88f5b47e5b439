"""The controller's own metrics, as Prometheus reads them: `GET /metrics`, with a token, for who may read.

    - job_name: sentinel
      scheme: https
      authorization: {credentials_file: /etc/prometheus/sentinel-token}
      tls_config: {ca_file: /etc/prometheus/sentinel-ca.pem}

What was counted between two scrapes is kept in the application's state.
"""

from dataclasses import dataclass, field
from itertools import chain
from typing import cast

from fastapi import APIRouter, Request
from prometheus_client.exposition import choose_encoder
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import CollectorRegistry
from starlette.datastructures import State as Kept
from starlette.responses import Response

from sentinel.api.controller_metrics import ControllerLook, families, look, more_families
from sentinel.api.deps import Reader, State
from sentinel.api.described import problems
from sentinel.api.request_counts import RequestCounts
from sentinel.api.state import ApiState
from sentinel.core.errors import SentinelError
from sentinel.ports.store import Reader as StoreReader
from sentinel.scheduling.failed_lately import FailedLately
from sentinel.telemetry.text_format import text_format

COUNT_SERIES_EVERY = 60.0  # seconds: a history may have a hundred thousand
_OPENMETRICS = "application/openmetrics-text"
_TEXT = {"schema": {"type": "string"}}

router = APIRouter(tags=["metrics"])


@dataclass(slots=True, kw_only=True)
class Scrapes:
    """What is kept from one to the next. For one event loop. `counted_at` is boottime; None: never."""

    process: ProcessCollector
    failed: FailedLately = field(default_factory=FailedLately)
    series: int | None = None
    counted_at: float | None = None


@router.get(
    "/metrics",
    summary="The controller's own metrics",
    description="In Prometheus' format, or in OpenMetrics where that is asked for. Those of the nodes and "
    "their GPUs are at `:9400/metrics` of each agent.",
    response_class=Response,
    responses={
        200: {"description": "The metrics", "content": {"text/plain": _TEXT, _OPENMETRICS: _TEXT}},
        **problems(401, 403),
    },
)
async def show_metrics(request: Request, state: State, identity: Reader) -> Response:
    kept = cast("Kept", request.scope["app"].state)
    scrapes = _scrapes(kept)
    now = state.now()

    def work(reader: StoreReader) -> tuple[ControllerLook, int]:
        return look(reader, identity.tenant, now), scrapes.failed.count(reader, now)

    found, failed = await state.read(work)
    requests = cast("RequestCounts | None", getattr(kept, "requests", None))
    shown = chain(
        families(found, failed, state.settings.version),
        more_families(None if requests is None else requests.rows(), await _series(state, scrapes)),
        scrapes.process.collect(),
    )
    _, content_type = choose_encoder(request.headers.get("accept", ""))
    body = text_format(shown, openmetrics=content_type.startswith(_OPENMETRICS))
    return Response(body, headers={"Content-Type": content_type})


def _scrapes(kept: Kept) -> Scrapes:
    found = cast("Scrapes | None", getattr(kept, "scrapes", None))
    if found is None:
        found = Scrapes(process=ProcessCollector(registry=CollectorRegistry()))
        kept.scrapes = found
    return found


async def _series(state: ApiState, scrapes: Scrapes) -> int | None:
    """None where the history does not answer."""
    now = state.boottime()
    if scrapes.counted_at is None or now - scrapes.counted_at >= COUNT_SERIES_EVERY:
        scrapes.counted_at = now
        try:
            scrapes.series = await state.look_back(lambda history: len(history.series()))
        except SentinelError:
            scrapes.series = None
    return scrapes.series
