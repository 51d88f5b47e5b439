"""Findings of health as alerts, with no rule to be written. Pure. Called by `round`.

A finding stands when health says so, which has damped it already: it fires at once, and is resolved when it
is gone. What stands on a node that is not heard of stands on. An alert keeps its series, the node and the
finding's id, while what else is known of the GPU may change.
"""

from collections.abc import Mapping
from dataclasses import replace

from sentinel.alerting.evaluate import Outcome, Transition, transition
from sentinel.alerting.lifecycle import Seen, step
from sentinel.alerting.moment import Moment
from sentinel.core.alert import FINDING, Alert, AlertState, Comparison, NoData, Rule
from sentinel.core.finding import Finding, Severity
from sentinel.core.series import Labels

METRIC = "sentinel_finding"
Findings = Mapping[str, tuple[Finding, ...] | None]
"""By node: what stands there. None, or no entry: unknown."""


def evaluate_findings(findings: Findings, standing: Mapping[Labels, Alert], moment: Moment) -> Outcome:
    """As evaluate.evaluate, for the rule FINDING."""
    after: dict[Labels, Alert] = {}
    transitions: list[Transition] = []
    found = {series_of(node, one): one for node, several in findings.items() for one in several or ()}
    for series in dict.fromkeys((*found, *standing)):
        before, finding = standing.get(series), found.get(series)
        if finding is not None:
            now = step(rule_of(finding), before, Seen.HOLDS, 1.0, series, moment)
        else:
            known = findings.get(dict(series).get("node", "")) is not None
            now = step(_of(before), before, Seen.CLEAR if known else Seen.UNKNOWN, None, series, moment)
        if now is not None:
            after[series] = now
        if (change := transition(before, now)) is not None:
            transitions.append(change)
    return Outcome(alerts=after, transitions=tuple(transitions))


def series_of(node: str, finding: Finding) -> Labels:
    """What makes it one alert."""
    return (("finding", finding.id), ("node", node))


def rule_of(finding: Finding) -> Rule:
    """The rule that nobody has to write."""
    gpu = finding.gpu
    labels = {"component": finding.component, "code": finding.code, "layer": finding.layer.value}
    if gpu is not None:
        labels |= {"uuid": gpu.uuid or "", "pci_bus_id": gpu.pci_bus_id or ""}
        labels["gpu"] = "" if gpu.index is None else str(gpu.index)
    says = {"summary": finding.title, "cause": finding.cause, "next_step": finding.next_step}
    return Rule(
        name=FINDING,
        metric=METRIC,
        op=Comparison.AT_LEAST,
        threshold=1.0,
        severity=finding.severity,
        labels=tuple(sorted((name, value) for name, value in labels.items() if value)),
        annotations=tuple(sorted(says.items())),
        no_data=NoData.IGNORE,
    )


def _of(alert: Alert | None) -> Rule:
    """The rule that made `alert`, as far as its end needs it."""
    made = Rule(name=FINDING, metric=METRIC, op=Comparison.AT_LEAST, threshold=1.0, severity=Severity.WARNING)
    if alert is None or alert.state is AlertState.RESOLVED:
        return made
    return replace(made, severity=alert.severity, labels=alert.extra, annotations=alert.annotations)
