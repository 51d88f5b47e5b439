"""`sentinel agent`: the process that watches this node, and makes it one of a controller's.

Called by the table in `cli.app`. Everything but the reading of options is the agent's own.
"""

from enum import StrEnum
from typing import Annotated

import typer

from sentinel.cli.local.node_options import ConfigFile, DockerHost, Gpus, NoMark, PodmanHost, StateDir
from sentinel.cli.node_process import become, options
from sentinel.core.errors import UsageError

_NODE = "Where a node keeps its key and its jobs' records."


class Deed(StrEnum):
    """What the agent is to do."""

    RUN = "run"
    JOIN = "join"


def command(
    deed: Annotated[
        Deed, typer.Argument(metavar="[run|join]", help="Watch this node, or join a controller first.")
    ] = Deed.RUN,
    url: Annotated[
        str | None, typer.Argument(metavar="[URL]", help="To join: the controller, https://HOST:PORT.")
    ] = None,
    token: Annotated[
        str | None,
        typer.Option("--token", metavar="T", help="To join: from `sentinel token create --join`."),
    ] = None,
    token_file: Annotated[
        str | None,
        typer.Option("--token-file", metavar="FILE", help="A file that holds it: others see no arguments."),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="What the node is called: the host's name.")
    ] = None,
    node_dir: Annotated[str | None, typer.Option("--node-dir", metavar="DIR", help=_NODE)] = None,
    standalone: Annotated[bool, typer.Option("--standalone", help="Run without a controller.")] = False,
    controller: Annotated[
        str | None, typer.Option("--controller", metavar="URL", help="Join this one, unless that is done.")
    ] = None,
    join_token_file: Annotated[
        str | None, typer.Option("--join-token-file", metavar="FILE", help="What to join it with.")
    ] = None,
    run_jobs_as: Annotated[
        str | None, typer.Option("--run-jobs-as", metavar="USER", help="The Unix user of all jobs.")
    ] = None,
    job_users: Annotated[
        str | None, typer.Option("--job-users", metavar="FILE", help="Which Unix user runs whose jobs.")
    ] = None,
    arbiter: Annotated[
        str | None,
        typer.Option("--arbiter", metavar="SOCKET", help="Whom jobs ask for their GPUs; none: nobody."),
    ] = None,
    address: Annotated[
        str | None,
        typer.Option("--address", metavar="ADDRESS", help="How other nodes reach this one: found out."),
    ] = None,
    no_share_gpus: Annotated[
        bool, typer.Option("--no-share-gpus", help="No job here gets less than a whole GPU.")
    ] = False,
    listen: Annotated[
        str | None,
        typer.Option("--listen", metavar="HOST:PORT", help="Where to serve metrics: 127.0.0.1:9400; none."),
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
    """Watch this node until Ctrl-C: GPUs every second, the inventory at once, metrics on port 9400.

    A controller's node runs its jobs, too: `sentinel agent join URL --token T` once, then `sentinel agent`.
    """
    joining = options(token=token, token_file=token_file)
    running = options(
        standalone=standalone,
        controller=controller,
        join_token_file=join_token_file,
        run_jobs_as=run_jobs_as,
        job_users=job_users,
        arbiter=arbiter,
        address=address,
        no_share_gpus=no_share_gpus,
        listen=listen,
        interval=interval,
        state_dir=state_dir,
        docker_host=docker_host,
        podman_host=podman_host,
        gpus=gpus,
        config=config,
        no_mark=no_mark,
    )
    both = options(name=name, node_dir=node_dir)
    if deed is Deed.RUN:
        if url is not None or joining:
            raise UsageError(f"to join: sentinel agent join {url or 'URL'} --token T")
        become(["run", *running, *both])
    if url is None:
        raise UsageError("say which controller: sentinel agent join https://HOST:PORT --token T")
    if not joining:
        raise UsageError("to join takes a token: --token T, or --token-file FILE; an admin makes one")
    if running:
        raise UsageError(f"{running[0]} is for running, not for joining")
    become(["join", url, *joining, *both])
