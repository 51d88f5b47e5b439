"""The inventory's workloads as a beat tells them: only when they changed. Called by `node_watch`."""

import hashlib
import json
from typing import Any

from sentinel.core.inventory import Inventory
from sentinel.core.workload_json import workload_json

MOST_BYTES = 700_000
"""Of JSON: a beat with all else in it stays under the longest body that is taken."""
REFRESH = 60.0
"""Seconds after which figures that move all the time are told anew."""
_RESTLESS = ("last_seen_at", "cpu_percent", "memory_bytes", "gpu_memory_bytes", "gpu_utilization_percent")


def told_workloads(inventory: Inventory) -> list[dict[str, Any]]:
    """All of them, running ones first, as many as fit."""
    index = {gpu.uuid: gpu.index for gpu in inventory.gpus}
    found: list[dict[str, Any]] = []
    size = 0
    for one in sorted(inventory.workloads, key=lambda one: one.state.stopped):
        row = workload_json(one, index)
        size += len(json.dumps(row)) + 1
        if size > MOST_BYTES:
            break
        found.append(row)
    return found


def digest(rows: list[dict[str, Any]], *, restless: bool) -> str:
    """The same for the same. `restless`: figures count that move while nothing happens."""
    left_out = () if restless else _RESTLESS
    steady = [{key: value for key, value in row.items() if key not in left_out} for row in rows]
    return hashlib.blake2b(json.dumps(steady, sort_keys=True).encode(), digest_size=16).hexdigest()
