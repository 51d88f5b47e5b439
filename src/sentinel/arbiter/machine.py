"""Who has the GPUs of this machine: the whole decision, as one pure function.

    step(state, input, now) -> (state, actions)

The daemon feeds it everything that happens and carries out what it answers; the tests feed it
everything that could. Kept true after every step, whatever the order of inputs:

1. A lease is in the state before its Grant is sent, and only for GPUs that were measured free (or
   `grant_when_unknown` says to go without).
2. A service is off its GPUs only while `view.service_why` can say why.
3. Nothing here touches a process that holds no lease.
4. Unknown readings change nothing: what runs runs on, what is paused stays, nobody new gets in.
"""

from dataclasses import replace
from typing import assert_never

from sentinel.arbiter.admission import all_waiting, join, leave
from sentinel.arbiter.claiming import intruders
from sentinel.arbiter.granting import admit, conclude, refuse
from sentinel.arbiter.holding_on import (
    end_what_is_due,
    evict_lease,
    extend,
    lease_times,
    note_idle,
    release,
)
from sentinel.arbiter.inputs import (
    Acquire,
    Action,
    EvictLease,
    Extend,
    Input,
    LiftCordon,
    Looked,
    Measured,
    Outlived,
    Pause,
    Release,
    Reload,
    RestoreDone,
    Resume,
    RungDone,
    SetCordon,
    Shutdown,
    Tick,
    Unmeasured,
    Withdraw,
)
from sentinel.arbiter.states import (
    AdminHold,
    Cordon,
    Evicting,
    Failed,
    GpuView,
    Paused,
    Restoring,
    Sample,
    Saved,
    Service,
    ServiceSettings,
    Settings,
    State,
    Unsettled,
)
from sentinel.arbiter.stepping_aside import RUNG_RETRY, advance_all, restore_done, rung_done
from sentinel.arbiter.turn import MEASURE_SPACING, Turn, without
from sentinel.core.process import ProcessId


def begin(settings: Settings, now: float, saved: Saved | None = None) -> State:
    """The state of an arbiter that starts. `saved`: what the last one left, its leases with living
    processes only.

    Nothing is known yet, so nothing is decided yet: services settle by the first look at each.
    """
    left = saved or Saved()
    services = {s.name: _new_service(s, now, left.services.get(s.name)) for s in settings.services}
    state = State(
        settings=settings,
        services={n: replace(s, quiet_since=_quiet(s, settings, now)) for n, s in services.items()},
        leases={lease.id: lease for lease in left.leases},
        hold=left.hold,
        cordons=left.cordons,
        granted=left.granted,
    )
    return step(state, Tick(), now)[0]


def _quiet(service: Service, settings: Settings, now: float) -> float:
    """Since when nothing claims its GPUs, as far as an arbiter can tell that has just started. One that
    was paused waits the usual delay: clients of the last arbiter are about to ask again."""
    paused = isinstance(service.phase, Unsettled) and service.phase.rung is not None
    return now if paused else now - settings.resume_delay


def _new_service(settings: ServiceSettings, now: float, left: Unsettled | None = None) -> Service:
    phase = left or Unsettled(since=now, wanted=settings.supervised)
    if settings.supervised:
        phase = replace(phase, wanted=True)
    return Service(settings=settings, phase=phase, quiet_since=now)


def step(state: State, happened: Input, now: float) -> tuple[State, tuple[Action, ...]]:
    """What follows from one input at `now` (CLOCK_BOOTTIME seconds)."""
    turn = Turn(state, now)
    _take_in(turn, happened)
    for _ in range(len(turn.state.services) + 4):
        before = turn.state
        end_what_is_due(turn)
        admit(turn)
        advance_all(turn)
        conclude(turn)
        if turn.state is before:
            break
    return turn.state, tuple(turn.actions)


