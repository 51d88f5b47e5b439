"""Whose a workload is, with everything that speaks for it, and what contradicts it.

Called by attribution. What the kernel says comes first; labels, folders and the environment, which whoever
started it wrote as they liked, only where the kernel says nothing. The first of the evidence decides.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from sentinel.core.container import Container
from sentinel.core.process_facts import ProcessFacts
from sentinel.core.workload import Evidence, Trust
from sentinel.inventory.evidence import paths
from sentinel.inventory.evidence.people import People
from sentinel.inventory.evidence.placement import Placement

LABELS = (
    "sentinel.user",
    "ds01.user",
    "ds01.owner",
    "aime.mlc.USER",
    "aime.mlc",
    "hub.jupyter.org/username",
    "coder.owner",
    "owner",
    "user",
    "username",
)
"""Labels that name an owner, the best first. `maintainer` is the image's author, so it is not among them."""

_SLURM_VARIABLES = ("SLURM_JOB_USER", "SLURM_JOB_UID")
_VARIABLES = (*_SLURM_VARIABLES, "HOST_USER", "NB_USER", "USER", "USERNAME", "LOGNAME")
_NOT_PEOPLE = frozenset(
    "root jovyan ubuntu user app node vscode coder nvidia appuser docker default conda mambauser nobody"
    " rstudio ollama www-data nonroot dev worker ray triton-server airflow admin"
    " none null unknown true false".split()
)
_LONGEST_NAME = 64
_IMAGE = "the user that the image brings: nobody chose it"
_ACCOUNT = "a system account"

Member = tuple[ProcessFacts, Placement]


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """`evidence` is ordered, the best first; `user` is the first one's value, or None without any."""

    user: str | None
    evidence: tuple[Evidence, ...] = ()
    conflicts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Folders:
    """Where people's homes are, and who owns which folder (uid)."""

    roots: Sequence[str] = ("/home",)
    owners: Mapping[str, int] | None = None


NOBODY = Owner(user=None)


def process_owner(member: Member | None, people: People) -> Owner:
    """Of a host process; a system account when no person stands behind it. None: nothing is known."""
    if member is None:
        return NOBODY
    facts, placement = member
    found = [
        *_ran_as(facts, people),
        *_slurm_uid(placement, people),
        *_logged_in(facts, people),
        *_slice(placement, people),
        *_environment(facts.variables, _SLURM_VARIABLES, people),
    ]
    if facts.uid is not None and not people.person(facts.uid):
        found.append(_kernel(people.name(facts.uid), "process-uid", f"uid {facts.uid}, {_ACCOUNT}"))
    return decided(found)


def job_owner(members: Sequence[Member], people: People) -> Owner:
    """Of a Slurm job. Who logged in comes last: an administrator may have started slurmd by hand."""
    return decided(
        [
            *chain.from_iterable(_slurm_uid(placement, people) for _, placement in members),
            *chain.from_iterable(_ran_as(facts, people) for facts, _ in members),
            *chain.from_iterable(_logged_in(facts, people) for facts, _ in members),
            *chain.from_iterable(
                _environment(facts.variables, _SLURM_VARIABLES, people) for facts, _ in members
            ),
        ]
    )


def container_owner(
    container: Container | None, members: Sequence[Member], people: People, folders: Folders
) -> Owner:
    """Of a container; `members` are its known processes, the first one first."""
    kernel: list[Evidence] = []
    mapped: list[Evidence] = []
    brought: list[Evidence] = []
    for facts, _ in members:
        ran_as = _ran_as(facts, people)
        if facts.in_host_user_namespace is False:
            mapped += [_with(one, "mapped from its user namespace") for one in ran_as]
        elif container is not None and container.user_is_image_default:
            brought += [_declared_by_image(one) for one in ran_as]
        else:
            kernel += ran_as
    for facts, placement in members:
        kernel += _logged_in(facts, people)
        kernel += _slurm_uid(placement, people)
    for _, placement in members:
        kernel += _slice(placement, people)
    rest = [] if container is None else _told(container, people, folders)
    return decided([*kernel, *mapped, *rest, *brought])


def decided(found: Iterable[Evidence]) -> Owner:
    """The owner by evidence in order, told once each; the kernel's word about a person stays in front."""
    told: dict[tuple[str, str], Evidence] = {}
    for one in found:
        told.setdefault((one.value, one.source), one)
    evidence = tuple(sorted(told.values(), key=lambda one: not of_a_person(one)))
    if not evidence:
        return NOBODY
    best = evidence[0]
    against = [one for one in evidence[1:] if one.value != best.value and _counts(one, best)]
    conflicts = tuple(dict.fromkeys(f"{_contradicts(one)}, but {_says(best)}" for one in against))
    return Owner(user=best.value, evidence=evidence, conflicts=conflicts)


