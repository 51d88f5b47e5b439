"""`sentinel job cancel`: the end of jobs. Called by the table in `cli.app`.

The JSON is a list of what was asked to end: jobs as in `core.job_json`, arrays as {"id", "jobs": [ID…]}.
"""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from sentinel.cli.controller import connected, note, print_json
from sentinel.cli.jobs.options import AsJson, JobIds
from sentinel.core.errors import ApiError, ApiUnavailable


def command(
    job_ids: JobIds,
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="For whoever wonders later.")] = "",
    as_json: AsJson = False,
) -> None:
    """End jobs: those that wait at once, those that run by their stop signal, and SIGKILL after their
    grace.

    The id of an array ends all its tasks.
    """
    asked: list[dict[str, Any]] = []
    failed = False
    with connected() as client:
        for job_id in job_ids:
            try:
                asked.append(client.cancel(job_id, why))
            except ApiUnavailable:
                raise
            except ApiError as error:
                failed = True
                note(error.message)
    if as_json:
        print_json(asked)
    else:
        for found in asked:
            print(_told(found))
    if failed:
        raise typer.Exit(1)


def _told(found: Mapping[str, Any]) -> str:
    if "jobs" in found:
        count = len(found["jobs"])
        return f"array {found['id']}: {count} job{'s' if count != 1 else ''} asked to end"
    told = "canceled" if found["state"] == "CANCELED" else "asked to end"
    return f"job {found['id']}: {told}"
