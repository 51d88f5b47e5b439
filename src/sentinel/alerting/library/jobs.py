"""Shipped rules about jobs. Read by `library`."""

from sentinel.alerting.library.shipped import shipped
from sentinel.core.alert import Comparison
from sentinel.core.finding import Severity

RULES = (
    shipped(
        "jobs-lost",
        "sentinel_jobs",
        Comparison.ABOVE,
        0,
        hold=600,
        scope={"state": ("lost",)},
        summary="{value} jobs are lost: their nodes cannot say whether they run",
        why="They hold their GPUs until that is known.",
        next_step="`sentinel job list --state lost`; is a node gone for good, declare it dead",
    ),
    shipped(
        "jobs-failing",
        "sentinel_jobs_failed_last_hour",
        Comparison.AT_LEAST,
        20,
        severity=Severity.INFO,
        summary="{value} jobs failed within an hour",
        why="Where many fail at once, it is seldom the jobs: a full disk, a broken card, a missing mount.",
        next_step="`sentinel job list --state failed` shows whether they have a node or a user in common",
    ),
)
