"""Jobs as a controller wants them, and what a supervisor has, written down for tests."""

from typing import Any

from sentinel.agent.link.attempt import Attempt, Phase
from sentinel.agent.link.desired import Desired, Wanted
from sentinel.core.job import JobSpec, JobState
from sentinel.core.job_json import spec_json

GPUS = [f"GPU-51a1a7ed-0000-4000-8000-{index:012x}" for index in range(8)]


def raw(job: str = "j1", **more: Any) -> dict[str, Any]:
    """One of the `jobs` of a desired state."""
    spec = {**spec_json(JobSpec(command=("true",), cwd="/")), **more.pop("spec", {})}
    return {
        "job": job,
        "attempt": 1,
        "token": f"t-{job}",
        "want": "run",
        "why": "",
        "owner": "ada",
        "gpus": [GPUS[0]],
        "spec": spec,
        "environment": {"SECRET": "s3cret"},
        "state": "ALLOCATED",
        **more,
    }


def wanted(job: str = "j1", **more: Any) -> Wanted:
    found: dict[str, Any] = {
        "job": job,
        "attempt": 1,
        "token": f"t-{job}",
        "run": True,
        "state": JobState.ALLOCATED,
        "owner": "ada",
        "gpus": (GPUS[0],),
        **more,
    }
    return Wanted(**found)


def desired(*jobs: Wanted, revision: int = 1, asked_at: float = 0.0, start_within: float = 60.0) -> Desired:
    return Desired(revision=revision, asked_at=asked_at, begin_by=asked_at + start_within, jobs=jobs)


def attempt(job: str = "j1", phase: Phase = Phase.RUNNING, **more: Any) -> Attempt:
    found: dict[str, Any] = {
        "token": f"t-{job}",
        "job": job,
        "attempt": 1,
        "gpus": (GPUS[0],),
        "phase": phase,
        **more,
    }
    return Attempt(**found)
