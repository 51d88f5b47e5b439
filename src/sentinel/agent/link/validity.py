"""Whether this node's certificate is good today. Asked when a machine joins, and when no controller answers:
one whose certificate is not good is hung up on, and cannot be told why."""

from pathlib import Path
from typing import Protocol

from sentinel.agent.link.membership import CERTIFICATE
from sentinel.core.clock import rfc3339
from sentinel.core.errors import SentinelError


class Reads(Protocol):
    """Reads certificates."""

    def validity(self, certificate: bytes) -> tuple[float, float]: ...


def amiss(folder: Path, reads: Reads, today: float) -> str:
    """What is wrong with the times (epoch) of the certificate in the node's folder; empty when nothing is, or
    when that cannot be told."""
    try:
        since, until = reads.validity((folder / CERTIFICATE).read_bytes())
    except (SentinelError, OSError):
        return ""
    if today > until:
        ended = f"by this machine's clock this node's certificate ended on {rfc3339(until)}"
        return f"{ended}; if the clock is right: sentinel agent join URL --token T"
    if today < since:
        return (
            f"by this machine's clock this node's certificate begins on {rfc3339(since)}; is the clock right?"
        )
    return ""
