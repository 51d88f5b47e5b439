import inspect
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.client.fake_controller import (
    FakeController,
    Reply,
    Request,
    a_job,
    a_task,
    an_array,
    an_event,
    problem,
    sse,
)

from sentinel.client import AsyncClient, Client
from sentinel.client.patience import Patience
from sentinel.core.errors import ApiError, ApiUnavailable, UsageError

ID = "abcdefghjk"


def test_submit_sends_what_was_given_and_a_random_key(fake: FakeController, client: Client) -> None:
    fake.answers["POST jobs"] = lambda request: {"id": "x", "got": request.json}
    got = client.submit(["true"], cwd="/w", gpus=2, environment={"A": "b"}, pty=False)["got"]
    assert got == {"command": ["true"], "cwd": "/w", "gpus": 2, "environment": {"A": "b"}, "pty": False}
    client.submit(["true"], cwd="/w")
    keys = [request.headers["Idempotency-Key"] for request in fake.asked("POST jobs")]
    assert len(set(keys)) == 2
    assert all(len(key) == 32 for key in keys)


def test_submit_sends_all_that_can_be_asked_for(fake: FakeController, client: Client) -> None:
    fake.answers["POST jobs"] = lambda request: {"got": request.json}
    asked: dict[str, Any] = {
        "nodes": 2, "gpu_share": 0.5, "cpus": 4, "memory_bytes": 1, "preemptible": True,
        "checkpoint": ["save"], "stop_signal": "INT", "retries": 2, "retry_codes": [3], "singleton": True,
        "image": "ubuntu", "engine": "docker", "mounts": ["/data"], "setup": ["module load cuda"],
        "after": [{"job": ID, "kind": "any"}], "array": "0-9%2", "notify": ["mail:end"],
    }  # fmt: skip
    got = client.submit(["true"], cwd="/w", **asked)["got"]
    assert got == {"command": ["true"], "cwd": "/w", **asked}


def test_submit_takes_the_present_folder(
    fake: FakeController, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/usr")
    fake.answers["POST jobs"] = lambda request: request.json
    assert client.submit(["true"])["cwd"] == "/usr"


def test_submit_is_repeated_with_the_same_key(fake: FakeController, client: Client) -> None:
    answers = iter([{}, Reply(silent=True), Reply(silent=True), problem(503, "locked"), {"id": "x"}])
    fake.answers["GET health"] = lambda _: next(answers)
    fake.answers["POST jobs"] = lambda _: next(answers)
    client.health()
    assert client.submit(["true"], cwd="/") == {"id": "x"}
    assert len({request.headers["Idempotency-Key"] for request in fake.asked("POST jobs")}) == 1
    assert len(fake.asked("POST jobs")) == 4


def test_a_controller_that_never_answered_is_asked_once(fake: FakeController, client: Client) -> None:
    fake.answers["GET whoami"] = Reply(silent=True)
    with pytest.raises(ApiUnavailable):
        client.whoami()
    assert len(fake.requests) == 1


def test_what_may_do_harm_is_not_repeated(fake: FakeController, client: Client) -> None:
    fake.answers["GET health"] = {}
    client.health()
    fake.answers[f"POST jobs/{ID}/retry"] = problem(503, "locked")
    with pytest.raises(ApiError, match="locked"):
        client.retry(ID)
    assert len(fake.asked(f"POST jobs/{ID}/retry")) == 1


def test_many_threads_submit_at_once(fake: FakeController, client: Client) -> None:
    barrier = threading.Barrier(8, timeout=5)

    def submitted(request: Request) -> dict[str, Any]:
        barrier.wait()  # all eight are under way at the same time
        return {"id": request.json["name"]}

    fake.answers["POST jobs"] = submitted
    names = [str(number) for number in range(32)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda name: client.submit(["true"], cwd="/", name=name)["id"], names))
    assert found == names
    assert fake.connections == 8


def test_lists_are_read_page_after_page(fake: FakeController, client: Client) -> None:
    def page(request: Request) -> dict[str, Any]:
        begin = int(request.query.get("after", ["0"])[0])
        end = min(begin + int(request.query["limit"][0]), 2500)
        return {"items": [{"n": n} for n in range(begin, end)], "next": str(end) if end < 2500 else None}

    fake.answers["GET jobs"] = page
    found = client.jobs(state=["QUEUED", "RUNNING"], owner="me", limit=None)
    assert [one["n"] for one in found] == list(range(2500))
    assert fake.requests[0].query == {"state": ["QUEUED", "RUNNING"], "owner": ["me"], "limit": ["1000"]}
    assert len(client.jobs(limit=1200)) == 1200
    assert fake.requests[-1].query["limit"] == ["200"]


