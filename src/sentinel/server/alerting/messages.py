"""A delivery as the message that its channel gets. Pure. Used by `sending`."""

from sentinel.alerting.notice import Notice, Reason
from sentinel.alerting.outbox import Delivery
from sentinel.alerting.wording import body, in_order, next_step, one_line, summary, title
from sentinel.core.alert import Alert
from sentinel.ports.notifier import Message, MessageAlert
from sentinel.server.alerting.job_notice import is_of_a_job

MOST_ALERTS = 500
"""In one message; those that it is about come first."""


def message_of(delivery: Delivery, url: str) -> Message:
    """The same whenever it is made of the same delivery. `url`: where people look further."""
    notice = delivery.notice
    of_a_job = is_of_a_job(delivery)
    about = in_order(notice.about)
    worst = about[0].severity  # of what stands, if anything does
    return Message(
        title=summary(about[0]) if of_a_job else title(notice),
        body=_about_a_job(about[0]) if of_a_job else body(notice),
        severity=worst.value,
        resolved=not any(alert.state.stands for alert in notice.alerts),
        url=url,
        sent_at=notice.made_at,
        group=notice.group,
        route=notice.route,
        group_labels=dict(notice.labels),
        alerts=tuple(_alert(one) for one in _fresh_first(notice)[:MOST_ALERTS]),
        reminder=notice.reason is Reason.REMINDER,
    )


def _fresh_first(notice: Notice) -> list[Alert]:
    fresh = set(notice.fresh)
    others = tuple(one for one in notice.alerts if one.fingerprint not in fresh)
    return in_order(notice.about) + in_order(others)


def _alert(alert: Alert) -> MessageAlert:
    stands = alert.state.stands
    return MessageAlert(
        fingerprint=alert.fingerprint,
        rule=alert.rule,
        state=alert.state.value,
        severity=alert.severity.value,
        labels=dict(alert.labels),
        summary=summary(alert),
        next_step=next_step(alert),
        started_at=alert.fired_at or alert.started_at,
        ended_at=None if stands else alert.ended_at,
        value=alert.value,
    )


def _about_a_job(alert: Alert) -> str:
    lines = [summary(alert)]
    if alert.why:
        lines.append(one_line(alert.why))
    step = next_step(alert)
    if step:
        lines.append(f"Next: {step}")
    return "\n".join(lines)
