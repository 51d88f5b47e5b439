"""Every route has a declared action, and every role may exactly what the table says."""

from collections.abc import Iterator

import pytest
from fastapi.routing import APIRoute, APIWebSocketRoute
from starlette.routing import Route, WebSocketRoute
from tests.api.in_process import V1, Api

from sentinel.api.deps import Allowed, Open
from sentinel.core.identity import PERMISSIONS, Action, Role

NODES_ALONE = f"{V1}/agent/"  # known by their certificates; see tests/api/nodes
PUBLIC = {
    ("GET", f"{V1}/health"),
    ("GET", f"{V1}/ca"),
    ("POST", f"{V1}/login"),
    ("POST", f"{V1}/session"),
    ("DELETE", f"{V1}/session"),
    ("GET", "/openapi.json"),
    ("GET", "/docs"),
    ("GET", "/assets/{path:path}"),
    ("GET", "/{path:path}"),
}
# docs/queue.md, "What people and programs say"
TABLE = {
    ("GET", "/metrics"): Action.READ,
    ("GET", "slurm"): Action.READ,
    ("GET", "history/metrics"): Action.READ,
    ("GET", "history/query"): Action.READ,
    ("GET", "reports/usage"): Action.READ,
    ("GET", "whoami"): Action.READ,
    ("GET", "version"): Action.READ,
    ("POST", "jobs"): Action.SUBMIT,
    ("POST", "jobs/preview"): Action.SUBMIT,
    ("GET", "jobs"): Action.READ,
    ("GET", "jobs/{id}"): Action.READ,
    ("POST", "jobs/{id}/cancel"): Action.CONTROL_OWN,
    ("POST", "jobs/{id}/retry"): Action.CONTROL_OWN,
    ("GET", "jobs/{id}/why"): Action.READ,
    ("GET", "jobs/{id}/environment"): Action.CONTROL_OWN,
    ("GET", "jobs/{id}/events"): Action.READ,
    ("GET", "jobs/{id}/logs"): Action.CONTROL_OWN,
    ("WS", "jobs/{id}/attach"): Action.CONTROL_OWN,
    ("GET", "nodes"): Action.READ,
    ("GET", "nodes/{name}"): Action.READ,
    ("GET", "nodes/{name}/arbiter"): Action.READ,
    ("POST", "nodes/join-command"): Action.ADMINISTER,
    ("POST", "nodes/{name}/drain"): Action.OPERATE,
    ("POST", "nodes/{name}/resume"): Action.OPERATE,
    ("POST", "nodes/{name}/declare-dead"): Action.OPERATE,
    ("DELETE", "nodes/{name}"): Action.ADMINISTER,
    ("GET", "gpus"): Action.READ,
    ("GET", "fleet"): Action.READ,
    ("GET", "fleet/stream"): Action.READ,
    ("GET", "workloads"): Action.READ,
    ("GET", "leases"): Action.READ,
    ("GET", "events"): Action.READ,
    ("GET", "events/stream"): Action.READ,
    ("POST", "session/codes"): Action.TOKENS_OWN,
    ("GET", "tokens"): Action.TOKENS_OWN,
    ("POST", "tokens"): Action.TOKENS_OWN,
    ("DELETE", "tokens/{id}"): Action.TOKENS_OWN,
    ("GET", "users"): Action.ADMINISTER,
    ("POST", "users"): Action.ADMINISTER,
    ("PATCH", "users/{name}"): Action.ADMINISTER,
    ("DELETE", "users/{name}"): Action.ADMINISTER,
    ("GET", "accounts"): Action.READ,
    ("GET", "accounts/default"): Action.READ,
    ("PUT", "accounts/default"): Action.OPERATE,
    ("DELETE", "accounts/default"): Action.OPERATE,
    ("GET", "accounts/{scope}/{name}"): Action.READ,
    ("PUT", "accounts/{scope}/{name}"): Action.OPERATE,
    ("DELETE", "accounts/{scope}/{name}"): Action.OPERATE,
    ("GET", "usage"): Action.READ,
    ("GET", "reservations"): Action.READ,
    ("POST", "reservations"): Action.OPERATE,
    ("GET", "reservations/{name}"): Action.READ,
    ("DELETE", "reservations/{name}"): Action.OPERATE,
    ("GET", "alerts"): Action.READ,
    ("GET", "alerts/{id}"): Action.READ,
    ("POST", "alerts/{id}/ack"): Action.OPERATE,
    ("DELETE", "alerts/{id}/ack"): Action.OPERATE,
    ("GET", "alert-rules"): Action.READ,
    ("POST", "alert-rules/preview"): Action.OPERATE,
    ("GET", "alert-rules/{name}"): Action.READ,
    ("PUT", "alert-rules/{name}"): Action.OPERATE,
    ("DELETE", "alert-rules/{name}"): Action.OPERATE,
    ("GET", "silences"): Action.READ,
    ("POST", "silences"): Action.OPERATE,
    ("GET", "silences/{id}"): Action.READ,
    ("DELETE", "silences/{id}"): Action.OPERATE,
    ("GET", "channels"): Action.READ,
    ("GET", "channels/{name}"): Action.READ,
    ("PUT", "channels/{name}"): Action.OPERATE,
    ("DELETE", "channels/{name}"): Action.OPERATE,
    ("POST", "channels/{name}/test"): Action.OPERATE,
    ("GET", "alert-routes"): Action.READ,
    ("PUT", "alert-routes"): Action.OPERATE,
    ("GET", "deliveries"): Action.READ,
    ("GET", "queue"): Action.READ,
    ("POST", "queue/resume"): Action.OPERATE,
}


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    with Api() as api:
        yield api


