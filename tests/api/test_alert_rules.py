"""Rules: shipped ones and a site's own, written in full, and tried against the past."""

from array import array
from collections.abc import Iterator
from typing import Any

import pytest
from tests.api.alert_world import an_alert, event_types, keep
from tests.api.in_process import V1, Answer, Api

from sentinel.alerting.library import SHIPPED
from sentinel.api.alert_requests import RESERVED
from sentinel.api.alert_shapes import RuleShape
from sentinel.api.rule_preview import MOST_POINTS, step_for
from sentinel.core.errors import UsageError
from sentinel.core.identity import Role
from sentinel.core.rule_json import rule_from, rule_json
from sentinel.core.sample_batch import Batch, Column

RULE = {"metric": "gpu_temperature_celsius", "op": ">", "threshold": 88, "for": "2m"}
DAY = 86400.0


@pytest.fixture
def api() -> Iterator[Api]:
    with Api() as api:
        yield api


@pytest.fixture
def ops(api: Api) -> str:
    return api.token("ops", Role.OPERATOR)


def put(api: Api, ops: str, rule: str, /, **changes: Any) -> Answer:
    return api.ask("PUT", f"{V1}/alert-rules/{rule}", token=ops, json=RULE | changes)


def get(api: Api, ops: str, name: str) -> Answer:
    return api.ask("GET", f"{V1}/alert-rules/{name}", token=ops)


def test_shipped_rules_are_there(api: Api, ops: str) -> None:
    found = api.ask("GET", f"{V1}/alert-rules", token=ops).json()["items"]
    assert [one["name"] for one in found] == sorted(SHIPPED)
    assert {one["origin"] for one in found} == {"shipped"}
    keep(api, an_alert(api), an_alert(api, node="gpu02"))
    found = api.ask("GET", f"{V1}/alert-rules", token=ops).json()["items"]
    assert {one["name"]: one["standing"] for one in found if one["standing"]} == {"gpu-hot": 2}


def test_an_own_rule_lives_and_goes(api: Api, ops: str) -> None:
    made = put(api, ops, "my-rule", labels={"team": "ml"}, scope={"node": ["gpu01"], "sku": "a100"})
    assert made.status == 200
    rule = made.json()
    assert (rule["did"], rule["origin"], rule["for"], rule["severity"]) == ("created", "own", 120, "warning")
    assert rule["scope"] == {"node": ["gpu01"], "sku": ["a100"]}
    del rule["did"]
    assert get(api, ops, "my-rule").json() == rule
    documented = {field.alias or name for name, field in RuleShape.model_fields.items()}
    assert rule.keys() == documented, "the document names other fields than are sent"
    assert put(api, ops, "my-rule", labels={"team": "ml"}, scope=rule["scope"]).json()["did"] == "unchanged"
    assert put(api, ops, "my-rule").json()["did"] == "changed"
    assert get(api, ops, "my-rule").json()["labels"] == {}  # in full, not in part
    assert api.ask("DELETE", f"{V1}/alert-rules/my-rule", token=ops).status == 204
    for method in ("GET", "DELETE"):
        gone = api.ask(method, f"{V1}/alert-rules/my-rule", token=ops)
        assert (gone.status, gone.json()["type"]) == (404, "no-such-alert-rule")
    assert event_types(api, "alert_rule") == [
        "alert_rule.changed",
        "alert_rule.changed",
        "alert_rule.removed",
    ]


def test_a_shipped_rule_is_changed_and_is_as_shipped_again(api: Api, ops: str) -> None:
    assert put(api, ops, "gpu-hot", threshold=80).json()["origin"] == "changed"
    assert get(api, ops, "gpu-hot").json()["threshold"] == 80
    assert api.ask("DELETE", f"{V1}/alert-rules/gpu-hot", token=ops).status == 204
    assert get(api, ops, "gpu-hot").json()["threshold"] == 88
    again = api.ask("DELETE", f"{V1}/alert-rules/gpu-hot", token=ops)
    assert (again.status, "enabled: false" in again.json()["hint"]) == (409, True)
    shipped = rule_json(SHIPPED["gpu-hot"])
    put(api, ops, "gpu-hot", threshold=80)
    back = api.ask("PUT", f"{V1}/alert-rules/gpu-hot", token=ops, json=shipped).json()
    assert (back["origin"], back["did"]) == ("shipped", "changed")
    with api.store.read() as reader:
        assert reader.documents("alert-rule") == []


