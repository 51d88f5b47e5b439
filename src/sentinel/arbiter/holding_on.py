"""Leases that end, or should: the part of the machine for time limits, idle leases and evictions."""

from dataclasses import replace

from sentinel.arbiter.claiming import covers, describe
from sentinel.arbiter.inputs import Terminate, Warn
from sentinel.arbiter.states import Settings, State
from sentinel.arbiter.turn import Turn, without
from sentinel.core.lease import Lease, Sharing
from sentinel.core.units import show_duration

EXPIRY_WARNING = 300.0
"""Seconds before a lease's time is up that its owner hears of it (or a tenth of its time, if less)."""


def release(turn: Turn, lease_id: str, why: str) -> None:
    if lease := turn.state.leases.get(lease_id):
        turn.set(leases=without(turn.state.leases, lease_id))
        turn.info(f"released {describe(lease)}: {why}")


def evict_lease(turn: Turn, lease_id: str, by: str, *, keep_running: bool = False) -> None:
    """Ends a lease for good: its processes get TERM now, and KILL after the grace."""
    lease = turn.state.leases.get(lease_id)
    if lease is None:
        return
    if keep_running:
        release(turn, lease.id, f"evicted by {by}; its processes go on")
    elif lease.ending_since is None:
        turn.warn(f"{by} ends {describe(lease)}")
        _put(turn, replace(lease, ending_since=turn.now))
        turn.do(Warn(lease_id=lease.id, text=f"your GPU lease {lease.id} is ended by {by}"))
        turn.do(Terminate(lease_id=lease.id, kill=False))


def extend(turn: Turn, lease_id: str, seconds: float, *, owner: bool) -> None:
    lease = turn.state.leases.get(lease_id)
    if lease is None or lease.expires_at is None:
        return
    later = replace(
        lease,
        expires_at=lease.expires_at + seconds,
        extended=lease.extended + (seconds if owner else 0.0),
        warned=lease.warned - {"expiry"},
    )
    _put(turn, later)
    turn.info(f"{describe(lease)} may be held for {show_duration(seconds)} longer")


def why_not_longer(state: State, lease: Lease, seconds: float, *, owner: bool) -> str | None:
    """Why a lease may not be extended by so much; None when it may."""
    if lease.expires_at is None:
        return f"lease {lease.id} has no time limit"
    left = state.settings.limits.extension_seconds - lease.extended
    if owner and seconds > left:
        return f"you may add {show_duration(max(0.0, left))} more; ask an admin for more than that"
    return None


def end_what_is_due(turn: Turn) -> None:
    """Warnings, time limits, the idle rule, and KILL after TERM."""
    limits = turn.state.settings.limits
    for lease in tuple(turn.state.leases.values()):
        if lease.ending_since is not None:
            _press(turn, lease)
            continue
        if lease.expires_at is not None:
            if turn.now >= lease.expires_at:
                evict_lease(turn, lease.id, "the time limit")
                continue
            if turn.now >= _warn_at(lease):
                left = show_duration(lease.expires_at - turn.now)
                lease = _tell(turn, lease, "expiry", f"time is up in {left}")
        if lease.idle_since is None:
            continue
        idle = turn.now - lease.idle_since
        if limits.idle_reclaim is not None and idle >= limits.idle_reclaim:
            evict_lease(turn, lease.id, f"the idle rule (unused for {show_duration(idle)})")
        elif limits.idle_after is not None and idle >= limits.idle_after:
            again = limits.idle_reclaim
            then = f"; it is ended after {show_duration(again)}" if again is not None else ""
            _tell(turn, lease, "idle", f"its GPUs lie unused for {show_duration(idle)}{then}")


def _press(turn: Turn, lease: Lease) -> None:
    """KILL, and again after as long, should something of the tree be left even then."""
    assert lease.ending_since is not None
    if turn.now >= lease.ending_since + turn.state.settings.evict_grace:
        _put(turn, replace(lease, ending_since=turn.now))
        turn.do(Terminate(lease_id=lease.id, kill=True))


def _tell(turn: Turn, lease: Lease, kind: str, text: str) -> Lease:
    if kind in lease.warned:
        return lease
    told = replace(lease, warned=lease.warned | {kind})
    _put(turn, told)
    turn.do(Warn(lease_id=lease.id, text=f"your GPU lease {lease.id}: {text}"))
    turn.info(f"{describe(lease)}: {text}")
    return told


def note_idle(turn: Turn) -> None:
    """Since when each lease's GPUs lie unused, by the reading that has just come."""
    for lease in tuple(turn.state.leases.values()):
        if unused(turn.state, lease):
            if lease.idle_since is None:
                _put(turn, replace(lease, idle_since=turn.now))
        elif lease.idle_since is not None:
            _put(turn, replace(lease, idle_since=None, warned=lease.warned - {"idle"}))


def unused(state: State, lease: Lease) -> bool:
    """Whether nothing computes on any of the lease's GPUs. What is unknown is not unused.

    A process on a GPU that several leases share counts for the one that its environment names, else
    for all of them.
    """
    views = [v for g, v in state.gpus.items() if covers(lease, g)]
    if not views or not all(v.known for v in views):
        return False
    shared = lease.claim.sharing is not Sharing.EXCLUSIVE
    for view in views:
        busy = view.last.utilization_percent
        mine = [
            p
            for p in view.last.listed or ()
            if p.foreign and not (shared and p.lease is not None and p.lease != lease.id)
        ]
        if mine and (busy is None or busy > 0):
            return False
    return True


def lease_times(lease: Lease, settings: Settings) -> list[float]:
    """When time alone changes something for a lease."""
    limits = settings.limits
    if lease.ending_since is not None:
        return [lease.ending_since + settings.evict_grace]
    times: list[float] = []
    if lease.expires_at is not None:
        times += [lease.expires_at, _warn_at(lease)]
    if lease.idle_since is not None:
        times += [
            lease.idle_since + after
            for after in (limits.idle_after, limits.idle_reclaim)
            if after is not None
        ]
    return times


def _warn_at(lease: Lease) -> float:
    assert lease.expires_at is not None
    return lease.expires_at - min(EXPIRY_WARNING, (lease.expires_at - lease.since) / 10)


def _put(turn: Turn, lease: Lease) -> None:
    turn.set(leases={**turn.state.leases, lease.id: lease})
