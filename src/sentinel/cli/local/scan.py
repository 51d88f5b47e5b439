"""`sentinel scan`: one look at everything that runs on the GPUs, into the inventory. For a timer, or by hand.

Called by the table in `cli.app`. The work is the agent's: see `cli.node_process`.
"""

from typing import Annotated

import typer

from sentinel.cli.local.node_options import ConfigFile, DockerHost, Gpus, NoMark, PodmanHost, StateDir
from sentinel.cli.node_process import become, options


def command(
    as_json: Annotated[
        bool, typer.Option("--json", help="What changed, as CloudEvents, and how each source answered.")
    ] = False,
    state_dir: StateDir = None,
    docker_host: DockerHost = None,
    podman_host: PodmanHost = None,
    gpus: Gpus = None,
    config: ConfigFile = None,
    no_mark: NoMark = False,
) -> None:
    """Look once at everything that runs on the GPUs, and keep it in the inventory.

    What could not be asked is unknown, and nothing is called gone for that. Exit 75: another scan, or the
    agent, is at it already.
    """
    given = options(
        json=as_json,
        state_dir=state_dir,
        docker_host=docker_host,
        podman_host=podman_host,
        gpus=gpus,
        config=config,
        no_mark=no_mark,
    )
    become(["scan", *given])
