"""`sentinel job attach`: the terminal of a job that has one. Called by the table in `cli.app`."""

import typer

from sentinel.cli.controller import connected
from sentinel.cli.jobs.options import JobId
from sentinel.cli.jobs.words import ENDED
from sentinel.core.errors import UsageError


def command(job_id: JobId) -> None:
    """Get at the terminal of a job that has one (--pty), in this terminal.

    Enter ~ . leaves, and the job goes on. The exit status is the job's, if it ends meanwhile.
    """
    from sentinel.cli.jobs.terminal import attach, needs_terminal

    needs_terminal("attach")
    with connected(None) as client:
        job = client.job(job_id)
        if job["state"] in ENDED:
            raise UsageError(f"job {job['id']} has ended; what it wrote: sentinel job logs {job['id']}")
        if not job["spec"]["pty"]:
            raise UsageError(
                f"job {job['id']} has no terminal, for it was submitted without --pty; what it writes: "
                f"sentinel job logs -f {job['id']}"
            )
        status = attach(client, job["id"])
    raise typer.Exit(status)
