from collections.abc import Iterator
from typing import Any

import pytest
from tests.api.in_process import V1, Answer, Api

from sentinel.core.clock import rfc3339
from sentinel.core.identity import Role

HOUR = 3600.0


@pytest.fixture
def api() -> Iterator[Api]:
    with Api() as api:
        api.node("n1")
        api.user("ada")
        yield api


@pytest.fixture
def ops(api: Api) -> str:
    return api.token("ops", Role.OPERATOR)


def add(
    api: Api, token: str, name: str = "course", begin: float = 1, hours: float = 2, **body: Any
) -> Answer:
    start = api.clock.at + begin * HOUR
    sent = {
        "name": name,
        "start": rfc3339(start),
        "end": rfc3339(start + hours * HOUR),
        "users": ["ada"],
        **body,
    }
    return api.ask("POST", f"{V1}/reservations", token=token, json=sent)


def listed(api: Api, token: str, query: str = "") -> Any:
    return api.ask("GET", f"{V1}/reservations{query}", token=token).json()


def test_it_is_made_shown_and_removed(api: Api, ops: str) -> None:
    made = add(api, ops, nodes=["n1", "n1"], why="exam")
    assert made.status == 201
    found = made.json()
    assert found == {
        "id": found["id"],
        "name": "course",
        "kind": "reserved",
        "nodes": ["n1"],
        "start": rfc3339(api.clock.at + HOUR),
        "end": rfc3339(api.clock.at + 3 * HOUR),
        "users": ["ada"],
        "groups": [],
        "by": "ops",
        "why": "exam",
    }
    ada = api.token("ada")
    assert listed(api, ada) == {"items": [found], "next": None}
    for called in ("course", found["id"]):
        assert api.ask("GET", f"{V1}/reservations/{called}", token=ada).json() == found
    assert api.ask("DELETE", f"{V1}/reservations/course", token=ops).status == 204
    for method in ("GET", "DELETE"):
        gone = api.ask(method, f"{V1}/reservations/course", token=ops)
        assert (gone.status, gone.json()["type"]) == (404, "no-such-reservation")


def test_which_begins_first_is_first_page_after_page(api: Api, ops: str) -> None:
    for name, begin in (("c", 9), ("a", 1), ("b", 5)):
        assert add(api, ops, name, begin).status == 201
    first = listed(api, ops, "?limit=2")
    assert [one["name"] for one in first["items"]] == ["a", "b"]
    after = first["next"].replace(" ", "%20").replace(":", "%3A")
    assert [one["name"] for one in listed(api, ops, f"?after={after}")["items"]] == ["c"]


def test_times_of_any_offset(api: Api, ops: str) -> None:
    made = add(api, ops, start="2030-01-01T08:00+02:00", end="2030-01-01 10:00:30.5Z").json()
    assert (made["start"], made["end"]) == ("2030-01-01T06:00:00.000Z", "2030-01-01T10:00:30.500Z")


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ({"end": "2020-01-01T00:00:00Z", "start": "2019-01-01T00:00:00Z"}, 409, "senseless"),
        ({"hours": -1}, 409, "senseless"),
        ({"users": []}, 409, "senseless"),
        ({"kind": "maintenance"}, 409, "senseless"),
        ({"users": ["eve"]}, 409, "senseless"),
        ({"nodes": ["n9"]}, 409, "no-such-node"),
        ({"start": "2030-01-01T08:00:00"}, 422, "invalid"),
        ({"start": "2030-02-30T08:00:00Z"}, 422, "invalid"),
        ({"start": 1_900_000_000}, 422, "invalid"),
        ({"name": "a b"}, 422, "invalid"),
        ({"nodes": "n1"}, 422, "invalid"),
    ],
)
def test_what_cannot_be(api: Api, ops: str, body: dict[str, Any], status: int, kind: str) -> None:
    answer = add(api, ops, **body)
    assert (answer.status, answer.json()["type"]) == (status, kind), answer.body
    assert listed(api, ops)["items"] == []


def test_two_of_the_same_nodes_clash(api: Api, ops: str) -> None:
    add(api, ops)
    answer = add(api, ops, "other", nodes=["n1"])
    assert (answer.status, answer.json()["type"]) == (409, "clash")
    assert add(api, ops, "disks", kind="maintenance", users=[]).status == 201


def test_members_may_look_and_not_touch(api: Api, ops: str) -> None:
    ada = api.token("ada")
    add(api, ops)
    assert add(api, ada, "mine").status == 403
    assert api.ask("DELETE", f"{V1}/reservations/course", token=ada).status == 403
    assert len(listed(api, ada)["items"]) == 1