def _take_in(turn: Turn, happened: Input) -> None:
    match happened:
        case Acquire(request=request):
            turn.set(queue=join(turn.state.queue, request))
        case Withdraw(request_id=request_id):
            _withdraw(turn, request_id)
        case Release(lease_id=lease_id, why=why):
            release(turn, lease_id, why)
        case Outlived(lease_id=lease_id, survivors=survivors):
            if lease := turn.state.leases.get(lease_id):
                changed = replace(lease, survivors=survivors)
                turn.set(leases={**turn.state.leases, lease_id: changed})
        case Measured(began=began, samples=samples):
            _measured(turn, began, samples)
        case Unmeasured(began=began, why=why):
            _unmeasured(turn, began, why)
        case Looked() | RungDone() | RestoreDone():
            _service_answered(turn, happened)
        case Pause(by=by, reason=reason):
            turn.set(hold=AdminHold(by=by, reason=reason, since=turn.now))
            turn.info(f"paused by {by}" + (f": {reason}" if reason else ""))
        case Resume(by=by):
            _resume(turn, by)
        case EvictLease(lease_id=lease_id, by=by, keep_running=keep_running):
            evict_lease(turn, lease_id, by, keep_running=keep_running)
        case Extend(lease_id=lease_id, seconds=seconds, owner=owner):
            extend(turn, lease_id, seconds, owner=owner)
        case SetCordon(gpu=gpu, by=by, reason=reason):
            cordon = Cordon(by=by, reason=reason, since=turn.now)
            turn.set(cordons={**turn.state.cordons, gpu: cordon})
        case LiftCordon(gpu=gpu):
            turn.set(cordons=without(turn.state.cordons, gpu))
        case Reload(settings=settings):
            _reload(turn, settings)
        case Shutdown():
            turn.set(stopping=True)
            for preparing in tuple(turn.state.preparing.values()):
                refuse(turn, preparing.request, "stopping", "the arbiter is shutting down")
        case Tick():
            pass
        case _:
            assert_never(happened)


# ------------------------------------------------------------------ claims


def _withdraw(turn: Turn, request_id: str) -> None:
    turn.set(preparing=without(turn.state.preparing, request_id))
    for requests in turn.state.queue.waiting.values():
        for request in requests:
            if request.id == request_id:
                turn.set(queue=leave(turn.state.queue, request, served=False))
                return


# ------------------------------------------------------------------ readings


def _measured(turn: Turn, began: float, samples: tuple[Sample, ...]) -> None:
    state = turn.state
    views: dict[str, GpuView] = {}
    for sample in samples:
        views[sample.uuid] = _view(state.gpus.get(sample.uuid), sample, began, turn.now)
    for uuid, old in state.gpus.items():
        if uuid not in views:
            views[uuid] = _unknown(old, "the driver no longer lists it", turn.now)
    turn.set(
        gpus=views,
        attempted_at=began,
        unread_since=None,
        unread_why="",
        reading=False,
        next_reading_at=turn.now + MEASURE_SPACING,
    )
    _note_foreign(turn)
    note_idle(turn)


def _view(old: GpuView | None, sample: Sample, began: float, now: float) -> GpuView:
    if sample.listed is not None:
        return GpuView(last=sample, read_at=began)
    why = sample.error or "its process list cannot be read"
    if old is None:
        return GpuView(last=sample, read_at=began, unknown_since=now, unknown_why=why)
    return _unknown(replace(old, last=replace(sample, listed=old.last.listed)), why, now)


def _unknown(view: GpuView, why: str, now: float) -> GpuView:
    """The same view, no longer to be trusted. Since when is the first time that reads failed."""
    since = view.unknown_since if view.unknown_since is not None else now
    return replace(view, unknown_since=since, unknown_why=why)


def _note_foreign(turn: Turn) -> None:
    """Remembers since when each foreign process is seen, and forgets those that are gone."""
    seen: dict[ProcessId, float] = {}
    for view in turn.state.gpus.values():
        for process in view.last.listed or ():
            if process.foreign:
                seen[process.process] = turn.state.foreign_since.get(process.process, turn.now)
    new = {p for p in seen if p not in turn.state.foreign_since}
    turn.set(foreign_since=seen, tolerated=frozenset(p for p in turn.state.tolerated if p in seen))
    for gpu, view in turn.state.gpus.items():
        for process in intruders(turn.state, gpu, turn.now):
            if process.process in new:
                who = f"{process.name} of {process.user} (pid {process.process.pid})"
                turn.info(f"watchdog: {who} uses GPU {view.last.index} without a lease")


