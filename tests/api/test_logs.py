"""What jobs wrote: pieces, last lines, following; and terminals."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.api.in_process import V1, Answer, Api, Exchange

from sentinel.core.errors import StoreUnavailable
from sentinel.core.identity import Role
from sentinel.core.job import JobState

LINES = b"".join(b"line %d\n" % n for n in range(1, 101))


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    with Api(logs=tmp_path / "logs") as api:
        api.node()
        yield api


@pytest.fixture
def ana(api: Api) -> str:
    return api.token("ana")


@pytest.fixture
def id(api: Api, ana: str) -> str:
    found = api.submit(ana)["id"]
    api.advance(found, JobState.RUNNING)
    return found


def write(api: Api, id: str, offset: int, data: bytes, *, complete: bool = False, attempt: int = 1) -> None:
    api.state.logs.append(id, attempt, offset, data, complete=complete)
    api.loop.call_soon_threadsafe(api.hub.log_grew, id)


def logs(api: Api, token: str, id: str, query: str = "") -> Answer:
    return api.ask("GET", f"{V1}/jobs/{id}/logs{query}", token=token)


def follow(api: Api, token: str, id: str, query: str = "") -> Exchange:
    stream = api.open("GET", f"{V1}/jobs/{id}/logs?follow=true{query}", token=token)
    start = stream.hear()
    assert start["status"] == 200, start
    return stream


def take(stream: Exchange, count: int) -> bytes:
    """The next `count` bytes."""
    found = b""
    for chunk in stream.chunks():
        found += chunk
        if len(found) >= count:
            return found
    return found


def test_a_log_is_sent_whole_with_where_it_stands(api: Api, ana: str, id: str) -> None:
    write(api, id, 0, LINES)
    answer = logs(api, ana, id)
    assert (answer.status, answer.body) == (200, LINES)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["log-offset"] == "0"
    assert answer.headers["log-size"] == str(len(LINES))
    assert (answer.headers["log-complete"], answer.headers["log-attempt"]) == ("false", "1")
    write(api, id, len(LINES), b"", complete=True)
    assert logs(api, ana, id).headers["log-complete"] == "true"


def test_a_piece_of_a_log(api: Api, ana: str, id: str) -> None:
    write(api, id, 0, LINES)
    answer = logs(api, ana, id, "?offset=7&limit=6")
    assert (answer.body, answer.headers["log-offset"]) == (b"line 2", "7")
    assert logs(api, ana, id, f"?offset={len(LINES)}").body == b""
    beyond = logs(api, ana, id, f"?offset={len(LINES) + 1}")
    assert (beyond.status, beyond.headers["log-size"]) == (416, str(len(LINES)))


def test_big_logs_come_in_pieces(api: Api, ana: str, id: str) -> None:
    data = os.urandom(1_500_000)
    write(api, id, 0, data)
    assert logs(api, ana, id).body == data


@pytest.mark.parametrize("end", [b"", b"unfinished"])
@pytest.mark.parametrize("count", [0, 1, 3, 99, 100, 101, 5000])
def test_the_last_lines(api: Api, ana: str, id: str, count: int, end: bytes) -> None:
    write(api, id, 0, LINES + end)
    wanted = b"".join((LINES + end).splitlines(keepends=True)[-count:] if count else [])
    answer = logs(api, ana, id, f"?tail={count}")
    assert answer.body == wanted
    assert int(answer.headers["log-offset"]) == len(LINES + end) - len(wanted)


def test_last_lines_that_are_longer_than_a_piece(api: Api, ana: str, id: str) -> None:
    lines = [b"x" * 300_000 + b"\n", b"y" * 300_000 + b"\n", b"z\n"]
    write(api, id, 0, b"".join(lines))
    assert logs(api, ana, id, "?tail=2").body == b"".join(lines[1:])


def test_no_attempt_no_log(api: Api, ana: str) -> None:
    waiting = api.submit(ana)["id"]
    answer = logs(api, ana, waiting)
    assert (answer.status, answer.body, answer.headers["log-complete"]) == (200, b"", "false")
    assert "log-attempt" not in answer.headers
    missing = logs(api, ana, waiting, "?attempt=1")
    assert (missing.status, missing.json()["type"]) == (404, "no-such-attempt")


@pytest.mark.parametrize(
    "query",
    ["?tail=1&offset=1", "?follow=true&limit=1", "?attempt=0", "?offset=-1", "?limit=0", "?tail=-1",
     "?follow=perhaps", "?offset=" + "9" * 30],
)  # fmt: skip
def test_what_makes_no_sense_of_a_log(api: Api, ana: str, id: str, query: str) -> None:
    assert logs(api, ana, id, query).status == 422


def test_logs_are_their_owners_and_operators(api: Api, ana: str, id: str) -> None:
    write(api, id, 0, b"secret results")
    assert logs(api, api.token("op", Role.OPERATOR), id).body == b"secret results"
    refused = logs(api, api.token("bob"), id)
    assert (refused.status, b"secret" in refused.body) == (403, False)


# ------------------------------------------------------------------ following


def test_a_log_is_followed_to_the_end_of_its_job(api: Api, ana: str, id: str) -> None:
    write(api, id, 0, b"one\n")
    stream = follow(api, ana, id)
    assert take(stream, 4) == b"one\n"
    write(api, id, 4, b"two\n")
    assert take(stream, 4) == b"two\n"
    api.advance(id, JobState.SUCCEEDED)
    write(api, id, 8, b"three\n", complete=True)
    assert b"".join(stream.chunks()) == b"three\n"


def test_what_comes_after_the_end_of_the_job_is_still_told(api: Api, ana: str, id: str) -> None:
    stream = follow(api, ana, id)
    api.advance(id, JobState.SUCCEEDED)
    with pytest.raises(TimeoutError):
        stream.hear(0.2)
    write(api, id, 0, b"late\n", complete=True)
    assert b"".join(stream.chunks()) == b"late\n"


def test_a_log_that_never_comes_is_not_waited_for_for_ever(api: Api, ana: str, id: str) -> None:
    api.advance(id, JobState.SUCCEEDED)
    stream = follow(api, ana, id)
    with pytest.raises(TimeoutError):
        stream.hear(0.2)
    api.clock.at += 11
    assert b"".join(stream.chunks()) == b""


def test_following_begins_before_the_job_does(api: Api, ana: str) -> None:
    id = api.submit(ana)["id"]
    stream = follow(api, ana, id)
    api.advance(id, JobState.RUNNING)
    write(api, id, 0, b"hello\n")
    assert take(stream, 6) == b"hello\n"
    stream.leave()


def test_a_job_that_is_canceled_before_it_ran_ends_the_stream(api: Api, ana: str) -> None:
    id = api.submit(ana)["id"]
    stream = follow(api, ana, id)
    api.ask("POST", f"{V1}/jobs/{id}/cancel", token=ana)
    assert b"".join(stream.chunks()) == b""


def test_following_from_the_last_lines(api: Api, ana: str, id: str) -> None:
    write(api, id, 0, LINES)
    stream = follow(api, ana, id, "&tail=1")
    assert take(stream, 9) == b"line 100\n"
    stream.leave()


def test_following_is_cut_with_the_right_to(api: Api, ana: str, id: str) -> None:
    op, root = api.token("op", Role.OPERATOR), api.token("root", Role.ADMIN)
    write(api, id, 0, b"one\n")
    stream = follow(api, op, id)
    assert take(stream, 4) == b"one\n"
    api.ask("PATCH", f"{V1}/users/op", token=root, json={"role": "member"})
    assert stream.rest() == (b"", False)


def test_following_is_cut_when_the_controller_stops(api: Api, ana: str, id: str) -> None:
    stream = follow(api, ana, id)
    api.loop.call_soon_threadsafe(api.hub.close)
    assert stream.rest() == (b"", False)


def test_the_end_of_a_job_ends_the_stream_as_an_answer_does(api: Api, ana: str, id: str) -> None:
    stream = follow(api, ana, id)
    write(api, id, 0, b"one\n", complete=True)
    api.advance(id, JobState.SUCCEEDED)
    assert stream.rest() == (b"one\n", True)


def test_following_outlives_a_store_that_is_away(
    api: Api, ana: str, id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone() -> None:
        raise StoreUnavailable("the disk is full")

    stream = follow(api, ana, id)
    with monkeypatch.context() as patched:
        patched.setattr(api.store, "read", gone)
        time.sleep(0.2)  # a look that had begun is over
        write(api, id, 0, b"one\n")
        with pytest.raises(TimeoutError):
            stream.hear(0.3)
    assert take(stream, 4) == b"one\n"
    stream.leave()


def test_a_followed_job_is_told_to_its_node(api: Api, ana: str, id: str) -> None:
    api.settle()
    stream = follow(api, ana, id)
    write(api, id, 0, b"x")
    take(stream, 1)
    assert api.hub.followed("id-n1") == [id]
    stream.leave()
    assert api.hub.followed("id-n1") == []


# ------------------------------------------------------------------ terminals


def attach(api: Api, token: str, id: str) -> dict[str, object]:
    return api.socket(f"{V1}/jobs/{id}/attach", token=token).hear()


def test_a_terminal_is_its_owners_alone(api: Api, ana: str) -> None:
    id = api.submit(ana, pty=True)["id"]
    api.advance(id, JobState.RUNNING)
    for name, role in (("bob", Role.MEMBER), ("op", Role.OPERATOR), ("root", Role.ADMIN)):
        assert attach(api, api.token(name, role), id)["status"] == 403
    socket = api.socket(f"{V1}/jobs/{id}/attach", token=ana)
    assert socket.hear()["type"] == "websocket.accept"
    assert api.run(_wanted(api)) == [(id, 1)]
    socket.say({"type": "websocket.disconnect", "code": 1000})
    socket.task.cancel()


async def _wanted(api: Api) -> list[tuple[str, int]]:
    return [(one["job"], one["attempt"]) for one in api.hub.attach.wanted("id-n1")]


def test_a_terminal_ends_with_the_right_to(api: Api, ana: str) -> None:
    id = api.submit(ana, pty=True)["id"]
    api.advance(id, JobState.RUNNING)
    socket = api.socket(f"{V1}/jobs/{id}/attach", token=ana)
    assert socket.hear()["type"] == "websocket.accept"
    api.ask("PATCH", f"{V1}/users/ana", token=api.token("root", Role.ADMIN), json={"disabled": True})
    assert socket.hear()["type"] in ("websocket.close", "over")
    assert api.run(_wanted(api)) == []


def test_jobs_that_have_no_terminal_now(api: Api, ana: str, id: str) -> None:
    assert attach(api, ana, id)["status"] == 409
    waiting = api.submit(ana, pty=True)["id"]
    assert attach(api, ana, waiting)["status"] == 409
    assert attach(api, ana, "zzzzzzzzzz")["status"] == 404
