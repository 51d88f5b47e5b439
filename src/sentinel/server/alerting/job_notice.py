"""What the owner of a job is told of its start and its end, as `sentinel job submit --notify` asks for. Pure.
 Used by `job_ends`, which makes notices, and by `messages`, which puts them into words.

A job's notice looks like one of alerts, so that outbox and channels know one thing only: that it runs or has
failed is "firing", any other end "resolved". Its key begins with "job-", as no other does, and there is one
for each job, attempt and event.
"""

from collections.abc import Iterable

from sentinel.alerting.notice import Notice, Reason
from sentinel.alerting.outbox import Delivery
from sentinel.core.alert import Alert, AlertState
from sentinel.core.finding import Severity
from sentinel.core.job import Job
from sentinel.core.job_notify import Moment, wishes
from sentinel.core.series import labels_from
from sentinel.core.units import show_duration
from sentinel.ports.store import StoredEvent

ROUTE = "job"
RULE = "job"
_PREFIX = "job-"


STARTED, ENDED, FAILED = "sentinel.job.running", "sentinel.job.succeeded", "sentinel.job.failed"
CANCELED = "sentinel.job.canceled"
TYPES = (STARTED, ENDED, FAILED, CANCELED)
"""The events that somebody may want to be told of."""

_WANTED = {
    STARTED: (Moment.START,),
    ENDED: (Moment.END,),
    CANCELED: (Moment.END,),
    FAILED: (Moment.END, Moment.FAIL),
}


def channels_for(notify: Iterable[str], type: str) -> tuple[str, ...]:
    """Who is told of an event of this type, each once. `notify` is a spec's."""
    wanted = _WANTED.get(type, ())
    return tuple(dict.fromkeys(wish.channel for wish in wishes(notify) if wish.moment in wanted))


def notice_of_job(job: Job, event: StoredEvent, channels: tuple[str, ...]) -> Notice:
    """`event` is one of TYPES, about `job`; what has become of the job since then is not in it."""
    data = event.data
    attempt, start = int(data.get("attempt") or 0), event.type == STARTED
    bad = event.type == FAILED
    alert = Alert(
        rule=RULE,
        metric="sentinel_job",
        series=labels_from(
            {
                "job": job.id,
                "name": str(data.get("name") or ""),
                "owner": job.owner,
                "node": str(data.get("node") or ""),
                "state": str(data.get("state") or "").lower(),
            }
        ),
        state=AlertState.FIRING if start or bad else AlertState.RESOLVED,
        severity=Severity.WARNING if bad else Severity.INFO,
        started_at=event.time if start else job.started_at or event.time,
        ended_at=None if start else event.time,
        annotations=(("next_step", f"`sentinel job show {job.id}`"), ("summary", _summary(job, event))),
        why=str(data.get("reason") or ""),
    )
    return Notice(
        key=f"{_PREFIX}{job.id}-{attempt}-{Moment.START if start else Moment.END}",
        group=f"{_PREFIX}{job.id}",
        route=ROUTE,
        channels=channels,
        labels=labels_from({"job": job.id, "owner": job.owner}),
        born=job.submitted_at,
        sequence=2 * attempt + (not start),
        reason=Reason.NEWS,
        made_at=event.time,
        alerts=(alert,),
        fresh=(alert.fingerprint,),
    )


def is_of_a_job(delivery: Delivery) -> bool:
    """Else it is of alerts."""
    return delivery.notice.key.startswith(_PREFIX)


def _summary(job: Job, event: StoredEvent) -> str:
    data = event.data
    name = f" ({data['name']})" if data.get("name") else ""
    where = f" on {data['node']}" if data.get("node") else ""
    who = f"Job {job.id}{name} of {job.owner}"
    if event.type == STARTED:
        return f"{who} runs{where}"
    ran = "" if job.started_at is None else f" after {show_duration(max(0.0, event.time - job.started_at))}"
    return f"{who} {_end(event)}{where}{ran}"


def _end(event: StoredEvent) -> str:
    code, signal = event.data.get("exit_code"), event.data.get("signal")
    if event.type == ENDED:
        return "has succeeded"
    if event.type == CANCELED:
        return "was canceled"
    if signal is not None:
        return f"was ended by signal {signal}"
    return "has failed" if code is None else f"has failed with exit code {code}"
