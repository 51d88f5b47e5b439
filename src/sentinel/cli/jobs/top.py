"""`sentinel job top`: the queue, live. Called by the table in `cli.app`.

With --json one look: {"jobs": [as in core.job_json], "gpus": [as `GET gpus` has them]}.
"""

import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from sentinel.cli.colour import colours_on
from sentinel.cli.controller import connected, print_json, saying
from sentinel.cli.jobs.options import AsJson
from sentinel.cli.jobs.table import job_lines, summary
from sentinel.cli.local.gpu_table import width_here
from sentinel.cli.local.redraw import Size, redraw
from sentinel.cli.text_wrap import wrapped
from sentinel.client.sync import Client
from sentinel.core.clock import wall
from sentinel.core.errors import ApiError, UsageError
from sentinel.core.job import JobState
from sentinel.core.units import parse_duration

_SHORTEST = 0.2
_MOST = 1000
_PLACED = tuple(state.value for state in JobState if state.placed)


def command(
    every: Annotated[str, typer.Option("--every", metavar="TIME", help="Between two looks.")] = "2s",
    as_json: AsJson = False,
) -> None:
    """Watch the queue live, until Ctrl-C: those that run first, then those that wait, the next one on top."""
    seconds = parse_duration(every)
    if seconds < _SHORTEST:
        raise UsageError(f"--every {every}: at least {_SHORTEST}s")
    with connected(None) as client:
        with saying(f"waiting for {client.settings.url}"):
            jobs, gpus = _look(
                client
            )  # what is wrong from the start is said here, not on a screen of its own
        if as_json:
            print_json({"jobs": jobs, "gpus": gpus})
            return

        def lines(size: Size | None) -> list[str]:
            width = width_here() if size is None else size[0]
            try:
                return top_lines(
                    *_look(client), wall(), width, colours=size is not None and colours_on(sys.stdout)
                )
            except ApiError as error:
                return wrapped(error.message, width)

        redraw(lines, seconds)


def top_lines(
    jobs: Sequence[Mapping[str, Any]],
    gpus: Sequence[Mapping[str, Any]],
    now: float,
    width: int,
    *,
    colours: bool = False,
) -> list[str]:
    """A line about all of it, then the table."""
    held = sum(1 for gpu in gpus if gpu.get("job"))
    blocked = sum(1 for gpu in gpus if gpu.get("blocked") and not gpu.get("job"))
    line = f"{summary(jobs)}; {held} of {len(gpus)} GPUs hold jobs"
    lines = wrapped(f"{line}, {blocked} cannot be placed on" if blocked else line, width)
    if not jobs:
        return [*lines, "", "the queue is empty; queue a job: sentinel job submit -- nvidia-smi -L"]
    return [*lines, "", *job_lines(in_order(jobs), now, width, colours=colours)]


def in_order(jobs: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Lost ones first, those that run, then those that wait: by priority, the oldest first."""
    ranks = {"LOST": 0, "RUNNING": 1, "STARTING": 2, "ALLOCATED": 3}
    return sorted(
        jobs,
        key=lambda job: (
            ranks.get(job["state"], 4),
            -job["spec"]["priority"],
            job["submitted_at"],
            job["array"]["index"] if job["array"] else 0,
        ),
    )


def _look(client: Client) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Of more than _MOST the API tells the newest, which all wait: those with GPUs are asked for beside them,
    and after them, so that one which is placed meanwhile is in there."""
    waiting = client.jobs(state=(JobState.QUEUED.value,), limit=_MOST)
    found = {job["id"]: job for job in [*waiting, *client.jobs(state=_PLACED, limit=_MOST)]}
    return list(found.values()), client.gpus()
