"""What becomes of workloads that this look did not show: known to be gone, still there, or unknown.

Called by `attribute`. A workload is gone only when whoever told of it answers and tells no more.
"""

from dataclasses import replace

from sentinel.core.inventory import SourceState
from sentinel.core.workload import Workload, WorkloadState
from sentinel.inventory.attribution.joining import JOB, PROCESS, declared_job
from sentinel.inventory.attribution.scene import Scene, running
from sentinel.inventory.attribution.sourcing import ENGINES
from sentinel.inventory.evidence.placement import Placement


def carried(scene: Scene, before: Workload) -> Workload | None:
    """`before` as it stands now, no process of it being on a GPU and no engine listing it; None: gone."""
    if before.source in ENGINES:
        return _kept(scene, before) if scene.silent(before.source) else None
    if not scene.same_boot:
        return _unlisted_after_boot(scene, before)
    if scene.sources["gpus"].state is SourceState.ABSENT:
        return None
    if _lives(scene, before) or not scene.holdings.tells(before.gpus):
        return _kept(scene, before)
    if before.process is not None and scene.silent("processes"):
        return _kept(scene, before)  # off the GPU, and nobody can tell whether it has ended
    return _kept(scene, before) if _engine_silent(scene, before) else None


def carried_with(scene: Scene, before: Workload, pids: list[int]) -> Workload:
    """A container that its engine does not list now, and whose processes `pids` are on GPUs: it runs."""
    measured = scene.measure(before.id, pids, before.gpus, scene.observation.group_usage.get(before.id))
    paused = before.state is WorkloadState.PAUSED
    known = tuple(dict.fromkeys((*(before.gpus or ()), *measured.gpus)))
    restarted = not before.seen_running
    member = scene.member(pids[0])
    lives = scene.alive(before)
    return replace(
        before,
        state=WorkloadState.PAUSED if paused else running(measured),
        gpu_access=True,
        gpus=known,
        gpu_memory_bytes=measured.memory_bytes,
        gpu_utilization_percent=measured.utilization_percent,
        cpu_percent=measured.cpu_percent,
        memory_bytes=measured.host_memory_bytes,
        pid=before.pid if lives else pids[0],
        pids=tuple(sorted(pids)),
        process=before.process if lives else member[0].process if member else None,
        started_at=None if restarted else before.started_at,
        last_seen_at=scene.observation.at,
        transient=False,
        quiet_since=measured.quiet_since,
        idle_since=measured.idle_since,
        source=before.source if scene.silent(before.source) else "gpus",
        seen_running=True,
    )


def _kept(scene: Scene, before: Workload) -> Workload:
    """Still there when its first process is; else nobody knows."""
    lives = _lives(scene, before)
    look = scene.observation
    pids = list(before.pids) if before.id.startswith(PROCESS) else []
    usage = look.group_usage.get(before.id) or look.process_usage.get(before.pid or -1)
    measured = scene.measure(before.id, pids, before.gpus, usage if lives else None)
    host = before.source == "gpus" and scene.holdings.known
    state = WorkloadState.UNKNOWN
    if lives:
        paused = before.state is WorkloadState.PAUSED
        state = WorkloadState.PAUSED if paused else running(measured)
    return replace(
        before,
        state=state,
        gpus=() if lives and host and measured.tells else before.gpus,
        gpu_memory_bytes=measured.memory_bytes,
        gpu_utilization_percent=measured.utilization_percent,
        cpu_percent=measured.cpu_percent if lives else None,
        memory_bytes=measured.host_memory_bytes if lives else None,
        pid=before.pid if scene.same_boot else None,
        pids=before.pids if scene.same_boot and not measured.tells else (),
        process=before.process if scene.same_boot else None,
        last_seen_at=look.at if lives else before.last_seen_at,
        transient=before.transient and not lives,
        quiet_since=measured.quiet_since,
        idle_since=measured.idle_since,
    )


def _lives(scene: Scene, before: Workload) -> bool:
    """Whether the kernel still shows what the workload hangs on. That it does not proves nothing."""
    if scene.alive(before) is not None:
        return True
    if not before.id.startswith(JOB) or not scene.same_boot:
        return False
    job = before.id.removeprefix(JOB)
    processes = scene.observation.processes
    for pid in before.pids:
        where = scene.placed.get(pid, Placement())
        if where.slurm_job == job or (pid in processes and declared_job(processes[pid]) == job):
            return True
    return False


def _unlisted_after_boot(scene: Scene, before: Workload) -> Workload | None:
    """Of another boot: processes are gone for certain; a container may have been started again."""
    host = before.id.startswith((PROCESS, JOB))
    return _kept(scene, before) if not host and _engine_silent(scene, before) else None


def _engine_silent(scene: Scene, before: Workload) -> bool:
    """Whether the engine that would list this container, known by its cgroup only, does not answer."""
    if before.id.startswith((PROCESS, JOB)):
        return False
    return scene.silent(before.runtime) if before.runtime in ENGINES else False
