"""What the agent reads from the config file, and what the command line says over it."""

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path

from sentinel.agent.inference_config import InferenceConfig, inference_config
from sentinel.core import config_file, toml_table
from sentinel.core.arbiter_client import socket_path
from sentinel.core.errors import UsageError
from sentinel.health.config import HealthConfig, health_config
from sentinel.inventory.config import InventoryConfig, inventory_config
from sentinel.inventory.statefile import DIR_VARIABLE
from sentinel.telemetry.config import TelemetryConfig, telemetry_config


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentConfig:
    """The sections that are the agent's."""

    inventory: InventoryConfig
    telemetry: TelemetryConfig
    health: HealthConfig
    inference: InferenceConfig


NONE = "none"
"""On the command line: without it."""
JOB_USERS = "/etc/sentinel/job-users.toml"
"""Which Unix user runs whose jobs, where nothing else is said and the agent is root."""
_ADDRESS = re.compile(r"[A-Za-z0-9._:-]{1,200}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkConfig:
    """How a node belongs to a controller. Jobs run as `run_as`, or as the file `users` says.

    `controller` and `token_file`: joined when it has not yet. `arbiter` is a socket. `starts_supervisor`
    False: the supervisor is a unit of its own. `address` is how other nodes reach this one; None: it finds
    that out. `share_gpus` False: no job gets less than a whole GPU.
    """

    folder: Path
    controller: str | None = None
    token_file: Path | None = None
    name: str | None = None
    run_as: str | None = None
    users: str | None = None
    arbiter: str | None = None
    starts_supervisor: bool = True
    address: str | None = None
    share_gpus: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """What the command line says; None: nothing."""

    state_dir: str | None = None
    docker_host: str | None = None
    podman_host: str | None = None
    gpus: str | None = None
    listen: str | None = None
    interval: float | None = None
    mark: bool | None = None


def load(path: str | None, overrides: Overrides) -> AgentConfig:
    """The config in the file at `path` (None: the usual one, if there is one). ConfigError, UsageError."""
    default = config_file.DEFAULT_CONFIG
    top = config_file.read_if_there(default) if path is None else config_file.read(path)
    inventory, telemetry = inventory_config(top), telemetry_config(top)
    for host in (overrides.docker_host, overrides.podman_host):
        if host is not None and not host.startswith("unix:///"):
            raise UsageError(
                f"{host!r}: a container engine is watched on its own machine, through its socket: "
                "write it like unix:///var/run/docker.sock"
            )
    if overrides.gpus is not None:
        try:
            toml_table.source(overrides.gpus)
        except ValueError as error:
            raise UsageError(str(error)) from None
    folder = overrides.state_dir or os.environ.get(DIR_VARIABLE) or None
    inventory = replace(
        inventory,
        state_dir=inventory.state_dir if folder is None else str(Path(folder).absolute()),
        docker=overrides.docker_host or inventory.docker,
        podman=overrides.podman_host or inventory.podman,
        gpus=overrides.gpus or inventory.gpus,
        mark=inventory.mark if overrides.mark is None else overrides.mark,
    )
    telemetry = replace(
        telemetry,
        enabled=telemetry.enabled and overrides.listen != NONE,
        listen=telemetry.listen if overrides.listen in (None, NONE) else overrides.listen,
        interval=overrides.interval or telemetry.interval,
    )
    return AgentConfig(
        inventory=inventory, telemetry=telemetry, health=health_config(top), inference=inference_config(top)
    )


def node_dir(given: str | None) -> Path:
    """Where a node keeps what makes it one: what was given, or the usual place."""
    if given is not None:
        return Path(given).absolute()
    if os.geteuid() == 0:
        return Path("/var/lib/sentinel/node")
    data = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(data) / "sentinel" / "node"


def link_config(
    *,
    folder: Path,
    controller: str | None = None,
    token_file: str | None = None,
    name: str | None = None,
    run_as: str | None = None,
    users: str | None = None,
    arbiter: str | None = None,
    starts_supervisor: bool = True,
    address: str | None = None,
    share_gpus: bool = True,
) -> LinkConfig:
    """What the command line says, the usual where it is silent. UsageError."""
    if run_as is not None and users is not None:
        raise UsageError("--run-jobs-as and --job-users contradict each other; give one")
    if token_file is not None and controller is None:
        raise UsageError("--join-token-file goes with --controller URL")
    if address is not None and not _ADDRESS.fullmatch(address):
        raise UsageError(
            f"--address {address!r}: an IP address or a host's name by which other nodes reach this"
        )
    if starts_supervisor and run_as is None and users is None:
        users = _job_users()
    return LinkConfig(
        folder=folder,
        controller=controller,
        token_file=None if token_file is None else Path(token_file),
        name=name,
        run_as=run_as,
        users=users,
        arbiter=None if arbiter == NONE else arbiter or socket_path(),
        starts_supervisor=starts_supervisor,
        address=address,
        share_gpus=share_gpus,
    )


def _job_users() -> str | None:
    """The table of users, where nothing was said; None: all jobs run as ourselves, which root's never do."""
    if os.geteuid() != 0:
        return None
    if Path(JOB_USERS).exists():
        return JOB_USERS
    raise UsageError(
        "say which Unix user jobs run as: --run-jobs-as USER for all of them, or --job-users FILE "
        f"(without either, {JOB_USERS})"
    )
