"""The metrics of a Slurm cluster. Pure: a reading to metric families, and those to text.

Called by `sentinel slurm-exporter`. Names and units by Prometheus practice: base units, counters end in
`_total`. What is unknown has no series, never a zero; a look that failed, or is too old, leaves none of the
values before it, and `slurm_up` is 0.
"""

from collections.abc import Iterable, Iterator
from itertools import chain

from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from sentinel.core.slurm import RpcStats, SchedulerStats, SlurmJob, SlurmNode, SlurmReading
from sentinel.telemetry import slurm_totals as totals
from sentinel.telemetry.label import label
from sentinel.telemetry.slurm_watch import SlurmWatch
from sentinel.telemetry.text_format import text_format

MOST_SERIES = 512
_OPENMETRICS = "application/openmetrics-text"
_SCHEDULER = "slurm_scheduler_"
# Field of SchedulerStats → name and help.
_COUNTERS = {
    "jobs_submitted": ("jobs_submitted", "Jobs submitted since the statistics were reset."),
    "jobs_started": ("jobs_started", "Jobs started since the statistics were reset."),
    "jobs_completed": ("jobs_completed", "Jobs completed since the statistics were reset."),
    "jobs_canceled": ("jobs_canceled", "Jobs cancelled since the statistics were reset."),
    "jobs_failed": ("jobs_failed", "Jobs that failed since the statistics were reset."),
    "cycles": ("cycles", "Cycles of the main scheduler since the statistics were reset."),
    "backfilled_jobs": ("backfilled_jobs", "Jobs started by backfill since slurmctld was started."),
    "backfill_cycles": ("backfill_cycles", "Cycles of backfill since the statistics were reset."),
}
_GAUGES = {
    "since": ("stats_reset_timestamp_seconds", "When the statistics were reset."),
    "server_threads": ("server_threads", "Threads of slurmctld that answer calls."),
    "agent_queue": ("agent_queue_length", "Calls that slurmctld has still to make."),
    "agents": ("agents", "Agents of slurmctld that make calls."),
    "agent_threads": ("agent_threads", "Threads of those agents."),
    "dbd_agent_queue": ("dbd_agent_queue_length", "Messages that wait for slurmdbd."),
    "cycle_last": ("last_cycle_seconds", "How long the last cycle of the main scheduler took."),
    "cycle_mean": ("mean_cycle_seconds", "How long its cycles take on average."),
    "cycle_max": ("max_cycle_seconds", "How long its longest cycle took."),
    "cycle_mean_depth": ("mean_cycle_depth", "Jobs that its cycles look at on average."),
    "queue_length": ("queue_length", "Jobs that waited in its last cycle."),
    "backfill_cycle_last": ("backfill_last_cycle_seconds", "How long the last cycle of backfill took."),
    "backfill_cycle_mean": ("backfill_mean_cycle_seconds", "How long cycles of backfill take on average."),
    "backfill_cycle_max": ("backfill_max_cycle_seconds", "How long the longest cycle of backfill took."),
    "backfill_depth_mean": ("backfill_mean_depth", "Jobs that cycles of backfill look at on average."),
    "backfill_queue_length": ("backfill_queue_length", "Jobs that waited in the last cycle of backfill."),
    "backfill_last_at": ("backfill_last_cycle_timestamp_seconds", "When backfill ran last."),
}


def slurm_metrics(reading: SlurmReading, most: int = MOST_SERIES) -> Iterator[Metric]:
    """A family for each metric of which something is known; at most `most` series of each, and a rest."""
    families = chain(
        _info(reading),
        () if reading.nodes is None else _nodes(reading.nodes, most),
        () if reading.jobs is None else _jobs(reading.jobs, most),
        () if reading.scheduler is None else _scheduler(reading.scheduler, most),
    )
    yield from (family for family in families if family.samples)


def _info(reading: SlurmReading) -> Iterator[Metric]:
    family = GaugeMetricFamily("slurm_info", "The release of Slurm; always 1.", labels=("version",))
    if reading.version is not None:
        family.add_metric((label(reading.version),), 1)
    yield family


def _nodes(nodes: tuple[SlurmNode, ...], most: int) -> Iterator[Metric]:
    by_state = GaugeMetricFamily("slurm_nodes", "Nodes, each in one state.", labels=("state",))
    for state, count in totals.nodes_by_state(nodes).items():
        by_state.add_metric((state,), count)
    yield by_state
    cpus = GaugeMetricFamily(
        "slurm_cpus", "CPUs; other: free, but on a node to which no jobs may come.", labels=("state",)
    )
    for state, count in totals.cpus_by_state(nodes).items():
        cpus.add_metric((state,), count)
    yield cpus
    gpus = GaugeMetricFamily(
        "slurm_gpus",
        "GPUs; other: free, but on a node to which no jobs may come. No type: Slurm was told none.",
        labels=("type", "state"),
    )
    for key, count in totals.bounded(totals.gpus_by_state(nodes), most, kept=1).items():
        gpus.add_metric(key, count)
    yield gpus
    configured = GaugeMetricFamily(
        "slurm_gpus_configured", "GPUs that Slurm is configured with, in whatever state.", labels=("type",)
    )
    by_type = {(kind,): count for kind, count in totals.gpus_by_type(nodes).items()}
    for key, count in totals.bounded(by_type, most, kept=1).items():
        configured.add_metric(key, count)
    yield configured


