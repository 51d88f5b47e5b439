"""Jobs as JSON, for the API, its clients and the store.

    {"id", "owner", "tenant", "name", "state", "reason", "attempt", "node": NAME | null, "gpus": [UUID…],
     "exit_code": INT | null, "signal": INT | null, "cancel": {"by", "at", "why"} | null,
     "submitted_at": TIME, "started_at": TIME | null, "ended_at": TIME | null, "account": NAME | null,
     "after": [{"job", "kind"}…], "array": {"id", "index", "size", "limit"} | null,
     "part": {"of", "rank", "size"} | null, "preempt": as "cancel", "preemptions": N, "failures": N,
     "spec": {"command": […], "cwd", "gpus": N, "nodes", "gpu_milli", "priority", "name",
              "time_limit": SECONDS | null, "gpu_model", "gpu_memory_bytes", "cpus", "memory_bytes", "node",
              "preemptible", "checkpoint": […],
              "stop_signal", "retries", "retry_codes": […], "singleton", "image", "engine", "mounts": […],
              "setup": […], "if_lost", "grace", "umask", "limits": {…}, "pty",
              "notify": ["CHANNEL:end" | "CHANNEL:fail" | "CHANNEL:start"…]}}

TIME is RFC 3339 UTC. No job object has the environment: `GET /jobs/ID/environment` is for its owner.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sentinel.core.clock import rfc3339
from sentinel.core.job import Cancel, IfLost, Job, JobSpec

_TUPLES = ("command", "checkpoint", "retry_codes", "mounts", "setup", "notify")


def spec_json(spec: JobSpec) -> dict[str, Any]:
    """`spec` as in this module's docstring."""
    return {
        "command": list(spec.command),
        "cwd": spec.cwd,
        "gpus": spec.gpus,
        "nodes": spec.nodes,
        "gpu_milli": spec.gpu_milli,
        "priority": spec.priority,
        "name": spec.name,
        "time_limit": spec.time_limit,
        "gpu_model": spec.gpu_model,
        "gpu_memory_bytes": spec.gpu_memory_bytes,
        "cpus": spec.cpus,
        "memory_bytes": spec.memory_bytes,
        "node": spec.node,
        "preemptible": spec.preemptible,
        "checkpoint": list(spec.checkpoint),
        "stop_signal": spec.stop_signal,
        "retries": spec.retries,
        "retry_codes": list(spec.retry_codes),
        "singleton": spec.singleton,
        "image": spec.image,
        "engine": spec.engine,
        "mounts": list(spec.mounts),
        "setup": list(spec.setup),
        "if_lost": spec.if_lost.value,
        "grace": spec.grace,
        "umask": spec.umask,
        "limits": dict(spec.limits),
        "pty": spec.pty,
        "notify": list(spec.notify),
    }


def spec_from(found: Mapping[str, Any]) -> JobSpec:
    """The spec that `spec_json` wrote. KeyError, TypeError or ValueError when it is none."""
    known = {key: found[key] for key in JobSpec.__dataclass_fields__ if key in found}
    for name in _TUPLES:
        if name in known:
            known[name] = tuple(known[name])
    known["if_lost"] = IfLost(found.get("if_lost", IfLost.REQUEUE))
    return JobSpec(**known)


def job_json(job: Job, *, reason: str | None = None) -> dict[str, Any]:
    """`job` as in this module's docstring; `reason`: one worked out just now, for the stored one."""
    return {
        "id": job.id,
        "owner": job.owner,
        "tenant": job.tenant,
        "name": job.spec.name,
        "state": job.state.value,
        "reason": job.reason if reason is None else reason,
        "attempt": job.attempt,
        "node": job.node,
        "gpus": list(job.gpus),
        "exit_code": job.exit_code,
        "signal": job.signal,
        "cancel": _stop(job.cancel),
        "submitted_at": rfc3339(job.submitted_at),
        "started_at": None if job.started_at is None else rfc3339(job.started_at),
        "ended_at": None if job.ended_at is None else rfc3339(job.ended_at),
        "account": job.account,
        "after": [{"job": after.job, "kind": after.kind.value} for after in job.after],
        "array": job.array and asdict(job.array),
        "part": job.part and asdict(job.part),
        "preempt": _stop(job.preempt),
        "preemptions": job.preemptions,
        "failures": job.failures,
        "spec": spec_json(job.spec),
    }


def _stop(asked: Cancel | None) -> dict[str, Any] | None:
    return asked and {"by": asked.by, "at": rfc3339(asked.at), "why": asked.why}
