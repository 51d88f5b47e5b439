"""Finds what a path names, as far as the asker may know of it: a tenant's things do not exist for others."""

import re

from sentinel.api.problems import Problem, not_found
from sentinel.core.identity import Action, Identity
from sentinel.core.job import Job
from sentinel.core.node import Node
from sentinel.core.secret import ID_LENGTH, ID_LETTERS
from sentinel.ports.store import JobFilter, Page, Reader

LEAST = 4  # letters of an id that is not given whole
NAMED = 5  # how many candidates a refusal names
_ID = re.compile(rf"[{ID_LETTERS}]{{{LEAST},{ID_LENGTH}}}")


def find_job(reader: Reader, identity: Identity, id: str) -> Job:
    """The job of that id, or of the only id that begins so. Problem 404 or 409."""
    wanted = id.lower()
    if _ID.fullmatch(wanted) is None:
        raise not_found(
            "job",
            id,
            f"give the id, or its beginning: at least {LEAST} of letters and digits as in 4k2m9x0dvh",
        )
    if len(wanted) == ID_LENGTH:
        job = reader.job(wanted)
        if job is None or job.tenant != identity.tenant:
            raise not_found("job", id, "`sentinel job list` shows those that there are")
        return job
    found, _ = reader.find_jobs(JobFilter(tenant=identity.tenant, id_prefix=wanted), Page(limit=NAMED + 1))
    match found:
        case []:
            raise not_found("job", id, "`sentinel job list` shows those that there are")
        case [job]:
            return job
        case _:
            names = ", ".join(job.id for job in found[:NAMED]) + (", …" if len(found) > NAMED else "")
            raise Problem(
                409, f"{wanted} begins more than one id: {names}", kind="ambiguous", hint="give more letters"
            )


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
