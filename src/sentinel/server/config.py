"""What the controller is told when it starts. Called by its `__main__`.

Arguments count first, then the environment, then `[server]` in the config file:

    [server]
    data_dir = "/var/lib/sentinel-server"
    listen = "0.0.0.0:8443"
    names = ["gpu-queue.example.org"]        under which it is reached, beside the machine's own name
    database = "postgresql://…"              or $SENTINEL_DATABASE
    lease_seconds = 60                       of silence after which a node's jobs are LOST

A database's URL may have a password, which is better kept out of arguments.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sentinel.core.config_file import DEFAULT_CONFIG, read, read_if_there
from sentinel.core.toml_table import absolute, text, texts
from sentinel.scheduling.leases import LEASE_SECONDS, LEAST_LEASE, MOST_LEASE
from sentinel.server.address import Address, address_from
from sentinel.server.folders import Folders, folders_at

DATABASE_VARIABLE = "SENTINEL_DATABASE"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """`database` None: SQLite in the data folder."""

    folders: Folders
    address: Address
    names: tuple[str, ...] = ()
    database: str | None = None
    lease_seconds: float = LEASE_SECONDS
    path: str | None = None  # of the config file; None: the usual one, if there is one

    @property
    def database_url(self) -> str:
        return self.database or self.folders.database_url()


def load(
    *,
    config: str | None,
    data_dir: str | None,
    listen: str | None = None,
    database: str | None = None,
    names: Sequence[str] = (),
    default_listen: str,
) -> ServerConfig:
    """What holds. ConfigError or UsageError when it cannot be used."""
    top = read_if_there(DEFAULT_CONFIG) if config is None else read(config)
    table = top.table("server", {"data_dir", "listen", "names", "database", "lease_seconds"})
    return ServerConfig(
        folders=folders_at(data_dir or table.get("data_dir", absolute, None)),
        address=table.get("listen", _address, None) or address_from(default_listen)
        if listen is None
        else address_from(listen),
        names=tuple(names) or table.get("names", texts, ()),
        database=database or os.environ.get(DATABASE_VARIABLE) or table.get("database", text, None),
        lease_seconds=table.get("lease_seconds", _lease, LEASE_SECONDS),
        path=None if config is None else str(Path(config).absolute()),
    )


def _lease(value: Any) -> float:
    if type(value) not in (int, float) or not LEAST_LEASE <= value <= MOST_LEASE:
        raise ValueError(f"is a number of seconds from {LEAST_LEASE:g} to {MOST_LEASE:g}, not {value!r}")
    return float(value)


def _address(value: Any) -> Address:
    return address_from(text(value))
