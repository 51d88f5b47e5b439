"""`sentinel job retry`: a job that has ended, once more. Called by the table in `cli.app`.

Prints the new job's id; with --json the new job as in `core.job_json`.
"""

from sentinel.cli.controller import connected, print_json
from sentinel.cli.jobs.options import AsJson, JobId


def command(job_id: JobId, as_json: AsJson = False) -> None:
    """Queue a job that has ended once more, as a new one with the same command and environment."""
    with connected() as client:
        job = client.retry(job_id)
    if as_json:
        print_json(job)
    else:
        print(job["id"])
