"""Processes on GPUs that outlived the job which started them: each is told once. Pure. For `node_watch`."""

from collections.abc import Collection, Iterable, Mapping

from sentinel.agent.link.attempt import Attempt
from sentinel.agent.link.processes import LeftBehind, Whose
from sentinel.agent.link.report import Report, leftover
from sentinel.core.gpu import Gpu

PATIENCE = 3.0
"""Seconds that what a job leaves behind has to end by itself: processes that were told to often need one."""

Place = tuple[str, int, str]
"""GPU's UUID, pid and token."""


def places(gpus: Iterable[Gpu], whose: Mapping[int, Whose]) -> frozenset[Place]:
    """Where there is something now that was left behind."""
    found: set[Place] = set()
    for gpu in gpus:
        for process in gpu.processes or ():
            one = whose.get(process.pid)
            if process.kind.computes and isinstance(one, LeftBehind):
                found.add((gpu.uuid, process.pid, one.token))
    return frozenset(found)


def leftovers(
    seen: Mapping[Place, float], told: Collection[Place], ended: Mapping[str, Attempt], now: float
) -> list[tuple[Place, Report]]:
    """What to tell now. `seen`: since when each is seen (boot time); `ended`: attempts that ended, by
    token. Of an attempt that is not among them there is nothing to say to the controller, but its GPU is
    blocked all the same.
    """
    found: list[tuple[Place, Report]] = []
    for place, since in seen.items():
        gpu, pid, token = place
        if place in told or now - since < PATIENCE or token not in ended:
            continue
        why = f"process {pid} is still on the GPU after the job has ended; end it on the node: kill {pid}"
        found.append((place, leftover(ended[token], gpu, pid, why)))
    return found
