"""Finds what a path names, as far as the asker may know of it: a tenant's things do not exist for others.

Ids, as they are made by whoever submits and by the scheduler: a job or an array is ten letters, a task of an
array ARRAY_INDEX, a part of a gang JOB.ATTEMPT.RANK. The beginning of one names jobs and arrays alone.
"""

import re
from dataclasses import dataclass

from sentinel.api.problems import Problem, not_found
from sentinel.core.identity import Action, Identity
from sentinel.core.job import ArrayTask, Job
from sentinel.core.node import Node
from sentinel.core.secret import ID_LENGTH, ID_LETTERS
from sentinel.ports.store import JobFilter, Page, Reader

LEAST = 4  # letters of an id that is not given whole
NAMED = 5  # how many candidates a refusal names
_BEGINNING = re.compile(rf"[{ID_LETTERS}]{{{LEAST},{ID_LENGTH}}}")
_TASK_OR_PART = re.compile(rf"[{ID_LETTERS}]{{{ID_LENGTH}}}(_[0-9]{{1,6}})?(\.[0-9]{{1,9}}\.[0-9]{{1,3}})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Array:
    """An array of jobs, all of one owner; `task` is any of them, `shape` what it says of its array."""

    task: Job
    shape: ArrayTask

    @property
    def id(self) -> str:
        return self.shape.id


def find(reader: Reader, identity: Identity, id: str) -> Job | Array:
    """The job or the array of that id, or of the only id that begins so. Problem 404 or 409."""
    wanted = id.lower()
    if _BEGINNING.fullmatch(wanted) is None:
        if _TASK_OR_PART.fullmatch(wanted) is None:
            raise not_found(
                "job",
                id,
                f"give the id, or its beginning: at least {LEAST} of letters and digits as in 4k2m9x0dvh",
            )
        return _whole(reader, identity, wanted)
    if len(wanted) == ID_LENGTH:
        return _whole(reader, identity, wanted)
    return _by_beginning(reader, identity, wanted)


def find_job(reader: Reader, identity: Identity, id: str) -> Job:
    """The job of that id, or of the only id that begins so. Problem 404, or 409: for an array, too."""
    found = find(reader, identity, id)
    if isinstance(found, Array):
        raise Problem(
            409,
            f"{found.id} is an array of {found.shape.size} jobs",
            kind="array",
            hint=f"name one of them, like {found.task.id}; `sentinel job list --array {found.id}` shows them",
        )
    return found


def _whole(reader: Reader, identity: Identity, id: str) -> Job | Array:
    job = reader.job(id)
    if job is not None and job.tenant == identity.tenant:
        return job
    if job is None and len(id) == ID_LENGTH:
        tasks, _ = reader.find_jobs(JobFilter(tenant=identity.tenant, array=id), Page(limit=1))
        if tasks:
            return _found(tasks[0])
    raise not_found("job", id, "`sentinel job list` shows those that there are")


def _by_beginning(reader: Reader, identity: Identity, wanted: str) -> Job | Array:
    these = JobFilter(tenant=identity.tenant, id_prefix=wanted)
    jobs, _ = reader.find_jobs(these, Page(limit=NAMED + 1))
    found = {one.id: one for one in map(_found, jobs)}
    match list(found.values()):
        case []:
            raise not_found("job", wanted, "`sentinel job list` shows those that there are")
        case [Job() as job]:
            return job
        case [Array() as array] if _count(reader, these) == _count(reader, _tasks(identity, array)):
            return array
        case several:
            names = ", ".join(one.id for one in several[:NAMED]) + (", …" if len(jobs) > NAMED else "")
            raise Problem(
                409, f"{wanted} begins more than one id: {names}", kind="ambiguous", hint="give more letters"
            )


def _found(job: Job) -> Job | Array:
    """What a beginning of this job's id names."""
    return job if job.array is None else Array(task=job, shape=job.array)


def _tasks(identity: Identity, array: Array) -> JobFilter:
    return JobFilter(tenant=identity.tenant, array=array.id)


def _count(reader: Reader, wanted: JobFilter) -> int:
    return sum(reader.count_jobs(wanted).values())


def its_owner(identity: Identity, job: Job, what: str) -> None:
    """Problem 403 for everybody but the job's owner."""
    if job.owner != identity.name:
        raise Problem(
            403,
            f"the {what} of job {job.id} is for its owner alone, {job.owner}",
            kind="not-yours",
            hint=f"ask {job.owner}",
        )


def its_own(identity: Identity, job: Job, what: str) -> None:
    """Problem 403 for everybody but the job's owner and operators."""
    if job.owner != identity.name and not identity.may(Action.CONTROL_ANY):
        raise Problem(
            403,
            f"job {job.id} belongs to {job.owner}; {what} is for its owner and for operators",
            kind="not-yours",
            hint=f"ask {job.owner} or an operator",
        )


def find_node(reader: Reader, identity: Identity, name: str) -> Node:
    """The node of that name. Problem 404."""
    node = reader.node_named(name) if name.isprintable() else None
    if node is None or node.tenant != identity.tenant:
        raise not_found("node", name, "`sentinel node list` shows those that there are")
    return node


def node_names(reader: Reader, identity: Identity) -> dict[str, str]:
    """Names by id, of the asker's tenant."""
    return {node.id: node.name for node in reader.nodes() if node.tenant == identity.tenant}
