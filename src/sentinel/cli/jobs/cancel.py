"""`sentinel job cancel`: the end of jobs. Called by the table in `cli.app`.

The JSON is a list of jobs as in `core.job_json`: those that were asked to end.
"""

from typing import Annotated, Any

import typer

from sentinel.cli.controller import connected, note, print_json
from sentinel.cli.jobs.options import AsJson, JobIds
from sentinel.core.errors import ApiError, ApiUnavailable


def command(
    job_ids: JobIds,
    why: Annotated[str, typer.Option("--why", help="For whoever wonders later.")] = "",
    as_json: AsJson = False,
) -> None:
    """End jobs: those that wait at once, those that run by SIGTERM, and SIGKILL after their grace."""
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
        for job in asked:
            told = "canceled" if job["state"] == "CANCELED" else "asked to end"
            print(f"job {job['id']}: {told}")
    if failed:
        raise typer.Exit(1)
