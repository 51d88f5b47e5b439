"""A walk through this machine's own table, in plain words, one kind of row at a time. Pure.

Called by `sentinel workloads --guided`: a list of pages; who pauses between them is the command.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from sentinel.cli.local.duration_text import age_text
from sentinel.cli.local.workloads.cells import gpus_text, name_text, short_id, size_text, user_text
from sentinel.cli.local.workloads.notes import notes
from sentinel.cli.local.workloads.selection import indices, source_of
from sentinel.cli.local.workloads.table import workload_lines
from sentinel.cli.text_width import cell
from sentinel.cli.text_wrap import wrapped
from sentinel.core.inventory import Inventory
from sentinel.core.workload import Origin, Trust, Workload, WorkloadState

_EXAMPLES = 3
_ORIGINS = {
    Origin.SENTINEL: "asked Sentinel for its GPUs and has a lease; Sentinel looks after it",
    Origin.DS01: "started by DS01's own tools, under their rules",
    Origin.COMPOSE: "a container of a Docker Compose project, started with `docker compose up`",
    Origin.DEVCONTAINER: "a development container, started by an editor such as VS Code",
    Origin.KUBERNETES: "a container of a Kubernetes pod",
    Origin.SLURM: "a job of the Slurm queue",
    Origin.PODMAN: "a Podman container that somebody started, outside of any queue",
    Origin.DOCKER: "a container that somebody started with `docker run`, outside of any queue",
    Origin.HOST: "a process that somebody started directly, in no container and no queue",
    Origin.SYSTEM: "a part of the system itself: a desktop, a daemon",
    Origin.UNKNOWN: "it was seen, and nothing tells how it was started",
}
_TRUST = {
    Trust.KERNEL: "the kernel says so, and nobody can forge that",
    Trust.RUNTIME: "the container engine enforces it",
    Trust.DECLARED: "only a label or variable says so, which whoever started it may have written",
}


def tour(inventory: Inventory, workloads: Sequence[Workload], now: float, width: int) -> list[list[str]]:
    """Pages of lines of at most `width` columns."""
    pages = [_welcome(inventory, workloads, now, width)]
    if workloads:
        pages.append(["This is the table now:", "", *workload_lines(inventory, workloads, now, width)])
    pages += list(_kinds(inventory, workloads, width))
    pages += list(_states(workloads, now, width))
    pages.append(_onwards(workloads, width))
    return pages


def _welcome(inventory: Inventory, workloads: Sequence[Workload], now: float, width: int) -> list[str]:
    on_gpus = sum(1 for one in workloads if one.gpus)
    count = len(workloads)
    text = (
        f"This machine has {_many(len(inventory.gpus), 'GPU')}. {_many(count, 'workload')} "
        f"{'runs' if count == 1 else 'run'} on it now, {on_gpus} of them with a GPU. "
        f"That was read {age_text(now - inventory.scanned_at)} ago."
    )
    lines = wrapped(text, width)
    said = notes(inventory, now)
    if said:
        lines += ["", "Before you rely on it:"]
        lines += [f"  {line}" for note in said for line in wrapped(note, width - 2)]
    elif inventory.sources:
        lines += ["", "Everything that could be asked has answered."]
    return lines


def _kinds(inventory: Inventory, workloads: Sequence[Workload], width: int) -> Iterator[list[str]]:
    groups: dict[Origin, list[Workload]] = defaultdict(list)
    for workload in workloads:
        groups[workload.origin].append(workload)
    for origin in Origin:
        if theirs := groups.get(origin):
            yield _kind(inventory, origin, theirs, width)


def _kind(inventory: Inventory, origin: Origin, theirs: Sequence[Workload], width: int) -> list[str]:
    head = f'Type "{origin.value}" ({_many(len(theirs), "row")}): {_ORIGINS[origin]}.'
    lines = wrapped(head, width)
    for workload in theirs[:_EXAMPLES]:
        lines += [f"  {line}" for line in wrapped(_sentence(inventory, workload), width - 2)]
    if len(theirs) > _EXAMPLES:
        lines.append(f"  ... and {len(theirs) - _EXAMPLES} more like that.")
    return lines


def _sentence(inventory: Inventory, workload: Workload) -> str:
    evidence = workload.user_evidence
    if workload.user is None:
        whose = "Nobody can tell whose it is."
    elif evidence:
        whose = f"It is {user_text(workload)}'s: {_TRUST[evidence[0].trust]}."
    else:
        whose = f"It is {user_text(workload)}'s."
    conflict = " Other evidence contradicts that." if workload.conflicts else ""
    return f"{name_text(workload)}: {whose}{conflict} {_on_gpus(inventory, workload)}"


def _on_gpus(inventory: Inventory, workload: Workload) -> str:
    gpus = gpus_text(workload.gpus, indices(inventory))
    if workload.gpus is None:
        return "Which GPUs it has is not known."
    if not workload.gpus:
        may = "It may use a GPU, but" if workload.gpu_access else "It"
        return f"{may} has none now."
    held = workload.gpu_memory_bytes
    memory = "" if held is None else f", holding {size_text(held)} there"
    where = gpus if gpus.endswith("GPUs") else f"GPU {gpus}"
    return f"It is on {where}{memory}."


def _states(workloads: Sequence[Workload], now: float, width: int) -> Iterator[list[str]]:
    idle = [one for one in workloads if one.state is WorkloadState.IDLE]
    if idle:
        first = idle[0]
        since = "a while" if first.idle_since is None else age_text(now - first.idle_since)
        yield wrapped(
            f"{_many(len(idle), 'row')} idle. For example {name_text(first)} holds "
            f"{size_text(first.gpu_memory_bytes)} of GPU memory and has not used it for {since}. "
            "Nothing is done about it; perhaps its owner has forgotten it.",
            width,
        )
    new = sum(1 for one in workloads if one.transient)
    if new:
        yield wrapped(f"{_many(new, 'row')} marked (new): seen once only so far. It may be gone soon.", width)
    lost = [one for one in workloads if one.state is WorkloadState.UNKNOWN]
    if lost:
        sources = ", ".join(sorted({cell(source_of(one)) or "its source" for one in lost}))
        yield wrapped(
            f"{_many(len(lost), 'row')} unknown: {sources} did not answer. That does not mean that it "
            "ended; it is shown as it was last seen.",
            width,
        )


def _onwards(workloads: Sequence[Workload], width: int) -> list[str]:
    example = short_id(workloads[0]) if workloads else "ID"
    return [
        "Where to go from here:",
        "  sentinel workloads --by-user     who has how much",
        "  sentinel workloads --watch       the table, kept fresh",
        *(f"  {line}" for line in wrapped(f"sentinel workloads --evidence {example}", width - 2)),
        "                                   how all this is known",
        "  sentinel workloads --concepts    the words, one by one",
        "  sentinel events --since 1h       what came and went",
        "  sentinel top                     live, by process",
    ]


def _many(count: int, noun: str) -> str:
    return f"1 {noun}" if count == 1 else f"{count} {noun}s"
