"""What the shipped rules need of the controller itself: metrics that no agent has. Read by whoever feeds
rounds."""

from collections.abc import Mapping

CONTROLLER_METRICS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "sentinel_node_up": (
        ("node",),
        "1 for a node that is heard of, 0 for one that is silent; not for dead ones.",
    ),
    "sentinel_jobs": (("state",), "Jobs that have not ended, by state in small letters."),
    "sentinel_jobs_failed_last_hour": ((), "Jobs that failed within the last hour."),
    "sentinel_queue_oldest_wait_seconds": ((), "How long the oldest job in line waits; none: no series."),
    "sentinel_scheduler_pass_age_seconds": ((), "Since the scheduler last looked at the whole queue."),
}
"""Name → its labels, and what it is."""
