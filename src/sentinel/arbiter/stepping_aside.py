"""Inference services leaving their GPUs and coming back: the part of the machine that moves phases.

Every phase has one handler here; the whole transition table is `advance`. A service climbs its ladder
rung by rung until what is claimed is measured free, and returns when nothing claims its GPUs, after
`resume_delay`, and only on a reading that proves the GPUs quiet.
"""

from dataclasses import replace
from typing import assert_never

from sentinel.arbiter.claiming import Pressure, held_by_service, pressure_on, service_gpus
from sentinel.arbiter.inputs import Restore, RestoreDone, RungDone, RunRung
from sentinel.arbiter.states import (
    Evicting,
    Failed,
    GpuView,
    Paused,
    Restoring,
    Running,
    Service,
    State,
    Stopped,
    Unsettled,
)
from sentinel.arbiter.turn import Turn
from sentinel.core.service import Down, Rung, Up
from sentinel.core.units import show_duration, show_size

RETRY_FIRST = 2.0
RETRY_MOST = 300.0
SOUND_AFTER = 60.0
"""Seconds after which a service that came up counts as sound: its failures are forgotten."""
RUNG_RETRY = 5.0
"""Seconds before the last rung is tried again when it failed."""


def advance_all(turn: Turn) -> None:
    for name in turn.state.services:
        advance(turn, turn.state.services[name])


def advance(turn: Turn, service: Service) -> None:
    """Moves one service as far as it can go now."""
    pressure = pressure_on(turn.state, service, turn.now)
    if pressure.reasons:
        service = turn.put_service(service, quiet_since=None)
    elif service.quiet_since is None:
        service = turn.put_service(service, quiet_since=turn.now)
    match service.phase:
        case Unsettled():
            _settle(turn, service)
        case Running():
            _run(turn, service, pressure)
        case Evicting():
            _evict(turn, service, service.phase, pressure)
        case Paused():
            _stay(turn, service, service.phase, pressure)
        case Failed():
            _retry(turn, service, service.phase, pressure)
        case Stopped():
            if isinstance(service.sight, Up):
                turn.enter(service, Running(since=turn.now))
        case Restoring():
            pass
        case _:
            assert_never(service.phase)


# ------------------------------------------------------------------ phases


def _settle(turn: Turn, service: Service) -> None:
    """First look after a start: what the last arbiter left decides what a stopped service means."""
    assert isinstance(service.phase, Unsettled)
    rung = service.phase.rung
    match service.sight:
        case Up() if rung is not None and rung is not Rung.STOP:
            # Up, but asleep: it looks the same from outside, so the last arbiter's word counts.
            turn.enter(service, Paused(since=turn.now, rung=rung, held=service.phase.held))
        case Up():
            turn.enter(service, Running(since=turn.now))
        case Down(why=why) if service.phase.wanted:
            away = Paused(since=turn.now, rung=Rung.STOP, held=service.phase.held)
            turn.enter(service, away, note=why)
        case Down(why=why):
            turn.enter(service, Stopped(since=turn.now, why=f"not running when Sentinel came ({why})"))
        case _:
            pass  # cannot be seen: stays unsettled, and says so


def _run(turn: Turn, service: Service, pressure: Pressure) -> None:
    if isinstance(service.sight, Down):
        why = service.sight.why
        if service.settings.supervised:
            assert isinstance(service.phase, Running)
            if turn.now - service.phase.since > SOUND_AFTER:
                service = turn.put_service(service, failures=0)
            turn.warn(f"service {service.settings.name} ended by itself: {why}")
            _fail(turn, service, Rung.STOP, why)
        else:
            turn.enter(service, Stopped(since=turn.now, why=why))
            turn.info(f"service {service.settings.name} was stopped by someone else: {why}")
        return
    if pressure.reasons and not _relieved(turn.state, service, pressure, running=True):
        if not pressure.full and _unread_since_it_moved(turn.state, service, pressure):
            turn.measure()  # a share may fit beside it: nothing is paused on an old reading
            return
        _take_rung(turn, service, 0, since=turn.now, why="; ".join(pressure.reasons))


