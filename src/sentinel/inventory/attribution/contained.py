"""Workloads that are containers: those an engine lists, and those that only a cgroup tells of.

Called by `attribute`.
"""

from dataclasses import dataclass

from sentinel.core.container import Container, ContainerState, ContainerSummary
from sentinel.core.workload import Category, Evidence, Workload, WorkloadState
from sentinel.inventory.attribution.hosted import on_gpus
from sentinel.inventory.attribution.joining import Listed
from sentinel.inventory.attribution.scene import Measured, Scene, remembering, running, same_time
from sentinel.inventory.evidence.gpu_access import GpuAccess, gpu_access
from sentinel.inventory.evidence.origin import Classified, container_origin, unlisted_origin
from sentinel.inventory.evidence.owner import Member, Owner, container_owner
from sentinel.inventory.evidence.placement import Placement
from sentinel.inventory.evidence.redact import redacted

_STATES = {
    ContainerState.CREATED: WorkloadState.CREATED,
    ContainerState.RUNNING: WorkloadState.RUNNING,
    ContainerState.PAUSED: WorkloadState.PAUSED,
    ContainerState.RESTARTING: WorkloadState.RESTARTING,
    ContainerState.REMOVING: WorkloadState.EXITED,
    ContainerState.EXITED: WorkloadState.EXITED,
    ContainerState.DEAD: WorkloadState.EXITED,
    ContainerState.UNKNOWN: WorkloadState.UNKNOWN,
}
_UNSETTLED = (WorkloadState.UNKNOWN, WorkloadState.RESTARTING)
_BY_CGROUP = ("docker", "podman", "containerd", "crio", "kubepods")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """All that follows from a container's configuration and processes."""

    origin: Classified
    owner: Owner
    access: GpuAccess
    command: str | None
    pod: str | None
    runtime: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Access:
    has: bool | None
    gpus: tuple[str, ...] | None
    evidence: tuple[Evidence, ...]
    conflicts: tuple[str, ...] = ()


def listed_container(scene: Scene, one: Listed, pids: list[int]) -> Workload:
    """A container that an engine lists; `pids` are its processes on GPUs."""
    look, id, summary = scene.observation, one.summary.id, one.summary
    before = scene.before.get(id)
    alive = summary.state.alive
    detail = one.container
    container = detail or _outline(one.engine, summary)
    first = detail.pid if detail and alive else None
    members = _members(scene, first, pids)
    judged = scene.judge(
        id,
        (one.engine, detail or summary, members, scene.covered([*pids, first] if first else pids)),
        lambda: _judge(scene, container, detail is not None, members, pids),
    )
    started_at = detail.started_at if detail else before.started_at if before else None
    same_run = before is not None and same_time(before.started_at, started_at)
    origin, owner = _remembered(judged, before, members, forget=alive and not same_run and bool(members))
    given = judged.access if detail else _as_given(before, judged.access)
    usage = look.group_usage.get(id) if given.has is not False or pids else None
    measured = scene.measure(id, pids, given.gpus if alive else (), usage)
    access = _access(scene, given, measured, before)
    state = running(measured) if summary.state is ContainerState.RUNNING else _STATES[summary.state]
    running_now = state in (WorkloadState.RUNNING, WorkloadState.IDLE, WorkloadState.PAUSED)
    facts = look.processes.get(first) if first else None
    kept = before if before is not None and same_run and alive and scene.same_boot else None
    process = facts.process if facts else kept.process if kept else None
    return Workload(
        id=id,
        origin=origin.origin,
        category=origin.category,
        state=state,
        name=summary.name,
        user=owner.user,
        user_evidence=owner.evidence,
        origin_evidence=origin.evidence,
        gpu_access=access.has,
        gpu_evidence=access.evidence,
        conflicts=(*origin.conflicts, *owner.conflicts, *access.conflicts),
        gpus=access.gpus,
        gpu_memory_bytes=measured.memory_bytes,
        gpu_utilization_percent=measured.utilization_percent,
        cpu_percent=measured.cpu_percent,
        memory_bytes=measured.host_memory_bytes,
        image=summary.image or container.image,
        command=judged.command,
        pid=first or (kept.pid if kept and detail is None else None),
        pids=tuple(sorted(pids)),
        process=process,
        runtime=judged.runtime,
        pod=judged.pod or (before.pod if before else None),
        slurm_job=_slurm(members) or (before.slurm_job if before and same_run else None),
        created_at=container.created_at,
        started_at=started_at,
        first_seen_at=before.first_seen_at if before else look.at,
        last_seen_at=look.at,
        transient=before is None,
        quiet_since=measured.quiet_since,
        idle_since=measured.idle_since,
        mark=before.mark if before else None,
        source=one.engine,
        seen_running=running_now
        or (state in _UNSETTLED and same_run and before is not None and before.seen_running),
    )


