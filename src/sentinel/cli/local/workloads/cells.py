"""One workload's cells: its GPUs, status, age and sizes in few characters. Pure; "?" is unknown.

Called by the workload tables, the guided tour and `sentinel top`.
"""

from collections.abc import Iterable, Mapping

from sentinel.cli.colour import Paint
from sentinel.cli.local.duration_text import age_since, age_text
from sentinel.cli.local.workloads.selection import source_of
from sentinel.cli.text_width import cell, cut
from sentinel.core.units import show_size
from sentinel.core.workload import Workload, WorkloadState

NONE, UNKNOWN = "-", "?"
_WIDEST_GPUS = 12
_WIDEST_SOURCE = 10  # "containerd", "kubernetes"
_SHORT_ID = 12


def ranges(numbers: Iterable[int]) -> str:
    """Sorted numbers with runs drawn together: "0-3,5"."""
    runs: list[tuple[int, int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)


def gpus_text(uuids: Iterable[str] | None, index: Mapping[str, int]) -> str:
    """The GPUs by index: "0-3,5"; "-" none; "?" unknown; a count where the list would be too long."""
    if uuids is None:
        return UNKNOWN
    found = set(uuids)
    if not found:
        return NONE
    known = [index[uuid] for uuid in found if uuid in index]
    text = ",".join(filter(None, (ranges(known), UNKNOWN if len(known) < len(found) else "")))
    return text if len(text) <= _WIDEST_GPUS else f"{len(found)} GPUs"


def user_text(workload: Workload) -> str:
    """The user's name, or "?"."""
    return cell(workload.user) if workload.user else UNKNOWN


def status_text(workload: Workload, now: float) -> str:
    """How it stands: "running", "idle 2 h", "unknown (docker)"; "(new)" was seen only once so far."""
    state = workload.state
    if state is WorkloadState.IDLE:
        return "idle" if workload.idle_since is None else f"idle {age_text(now - workload.idle_since)}"
    if state is WorkloadState.UNKNOWN:
        source = cut(cell(source_of(workload)), _WIDEST_SOURCE)
        return f"unknown ({source})" if source else "unknown"
    return f"{state.value} (new)" if workload.transient and not state.stopped else state.value


def status_paint(workload: Workload) -> Paint:
    """The colour of its status."""
    match workload.state:
        case WorkloadState.RUNNING:
            return Paint.PLAIN
        case WorkloadState.IDLE | WorkloadState.RESTARTING:
            return Paint.NOTICE
        case WorkloadState.UNKNOWN:
            return Paint.BAD
        case WorkloadState.PAUSED | WorkloadState.CREATED | WorkloadState.EXITED:
            return Paint.DIM


def age_of(workload: Workload, now: float) -> str:
    """Since its start."""
    created = workload.created_at if workload.state is WorkloadState.CREATED else None
    return age_since(workload.started_at or created, now)


def name_text(workload: Workload) -> str:
    """Its name, or the best there is in its place."""
    return cell(workload.name or workload.command or workload.id)


def short_id(workload: Workload) -> str:
    """As much of the id as `--evidence` needs: 12 digits of a container's, the others in full."""
    text = cell(workload.id)
    return text if ":" in text else text[:_SHORT_ID]


def size_text(count: int | None) -> str:
    """Bytes; "?" unknown."""
    return UNKNOWN if count is None else show_size(count)


def percent_text(value: float | None) -> str:
    """A share; "?" unknown."""
    return UNKNOWN if value is None else f"{value:.0f} %"


def gpu_memory_text(workload: Workload) -> str:
    """GPU memory held; "-" for what certainly uses none."""
    if workload.gpu_memory_bytes is None and (workload.gpu_access is False or workload.state.stopped):
        return NONE
    return size_text(workload.gpu_memory_bytes)
