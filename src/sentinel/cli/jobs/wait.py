"""`sentinel job wait`: until jobs have ended. Called by the table in `cli.app`.

The JSON is a list of jobs as in `core.job_json`, in the order in which they were named; for an array its
tasks by their index.
"""

import sys
from typing import Annotated

import typer

from sentinel.cli.colour import colours_on
from sentinel.cli.controller import connected, print_json
from sentinel.cli.jobs.options import AsJson, JobIds
from sentinel.cli.jobs.table import job_lines
from sentinel.cli.jobs.words import status_of
from sentinel.cli.table import table_width
from sentinel.core.clock import wall
from sentinel.core.errors import SentinelError
from sentinel.core.units import parse_duration


def command(
    job_ids: JobIds,
    timeout: Annotated[
        str | None, typer.Option("--timeout", metavar="TIME", help="Not longer than that: 10m.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Wait until these jobs, or all tasks of these arrays, have ended.

    Exit 0 if all have succeeded, else with the status of the first that has not.
    """
    seconds = None if timeout is None else parse_duration(timeout)
    many = f"{len(job_ids)} jobs" if len(job_ids) > 1 else f"job {job_ids[0]}"
    with connected(f"waiting for {many} to end") as client:
        try:
            jobs = client.wait(*job_ids, timeout=seconds)
        except TimeoutError:
            raise SentinelError(f"not all of them have ended within {timeout}") from None
    if as_json:
        print_json(jobs)
    else:
        print("\n".join(job_lines(jobs, wall(), table_width(), colours=colours_on(sys.stdout))))
    bad = next((job for job in jobs if job["state"] != "SUCCEEDED"), None)
    if bad is not None:
        raise typer.Exit(status_of(bad))
