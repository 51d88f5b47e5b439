"""Every operation of /openapi.json, with requests that fit it and requests that do not.

Checked of each answer: no defect, no status, header or body that is not documented, nothing accepted that the
document forbids, nothing refused that it allows, no way around the token.
"""

from collections.abc import Iterator

import pytest
import schemathesis
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance
from tests.api.in_process import V1, Api

from sentinel.api.app import ROUTERS
from sentinel.api.state import ApiSettings
from sentinel.core.identity import Role
from sentinel.core.job import JobState

pytestmark = pytest.mark.slow

OPERATIONS = sorted(
    (route.path, method)
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute) and route.include_in_schema
    for method in route.methods
)
SECONDS = {"/api/v1/events/stream": 0.25, "/api/v1/fleet/stream": 0.25}  # they never end
# What the document cannot say: `after` is the store's own; `tail` and `offset` exclude each other; no
# 30th of February; what is an address depends on the channel's kind.
UNSAID = {
    path: [positive_data_acceptance]
    for path in (
        "/api/v1/jobs",
        "/api/v1/jobs/preview",
        "/api/v1/jobs/{id}/logs",
        "/api/v1/reservations",
        "/api/v1/silences",
        "/api/v1/channels/{name}",
        "/api/v1/history/query",
        "/api/v1/reports/usage",
    )
}
bounded = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    quick = ApiSettings(keep_alive=0.01, look_again=0.01)
    with Api(logs=tmp_path_factory.mktemp("logs"), settings=quick) as api:
        api.node()
        root = api.token("root", Role.ADMIN)
        job = api.submit(root, environment={"A": "b"})["id"]
        api.advance(job, JobState.SUCCEEDED)
        api.state.logs.append(job, 1, 0, b"hello\n" * 100, complete=True)
        array = api.ask(
            "POST", f"{V1}/jobs", token=root, json={"command": ["true"], "cwd": "/", "array": "0-2%1"}
        ).json()["id"]
        gang = api.submit(root, nodes=2, after=[{"job": array, "kind": "any"}])["id"]
        api.user("somebody")
        api.there = {
            "/jobs/": [{"id": job}, {"id": array}, {"id": f"{array}_1"}, {"id": gang}],
            "/nodes/": [{"name": "n1"}],
            "/users/": [{"name": "somebody"}],
        }
        yield api


@pytest.fixture(scope="module")
def document(api: Api) -> schemathesis.BaseSchema:
    document = schemathesis.openapi.from_asgi("/openapi.json", api.bridged)
    document.config.generation.update(with_security_parameters=False)  # each call has a token of ours
    return document


@pytest.fixture(scope="module")
def root(api: Api) -> dict[str, str]:
    return {"Authorization": f"Bearer {api.token('root', Role.ADMIN)}"}


def test_every_route_is_in_the_document(document: schemathesis.BaseSchema) -> None:
    found = sorted((op.ok().path, op.ok().method.upper()) for op in document.get_all_operations())
    assert found == OPERATIONS


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_every_operation_does_as_it_says(
    path: str, method: str, document: schemathesis.BaseSchema, root: dict[str, str], api: Api
) -> None:
    operation = document[path][method]
    modes = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    asked = [operation.as_strategy(mode) for mode in modes]
    for one in next((what for part, what in api.there.items() if f"{part}{{" in path), ()):
        asked += [operation.as_strategy(mode, path_parameters=one) for mode in modes]

    @bounded
    @given(st.one_of(asked))
    def ask(case: schemathesis.Case) -> None:
        api.clock.at += 100  # no guess is too soon after the one before
        case.call_and_validate(
            headers=root, timeout=SECONDS.get(path, 10), excluded_checks=UNSAID.get(path, [])
        )

    ask()