def of_a_person(one: Evidence) -> bool:
    """Whether the kernel says that it is this person's."""
    return one.trust is Trust.KERNEL and not one.detail.endswith(_ACCOUNT)


# ------------------------------------------------------------------ evidence


def _kernel(user: str, source: str, detail: str) -> Evidence:
    return Evidence(value=user, source=source, trust=Trust.KERNEL, detail=detail)


def _with(one: Evidence, why: str) -> Evidence:
    return Evidence(value=one.value, source=one.source, trust=one.trust, detail=f"{one.detail}, {why}")


def _declared_by_image(one: Evidence) -> Evidence:
    """The image's author wrote that number, so it is no word of the kernel about who started it."""
    return Evidence(
        value=one.value, source=one.source, trust=Trust.DECLARED, detail=f"{one.detail}, {_IMAGE}"
    )


def _ran_as(facts: ProcessFacts, people: People) -> list[Evidence]:
    if facts.uid is None or not people.person(facts.uid):
        return []
    return [_kernel(people.name(facts.uid), "process-uid", f"uid {facts.uid}")]


def _logged_in(facts: ProcessFacts, people: People) -> list[Evidence]:
    if facts.login_uid is None or not people.person(facts.login_uid):
        return []
    return [_kernel(people.name(facts.login_uid), "login-uid", f"uid {facts.login_uid}")]


def _slurm_uid(placement: Placement, people: People) -> list[Evidence]:
    uid = placement.slurm_uid
    if uid is None or not people.person(uid):
        return []
    return [_kernel(people.name(uid), "slurm-cgroup", f"uid {uid}, job {placement.slurm_job}")]


def _slice(placement: Placement, people: People) -> list[Evidence]:
    uid = placement.login_uid_slice
    if uid is None or not people.person(uid):
        return []
    return [_kernel(people.name(uid), "cgroup", f"uid {uid}, user-{uid}.slice")]


def _told(container: Container, people: People, folders: Folders) -> list[Evidence]:
    """What labels, folders and the environment say."""
    labels, owners = container.labels, folders.owners or {}
    found = [_declared(labels[key].strip(), f"label:{key}") for key in LABELS if _named(labels.get(key))]
    for key in paths.LABELS:
        person = key in labels and paths.person_of(labels[key], folders.roots, owners, people)
        if person:
            found.append(_declared(person, f"label:{key}", paths.plain(labels[key])))
    for mount in container.mounts:
        person = mount.kind == "bind" and paths.person_of(mount.source, folders.roots, owners, people)
        if person:
            found.append(
                Evidence(value=person, source="bind-mount", trust=Trust.RUNTIME, detail=mount.source)
            )
    return [*found, *_environment(container.variables, _VARIABLES, people)]


def _environment(variables: Mapping[str, str], which: Sequence[str], people: People) -> list[Evidence]:
    found: list[Evidence] = []
    for name in which:
        value = variables.get(name, "").strip()
        if name.endswith("_UID") and value.isascii() and value.isdigit() and people.person(int(value[:10])):
            value = people.name(int(value[:10]))
        elif name.endswith("_UID") or not _named(value) or value.lower() in _NOT_PEOPLE:
            continue
        found.append(_declared(value, f"env:{name}"))
    return found


def _declared(user: str, source: str, detail: str = "") -> Evidence:
    return Evidence(value=user, source=source, trust=Trust.DECLARED, detail=detail)


def _named(value: str | None) -> bool:
    return value is not None and 0 < len(value.strip()) <= _LONGEST_NAME and value.isprintable()


# ------------------------------------------------------------------ contradictions


def _counts(one: Evidence, best: Evidence) -> bool:
    """Whether it is a contradiction worth telling, and not a matter of course.

    A colleague's data is mounted every day; what an image brings says nothing of who started it; a system
    account is what a person's work runs as under sudo.
    """
    if one.detail.endswith((_IMAGE, _ACCOUNT)):
        return False
    return one.trust is not Trust.RUNTIME or one.source == best.source


def _contradicts(one: Evidence) -> str:
    return (
        f"another process runs as {one.value} ({one.detail})" if one.source == "process-uid" else _says(one)
    )


def _says(one: Evidence) -> str:
    """`one` as half a sentence."""
    match one.source.split(":", 1):
        case ["label", label]:
            return f"label {label} says {one.value}"
        case ["env", name]:
            return f"its environment says {name}={one.value}"
        case ["process-uid"]:
            return f"its process runs as {one.value} ({one.detail})"
        case ["login-uid"]:
            return f"it comes from a login of {one.value} ({one.detail})"
        case ["bind-mount"]:
            return f"it has a folder of {one.value} mounted ({one.detail})"
        case _:
            return f"its cgroup is {one.value}'s ({one.detail})"
