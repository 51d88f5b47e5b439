"""What we need of whatever tells metrics over HTTP, and of whoever knows which process listens where.

Drivers: drivers/metrics_sources (http_source, listening). Called by the agent for inference servers, and by
the controller for what cannot dial out.
"""

from dataclasses import dataclass
from typing import Protocol

from sentinel.core.errors import SentinelError
from sentinel.core.process import ProcessId

MOST_BYTES = 8 * 2**20


class ScrapeError(SentinelError):
    """No whole answer: nobody listens, it took too long, it is too long. The message holds no secret."""

    retry = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """An answer, whatever its status. `body` has at most MOST_BYTES."""

    status: int
    content_type: str
    body: bytes


class MetricsSource(Protocol):
    """One address. Called from one thread at a time."""

    def get(self, path: str | None = None) -> Page:
        """The page at the address, or at another `path` ("/health") of the same server. Idempotent.

        Blocks up to the driver's time limit, about. Raises ScrapeError.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A process. `parent` is a pid."""

    process: ProcessId
    parent: int
    command: tuple[str, ...]


class Listeners(Protocol):
    """Reads /proc. Nothing here blocks."""

    def look(self, pid: int) -> Running | None:
        """The process that has this pid now; None when there is none. Two small files."""
        ...

    def ports(self, process: ProcessId) -> frozenset[int] | None:
        """The TCP ports at which 127.0.0.1 is answered by this process: none where it listens nowhere, in
        another network namespace, or has ended. None where that may not be read. A file for each that it has
        open, and the list of all connections."""
        ...
