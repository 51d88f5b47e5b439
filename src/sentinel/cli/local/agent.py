"""`sentinel agent`: the process that watches this node. Called by the table in `cli.app`."""

from typing import Annotated

import typer

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
    state_dir: Annotated[
        str | None, typer.Option("--state-dir", metavar="DIR", help="Where the inventory is kept.")
    ] = None,
    docker_host: Annotated[
        str | None, typer.Option("--docker-host", metavar="URL", help="Docker's socket: unix:///PATH.")
    ] = None,
    podman_host: Annotated[
        str | None, typer.Option("--podman-host", metavar="URL", help="Podman's socket: unix:///PATH.")
    ] = None,
    gpus: Annotated[
        str | None, typer.Option("--gpus", metavar="SOURCE", help="auto, nvml, smi or simulated:N.")
    ] = None,
    config: Annotated[
        str | None, typer.Option("--config", metavar="FILE", help="Instead of /etc/sentinel/config.toml.")
    ] = None,
    no_mark: Annotated[bool, typer.Option("--no-mark", help="Mark nothing that is discovered.")] = False,
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