def _evict(turn: Turn, service: Service, phase: Evicting, pressure: Pressure) -> None:
    if phase.done_at is None:
        return
    if not pressure.reasons:
        _evicted_for_nothing(turn, service, phase)
    elif phase.error is None and _relieved(turn.state, service, pressure, running=False):
        freed = _freed(turn.state, service, phase)
        took = turn.now - phase.since
        away = Paused(since=turn.now, rung=phase.rung, took=took, freed_bytes=freed, held=phase.held)
        turn.enter(service, away, note="")
        turn.info(
            f"service {service.settings.name} is off the GPU by {phase.rung} in {show_duration(took)},"
            f" {show_size(freed)} freed"
        )
    else:
        _climb(turn, service, phase)


def _evicted_for_nothing(turn: Turn, service: Service, phase: Evicting) -> None:
    """The claim went away while the service was leaving: it comes back by the usual way."""
    took = turn.now - phase.since
    rung = phase.rung
    if phase.error is not None and not isinstance(service.sight, Down):
        slept = _may_sleep(service, phase.rung)
        if slept is None:
            turn.enter(service, Running(since=turn.now), note=f"{phase.rung} failed: {phase.error}")
            return
        rung = slept
    turn.enter(service, Paused(since=turn.now, rung=rung, took=took, held=phase.held), note="")


def _may_sleep(service: Service, last: Rung) -> Rung | None:
    """The last rung up to `last` after which a service looks up and is not awake; None: there was none.

    A rung that failed may have been taken all the same, and only a restore wakes what sleeps.
    """
    ladder = service.settings.ladder
    taken = ladder[: ladder.index(last) + 1] if last in ladder else ladder
    return next((rung for rung in reversed(taken) if rung in (Rung.SLEEP, Rung.SUSPEND)), None)


def _climb(turn: Turn, service: Service, phase: Evicting) -> None:
    """The rung is taken and not enough came free: the next one, once the driver had time to settle."""
    assert phase.done_at is not None
    turn.measure()
    ladder = service.settings.ladder
    index = ladder.index(phase.rung) if phase.rung in ladder else len(ladder) - 1
    blind = any(not turn.state.gpus[g].known for g in service_gpus(turn.state, service))
    if phase.error is None and (blind or turn.now < phase.done_at + service.settings.settle_seconds):
        return
    if index + 1 < len(ladder):
        reason = phase.error or "it did not free enough"
        _take_rung(turn, service, index + 1, since=phase.since, why=f"after {phase.rung}: {reason}")
    elif phase.error is not None and turn.now >= phase.done_at + RUNG_RETRY:
        _take_rung(turn, service, index, since=phase.since, why=f"again: {phase.error}")
    elif isinstance(service.sight, Up) and turn.now >= phase.done_at + RUNG_RETRY:
        _take_rung(turn, service, index, since=phase.since, why="it is running again")


def _stay(turn: Turn, service: Service, phase: Paused, pressure: Pressure) -> None:
    if phase.rung is Rung.STOP and isinstance(service.sight, Up):
        # Should its GPUs be claimed, it steps aside again as any running service does.
        turn.warn(f"service {service.settings.name} was started by someone else while it was paused")
        turn.enter(service, Running(since=turn.now), note="started by someone else")
    elif pressure.reasons:
        if _regrown(turn.state, service, pressure):
            ladder = service.settings.ladder
            following = min(ladder.index(phase.rung) + 1, len(ladder) - 1) if phase.rung in ladder else 0
            _take_rung(turn, service, following, since=turn.now, why="it took GPU memory again while paused")
    elif why_not_back(turn, service) is None:
        turn.enter(service, Restoring(since=turn.now, rung=phase.rung))
        turn.do(Restore(service=service.settings.name))


