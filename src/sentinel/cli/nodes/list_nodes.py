"""`sentinel node list`: the machines of the queue. Called by the table in `cli.app`.

The JSON is a list of nodes as in `core.node`, each with "samples", "jobs" and "strays" (docs/queue.md).
"""

import sys

from sentinel.cli.colour import colours_on
from sentinel.cli.controller import connected, print_json
from sentinel.cli.jobs.options import AsJson
from sentinel.cli.nodes.words import node_lines
from sentinel.cli.table import table_width
from sentinel.core.clock import wall


def command(as_json: AsJson = False) -> None:
    """Show the nodes, their GPUs and what runs there.

    FREE are the GPUs that a job could have now. What blocks the others: sentinel node show NAME
    """
    with connected() as client:
        nodes = client.nodes()
        gpus = [] if as_json else client.gpus()
    if as_json:
        print_json(nodes)
    elif not nodes:
        print("no nodes yet; what to run on a machine so that it joins: sentinel token create --join")
    else:
        print("\n".join(node_lines(nodes, gpus, wall(), table_width(), colours=colours_on(sys.stdout))))