def test_a_list_that_did_not_change_is_not_sent_again(fake: FakeController, client: Client) -> None:
    def nodes(request: Request) -> Reply:
        if request.headers["If-None-Match"] == '"1"':
            return Reply(status=304, headers={"ETag": '"1"'})
        return Reply(body=b'{"items": [{"name": "a"}], "next": null}', headers={"ETag": '"1"'})

    fake.answers["GET nodes"] = nodes
    assert client.nodes() == client.nodes() == [{"name": "a"}]
    assert fake.requests[1].headers["If-None-Match"] == '"1"'


def test_names_cannot_leave_their_place_in_the_path(fake: FakeController, client: Client) -> None:
    for name in ("../users", "a/b?c#d", "..", "ü x"):
        with pytest.raises(ApiError, match="no such thing"):
            client.node(name)
    assert [request.path for request in fake.requests] == [
        "nodes/..%2Fusers", "nodes/a%2Fb%3Fc%23d", "nodes/%2E%2E", "nodes/%C3%BC%20x",
    ]  # fmt: skip


CALLS: list[tuple[str, str, Any]] = [
    ("POST login", "login", lambda c: c.login("a", "b")),
    ("GET whoami", "", lambda c: c.whoami()),
    ("GET version", "", lambda c: c.version()),
    ("POST users", '{"name": "a", "role": "member"}', lambda c: c.add_user("a", "member")),
    ("PATCH users/a", '{"disabled": true}', lambda c: c.set_user("a", disabled=True)),
    ("DELETE users/a", "", lambda c: c.remove_user("a")),
    ("POST tokens", '{"label": "l", "kind": "join", "expires_in": 60}',
     lambda c: c.create_token("l", kind="join", expires_in=60)),
    ("POST session/codes", "{}", lambda c: c.create_session_code()),
    ("DELETE tokens/a", "", lambda c: c.revoke_token("a")),
    ("GET jobs/a", "", lambda c: c.job("a")),
    ("POST jobs/a/cancel", '{"why": "w"}', lambda c: c.cancel("a", "w")),
    ("POST jobs/a/cancel", "{}", lambda c: c.cancel("a")),
    ("POST jobs/a/retry", "{}", lambda c: c.retry("a")),
    ("GET jobs/a/why", "", lambda c: c.why("a")),
    ("GET jobs/a/environment", "", lambda c: c.environment("a")),
    ("GET nodes/a", "", lambda c: c.node("a")),
    ("GET nodes/a/arbiter", "", lambda c: c.node_arbiter("a")),
    ("POST nodes/a/drain", '{"why": "w"}', lambda c: c.drain("a", "w")),
    ("POST nodes/a/resume", "{}", lambda c: c.resume("a")),
    ("POST nodes/a/declare-dead", '{"why": "w"}', lambda c: c.declare_dead("a", "w")),
    ("DELETE nodes/a", "", lambda c: c.remove_node("a")),
    ("POST queue/resume", "{}", lambda c: c.resume_queue()),
]  # fmt: skip


@pytest.mark.parametrize(("what", "body", "call"), CALLS)
def test_each_call_is_the_one_of_the_contract(
    fake: FakeController, client: Client, what: str, body: str, call: Any
) -> None:
    fake.answers[what] = {"ok": 1}
    assert call(client) == (None if what.startswith("DELETE") else {"ok": 1})
    assert fake.asked(what)
    if body.startswith("{"):
        assert fake.requests[-1].json == json.loads(body)


def test_a_closed_client_says_so(client: Client) -> None:
    client.close()
    client.close()
    with pytest.raises(UsageError, match="closed"):
        client.whoami()


def test_both_clients_have_the_same_calls() -> None:
    def calls(of: type) -> dict[str, list[str]]:
        return {
            name: list(inspect.signature(method).parameters)
            for name, method in inspect.getmembers(of, inspect.isfunction)
            if not name.startswith("_")
        }

    own = {"twin", "event_stream", "log_stream", "new_patience"}
    sync = {name: names for name, names in calls(Client).items() if name not in own}
    asynchronous = {name: names for name, names in calls(AsyncClient).items() if name != "run"}
    assert sync == asynchronous


# ------------------------------------------------------------------ logs


