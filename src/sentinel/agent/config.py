"""What the agent reads from the config file, and what the command line says over it."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

from sentinel.core import config_file, toml_table
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
        listen=overrides.listen or telemetry.listen,
        interval=overrides.interval or telemetry.interval,
    )
    return AgentConfig(inventory=inventory, telemetry=telemetry, health=health_config(top))
