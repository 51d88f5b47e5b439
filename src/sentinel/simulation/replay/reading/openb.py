"""Alibaba's openb pods (cluster-trace-gpu-v2023), plain or gzip. In the table of `formats`.

A pod ran from `scheduled_time`, or where that is missing from `creation_time`, to `deletion_time`; all of
them are seconds since the trace's beginning. Its class of service stands for its owner: the trace names none.
"""

from collections import Counter
from pathlib import Path

from sentinel.core.job import WHOLE
from sentinel.simulation.replay.reading.rows import Row, csv_rows
from sentinel.simulation.replay.trace import Trace, TraceJob, trace_of

COLUMNS = (
    "name", "cpu_milli", "memory_mib", "num_gpu", "gpu_milli", "gpu_spec", "qos", "creation_time",
    "deletion_time", "scheduled_time",
)  # fmt: skip


def read(path: Path) -> Trace:
    """UsageError when it is no such file."""
    left_out: Counter[str] = Counter()
    jobs: list[TraceJob] = []
    for row in csv_rows(path, COLUMNS):
        if row.optional("deletion_time") is None:
            left_out["had not ended"] += 1
            continue
        jobs.append(_job(row))
    return trace_of(jobs, left_out)


def _job(row: Row) -> TraceJob:
    began = "creation_time" if row.optional("scheduled_time") is None else "scheduled_time"
    run = row.seconds("deletion_time") - row.seconds(began)
    if run < 0:
        raise row.wrong("deletion_time", f"is before {began}")
    gpus = row.whole("num_gpu", most=64)
    milli = row.whole("gpu_milli", most=WHOLE)
    if gpus and not milli:
        raise row.wrong("gpu_milli", f"a pod with a GPU needs 1 to {WHOLE}")
    if gpus > 1 and milli != WHOLE:
        raise row.wrong("gpu_milli", f"several GPUs are whole ones: {WHOLE} is expected")
    spec = row.optional("gpu_spec")
    return TraceJob(
        id=row.text("name"),
        owner=row.optional("qos") or "unknown",
        submit=row.seconds("creation_time"),
        run=run,
        gpus=gpus,
        nodes=1,
        milli=milli if gpus else WHOLE,
        model=",".join(filter(None, spec.split("|"))) if spec and gpus else None,
        cpus=-(-row.whole("cpu_milli") // 1000) or None,
        memory_bytes=(row.whole("memory_mib") << 20) or None,
    )