class Log:
    """The log of one attempt, served as the controller does; a stream breaks off at each of `breaks`."""

    def __init__(self, data: bytes, *breaks: int, complete: bool = True, clean: bool = False) -> None:
        self.data, self.breaks, self.complete, self.clean = data, list(breaks), complete, clean

    def __call__(self, request: Request) -> Reply:
        asked = int(request.query.get("offset", ["0"])[0])
        if asked > len(self.data):
            return problem(416, "beyond the end")
        end = next((place for place in self.breaks if place > asked), None)
        cut = end is not None
        if end is None:
            end = len(self.data)
        return Reply(
            pieces=[self.data[at : at + 3] for at in range(asked, end, 3) if self.data[at : min(at + 3, end)]]
            if not cut
            else [self.data[asked:end]],
            cut=cut and not self.clean,
            headers={
                "Log-Offset": str(asked),
                "Log-Size": str(len(self.data)),
                "Log-Complete": "true" if self.complete else "false",
                "Log-Attempt": request.query.get("attempt", ["1"])[0],
            },
        )


def test_a_log_to_where_it_is_now(fake: FakeController, client: Client) -> None:
    fake.answers[f"GET jobs/{ID}/logs"] = Log(b"0123456789")
    assert b"".join(client.logs(ID)) == b"0123456789"
    assert b"".join(client.logs(ID, offset=4)) == b"456789"
    list(client.logs(ID, tail=5, attempt=2))
    assert fake.requests[-1].query == {"tail": ["5"], "attempt": ["2"]}
    list(client.logs(ID, rank=0))
    assert fake.requests[-1].query == {"rank": ["0"]}


@pytest.mark.parametrize("clean", [False, True])
def test_a_followed_log_goes_on_where_it_was(fake: FakeController, client: Client, clean: bool) -> None:
    fake.answers[f"GET jobs/{ID}"] = a_job(state="SUCCEEDED", attempt=1)
    fake.answers[f"GET jobs/{ID}/logs"] = Log(b"0123456789", 3, 4, 9, clean=clean)
    assert b"".join(client.logs(ID, follow=True)) == b"0123456789"
    offsets = [request.query.get("offset", [""])[0] for request in fake.asked(f"GET jobs/{ID}/logs")]
    assert offsets == ["", "3", "4", "9"]
    assert all(request.query["attempt"] == ["1"] for request in fake.asked(f"GET jobs/{ID}/logs"))


def test_a_piece_that_was_cut_out_is_passed_over(fake: FakeController, client: Client) -> None:
    def log(request: Request) -> Reply:
        asked = int(request.query.get("offset", ["0"])[0])
        offset, data = {0: (0, b"begin"), 5: (900, b"end"), 903: (903, b"")}[asked]
        headers = {"Log-Offset": str(offset), "Log-Size": "903", "Log-Complete": "true"}
        return Reply(pieces=[data] if data else [], headers=headers)

    fake.answers[f"GET jobs/{ID}"] = a_job(state="FAILED", attempt=1)
    fake.answers[f"GET jobs/{ID}/logs"] = log
    assert b"".join(client.logs(ID, follow=True)) == b"beginend"


def test_a_log_whose_job_runs_again_goes_on_with_the_next_attempt(
    fake: FakeController, client: Client
) -> None:
    states = iter([a_job(state="RUNNING", attempt=1), a_job(state="QUEUED", attempt=2)])
    last = a_job(state="SUCCEEDED", attempt=2)
    fake.answers[f"GET jobs/{ID}"] = lambda _: next(states, last)
    logs = {"1": Log(b"first"), "2": Log(b"second")}
    fake.answers[f"GET jobs/{ID}/logs"] = lambda request: logs[request.query["attempt"][0]](request)
    assert b"".join(client.logs(ID, follow=True)) == b"firstsecond"
    assert b"".join(client.logs(ID, follow=True, attempt=1)) == b"first"


def test_a_rank_is_followed_to_its_end(fake: FakeController, client: Client) -> None:
    fake.answers[f"GET jobs/{ID}"] = a_job(state="SUCCEEDED", attempt=1)
    fake.answers[f"GET jobs/{ID}/logs"] = Log(b"0123456789", 3)
    assert b"".join(client.logs(ID, follow=True, rank=3)) == b"0123456789"
    assert all(one.query["rank"] == ["3"] for one in fake.asked(f"GET jobs/{ID}/logs"))


