"""The parts of a gang's present attempt, for whoever looks at the gang. Used by routes.jobs."""

from collections.abc import Iterable
from typing import Any

from sentinel.core.job import Job
from sentinel.ports.store import JobFilter, Page, Reader


def parts_of(reader: Reader, gang: Job) -> list[Job]:
    """Those of its present attempt, by rank. None of a job that is no gang, or has not been placed yet."""
    if gang.spec.nodes == 1 or gang.attempt == 0:
        return []
    wanted = JobFilter(tenant=gang.tenant, part_of=gang.id, id_prefix=f"{gang.id}.{gang.attempt}.")
    found, _ = reader.find_jobs(wanted, Page(limit=gang.spec.nodes))
    return sorted(found, key=_rank)


def parts_json(parts: Iterable[Job]) -> list[dict[str, Any]]:
    """`[{"id", "rank", "node", "state", "exit_code"}…]`."""
    return [
        {
            "id": part.id,
            "rank": _rank(part),
            "node": part.node,
            "state": part.state.value,
            "exit_code": part.exit_code,
        }
        for part in parts
    ]


def _rank(part: Job) -> int:
    assert part.part is not None, "only parts were asked for"
    return part.part.rank
