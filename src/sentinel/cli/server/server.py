"""`sentinel server`: the controller alone. Called by the table in `cli.app`."""

from sentinel.cli.node_process import SERVER, become, options
from sentinel.cli.server.options import ConfigFile, Database, DataDir, Listen, Names, repeated


def command(
    data_dir: DataDir = None,
    listen: Listen = None,
    database: Database = None,
    name: Names = None,
    config: ConfigFile = None,
) -> None:
    """Start a controller, in the foreground, as a service does. Machines join it with sentinel agent join.

    SIGTERM stops it; jobs go on, and their ends are told once it is back.
    """
    given = options(data_dir=data_dir, listen=listen, database=database, config=config)
    become(["server", *given, *repeated("--name", name)], module=SERVER)
