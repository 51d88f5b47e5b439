"""How a workload was started, and in which drawer that puts it, with the evidence.

Called by attribution. Sentinel's and DS01's own labels come first: they are the contract with whoever starts
containers for them. Kubernetes and Slurm are told by the kernel's cgroups; everything else is told by labels.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sentinel.core.container import Container
from sentinel.core.process_facts import ProcessFacts
from sentinel.core.workload import Category, Evidence, Origin, Trust
from sentinel.inventory.evidence.people import People
from sentinel.inventory.evidence.placement import Placement
from sentinel.inventory.observation import Covered

DS01 = "ds01.managed"
SENTINEL = "sentinel.managed"
POD_UID = "io.kubernetes.pod.uid"
_COMPOSE = ("com.docker.compose.project", "io.podman.compose.project")
_DEVCONTAINER = "devcontainer."
_POD_RUNTIMES = frozenset({"containerd", "crio", "kubepods"})

_DRAWERS = {
    Origin.SENTINEL: Category.MANAGED,
    Origin.DS01: Category.MANAGED,
    Origin.HOST: Category.HOST,
    Origin.SYSTEM: Category.HOST,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Classified:
    """`origin`, its `category`, what says so, and sentences about what says otherwise."""

    origin: Origin
    category: Category
    evidence: tuple[Evidence, ...] = ()
    conflicts: tuple[str, ...] = ()


def container_origin(
    container: Container, placement: Placement | None, covered: Covered | None = None
) -> Classified:
    """Of a container that an engine lists. `placement` is its first process's; None when that is unknown."""
    labels = container.labels
    conflicts = _pod_conflicts(container, placement)
    for key, origin in ((DS01, Origin.DS01), (SENTINEL, Origin.SENTINEL)):
        if labels.get(key, "").strip().lower() == "true":
            return _container(origin, f"label:{key}", Trust.DECLARED, f"{key}={labels[key]}", conflicts)
    if covered is not None:
        return _container(Origin.SENTINEL, "arbiter", Trust.KERNEL, _lease(covered), conflicts)
    if placement is not None and placement.pod_uid:
        return _container(Origin.KUBERNETES, "cgroup", Trust.KERNEL, f"pod {placement.pod_uid}", conflicts)
    if placement is not None and placement.slurm_job:
        return _container(Origin.SLURM, "cgroup", Trust.KERNEL, f"job {placement.slurm_job}", conflicts)
    if placement is None and labels.get(POD_UID):
        detail = f"pod {labels[POD_UID]}"
        return _container(Origin.KUBERNETES, f"label:{POD_UID}", Trust.DECLARED, detail, conflicts)
    return _by_labels(labels, conflicts) or _by_engine(container, conflicts)


def unlisted_origin(placement: Placement) -> Classified:
    """Of a container that only its cgroup tells of, because no engine lists it or answers."""
    if placement.pod_uid:
        return _container(Origin.KUBERNETES, "cgroup", Trust.KERNEL, f"pod {placement.pod_uid}")
    if placement.slurm_job:
        return _container(Origin.SLURM, "cgroup", Trust.KERNEL, f"job {placement.slurm_job}")
    runtime = placement.runtime or "an unknown runtime"
    return _container(Origin.UNKNOWN, "cgroup", Trust.KERNEL, f"a container of {runtime} that is not listed")


def job_origin(job: str, *, by_cgroup: bool) -> Classified:
    """Of processes in a Slurm job."""
    if by_cgroup:
        return _host(Origin.SLURM, "cgroup", Trust.KERNEL, f"job {job}")
    return _host(Origin.SLURM, "env:SLURM_JOB_ID", Trust.DECLARED, f"job {job}")


def process_origin(
    facts: ProcessFacts | None, people: People, *, covered: Covered | None = None, service: str | None = None
) -> Classified:
    """Of a process in no container and no job. `facts` None: it can't be looked at."""
    if service is not None:
        return _host(Origin.SENTINEL, "arbiter", Trust.KERNEL, f"inference service {service}")
    if covered is not None:
        return _host(Origin.SENTINEL, "arbiter", Trust.KERNEL, _lease(covered))
    if facts is None:
        return _host(Origin.UNKNOWN, "gpu-process-list", Trust.KERNEL, "its process can't be looked at")
    if facts.uid is None:
        return _host(Origin.UNKNOWN, "process-uid", Trust.KERNEL, "whose process it is can't be read")
    if not people.person(facts.uid) and not people.person(facts.login_uid):
        detail = f"runs as {people.name(facts.uid)} (uid {facts.uid}), and nobody logged in for it"
        return _host(Origin.SYSTEM, "process-uid", Trust.KERNEL, detail)
    return _host(Origin.HOST, "cgroup", Trust.KERNEL, "in no container and no job")


# ------------------------------------------------------------------ parts


def _by_labels(labels: Mapping[str, str], conflicts: tuple[str, ...]) -> Classified | None:
    devcontainer = next((key for key in labels if key.startswith(_DEVCONTAINER)), None)
    if devcontainer is not None:
        return _container(Origin.DEVCONTAINER, f"label:{devcontainer}", Trust.DECLARED, "", conflicts)
    for key in _COMPOSE:
        if key in labels:
            detail = f"project {labels[key]}"
            return _container(Origin.COMPOSE, f"label:{key}", Trust.DECLARED, detail, conflicts)
    return None


def _by_engine(container: Container, conflicts: tuple[str, ...]) -> Classified:
    origin = {"docker": Origin.DOCKER, "podman": Origin.PODMAN}.get(container.engine, Origin.UNKNOWN)
    detail = f"listed by {container.engine}, with nothing that says who started it"
    return _container(origin, "engine", Trust.RUNTIME, detail, conflicts)


def _pod_conflicts(container: Container, placement: Placement | None) -> tuple[str, ...]:
    labelled = container.labels.get(POD_UID)
    if not labelled or placement is None:
        return ()
    if not placement.pod_uid:
        return (f"label {POD_UID} says pod {labelled}, but its cgroup is in no pod",)
    # A static pod's cgroup carries a hash in place of the uid that the API server gave it.
    if "-" in placement.pod_uid and "-" in labelled and labelled != placement.pod_uid:
        return (f"label {POD_UID} says pod {labelled}, but its cgroup is in pod {placement.pod_uid}",)
    return ()


def _lease(covered: Covered) -> str:
    return f"lease {covered.lease} of {covered.user}"


def _container(
    origin: Origin, source: str, trust: Trust, detail: str, conflicts: tuple[str, ...] = ()
) -> Classified:
    return Classified(
        origin=origin,
        category=_DRAWERS.get(origin, Category.CONTAINER),
        evidence=(Evidence(value=origin.value, source=source, trust=trust, detail=detail),),
        conflicts=conflicts,
    )


def _host(origin: Origin, source: str, trust: Trust, detail: str) -> Classified:
    return Classified(
        origin=origin,
        category=_DRAWERS.get(origin, Category.HOST),
        evidence=(Evidence(value=origin.value, source=source, trust=trust, detail=detail),),
    )