def declared(route: APIRoute | APIWebSocketRoute) -> list[object]:
    return [one.call for one in route.dependant.dependencies if isinstance(one.call, Allowed | Open)]


def routes(api: Api) -> list[tuple[str, str, object]]:
    """(method, path, route) of every one that is not for nodes."""
    found: list[tuple[str, str, object]] = []
    for route in api.app.routes:
        assert isinstance(route, Route | WebSocketRoute), route
        if route.path.startswith(NODES_ALONE):
            continue
        methods = route.methods if isinstance(route, Route) else {"WS"}
        found += [(method, route.path, route) for method in sorted(methods or ())]
    return found


def test_every_route_declares_who_may_call_it(api: Api) -> None:
    for method, path, route in routes(api):
        assert isinstance(route, APIRoute | APIWebSocketRoute), (method, path)
        assert len(declared(route)) == 1, (method, path)


def test_only_these_are_for_everybody(api: Api) -> None:
    found = {(method, path) for method, path, route in routes(api) if isinstance(declared(route)[0], Open)}
    assert found == PUBLIC


def test_the_actions_are_those_of_the_contract(api: Api) -> None:
    found = {
        (method, path.removeprefix(f"{V1}/")): gate.action
        for method, path, route in routes(api)
        if isinstance(gate := declared(route)[0], Allowed)
    }
    assert found == TABLE


NEEDED = {"history/query": "?metric=gpu_up"}  # parameters without which nothing is answered
STREAMS = {"events/stream", "fleet/stream"}  # they never end
CALLS = sorted((method, path) for method, path in TABLE if method != "WS" and path not in STREAMS)
BODIES = {
    "jobs": {"command": ["true"], "cwd": "/"},
    "jobs/preview": {"command": ["true"], "cwd": "/"},
    "users": {"name": "new", "role": "viewer"},
    "users/{name}": {"role": "viewer"},
    "tokens": {},
    "nodes/{name}/declare-dead": {"why": "test"},
    "accounts/default": {},
    "accounts/{scope}/{name}": {},
    "alerts/{id}/ack": {},
    "alert-rules/preview": {"rule": {"metric": "m", "op": ">", "threshold": 1}},
    "alert-rules/{name}": {"metric": "m", "op": ">", "threshold": 1},
    "silences": {"matches": {"node": "n1"}, "end": "2020-01-01T00:00:00Z", "why": "test"},
    "channels/{name}": {"kind": "webhook", "url": "https://192.0.2.1/x"},
    "alert-routes": {},
    "reservations": {"name": "x", "start": "2020-01-01T00:00:00Z", "end": "2020-01-01T01:00:00Z"},
}


@pytest.mark.parametrize("role", [None, Role.VIEWER, Role.MEMBER, Role.OPERATOR, Role.ADMIN])
@pytest.mark.parametrize(("method", "path"), CALLS)
def test_every_role_at_every_route(api: Api, role: Role | None, method: str, path: str) -> None:
    token = None if role is None else api.token(f"the-{role}", role)
    named = path.format(id="zzzzzzzzzz", name="nobody", scope="user")
    asked = (named if named.startswith("/") else f"{V1}/{named}") + NEEDED.get(path, "")
    body = BODIES.get(path) if method not in ("GET", "DELETE") else None
    answer = api.ask(method, asked, token=token, json=body, headers={"host": "gpus.test"})
    if role is None:
        assert (answer.status, answer.headers["www-authenticate"][:6]) == (401, "Bearer")
    elif TABLE[method, path] in PERMISSIONS[role]:
        assert answer.status not in (401, 403, 422, 500), answer.body
    else:
        assert answer.status == 403
        assert answer.json()["type"] == "forbidden"
        assert str(role) in answer.json()["detail"]


@pytest.mark.parametrize("role", [None, Role.VIEWER])
def test_a_terminal_is_refused_before_it_is_accepted(api: Api, role: Role | None) -> None:
    token = None if role is None else api.token(f"the-{role}", role)
    start = api.socket(f"{V1}/jobs/zzzzzzzzzz/attach", token=token).hear()
    assert start["type"] == "websocket.http.response.start"
    assert start["status"] == (401 if role is None else 403)
