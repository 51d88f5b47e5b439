"""`sentinel node remove`: forgetting a machine. Called by the table in `cli.app`.

The JSON: {"removed": NAME}.
"""

from sentinel.cli.controller import connected, print_json
from sentinel.cli.jobs.options import AsJson
from sentinel.cli.nodes.options import NodeName
from sentinel.cli.plain import one_line


def command(name: NodeName, as_json: AsJson = False) -> None:
    """Forget a node that no job holds; its certificate opens nothing any more."""
    with connected() as client:
        client.remove_node(name)
    if as_json:
        print_json({"removed": name})
    else:
        print(f"{one_line(name)} is removed")