def _retry(turn: Turn, service: Service, phase: Failed, pressure: Pressure) -> None:
    if isinstance(service.sight, Up) and phase.rung not in (Rung.SLEEP, Rung.SUSPEND):
        turn.enter(service, Running(since=turn.now), note="")
    elif not pressure.reasons and turn.now >= phase.retry_at and why_not_back(turn, service) is None:
        turn.enter(service, Restoring(since=turn.now, rung=phase.rung))
        turn.do(Restore(service=service.settings.name))


def rung_done(turn: Turn, service: Service, done: RungDone) -> None:
    """The driver's call returned. Only what is read from then on counts as proof."""
    phase = service.phase
    if not isinstance(phase, Evicting) or phase.rung is not done.rung or phase.done_at is not None:
        return
    if done.error:
        turn.warn(f"service {service.settings.name}: {done.rung} failed: {done.error}")
    after = replace(phase, done_at=turn.now, error=done.error)
    turn.enter(service, after, touched_at=done.at, sight=None)
    turn.measure()


def restore_done(turn: Turn, service: Service, done: RestoreDone) -> None:
    """The driver's call returned: the service is back, or is tried again later and later."""
    phase = service.phase
    if not isinstance(phase, Restoring):
        return
    name = service.settings.name
    if done.error is None:
        back = Running(since=turn.now)
        turn.enter(service, back, touched_at=done.at, note="", sight=None, forced=False)
        turn.info(f"service {name} is back")
        turn.measure()
        return
    service = turn.put_service(service, touched_at=done.at)
    wait = _fail(turn, service, phase.rung, done.error)
    tries = service.failures + 1
    again = show_duration(wait)
    turn.warn(f"service {name} did not come back (try {tries}): {done.error}; next try in {again}")


def _fail(turn: Turn, service: Service, rung: Rung, why: str) -> float:
    """Marks it as failed; answers the seconds until the next try, twice as many each time."""
    wait = min(RETRY_MOST, RETRY_FIRST * 2 ** min(service.failures, 10))
    failed = Failed(since=turn.now, rung=rung, why=why, retry_at=turn.now + wait)
    turn.enter(service, failed, sight=None, failures=service.failures + 1)
    return wait


# ------------------------------------------------------------------ judging


def _take_rung(turn: Turn, service: Service, index: int, *, since: float, why: str) -> None:
    rung = service.settings.ladder[index]
    phase = service.phase
    held = (phase.held if isinstance(phase, Evicting | Paused) else ()) or _held(turn.state, service)
    enough = _enough(turn, service)
    turn.enter(service, Evicting(since=since, rung=rung, rung_since=turn.now, held=held), sight=None)
    turn.info(f"service {service.settings.name} steps aside ({rung}): {why}")
    turn.do(RunRung(service=service.settings.name, rung=rung, enough_bytes=enough))


def _enough(turn: Turn, service: Service) -> int | None:
    """How much must come free where a part is enough; None when all of it must."""
    pressure = pressure_on(turn.state, service, turn.now)
    if pressure.full or not pressure.free:
        return None
    missing = 0
    for gpu, need in pressure.free:
        free = turn.state.gpus[gpu].last.free_bytes
        if free is None:
            return None
        missing = max(missing, need - free)
    return max(1, missing)


def _relieved(state: State, service: Service, pressure: Pressure, *, running: bool) -> bool:
    """Whether the service, as measured, is out of the way of everything that claims its GPUs."""
    if pressure.full:
        return not running and off_gpus(state, service)
    return all(_measured_free(state, service, gpu, need) for gpu, need in pressure.free)


def _measured_free(state: State, service: Service, gpu: str, need: int) -> bool:
    view = state.gpus[gpu]
    if not view.known:
        return state.settings.grant_when_unknown and isinstance(service.sight, Down)
    free = view.last.free_bytes
    return free is not None and view.read_at >= service.touched_at and free >= need


def _unread_since_it_moved(state: State, service: Service, pressure: Pressure) -> bool:
    """Whether what a share asks for hangs on a reading that is older than the service's last move."""
    views = [state.gpus[gpu] for gpu, _ in pressure.free]
    return any(view.known and view.read_at < service.touched_at for view in views)


