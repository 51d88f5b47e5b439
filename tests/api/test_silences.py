"""Silences: an author, a reason and an end; ended ones stay a while."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.api.alert_world import event_types
from tests.api.in_process import V1, Answer, Api

from sentinel.core.identity import Role

NIGHT = {"days": ["sat", "sun"], "begin": "22:00", "end": "06:00", "zone": "Europe/Berlin"}
END = "2027-01-15T09:00:00Z"  # an hour after the clock of these tests, a Friday


@pytest.fixture
def api() -> Iterator[Api]:
    with Api() as api:
        yield api


@pytest.fixture
def ops(api: Api) -> str:
    return api.token("ops", Role.OPERATOR)


def add(api: Api, token: str, **changes: Any) -> Answer:
    body = {"matches": {"node": ["gpu01", "gpu02"]}, "end": END, "why": "new fans"} | changes
    return api.ask("POST", f"{V1}/silences", token=token, json=body)


def listed(api: Api, token: str) -> list[dict[str, Any]]:
    return api.ask("GET", f"{V1}/silences", token=token).json()["items"]


def test_a_silence_is_added_and_ended(api: Api, ops: str) -> None:
    answer = add(api, ops)
    assert answer.status == 201
    silence = answer.json()
    assert silence == {
        "id": silence["id"],
        "matches": {"node": ["gpu01", "gpu02"]},
        "start": "2027-01-15T08:00:00.000Z",
        "end": "2027-01-15T09:00:00.000Z",
        "by": "ops",
        "why": "new fans",
        "weekly": None,
        "state": "active",
        "until": "2027-01-15T09:00:00.000Z",
    }
    assert api.ask("GET", f"{V1}/silences/{silence['id']}", token=ops).json() == silence
    api.clock.at += 60
    assert api.ask("DELETE", f"{V1}/silences/{silence['id']}", token=ops).status == 204
    assert api.ask("DELETE", f"{V1}/silences/{silence['id']}", token=ops).status == 204
    (found,) = listed(api, ops)
    assert (found["state"], found["end"]) == ("ended", "2027-01-15T08:01:00.000Z")
    assert event_types(api, "silence") == ["silence.added", "silence.ended"]


def test_what_begins_now_does_not_begin_a_moment_later(api: Api, ops: str) -> None:
    api.clock.at += 0.0009
    silence = add(api, ops).json()
    assert (silence["start"], silence["state"]) == ("2027-01-15T08:00:00.000Z", "active")


def test_ended_ones_stay_for_seven_days(api: Api, ops: str) -> None:
    add(api, ops)
    api.clock.at += 3600 + 7 * 86400 - 1
    assert len(listed(api, ops)) == 1
    api.clock.at += 2
    assert listed(api, ops) == []
    add(api, ops, end="2028-01-01T00:00:00Z")
    with api.store.read() as reader:
        assert len(reader.documents("silence")) == 1


def test_one_that_ends_in_the_millisecond_in_which_it_begins(api: Api, ops: str) -> None:
    id = add(api, ops).json()["id"]
    assert api.ask("DELETE", f"{V1}/silences/{id}", token=ops).status == 204
    assert listed(api, ops) == []  # nothing of it was ever in force
    early = add(api, ops, start="2027-01-15T08:30:00+00:00").json()
    assert (early["state"], early["until"]) == ("waiting", None)
    assert api.ask("DELETE", f"{V1}/silences/{early['id']}", token=ops).status == 204
    assert listed(api, ops) == []


def test_weekly_hours(api: Api, ops: str) -> None:
    silence = add(api, ops, end="2027-06-01T00:00:00Z", weekly=NIGHT).json()
    assert (silence["weekly"], silence["state"]) == (NIGHT, "waiting")
    api.clock.at += 86400 + 14 * 3600  # Saturday, 23:00 in Berlin
    (found,) = listed(api, ops)
    assert (found["state"], found["until"]) == ("active", "2027-01-17T05:00:00.000Z")
    all_day = add(api, ops, end="2027-06-01T00:00:00Z", weekly={"days": ["mon"], "zone": "UTC"}).json()
    assert all_day["weekly"] == {"days": ["mon"], "begin": "00:00", "end": "24:00", "zone": "UTC"}


@pytest.mark.parametrize(
    ("changes", "status", "says"),
    [
        ({"end": "2027-01-15T08:00:00Z"}, 409, "over already"),
        ({"start": "2027-01-16T08:00:00Z"}, 409, "before it begins"),
        ({"weekly": NIGHT | {"zone": "Europe/Nowhere"}}, 409, "time zone"),
        ({"weekly": NIGHT | {"zone": "../../etc/passwd"}}, 422, "zone"),
        ({"weekly": NIGHT | {"days": []}}, 422, "days"),
        ({"weekly": NIGHT | {"end": "24:30"}}, 422, "end"),
        ({"matches": {}}, 422, "matches"),
        ({"matches": {"no de": "x"}}, 422, "matches"),
        ({"why": " "}, 422, "why"),
        ({"end": "tomorrow"}, 422, "end"),
        ({"end": "2027-02-30T08:00:00Z"}, 422, "end"),
        ({"end": None}, 422, "end"),
        ({"by": "somebody else"}, 422, "no such field"),
    ],
)
def test_what_cannot_be(api: Api, ops: str, changes: Any, status: int, says: str) -> None:
    answer = add(api, ops, **changes)
    assert (answer.status, says in answer.json()["detail"]) == (status, True), answer.body
    assert event_types(api, "silence") == []


def test_an_end_is_needed(api: Api, ops: str) -> None:
    body = {"matches": {"node": "gpu01"}, "why": "x"}
    assert api.ask("POST", f"{V1}/silences", token=ops, json=body).status == 422
    assert api.ask("DELETE", f"{V1}/silences/zzzz", token=ops).json()["type"] == "no-such-silence"


def test_members_look_and_do_not_touch(api: Api, ops: str) -> None:
    ada = api.token("ada", Role.MEMBER)
    id = add(api, ops).json()["id"]
    assert len(listed(api, ada)) == 1
    assert add(api, ada).status == 403
    assert api.ask("DELETE", f"{V1}/silences/{id}", token=ada).status == 403