def unlisted_container(scene: Scene, id: str, pids: list[int]) -> Workload:
    """A container that no engine lists: its processes on GPUs say that it runs."""
    look, before = scene.observation, scene.before.get(id)
    members = _members(scene, None, pids)
    placement = next((where for _, where in members if where.container_id == id), Placement(container_id=id))
    origin = unlisted_origin(placement)
    owner = container_owner(None, members, scene.people, scene.folders)
    if before is not None:
        owner = remembering(owner, before.user_evidence)
        if not members:
            origin = Classified(
                origin=before.origin, category=before.category, evidence=before.origin_evidence
            )
    measured = scene.measure(id, pids, (), look.group_usage.get(id))
    facts = members[0][0] if members else None
    return Workload(
        id=id,
        origin=origin.origin,
        category=origin.category,
        state=running(measured),
        name=before.name if before else f"container {id[:12]}",
        user=owner.user,
        user_evidence=owner.evidence,
        origin_evidence=origin.evidence,
        gpu_access=True,
        gpu_evidence=on_gpus(scene, measured.gpus),
        conflicts=owner.conflicts,
        gpus=measured.gpus,
        gpu_memory_bytes=measured.memory_bytes,
        gpu_utilization_percent=measured.utilization_percent,
        cpu_percent=measured.cpu_percent,
        memory_bytes=measured.host_memory_bytes,
        command=redacted(facts.command) if facts and facts.command else before.command if before else None,
        pid=facts.process.pid if facts else pids[0],
        pids=tuple(sorted(pids)),
        process=facts.process if facts else before.process if before and scene.same_boot else None,
        runtime=placement.runtime or (before.runtime if before else None),
        pod=_pod_name(scene, None, placement) or (before.pod if before else None),
        slurm_job=placement.slurm_job,
        started_at=before.started_at if before and scene.same_boot else None,
        first_seen_at=before.first_seen_at if before else look.at,
        last_seen_at=look.at,
        transient=before is None,
        quiet_since=measured.quiet_since,
        idle_since=measured.idle_since,
        mark=before.mark if before else None,
        source="gpus",
        seen_running=True,
    )


# ------------------------------------------------------------------ parts


def _outline(engine: str, summary: ContainerSummary) -> Container:
    """A container of which only the list tells."""
    return Container(
        id=summary.id,
        name=summary.name,
        image=summary.image,
        engine=engine,
        state=summary.state,
        command=tuple(summary.command.split()),
        created_at=summary.created_at,
        labels=summary.labels,
    )


def _members(scene: Scene, first: int | None, pids: list[int]) -> tuple[Member, ...]:
    order = pids if first is None else [first, *(pid for pid in sorted(pids) if pid != first)]
    return tuple(member for pid in order if (member := scene.member(pid)) is not None)


