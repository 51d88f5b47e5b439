"""The machine's state as people and programs see it: the `status` object of the protocol.

Pure. Read by sentinel-status, the status page and the journal. Fields are only ever added.
"""

from collections.abc import Callable
from typing import Any, assert_never

from sentinel.arbiter.admission import Blocked, Never, Placed, in_order, place
from sentinel.arbiter.claiming import covers, describe, intruders, pressure_on, service_gpus
from sentinel.arbiter.granting import unready
from sentinel.arbiter.states import (
    Evicting,
    Failed,
    GpuView,
    Listed,
    Paused,
    Restoring,
    Running,
    Service,
    State,
    Stopped,
    Unsettled,
)
from sentinel.arbiter.stepping_aside import why_not_back
from sentinel.arbiter.turn import Turn
from sentinel.core.lease import Lease, Request
from sentinel.core.service import Unseen
from sentinel.core.units import show_duration, show_size

EXPLAINED = 100
"""Queue entries whose reason is worked out; those behind them wait for those."""

Clock = Callable[[float], str]
"""Boot-time seconds to RFC 3339."""


def status(state: State, now: float, clock: Clock) -> dict[str, Any]:
    """The whole status object. Memory in bytes, durations in seconds, times in RFC 3339 UTC."""
    name, why = overall(state, now)
    gpus = sorted(state.gpus.values(), key=lambda v: v.last.index)
    return {
        "state": name,
        "why": why,
        "gpus": [_gpu(state, v, clock) for v in gpus],
        "leases": [_lease(state, lease, now, clock) for lease in state.leases.values()],
        "queue": _queue(state, now, clock),
        "services": [_service(state, s, now, clock) for s in state.services.values()],
        "watchdog": _watchdog(state, now, clock),
        "hold": state.hold
        and {"by": state.hold.by, "reason": state.hold.reason, "since": clock(state.hold.since)},
        "stopping": state.stopping,
    }


def overall(state: State, now: float) -> tuple[str, str]:
    """IDLE, RESEARCH or RESUMING, and why."""
    reasons: list[str] = []
    if state.hold:
        reasons.append(f"paused by {state.hold.by}" + (f": {state.hold.reason}" if state.hold.reason else ""))
    reasons += [describe(c) for c in (*state.leases.values(), *state.preparing.values())]
    for gpu, view in state.gpus.items():
        reasons += [_accuse(p, view) for p in intruders(state, gpu, now)]
    if reasons:
        more = f" and {len(reasons) - 1} more" if len(reasons) > 1 else ""
        return "RESEARCH", reasons[0] + more
    away = [s for s in state.services.values() if isinstance(s.phase, Paused | Evicting | Restoring | Failed)]
    if away:
        return "RESUMING", f"service {away[0].settings.name}: {service_why(state, away[0], now)}"
    if state.unread_since is not None:
        return "IDLE", f"the GPUs cannot be read: {state.unread_why}"
    return "IDLE", "inference has the GPUs" if state.services else "nothing is claimed"


# ------------------------------------------------------------------ parts


def _gpu(state: State, view: GpuView, clock: Clock) -> dict[str, Any]:
    s = view.last
    cordon = state.cordons.get(s.uuid)
    return {
        "index": s.index,
        "uuid": s.uuid,
        "name": s.name,
        "memory_total_bytes": s.total_bytes,
        "memory_used_bytes": s.used_bytes if view.known else None,
        "memory_free_bytes": s.free_bytes if view.known else None,
        "utilization_percent": s.utilization_percent if view.known else None,
        "temperature_celsius": s.temperature_celsius if view.known else None,
        "power_watts": s.power_watts if view.known else None,
        "known": view.known,
        "unknown_since": None if view.unknown_since is None else clock(view.unknown_since),
        "unknown_why": view.unknown_why or None,
        "error": s.error,
        "read_at": clock(view.read_at),
        "leases": [le.id for le in state.leases.values() if covers(le, s.uuid)],
        "processes": [_process(p) for p in s.listed or ()] if view.known else None,
        "cordon": cordon and {"by": cordon.by, "reason": cordon.reason, "since": clock(cordon.since)},
    }


def _process(p: Listed) -> dict[str, Any]:
    return {
        "pid": p.process.pid,
        "name": p.name,
        "user": p.user,
        "memory_bytes": p.memory_bytes,
        "service": p.service,
        "lease": p.lease,
        "ignored": p.ignored,
    }


def _lease(state: State, lease: Lease, now: float, clock: Clock) -> dict[str, Any]:
    return {
        "id": lease.id,
        "user": lease.peer.user,
        "uid": lease.peer.uid,
        "pid": lease.peer.process.pid,
        "gpus": list(lease.gpus),
        "gpu_indices": [state.gpus[g].last.index for g in lease.gpus if g in state.gpus],
        "since": clock(lease.since),
        "held_seconds": round(now - lease.since, 3),
        "sharing": lease.claim.sharing.value,
        "memory_bytes": lease.claim.memory_bytes,
        "holder": lease.holder,
        "command": lease.command,
        "expires_at": None if lease.expires_at is None else clock(lease.expires_at),
        "idle_since": None if lease.idle_since is None else clock(lease.idle_since),
        "survivors": [{"pid": s.process.pid, "name": s.name} for s in lease.survivors],
        "ending_since": None if lease.ending_since is None else clock(lease.ending_since),
    }


def why_waits(state: State, request: Request, now: float) -> str | None:
    """What one request waits for; None when it does not wait. Costs no more in a long queue: once the
    gate is closed on every GPU, who else stands before it changes nothing."""
    if preparing := state.preparing.get(request.id):
        return unready(Turn(state, now), preparing)
    if request not in state.queue.waiting.get(request.peer.uid, ()):
        return None
    gated: frozenset[str] = frozenset()
    for earlier in in_order(state.queue):
        if earlier.id == request.id or (gated and not state.gpus.keys() - gated):
            break
        placement = place(state, earlier, gated, now)
        if isinstance(placement, Blocked):
            gated |= placement.gates
    placement = place(state, request, gated, now)
    return "its turn, which is next" if isinstance(placement, Placed) else placement.why


