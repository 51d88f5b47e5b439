"""One rule against all series of its metric."""

import math
from typing import Any

import pytest
from tests.alerting.alerts import Watch, finding, rule, series

from sentinel.alerting.evaluate import Outcome, Values, all_withdrawn, evaluate, newest, percent
from sentinel.alerting.findings import evaluate_findings
from sentinel.alerting.moment import Moment
from sentinel.core.alert import AlertState, Comparison, NoData, Rule
from sentinel.core.finding import Finding, GpuRef, Severity
from sentinel.core.series import Labels

ONE, TWO, OTHER = series(gpu=0), series(gpu=1), series("gpu02")
NOW = Moment(wall=5.0, elapsed=10.0)
AT_ONCE = rule(hold=0.0)


def states(found: Outcome) -> dict[Labels, str]:
    return {labels: alert.state.value for labels, alert in found.alerts.items()}


def once(one: Rule, values: Values | None, before: Outcome | None = None, **more: Any) -> Outcome:
    return evaluate(one, values, {} if before is None else before.alerts, NOW, **more)


@pytest.mark.parametrize(
    ("op", "fires"),
    [(">", [89]), (">=", [88, 89]), ("<", [87]), ("<=", [87, 88]), ("==", [88]), ("!=", [87, 89])],
)
def test_each_comparison(op: str, fires: list[int]) -> None:
    values = {series(gpu=value): float(value) for value in (87, 88, 89)}
    found = once(rule(hold=0.0, op=Comparison(op)), values)
    assert sorted(int(dict(labels)["gpu"]) for labels in found.alerts) == fires


def test_series_have_lives_of_their_own() -> None:
    found = once(AT_ONCE, {ONE: 90.0, TWO: 20.0, OTHER: 95.0})
    assert states(found) == {ONE: "firing", OTHER: "firing"}
    found = once(AT_ONCE, {ONE: 90.0, TWO: 91.0, OTHER: 20.0}, found)
    assert states(found) == {ONE: "firing", TWO: "firing", OTHER: "resolved"}
    assert [(one.alert.series, one.before, one.after) for one in found.transitions] == [
        (TWO, None, AlertState.FIRING),
        (OTHER, AlertState.FIRING, AlertState.RESOLVED),
    ]
    assert found.alerts[TWO].value == 91.0


def test_a_scope_leaves_out_what_is_not_in_it() -> None:
    scoped = rule(hold=0.0, scope={"node": ("gpu02", "gpu03"), "kind": ("",)})
    assert states(once(scoped, {ONE: 90.0, OTHER: 90.0})) == {OTHER: "firing"}


def test_an_edited_scope_or_metric_ends_what_it_no_longer_watches() -> None:
    found = once(AT_ONCE, {ONE: 90.0, OTHER: 90.0})
    narrower = once(rule(hold=0.0, scope={"node": ("gpu02",)}), {ONE: 90.0, OTHER: 90.0}, found)
    assert states(narrower) == {ONE: "resolved", OTHER: "firing"}
    another = rule(hold=0.0, metric="gpu_power_watts")
    ended = once(another, {ONE: 300.0}, found)
    assert states(ended) == {ONE: "resolved", OTHER: "resolved"}
    assert states(once(another, {ONE: 300.0}, ended)) == {ONE: "firing", OTHER: "resolved"}


def test_a_rule_that_is_switched_off_or_removed_ends_its_alerts() -> None:
    found = once(AT_ONCE, {ONE: 90.0})
    off = once(rule(hold=0.0, enabled=False), {ONE: 90.0}, found)
    assert [alert.why for alert in off.alerts.values()] == ["its rule is switched off"]
    assert [one.after for one in all_withdrawn(found.alerts, "gone", NOW).transitions] == [
        AlertState.RESOLVED
    ]
    assert states(once(rule(enabled=False), {ONE: 90.0})) == {}


def test_history_that_does_not_answer_ends_nothing_and_begins_nothing() -> None:
    for no_data in NoData:
        one = rule(hold=0.0, no_data=no_data)
        found = once(one, {ONE: 90.0})
        assert states(once(one, None, found, expected=[ONE, TWO])) == {ONE: "firing"}