def test_following_waits_for_the_first_attempt(fake: FakeController, client: Client) -> None:
    jobs = iter([a_job(), a_job(), a_job(state="ALLOCATED", attempt=1)])
    fake.answers[f"GET jobs/{ID}"] = lambda _: next(jobs, a_job(state="SUCCEEDED", attempt=1))
    fake.answers[f"GET jobs/{ID}/events"] = {"items": [an_event(41, ID, "submitted")], "next": None}
    fake.answers["GET events/stream"] = Reply(
        pieces=sse(an_event(41, ID, "submitted"), an_event(44, ID, "allocated"))
    )
    fake.answers[f"GET jobs/{ID}/logs"] = Log(b"hello")
    assert b"".join(client.logs(ID, follow=True)) == b"hello"
    stream = fake.asked("GET events/stream")[0]
    assert stream.headers["Last-Event-ID"] == "40"
    assert stream.query["subject"] == [ID]


def test_a_job_that_never_began_has_no_log(fake: FakeController, client: Client) -> None:
    fake.answers[f"GET jobs/{ID}"] = a_job(state="CANCELED")
    assert list(client.logs(ID, follow=True)) == []


def test_a_stream_that_a_stopping_controller_ends_is_not_the_end(
    fake: FakeController, client: Client
) -> None:
    jobs = iter([a_job(state="RUNNING", attempt=1), a_job(state="RUNNING", attempt=1)])
    fake.answers[f"GET jobs/{ID}"] = lambda _: next(jobs, a_job(state="SUCCEEDED", attempt=1))
    rounds = iter([[], [], [b"late"]])

    def log(request: Request) -> Reply:
        pieces = next(rounds, [])
        offset = request.query.get("offset", ["0"])[0]
        return Reply(pieces=pieces, headers={"Log-Offset": offset, "Log-Size": "4", "Log-Complete": "false"})

    fake.answers[f"GET jobs/{ID}/logs"] = log
    assert b"".join(client.logs(ID, follow=True)) == b"late"


def test_a_log_that_one_may_not_read(fake: FakeController, client: Client) -> None:
    fake.answers[f"GET jobs/{ID}"] = a_job(state="RUNNING", attempt=1)
    fake.answers[f"GET jobs/{ID}/logs"] = problem(403, "not your job")
    with pytest.raises(ApiError, match="not your job"):
        list(client.logs(ID, follow=True))


# ------------------------------------------------------------------ events, waiting


def test_events_go_on_after_the_last_one_that_came(fake: FakeController, client: Client) -> None:
    rounds = [
        Reply(pieces=[b": events\n\n", *sse(an_event(5, "a", "queued")), b'id: 6\ndata: {"half'], cut=True),
        Reply(pieces=sse(an_event(6, "a", "running"), an_event(7, "b", "running"))),
        Reply(pieces=sse(an_event(9, "b", "succeeded"))),
    ]
    fake.answers["GET events/stream"] = lambda _: rounds.pop(0)
    events = client.events(types=["a", "b"], subject="s")
    assert [next(events)["id"] for _ in range(4)] == [5, 6, 7, 9]
    events.close()
    asked = fake.asked("GET events/stream")
    assert [request.headers["Last-Event-ID"] for request in asked] == [None, "5", "7"]
    assert asked[0].query == {"type": ["a", "b"], "subject": ["s"]}


def test_a_token_that_ended_meanwhile_ends_the_events(fake: FakeController, client: Client) -> None:
    rounds: Iterator[Any] = iter([Reply(pieces=sse(an_event(5, "a", "queued"))), problem(401, "log in")])
    fake.answers["GET events/stream"] = lambda _: next(rounds)
    events = client.events()
    next(events)
    with pytest.raises(ApiError, match="log in"):
        next(events)


def test_wait_looks_once_the_stream_is_open_and_at_each_end(fake: FakeController, client: Client) -> None:
    a = iter([a_job("aaaa", "RUNNING")])
    fake.answers["GET jobs/aaaa"] = lambda _: next(a, a_job("aaaa", "FAILED"))
    fake.answers["GET jobs/bbbb"] = a_job("bbbb", "SUCCEEDED")
    fake.answers["GET events/stream"] = Reply(
        pieces=sse(an_event(1, "cccc", "succeeded"), an_event(2, "aaaa", "failed"))
    )
    assert [job["state"] for job in client.wait("aaaa", "bbbb")] == ["FAILED", "SUCCEEDED"]
    assert [request.path for request in fake.requests] == [
        "events/stream", "jobs/aaaa", "jobs/bbbb", "jobs/aaaa",
    ]  # fmt: skip
    assert fake.requests[0].query["type"] == [
        "sentinel.job.canceled", "sentinel.job.failed", "sentinel.job.succeeded",
    ]  # fmt: skip


