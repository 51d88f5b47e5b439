"""Where `sentinel slurm-exporter` meets the drivers of Slurm. Called by its command."""

import os
import shutil
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from sentinel.core.errors import UsageError
from sentinel.drivers.slurm.cli import CommandSource
from sentinel.drivers.slurm.first_answering import FirstAnswering
from sentinel.drivers.slurm.rest_address import DEFAULT_SOCKETS, rest_address
from sentinel.drivers.slurm.restd import RestAccess, RestSource
from sentinel.ports.slurm import SlurmSource


class Way(StrEnum):
    """How Slurm is read."""

    AUTO = "auto"
    RESTD = "restd"
    CLI = "cli"


@dataclass(frozen=True, slots=True, kw_only=True)
class RestOptions:
    """What was said of slurmrestd."""

    url: str | None = None
    token_file: Path | None = None
    user: str | None = None
    ca_file: Path | None = None
    api: str | None = None

    @property
    def given(self) -> bool:
        """Whether anything was."""
        return any((self.url, self.token_file, self.user, self.ca_file, self.api))


def slurm_source(way: Way, rest: RestOptions, *, timeout: float) -> tuple[SlurmSource, float]:
    """The source, and how long a look may take at most, in seconds. UsageError.

    "auto" is slurmrestd where one is named or its usual socket is here, and the commands where that does not
    answer, if they are installed.
    """
    socket = next((path for path in DEFAULT_SOCKETS if Path(path).exists()), None)
    if way is Way.CLI:
        if rest.given:
            raise UsageError("--source cli does not ask slurmrestd; leave its options out")
        return _commands(timeout), timeout
    if way is Way.AUTO and not rest.given and socket is None:
        return _commands(timeout), timeout
    first = RestSource(
        rest_address(rest.url or f"unix://{socket or DEFAULT_SOCKETS[0]}"),
        RestAccess(token_file=rest.token_file, user=rest.user, authorities=rest.ca_file),
        version=rest.api,
        timeout=timeout,
    )
    if way is Way.RESTD or shutil.which("scontrol") is None:
        return first, timeout
    return FirstAnswering((first, _commands(timeout))), 2 * timeout


def _commands(timeout: float) -> SlurmSource:
    return CommandSource(os.environ, timeout=timeout)
