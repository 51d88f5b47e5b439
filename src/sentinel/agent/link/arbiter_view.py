"""What the arbiter of this machine says of the GPUs, as far as the queue must know it, and what people are
told of it. Read by `node_watch`.

Its status object is that of arbiter.view; what is not in the form that we know is left out.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from sentinel.core.arbiter_client import Channel
from sentinel.core.errors import ArbiterUnavailable, ProtocolError
from sentinel.core.node_arbiter import (
    Held,
    Hold,
    NodeArbiter,
    ServiceState,
    Standing,
    SteppingAside,
    Waiting,
    presentable,
)
from sentinel.core.timestamp import epoch

_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenLease:
    """`pids`: who asked for it, and what is left of that one's processes once it has ended."""

    id: str
    user: str
    pids: frozenset[int]
    command: str = ""
    holder: str = ""
    gpus: tuple[str, ...] = ()
    since: float | None = None  # epoch


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenRequest:
    """Who waits for a lease."""

    user: str
    why: str
    holder: str
    command: str
    since: float | None  # epoch


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
    services: tuple[SteppingAside, ...] = ()
    waiting: tuple[SeenRequest, ...] = ()
    hold: Hold | None = None


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
    return ArbiterView(
        gpus=gpus,
        leases={one.id: one for one in leases},
        services=tuple([one for raw in _rows(status, "services") if (one := _service(raw)) is not None]),
        waiting=tuple([one for raw in _rows(status, "queue") if (one := _request(raw)) is not None]),
        hold=_hold(_object(status).get("hold")),
    )


def told_of(arbiter: Arbiter, jobs: Collection[str]) -> NodeArbiter:
    """What the controller is told of it. `jobs`: ids of those that are here."""
    if isinstance(arbiter, NoArbiter):
        return NodeArbiter(standing=Standing.NONE)
    if isinstance(arbiter, SilentArbiter):
        return presentable(NodeArbiter(standing=Standing.SILENT, why=arbiter.why))
    return presentable(
        NodeArbiter(
            standing=Standing.ANSWERS,
            services=arbiter.services,
            leases=tuple(
                [
                    Held(
                        id=one.id,
                        user=one.user,
                        gpus=one.gpus,
                        since=one.since,
                        command=one.command,
                        job=_job(one.holder, jobs),
                    )
                    for one in arbiter.leases.values()
                ]
            ),
            waiting=tuple(
                [
                    Waiting(
                        user=one.user,
                        why=one.why,
                        since=one.since,
                        command=one.command,
                        job=_job(one.holder, jobs),
                    )
                    for one in arbiter.waiting
                ]
            ),
            hold=arbiter.hold,
        )
    )


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
    return SeenLease(
        id=id,
        user=user,
        pids=frozenset(pids),
        command=str(raw.get("command") or ""),
        holder=str(raw.get("holder") or ""),
        gpus=_texts(raw, "gpus"),
        since=_time(raw),
    )


def _service(raw: Mapping[str, Any]) -> SteppingAside | None:
    name, freed = raw.get("name"), raw.get("freed_bytes")
    state = next((one for one in ServiceState if one.value == raw.get("state")), ServiceState.UNKNOWN)
    if not isinstance(name, str):
        return None
    how = raw.get("rung")
    return SteppingAside(
        name=name,
        state=state,
        how=how if isinstance(how, str) else None,
        why=str(raw.get("why") or ""),
        since=_time(raw),
        gpus=_texts(raw, "gpus"),
        freed_bytes=freed if type(freed) is int and freed >= 0 else None,
    )


def _request(raw: Mapping[str, Any]) -> SeenRequest | None:
    user = raw.get("user")
    if not isinstance(user, str):
        return None
    return SeenRequest(
        user=user,
        why=str(raw.get("why") or ""),
        holder=str(raw.get("holder") or ""),
        command=str(raw.get("command") or ""),
        since=_time(raw),
    )


def _hold(found: object) -> Hold | None:
    raw = _object(found)
    if not raw:
        return None
    return Hold(by=str(raw.get("by") or ""), why=str(raw.get("reason") or ""), since=_time(raw))


def _job(holder: str, jobs: Collection[str]) -> str | None:
    """Anybody may call themselves a job; only what is here is one."""
    id = holder.removeprefix("job ")
    return id if id != holder and id in jobs else None


def _time(raw: Mapping[str, Any]) -> float | None:
    since = raw.get("since")
    return epoch(since) if isinstance(since, str) else None


def _texts(raw: Mapping[str, Any], key: str) -> tuple[str, ...]:
    found: Any = raw.get(key)
    if not isinstance(found, list):
        return ()
    return tuple([one for one in cast("list[Any]", found) if isinstance(one, str)])


def _object(found: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", found) if isinstance(found, Mapping) else {}


def _rows(found: object, key: str) -> list[Mapping[str, Any]]:
    rows: Any = _object(found).get(key)
    if not isinstance(rows, list):
        return []
    return [_object(row) for row in cast("list[Any]", rows)]
