"""`sentinel down`: the end of what `sentinel up` started. Called by the table in `cli.app`."""

from sentinel.cli.node_process import SERVER, become, options
from sentinel.cli.server.options import ConfigFile, DataDir


def command(data_dir: DataDir = None, config: ConfigFile = None) -> None:
    """End what sentinel up started on this machine: jobs, agent and controller. What is kept stays."""
    become(["down", *options(data_dir=data_dir, config=config)], module=SERVER)
