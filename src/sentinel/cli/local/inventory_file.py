"""Reads the inventory that the scanner or the agent left in the state folder; errors say what to do.

Called by `sentinel workloads`, `events` and `top`.
"""

import json
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from sentinel.core.errors import SentinelError
from sentinel.core.inventory import Inventory, SeenGpu
from sentinel.core.workload import Workload
from sentinel.core.workload_json import inventory_from
from sentinel.inventory.statefile import INVENTORY

HOW = "look once with `sentinel scan`, or keep it fresh with `sentinel agent --standalone` or the timer"


class NoInventory(SentinelError):
    """There is none yet."""


def read_inventory(folder: Path) -> Inventory:
    """The inventory in `folder`. Raises NoInventory, or SentinelError for one that cannot be read."""
    path = folder / INVENTORY
    try:
        raw = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise NoInventory(
            f"no inventory in {folder}: nothing has looked at this machine yet; {HOW} "
            "(kept elsewhere? --state-dir DIR)"
        ) from None
    except PermissionError:
        raise SentinelError(f"{path}: not yours to read; ask an admin, or run this as root") from None
    except OSError as error:
        raise SentinelError(f"{path}: cannot be read: {error.strerror}") from None
    return parsed(raw, path)


def parsed(raw: bytes, path: Path) -> Inventory:
    """The inventory in the bytes of `path`. Raises SentinelError, naming the file and what to do."""
    try:
        found = inventory_from(json.loads(raw))
        _check(found)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        raise SentinelError(f"{path}: damaged, it is no JSON; `sentinel scan` writes it anew") from None
    except (ValueError, OverflowError) as error:
        what = "upgrade Sentinel here" if "newer" in str(error) else "`sentinel scan` writes it anew"
        raise SentinelError(f"{path}: cannot be used: {error}; {what}") from None
    return found


# ------------------------------------------------------------------ what the codec lets pass


def _is_text(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _is_number(value: Any) -> bool:
    return value is None or (
        isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    )


def _is_flag(value: Any) -> bool:
    return value is None or isinstance(value, bool)


_WORKLOAD: tuple[tuple[Callable[[Any], bool], tuple[str, ...]], ...] = (
    (_is_text, ("name", "id", "user", "image", "command", "runtime", "pod", "slurm_job", "source")),
    (_is_number, ("gpu_memory_bytes", "gpu_utilization_percent", "cpu_percent", "memory_bytes", "pid")),
    (_is_flag, ("gpu_access",)),
)


def _check(inventory: Inventory) -> None:
    for gpu in inventory.gpus:
        _check_gpu(gpu)
    for name, report in inventory.sources.items():
        _need(_is_text(report.why), f"sources.{name}")
    for workload in inventory.workloads:
        _check_workload(workload)


def _check_gpu(gpu: SeenGpu) -> None:
    sizes = (gpu.memory_total_bytes, gpu.memory_used_bytes)
    good = _all(_is_whole, [gpu.index]) and _all(_is_word, [gpu.uuid]) and _is_text(gpu.name)
    _need(good and _all(_is_number, sizes), "gpus")


def _check_workload(workload: Workload) -> None:
    for right, keys in _WORKLOAD:
        for key in keys:
            _need(right(getattr(workload, key)), f"workloads.{key}")
    _need(_all(_is_word, (workload.id, workload.name)), "workloads.id")
    _need(_all(_is_word, workload.gpus or ()), "workloads.gpus")
    _need(_all(_is_whole, workload.pids), "workloads.pids")
    _need(_all(_is_word, workload.conflicts), "workloads.conflicts")
    mark = workload.mark
    _need(mark is None or _all(_is_word, (mark.user, mark.namespace, mark.written_to)), "workloads.mark")
    for evidence in (*workload.user_evidence, *workload.origin_evidence, *workload.gpu_evidence):
        texts = (evidence.value, evidence.source, evidence.detail)
        _need(_all(_is_word, texts), "workloads.evidence")


def _all(right: Callable[[Any], bool], values: Iterable[Any]) -> bool:
    return all(map(right, values))


def _is_word(value: Any) -> bool:
    return isinstance(value, str)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _need(right: bool, where: str) -> None:
    if not right:
        raise ValueError(f"{where} is not what it should be")
