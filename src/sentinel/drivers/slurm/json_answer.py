"""Slurm's JSON, as slurmrestd and `--json` of its commands write it, into nouns. Pure.

Called by `restd` and `cli`. The format, as far as it is read here, by version of Slurm's data parser:

    {"nodes": […], "jobs": […], "statistics": {…}, "sinfo": […], "errors": [{"error", …}], "meta": {…}}

    a number        n | null                    up to v0.0.38, and for some to v0.0.39
                    {"set", "infinite", "number"}   since; unset and infinite are unknown here
    node state      "idle" + state_flags: ["DRAIN"]     up to v0.0.38
                    ["IDLE", "DRAIN"]                   since v0.0.39
    job state       "RUNNING"                           up to v0.0.39
                    ["RUNNING"], ["COMPLETED", "COMPLETING"]    since v0.0.40
    idle CPUs       idle_cpus, then alloc_idle_cpus; not read, as they follow from cpus and alloc_cpus

`sinfo --json` lists nodes up to Slurm 22.05; since, it lists groups of them under "sinfo", which with -N are
of one node each, once for each of its partitions. Everything here raises ValueError, saying what is odd.
"""

import json
import math
from collections.abc import Mapping
from typing import Any, cast

from sentinel.core.slurm import (
    RpcStats,
    SchedulerStats,
    SlurmJob,
    SlurmNode,
    array_tasks,
    gpus_of,
    job_state,
    node_state,
)

_MICROSECONDS = 1e6
_COUNTS = {
    "since": "req_time_start",
    "server_threads": "server_thread_count",
    "agent_queue": "agent_queue_size",
    "agents": "agent_count",
    "agent_threads": "agent_thread_count",
    "dbd_agent_queue": "dbd_agent_queue_size",
    "jobs_submitted": "jobs_submitted",
    "jobs_started": "jobs_started",
    "jobs_completed": "jobs_completed",
    "jobs_canceled": "jobs_canceled",
    "jobs_failed": "jobs_failed",
    "cycles": "schedule_cycle_total",
    "cycle_mean_depth": "schedule_cycle_mean_depth",
    "queue_length": "schedule_queue_length",
    "backfilled_jobs": "bf_backfilled_jobs",
    "backfill_cycles": "bf_cycle_counter",
    "backfill_depth_mean": "bf_depth_mean",
    "backfill_queue_length": "bf_queue_len",
}
_DURATIONS = {
    "cycle_last": "schedule_cycle_last",
    "cycle_mean": "schedule_cycle_mean",
    "cycle_max": "schedule_cycle_max",
    "backfill_cycle_last": "bf_cycle_last",
    "backfill_cycle_mean": "bf_cycle_mean",
    "backfill_cycle_max": "bf_cycle_max",
}


