"""`sentinel node show`: one machine, GPU by GPU. Called by the table in `cli.app`.

The JSON is a node as in `core.node`, with "samples", "jobs" and "strays" (docs/queue.md).
"""

import sys

from sentinel.cli.colour import colours_on
from sentinel.cli.controller import connected, print_json
from sentinel.cli.jobs.options import AsJson
from sentinel.cli.nodes.options import NodeName
from sentinel.cli.nodes.words import one_lines
from sentinel.cli.table import table_width
from sentinel.core.clock import wall


def command(name: NodeName, as_json: AsJson = False) -> None:
    """Show one node: its state, its GPUs, which job holds each, and what blocks it."""
    with connected() as client:
        node = client.node(name)
        gpus = [] if as_json else client.gpus()
    if as_json:
        print_json(node)
    else:
        print("\n".join(one_lines(node, gpus, wall(), table_width(), colours=colours_on(sys.stdout))))
