"""The application under the server that it really runs under: what only a socket can show."""

import asyncio
import http.client
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from tests.api.in_process import V1, Api

from sentinel.core.identity import Role
from sentinel.core.job import JobState

SECONDS = 10


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    with Api(logs=tmp_path / "logs") as api:
        api.node()
        yield api


@pytest.fixture
def port(api: Api) -> Iterator[int]:
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(api.app, log_config=None, lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    serving = asyncio.run_coroutine_threadsafe(server._serve([listening]), api.loop)
    yield listening.getsockname()[1]
    api.run(_close(api))
    server.should_exit = True
    serving.result(SECONDS)
    listening.close()


async def _close(api: Api) -> None:
    api.hub.close()


@pytest.fixture
def client(port: int) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    yield connection
    connection.close()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_a_job_is_submitted_over_a_kept_alive_connection(
    api: Api, client: http.client.HTTPConnection
) -> None:
    headers = {**bearer(api.token("ana")), "Content-Type": "application/json"}
    for _ in range(3):
        client.request("POST", f"{V1}/jobs", json.dumps({"command": ["true"], "cwd": "/"}), headers)
        answer = client.getresponse()
        assert (answer.status, json.loads(answer.read())["state"]) == (201, "QUEUED")


def test_a_body_in_too_many_chunks_is_refused(api: Api, client: http.client.HTTPConnection) -> None:
    chunks = iter([b" " * 65536] * 16 + [b" "])
    headers = {**bearer(api.token("ana")), "Content-Type": "application/json"}
    headers["Transfer-Encoding"] = "chunked"
    client.request("POST", f"{V1}/jobs", chunks, headers, encode_chunked=True)
    answer = client.getresponse()
    assert (answer.status, json.loads(answer.read())["status"]) == (413, 413)
    assert answer.headers["connection"] == "close"


def test_what_is_interrupted_is_cut(api: Api, client: http.client.HTTPConnection) -> None:
    ana = api.token("ana")
    id = api.submit(ana)["id"]
    api.advance(id, JobState.RUNNING)
    api.state.logs.append(id, 1, 0, b"hello\n")
    client.request("GET", f"{V1}/jobs/{id}/logs?follow=true", headers=bearer(ana))
    answer = client.getresponse()
    assert answer.read1(6) == b"hello\n"
    api.run(_close(api))
    with pytest.raises(http.client.IncompleteRead):
        answer.read()


def test_a_finished_log_is_not_cut(api: Api, client: http.client.HTTPConnection) -> None:
    ana = api.token("ana")
    id = api.submit(ana)["id"]
    api.state.logs.append(id, 1, 0, b"hello\n", complete=True)
    api.advance(id, JobState.SUCCEEDED)
    client.request("GET", f"{V1}/jobs/{id}/logs?follow=true", headers=bearer(ana))
    assert client.getresponse().read() == b"hello\n"


def test_events_come_as_they_happen(api: Api, client: http.client.HTTPConnection) -> None:
    ana = api.token("ana")
    client.request("GET", f"{V1}/events/stream", headers=bearer(ana))
    answer = client.getresponse()
    id = api.submit(ana)["id"]
    while not (line := answer.readline()).startswith(b"data:"):
        pass
    assert json.loads(line[5:])["subject"] == id


@pytest.mark.parametrize(("role", "status"), [(None, 401), (Role.VIEWER, 403), (Role.MEMBER, 404)])
def test_a_terminal_is_refused_with_an_answer(
    api: Api, client: http.client.HTTPConnection, role: Role | None, status: int
) -> None:
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        **(bearer(api.token("somebody", role)) if role else {}),
    }
    client.request("GET", f"{V1}/jobs/zzzzzzzzzz/attach", headers=headers)
    answer = client.getresponse()
    assert (answer.status, json.loads(answer.read())["status"]) == (status, status)