def parsed(raw: bytes) -> Mapping[str, Any]:
    """The answer, when it is one and tells of no error. Text that is no UTF-8 is made so."""
    try:
        document = json.loads(raw.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        raise ValueError("what comes is no JSON") from None
    if not isinstance(document, dict):
        raise ValueError("what comes is JSON, but no object")
    answer = cast("dict[str, Any]", document)
    errors = answer.get("errors")
    if isinstance(errors, list) and errors:
        raise ValueError(f"it says: {_error_text(cast('list[Any]', errors)[0])}")
    return answer


def _error_text(error: Any) -> str:
    if not isinstance(error, dict):
        return str(error)[:200]
    said = cast("dict[str, Any]", error)
    number = said.get("error_number")
    words = [str(said[key]) for key in ("error", "description") if said.get(key)]
    return f"{', '.join(words)[:200] or 'an error'}{f' ({number})' if number else ''}"


def version_from(answer: Mapping[str, Any]) -> str | None:
    """The release of Slurm that has answered, such as "22.05.8"."""
    meta = answer.get("meta")
    if not isinstance(meta, dict):
        return None
    known = cast("dict[str, Any]", meta)
    slurm = known.get("slurm") or known.get("Slurm")
    release = cast("dict[str, Any]", slurm).get("release") if isinstance(slurm, dict) else None
    return release if isinstance(release, str) and release else None


def number(value: Any) -> float | None:
    """In either of its shapes; None when it is unset, infinite or none."""
    if isinstance(value, dict):
        shaped = cast("dict[str, Any]", value)
        if not shaped.get("set") or shaped.get("infinite"):
            return None
        value = shaped.get("number")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return value if math.isfinite(value) else None
    except OverflowError:
        return None


def nodes_from(answer: Mapping[str, Any]) -> tuple[SlurmNode, ...]:
    """Every node, once."""
    if "nodes" not in answer and "sinfo" in answer:
        return _grouped(_objects(answer, "sinfo"))
    return tuple(_node(one) for one in _objects(answer, "nodes"))


def _node(one: Mapping[str, Any]) -> SlurmNode:
    state, usable = node_state((*_words(one.get("state")), *_words(one.get("state_flags"))))
    gpus = _gpus(one.get("gres"))
    return SlurmNode(
        name=_text(one.get("name")) or _text(one.get("hostname")) or "",
        state=state,
        usable=usable,
        cpus=_count(one.get("cpus")),
        cpus_allocated=_count(one.get("alloc_cpus")),
        gpus=gpus,
        gpus_allocated=allocated_gpus(gpus, _text(one.get("gres_used")), _text(one.get("tres_used"))),
    )


def allocated_gpus(
    gpus: Mapping[str, int] | None, used: str | None, tres: str | None
) -> Mapping[str, int] | None:
    """GPUs given to jobs on a node that has those. None when Slurm does not say."""
    if not gpus:
        return gpus
    if used:
        return gpus_of(used)
    # Some versions say it in TRES alone, and without types: good for a node that has one type.
    total = gpus_of(tres) if tres else None
    if not total:
        return None
    typed = {kind: count for kind, count in total.items() if kind}
    if typed or len(gpus) != 1:
        return typed or None
    return {next(iter(gpus)): total[""]}


def _grouped(rows: tuple[Mapping[str, Any], ...]) -> tuple[SlurmNode, ...]:
    found: dict[str, SlurmNode] = {}
    for row in rows:
        names = [name for name in _list(_inside(row, "nodes", "nodes")) if isinstance(name, str)]
        if len(names) != 1:
            raise ValueError("sinfo groups several nodes into one; it is to be asked with -N")
        state, usable = node_state(_words(_inside(row, "node", "state")))
        gpus = _gpus(_inside(row, "gres", "total"))
        found[names[0]] = SlurmNode(
            name=names[0],
            state=state,
            usable=usable,
            cpus=_count(_inside(row, "cpus", "total")),
            cpus_allocated=_count(_inside(row, "cpus", "allocated")),
            gpus=gpus,
            gpus_allocated=allocated_gpus(gpus, _text(_inside(row, "gres", "used")), None),
        )
    return tuple(found.values())


def jobs_from(answer: Mapping[str, Any]) -> tuple[SlurmJob, ...]:
    """Every job that the controller still knows, ended ones included."""
    return tuple(_job(one) for one in _objects(answer, "jobs"))


def _job(one: Mapping[str, Any]) -> SlurmJob:
    waiting = _text(one.get("array_task_string"))
    uid = number(one.get("user_id"))
    return SlurmJob(
        state=job_state(_words(one.get("job_state"))),
        partition=_text(one.get("partition")),
        user=_text(one.get("user_name")) or (None if uid is None else f"{uid:.0f}"),
        account=_text(one.get("account")),
        tasks=array_tasks(waiting) if waiting else 1,
    )


def scheduler_from(answer: Mapping[str, Any]) -> SchedulerStats:
    """The statistics of `sdiag`."""
    statistics = answer.get("statistics")
    if not isinstance(statistics, dict):
        raise ValueError("there are no statistics in it")
    said = cast("dict[str, Any]", statistics)
    values = {name: number(said.get(key)) for name, key in _COUNTS.items()}
    values |= {name: seconds(number(said.get(key))) for name, key in _DURATIONS.items()}
    last = number(said.get("bf_when_last_cycle"))
    values["backfill_last_at"] = last or None  # 0: it has not run yet
    return SchedulerStats(
        **cast("Any", values),
        rpcs=_rpcs(said.get("rpcs_by_message_type"), "message_type"),
        user_rpcs=_rpcs(said.get("rpcs_by_user"), "user"),
    )


def seconds(microseconds: float | None) -> float | None:
    """Slurm measures in microseconds."""
    return None if microseconds is None else microseconds / _MICROSECONDS


def _rpcs(rows: Any, name: str) -> tuple[RpcStats, ...]:
    found = [cast("dict[str, Any]", one) for one in _list(rows) if isinstance(one, dict)]
    named = [(_text(one.get(name)), one) for one in found]
    return tuple(
        RpcStats(name=who, count=number(one.get("count")), seconds=seconds(number(one.get("total_time"))))
        for who, one in named
        if who
    )


def _objects(answer: Mapping[str, Any], key: str) -> tuple[Mapping[str, Any], ...]:
    rows = answer.get(key)
    if not isinstance(rows, list):
        raise ValueError(f"there is no list of {key} in it")
    found = cast("list[Any]", rows)
    if not all(isinstance(one, dict) for one in found):
        raise ValueError(f"its list of {key} has something else in it")
    return tuple(found)


def _inside(row: Mapping[str, Any], key: str, inner: str) -> Any:
    value = row.get(key)
    return cast("dict[str, Any]", value).get(inner) if isinstance(value, dict) else None


def _list(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []


def _words(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(value.split("+"))
    return tuple(word for word in _list(value) if isinstance(word, str))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _count(value: Any) -> int | None:
    known = number(value)
    return None if known is None or known < 0 else int(known)


def _gpus(value: Any) -> Mapping[str, int] | None:
    return gpus_of(value) if isinstance(value, str) else None
