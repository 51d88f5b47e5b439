"""The `ds01-workloads` command: `sentinel workloads`, under the name that DS01 sites know.

Called by the console script.
"""

import sys

from sentinel.cli.main import main as sentinel


def main() -> int:
    """Runs `sentinel workloads` with this command's arguments; its exit status."""
    return sentinel(["workloads", *sys.argv[1:]])