def waiting_why(state: State, now: float) -> dict[str, str]:
    """Request id → what it waits for, for all that wait."""
    return {entry["id"]: entry["why"] for entry in _queue(state, now, lambda _: "")}


def _queue(state: State, now: float, clock: Clock) -> list[dict[str, Any]]:
    """Requests whose GPUs are being freed, then those that wait, in the order of their turn."""
    entries = [
        _waiting(p.request, unready(Turn(state, now), p) or "nothing any more", now, clock, preparing=True)
        for p in state.preparing.values()
    ]
    gated: frozenset[str] = frozenset()
    for position, request in enumerate(in_order(state.queue)):
        if position >= EXPLAINED:
            entries.append(_waiting(request, f"the {position} requests before it", now, clock))
            continue
        match place(state, request, gated, now):
            case Blocked(why=why, gates=gates):
                gated |= gates
            case Never(why=why):
                pass
            case Placed():
                why = "its turn, which is next"
        entries.append(_waiting(request, why, now, clock))
    return entries


def _waiting(
    request: Request, why: str, now: float, clock: Clock, *, preparing: bool = False
) -> dict[str, Any]:
    return {
        "id": request.id,
        "user": request.peer.user,
        "pid": request.peer.process.pid,
        "why": why,
        "preparing": preparing,
        "since": clock(request.asked_at),
        "waited_seconds": round(now - request.asked_at, 3),
        "until": None if request.until is None else clock(request.until),
        "sharing": request.claim.sharing.value,
        "memory_bytes": request.claim.memory_bytes,
        "count": request.claim.count,
        "holder": request.holder,
        "command": request.command,
    }


def _watchdog(state: State, now: float, clock: Clock) -> dict[str, Any]:
    blind = [v for v in state.gpus.values() if not v.known]
    since = min([v.unknown_since for v in blind if v.unknown_since is not None], default=state.unread_since)
    known = bool(state.gpus) and not blind
    found = [
        {
            "gpu_index": view.last.index,
            "pid": p.process.pid,
            "name": p.name,
            "user": p.user,
            "memory_bytes": p.memory_bytes,
            "since": clock(state.foreign_since.get(p.process, now)),
        }
        for gpu, view in state.gpus.items()
        for p in intruders(state, gpu, now)
    ]
    return {
        "enabled": state.settings.watchdog,
        "state": "ok" if known else "unknown",
        "since": None if known or since is None else clock(since),
        "why": None if known else (blind[0].unknown_why if blind else state.unread_why),
        "foreign": found,
    }


# ------------------------------------------------------------------ services


def _service(state: State, service: Service, now: float, clock: Clock) -> dict[str, Any]:
    phase = service.phase
    paused = phase if isinstance(phase, Paused) else None
    return {
        "name": service.settings.name,
        "state": service_state(service),
        "rung": phase.rung.value if isinstance(phase, Paused | Evicting) else None,
        "why": service_why(state, service, now),
        "since": clock(phase.since),
        "gpus": sorted(service_gpus(state, service)),
        "gpu_indices": sorted(state.gpus[g].last.index for g in service_gpus(state, service)),
        "ladder": [r.value for r in service.settings.ladder],
        "took_seconds": paused and round(paused.took, 3),
        "freed_bytes": paused and paused.freed_bytes,
        "note": service.note or None,
    }


def service_state(service: Service) -> str:
    """One word for a service's phase."""
    match service.phase:
        case Unsettled():
            return "unknown"
        case Running():
            return "unknown" if isinstance(service.sight, Unseen) else "running"
        case Evicting():
            return "pausing"
        case Paused():
            return "paused"
        case Restoring():
            return "resuming"
        case Failed():
            return "failed"
        case Stopped():
            return "stopped"
        case _:
            assert_never(service.phase)


def service_why(state: State, service: Service, now: float) -> str:
    """Why the service is as it is. Never empty for one that is off its GPUs."""
    pressure = "; ".join(pressure_on(state, service, now).reasons)
    phase = service.phase
    match phase:
        case Unsettled():
            seen = f" ({service.sight.why})" if isinstance(service.sight, Unseen) else ""
            return f"not seen yet{seen}"
        case Running():
            return service.sight.why if isinstance(service.sight, Unseen) else (service.note or pressure)
        case Evicting():
            trouble = f"; {phase.rung} failed: {phase.error}" if phase.error else ""
            return (pressure or "nothing claims its GPUs any more") + trouble
        case Paused():
            return pressure or why_not_back(Turn(state, now), service) or "coming back"
        case Restoring():
            return f"starting for {show_duration(now - phase.since)}"
        case Failed():
            again = pressure or f"next try in {show_duration(max(0.0, phase.retry_at - now))}"
            return f"{phase.why} (failed {service.failures} times in a row; {again})"
        case Stopped():
            return phase.why
        case _:
            assert_never(phase)


def _accuse(p: Listed, view: GpuView) -> str:
    held = f", {show_size(p.memory_bytes)}" if p.memory_bytes is not None else ""
    return f"{p.name} of {p.user} (pid {p.process.pid}{held}) uses GPU {view.last.index} without a lease"


def summary(state: State, now: float) -> str:
    """One line for systemd's STATUS."""
    name, why = overall(state, now)
    waiting = sum(len(r) for r in state.queue.waiting.values()) + len(state.preparing)
    return f"{name}: {why}; {len(state.leases)} leases, {waiting} waiting"
