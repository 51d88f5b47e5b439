"""Shipped rules about the queue. Read by `library`."""

from sentinel.alerting.library.shipped import shipped
from sentinel.core.alert import Comparison, NoData
from sentinel.core.finding import Severity

RULES = (
    shipped(
        "queue-slow",
        "sentinel_queue_oldest_wait_seconds",
        Comparison.ABOVE,
        86400,
        hold=600,
        no_data=NoData.OK,
        severity=Severity.INFO,
        summary="A job has been waiting for more than a day",
        why="It asks for what is rarely free at once, or for what no node has.",
        next_step="`sentinel why` of the oldest job in line says what it waits for",
    ),
    shipped(
        "scheduler-late",
        "sentinel_scheduler_pass_age_seconds",
        Comparison.ABOVE,
        60,
        hold=60,
        severity=Severity.CRITICAL,
        summary="The scheduler has not looked at the queue for {value} s",
        why="Nothing starts meanwhile; what runs goes on.",
        next_step="Look at the log of `sentinel server`: is its database full, locked or away?",
    ),
)
