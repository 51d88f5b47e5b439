"""Jobs and clusters made for tests, and a replay of them. For the tests beside this."""

from collections.abc import Sequence
from typing import Any

from sentinel.core.account import Account
from sentinel.simulation.replay.cluster import cluster_of
from sentinel.simulation.replay.engine import Replayed, replay
from sentinel.simulation.replay.life import Ran
from sentinel.simulation.replay.policies import POLICIES
from sentinel.simulation.replay.trace import Limits, Trace, TraceJob, fitted, trace_of


def job(id: str, submit: float, run: float, gpus: int = 1, *, owner: str = "ada", **more: Any) -> TraceJob:
    return TraceJob(id=id, owner=owner, submit=submit, run=run, gpus=gpus, **more)


def trace(*jobs: TraceJob) -> Trace:
    return trace_of(jobs, {})


def replayed(
    jobs: Sequence[TraceJob],
    nodes: str = "1x4",
    policy: str = "sentinel",
    accounts: Sequence[Account] = (),
    limits: Limits | None = None,
) -> Replayed:
    cluster = cluster_of(nodes)
    fit = fitted(trace(*jobs), cluster, limits or Limits())
    return replay(fit.jobs, cluster, POLICIES[policy], accounts)


def by_id(found: Replayed) -> dict[str, Ran]:
    return {one.job.id: one for one in found.ran}


def times(found: Replayed) -> dict[str, tuple[float | None, float | None]]:
    """Of each job: when it began first, and when it ended."""
    return {id: (one.first, one.end) for id, one in by_id(found).items()}
