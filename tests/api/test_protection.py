"""What stands before every route, and what every refusal looks like."""

import json
import re
from collections.abc import Iterator

import pytest
from tests.api.in_process import V1, Answer, Api

from sentinel.core.errors import StoreUnavailable
from sentinel.core.identity import Role

MIB = 1 << 20


@pytest.fixture
def api() -> Iterator[Api]:
    with Api() as api:
        yield api


def is_problem(answer: Answer, status: int) -> dict[str, object]:
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    found = answer.json()
    assert {"type", "title", "status", "detail", "hint"} <= found.keys()
    assert found["status"] == status
    assert found["title"] and found["detail"]
    return found


def test_a_body_may_have_a_mebibyte(api: Api) -> None:
    ana = api.token("ana")
    frame = len(json.dumps({"command": ["true"], "cwd": "/", "x": ""}))
    body = json.dumps({"command": ["true"], "cwd": "/", "x": "a" * (MIB - frame)}).encode()
    kind = {"content-type": "application/json"}
    assert len(body) == MIB
    is_problem(api.ask("POST", f"{V1}/jobs", token=ana, body=body, headers=kind), 422)
    too_big = api.ask("POST", f"{V1}/jobs", token=ana, body=body + b" ", headers=kind)
    is_problem(too_big, 413)
    assert too_big.headers["connection"] == "close"


def test_a_body_in_chunks_has_the_same_limit(api: Api) -> None:
    ana = api.token("ana")
    kind = {"content-type": "application/json"}
    chunks = [b" " * 65536] * 17
    is_problem(api.ask("POST", f"{V1}/jobs", token=ana, chunks=chunks, headers=kind), 413)
    fine = [b'{"command": ["true"],', b' "cwd"', b': "/"}']
    assert api.ask("POST", f"{V1}/jobs", token=ana, chunks=fine, headers=kind).status == 201


def test_a_length_that_is_a_lie_helps_nobody(api: Api) -> None:
    headers = {"content-type": "application/json", "content-length": "2"}
    answer = api.ask("POST", f"{V1}/jobs", token=api.token("ana"), chunks=[b" " * MIB, b" "], headers=headers)
    is_problem(answer, 413)


@pytest.mark.parametrize("path", [f"{V1}/health", "/openapi.json", "/docs", "/nothing", f"{V1}/whoami"])
def test_every_answer_has_the_headers_that_browsers_need(api: Api, path: str) -> None:
    headers = api.ask("GET", path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "path", ["/nodes", "/api", "/api/v1", "/api/v2/jobs", f"{V1}/jobs/", "/..%2f..%2fetc/passwd"]
)
def test_what_is_nowhere(api: Api, path: str) -> None:
    assert "/docs" in str(is_problem(api.ask("GET", path), 404)["hint"])


def test_a_method_that_is_not_known_names_those_that_are(api: Api) -> None:
    answer = api.ask("PUT", f"{V1}/users")
    is_problem(answer, 405)
    assert answer.headers["allow"] == "GET, POST"


def test_a_store_that_cannot_be_reached_is_said_to_be(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    ana = api.token("ana")

    def gone(*_: object) -> None:
        raise StoreUnavailable("the disk is full")

    monkeypatch.setattr(api.state.store, "submit", gone)
    monkeypatch.setattr(api.state.store, "read", gone)
    for answer in (
        api.ask("GET", f"{V1}/health"),
        api.ask("GET", f"{V1}/jobs", token=ana),
    ):
        assert is_problem(answer, 503)["type"] == "store-unavailable"
        assert answer.headers["retry-after"] == "1"


def test_a_defect_is_told_without_a_traceback(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "in-the-exception"

    def broken(*_: object) -> None:
        raise ZeroDivisionError(secret)

    monkeypatch.setattr(api.state.store, "read", broken)
    exchange = api.open("GET", f"{V1}/health")
    start, body = exchange.hear(), exchange.hear()
    assert start["status"] == 500
    found = json.loads(body["body"])
    assert (found["type"], secret in str(found), "Traceback" in str(found)) == ("defect", False, False)
    with pytest.raises(ZeroDivisionError):  # for the server's log
        exchange.hear()


def test_the_body_is_not_looked_at_before_the_token(api: Api) -> None:
    answer = api.ask("POST", f"{V1}/jobs", json={"command": 1})
    is_problem(answer, 401)


# ------------------------------------------------------------------ what tells how to use it


def test_the_documents_need_nothing_from_elsewhere(api: Api) -> None:
    page = api.ask("GET", "/docs")
    text = page.body.decode()
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert not re.search(r"<script|<link|<img|src=|https?://", text)
    policy = page.headers["content-security-policy"]
    assert "unsafe" not in policy and "http" not in policy
    for path in ("/api/v1/jobs/{id}/logs", "/api/v1/queue/resume", "Idempotency-Key"):
        assert path in text


def test_every_operation_is_described(api: Api) -> None:
    found = api.ask("GET", "/openapi.json").json()
    names: list[str] = []
    for path, methods in found["paths"].items():
        for method, operation in methods.items():
            what = f"{method} {path}"
            assert operation["summary"], what
            assert operation["tags"], what
            names.append(operation["operationId"])
            responses = operation["responses"]
            assert {"413", "422", "500", "503"} <= responses.keys(), what
            shown = path.endswith("/login") or (method, path) == ("post", f"{V1}/session")
            assert ("401" in responses) == (bool(operation.get("security")) or shown), what
            for status, response in responses.items():
                if int(status) >= 400:
                    assert list(response["content"]) == ["application/problem+json"], what
    assert len(names) == len(set(names))
    assert "HTTPValidationError" not in json.dumps(found)
    assert not [path for path in found["paths"] if path.startswith(f"{V1}/agent")]


def test_the_authority_is_public(api: Api) -> None:
    assert api.ask("GET", f"{V1}/ca").json()["ca"].startswith("-----BEGIN CERTIFICATE-----")


def test_no_environment_value_is_anywhere_but_with_its_owner(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    secret = "s3cr3t-value"
    ana, root = api.token("ana"), api.token("root", Role.ADMIN)
    id = api.submit(ana, environment={"KEY": secret})["id"]
    bad = {"command": ["true"], "cwd": "/", "environment": {"KEY": secret, "B=": secret, "C": [secret]}}
    told = [api.ask("POST", f"{V1}/jobs", token=ana, json=bad).body]
    for path in ("jobs", f"jobs/{id}", f"jobs/{id}/why", f"jobs/{id}/events", "events", "leases"):
        told.append(api.ask("GET", f"{V1}/{path}", token=root).body)
    told.append(api.ask("GET", f"{V1}/jobs/{id}/environment", token=root).body)
    told.append(api.ask("POST", f"{V1}/jobs/{id}/cancel", token=ana).body)
    told.append(api.ask("POST", f"{V1}/jobs/{id}/retry", token=ana).body)
    assert secret not in str(told) + caplog.text
