"""Workloads without a container: host processes and Slurm jobs. Called by `attribute`."""

from sentinel.core.process_facts import ProcessFacts, Usage
from sentinel.core.workload import Evidence, Origin, Trust, Workload
from sentinel.inventory.attribution.joining import JOB, PROCESS
from sentinel.inventory.attribution.scene import Scene, remembering, running
from sentinel.inventory.evidence.origin import Classified, job_origin, process_origin
from sentinel.inventory.evidence.owner import Owner, job_owner, process_owner
from sentinel.inventory.evidence.redact import redacted

_SLACK = 1.0  # seconds that a start by the clock and one by the boot may lie apart


def host_process(scene: Scene, pid: int, contradiction: str | None, known: dict[int, Workload]) -> Workload:
    """A process that is in nothing else. `known` are the host processes of before by pid, on this boot."""
    look = scene.observation
    member = scene.member(pid)
    facts = member[0] if member else None
    id = _id(scene, pid, facts, known.get(pid))
    before = scene.before.get(id)
    covered, service = scene.leases.covered.get(pid), scene.leases.services.get(pid)
    origin, owner, command = scene.judge(
        id,
        (member, covered, service),
        lambda: (
            process_origin(facts, scene.people, covered=covered, service=service),
            process_owner(member, scene.people),
            redacted(facts.command) if facts and facts.command else None,
        ),
    )
    if before is not None:
        origin = _origin_kept(scene, origin, before, facts)
        owner = owner if facts is not None else _owner_of(before)
    measured = scene.measure(id, [pid], (), look.process_usage.get(pid))
    name = facts.name if facts else _listed_name(scene, pid)
    started_at = facts.started_at if facts else None
    return Workload(
        id=id,
        origin=origin.origin,
        category=origin.category,
        state=running(measured),
        name=before.name if before and facts is None else name,
        user=owner.user,
        user_evidence=owner.evidence,
        origin_evidence=origin.evidence,
        gpu_access=True,
        gpu_evidence=on_gpus(scene, measured.gpus),
        conflicts=(*origin.conflicts, *owner.conflicts, *((contradiction,) if contradiction else ())),
        gpus=measured.gpus,
        gpu_memory_bytes=measured.memory_bytes,
        gpu_utilization_percent=measured.utilization_percent,
        cpu_percent=measured.cpu_percent,
        memory_bytes=measured.host_memory_bytes,
        command=command or (before.command if before else None),
        pid=pid,
        pids=(pid,),
        process=facts.process if facts else before.process if before else None,
        started_at=before.started_at if before and before.started_at is not None else started_at,
        first_seen_at=before.first_seen_at if before else look.at,
        last_seen_at=look.at,
        transient=before is None,
        quiet_since=measured.quiet_since,
        idle_since=measured.idle_since,
        mark=before.mark if before else None,
        source="gpus",
        seen_running=True,
    )


def slurm_job(scene: Scene, job: str, pids: list[int]) -> Workload:
    """All processes of a job as one workload; its `process` is one of them that lives."""
    look, id = scene.observation, f"{JOB}{job}"
    before = scene.before.get(id) if scene.same_boot else None
    members = [member for pid in pids if (member := scene.member(pid)) is not None]
    origin, owner, command = scene.judge(
        id,
        members,
        lambda: (
            job_origin(job, by_cgroup=any(placement.slurm_job == job for _, placement in members)),
            job_owner(members, scene.people),
            redacted(members[0][0].command) if members and members[0][0].command else None,
        ),
    )
    if before is not None:
        if not members:
            origin = _as_before(before)
        owner = remembering(owner, before.user_evidence)
    measured = scene.measure(id, pids, (), look.group_usage.get(id) or _together(scene, pids))
    first = members[0][0] if members else None
    starts = [facts.started_at for facts, _ in members if facts.started_at is not None]
    return Workload(
        id=id,
        origin=origin.origin,
        category=origin.category,
        state=running(measured),
        name=f"job {job}",
        user=owner.user,
        user_evidence=owner.evidence,
        origin_evidence=origin.evidence,
        gpu_access=True,
        gpu_evidence=on_gpus(scene, measured.gpus),
        conflicts=(*origin.conflicts, *owner.conflicts),
        gpus=measured.gpus,
        gpu_memory_bytes=measured.memory_bytes,
        gpu_utilization_percent=measured.utilization_percent,
        cpu_percent=measured.cpu_percent,
        memory_bytes=measured.host_memory_bytes,
        command=command or (before.command if before else None),
        pid=first.process.pid if first else pids[0],
        pids=tuple(sorted(pids)),
        process=first.process if first else before.process if before else None,
        runtime="slurm",
        slurm_job=job,
        started_at=before.started_at if before else min(starts, default=None),
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


def _id(scene: Scene, pid: int, facts: ProcessFacts | None, before: Workload | None) -> str:
    """The process's id. One that could not be looked at before keeps the id that it got then."""
    boot = scene.observation.boot_id[:8]
    if before is not None and (facts is None or before.process == facts.process):
        return before.id
    if before is not None and before.process is None and facts is not None:
        seen, started = before.first_seen_at, facts.started_at
        if seen is None or started is None or started <= seen + _SLACK:
            return before.id
    return f"{PROCESS}{pid}:{facts.process.started if facts else 0}:{boot}"


def _origin_kept(
    scene: Scene, origin: Classified, before: Workload, facts: ProcessFacts | None
) -> Classified:
    """The origin; the former one where who would tell now does not answer."""
    by_arbiter = before.origin is Origin.SENTINEL and origin.origin is not Origin.SENTINEL
    if (by_arbiter and scene.silent("arbiter")) or (facts is None and origin.origin is Origin.UNKNOWN):
        return _as_before(before)
    return origin


def _as_before(before: Workload) -> Classified:
    return Classified(origin=before.origin, category=before.category, evidence=before.origin_evidence)


def _owner_of(before: Workload) -> Owner:
    return Owner(user=before.user, evidence=before.user_evidence)


def _listed_name(scene: Scene, pid: int) -> str:
    names = (process.name for _, process in scene.holdings.uses.get(pid, ()) if process.name)
    return next(names, f"process {pid}").rsplit("/", 1)[-1]


def on_gpus(scene: Scene, gpus: tuple[str, ...]) -> tuple[Evidence, ...]:
    """The driver's own word for being on these GPUs."""
    return scene.judge(f"on:{gpus}", None, lambda: _seen_on(scene, gpus))


def _seen_on(scene: Scene, gpus: tuple[str, ...]) -> tuple[Evidence, ...]:
    names = ", ".join(str(gpu.index) for gpu in scene.holdings.gpus if gpu.uuid in gpus)
    return (
        Evidence(value="yes", source="gpu-process-list", trust=Trust.KERNEL, detail=f"seen on GPU {names}"),
    )


def _together(scene: Scene, pids: list[int]) -> Usage | None:
    """What a job's processes use together, where its cgroup can't be read. Processor time only of one:

    a sum would run backwards when one of them ends.
    """
    usages = [scene.observation.process_usage.get(pid) for pid in pids]
    if any(one is None or one.memory_bytes is None for one in usages):
        return None
    seconds = usages[0].cpu_seconds if len(usages) == 1 and usages[0] else None
    memory = sum(one.memory_bytes or 0 for one in usages if one)
    return Usage(cpu_seconds=seconds, memory_bytes=memory)