def test_wait_for_what_has_ended_needs_no_stream(fake: FakeController, client: Client) -> None:
    fake.answers[f"GET jobs/{ID}"] = a_job(state="FAILED")
    assert client.wait(ID)[0]["state"] == "FAILED"
    assert len(fake.requests) == 1


def test_wait_for_an_array_is_for_all_its_tasks(fake: FakeController, client: Client) -> None:
    ended = [a_task(2, "SUCCEEDED"), a_task(0, "FAILED", exit_code=3), a_task(1, "SUCCEEDED")]
    lists = iter([[a_task(0, "RUNNING"), a_task(1, "RUNNING"), ended[0]]] * 2)
    fake.answers["GET jobs/arra"] = an_array(RUNNING=2, SUCCEEDED=1)
    fake.answers["GET jobs"] = lambda _: {"items": next(lists, ended), "next": None}
    fake.answers["GET events/stream"] = Reply(
        pieces=sse(an_event(1, "arrayarray_1", "succeeded"), an_event(2, "arrayarray_0", "failed"))
    )
    found = client.wait("arra")
    assert [(job["id"], job["state"]) for job in found] == [
        ("arrayarray_0", "FAILED"), ("arrayarray_1", "SUCCEEDED"), ("arrayarray_2", "SUCCEEDED"),
    ]  # fmt: skip
    assert [one.query["array"] for one in fake.asked("GET jobs")] == [["arrayarray"]] * 3
    assert "subject" not in fake.asked("GET events/stream")[0].query


def test_wait_for_an_array_and_a_job(fake: FakeController, client: Client) -> None:
    fake.answers["GET jobs/arra"] = an_array(SUCCEEDED=1)
    fake.answers["GET jobs"] = {"items": [a_task(0, "SUCCEEDED")], "next": None}
    jobs = iter([a_job(state="RUNNING")])
    fake.answers[f"GET jobs/{ID}"] = lambda _: next(jobs, a_job(state="FAILED"))
    fake.answers["GET events/stream"] = Reply(pieces=sse(an_event(1, ID, "failed")))
    found = client.wait(ID, "arra", ID)
    assert [job["id"] for job in found] == [ID, "arrayarray_0", ID]
    assert found[0]["state"] == "FAILED"


def test_where_one_job_is_needed_an_array_is_refused(fake: FakeController, client: Client) -> None:
    fake.answers["GET jobs/arra"] = an_array(QUEUED=3)
    assert client.find("arra")["states"] == {"QUEUED": 3}
    for call in (lambda: client.job("arra"), lambda: list(client.logs("arra", follow=True))):
        with pytest.raises(ApiError, match="is an array of 3 jobs") as refused:
            call()
        assert (refused.value.status, refused.value.kind) == (409, "array")


def test_wait_gives_up_in_time(fake: FakeController, client: Client) -> None:
    held = threading.Event()

    def alive() -> Iterator[bytes]:
        yield b": events\n\n"
        held.wait(5)

    fake.answers[f"GET jobs/{ID}"] = a_job(state="RUNNING")
    fake.answers["GET events/stream"] = lambda _: Reply(pieces=alive())
    with pytest.raises(TimeoutError):
        client.wait(ID, timeout=0.2)
    held.set()


def test_wait_survives_a_restart_of_the_controller(fake: FakeController, client: Client) -> None:
    jobs = iter([a_job(state="RUNNING"), a_job(state="RUNNING")])
    fake.answers[f"GET jobs/{ID}"] = lambda _: next(jobs, a_job(state="SUCCEEDED"))
    rounds = iter([Reply(pieces=[b": events\n\n"], cut=True), Reply(silent=True)])
    fake.answers["GET events/stream"] = lambda _: next(rounds, Reply(pieces=[b": events\n\n"]))
    assert client.wait(ID)[0]["state"] == "SUCCEEDED"


def test_patience_has_an_end() -> None:
    now, slept = [100.0], list[float]()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    patience = Patience(3.0, known=True, now=lambda: now[0], sleep=sleep)
    error = ApiUnavailable("gone")
    with pytest.raises(ApiUnavailable):
        for _ in range(100):
            patience.wait(error)
    assert slept[:3] == [0.05, 0.1, 0.2]
    assert sum(slept) <= 3.0
    patience.reached()
    patience.wait(error)
    assert slept[-1] == 0.05
