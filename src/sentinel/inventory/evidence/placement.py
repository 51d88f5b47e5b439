"""Where a process sits, by its cgroups: which container, pod, Slurm job, unit or login.

Called for every process that attribution looks at. The kernel writes the path, and only who may write to
the folder moves a process into it, so this is the evidence that cannot be forged: but below
`user@UID.service` users make folders as they like, and there no Slurm job is believed.

What comes in are the lines of /proc/PID/cgroup, "ID:CONTROLLERS:PATH" (v1, v2 or both), or bare paths.

Nested containers: the OUTERMOST is the one that this machine's engine lists, so that one is meant. Inside a
pod it is the pod's own container (kind: node container → kubelet → pod); the one around it is
`outer_container_id` then.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """What the path says. None is: nothing of the kind."""

    container_id: str | None = None
    outer_container_id: str | None = None  # of the container around a pod, as in kind
    runtime: str | None = None  # "docker", "containerd", "crio", "podman", "kubepods", "slurm", …
    pod_uid: str | None = None
    slurm_job: str | None = None
    slurm_step: str | None = None
    slurm_uid: int | None = None
    unit: str | None = None  # the innermost service or scope of systemd
    login_uid_slice: int | None = None  # of user-UID.slice
    delegated: bool = False  # below user@UID.service, where that user makes the folders
    machine: str | None = None  # a virtual machine or a system container: no container of ours
    monitor: bool = False  # the process that watches a container, not the container


NOWHERE = Placement()

_RUNTIMES = {
    "docker": "docker",
    "cri-containerd": "containerd",
    "containerd": "containerd",
    "nerdctl": "containerd",
    "crio": "crio",
    "cri-o": "crio",
    "crio-conmon": "crio-conmon",
    "libpod": "podman",
    "libpod-payload": "podman",
    "libpod-conmon": "podman-conmon",
}
_BARE = {
    "docker": "docker",
    "libpod_parent": "podman",
    "default": "containerd",
    "moby": "docker",
    "k8s.io": "containerd",
    "ecs": "ecs",
}
_MONITORS = frozenset({"podman-conmon", "crio-conmon"})

_LINE = re.compile(r"\d+:[^:]*:(.*)", re.DOTALL)
_ESCAPE = re.compile(r"\\x([0-9a-fA-F]{2})")
_CONTAINER = re.compile(r"(?:([A-Za-z][A-Za-z0-9._-]*)-)?([0-9a-f]{64})(?:\.scope)?")
_FARGATE = re.compile(r"[0-9a-f]{32}-\d{1,20}")
_POD = re.compile(
    r"(?:.*-)?pod([0-9a-f]{8}([_-])[0-9a-f]{4}\2[0-9a-f]{4}\2[0-9a-f]{4}\2[0-9a-f]{12}|[0-9a-f]{32})(?:\.slice)?"
)
_SLURM_ROOT = re.compile(r"slurm(?:_.+)?|(?:.+_)?slurmstepd\.scope")
_SLURM_JOB = re.compile(r"job_([0-9]{1,20})")
_SLURM_STEP = re.compile(r"step_([A-Za-z0-9_+.-]{1,40})")
_SLURM_UID = re.compile(r"uid_([0-9]{1,10})")
_USER_SLICE = re.compile(r"user-([0-9]{1,10})\.slice")
_USER_MANAGER = re.compile(r"user@[0-9]{1,10}\.service")
_MACHINE = re.compile(r"machine-(.+)\.scope|lxc\.payload\.(.+)|systemd-nspawn@(.+)\.service")


def place(lines: Sequence[str]) -> Placement:
    """What these lines say together. Takes any text; never raises.

    On v1 each controller has a path of its own: a container or job counts wherever it is named, since
    only some controllers may have been set up for it.
    """
    return _placed(tuple(lines))


@lru_cache(maxsize=8192)
def _placed(lines: tuple[str, ...]) -> Placement:
    return _merged(tuple(dict.fromkeys(map(_path, lines))))


def _path(line: str) -> str:
    found = _LINE.fullmatch(line)
    path = found[1] if found else line
    return path.strip().removesuffix(" (deleted)")


def _merged(paths: tuple[str, ...]) -> Placement:
    placed = [_one(path) for path in paths]
    if len(placed) == 1:
        return placed[0]
    contained = max(placed, key=_rank, default=NOWHERE)
    job = next((one for one in placed if one.slurm_job), NOWHERE)
    seat = next((one for one in placed if one.unit), NOWHERE)
    login = next((one for one in placed if one.login_uid_slice is not None), NOWHERE)
    return Placement(
        container_id=contained.container_id,
        outer_container_id=contained.outer_container_id,
        runtime=contained.runtime or job.runtime,
        pod_uid=contained.pod_uid,
        slurm_job=job.slurm_job,
        slurm_step=next((p.slurm_step for p in placed if p.slurm_step), None),
        slurm_uid=next((p.slurm_uid for p in placed if p.slurm_uid is not None), None),
        unit=contained.unit or seat.unit,
        login_uid_slice=login.login_uid_slice,
        delegated=contained.delegated if contained.container_id else any(one.delegated for one in placed),
        machine=next((one.machine for one in placed if one.machine), None),
        monitor=contained.monitor,
    )


def _rank(one: Placement) -> tuple[bool, bool]:
    return one.container_id is not None, one.pod_uid is not None


@dataclass(frozen=True, slots=True)
class _Found:
    at: int
    id: str
    runtime: str | None


def _one(path: str) -> Placement:
    parts = _components(path)
    pod_at, pod_uid = _pod(parts)
    chosen, outer = _chosen(_containers(parts), pod_at)
    manager_at = next((at for at, part in enumerate(parts) if _USER_MANAGER.fullmatch(part)), None)
    root_at = next((at for at, part in enumerate(parts) if _SLURM_ROOT.fullmatch(part)), None)
    if manager_at is not None and root_at is not None and manager_at < root_at:
        root_at = None
    job, step, uid = _slurm(parts[root_at + 1 :] if root_at is not None else ())
    units = [part for part in parts if part.endswith((".service", ".scope"))]
    runtime = chosen.runtime if chosen else None
    slice_uid = _first(_USER_SLICE, parts)
    return Placement(
        container_id=chosen.id if chosen else None,
        outer_container_id=outer,
        runtime=runtime or ("slurm" if job and not chosen else None),
        pod_uid=pod_uid,
        slurm_job=job,
        slurm_step=step,
        slurm_uid=None if uid is None else int(uid),
        unit=units[-1] if units else None,
        login_uid_slice=None if slice_uid is None else int(slice_uid),
        delegated=manager_at is not None,
        machine=_machine(parts),
        monitor=runtime in _MONITORS,
    )


def _components(path: str) -> tuple[str, ...]:
    """The folders of the path, unescaped. Of "slice:prefix:name" runc would make slice/prefix-name.scope."""
    parts: list[str] = []
    for part in path.split("/"):
        if not part or part == "..":
            continue
        plain = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), part)
        slice_, *rest = plain.split(":")
        if len(rest) == 2:
            parts += [slice_, f"{rest[0]}-{rest[1]}.scope" if rest[0] else rest[1]]
        else:
            parts.append(plain)
    return tuple(parts)


def _pod(parts: tuple[str, ...]) -> tuple[int | None, str | None]:
    in_kubepods = False
    for at, part in enumerate(parts):
        in_kubepods = in_kubepods or "kubepods" in part
        found = _POD.fullmatch(part) if in_kubepods else None
        if found:
            return at, found[1].replace("_", "-")
    return None, None


def _containers(parts: tuple[str, ...]) -> list[_Found]:
    found: list[_Found] = []
    for at, part in enumerate(parts):
        above = parts[at - 1] if at else ""
        named = _CONTAINER.fullmatch(part)
        if named:
            prefix, id = named.groups()
            if prefix is None or prefix in _RUNTIMES:
                found.append(_Found(at, id, _RUNTIMES[prefix] if prefix else _bare(parts[:at])))
        elif above != "ecs" and parts[at - 2 : at - 1] != ("ecs",):
            continue
        elif _FARGATE.fullmatch(part):
            found.append(_Found(at, part, "ecs"))
    return found


def _bare(above: tuple[str, ...]) -> str | None:
    """The runtime of a folder that is an id and no more, by the folders above it."""
    if any("kubepods" in part for part in above):
        return "kubepods"
    return next((_BARE[part] for part in reversed(above) if part in _BARE), None)


def _chosen(found: list[_Found], pod_at: int | None) -> tuple[_Found | None, str | None]:
    if not found:
        return None, None
    inside = [one for one in found if pod_at is not None and one.at > pod_at]
    if not inside:
        return found[0], None
    return inside[0], found[0].id if found[0] is not inside[0] else None


def _slurm(parts: Sequence[str]) -> tuple[str | None, str | None, str | None]:
    job = _first(_SLURM_JOB, parts)
    return job, _first(_SLURM_STEP, parts) if job else None, _first(_SLURM_UID, parts) if job else None


def _machine(parts: tuple[str, ...]) -> str | None:
    for at, part in enumerate(parts):
        if at and parts[at - 1] == "lxc" and not _CONTAINER.fullmatch(part):
            return f"lxc-{part}"
        found = _MACHINE.fullmatch(part)
        if found:
            return next(name for name in found.groups() if name)
    return None


def _first(pattern: re.Pattern[str], parts: Sequence[str]) -> str | None:
    return next((found[1] for part in parts if (found := pattern.fullmatch(part))), None)
