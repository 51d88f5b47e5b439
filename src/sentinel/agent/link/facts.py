"""What the controller must know of this node beside its GPUs: `facts` of a beat.

    {"address": TEXT, "cpus": N | null, "memory_bytes": N | null, "sharing": "mps" | "unenforced" | "no"}

Asked for by `node_watch`. `address` is how other nodes reach this one: jobs on several nodes meet there.
"""

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sentinel.agent.link.arbiter_view import Arbiter, NoArbiter
from sentinel.core.node import Sharing

_EVERY = 60.0
"""Seconds for which an address still counts: looking for it may mean asking a name server."""
_FAR = ("192.0.2.1", "2001:db8::1")
"""Addresses for documentation: nobody's, so the way to them is the default route."""
_PORT = 9  # of no matter: nothing is sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """As in this module's docstring; an empty address is unknown."""

    address: str
    cpus: int | None
    memory_bytes: int | None
    sharing: Sharing

    def json(self) -> dict[str, Any]:
        return {
            "address": self.address,
            "cpus": self.cpus,
            "memory_bytes": self.memory_bytes,
            "sharing": self.sharing.value,
        }


def sharing(arbiter: Arbiter, *, mps: bool, share_gpus: bool) -> Sharing:
    """What becomes of jobs that share a GPU here. An arbiter leases whole ones alone."""
    if not share_gpus or not isinstance(arbiter, NoArbiter):
        return Sharing.NO
    return Sharing.MPS if mps else Sharing.UNENFORCED


class Surroundings:
    """Finds them. For one thread; may block for as long as a name server takes."""

    def __init__(self, url: str, address: str | None, now: Callable[[], float]) -> None:
        """`url` is the controller's; `address` what the node is said to be reached by. `now` is boot time."""
        self._url, self._given, self._now = url, address, now
        self._address, self._until = "", float("-inf")

    def facts(self, shared: Sharing) -> Facts:
        """As they are now."""
        return Facts(address=self._reached_by(), cpus=cpus(), memory_bytes=memory_bytes(), sharing=shared)

    def _reached_by(self) -> str:
        if self._given:
            return self._given
        if self._now() >= self._until:
            self._until = self._now() + _EVERY
            self._address = address_towards(self._url)
        return self._address


def address_towards(url: str) -> str:
    """Our address on the way to the controller; where that is this machine, on the way to anywhere else."""
    parts = urlsplit(url)
    found = _ours_towards(parts.hostname or "", parts.port or 443)
    if found and not ip_address(found).is_loopback:
        return found
    others = (_ours_towards(far, _PORT) for far in _FAR)
    return next((one for one in others if one and not ip_address(one).is_loopback), "")


def cpus() -> int | None:
    """How many this process, and so what it starts, may use."""
    with suppress(OSError):
        return len(os.sched_getaffinity(0))
    return None


def memory_bytes(path: Path = Path("/proc/meminfo")) -> int | None:
    """The machine's."""
    with suppress(OSError, ValueError, IndexError):
        for line in path.read_text().splitlines():
            if line.startswith("MemTotal:"):
                return int(line.split()[1]) * 1024
    return None


def _ours_towards(host: str, port: int) -> str:
    """The kernel's choice for a datagram that is not sent."""
    with suppress(OSError, ValueError):
        for family, kind, protocol, _, target in socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM):
            with suppress(OSError), socket.socket(family, kind, protocol) as sock:
                sock.connect(target)
                return str(sock.getsockname()[0]).partition("%")[0]
    return ""
