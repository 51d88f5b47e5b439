"""`sentinel node drain`: no new job for a machine. Called by the table in `cli.app`.

The JSON is the node, as in `core.node`.
"""

from typing import Annotated

import typer

from sentinel.cli.controller import connected, print_json
from sentinel.cli.jobs.options import AsJson
from sentinel.cli.nodes.options import NodeName
from sentinel.cli.plain import one_line


def command(
    name: NodeName,
    why: Annotated[str, typer.Option("--why", help="For whoever wonders later.")] = "",
    as_json: AsJson = False,
) -> None:
    """Let what runs on a node go on, and send no more there. Its end: sentinel node resume NAME"""
    with connected() as client:
        node = client.drain(name, why)
    if as_json:
        print_json(node)
        return
    left = len(node["jobs"])
    still = f"; {left} job{'s' if left > 1 else ''} still there" if left else "; nothing runs there"
    print(f"{one_line(node['name'])} is drained{still}")
