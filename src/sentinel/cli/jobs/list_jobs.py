"""`sentinel job list`: the queue as squeue shows it. Called by the table in `cli.app`.

The JSON is a list of jobs as in `core.job_json`, newest first.
"""

import sys
from typing import Annotated

import typer

from sentinel.cli.colour import colours_on
from sentinel.cli.controller import connected, note, print_json
from sentinel.cli.jobs.options import AsJson, an_id
from sentinel.cli.jobs.table import job_lines
from sentinel.cli.jobs.words import LIVE, matches_state
from sentinel.cli.table import table_width
from sentinel.client.sync import Client
from sentinel.core.clock import wall
from sentinel.core.errors import UsageError


def command(
    everything: Annotated[bool, typer.Option("--all", "-a", help="Those that have ended, too.")] = False,
    user: Annotated[
        str | None, typer.Option("--user", "-u", metavar="NAME", help="Only theirs; me for yours.")
    ] = None,
    state: Annotated[
        list[str] | None,
        typer.Option("--state", "-s", metavar="STATE", help="Only those: RUNNING. Repeatable."),
    ] = None,
    node: Annotated[str | None, typer.Option("--node", metavar="NAME", help="Only there.")] = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Only those of that name.")
    ] = None,
    array: Annotated[str | None, typer.Option("--array", metavar="ID", help="Only its tasks.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, metavar="N", help="At most so many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Show the jobs that wait and run, newest first; of an array all, ended ones too.

    AGE is since it was submitted, TIME how long it runs. Why one waits, in full: sentinel why ID
    """
    everything = everything or array is not None
    states = states_from(state or ()) if state else (() if everything else LIVE)
    with connected() as client:
        whole = None if array is None else array_id(client, array)
        found = client.jobs(state=states, owner=user, node=node, name=name, array=whole, limit=limit + 1)
    shown = found[:limit]
    if as_json:
        print_json(shown)
        return
    if not shown:
        print(_nothing(narrowed=bool(user or state or node or name or array), everything=everything))
        return
    print("\n".join(job_lines(shown, wall(), table_width(), colours=colours_on(sys.stdout))))
    if len(found) > limit:
        note(f"there are more: --limit {limit * 10}")


def array_id(client: Client, text: str) -> str:
    """The whole id of the array that is meant. UsageError when it is a job."""
    found = client.find(an_id(text))
    if "states" not in found:
        raise UsageError(f"{found['id']} is a job and no array: sentinel job show {found['id']}")
    return str(found["id"])


def states_from(given: "list[str] | tuple[str, ...]") -> tuple[str, ...]:
    """The states that these words name. UsageError for one that is none."""
    found: list[str] = []
    for text in given:
        for word in text.split(","):
            state = matches_state(word.strip())
            if state is None:
                raise UsageError(f"--state {word}: one of {', '.join(LIVE)}, SUCCEEDED, FAILED, CANCELED")
            found.append(state)
    return tuple(dict.fromkeys(found))


def _nothing(*, narrowed: bool, everything: bool) -> str:
    if narrowed:
        return "no such jobs" if everything else "no such jobs now; those that have ended: --all"
    if everything:
        return "no jobs yet; queue one: sentinel job submit -- nvidia-smi -L"
    return (
        "no jobs wait or run; those that have ended: --all. Queue one: sentinel job submit -- nvidia-smi -L"
    )
