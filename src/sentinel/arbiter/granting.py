"""Requests becoming leases: the part of the machine that admits, grants and refuses."""

import math

from sentinel.arbiter.admission import (
    Blocked,
    Never,
    Placed,
    in_order,
    leave,
    place,
    unknown_reason,
)
from sentinel.arbiter.claiming import describe, holders_on, service_gpus, slice_room, tell_holders
from sentinel.arbiter.inputs import Grant, Refuse
from sentinel.arbiter.states import Evicting, Holder, Preparing, Restoring, Running, State, Unsettled
from sentinel.arbiter.stepping_aside import off_gpus
from sentinel.arbiter.turn import Turn, without
from sentinel.core.lease import Lease, Request, Sharing
from sentinel.core.units import show_duration, show_size


def admit(turn: Turn) -> None:
    """Sets GPUs aside for whoever is next, in order; refuses what may not or can not wait."""
    queue = turn.state.queue
    gated: frozenset[str] = frozenset()
    for request in in_order(queue):
        late = request.until is not None and turn.now >= request.until
        if gated and not late and not turn.state.gpus.keys() - gated:
            if not queue.impatient:
                break  # every gate is closed and nobody's time can be up: the rest waits
            continue
        if turn.state.stopping:
            refuse(turn, request, "stopping", "the arbiter is shutting down")
            continue
        placement = place(turn.state, request, gated, turn.now)
        match placement:
            case Placed(gpus=gpus):
                set_aside(turn, request, gpus)
            case Never(code=code, why=why):
                _never(turn, request, code, why)
            case Blocked():
                gated |= placement.gates
                if late:
                    _out_of_time(turn, request, placement)


def set_aside(turn: Turn, request: Request, gpus: tuple[str, ...]) -> None:
    turn.set(
        queue=leave(turn.state.queue, request, served=True),
        preparing={
            **turn.state.preparing,
            request.id: Preparing(request=request, gpus=gpus, since=turn.now),
        },
    )


def _never(turn: Turn, request: Request, code: str, why: str) -> None:
    if code != "unknown" or turn.state.attempted_at >= request.asked_at:
        refuse(turn, request, code, why, holders_on(turn.state, turn.state.gpus))
    else:
        turn.measure()  # said only after a look that began once it was asked


def _out_of_time(turn: Turn, request: Request, blocked: Blocked) -> None:
    if request.until == request.asked_at:
        refuse(turn, request, "busy", blocked.why, blocked.holders)
    else:
        waited = show_duration(turn.now - request.asked_at)
        refuse(turn, request, "timeout", f"not within {waited}: {blocked.why}", blocked.holders)


def refuse(turn: Turn, request: Request, code: str, message: str, holders: tuple[Holder, ...] = ()) -> None:
    """Says no and forgets the request; what was paused for it alone comes back by itself."""
    state = turn.state
    turn.set(queue=leave(state.queue, request, served=False), preparing=without(state.preparing, request.id))
    turn.do(Refuse(request_id=request.id, code=code, message=message, holders=holders))
    turn.info(f"refused {describe(Preparing(request=request, gpus=(), since=turn.now))}: {message}")


def conclude(turn: Turn) -> None:
    """Grants what is measured free; refuses what did not come free in time."""
    for preparing in tuple(turn.state.preparing.values()):
        waits_for = unready(turn, preparing)
        if waits_for is None:
            grant(turn, preparing)
        elif turn.now >= preparing.since + turn.state.settings.grant_timeout:
            _not_freed(turn, preparing, waits_for, turn.state.settings.grant_timeout)
        elif _until(preparing) <= turn.now:
            _not_freed(turn, preparing, waits_for, turn.now - preparing.request.asked_at)


def _until(preparing: Preparing) -> float:
    """When its client stops waiting. One that would not queue still waits for inference to leave."""
    until = preparing.request.until
    return math.inf if until is None or until == preparing.request.asked_at else until


def unready(turn: Turn, preparing: Preparing) -> str | None:
    """What the grant still waits for; None when all of it is measured."""
    state = turn.state
    slice_ = preparing.request.claim.sharing is Sharing.SLICE
    for service in () if slice_ else state.services.values():
        if preparing.gpus and not service_gpus(state, service).intersection(preparing.gpus):
            continue
        moving = isinstance(service.phase, Unsettled | Running | Evicting | Restoring)
        if moving or not off_gpus(state, service):
            turn.measure()
            return f"service {service.settings.name} to leave the GPU"
    need = preparing.request.claim.memory_bytes
    if need is None:
        return None
    for gpu in preparing.gpus:
        view = state.gpus[gpu]
        room = slice_room(state, gpu, preparing) if slice_ else need
        if not view.known and state.settings.grant_when_unknown:
            continue
        if not view.known or view.read_at < preparing.since:
            turn.measure()
            return f"a reading of GPU {view.last.index}"
        if view.last.free_bytes is None or view.last.free_bytes < room:
            turn.measure()
            return f"{show_size(room)} free on GPU {view.last.index} ({show_size(view.last.free_bytes)} is)"
    return None


def grant(turn: Turn, preparing: Preparing) -> None:
    request = preparing.request
    hold = turn.state.settings.limits.hold_seconds
    lease = Lease(
        id=request.id,
        peer=request.peer,
        claim=request.claim,
        gpus=preparing.gpus,
        since=turn.now,
        binding=request.binding,
        holder=request.holder,
        command=request.command,
        expires_at=None if hold is None else turn.now + hold,
    )
    turn.set(
        preparing=without(turn.state.preparing, request.id),
        leases={**turn.state.leases, lease.id: lease},
        granted=turn.state.granted + 1,
    )
    turn.do(Grant(request_id=request.id, lease=lease))
    turn.info(f"granted {describe(lease)} on {gpu_names(turn.state, lease.gpus)}")


def _not_freed(turn: Turn, preparing: Preparing, waits_for: str, waited: float) -> None:
    state = turn.state
    gpus = preparing.gpus or tuple(state.gpus)
    within = show_duration(waited)
    if any(not state.gpus[g].known for g in gpus):
        refuse(turn, preparing.request, "unknown", f"within {within}: {unknown_reason(state)}")
        return
    holders = tuple(h for h in holders_on(state, gpus) if h.pid is not None)
    held = f"; held by {tell_holders(holders)}" if holders else ""
    refuse(turn, preparing.request, "not-freed", f"waited {within} for {waits_for}{held}", holders)


def gpu_names(state: State, gpus: tuple[str, ...]) -> str:
    """ "GPU 0, 1" for people."""
    if not gpus:
        return "GPUs that could not be read"
    return "GPU " + ", ".join(str(state.gpus[g].last.index) if g in state.gpus else g for g in gpus)
