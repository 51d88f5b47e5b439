"""What the arbiter of this machine knows of processes on GPUs: under whose lease, or as which service.

Called by the scan, through the wiring. The arbiter is asked like by anybody, over its socket.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from sentinel.core.arbiter_client import Channel, socket_path
from sentinel.core.errors import ArbiterUnavailable, ProtocolError, SourceAbsent, SourceUnknown
from sentinel.inventory.observation import Covered, Leases


def ask_arbiter(seconds: float) -> Leases:
    """Its records now. Blocks for `seconds` at most. Raises SourceAbsent when there is none on this machine,
    SourceUnknown when it does not answer."""
    path = socket_path()
    if not Path(path).exists():
        raise SourceAbsent(f"there is no arbiter on {path}")
    try:
        channel = Channel(path, timeout=seconds)
        try:
            answer = channel.ask({"cmd": "status"})
        finally:
            channel.close()
    except (ArbiterUnavailable, ProtocolError) as error:
        raise SourceUnknown(error.message) from None
    return leases_of(answer.get("status"))


def leases_of(status: object) -> Leases:
    """What the arbiter's status object says; what it does not say in the form that we know is left out."""
    covered: dict[int, Covered] = {}
    services: dict[int, str] = {}
    users: dict[str, str] = {}
    for lease in _objects(status, "leases"):
        id, user, pid = lease.get("id"), lease.get("user"), lease.get("pid")
        if isinstance(id, str) and isinstance(user, str):
            users[id] = user
            if isinstance(pid, int):
                covered[pid] = Covered(lease=id, user=user)
    for gpu in _objects(status, "gpus"):
        for process in _objects(gpu, "processes"):
            pid, lease, service = process.get("pid"), process.get("lease"), process.get("service")
            if not isinstance(pid, int):
                continue
            if isinstance(service, str):
                services[pid] = service
            elif isinstance(lease, str) and lease in users:
                covered[pid] = Covered(lease=lease, user=users[lease])
    return Leases(covered=covered, services=services)


def _objects(found: object, key: str) -> list[Mapping[str, Any]]:
    rows = cast("Mapping[str, Any]", found).get(key) if isinstance(found, Mapping) else None
    if not isinstance(rows, list):
        return []
    return [cast("Mapping[str, Any]", row) for row in cast("list[Any]", rows) if isinstance(row, Mapping)]
