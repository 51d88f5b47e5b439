"""`sentinel agent`: the process that watches this node. Called by the table in `cli.app`."""

from typing import Annotated

import typer

from sentinel.cli.local.node_options import ConfigFile, DockerHost, Gpus, NoMark, PodmanHost, StateDir
from sentinel.cli.node_process import become, options


def command(
    standalone: Annotated[
        bool, typer.Option("--standalone", help="Without a controller, which is how it runs so far.")
    ] = False,
    listen: Annotated[
        str | None,
        typer.Option("--listen", metavar="HOST:PORT", help="Where to serve metrics: 127.0.0.1:9400."),
    ] = None,
    interval: Annotated[
        str | None, typer.Option("--interval", metavar="TIME", help="Between two samples: 1s.")
    ] = None,
    state_dir: StateDir = None,
    docker_host: DockerHost = None,
    podman_host: PodmanHost = None,
    gpus: Gpus = None,
    config: ConfigFile = None,
    no_mark: NoMark = False,
) -> None:
    """Watch this node until Ctrl-C: GPUs every second, the inventory at once, metrics on port 9400."""
    given = options(
        standalone=standalone,
        listen=listen,
        interval=interval,
        state_dir=state_dir,
        docker_host=docker_host,
        podman_host=podman_host,
        gpus=gpus,
        config=config,
        no_mark=no_mark,
    )
    become(["run", *given])
