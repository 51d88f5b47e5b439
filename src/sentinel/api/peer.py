"""Which node is at the other end of a connection: what its client certificate said in the TLS handshake.

The server's TLS protocol puts a Peer into the connection's state; the node-facing routes read it. Nobody else
writes that state, and no header counts.
"""

from dataclasses import dataclass
from typing import Any, cast

from starlette.requests import HTTPConnection

STATE_KEY = "peer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A certificate that our authority signed. Times are epoch seconds."""

    node: str  # the node's id
    issued_at: float
    ends_at: float


def peer_of(asking: HTTPConnection) -> Peer | None:
    """Who is at the other end; None when it showed no node's certificate."""
    found = cast("dict[str, Any]", asking.scope.get("state") or {}).get(STATE_KEY)
    return found if isinstance(found, Peer) else None