def _unmeasured(turn: Turn, began: float, why: str) -> None:
    state = turn.state
    if state.unread_since is None:
        turn.warn(f"the GPUs cannot be read: {why}; everything stays as it is until they can")
    views = {u: _unknown(v, why, turn.now) for u, v in state.gpus.items()}
    turn.set(
        gpus=views,
        attempted_at=max(began, state.attempted_at),
        unread_since=state.unread_since if state.unread_since is not None else turn.now,
        unread_why=why,
        reading=False,
        next_reading_at=turn.now + 1.0,
    )
    note_idle(turn)


# ------------------------------------------------------------------ services


def _service_answered(turn: Turn, happened: Looked | RungDone | RestoreDone) -> None:
    service = turn.state.services.get(happened.service)
    if service is None:
        return
    match happened:
        case Looked(began=began, sight=sight):
            if began >= service.touched_at:
                turn.put_service(service, sight=sight)
        case RungDone():
            rung_done(turn, service, happened)
        case RestoreDone():
            restore_done(turn, service, happened)


def _resume(turn: Turn, by: str) -> None:
    """Ends an admin's pause; takes unknown readings and foreign processes as seen and accepted."""
    seen = frozenset(p.process for v in turn.state.gpus.values() for p in v.last.listed or () if p.foreign)
    turn.set(hold=None, tolerated=turn.state.tolerated | seen)
    quiet = turn.now - turn.state.settings.resume_delay
    for service in tuple(turn.state.services.values()):
        phase = service.phase
        if isinstance(phase, Failed):
            phase = replace(phase, retry_at=turn.now)
        away = isinstance(phase, Paused | Failed | Evicting)
        turn.put_service(service, phase=phase, quiet_since=quiet, forced=away)
    turn.info(f"resumed by {by}")


def _reload(turn: Turn, settings: Settings) -> None:
    """Takes a new config. A service that is no longer in it, if paused, is the shell's to bring back."""
    old = turn.state.services
    services: dict[str, Service] = {}
    for wanted in settings.services:
        known = old.get(wanted.name)
        fresh = _new_service(wanted, turn.now)
        services[wanted.name] = replace(known, settings=wanted) if known else fresh
    turn.set(settings=settings, services=services)


# ------------------------------------------------------------------ time


def next_wake(state: State, now: float) -> float | None:
    """When time alone will change something: the shell sends a Tick then. None: not by itself."""
    s = state.settings
    times: list[float] = []
    if state.queue.impatient:
        times += [r.until for r in all_waiting(state.queue) if r.until is not None]
    for preparing in state.preparing.values():
        until = preparing.request.until
        times += [preparing.since + s.grant_timeout] + ([until] if until is not None else [])
    for lease in state.leases.values():
        times += lease_times(lease, s)
    if s.watchdog_grace:
        times += [t + s.watchdog_grace for t in state.foreign_since.values()]
    for service in state.services.values():
        times += _service_times(service, s)
    if _waits_for_memory(state) and not state.reading:
        times.append(state.next_reading_at)
    # What is due by now was dealt with in the step before: waking for it again would spin.
    return min((t for t in times if t > now), default=None)


def _service_times(service: Service, settings: Settings) -> list[float]:
    match service.phase:
        case Evicting(done_at=done_at) if done_at is not None:
            return [done_at + service.settings.settle_seconds, done_at + RUNG_RETRY]
        case Paused() if service.quiet_since is not None:
            return [service.quiet_since + settings.resume_delay]
        case Failed(retry_at=retry_at) if service.quiet_since is not None:
            return [retry_at]
        case _:
            return []


def _waits_for_memory(state: State) -> bool:
    evicting = any(
        isinstance(s.phase, Evicting) and s.phase.done_at is not None for s in state.services.values()
    )
    returning = any(
        isinstance(s.phase, Paused | Failed) and s.quiet_since is not None for s in state.services.values()
    )
    return bool(state.preparing) or evicting or returning


def settled(state: State) -> bool:
    """Whether an arbiter that is stopping has nothing left to wait for."""
    return not any(isinstance(s.phase, Evicting | Restoring) for s in state.services.values()) and (
        bool(state.leases)
        or not any(isinstance(s.phase, Paused) and not s.settings.supervised for s in state.services.values())
    )
