"""`sentinel dev seed`: a controller with simulated nodes and a past. Called by the table in `cli.app`.

The JSON: {"nodes", "gpus", "jobs": {STATE: N}, "events", "days", "series", "samples",
"history": "kept" | "elsewhere", "seconds"}.
"""

from typing import Annotated

import typer

from sentinel.cli.jobs.options import AsJson
from sentinel.cli.node_process import SERVER, become, options
from sentinel.cli.server.options import ConfigFile, Database, DataDir


def command(
    nodes: Annotated[int, typer.Option("--nodes", metavar="N", help="How many machines.")] = 128,
    gpus: Annotated[int, typer.Option("--gpus", metavar="N", help="Of each of them.")] = 8,
    days: Annotated[
        float, typer.Option("--days", metavar="N", help="Of the past; a week takes minutes.")
    ] = 1.0,
    jobs: Annotated[int, typer.Option("--jobs", metavar="N", help="That ended, run and wait.")] = 2000,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Another number, another fleet.")] = 1,
    alerts: Annotated[bool, typer.Option("--alerts", help="With something wrong.")] = False,
    live: Annotated[
        bool, typer.Option("--live", help="Then keep the nodes alive, until Ctrl-C. The controller runs.")
    ] = False,
    every: Annotated[
        float, typer.Option("--every", metavar="SECONDS", help="With --live: between two beats.")
    ] = 10.0,
    force: Annotated[bool, typer.Option("--force", help="Even beside real nodes.")] = False,
    data_dir: DataDir = None,
    database: Database = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Fill a controller with simulated nodes, users, jobs and what was measured of them.

    For trying it out and for tests; the controller may run meanwhile. Nothing is heard of such nodes
    afterwards, so they fall silent, unless --live goes on: then jobs begin and end there, too.
    """
    given = options(
        nodes=str(nodes),
        gpus=str(gpus),
        days=f"{days:g}",
        jobs=str(jobs),
        seed=str(seed),
        alerts=alerts,
        live=live,
        every=f"{every:g}",
        force=force,
        data_dir=data_dir,
        database=database,
        config=config,
        json=as_json,
    )
    become(["seed", *given], module=SERVER)
