"""Which workloads of an inventory are asked for, and in which order they are shown. Pure.

Called by `sentinel workloads`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sentinel.core.errors import UsageError
from sentinel.core.inventory import Inventory
from sentinel.core.workload import Category, Origin, Workload, WorkloadState

UNKNOWN_USER = "?"
_MOST_LISTED = 8  # of the workloads that an ambiguous id may mean


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Empty `users` and `kinds` mean any. `gpu_only` leaves out what certainly has no GPU: unknown stays."""

    stopped: bool = False
    gpu_only: bool = False
    users: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()  # values of Origin and of Category

    def takes(self, workload: Workload) -> bool:
        """Whether `workload` is asked for."""
        return (
            (self.stopped or not workload.state.stopped)
            and (not self.gpu_only or workload.gpu_access is not False)
            and (not self.users or (workload.user or UNKNOWN_USER) in self.users)
            and (not self.kinds or bool(self.kinds & {workload.origin.value, workload.category.value}))
        )


def kinds_from(words: Iterable[str]) -> frozenset[str]:
    """Checked values for `Selection.kinds`. Raises UsageError that lists the known ones."""
    origins, categories = [one.value for one in Origin], [one.value for one in Category]
    chosen = frozenset(word.strip().lower() for word in words)
    for word in chosen - {*origins, *categories}:
        import difflib

        close = difflib.get_close_matches(word, [*origins, *categories], 1, 0.5)
        hint = f"did you mean {close[0]}? " if close else ""
        raise UsageError(
            f"no type is called {word!r}; {hint}origins: {', '.join(origins)}; "
            f"categories: {', '.join(categories)}"
        )
    return chosen


def selected(inventory: Inventory, selection: Selection) -> tuple[Workload, ...]:
    """The workloads asked for: those on GPUs first, by GPU; then by user and name; stopped ones last."""
    index = indices(inventory)
    chosen = [one for one in inventory.workloads if selection.takes(one)]
    return tuple(sorted(chosen, key=lambda one: _order(one, index)))


def indices(inventory: Inventory) -> dict[str, int]:
    """The index of each GPU by its UUID."""
    return {gpu.uuid: gpu.index for gpu in inventory.gpus}


def _order(workload: Workload, index: Mapping[str, int]) -> tuple[bool, int, int, bool, str, str, str]:
    known = [index[uuid] for uuid in workload.gpus or () if uuid in index]
    if known:
        group = 0
    elif workload.gpus is None or workload.gpus:
        group = 1
    else:
        group = 2 if workload.gpu_access is not False else 3
    first = min(known, default=0)
    unnamed = workload.user is None
    return (
        workload.state.stopped, group, first, unnamed, workload.user or "", workload.name, workload.id
    )  # fmt: skip


def source_of(workload: Workload) -> str:
    """The name of the source that tells of it; "" where nothing says which."""
    if workload.source or workload.runtime:
        return workload.source or workload.runtime or ""
    return "processes" if workload.category is Category.HOST or workload.slurm_job else ""


def one_by_id(workloads: Sequence[Workload], asked: str) -> Workload:
    """The workload with that id, beginning of an id, name or pid. Raises UsageError when not just one."""
    exact = [one for one in workloads if one.id == asked]
    found = exact or [one for one in workloads if asked and one.id.startswith(asked)]
    found = found or [one for one in workloads if asked and one.name == asked]
    if not found and asked.isascii() and asked.isdigit():
        found = [one for one in workloads if int(asked) in (one.pid, *one.pids)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise UsageError(
            f"no workload has an id that begins with {asked!r}, nor that name or pid; "
            "the ids: sentinel workloads --wide --all"
        )
    listed = ", ".join(f"{one.id[:20]} ({one.name[:30]})" for one in found[:_MOST_LISTED])
    more = f" and {len(found) - _MOST_LISTED} more" if len(found) > _MOST_LISTED else ""
    raise UsageError(f"{asked!r} may mean {len(found)} workloads: {listed}{more}; give more of the id")


def idle(workload: Workload) -> bool:
    """Whether it holds GPU memory that it does not use."""
    return workload.state is WorkloadState.IDLE
