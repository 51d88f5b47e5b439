"""`sentinel up`: controller and agent on one machine. Called by the table in `cli.app`."""

from typing import Annotated

import typer

from sentinel.cli.node_process import SERVER, become, options
from sentinel.cli.server.options import ConfigFile, Database, DataDir, Listen, Names, repeated


def command(
    data_dir: DataDir = None,
    listen: Listen = None,
    database: Database = None,
    name: Names = None,
    gpus: Annotated[
        str | None,
        typer.Option("--gpus", metavar="SOURCE", help="auto, nvml, smi, or simulated:N to try it without."),
    ] = None,
    run_jobs_as: Annotated[
        str | None,
        typer.Option("--run-jobs-as", metavar="USER", help="As whom jobs run; else as you."),
    ] = None,
    arbiter: Annotated[
        str | None,
        typer.Option("--arbiter", metavar="SOCKET", help="The arbiter's, or none."),
    ] = None,
    config: ConfigFile = None,
) -> None:
    """Start a controller and an agent on this machine, in the foreground: to try it, or for a small lab.

    Prints where it is reached, how other machines join, and the first job to try. Your commands find it by
    themselves. Ctrl-C or SIGTERM stops it and leaves jobs running; sentinel down ends them, too.
    """
    given = options(
        data_dir=data_dir,
        listen=listen,
        database=database,
        gpus=gpus,
        run_jobs_as=run_jobs_as,
        arbiter=arbiter,
        config=config,
    )
    become(["up", *given, *repeated("--name", name)], module=SERVER)
