"""`sentinel job logs`: what a job wrote, byte for byte. Called by the table in `cli.app`."""

import sys
from collections.abc import Iterable
from typing import Annotated

import typer

from sentinel.cli.controller import connected
from sentinel.cli.jobs.options import JobId


def command(
    job_id: JobId,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="As it writes, until it has ended.")] = False,
    tail: Annotated[
        int | None, typer.Option("--tail", "-n", min=1, metavar="N", help="Only the last N lines.")
    ] = None,
    attempt: Annotated[
        int | None, typer.Option("--attempt", min=1, metavar="N", help="Not the last one, but that.")
    ] = None,
    rank: Annotated[
        int | None,
        typer.Option("--rank", min=0, metavar="K", help="Of a job on several nodes: of that one's. Else 0."),
    ] = None,
) -> None:
    """Print what a job wrote, byte for byte, to its end or to where it is now.

    Ctrl-C ends the printing, not the job.
    """
    with connected(None if follow else "") as client:
        copy(client.logs(job_id, attempt=attempt, rank=rank, tail=tail, follow=follow))


def copy(pieces: Iterable[bytes]) -> None:
    """Raw bytes onto stdout, each piece at once."""
    out = sys.stdout.buffer
    for piece in pieces:
        out.write(piece)
        out.flush()
