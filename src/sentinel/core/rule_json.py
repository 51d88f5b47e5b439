"""Alert rules as objects: as people write them in files, as the API takes them, and as the store keeps them.

    {"name": "gpu-hot", "metric": "gpu_temperature_celsius", "of": METRIC | null,
     "op": ">" | ">=" | "<" | "<=" | "==" | "!=", "threshold": 88, "for": 120 or "2m",
     "keep_firing_for": SECONDS, "severity": "info" | "warning" | "critical", "labels": {NAME: TEXT},
     "scope": {LABEL: [TEXT…]}, "annotations": {NAME: TEXT}, "no_data": "alert" | "ok" | "ignore",
     "enabled": BOOL}

Only name, metric, op and threshold are needed. Durations are written as seconds, and read as text, too.
"""

from typing import Any

from sentinel.core.alert import FINDING, Comparison, NoData, Rule
from sentinel.core.alert_fields import (
    Fields,
    labels,
    matches,
    matches_json,
    metric,
    name,
    number,
    one_of,
    seconds,
    shown,
    yes_no,
)
from sentinel.core.errors import UsageError
from sentinel.core.finding import Severity

RULE = "alert-rule"  # the kind of the store's documents; their key is the name
FIELDS = (
    "name",
    "metric",
    "of",
    "op",
    "threshold",
    "for",
    "keep_firing_for",
    "severity",
    "labels",
    "scope",
    "annotations",
    "no_data",
    "enabled",
)
_RESERVED = frozenset(("rule", "severity", "metric"))


def rule_json(rule: Rule) -> dict[str, Any]:
    """As above, with every field."""
    return {
        "name": rule.name,
        "metric": rule.metric,
        "of": rule.of,
        "op": rule.op.value,
        "threshold": rule.threshold,
        "for": rule.hold,
        "keep_firing_for": rule.keep_firing_for,
        "severity": rule.severity.value,
        "labels": dict(rule.labels),
        "scope": matches_json(rule.scope),
        "annotations": dict(rule.annotations),
        "no_data": rule.no_data.value,
        "enabled": rule.enabled,
    }


def rule_from(found: object, *, strict: bool = True) -> Rule:
    """UsageError that names the rule, the field and what is right. Not `strict`: unknown fields are passed
    over, as a newer version may have kept them."""
    called = Fields(found, "the rule").get("name", shown, "")
    fields = Fields(found, f"rule {called}" if called else "the rule", FIELDS if strict else None)
    rule = Rule(
        name=fields.need("name", _name),
        metric=fields.need("metric", metric),
        of=fields.get("of", metric, None),
        op=fields.need("op", one_of(Comparison)),
        threshold=fields.need("threshold", number),
        hold=fields.get("for", seconds, 0.0),
        keep_firing_for=fields.get("keep_firing_for", seconds, 0.0),
        severity=fields.get("severity", one_of(Severity), Severity.WARNING),
        labels=fields.get("labels", labels, ()),
        scope=fields.get("scope", matches, {}),
        annotations=fields.get("annotations", labels, ()),
        no_data=fields.get("no_data", one_of(NoData), NoData.IGNORE),
        enabled=fields.get("enabled", yes_no, True),
    )
    if taken := _RESERVED & {key for key, _ in rule.labels}:
        raise fields.error("labels", f"{min(taken)!r} is what every alert has by itself; choose another name")
    return rule


def _name(value: Any) -> str:
    if name(value) == FINDING:
        raise UsageError(f"{FINDING!r} is what the findings of health go by; choose another name")
    return value
