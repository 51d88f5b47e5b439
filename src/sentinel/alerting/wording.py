"""Alerts and notices in words, as plain text. Pure. Called by whoever makes messages of notices, and by the
CLI.

Labels come from anywhere (job names, process names): here they are data, in one line and of bounded length.
Whoever puts the text into HTML or Markdown escapes it there.
"""

import re

from sentinel.alerting.notice import Notice, Reason
from sentinel.core.alert import RANK, Alert, AlertState
from sentinel.core.clock import rfc3339

MOST_ALERTS = 20
LONGEST = 300
_PLACE = re.compile(r"\{(\w+)\}")
_STATES = {
    AlertState.FIRING: "FIRING",
    AlertState.NO_DATA: "NO DATA",
    AlertState.RESOLVED: "RESOLVED",
    AlertState.PENDING: "PENDING",
}


def filled(text: str, alert: Alert) -> str:
    """`text` with {label}, {value} and {rule} in it replaced; what is not known stays as it is written."""
    known = alert.facts | {"value": in_words(alert.value)}
    return one_line(_PLACE.sub(lambda match: known.get(match[1], match[0]), text))


def in_words(value: float | None) -> str:
    """A value as people say it: three digits, or all before the point."""
    if value is None:
        return "unknown"
    return f"{value:.0f}" if abs(value) >= 99.95 else f"{value:.3g}"


def one_line(text: str) -> str:
    """Without line breaks and other characters that are not shown, cut short."""
    plain = "".join(one if one.isprintable() else " " for one in text)
    return plain if len(plain) <= LONGEST else f"{plain[: LONGEST - 1]}…"


def summary(alert: Alert) -> str:
    """What is the matter, in a sentence. Its rule says it; else it is the rule, the value and the labels."""
    says = dict(alert.annotations).get("summary")
    if says:
        return filled(says, alert)
    value = in_words(alert.value)
    labels = dict(alert.series)
    if labels.get("gpu"):
        labels.pop("uuid", None)  # which GPU it is, is said
        labels.pop("sku", None)
    where = ", ".join(f"{name}={value}" for name, value in labels.items())
    return one_line(f"{alert.rule}: {alert.metric} is {value}" + (f" ({where})" if where else ""))


def next_step(alert: Alert) -> str | None:
    """What to do; None where the rule does not say."""
    says = dict(alert.annotations).get("next_step")
    return filled(says, alert) if says else None


def title(notice: Notice) -> str:
    """A line: the worst that is fresh, and how many there are."""
    about = in_order(notice.about)
    head = about[0]
    more = f" (and {len(about) - 1} more)" if len(about) > 1 else ""
    still = "still " if notice.reason is Reason.REMINDER else ""
    return one_line(f"[{still}{_STATES[head.state]}] {summary(head)}{more}")


def body(notice: Notice) -> str:
    """What is fresh, each with its next step; then how many others stand."""
    lines: list[str] = []
    about = in_order(notice.about)
    for alert in about[:MOST_ALERTS]:
        lines.append(f"{_STATES[alert.state]} ({alert.severity.value}): {summary(alert)}")
        lines.append(f"  {_when(alert)}; {one_line(alert.why)}; id {alert.fingerprint}")
        step = next_step(alert)
        if step and alert.state.stands:
            lines.append(f"  Next: {step}")
    if len(about) > MOST_ALERTS:
        lines.append(f"… and {len(about) - MOST_ALERTS} more; see `sentinel alert list`")
    fresh = set(notice.fresh)
    others = [one for one in notice.alerts if one.state.stands and one.fingerprint not in fresh]
    if others:
        lines.append(f"{len(others)} told before still stand in this group.")
    return "\n".join(lines)


def in_order(alerts: tuple[Alert, ...]) -> list[Alert]:
    """What stands first, the worst first."""
    return sorted(
        alerts, key=lambda one: (not one.state.stands, -RANK[one.severity], one.started_at, one.rule)
    )


def _when(alert: Alert) -> str:
    since = f"since {rfc3339(alert.started_at)}"
    if alert.ended_at is None or alert.state.stands:
        return since
    return f"{since} until {rfc3339(alert.ended_at)}"
