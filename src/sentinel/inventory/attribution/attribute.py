"""The inventory that follows from one look and from what was known before. Pure.

Called by the keeper after every look. Each process on a GPU belongs to exactly one workload: its container,
its Slurm job, or itself. Every container is a workload, with or without GPUs. What a source that does not
answer told of before is carried over as unknown, unless the kernel shows that it still runs.
"""

from sentinel.core.inventory import Inventory, SeenGpu, SourceState
from sentinel.core.workload import Workload
from sentinel.inventory.attribution.carried import carried, carried_with
from sentinel.inventory.attribution.contained import listed_container, unlisted_container
from sentinel.inventory.attribution.hosted import host_process, slurm_job
from sentinel.inventory.attribution.joining import JOB, PROCESS, Joined, Listed, join, listed, placements
from sentinel.inventory.attribution.memory import Memory, memory_from, memory_json
from sentinel.inventory.attribution.scene import Scene
from sentinel.inventory.attribution.sourcing import ENGINES
from sentinel.inventory.observation import Observation, Settings

__all__ = ["Memory", "attribute", "memory_from", "memory_json"]


def attribute(
    observation: Observation, previous: Inventory | None, memory: Memory | None, settings: Settings
) -> tuple[Inventory, Memory]:
    """The inventory after this look, and what to remember for the next one.

    `previous` and `memory` are what the last call returned; None when there was none. Without `memory` no
    processor shares are known this time, and idle times count from now.
    """
    scene = Scene(observation, previous, memory or Memory(), settings)
    scene.placed = placements(observation.processes)
    containers = _listed(scene)
    earlier = _by_pid(scene)
    joined = join(scene.holdings.uses, observation, scene.placed, containers, earlier)
    workloads = _workloads(scene, containers, joined)
    inventory = Inventory(
        node=observation.node,
        scanned_at=observation.at,
        boot_id=observation.boot_id,
        sources=scene.sources,
        gpus=_gpus(scene),
        workloads=tuple(workloads.values()),
    )
    return inventory, Memory(
        boot_id=observation.boot_id,
        counters=scene.counters,
        judged=scene.judged,
        judged_by=scene.judged_by,
    )


def _listed(scene: Scene) -> dict[str, Listed]:
    """What the engines list. One that a silent engine told of stays its own, whoever else lists it too."""
    found = listed(scene.observation.engines)
    return {
        id: one
        for id, one in found.items()
        if id not in scene.before or not _of_silent_engine(scene, scene.before[id])
    }


def _of_silent_engine(scene: Scene, before: Workload) -> bool:
    return before.source in ENGINES and scene.silent(before.source)


def _by_pid(scene: Scene) -> dict[int, Workload]:
    """The workload that each pid belonged to before, on this boot."""
    if not scene.same_boot:
        return {}
    return {pid: one for one in scene.before.values() for pid in one.pids}


def _workloads(scene: Scene, containers: dict[str, Listed], joined: Joined) -> dict[str, Workload]:
    found: dict[str, Workload] = {}
    for id, one in containers.items():
        found[id] = listed_container(scene, one, joined.containers.get(id, []))
    for id, pids in joined.containers.items():
        if id not in found:
            found[id] = _by_cgroup(scene, id, pids)
    for job, pids in joined.jobs.items():
        found[f"{JOB}{job}"] = slurm_job(scene, job, pids)
    known = _known_processes(scene)
    for pid, contradiction in joined.processes.items():
        workload = host_process(scene, pid, contradiction, known)
        found[workload.id] = workload
    for id, before in scene.before.items():
        if id not in found and (kept := carried(scene, before)) is not None:
            found[id] = kept
    return found


def _by_cgroup(scene: Scene, id: str, pids: list[int]) -> Workload:
    before = scene.before.get(id)
    if before is None or before.image is None:
        return unlisted_container(scene, id, pids)
    return carried_with(scene, before, pids)


def _known_processes(scene: Scene) -> dict[int, Workload]:
    """The host processes of before, by pid, on this boot."""
    if not scene.same_boot:
        return {}
    return {one.pid: one for one in scene.before.values() if one.pid and one.id.startswith(PROCESS)}


def _gpus(scene: Scene) -> tuple[SeenGpu, ...]:
    """The GPUs as seen now, or as they were while nobody can tell."""
    if scene.sources["gpus"].state is SourceState.UNKNOWN:
        return scene.previous.gpus if scene.previous else ()
    return tuple(
        SeenGpu(
            index=gpu.index,
            uuid=gpu.uuid,
            name=gpu.name,
            memory_total_bytes=gpu.memory_total_bytes,
            memory_used_bytes=gpu.memory_used_bytes,
        )
        for gpu in scene.holdings.gpus
    )
