"""Jobs as rows and back, as in `rows`. `placement` is [NODE, [GPU…], TOKEN, WHEN_IT_WAS_GIVEN | null].

What makes a job more than a plain one is one column, `more`: {"account": NAME, "after": [[JOB, KIND]…],
"awaited": true, "array": [ID, INDEX, SIZE, LIMIT], "part": [OF, RANK, SIZE], "preempt": [BY, AT, WHY],
"preemptions": N, "failures": N, "again": true}, each only where it has something to say.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from operator import attrgetter
from typing import Any

from sentinel.core.job import After, AfterKind, ArrayTask, Cancel, Job, JobSpec, JobState, Placement, Rank
from sentinel.core.job_json import spec_from
from sentinel.drivers.stores.sql.rows import Row, Values, from_json, to_json

_STATES = {state.value: state for state in JobState}
_EACH = tuple(
    "command cwd gpus priority name time_limit gpu_model gpu_memory_bytes node if_lost grace umask limits "
    "pty".split()
)
_OTHERS = tuple(name for name in JobSpec.__dataclass_fields__ if name not in _EACH)
"""What of a spec each row says, and what only where it is not as it was before it could be asked for."""

_of_each, _others = attrgetter(*_EACH), attrgetter(*_OTHERS)
_USUAL = tuple(JobSpec.__dataclass_fields__[name].default for name in _OTHERS)


def job_row(job: Job, revision: int) -> Values:
    """Every column of a job."""
    return {
        **job_moves(job, revision),
        "owner": job.owner,
        "tenant": job.tenant,
        "name": job.spec.name,
        "submitted_at": job.submitted_at,
        "spec": _spec_text(job.spec),
        "array_id": job.array and job.array.id,
        "part_of": job.part and job.part.of,
    }


def job_moves(job: Job, revision: int) -> Values:
    """The columns that change in a job's life, and its id."""
    placement, cancel = job.placement, job.cancel
    return {
        "id": job.id,
        "state": job.state.value,
        "live": 0 if job.state.ended else 1,
        "reason": job.reason,
        "attempt": job.attempt,
        "placement": placement
        and to_json([placement.node, placement.gpus, placement.token, job.allocated_at]),
        "refusals": job.refusals,
        "cancel": cancel and to_json([cancel.by, cancel.at, cancel.why]),
        "node": job.node,
        "gpus": to_json(job.gpus) if job.gpus else "[]",
        "started_at": job.started_at,
        "ended_at": job.ended_at,
        "exit_code": job.exit_code,
        "signal": job.signal,
        "revision": revision,
        "more": _more_text(job),
    }


def same_but_for_moves(old: Job, new: Job) -> bool:
    """Whether `job_moves` has all that differs between them."""
    return (
        (old.spec is new.spec or old.spec == new.spec)
        and old.owner == new.owner
        and old.tenant == new.tenant
        and old.submitted_at == new.submitted_at
        and old.array == new.array
        and old.part == new.part
    )


def waits_of(job: Job) -> frozenset[str]:
    """The ids of the jobs whose end it is to be told of."""
    if not job.after or job.state is not JobState.QUEUED:
        return frozenset()
    return frozenset(after.job for after in job.after)


def job_from(row: Row) -> Job:
    """`row` without what is there to be found by alone."""
    (
        id,
        owner,
        tenant,
        submitted_at,
        spec,
        state,
        reason,
        attempt,
        placement,
        refusals,
        cancel,
        node,
        gpus,
        started_at,
        ended_at,
        exit_code,
        signal,
        revision,
        more,
    ) = row
    held, allocated_at = (None, None) if placement is None else _placement(placement)
    job = Job(
        id=id,
        owner=owner,
        spec=_spec(spec),
        submitted_at=submitted_at,
        tenant=tenant,
        state=_STATES[state],
        reason=reason,
        attempt=attempt,
        placement=held,
        refusals=refusals,
        cancel=None if cancel is None else _cancel(from_json(cancel)),
        node=node,
        gpus=() if gpus == "[]" else tuple(from_json(gpus)),
        started_at=started_at,
        ended_at=ended_at,
        exit_code=exit_code,
        signal=signal,
        allocated_at=allocated_at,
        revision=revision,
    )
    return job if more is None else replace(job, **_more(more))


def _more_text(job: Job) -> str | None:
    """What a plain job does not have; None for a plain one, which most are."""
    array, part, preempt = job.array, job.part, job.preempt
    stray = None if job.placement else job.allocated_at  # else it is with the placement
    if (
        job.account is array is part is preempt is stray is None
        and not job.after
        and not (job.awaited or job.again or job.preemptions or job.failures)
    ):
        return None
    more = {
        "account": job.account,
        "after": [(after.job, after.kind) for after in job.after] or None,
        "awaited": job.awaited or None,
        "array": array and (array.id, array.index, array.size, array.limit),
        "part": part and (part.of, part.rank, part.size),
        "preempt": preempt and (preempt.by, preempt.at, preempt.why),
        "preemptions": job.preemptions or None,
        "failures": job.failures or None,
        "again": job.again or None,
        "allocated_at": stray,
    }
    return to_json({name: value for name, value in more.items() if value is not None})


@lru_cache(maxsize=4096)
def _more(text: str) -> Values:
    """What `_more_text` wrote, as fields of a job."""
    more = from_json(text)
    if "after" in more:
        more["after"] = tuple(After(job=job, kind=AfterKind(kind)) for job, kind in more["after"])
    if "array" in more:
        id, index, size, limit = more["array"]
        more["array"] = ArrayTask(id=id, index=index, size=size, limit=limit)
    if "part" in more:
        of, rank, size = more["part"]
        more["part"] = Rank(of=of, rank=rank, size=size)
    if "preempt" in more:
        more["preempt"] = _cancel(more["preempt"])
    return more


def _spec_text(spec: JobSpec) -> str:
    """As `spec_from` reads it, without what most do not ask for."""
    said = dict(zip(_EACH, _of_each(spec), strict=True))
    said["limits"] = dict(spec.limits)
    if (others := _others(spec)) != _USUAL:
        said |= {name: one for name, one, usual in zip(_OTHERS, others, _USUAL, strict=True) if one != usual}
    return to_json(said)


@lru_cache(maxsize=4096)
def _spec(text: str) -> JobSpec:
    """Jobs are read far more often than specs are made, and many have the same one."""
    return spec_from(from_json(text))


def _placement(text: str) -> tuple[Placement, float | None]:
    """And when it was given."""
    node, gpus, token, allocated_at = from_json(text)
    return Placement(node=node, gpus=tuple(gpus), token=token), allocated_at


def _cancel(found: Sequence[Any]) -> Cancel:
    by, at, why = found
    return Cancel(by=by, at=at, why=why)
