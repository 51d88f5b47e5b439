"""Jobs as people submit, find, end and repeat them."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.api.in_process import V1, Api

from sentinel.core.identity import Role
from sentinel.core.job import JobState

JOBS = f"{V1}/jobs"
SECRET = "hunter2-in-the-environment"


@pytest.fixture
def api() -> Iterator[Api]:
    with Api() as api:
        yield api


def test_a_submit_is_answered_with_the_job_and_kept(api: Api) -> None:
    ana = api.token("ana")
    answer = api.ask(
        "POST",
        JOBS,
        token=ana,
        json={
            "command": ["/usr/bin/python", "a.py"],
            "cwd": "/home/ana",
            "gpus": 2,
            "environment": {"A": SECRET},
        },
    )
    assert answer.status == 201
    job = answer.json()
    assert (job["state"], job["owner"], job["name"], job["gpus"]) == ("QUEUED", "ana", "python", [])
    assert (job["spec"]["gpus"], job["spec"]["cwd"]) == (2, "/home/ana")
    assert SECRET not in answer.body.decode()
    assert api.job(job["id"]).spec.command == ("/usr/bin/python", "a.py")
    with api.store.read() as reader:
        assert reader.environment(job["id"]) == {"A": SECRET}
        events = reader.events(0, 10)
    assert [event.type for event in events] == ["sentinel.job.submitted"]
    assert SECRET not in str(events)


def test_the_same_key_makes_one_job(api: Api) -> None:
    ana, bob = api.token("ana"), api.token("bob")
    body = {"command": ["true"], "cwd": "/", "environment": {"A": "1"}}
    key = {"idempotency-key": "k1"}
    first = api.ask("POST", JOBS, token=ana, json=body, headers=key)
    again = api.ask("POST", JOBS, token=ana, json=body, headers=key)
    other = api.ask("POST", JOBS, token=ana, json={**body, "environment": {"A": "2"}}, headers=key)
    bobs = api.ask("POST", JOBS, token=bob, json=body, headers=key)
    assert (first.status, again.status, other.status, bobs.status) == (201, 200, 409, 201)
    assert first.json() == again.json()
    assert other.json()["type"] == "key-reused"
    assert bobs.json()["id"] != first.json()["id"]


@pytest.mark.parametrize("key", ["", "x" * 201, "ä", "a\tb"])
def test_a_key_that_is_none_is_refused(api: Api, key: str) -> None:
    answer = api.ask(
        "POST",
        JOBS,
        token=api.token("ana"),
        json={"command": ["true"], "cwd": "/"},
        headers={"idempotency-key": key},
    )
    assert (answer.status, answer.json()["errors"][0]["field"]) == (422, "Idempotency-Key")


def test_a_priority_above_zero_is_for_operators_and_the_refusal_says_so(api: Api) -> None:
    body = {"command": ["true"], "cwd": "/", "priority": 1}
    refused = api.ask("POST", JOBS, token=api.token("ana"), json=body)
    assert refused.status == 403
    assert "before everybody else's" in refused.json()["detail"]
    assert "operator" in refused.json()["hint"]
    assert api.ask("POST", JOBS, token=api.token("op", Role.OPERATOR), json=body).status == 201
    assert api.ask("POST", JOBS, token=api.token("ana"), json={**body, "priority": -5}).status == 201


def test_a_waiting_job_says_why(api: Api) -> None:
    ana = api.token("ana")
    id = api.submit(ana, gpus=3)["id"]
    assert api.ask("GET", f"{JOBS}/{id}", token=ana).json()["reason"] == "no node has joined yet"
    api.node(gpus=2)
    api.settle()
    shown = api.ask("GET", f"{JOBS}/{id}", token=ana).json()
    assert "the largest node, n1, has 2" in shown["reason"]
    assert api.ask("GET", JOBS, token=ana).json()["items"][0]["reason"] == shown["reason"]
    why = api.ask("GET", f"{JOBS}/{id}/why", token=ana).json()
    assert (why["blocking"], why["reason"], why["ahead"]) == ("too-large", shown["reason"], 0)


def test_a_beginning_of_an_id_is_enough_where_it_is_unique(api: Api) -> None:
    ana = api.token("ana")
    ids = [api.submit(ana)["id"] for _ in range(3)]
    assert api.ask("GET", f"{JOBS}/{ids[0][:7]}", token=ana).json()["id"] == ids[0]
    assert api.ask("GET", f"{JOBS}/{ids[0][:7].upper()}", token=ana).json()["id"] == ids[0]
    short = api.ask("GET", f"{JOBS}/{ids[0][:3]}", token=ana)
    assert (short.status, "at least 4" in short.json()["hint"]) == (404, True)
    twins = [replace(api.job(ids[0]), id=f"tw1n00000{n}") for n in range(2)]
    for twin in twins:
        api.store.write(lambda tx, twin=twin: tx.add_job(twin, {}))
    both = api.ask("GET", f"{JOBS}/tw1n", token=ana)
    assert (both.status, both.json()["type"]) == (409, "ambiguous")
    assert all(twin.id in both.json()["detail"] for twin in twins)


@pytest.mark.parametrize(
    "id", ["..%2f..%2fetc", "....", "%00%00%00%00", "a" * 400, "0123456789abc", "zzzz", "' or 1=1", "%ff%fe"]
)
def test_what_is_no_id_is_not_found(api: Api, id: str) -> None:
    for path in ("", "/why", "/logs", "/environment", "/events"):
        answer = api.ask("GET", f"{JOBS}/{id}{path}", token=api.token("ana"))
        assert (answer.status, answer.headers["content-type"]) == (404, "application/problem+json")


def test_lists_are_filtered_paged_and_newest_first(api: Api) -> None:
    ana, bob = api.token("ana"), api.token("bob")
    mine = []
    for n in range(5):
        api.clock.at += 1
        mine.append(api.submit(ana, name=f"a{n}")["id"])
    api.submit(bob, name="b")
    found = api.ask("GET", f"{JOBS}?owner=me&limit=2", token=ana).json()
    assert [job["id"] for job in found["items"]] == mine[:2:-1]
    following = api.ask("GET", f"{JOBS}?owner=me&limit=3&after={found['next']}", token=ana).json()
    assert ([job["id"] for job in following["items"]], following["next"]) == (mine[2::-1], None)
    assert [j["name"] for j in api.ask("GET", f"{JOBS}?owner=bob", token=ana).json()["items"]] == ["b"]
    assert len(api.ask("GET", f"{JOBS}?name=a3&state=QUEUED&state=RUNNING", token=ana).json()["items"]) == 1
    assert api.ask("GET", f"{JOBS}?state=RUNNING", token=ana).json()["items"] == []
    assert len(api.ask("GET", f"{JOBS}?id_prefix={mine[0][:6]}", token=ana).json()["items"]) == 1


@pytest.mark.parametrize(
    "query",
    ["nonsense=1", "limit=0", "limit=1001", "limit=x", "state=BUSY", "after=%00", "after=rubbish",
     "owner=%00", "limit=" + "9" * 5000, "&".join(f"a{n}=1" for n in range(200))],
)  # fmt: skip
def test_parameters_that_make_no_sense_are_refused(api: Api, query: str) -> None:
    answer = api.ask("GET", f"{JOBS}?{query}", token=api.token("ana"))
    assert answer.status == 422
    assert answer.json()["hint"] or answer.json()["detail"]


def test_a_polled_list_is_sent_once(api: Api) -> None:
    ana, bob = api.token("ana"), api.token("bob", tenant="other")
    api.submit(ana)
    api.settle()
    first = api.ask("GET", JOBS, token=ana)
    tag = {"if-none-match": first.headers["etag"]}
    again = api.ask("GET", JOBS, token=ana, headers=tag)
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert api.ask("GET", f"{JOBS}?limit=1", token=ana, headers=tag).status == 200
    assert api.ask("GET", JOBS, token=bob, headers=tag).status == 200
    api.submit(ana)
    changed = api.ask("GET", JOBS, token=ana, headers=tag)
    assert (changed.status, len(changed.json()["items"])) == (200, 2)


def test_a_cancel_ends_a_waiting_job_and_says_who_and_why(api: Api) -> None:
    ana = api.token("ana")
    id = api.submit(ana)["id"]
    done = api.ask("POST", f"{JOBS}/{id}/cancel", token=ana, json={"why": "typo"}).json()
    assert (done["state"], done["cancel"]["by"], done["cancel"]["why"]) == ("CANCELED", "ana", "typo")
    again = api.ask("POST", f"{JOBS}/{id}/cancel", token=ana)
    assert (again.status, again.json()["type"]) == (409, "already-ended")


def test_others_jobs_are_seen_but_not_touched(api: Api) -> None:
    ana, bob, op = api.token("ana"), api.token("bob"), api.token("op", Role.OPERATOR)
    id = api.submit(ana, environment={"A": SECRET})["id"]
    assert api.ask("GET", f"{JOBS}/{id}", token=bob).status == 200
    for method, path in (("POST", "cancel"), ("POST", "retry"), ("GET", "logs"), ("GET", "environment")):
        refused = api.ask(method, f"{JOBS}/{id}/{path}", token=bob)
        assert (refused.status, refused.json()["type"]) == (403, "not-yours"), path
        assert "ana" in refused.json()["hint"]
    assert api.ask("POST", f"{JOBS}/{id}/cancel", token=op).status == 200
    for path in ("environment", "retry"):
        method = "GET" if path == "environment" else "POST"
        assert api.ask(method, f"{JOBS}/{id}/{path}", token=op).status == 403
    admin = api.ask("GET", f"{JOBS}/{id}/environment", token=api.token("root", Role.ADMIN))
    assert (admin.status, SECRET in admin.body.decode()) == (403, False)
    assert api.ask("GET", f"{JOBS}/{id}/environment", token=ana).json() == {"A": SECRET}


def test_another_tenants_jobs_do_not_exist(api: Api) -> None:
    ana, eve = api.token("ana"), api.token("eve", Role.ADMIN, tenant="other")
    id = api.submit(ana)["id"]
    for method, path in (
        ("GET", ""), ("GET", "/why"), ("GET", "/logs"), ("GET", "/environment"), ("GET", "/events"),
        ("POST", "/cancel"), ("POST", "/retry"),
    ):  # fmt: skip
        assert api.ask(method, f"{JOBS}/{id}{path}", token=eve).status == 404, path
    assert api.ask("GET", f"{JOBS}/{id[:5]}", token=eve).status == 404
    assert api.ask("GET", JOBS, token=eve).json()["items"] == []


def test_a_retry_has_the_same_spec_and_environment(api: Api) -> None:
    ana = api.token("ana")
    id = api.submit(ana, environment={"A": SECRET}, gpus=2, name="x")["id"]
    early = api.ask("POST", f"{JOBS}/{id}/retry", token=ana)
    assert (early.status, early.json()["type"]) == (409, "not-ended")
    api.ask("POST", f"{JOBS}/{id}/cancel", token=ana)
    again = api.ask("POST", f"{JOBS}/{id}/retry", token=ana, json={})
    assert again.status == 201
    new = again.json()
    assert (new["id"] != id, new["state"], new["cancel"]) == (True, "QUEUED", None)
    assert api.job(new["id"]).spec == api.job(id).spec
    assert api.ask("GET", f"{JOBS}/{new['id']}/environment", token=ana).json() == {"A": SECRET}


def test_a_retry_asks_again_who_may_have_that_priority(api: Api) -> None:
    op = api.token("op", Role.OPERATOR)
    id = api.submit(op, priority=7)["id"]
    api.ask("POST", f"{JOBS}/{id}/cancel", token=op)
    api.user("op", Role.MEMBER)
    api.state.gate.forget()
    assert api.ask("POST", f"{JOBS}/{id}/retry", token=op).status == 403


def test_a_job_that_runs_is_asked_to_end(api: Api) -> None:
    ana = api.token("ana")
    api.node()
    id = api.submit(ana)["id"]
    api.advance(id, JobState.RUNNING)
    asked = api.ask("POST", f"{JOBS}/{id}/cancel", token=ana).json()
    assert (asked["state"], asked["cancel"]["by"]) == ("RUNNING", "ana")
    assert "about to end it" in api.ask("GET", f"{JOBS}/{id}", token=ana).json()["reason"]


def test_what_happened_to_a_job(api: Api) -> None:
    ana = api.token("ana")
    id = api.submit(ana)["id"]
    api.submit(ana)
    api.ask("POST", f"{JOBS}/{id}/cancel", token=ana)
    page = api.ask("GET", f"{JOBS}/{id}/events?limit=1", token=ana).json()
    assert [one["type"] for one in page["items"]] == ["sentinel.job.submitted"]
    rest = api.ask("GET", f"{JOBS}/{id}/events?after={page['next']}", token=ana).json()
    assert [one["type"] for one in rest["items"]] == ["sentinel.job.canceled"]


# ------------------------------------------------------------------ what may be sent

GOOD = {"command": ["true"], "cwd": "/"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("command", []),
        ("command", "true"),
        ("command", ["a\0b"]),
        ("command", ["x"] * 4097),
        ("command", ["x" * 1000] * 263),
        ("command", [1]),
        ("cwd", "relative"),
        ("cwd", "/a\0b"),
        ("cwd", "/" + "a" * 4096),
        ("cwd", ""),
        ("gpus", 0),
        ("gpus", 4097),
        ("gpus", "1"),
        ("gpus", 1.5),
        ("gpus", True),
        ("gpus", 10**30),
        ("priority", 1001),
        ("priority", -1001),
        ("name", "a\nb"),
        ("name", "\x1b[2J"),
        ("name", "x" * 201),
        ("time_limit", 0),
        ("time_limit", -1),
        ("time_limit", 1e300),
        ("gpu_model", ""),
        ("gpu_memory_bytes", 0),
        ("gpu_memory_bytes", 2**63),
        ("node", "a\0"),
        ("if_lost", "explode"),
        ("grace", -0.1),
        ("grace", 3601),
        ("umask", 0o1000),
        ("umask", -1),
        ("limits", {"nofile": -1}),
        ("limits", {"everything": 1}),
        ("limits", {"nofile": "many"}),
        ("pty", "yes"),
        ("environment", {"A=B": "1"}),
        ("environment", {"": "1"}),
        ("environment", {"1A": "1"}),
        ("environment", {"A\n": "1"}),
        ("environment", {"A": "a\0b"}),
        ("environment", {"A": 1}),
        ("environment", {f"A{n}": "" for n in range(513)}),
        ("environment", {"A": "x" * (256 * 1024)}),
        ("environment", ["A=1"]),
        ("user", "root"),
    ],
)
def test_what_cannot_be_is_refused_and_the_field_is_named(api: Api, field: str, value: object) -> None:
    answer = api.ask("POST", JOBS, token=api.token("ana"), json={**GOOD, field: value})
    assert answer.status == 422, answer.body
    problem = answer.json()
    assert any(one["field"].split(".")[0] == field for one in problem["errors"]), problem
    assert problem["type"] == "invalid"
    with api.store.read() as reader:
        assert reader.revision() == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"x"',
        b"\xff\xfe",
        b'{"command": ["\\ud800"], "cwd": "/"}',
        b"[" * 100_000,
        b'{"command": ["true"], "cwd": "/", "time_limit": NaN}',
        b'{"command": ["true"], "cwd": "/", "time_limit": Infinity}',
        b'{"command": ["true"], "cwd": "/", "gpus": ' + b"9" * 5000 + b"}",
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
    ],
)
def test_bodies_that_are_no_job(api: Api, body: bytes) -> None:
    answer = api.ask(
        "POST", JOBS, token=api.token("ana"), body=body, headers={"content-type": "application/json"}
    )
    assert answer.status in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"
    assert "Traceback" not in answer.body.decode()


def test_the_greatest_values_are_taken(api: Api) -> None:
    job = api.submit(
        api.token("op", Role.OPERATOR),
        command=["x"] * 4096,
        gpus=4096,
        priority=1000,
        time_limit=0.001,
        grace=3600,
        umask=0o777,
        limits={"nofile": 2**63 - 1, "core": 0},
        environment={f"A{n}": "ä" for n in range(512)},
        if_lost="fence",
        pty=True,
        name="n" * 200,
    )
    assert job["spec"]["limits"] == {"nofile": 2**63 - 1, "core": 0}
    assert json.dumps(job)