def _jobs(jobs: tuple[SlurmJob, ...], most: int) -> Iterator[Metric]:
    by_state = GaugeMetricFamily(
        "slurm_jobs",
        "Jobs that the controller knows, ended ones for a while; a task of an array is one.",
        labels=("state", "partition"),
    )
    for key, count in totals.bounded(totals.jobs_by_state(jobs), most, kept=0).items():
        by_state.add_metric(key, count)
    yield by_state
    by_user = GaugeMetricFamily(
        "slurm_jobs_by_user", "The same, by user and account.", labels=("user", "account", "state")
    )
    for key, count in totals.bounded(totals.jobs_by_user(jobs), most, kept=2).items():
        by_user.add_metric(key, count)
    yield by_user
    yield GaugeMetricFamily(
        "slurm_job_arrays_uncounted",
        "Waiting arrays whose list of tasks Slurm cut short; sums with them in are left out.",
        totals.uncounted(jobs),
    )


def _scheduler(stats: SchedulerStats, most: int) -> Iterator[Metric]:
    for field, (name, text) in _COUNTERS.items():
        value: float | None = getattr(stats, field)
        if value is not None:
            yield CounterMetricFamily(f"{_SCHEDULER}{name}", text, value)
    for field, (name, text) in _GAUGES.items():
        value = getattr(stats, field)
        if value is not None:
            yield GaugeMetricFamily(f"{_SCHEDULER}{name}", text, value)
    yield from _rpcs(stats.rpcs, "slurm_rpc", "type", most)
    yield from _rpcs(stats.user_rpcs, "slurm_user_rpc", "user", most)


def _rpcs(rows: Iterable[RpcStats], name: str, by: str, most: int) -> Iterator[Metric]:
    """Sums over a rest that changes would go down, which a counter may not: beyond `most` there is none."""
    kept: dict[str, RpcStats] = {}
    for row in sorted(rows, key=lambda one: (-(one.count or 0), one.name))[:most]:
        kept.setdefault(label(row.name), row)
    counts = CounterMetricFamily(f"{name}s", "Calls that slurmctld has answered.", labels=(by,))
    times = CounterMetricFamily(f"{name}_duration_seconds", "How long those took in all.", labels=(by,))
    for named, row in kept.items():
        if row.count is not None:
            counts.add_metric((named,), row.count)
        if row.seconds is not None:
            times.add_metric((named,), row.seconds)
    yield counts
    yield times


def health(watch: SlurmWatch, now: float, stale_after: float) -> Iterator[Metric]:
    """How the reading itself stands. `now` in seconds since boot."""
    age = watch.age(now)
    if age is not None:
        reading = watch.fresh(now, stale_after)
        answered = reading is not None and reading.answered
        yield GaugeMetricFamily("slurm_up", "1 when Slurm answered at the newest look.", float(answered))
        sources = GaugeMetricFamily(
            "slurm_source_up", "1 when this part could be read that way.", labels=("source", "part")
        )
        for one in () if reading is None else reading.asked:
            sources.add_metric((label(one.source), one.part.value), float(one.error is None))
        if sources.samples:
            yield sources
        yield GaugeMetricFamily("slurm_sample_age_seconds", "Since the newest look began.", age)
    if watch.duration is not None:
        yield GaugeMetricFamily("slurm_sample_duration_seconds", "How long that look took.", watch.duration)
    yield CounterMetricFamily("slurm_sample_failures", "Looks at which nothing answered.", watch.failures)


def render(
    accept: str, watch: SlurmWatch, now: float, *, stale_after: float, most_series: int = MOST_SERIES
) -> tuple[bytes, str]:
    """The body and its content type for a request with this `Accept`. `now` in seconds since boot."""
    reading = watch.fresh(now, stale_after)
    shown = chain(
        health(watch, now, stale_after), () if reading is None else slurm_metrics(reading, most_series)
    )
    _, content_type = choose_encoder(accept)
    return text_format(shown, openmetrics=content_type.startswith(_OPENMETRICS)), content_type


def not_ready(watch: SlurmWatch, now: float, *, stale_after: float) -> str | None:
    """None when Slurm answered lately; else a sentence that says why not."""
    age = watch.age(now)
    if age is None:
        return "Slurm has not been asked yet"
    if age > stale_after:
        return f"the newest look at Slurm is {age:.0f} s old"
    reading = watch.reading
    if reading is not None and reading.answered:
        return None
    why = next((one.error for one in reading.asked if one.error), None) if reading else None
    return why or "Slurm does not answer"
