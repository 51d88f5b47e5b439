"""Events: pages, and a stream that goes on where it was left."""

import json
from collections.abc import Iterator

import pytest
from tests.api.in_process import V1, Api, Exchange

from sentinel.core.errors import StoreUnavailable
from sentinel.core.identity import Role
from sentinel.core.secret import sha256_of

STREAM = f"{V1}/events/stream"


@pytest.fixture
def api() -> Iterator[Api]:
    with Api() as api:
        yield api


def follow(api: Api, token: str, last: int | None = None, query: str = "") -> Exchange:
    headers = {} if last is None else {"last-event-id": str(last)}
    stream = api.open("GET", STREAM + query, token=token, headers=headers)
    start = stream.hear()
    assert start["status"] == 200
    assert dict(start["headers"])[b"content-type"].startswith(b"text/event-stream")
    return stream


def frames(stream: Exchange, count: int) -> list[dict[str, str]]:
    """The next `count` events; comments are passed over."""
    found: list[dict[str, str]] = []
    for chunk in stream.chunks():
        for block in chunk.decode().split("\n\n"):
            if block and not block.startswith(":"):
                found.append(dict(line.split(": ", 1) for line in block.split("\n")))
        if len(found) >= count:
            break
    return found


def test_pages_go_forward_and_newest_gives_the_end(api: Api) -> None:
    ana = api.token("ana")
    ids = [api.submit(ana)["id"] for _ in range(5)]
    first = api.ask("GET", f"{V1}/events?limit=2", token=ana).json()
    assert [one["subject"] for one in first["items"]] == ids[:2]
    following = api.ask("GET", f"{V1}/events?limit=9&after={first['next']}", token=ana).json()
    assert ([one["subject"] for one in following["items"]], following["next"]) == (ids[2:], None)
    newest = api.ask("GET", f"{V1}/events?limit=2&newest=true", token=ana).json()
    assert [one["subject"] for one in newest["items"]] == ids[3:]
    one = api.ask("GET", f"{V1}/events?subject={ids[3]}&type=sentinel.job.submitted", token=ana).json()
    assert [event["subject"] for event in one["items"]] == [ids[3]]
    assert api.ask("GET", f"{V1}/events?type=nothing", token=ana).json()["items"] == []


def test_the_stream_begins_now_and_tells_each_event_once(api: Api) -> None:
    ana = api.token("ana")
    api.submit(ana)
    stream = follow(api, ana)
    ids = [api.submit(ana)["id"] for _ in range(3)]
    found = frames(stream, 3)
    assert [json.loads(one["data"])["subject"] for one in found] == ids
    assert {one["event"] for one in found} == {"sentinel.job.submitted"}
    assert [int(one["id"]) for one in found] == [json.loads(one["data"])["id"] for one in found]
    stream.leave()


def test_the_stream_goes_on_after_the_last_event_that_was_seen(api: Api) -> None:
    ana = api.token("ana")
    ids = [api.submit(ana)["id"] for _ in range(4)]
    all_of_them = frames(follow(api, ana, 0), 4)
    assert [json.loads(one["data"])["subject"] for one in all_of_them] == ids
    rest = frames(follow(api, ana, int(all_of_them[1]["id"])), 2)
    assert [json.loads(one["data"])["subject"] for one in rest] == ids[2:]


def test_an_id_from_the_future_waits_for_what_comes(api: Api) -> None:
    ana = api.token("ana")
    stream = follow(api, ana, 10**15)
    id = api.submit(ana)["id"]
    assert json.loads(frames(stream, 1)[0]["data"])["subject"] == id


@pytest.mark.parametrize("last", ["x", "-1", "1.5", "9" * 30, "\u0661"])
def test_a_last_id_that_is_none(api: Api, last: str) -> None:
    headers = {"last-event-id": last.encode().decode("latin-1")}
    answer = api.ask("GET", STREAM, token=api.token("ana"), headers=headers)
    assert (answer.status, answer.json()["errors"][0]["field"]) == (422, "Last-Event-ID")


def test_a_silent_stream_says_that_it_is_alive(api: Api) -> None:
    stream = follow(api, api.token("ana"))
    chunks = stream.chunks()
    assert next(chunks) == b": events\n\n"
    assert next(chunks) == b": alive\n\n"
    assert next(chunks) == b": alive\n\n"
    stream.leave()


def test_a_stream_shows_its_tenants_events_alone(api: Api) -> None:
    ana, eve = api.token("ana"), api.token("eve", Role.ADMIN, tenant="other")
    stream = follow(api, eve)
    api.submit(ana)
    mine = api.submit(eve)["id"]
    assert [json.loads(one["data"])["subject"] for one in frames(stream, 1)] == [mine]


def test_a_stream_of_some_types(api: Api) -> None:
    ana = api.token("ana")
    stream = follow(api, ana, query="?type=sentinel.job.canceled")
    id = api.submit(ana)["id"]
    api.ask("POST", f"{V1}/jobs/{id}/cancel", token=ana)
    assert [one["event"] for one in frames(stream, 1)] == ["sentinel.job.canceled"]


def test_a_stream_is_cut_when_its_token_is_revoked(api: Api) -> None:
    ana = api.token("ana")
    with api.store.read() as reader:
        token = reader.token_by_hash(sha256_of(ana))
    assert token is not None
    stream = follow(api, ana)
    assert api.ask("DELETE", f"{V1}/tokens/{token.id}", token=ana).status == 204
    heard, ended = stream.rest()
    assert (b"revoked" in heard, ended) == (False, False)


def test_a_stream_is_cut_when_its_user_is_disabled(api: Api) -> None:
    ana, root = api.token("ana"), api.token("root", Role.ADMIN)
    stream = follow(api, ana)
    api.ask("PATCH", f"{V1}/users/ana", token=root, json={"disabled": True})
    heard, ended = stream.rest()
    assert (b"disabled" in heard, ended) == (False, False)


def test_streams_are_cut_when_the_controller_stops(api: Api) -> None:
    stream = follow(api, api.token("ana"))
    api.loop.call_soon_threadsafe(api.hub.close)
    heard, ended = stream.rest()
    assert (heard.startswith(b": events"), ended) == (True, False)


def test_a_stream_outlives_a_store_that_is_away(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    ana = api.token("ana")
    stream = follow(api, ana)
    stream.hear()

    def gone() -> None:
        raise StoreUnavailable("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(api.store, "read", gone)
        api.clock.at += 2  # who is asking has to be looked up again
        assert stream.hear()["body"] == b": alive\n\n"
        assert stream.hear()["body"] == b": alive\n\n"
    id = api.submit(ana)["id"]
    assert json.loads(frames(stream, 1)[0]["data"])["subject"] == id