def off_gpus(state: State, service: Service) -> bool:
    """Measured, after the last driver call ended: nothing of the service is on its GPUs."""
    gpus = service_gpus(state, service)
    if not gpus:
        # Pinned to cards that were never seen. With none seen at all nothing is measured.
        blind = not state.gpus and not (state.settings.grant_when_unknown and isinstance(service.sight, Down))
        return not blind
    for gpu in gpus:
        view = state.gpus[gpu]
        if not view.known:
            if not (state.settings.grant_when_unknown and isinstance(service.sight, Down)):
                return False
            continue
        if view.read_at < service.touched_at or _lingers(view, service):
            return False
    return True


def _lingers(view: GpuView, service: Service) -> bool:
    """Whether a process of the service is listed on the GPU and holds more than it may keep.

    Being listed is what counts: a context may hold memory that the driver does not state.
    """
    if not any(p.service == service.settings.name for p in view.last.listed or ()):
        return False
    held = held_by_service(view, service.settings.name)
    return held is None or service.settings.may_keep_bytes == 0 or held > service.settings.may_keep_bytes


def _regrown(state: State, service: Service, pressure: Pressure) -> bool:
    """Whether a paused service is measured on its GPUs again although they are claimed."""
    gpus = [state.gpus[g] for g in service_gpus(state, service)]
    fresh = [v for v in gpus if v.known and v.read_at >= service.touched_at]
    if pressure.full:
        return any(_lingers(v, service) for v in fresh)
    needs = dict(pressure.free)
    return any(
        v.last.free_bytes is not None
        and v.last.free_bytes < needs.get(v.last.uuid, 0)
        and _lingers(v, service)
        for v in fresh
    )


def _held(state: State, service: Service) -> tuple[tuple[str, int], ...]:
    """GPU → bytes that the service holds there, where that is known."""
    held = (
        (g, held_by_service(state.gpus[g], service.settings.name))
        for g in sorted(service_gpus(state, service))
    )
    return tuple((g, h) for g, h in held if h is not None)


def _freed(state: State, service: Service, phase: Evicting) -> int | None:
    left = dict(_held(state, service))
    if not phase.held or not left.keys() >= dict(phase.held).keys():
        return None
    return sum(max(0, before - left[g]) for g, before in phase.held)


def why_not_back(turn: Turn, service: Service) -> str | None:
    """Why a paused service with nothing on its GPUs does not return yet; None when it may.

    Asks for the reading it needs.
    """
    state, now = turn.state, turn.now
    if state.stopping and service.settings.supervised:
        return "the arbiter that runs it is stopping"
    quiet = service.quiet_since if service.quiet_since is not None else now
    wait = quiet + state.settings.resume_delay - now
    if wait > 0 and not state.stopping:
        return f"comes back in {show_duration(wait)}"
    if state.stopping or service.forced or state.settings.grant_when_unknown:
        return None
    gpus = service_gpus(state, service)
    if not state.gpus:
        turn.measure()
        return f"the GPUs were never readable ({state.unread_why})"
    for gpu in sorted(gpus, key=lambda g: state.gpus[g].last.index):
        view = state.gpus[gpu]
        if not view.known:
            turn.measure()
            return f"GPU {view.last.index} cannot be read ({view.unknown_why})"
        if view.read_at < quiet:
            turn.measure()
            return f"waits for a fresh reading of GPU {view.last.index}"
    return _no_room(state, service)


def _no_room(state: State, service: Service) -> str | None:
    """Whether what it held before would not fit now: it waits then, rather than fail at its start."""
    if not isinstance(service.phase, Paused):
        return None
    left = dict(_held(state, service))
    for gpu, before in service.phase.held:
        view = state.gpus.get(gpu)
        if view is None or view.last.free_bytes is None:
            continue
        need = before - left.get(gpu, 0)
        if view.last.free_bytes < need:
            free = show_size(view.last.free_bytes)
            return f"needs {show_size(need)} on GPU {view.last.index}, of which {free} is free"
    return None
