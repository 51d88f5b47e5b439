"""Alerts as people see them: which, in which order, why nobody is told, who was; and acknowledging them."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from tests.api.alert_world import NODE, OTHER, a_notice, an_alert, event_types, keep, tell
from tests.api.in_process import V1, Answer, Api

from sentinel.api.alert_shapes import WatchShape
from sentinel.core.alert import Ack, AlertState
from sentinel.core.alert_json import ACK
from sentinel.core.finding import Severity
from sentinel.core.identity import Role


@pytest.fixture
def api() -> Iterator[Api]:
    with Api() as api:
        yield api


@pytest.fixture
def ops(api: Api) -> str:
    return api.token("ops", Role.OPERATOR)


def listed(api: Api, token: str, query: str = "") -> list[dict[str, Any]]:
    answer = api.ask("GET", f"{V1}/alerts{query}", token=token)
    assert answer.status == 200, answer.body
    return answer.json()["items"]


def shown(api: Api, token: str, id: str) -> Answer:
    return api.ask("GET", f"{V1}/alerts/{id}", token=token)


def test_nothing_and_nobody_who_looked(api: Api, ops: str) -> None:
    found = api.ask("GET", f"{V1}/alerts", token=ops).json()
    assert found == {"items": [], "next": None, "watch": None}
    fares = {
        "round_at": api.clock.at - 90.5,
        "seconds": 0.1,
        "series": 3,
        "history": "ok",
        "alertmanager": None,
    }
    api.store.write(lambda tx: tx.set_meta("alerting", json.dumps(fares)))
    watch = api.ask("GET", f"{V1}/alerts", token=ops).json()["watch"]
    assert watch == {**fares, "round_at": "2027-01-15T07:58:29.500Z", "age": 90.5}
    assert watch.keys() == WatchShape.model_fields.keys(), "the document names other fields than are sent"


def test_the_worst_first_and_resolved_ones_only_when_asked_for(api: Api, ops: str) -> None:
    now = api.clock.at
    hot = an_alert(api)
    worse = an_alert(api, "gpu-broken", severity=Severity.CRITICAL)
    silent = an_alert(api, "node-gone", state=AlertState.NO_DATA, started_at=now - 900)
    soon = an_alert(api, "soon", state=AlertState.PENDING, severity=Severity.CRITICAL)
    over = an_alert(api, "over", state=AlertState.RESOLVED, ended_at=now - 60)
    ancient = an_alert(api, "ancient", state=AlertState.RESOLVED, ended_at=now - 86401)
    keep(api, hot, worse, silent, soon, over, ancient)
    assert [one["rule"] for one in listed(api, ops)] == ["gpu-broken", "node-gone", "gpu-hot", "soon"]
    assert [one["rule"] for one in listed(api, ops, "?state=resolved")] == ["over"]
    assert [one["rule"] for one in listed(api, ops, "?state=firing&state=pending")] == [
        "gpu-broken",
        "gpu-hot",
        "soon",
    ]
    first = api.ask("GET", f"{V1}/alerts?limit=2", token=ops).json()
    rest = api.ask("GET", f"{V1}/alerts?limit=2&after={first['next'].replace(' ', '%20')}", token=ops).json()
    assert [one["rule"] for one in first["items"] + rest["items"]] == [
        "gpu-broken",
        "node-gone",
        "gpu-hot",
        "soon",
    ]
    assert rest["next"] is None


def test_filters(api: Api, ops: str) -> None:
    keep(
        api,
        an_alert(api),
        an_alert(api, node=OTHER, severity=Severity.INFO),
        an_alert(api, "other", node=OTHER),
    )
    assert len(listed(api, ops, f"?node={NODE}")) == 1
    assert len(listed(api, ops, "?rule=gpu-hot")) == 2
    assert len(listed(api, ops, "?severity=info&severity=critical")) == 1
    assert listed(api, ops, f"?rule=other&node={NODE}") == []
    assert api.ask("GET", f"{V1}/alerts?state=bad", token=ops).status == 422


def test_one_alert_in_words(api: Api, ops: str) -> None:
    alert = an_alert(api)
    keep(api, alert)
    found = shown(api, ops, alert.fingerprint[:6]).json()
    assert found["summary"] == "GPU 0 of gpu01 is hot"
    assert found["next_step"] == "Look at gpu01"
    assert (found["muted"], found["told"], found["ack"]) == (None, [], None)
    assert found["labels"] == {"gpu": "0", "node": "gpu01"}
    for called in ("ffff", alert.fingerprint[:3], "zzzz", "%2e%2e"):
        missing = shown(api, ops, called)
        assert (missing.status, missing.json()["type"]) == (404, "no-such-alert")


def test_a_beginning_that_fits_two(api: Api, ops: str) -> None:
    by_beginning: dict[str, Any] = {}
    alert = an_alert(api)
    for number in range(100_000):
        alert = an_alert(api, f"r{number}")
        other = by_beginning.setdefault(alert.fingerprint[:4], alert)
        if other is not alert:
            keep(api, alert, other)
            break
    answer = shown(api, ops, alert.fingerprint[:4])
    assert (answer.status, answer.json()["type"]) == (409, "ambiguous")


def test_a_silence_and_an_inhibition_are_seen(api: Api, ops: str) -> None:
    hot = an_alert(api)
    down = an_alert(api, "node-silent", series=(("node", OTHER),), severity=Severity.CRITICAL)
    broken = an_alert(api, "gpu-broken", node=OTHER)
    keep(api, hot, down, broken)
    end = "2027-01-15T09:00:00Z"
    body = {"matches": {"node": "gpu01"}, "end": end, "why": "new fans"}
    silence = api.ask("POST", f"{V1}/silences", token=ops, json=body).json()
    found = {one["rule"]: one["muted"] for one in listed(api, ops)}
    assert found["gpu-hot"] == {
        "how": "silenced",
        "by": silence["id"],
        "why": "ops: new fans",
        "until": "2027-01-15T09:00:00.000Z",
    }
    assert found["gpu-broken"]["how"] == "inhibited"  # by a shipped inhibition
    assert found["gpu-broken"]["by"] == down.fingerprint
    assert found["node-silent"] is None
    api.clock.at += 3601
    assert shown(api, ops, hot.fingerprint).json()["muted"] is None


def test_who_was_told(api: Api, ops: str) -> None:
    hot = an_alert(api)
    keep(api, hot)
    notice = a_notice(api, hot, channels=("mail", "chat", "pager"))
    tell(api, notice, {"chat": "403: no such channel", "pager": "waiting"})
    told = {one["channel"]: one for one in shown(api, ops, hot.fingerprint).json()["told"]}
    assert told["mail"] == {"channel": "mail", "state": "sent", "at": "2027-01-15T08:00:01.000Z", "error": ""}
    assert (told["chat"]["state"], told["chat"]["error"]) == ("given-up", "403: no such channel")
    assert (told["pager"]["state"], told["pager"]["at"]) == ("waiting", None)
    for one in api.ask("GET", f"{V1}/deliveries", token=ops).json()["items"]:
        api.store.write(lambda tx, key=one["key"]: tx.remove_document("alert-delivery", key))
    long_ago = shown(api, ops, hot.fingerprint).json()["told"]
    assert long_ago[0] == {"channel": "mail", "state": None, "at": None, "error": ""}


# ------------------------------------------------------------------ acknowledging


def test_an_ack_is_a_document_of_its_own(api: Api, ops: str) -> None:
    hot = an_alert(api)
    keep(api, hot)
    path = f"{V1}/alerts/{hot.fingerprint}/ack"
    found = api.ask("POST", path, token=ops, json={"why": "fans come"}).json()
    assert found["ack"] == {"by": "ops", "at": "2027-01-15T08:00:00.000Z", "why": "fans come"}
    with api.store.read() as reader:
        kept = reader.document(ACK, hot.fingerprint)
        assert kept is not None
        assert kept.data == {**found["ack"], "withdrawn": False}
        alert = reader.document("alert", hot.fingerprint)
        assert alert is not None
        assert alert.data is not None
        assert alert.data["ack"] is None  # the watch alone writes alerts
    assert listed(api, ops)[0]["ack"]["by"] == "ops"
    assert api.ask("DELETE", path, token=ops).json()["ack"] is None
    assert listed(api, ops)[0]["ack"] is None
    assert api.ask("DELETE", path, token=ops).status == 200
    assert event_types(api, "alert.") == ["alert.acknowledged", "alert.unacknowledged"]


def test_one_that_the_watch_took_over_is_taken_back(api: Api, ops: str) -> None:
    hot = replace(an_alert(api), ack=Ack(by="eve", at=api.clock.at))
    keep(api, hot)
    assert api.ask("DELETE", f"{V1}/alerts/{hot.fingerprint}/ack", token=ops).json()["ack"] is None
    with api.store.read() as reader:
        kept = reader.document(ACK, hot.fingerprint)
    assert kept is not None
    assert kept.data is not None
    assert kept.data["withdrawn"] is True


@pytest.mark.parametrize("state", [AlertState.PENDING, AlertState.RESOLVED])
def test_only_what_stands_is_acknowledged(api: Api, ops: str, state: AlertState) -> None:
    alert = an_alert(api, state=state)
    keep(api, alert)
    answer = api.ask("POST", f"{V1}/alerts/{alert.fingerprint}/ack", token=ops, json={})
    assert (answer.status, answer.json()["type"]) == (409, "not-standing")
    assert event_types(api, "alert.") == []


def test_what_cannot_be_read_is_passed_over(api: Api, ops: str) -> None:
    keep(api, an_alert(api))
    api.store.write(lambda tx: tx.put_document("alert", "ffffffffffffffff", {"from": "a newer version"}))
    assert len(listed(api, ops)) == 1


def test_members_look_and_do_not_touch(api: Api) -> None:
    ada = api.token("ada", Role.MEMBER)
    hot = an_alert(api)
    keep(api, hot)
    assert len(listed(api, ada)) == 1
    for method in ("POST", "DELETE"):
        answer = api.ask(
            method, f"{V1}/alerts/{hot.fingerprint}/ack", token=ada, json={} if method == "POST" else None
        )
        assert answer.status == 403
