"""Which process belongs to which workload. Called by attribution; `wanted_pids` by whoever looks.

By the kernel's cgroup; where that is hidden, by the pid of a container's first process, or by what the same
process belonged to before. Every pid that the driver lists ends up in exactly one workload.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sentinel.core.container import Container, ContainerSummary
from sentinel.core.gpu import GpuReading
from sentinel.core.inventory import Inventory
from sentinel.core.process_facts import ProcessFacts
from sentinel.core.workload import Workload
from sentinel.inventory.attribution.sourcing import ENGINES
from sentinel.inventory.evidence.placement import Placement, place
from sentinel.inventory.observation import Answer, Engine, Observation, Seen

PROCESS = "process:"
JOB = "slurm:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A container as its engine lists it, and as its inspection told, where there was one."""

    engine: str
    summary: ContainerSummary
    container: Container | None


@dataclass(slots=True, kw_only=True)
class Joined:
    """Pids by where they belong: a container's id, a Slurm job, or nothing but themselves."""

    containers: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    jobs: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    processes: dict[int, str | None] = field(default_factory=dict[int, "str | None"])  # pid → a contradiction


def wanted_pids(
    gpus: Answer[GpuReading], engines: Mapping[str, Answer[Engine]], previous: Inventory | None, boot_id: str
) -> frozenset[int]:
    """The pids whose facts attribution needs: on GPUs, first in containers, and those known from before."""
    found: set[int] = set()
    if isinstance(gpus, Seen):
        found.update(one.pid for gpu in gpus.value.gpus for one in gpu.processes or ())
    for answer in engines.values():
        if isinstance(answer, Seen):
            found.update(one.pid for one in answer.value.details.values() if one.pid)
    if previous is not None and previous.boot_id == boot_id:
        for workload in previous.workloads:
            found.update(workload.pids)
            if workload.process is not None:
                found.add(workload.process.pid)
    return frozenset(found)


def listed(engines: Mapping[str, Answer[Engine]]) -> dict[str, Listed]:
    """Every container by its id. Of engines that list the same one, the first in ENGINES counts."""
    found: dict[str, Listed] = {}
    for name in (*ENGINES, *(name for name in engines if name not in ENGINES)):
        answer = engines.get(name)
        if not isinstance(answer, Seen):
            continue
        details = answer.value.details
        for summary in answer.value.summaries:
            if summary.id not in found:
                found[summary.id] = Listed(engine=name, summary=summary, container=details.get(summary.id))
    return found


def placements(processes: Mapping[int, ProcessFacts]) -> dict[int, Placement]:
    """Where each process sits; those whose cgroups are hidden are left out."""
    return {pid: place(facts.cgroups) for pid, facts in processes.items() if facts.cgroups is not None}


def join(
    pids: Iterable[int],
    observation: Observation,
    placed: Mapping[int, Placement],
    containers: Mapping[str, Listed],
    earlier: Mapping[int, Workload],
) -> Joined:
    """Where these pids belong. `earlier` is the workload that each pid belonged to before, on this boot."""
    first = _first_pids(containers)
    joined = Joined()
    for pid in pids:
        placement = placed.get(pid)
        if placement is None:
            _by_pid(pid, first, earlier.get(pid), joined)
            continue
        container = placement.container_id
        if container in containers and container is not None:
            if _claimed(placement, containers[container], placed):
                what = f"its cgroup is named as if it were in container {container[:12]}, which is elsewhere"
                joined.processes[pid] = what
                continue
            joined.containers.setdefault(container, []).append(pid)
        elif placement.slurm_job and (container is None or not _was_container(earlier.get(pid), container)):
            joined.jobs.setdefault(placement.slurm_job, []).append(pid)
        elif container is not None:
            joined.containers.setdefault(container, []).append(pid)
        elif job := declared_job(observation.processes.get(pid)):
            joined.jobs.setdefault(job, []).append(pid)
        else:
            joined.processes[pid] = None
    for job, members in joined.jobs.items():
        # Who is in the job by the kernel's word comes before those who merely say so.
        members.sort(key=lambda pid: (pid not in placed or placed[pid].slurm_job != job, pid))
        for pid in _strangers(job, members, observation.processes, placed):
            members.remove(pid)
            joined.processes[pid] = f"its environment names Slurm job {job}, which is another user's"
    return joined


def _strangers(
    job: str, members: list[int], processes: Mapping[int, ProcessFacts], placed: Mapping[int, Placement]
) -> list[int]:
    """Who merely says so, and is another user's than the first of the job's processes."""
    first = processes.get(members[0])
    if first is None or first.uid is None:
        return []
    return [
        pid
        for pid in members[1:]
        if placed.get(pid) is not None
        and placed[pid].slurm_job != job
        and (facts := processes.get(pid)) is not None
        and facts.uid not in (None, first.uid)
    ]


def declared_job(facts: ProcessFacts | None) -> str | None:
    """The Slurm job that a process's environment names."""
    job = facts.variables.get("SLURM_JOB_ID", "") if facts else ""
    return job if job.isascii() and job.isdigit() and len(job) <= 20 else None


def _first_pids(containers: Mapping[str, Listed]) -> dict[int, str]:
    return {
        one.container.pid: id
        for id, one in containers.items()
        if one.container is not None and one.container.pid and one.summary.state.alive
    }


def _by_pid(pid: int, first: Mapping[int, str], before: Workload | None, joined: Joined) -> None:
    if pid in first:
        joined.containers.setdefault(first[pid], []).append(pid)
    elif before is None or before.id.startswith(PROCESS):
        joined.processes[pid] = None
    elif before.id.startswith(JOB):
        joined.jobs.setdefault(before.id.removeprefix(JOB), []).append(pid)
    else:
        joined.containers.setdefault(before.id, []).append(pid)


def _claimed(placement: Placement, one: Listed, placed: Mapping[int, Placement]) -> bool:
    """Whether a user named a folder of their own like a container that runs somewhere else."""
    pid = one.container.pid if one.container else None
    where = placed.get(pid) if pid else None
    return placement.delegated and where is not None and where.login_uid_slice != placement.login_uid_slice


def _was_container(before: Workload | None, id: str) -> bool:
    return before is not None and before.id == id