def test_an_expected_series_without_values_is_an_alert_where_the_rule_says_so() -> None:
    one = rule(hold=0.0, no_data=NoData.ALERT, scope={"node": ("gpu01",)})
    assert states(once(one, {ONE: 20.0}, expected=[ONE, TWO, OTHER])) == {TWO: "no-data"}
    assert states(once(rule(hold=0.0), {ONE: 20.0}, expected=[ONE, TWO])) == {}
    resolved = once(one, {ONE: 20.0, TWO: 20.0}, once(one, {ONE: 20.0}, expected=[TWO]))
    assert states(resolved) == {TWO: "resolved"}
    assert states(once(one, {ONE: 20.0}, resolved)) == {TWO: "resolved"}, "nobody expects it any more"
    assert states(once(one, {ONE: 20.0}, resolved, expected=[TWO])) == {TWO: "no-data"}


def test_what_a_silent_node_does_not_report_is_not_well() -> None:
    one = rule(hold=0.0, no_data=NoData.OK)
    found = once(one, {ONE: 90.0, OTHER: 90.0})
    after = once(one, {}, found, silent={"gpu02"})
    assert states(after) == {ONE: "resolved", OTHER: "firing"}


def test_nan_is_unknown_and_the_newest_value_counts() -> None:
    assert newest([(ONE, 1.0, math.nan), (TWO, 1.0, 3.0), (TWO, 2.0, 4.0)]) == {TWO: 4.0}


def test_percent_of_another_metric_is_unknown_where_that_is() -> None:
    assert percent({ONE: 20.0, TWO: 20.0, OTHER: 20.0}, {ONE: 80.0, TWO: 0.0}) == {ONE: 25.0}


# ------------------------------------------------------------------ findings


def look(found: dict[str, tuple[Finding, ...] | None], before: Outcome | None = None) -> Outcome:
    return evaluate_findings(found, {} if before is None else before.alerts, NOW)


def test_a_finding_is_an_alert_for_as_long_as_it_stands() -> None:
    found = look({"a": (finding(), finding("48")), "b": (finding(),)})
    assert sorted(states(found).values()) == ["firing"] * 3
    (first, *_) = found.alerts.values()
    assert first.rule == "finding" and first.severity is Severity.CRITICAL
    assert dict(first.labels) == {
        "node": "a",
        "finding": "xid-79-GPU-a",
        "component": "xid",
        "code": "79",
        "layer": "hardware",
        "gpu": "3",
        "uuid": "GPU-a",
    }
    assert dict(first.annotations)["next_step"] == "Power-cycle the machine."
    after = look({"a": (finding(),), "b": ()}, found)
    assert [one.after for one in after.transitions] == [AlertState.RESOLVED] * 2


def test_findings_of_a_node_that_is_not_heard_of_stand_on() -> None:
    found = look({"a": (finding(),), "b": (finding(),)})
    assert look({"a": None}, found).transitions == ()


def test_a_finding_that_becomes_worse_or_knows_more_is_the_same_alert() -> None:
    known = GpuRef(uuid="GPU-a", index=5)
    found = look({"a": (finding(severity=Severity.WARNING),)})
    worse = look({"a": (finding(gpu=known),)}, found)
    (alert,) = worse.alerts.values()
    assert (alert.severity, dict(alert.labels)["gpu"]) == (Severity.CRITICAL, "5")
    assert alert.fingerprint == next(iter(found.alerts.values())).fingerprint
    kept = look({"a": ()}, worse)
    assert next(iter(kept.alerts.values())).severity is Severity.CRITICAL, "its end is as severe as it was"


def test_a_finding_that_comes_again_is_a_new_alert() -> None:
    watch = Watch()
    found = look({"a": ()}, look({"a": (finding(),)}))
    again = evaluate_findings({"a": (finding(),)}, found.alerts, watch.after(60))
    assert [one.after for one in again.transitions] == [AlertState.FIRING]
