"""`sentinel node resume`: the end of a drain. Called by the table in `cli.app`.

The JSON is the node, as in `core.node`.
"""

from sentinel.cli.controller import connected, print_json
from sentinel.cli.jobs.options import AsJson
from sentinel.cli.nodes.options import NodeName
from sentinel.cli.plain import one_line


def command(name: NodeName, as_json: AsJson = False) -> None:
    """Send jobs to a node again that was drained."""
    with connected() as client:
        node = client.resume(name)
    if as_json:
        print_json(node)
        return
    up = node["state"] == "up"
    print(
        f"{one_line(node['name'])} takes jobs again{'' if up else ', once it is up: it is ' + node['state']}"
    )
