"""Two weeks of Microsoft's Philly jobs: waiting under fair share and backfill, and under plain FIFO.

The cluster is made so that jobs compete: as many nodes of eight GPUs as nine tenths of what the jobs of the
stretch keep busy on the mean. Virtual clusters stand for users; no time limit is told. Needs
SENTINEL_REAL_DATA.
"""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta

from bench.figure import Figure
from bench.scheduling.traces import trace_at
from sentinel.simulation.replay.cluster import Cluster, cluster_of
from sentinel.simulation.replay.engine import replay
from sentinel.simulation.replay.figures import Figures, figures_of
from sentinel.simulation.replay.policies import POLICIES
from sentinel.simulation.replay.trace import LimitRule, Limits, Trace, TraceJob, fitted

BEGIN = datetime(2017, 10, 2, tzinfo=UTC)
DAYS, DAYS_QUICK = 14, 4
LOAD = 0.9  # GPUs there are, against those that are kept busy on the mean
PER_NODE = 8
PROCESSES = 2
COMPARED = ("fifo", "fifo-backfill", "sentinel")


def measure(quick: bool) -> list[Figure]:
    days = DAYS_QUICK if quick else DAYS
    jobs = _stretch(trace_at("philly_2017", "philly.csv.gz"), days)
    demand = sum(job.work for job in jobs) / (days * 86400.0)
    cluster = cluster_of(f"{int(demand * LOAD / PER_NODE)}x{PER_NODE}")
    fit = fitted(Trace(jobs=tuple(jobs)), cluster, Limits(rule=LimitRule.NONE))
    with ProcessPoolExecutor(PROCESSES) as pool:
        runs = [pool.submit(_run, fit.jobs, cluster, policy) for policy in COMPARED]
        found = dict(zip(COMPARED, (run.result() for run in runs), strict=True))
    where = (
        f"{len(jobs):,} jobs of {days} days on {cluster.gpus} GPUs, "
        f"{LOAD:.0%} of the {demand:,.0f} that they keep busy on the mean"
    )
    plain = found["fifo"]
    figures: list[Figure] = []
    for policy in COMPARED:
        figures.append(_figure(policy, "mean", found[policy], plain, where))
        figures.append(_figure(policy, "p95", found[policy], plain, where))
    return figures


def _stretch(trace: Trace, days: int) -> list[TraceJob]:
    begin = BEGIN.timestamp()
    end = (BEGIN + timedelta(days=days)).timestamp()
    return [job for job in trace.jobs if begin <= job.submit < end]


def _run(jobs: Sequence[TraceJob], cluster: Cluster, policy: str) -> Figures:
    return figures_of(replay(jobs, cluster, POLICIES[policy]))


def _figure(policy: str, which: str, found: Figures, plain: Figures, where: str) -> Figure:
    assert found.waiting is not None and plain.waiting is not None, "jobs ended"
    value, against = getattr(found.waiting, which) / 3600, getattr(plain.waiting, which) / 3600
    ours = policy == "sentinel"
    return Figure(
        name=f"philly: {which} waiting, {policy}",
        value=round(value, 3),
        unit="h",
        target=round(against, 3) if ours else None,
        how=where
        if policy == "fifo"
        else f"FIFO {against:.2f} h, {against / max(value, 1e-9):.1f} times as long",
        detail={
            "busy_utilisation_percent": _rounded(found.busy_utilisation),
            "worst_user_slowdown": _rounded(found.worst_slowdown),
            "fairness": _rounded(found.fairness),
            "longest_queue": found.longest_queue,
        },
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
