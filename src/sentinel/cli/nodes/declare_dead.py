"""`sentinel node declare-dead`: a person's word that nothing runs there. Called by the table in `cli.app`.

The JSON is the node, as in `core.node`.
"""

import sys
from typing import Annotated

import typer

from sentinel.cli.controller import connected, print_json
from sentinel.cli.jobs.options import AsJson
from sentinel.cli.nodes.options import NodeName
from sentinel.cli.plain import one_line
from sentinel.core.errors import UsageError


def command(
    name: NodeName,
    why: Annotated[str, typer.Option("--why", help="How you know. Needed.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say that nothing runs on a node any more: its lost jobs are queued again, and run elsewhere.

    Only if you know (it is switched off, say). If they still ran there, they would run twice.
    """
    if not yes and not _agreed(name):
        raise typer.Exit(1)
    with connected() as client:
        node = client.declare_dead(name, why)
    if as_json:
        print_json(node)
    else:
        print(f"{one_line(node['name'])} is dead; its jobs are queued again: sentinel job list")


def _agreed(name: str) -> bool:
    if not sys.stdin.isatty():
        raise UsageError("this asks whether you are sure, and stdin is no terminal; say --yes")
    print(
        f"Jobs on {one_line(name)} are queued again. If they still run there, they run twice.\n"
        "Do you know that nothing runs there? Type yes: ",
        end="",
        file=sys.stderr,
        flush=True,
    )
    return sys.stdin.readline().strip() == "yes"
