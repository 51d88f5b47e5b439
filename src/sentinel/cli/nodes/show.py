"""`sentinel node show`: one machine, GPU by GPU. Called by the table in `cli.app`.

The JSON is a node as in `core.node`, with "samples", "jobs" and "strays" (docs/queue.md), and "arbiter": what
its arbiter says, as in `core.node_arbiter`.
"""

import sys

from sentinel.cli.colour import colours_on
from sentinel.cli.controller import connected, print_json
from sentinel.cli.jobs.options import AsJson
from sentinel.cli.nodes.arbiter_words import arbiter_lines
from sentinel.cli.nodes.options import NodeName
from sentinel.cli.nodes.words import one_lines
from sentinel.cli.table import table_width
from sentinel.core.clock import wall


def command(name: NodeName, as_json: AsJson = False) -> None:
    """Show one node: its state, its GPUs, which job holds each, what blocks it, what steps aside there."""
    with connected() as client:
        node, arbiter = client.node(name), client.node_arbiter(name)
        gpus = [] if as_json else client.gpus()
    if as_json:
        print_json({**node, "arbiter": {key: found for key, found in arbiter.items() if key != "node"}})
        return
    now, width, colours = wall(), table_width(), colours_on(sys.stdout)
    lines = one_lines(node, gpus, now, width, colours=colours)
    print("\n".join([*lines, *arbiter_lines(arbiter, node, now, width, colours=colours)]))
