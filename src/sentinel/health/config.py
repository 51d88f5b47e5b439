"""`[health]` in the config file. Read by the agent."""

from dataclasses import dataclass

from sentinel.core import toml_table
from sentinel.core.toml_table import Table

KEYS = {"enabled", "quarantine", "interval", "kernel_log"}


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthConfig:
    """`interval` in seconds, between two rounds. `quarantine`: a hardware fault takes its GPU out."""

    enabled: bool = True
    quarantine: bool = True
    interval: float = 10.0
    kernel_log: str = "/dev/kmsg"


def health_config(top: Table) -> HealthConfig:
    """The section of the file, defaults where it is silent. ConfigError."""
    table = top.table("health", KEYS)
    default = HealthConfig()
    return HealthConfig(
        enabled=table.get("enabled", toml_table.yes_no, default.enabled),
        quarantine=table.get("quarantine", toml_table.yes_no, default.quarantine),
        interval=table.get("interval", toml_table.positive, default.interval),
        kernel_log=table.get("kernel_log", toml_table.absolute, default.kernel_log),
    )