@pytest.mark.parametrize(
    ("name", "changes", "status", "says"),
    [
        ("finding", {}, 409, "findings of health"),
        ("x", {"name": "y"}, 409, "another name"),
        ("x y", {}, 422, "name"),
        ("x", {"threshhold": 1}, 422, "there is no such field"),
        ("x", {"threshold": "88"}, 422, "threshold"),
        ("x", {"threshold": True}, 422, "threshold"),
        ("x", {"op": "=~"}, 422, "op"),
        ("x", {"metric": "gpu temp"}, 422, "metric"),
        ("x", {"for": "2 weeks"}, 422, "for"),
        ("x", {"for": -1}, 422, "for"),
        ("x", {"labels": {"severity": "bad"}}, 422, "by itself"),
        ("x", {"labels": {"1": "bad"}}, 422, "labels"),
        ("x", {"scope": {"node": []}}, 422, "scope"),
        ("x", {"hold": 3}, 422, "there is no such field"),
    ],
)
def test_what_cannot_be(api: Api, ops: str, name: str, changes: Any, status: int, says: str) -> None:
    answer = put(api, ops, name.replace(" ", "%20"), **changes)
    assert (answer.status, says in answer.json()["detail"]) == (status, True), answer.body
    assert event_types(api, "alert_rule") == []


@pytest.mark.parametrize("label", sorted(RESERVED))
def test_the_reserved_labels_are_those_of_core(label: str) -> None:
    with pytest.raises(UsageError, match="by itself"):
        rule_from({"name": "x", **RULE, "labels": {label: "x"}})


def test_members_look_and_do_not_touch(api: Api, ops: str) -> None:
    ada = api.token("ada", Role.MEMBER)
    assert get(api, ada, "gpu-hot").status == 200
    assert put(api, ada, "mine").status == 403
    assert api.ask("DELETE", f"{V1}/alert-rules/mine", token=ada).status == 403
    body = {"rule": RULE}
    assert api.ask("POST", f"{V1}/alert-rules/preview", token=ada, json=body).status == 403


# ------------------------------------------------------------------ previews


def measured(api: Api, node: str, hot: list[tuple[float, float]], *, seconds: float = 7200) -> None:
    """A GPU's temperature each 10 s of the last `seconds`: 95 from … to …, else 60."""
    end = api.clock.at
    times = [end - seconds + 10.0 * number for number in range(int(seconds / 10))]
    labels = (("gpu", "0"), ("node", node))
    for place in range(0, len(times), 6):
        some = times[place : place + 6]
        values = array("f", [95.0 if any(a <= at < b for a, b in hot) else 60.0 for at in some])
        column = Column(metric="gpu_temperature_celsius", labels=labels, values=values)
        api.history.append([Batch(node=node, sequence=place, times=tuple(some), columns=[column])])


def preview(api: Api, ops: str, since: str = "1h", **changes: Any) -> dict[str, Any]:
    body = {"rule": RULE | changes, "since": since}
    answer = api.ask("POST", f"{V1}/alert-rules/preview", token=ops, json=body)
    assert answer.status == 200, answer.body
    return answer.json()


def test_what_it_would_have_done(api: Api, ops: str) -> None:
    now = api.clock.at
    measured(api, "gpu01", [(now - 3000, now - 2400), (now - 1200, now - 1140)])
    measured(api, "gpu02", [])
    found = preview(api, ops)
    assert found["step"] == 60
    assert (found["times"], found["series"], len(found["fired"])) == (1, 2, 1)
    assert found["fired"][0]["labels"] == {"gpu": "0", "node": "gpu01"}
    assert found["fired"][0]["state"] == "firing"
    assert abs(found["fired"][0]["peak"] - 95) < 0.01
    assert found["says"].startswith(
        "in the last 1 h, looked at every 1 min: would have fired once, on 1 of 2 series"
    )
    quick = preview(api, ops, **{"for": "20s"})
    assert (quick["step"], quick["times"]) == (10, 2)  # `for` still matters
    assert preview(api, ops, scope={"node": "gpu02"})["times"] == 0
    assert preview(api, ops, metric="nothing")["says"].endswith("so nobody knows")
    assert preview(api, ops, op="<", threshold=0)["times"] == 0
    assert event_types(api, "alert") == []


def test_many_nodes_are_looked_at_in_portions(api: Api, ops: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentinel.api.rule_preview.AT_A_TIME", 1)
    now = api.clock.at
    for number in range(4):
        measured(api, f"gpu0{number}", [(now - 3000, now - 2400)])
    found = preview(api, ops)
    assert (found["times"], found["series"]) == (4, 4)


@pytest.mark.parametrize(
    ("series", "since", "hold", "step"),
    [
        (8, 7 * DAY, 120, 60),
        (8, 7 * DAY, 0, 60),
        (8, 7 * DAY, 30, 15),
        (8, DAY, 5, 10),
        (64, 7 * DAY, 120, 120),
        (1024, 7 * DAY, 120, 1800),
    ],
)
def test_the_distance_of_the_points(series: int, since: float, hold: float, step: float) -> None:
    assert step_for(series, since, hold) == step
    assert since / step * series <= MOST_POINTS


def test_too_many_to_be_looked_at(api: Api, ops: str) -> None:
    with pytest.raises(UsageError, match="narrow the rule's scope"):
        step_for(100_000, 30 * DAY, 120)
    for since in ("0d", "100d", "7", "7w", ""):
        body = {"rule": RULE, "since": since}
        assert api.ask("POST", f"{V1}/alert-rules/preview", token=ops, json=body).status == 422