def _judge(
    scene: Scene, container: Container, inspected: bool, members: tuple[Member, ...], pids: list[int]
) -> _Judged:
    placement = _placement(members)
    everyone = [*pids, *([container.pid] if container.pid else ())]
    by_cgroup = placement.runtime if placement and placement.runtime in _BY_CGROUP else None
    access = gpu_access(container, scene.cards) if inspected else GpuAccess(has=None, gpus=None)
    return _Judged(
        origin=container_origin(container, placement, scene.covered(everyone)),
        owner=container_owner(container, members, scene.people, scene.folders),
        access=_with_pod(scene, container, placement, access),
        command=redacted(container.command) if container.command else None,
        pod=_pod_name(scene, container, placement),
        runtime=by_cgroup or container.engine,
    )


def _placement(members: tuple[Member, ...]) -> Placement | None:
    """Where the first process sits whose cgroup is known."""
    return next((where for facts, where in members if facts.cgroups is not None), None)


def _pod_name(scene: Scene, container: Container | None, placement: Placement | None) -> str | None:
    """ "namespace/name" where anyone tells it, else the pod's uid."""
    uid = placement.pod_uid if placement else None
    named = next((pod.name for pod in scene.pods if uid and pod.uid == uid), None)
    return named or (container.pod if container else None) or uid


def _with_pod(
    scene: Scene, container: Container, placement: Placement | None, access: GpuAccess
) -> GpuAccess:
    """The GPUs that the kubelet gave the pod are the container's, where it may use any."""
    name = _pod_name(scene, container, placement)
    uid = placement.pod_uid if placement else None
    pod = next((pod for pod in scene.pods if pod.name == name or (uid and pod.uid == uid)), None)
    if pod is None or not pod.gpus or not access.has or access.gpus is not None:
        return access
    given = {scene.cards.mig.get(uuid, uuid) for uuid in pod.gpus}
    gpus = tuple(gpu.uuid for gpu in scene.cards.gpus if gpu.uuid in given)
    return GpuAccess(has=True, gpus=gpus or None, evidence=access.evidence)


def _remembered(
    judged: _Judged, before: Workload | None, members: tuple[Member, ...], *, forget: bool
) -> tuple[Classified, Owner]:
    """Origin and owner, with what the kernel said while there were processes to ask about."""
    if before is None or forget:
        return judged.origin, judged.owner
    origin = judged.origin
    told = before.origin_evidence[:1]
    if _placement(members) is None and told and told[0].source in ("cgroup", "arbiter"):
        kept = Classified(origin=before.origin, category=before.category, evidence=before.origin_evidence)
        origin = origin if origin.category is Category.MANAGED else kept
    return origin, remembering(judged.owner, before.user_evidence)


def _as_given(before: Workload | None, nothing: GpuAccess) -> GpuAccess:
    """What an earlier inspection gave, where there is none now."""
    if before is None:
        return nothing
    return GpuAccess(has=before.gpu_access, gpus=before.gpus, evidence=before.gpu_evidence)


def _access(scene: Scene, given: GpuAccess, measured: Measured, before: Workload | None) -> _Access:
    """What is given and what is seen, put together."""
    if measured.gpus:
        seen = on_gpus(scene, measured.gpus)
        evidence = (*seen, *(one for one in given.evidence if one.source != "gpu-process-list"))
        which = measured.gpus
        if given.gpus:
            which = tuple(dict.fromkeys((*given.gpus, *measured.gpus)))
        if given.has is False:
            why = f"it is {seen[0].detail}, but its configuration gives it none"
            return _Access(has=True, gpus=which, evidence=evidence, conflicts=(why,))
        return _Access(has=True, gpus=which, evidence=evidence)
    if not measured.tells and before is not None and before.gpu_access is not None:
        kept = tuple(one for one in before.conflicts if one.startswith("it is seen on GPU"))
        return _Access(has=before.gpu_access, gpus=before.gpus, evidence=before.gpu_evidence, conflicts=kept)
    return _Access(has=given.has, gpus=given.gpus, evidence=given.evidence)


def _slurm(members: tuple[Member, ...]) -> str | None:
    return next((where.slurm_job for _, where in members if where.slurm_job), None)
