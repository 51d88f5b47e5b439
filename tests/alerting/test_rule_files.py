"""What people write: rules, silences, inhibitions, routes; and what is said where it is wrong."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.alerting.alerts import alert, rule

from sentinel.core.alert import Ack, AlertState, NoData, Route, Weekly, fingerprint, matched
from sentinel.core.alert_json import (
    alert_from,
    alert_json,
    inhibition_from,
    inhibition_json,
    route_from,
    route_json,
    silence_from,
    silence_json,
)
from sentinel.core.errors import UsageError
from sentinel.core.finding import Severity
from sentinel.core.rule_json import rule_from, rule_json

HOT: dict[str, Any] = {
    "name": "gpu-hot",
    "metric": "gpu_temperature_celsius",
    "op": ">",
    "threshold": 88,
    "for": "2m",
    "severity": "warning",
}
SILENCE: dict[str, Any] = {
    "id": "s1",
    "matches": {"node": "gpu*", "gpu": ["0", "1"]},
    "start": "2026-07-03T00:00:00+02:00",
    "end": "2026-08-03T00:00:00+02:00",
    "by": "ann",
    "why": "moving",
    "weekly": {"days": ["sun", "sat"], "begin": "18:00", "end": "24:00", "zone": "Europe/Berlin"},
}


def test_the_rule_of_the_documentation() -> None:
    found = rule_from(HOT)
    assert found == rule()
    assert rule_from(json.loads(json.dumps(rule_json(found)))) == found


def test_every_field_of_a_rule() -> None:
    more = {
        "of": "gpu_memory_total_bytes",
        "keep_firing_for": 90,
        "labels": {"team": "vision"},
        "scope": {"node": ["a", "b"], "gpu": "0"},
        "annotations": {"summary": "hot"},
        "no_data": "alert",
        "enabled": False,
    }
    found = rule_from(HOT | more)
    assert (found.scope, found.labels) == ({"node": ("a", "b"), "gpu": ("0",)}, (("team", "vision"),))
    assert (found.no_data, found.enabled, found.keep_firing_for) == (NoData.ALERT, False, 90.0)
    assert rule_from(json.loads(json.dumps(rule_json(found)))) == found


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"name": None}, "the rule: name: is missing"),
        ({"name": "a b"}, "rule 'a b': name: is a name of letters"),
        ({"name": "finding"}, "name: 'finding' is what the findings of health go by"),
        ({"metric": "9x"}, "rule 'gpu-hot': metric: is the name of a metric like"),
        ({"op": "=>"}, "op: is one of '>', '>=', '<', '<=', '==', '!=', not '=>'"),
        ({"threshold": "88"}, "threshold: is a number like 88 or 0.5, without quotes, not '88'"),
        ({"threshold": True}, "threshold: is a number"),
        ({"threshold": float("nan")}, "threshold: is a number"),
        ({"threshold": 10**400}, "threshold: is a number"),
        ({"for": "soon"}, "for: 'soon' is no duration; write it like 30s, 10m or 2h"),
        ({"for": -1}, "for: is a duration from 0 to ten years"),
        ({"for": [2]}, "for: is a duration like"),
        ({"severity": "bad"}, "severity: is one of 'info', 'warning', 'critical', not 'bad'"),
        ({"no_data": True}, "no_data: is one of 'alert', 'ok', 'ignore', not True"),
        ({"labels": {"team": 5}}, "labels: team is text (write it in quotes), not 5"),
        ({"labels": {"severity": "x"}}, "labels: 'severity' is what every alert has by itself"),
        ({"labels": ["a"]}, "labels: is an object of labels and texts"),
        (
            {"scope": {"gpu": 0}},
            "scope: gpu is a text or a list of 1 to 1000 texts (numbers in quotes), not 0",
        ),
        ({"scope": {"gpu": []}}, "scope: gpu is a text or a list"),
        ({"scope": {"a-b": "x"}}, "scope: is the name of a label"),
        ({"enabled": "no"}, "enabled: is true or false, not 'no'"),
        ({"treshold": 1}, "'treshold' is no field of it; did you mean 'threshold'?"),
        ({"zzz": 1}, "'zzz' is no field of it; known are: name, metric"),
    ],
)
def test_a_mistake_in_a_rule_is_named_with_what_is_right(change: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError) as caught:
        rule_from(HOT | change)
    assert says in caught.value.message


def test_a_kept_rule_of_a_newer_version_is_read() -> None:
    assert rule_from(HOT | {"newer": 1}, strict=False) == rule()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from([*HOT, "of", "labels", "scope", "annotations", "keep_firing_for"]), JSON)
def test_no_rule_is_a_traceback(key: str, value: Any) -> None:
    try:
        found = rule_from(HOT | {key: value})
    except UsageError:
        return
    assert rule_from(json.loads(json.dumps(rule_json(found)))) == found


@given(st.sampled_from([*SILENCE]), JSON)
def test_no_silence_is_a_traceback(key: str, value: Any) -> None:
    try:
        found = silence_from(SILENCE | {key: value})
    except UsageError:
        return
    assert silence_from(json.loads(json.dumps(silence_json(found)))) == found


@given(JSON, st.sampled_from([rule_from, silence_from, route_from, inhibition_from]))
def test_nothing_at_all_is_a_traceback(value: Any, read: Any) -> None:
    with pytest.raises(UsageError):
        read(value)


# ------------------------------------------------------------------ silences, inhibitions, routes


def test_a_silence_both_ways() -> None:
    found = silence_from(SILENCE)
    assert found.weekly == Weekly(days=(5, 6), begin=18 * 60, end=0, zone="Europe/Berlin")
    assert found.matches == {"node": ("gpu*",), "gpu": ("0", "1")}
    assert silence_from(json.loads(json.dumps(silence_json(found)))) == found
    assert silence_json(found)["weekly"] == SILENCE["weekly"] | {"days": ["sat", "sun"]}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"matches": {}}, "matches: names no label; whoever means everything writes"),
        ({"end": SILENCE["start"]}, "end: is not after its start"),
        ({"end": None}, "end: is missing"),
        ({"end": "2026-08-03T00:00:00"}, "end: is a time with its zone like"),
        ({"start": "0200-08-03T00:00:00Z"}, "start: is a time with its zone like"),
        ({"by": " "}, "by: says nothing"),
        ({"why": ""}, "why: says nothing"),
        ({"weekly": SILENCE["weekly"] | {"zone": "Berlin"}}, "weekly: hours: zone: is a time zone like"),
        ({"weekly": SILENCE["weekly"] | {"zone": "../../etc/passwd"}}, "zone: is a time zone like"),
        ({"weekly": SILENCE["weekly"] | {"days": []}}, "days: needs at least one of mon"),
        ({"weekly": SILENCE["weekly"] | {"days": ["Saturday"]}}, "a day is one of mon"),
        ({"weekly": SILENCE["weekly"] | {"end": "24:30"}}, "end: is a time of day"),
        ({"weekly": SILENCE["weekly"] | {"end": 1080}}, "end: is a time of day in quotes"),
    ],
)
def test_a_mistake_in_a_silence_is_named(change: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError) as caught:
        silence_from(SILENCE | change)
    assert says in caught.value.message


def test_a_kept_silence_in_a_zone_that_is_unknown_here_is_read() -> None:
    elsewhere = SILENCE | {"weekly": SILENCE["weekly"] | {"zone": "Mars/Olympus"}}
    assert silence_from(elsewhere, strict=False).weekly is not None


def test_inhibitions_and_routes_both_ways() -> None:
    one = inhibition_from(
        {"name": "i", "source": {"rule": "down"}, "target": {"rule": "hot"}, "equal": ["node"]}
    )
    assert inhibition_from(inhibition_json(one)) == one
    least = route_from({"name": "all", "channels": ["mail", "mail"]})
    assert least == Route(name="all", channels=("mail",))
    never = route_from({"name": "x", "channels": ["a"], "repeat_interval": 0, "group_wait": "30s"})
    assert (never.repeat_interval, never.group_wait) == (None, 30.0)
    for each in (least, never):
        assert route_from(json.loads(json.dumps(route_json(each)))) == each
    with pytest.raises(UsageError, match="channels: names no channel"):
        route_from({"name": "x", "channels": []})


# ------------------------------------------------------------------ alerts


@pytest.mark.parametrize("state", AlertState)
def test_an_alert_both_ways(state: AlertState) -> None:
    bare = alert(state)
    full = alert(
        state,
        extra=(("team", "a"),),
        annotations=(("summary", "x"),),
        value=91.5,
        fired_at=2000.0,
        ended_at=3000.5,
        why="x",
        ack=Ack(by="ann", at=5.0, why="y"),
        held=7.25,
        clear=0.0,
        blind=1.5,
        severity=Severity.CRITICAL,
    )
    for one in (bare, full):
        assert alert_from(json.loads(json.dumps(alert_json(one)))) == one
    shown = alert_json(full)
    assert (shown["rule"], shown["state"], shown["labels"]["team"]) == ("gpu-hot", state.value, "a")


def test_a_fingerprint_is_of_rule_and_series_alone() -> None:
    assert alert().fingerprint == alert(AlertState.NO_DATA, extra=(("team", "b"),)).fingerprint
    assert alert().fingerprint != alert(name="other").fingerprint
    assert fingerprint("a", (("b", "c"),)) != fingerprint("a", (("b", "d"),))
    assert fingerprint("a", (("b", "\ud800"),)), "whatever a label holds"


def test_a_match_is_all_labels_and_any_value_and_a_star_ends_a_beginning() -> None:
    facts = {"node": "gpu01", "rule": "gpu-hot"}
    assert matched({"node": ("x", "gpu*"), "rule": ("gpu-hot",)}, facts)
    assert matched({"team": ("",)}, facts), "a label that is not there is empty"
    assert not matched({"node": ("gpu*",), "team": ("a",)}, facts)
    assert not matched({"node": ("*01",)}, facts)
