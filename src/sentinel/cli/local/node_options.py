"""Options that `sentinel scan` and `sentinel agent` share: where to look, and where to keep what is found."""

from typing import Annotated

import typer

StateDir = Annotated[
    str | None, typer.Option("--state-dir", metavar="DIR", help="Where the inventory is kept.")
]
DockerHost = Annotated[
    str | None, typer.Option("--docker-host", metavar="URL", help="Docker's socket: unix:///PATH.")
]
PodmanHost = Annotated[
    str | None, typer.Option("--podman-host", metavar="URL", help="Podman's socket: unix:///PATH.")
]
Gpus = Annotated[str | None, typer.Option("--gpus", metavar="SOURCE", help="auto, nvml, smi or simulated:N.")]
ConfigFile = Annotated[
    str | None, typer.Option("--config", metavar="FILE", help="Instead of /etc/sentinel/config.toml.")
]
NoMark = Annotated[bool, typer.Option("--no-mark", help="Mark nothing that is discovered.")]
