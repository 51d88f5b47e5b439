"""Accounts and usage: what is set is shown, holds from then on, and is for operators."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.api.in_process import V1, Answer, Api

from sentinel.core.account import Scope
from sentinel.core.identity import Role
from sentinel.core.job import JobState
from sentinel.scheduling import account_desk

NO_LIMITS: dict[str, Any] = {
    "running_gpus": None,
    "running_gpus_soft": None,
    "queued_jobs": None,
    "gpu_hours": None,
    "gpu_hours_soft": None,
}


@pytest.fixture
def api() -> Iterator[Api]:
    with Api() as api:
        yield api


@pytest.fixture
def ops(api: Api) -> str:
    return api.token("ops", Role.OPERATOR)


def put(api: Api, ops: str, what: str, **body: Any) -> Answer:
    return api.ask("PUT", f"{V1}/accounts/{what}", token=ops, json=body)


def types(api: Api) -> list[str]:
    with api.store.read() as reader:
        return [event.type for event in reader.events(0, 100) if ".account." in event.type]


def test_an_account_is_set_shown_and_removed(api: Api, ops: str) -> None:
    api.user("ada")
    answer = put(api, ops, "user/ada", weight=2, limits={"running_gpus": 8, "gpu_hours": 1.5})
    assert answer.status == 200
    expected = {
        "scope": "user",
        "name": "ada",
        "weight": 2,
        "limits": {**NO_LIMITS, "running_gpus": 8, "gpu_hours": 1.5},
        "users": 1,
    }
    assert answer.json() == expected
    assert api.ask("GET", f"{V1}/accounts/user/ada", token=ops).json() == expected
    assert api.ask("GET", f"{V1}/accounts", token=ops).json() == {"items": [expected], "next": None}
    assert put(api, ops, "user/ada", weight=2).json()["limits"] == NO_LIMITS  # in full, not in part
    assert put(api, ops, "user/ada", weight=2).status == 200
    assert api.ask("DELETE", f"{V1}/accounts/user/ada", token=ops).status == 204
    assert types(api) == ["sentinel.account.set", "sentinel.account.set", "sentinel.account.removed"]
    for method in ("GET", "DELETE"):
        gone = api.ask(method, f"{V1}/accounts/user/ada", token=ops)
        assert (gone.status, gone.json()["type"]) == (404, "no-such-account")


def test_how_many_users_an_account_holds(api: Api, ops: str) -> None:
    root = api.token("root", Role.ADMIN)
    for name, group in (("ada", "ml"), ("bob", "ml"), ("eve", None)):
        body = {"name": name, "role": "member", "group": group}
        assert api.ask("POST", f"{V1}/users", token=root, json=body).json()["group"] == group
    assert put(api, ops, "group/ml").json()["users"] == 2
    assert put(api, ops, "group/mistyped").json()["users"] == 0
    assert put(api, ops, "user/ada").json()["users"] == 1
    assert put(api, ops, "default", limits={"queued_jobs": 5}).json() == {
        "scope": "default",
        "name": "",
        "weight": 1.0,
        "limits": {**NO_LIMITS, "queued_jobs": 5},
        "users": 4,  # bob, eve, ops and root
    }
    assert api.ask("GET", f"{V1}/accounts/default", token=ops).json()["limits"]["queued_jobs"] == 5
    assert api.ask("DELETE", f"{V1}/accounts/default", token=ops).status == 204
    assert api.ask("GET", f"{V1}/accounts/default", token=ops).status == 404


def test_accounts_come_page_after_page(api: Api, ops: str) -> None:
    for name in ("a", "b", "c"):
        put(api, ops, f"group/{name}")
    first = api.ask("GET", f"{V1}/accounts?limit=2", token=ops).json()
    assert ([one["name"] for one in first["items"]], first["next"]) == (["a", "b"], "group:b")
    rest = api.ask("GET", f"{V1}/accounts?after=group%3Ab", token=ops).json()
    assert [one["name"] for one in rest["items"]] == ["c"]


@pytest.mark.parametrize(
    ("what", "body", "status", "says"),
    [
        ("user/nobody", {}, 404, "there is no user 'nobody'"),
        ("group/ml", {"limits": {"running_gpus": 2, "running_gpus_soft": 3}}, 409, "never passed"),
        ("group/ml", {"limits": {"gpu_hours": 2.5, "gpu_hours_soft": 3}}, 409, "never passed"),
        ("group/ml", {"weight": 0}, 422, "weight"),
        ("group/ml", {"limits": {"running_gpus": -1}}, 422, "limits.running_gpus"),
        ("group/ml", {"limits": {"running_gpus": 1.5}}, 422, "limits.running_gpus"),
        ("group/ml", {"limits": {"gpus": 1}}, 422, "there is no such field"),
        ("group/M%20L", {}, 422, "name"),
        ("team/ml", {}, 422, "scope"),
    ],
)
def test_what_cannot_be(api: Api, ops: str, what: str, body: Any, status: int, says: str) -> None:
    answer = put(api, ops, what, **body)
    assert (answer.status, says in answer.json()["detail"]) == (status, True), answer.body
    assert types(api) == []


def test_members_may_look_and_not_touch(api: Api, ops: str) -> None:
    ada = api.token("ada", Role.MEMBER)
    put(api, ops, "user/ada", limits={"running_gpus": 1})
    assert api.ask("GET", f"{V1}/accounts/user/ada", token=ada).json()["limits"]["running_gpus"] == 1
    assert put(api, ada, "user/ada").status == 403
    assert api.ask("DELETE", f"{V1}/accounts/user/ada", token=ada).status == 403


def test_a_removed_users_account_is_removed(api: Api, ops: str) -> None:
    root = api.token("root", Role.ADMIN)
    api.user("ada")
    put(api, ops, "user/ada")
    assert api.ask("DELETE", f"{V1}/users/ada", token=root).status == 204
    assert api.ask("GET", f"{V1}/accounts/user/ada", token=ops).status == 404


def test_usage_counts_what_ended_and_what_runs(api: Api, ops: str) -> None:
    api.node()
    ada = api.token("ada", Role.MEMBER)
    put(api, ops, "user/ada", weight=3, limits={"running_gpus": 4})
    api.store.write(
        lambda tx: account_desk.charge_usage(
            tx, owner="bob", group="ml", milli=2000, seconds=3600, now=api.clock.at
        )
    )
    job = api.submit(ada)["id"]
    api.advance(job, JobState.RUNNING)
    api.clock.at += 1800
    found = api.ask("GET", f"{V1}/usage", token=ada).json()["items"]
    assert [(one["scope"], one["name"], one["gpu_hours"], one["running_gpus"]) for one in found] == [
        ("group", "ml", 2, 0),
        ("user", "ada", 0.5, 1),
        ("user", "bob", 2, 0),
    ]
    of_ada, of_bob = found[1], found[2]
    assert (of_ada["weight"], of_ada["limits"]) == (3, {**NO_LIMITS, "running_gpus": 4})
    assert (of_bob["weight"], of_bob["limits"]) == (1, None)
    assert (of_ada["share"], of_bob["share"]) == (pytest.approx(0.2, abs=0.01), pytest.approx(0.8, abs=0.01))
    assert (of_ada["days"], of_bob["days"]) == ({}, {"2027-01-15": 2})
    assert 1.99 < of_bob["recent_gpu_hours"] < 2


def test_usage_that_did_not_change_is_not_sent_again(api: Api, ops: str) -> None:
    answer = api.ask("GET", f"{V1}/usage", token=ops)
    assert answer.json() == {"items": [], "next": None}
    again = api.ask("GET", f"{V1}/usage", token=ops, headers={"If-None-Match": answer.headers["etag"]})
    assert again.status == 304


def test_a_job_counts_for_the_group_of_its_owner(api: Api) -> None:
    """It reaches the job by the token's identity, which an admin changes while the token lives."""
    root, ada = api.token("root", Role.ADMIN), api.token("ada", Role.MEMBER)
    assert api.job(api.submit(ada)["id"]).account is None
    changed = api.ask("PATCH", f"{V1}/users/ada", token=root, json={"group": "ml"})
    assert changed.json()["group"] == "ml"
    assert api.job(api.submit(ada)["id"]).account == "ml"
    assert api.ask("PATCH", f"{V1}/users/ada", token=root, json={"disabled": False}).json()["group"] == "ml"
    assert api.ask("PATCH", f"{V1}/users/ada", token=root, json={"group": None}).json()["group"] is None
    assert api.job(api.submit(ada)["id"]).account is None
    assert api.ask("PATCH", f"{V1}/users/ada", token=root, json={"group": "M L"}).status == 422


def test_a_change_of_group_ends_no_stream(api: Api) -> None:
    root, ada = api.token("root", Role.ADMIN), api.token("ada", Role.MEMBER)
    identity = api.run(api.state.gate.identify(f"Bearer {ada}"))
    api.ask("PATCH", f"{V1}/users/ada", token=root, json={"group": "ml"})
    assert api.run(api.state.gate.still(identity, f"Bearer {ada}"))
    api.ask("PATCH", f"{V1}/users/ada", token=root, json={"role": "viewer"})
    assert not api.run(api.state.gate.still(identity, f"Bearer {ada}"))


def test_the_books_of_the_api_are_those_of_the_scheduler(api: Api, ops: str) -> None:
    put(api, ops, "default", limits={"running_gpus": 3})
    with api.store.read() as reader:
        books = account_desk.books(reader)
    assert books.left("anybody", None, api.clock.at).hard == 3000
    assert books.running(Scope.USER, "anybody") == 0
