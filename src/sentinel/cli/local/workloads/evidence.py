"""Everything that is known of one workload, and how: for whoever doubts a line of the table. Pure.

Called by `sentinel workloads --evidence ID`.
"""

from collections.abc import Iterator

from sentinel.cli.local.duration_text import age_text, clock_text
from sentinel.cli.local.workloads.cells import (
    age_of,
    gpu_memory_text,
    gpus_text,
    name_text,
    percent_text,
    size_text,
    status_text,
    user_text,
)
from sentinel.cli.local.workloads.selection import indices
from sentinel.cli.text_width import cell, padded
from sentinel.cli.text_wrap import wrapped
from sentinel.core.inventory import Inventory
from sentinel.core.workload import Evidence, Trust, Workload

_LABEL = 13
_YES_NO = {True: "yes", False: "no", None: "unknown"}
_VOUCHES = {
    Trust.KERNEL: "the kernel or driver says so: cannot be forged",
    Trust.RUNTIME: "the container engine enforces it",
    Trust.DECLARED: "written by whoever started it: may be forged",
}
_ORDER = (Trust.KERNEL, Trust.RUNTIME, Trust.DECLARED)


def evidence_lines(inventory: Inventory, workload: Workload, now: float, width: int) -> list[str]:
    """The page about `workload`, lines of at most `width` columns."""
    lines: list[str] = []
    for label, text in _facts(inventory, workload, now):
        first, *rest = wrapped(text, width - _LABEL)
        lines.append(f"{padded(label, _LABEL)}{first}")
        lines += [" " * _LABEL + line for line in rest]
    lines += _evidence("whose it is", workload.user_evidence, width, decides=True)
    lines += _evidence("what it is", workload.origin_evidence, width, decides=True)
    lines += _evidence("its GPU access", workload.gpu_evidence, width, decides=False)
    lines += ["", "Conflicts" if workload.conflicts else "Conflicts: none"]
    for conflict in workload.conflicts:
        lines += [f"  {line}" for line in wrapped(f"! {cell(conflict)}", width - 2)]
    return lines


def _facts(inventory: Inventory, workload: Workload, now: float) -> Iterator[tuple[str, str]]:
    yield "id", cell(workload.id)
    yield "name", name_text(workload)
    yield "type", f"{workload.origin.value} (category {workload.category.value})"
    yield "user", user_text(workload)
    yield "status", status_text(workload, now)
    yield "age", f"{age_of(workload, now)}, started {clock_text(workload.started_at)}"
    seen = f"first {clock_text(workload.first_seen_at)}, last {clock_text(workload.last_seen_at)}"
    yield "seen", f"{seen}; once only so far (transient)" if workload.transient else seen
    yield "GPU access", _YES_NO[workload.gpu_access]
    yield "GPUs", _gpus(inventory, workload)
    yield "GPU memory", gpu_memory_text(workload)
    yield "GPU use", percent_text(workload.gpu_utilization_percent)
    if workload.quiet_since is not None:
        yield "GPU unused", f"for {age_text(now - workload.quiet_since)}"
    yield "CPU, memory", f"{percent_text(workload.cpu_percent)}, {size_text(workload.memory_bytes)}"
    for label, found in (
        ("image", workload.image),
        ("command", workload.command),
        ("runtime", workload.runtime),
        ("pod", workload.pod),
        ("Slurm job", workload.slurm_job),
    ):
        if found:
            yield label, cell(found)
    yield "processes", _processes(workload)
    mark = workload.mark
    if mark is not None:
        name = cell(mark.namespace).removesuffix(".detected") + ".detected"
        yield (
            "mark",
            f"{name} for {cell(mark.user)} since {clock_text(mark.time)}, written to {cell(mark.written_to)}",
        )
    else:
        yield "mark", "none" if not workload.managed else "none: managed workloads are not marked"


def _gpus(inventory: Inventory, workload: Workload) -> str:
    text = gpus_text(workload.gpus, indices(inventory))
    return f"{text} ({', '.join(cell(uuid) for uuid in workload.gpus)})" if workload.gpus else text


def _processes(workload: Workload) -> str:
    first = "unknown" if workload.pid is None else str(workload.pid)
    on_gpus = ", ".join(map(str, workload.pids)) or "none"
    return f"first {first}; on GPUs {on_gpus}"


def _evidence(title: str, found: tuple[Evidence, ...], width: int, *, decides: bool) -> list[str]:
    if not found:
        return ["", f"Evidence of {title}: none"]
    lines = ["", f"Evidence of {title}, the most trusted first"]
    ranked = sorted(enumerate(found), key=lambda one: (_ORDER.index(one[1].trust), one[0]))
    for place, one in ranked:
        mark = "*" if decides and place == 0 else " "
        detail = f"; {cell(one.detail)}" if one.detail else ""
        text = f"{mark} {cell(one.value)}: {cell(one.source)}{detail} ({_VOUCHES[one.trust]})"
        lines += [f"  {line}" for line in wrapped(text, width - 2)]
    return [*lines, "  * this one decided"] if decides else lines
