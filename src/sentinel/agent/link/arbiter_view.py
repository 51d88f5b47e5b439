"""What the arbiter of this machine says of the GPUs, as far as the queue must know it. Read by `node_watch`.

Its status object is that of arbiter.view; what is not in the form that we know is left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from sentinel.core.arbiter_client import Channel
from sentinel.core.errors import ArbiterUnavailable, ProtocolError

_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenLease:
    """`pids`: who asked for it, and what is left of that one's processes once it has ended."""

    id: str
    user: str
    pids: frozenset[int]
    command: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuView:
    """`known` False: the arbiter cannot read that GPU. `exempt` are pids that are not to be minded there:
    those of its services, which step aside, and those that its config ignores."""

    known: bool = True
    why_unknown: str = ""
    cordon: str | None = None  # its reason
    leases: tuple[str, ...] = ()
    exempt: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class ArbiterView:
    """GPUs by UUID, leases by id."""

    gpus: Mapping[str, GpuView] = field(default_factory=dict[str, GpuView])
    leases: Mapping[str, SeenLease] = field(default_factory=dict[str, SeenLease])


@dataclass(frozen=True, slots=True, kw_only=True)
class NoArbiter:
    """This machine has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SilentArbiter:
    """There is one, and it does not answer: what it has given to whom is unknown."""

    why: str


Arbiter = ArbiterView | NoArbiter | SilentArbiter


def ask_arbiter(path: str | None) -> Arbiter:
    """Asks the one on that socket; None: there is to be none. Blocks for two seconds at the most."""
    if path is None or not Path(path).exists():
        return NoArbiter()
    try:
        channel = Channel(path, timeout=_SECONDS)
        try:
            return arbiter_view(channel.ask({"cmd": "status"}).get("status"))
        finally:
            channel.close()
    except (ArbiterUnavailable, ProtocolError) as error:
        return SilentArbiter(why=error.message)


def arbiter_view(status: object) -> ArbiterView:
    """What its status object says."""
    leases = [one for raw in _rows(status, "leases") if (one := _lease(raw)) is not None]
    gpus = {str(raw.get("uuid")): _gpu(raw) for raw in _rows(status, "gpus")}
    return ArbiterView(gpus=gpus, leases={one.id: one for one in leases})


def _gpu(raw: Mapping[str, Any]) -> GpuView:
    cordon = raw.get("cordon")
    exempt = {
        row["pid"]
        for row in _rows(raw, "processes")
        if isinstance(row.get("pid"), int) and (row.get("service") or row.get("ignored"))
    }
    named: Any = raw.get("leases")
    leases = cast("list[Any]", named) if isinstance(named, list) else []
    return GpuView(
        known=raw.get("known") is not False,
        why_unknown=str(raw.get("unknown_why") or "it says not why"),
        cordon=None if cordon is None else str(_object(cordon).get("reason") or "cordoned"),
        leases=tuple(str(one) for one in leases),
        exempt=frozenset(exempt),
    )


def _lease(raw: Mapping[str, Any]) -> SeenLease | None:
    id, user, pid = raw.get("id"), raw.get("user"), raw.get("pid")
    if not isinstance(id, str) or not isinstance(user, str):
        return None
    pids = {pid} if isinstance(pid, int) else set[int]()
    pids |= {row["pid"] for row in _rows(raw, "survivors") if isinstance(row.get("pid"), int)}
    return SeenLease(id=id, user=user, pids=frozenset(pids), command=str(raw.get("command") or ""))


def _object(found: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", found) if isinstance(found, Mapping) else {}


def _rows(found: object, key: str) -> list[Mapping[str, Any]]:
    rows: Any = _object(found).get(key)
    if not isinstance(rows, list):
        return []
    return [_object(row) for row in cast("list[Any]", rows)]
