"""`sentinel queue resume`: jobs start again after a restore. Called by the table in `cli.app`.

The JSON: {"held": false}.
"""

from sentinel.cli.controller import connected, print_json
from sentinel.cli.jobs.options import AsJson


def command(as_json: AsJson = False) -> None:
    """Let jobs start again after a restore, once the nodes have told what they run. For operators."""
    with connected() as client:
        found = client.resume_queue()
    if as_json:
        print_json(found)
    else:
        print("jobs start again")
