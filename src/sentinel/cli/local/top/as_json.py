"""One look of `sentinel top` as JSON, for programs.

    {"node": "…", "read_at": TIME, "source": "nvml", "driver_version": "…", "notes": ["…"],
     "gpus": [as in core.gpu_json…],
     "processes": [{"gpu_index", "gpu_uuid", "mig_index", "pid", "kind", "user", "origin", "name",
        "process_name", "workload_id", "gpu_memory_bytes", "sm_percent", "cpu_percent", "memory_bytes",
        "started_at": TIME | null}…]}

`null` is unknown. A process on two GPUs is there twice. Called by `top`.
"""

from typing import Any

from sentinel.cli.local.top.look import Look, ProcessRow
from sentinel.core.clock import rfc3339
from sentinel.core.gpu import unnamed
from sentinel.core.gpu_json import gpu_json

_PLAIN = (
    "gpu_index mig_index pid user name process_name workload_id gpu_memory_bytes sm_percent cpu_percent"
    " memory_bytes"
).split()


def look_json(look: Look) -> dict[str, Any]:
    """`look` as in this module's docstring."""
    return {
        "node": look.node,
        "read_at": rfc3339(look.wall),
        "source": look.reading.source,
        "driver_version": look.reading.driver_version,
        "notes": list(look.notes),
        "gpus": [gpu_json(gpu) for gpu in look.reading.gpus],
        "processes": [_row_json(row) for row in look.rows],
    }


def _row_json(row: ProcessRow) -> dict[str, Any]:
    return {key: getattr(row, key) for key in _PLAIN} | {
        "gpu_uuid": None if row.gpu_uuid.startswith(unnamed("")) else row.gpu_uuid,
        "kind": row.kind.value,
        "origin": row.origin.value if row.origin else None,
        "started_at": None if row.started_at is None else rfc3339(row.started_at),
    }
