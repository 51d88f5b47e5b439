"""Which waiting request gets which GPUs next, and why the others wait. Pure; used by the machine.

Order: users take turns (states.Queue), first come within a user. A request that must wait closes the
gate on the GPUs it waits for, so that nothing later overtakes it there and it cannot starve.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from sentinel.arbiter.claiming import (
    claims_on,
    describe,
    held_by_service,
    holders_on,
    intruders,
    sharing_of,
    tell_holders,
    unused_share,
)
from sentinel.arbiter.states import Holder, Queue, State
from sentinel.core.lease import Claim, Lease, Request, Sharing
from sentinel.core.units import show_size


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    gpus: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """Not now. `gates`: GPUs that later requests must leave alone."""

    why: str
    gates: frozenset[str]
    holders: tuple[Holder, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Never:
    """Not on this machine as it is."""

    code: str
    why: str


Placement = Placed | Blocked | Never

# ------------------------------------------------------------------ the queue


def join(queue: Queue, request: Request) -> Queue:
    uid = request.peer.uid
    return Queue(
        ring=queue.ring if uid in queue.waiting else (*queue.ring, uid),
        impatient=queue.impatient + (request.until is not None),
        waiting={**queue.waiting, uid: (*queue.waiting.get(uid, ()), request)},
    )


def leave(queue: Queue, request: Request, *, served: bool) -> Queue:
    """Without the request, if it is there. A user who was served goes to the end of the ring."""
    uid = request.peer.uid
    mine = queue.waiting.get(uid, ())
    rest = tuple(r for r in mine if r.id != request.id)
    if len(rest) == len(mine):
        return queue
    impatient = queue.impatient - (request.until is not None)
    others = tuple(u for u in queue.ring if u != uid)
    if not rest:
        waiting = {u: rs for u, rs in queue.waiting.items() if u != uid}
        return Queue(ring=others, impatient=impatient, waiting=waiting)
    ring = (*others, uid) if served else queue.ring
    return Queue(ring=ring, impatient=impatient, waiting={**queue.waiting, uid: rest})


def in_order(queue: Queue) -> Iterator[Request]:
    """Waiting requests by turn: the first of each user in ring order, then the second of each, …"""
    depth = 0
    ring = queue.ring
    while ring:
        ring = tuple(uid for uid in ring if len(queue.waiting[uid]) > depth)
        for uid in ring:
            yield queue.waiting[uid][depth]
        depth += 1


def all_waiting(queue: Queue) -> Iterator[Request]:
    for requests in queue.waiting.values():
        yield from requests


# ------------------------------------------------------------------ placing


def usable(state: State) -> tuple[str, ...]:
    """GPUs that may be given at all, by index: not cordoned, not broken, readable."""
    blind = state.settings.grant_when_unknown
    good = [
        v
        for u, v in state.gpus.items()
        if u not in state.cordons and v.last.error is None and (v.known or blind)
    ]
    return tuple(v.last.uuid for v in sorted(good, key=lambda v: v.last.index))


def place(state: State, request: Request, gated: frozenset[str], now: float) -> Placement:
    """Where the request could go now, given the gates that earlier ones closed."""
    claim = request.claim
    if over := over_limit(state, request):
        return Blocked(why=over, gates=frozenset())
    cards = usable(state)
    if not cards:
        return _nothing_usable(state)
    match claim.sharing:
        case Sharing.SHARED:
            return _place_shared(state, cards, gated)
        case Sharing.EXCLUSIVE:
            return _place_exclusive(state, claim, cards, gated, now)
        case Sharing.SLICE:
            return _place_slice(state, claim, cards, gated)


def over_limit(state: State, request: Request) -> str | None:
    """Why this user may not have one more lease now; None when they may. Nobody waits for that: it
    closes no gate."""
    most = state.settings.limits.leases_per_user
    if most is None:
        return None
    uid = request.peer.uid
    have = sum(le.peer.uid == uid for le in state.leases.values())
    have += sum(p.request.peer.uid == uid for p in state.preparing.values())
    return None if have < most else f"one of {request.peer.user}'s {have} leases to end (the limit is {most})"


def _nothing_usable(state: State) -> Placement:
    if state.settings.grant_when_unknown and not state.cordons:
        return Placed(gpus=())
    if state.cordons and len(state.cordons) >= len(state.gpus):
        reasons = "; ".join(
            f"GPU {state.gpus[u].last.index} cordoned by {c.by}: {c.reason}"
            for u, c in state.cordons.items()
            if u in state.gpus
        )
        return Blocked(why=reasons or "every GPU is cordoned", gates=frozenset(state.gpus))
    return Never(code="unknown", why=unknown_reason(state))


def unknown_reason(state: State) -> str:
    whys = [state.unread_why] if state.unread_since is not None or not state.gpus else []
    whys += [
        f"GPU {v.last.index}: {why}"
        for v in state.gpus.values()
        if (not v.known or v.last.error) and (why := v.last.error or v.unknown_why) not in whys
    ]
    return "the GPUs cannot be read (" + ("; ".join(dict.fromkeys(whys)) or "no GPU found") + ")"


def _place_shared(state: State, cards: tuple[str, ...], gated: frozenset[str]) -> Placement:
    taken = {g for g in cards if any(sharing_of(c) is Sharing.EXCLUSIVE for c in claims_on(state, g))}
    free = tuple(g for g in cards if g not in taken and g not in gated)
    if free:
        return Placed(gpus=free)
    return _blocked(state, cards, frozenset(cards))


def _place_exclusive(
    state: State, claim: Claim, cards: tuple[str, ...], gated: frozenset[str], now: float
) -> Placement:
    named = _named(state, claim.gpu_ids)
    if isinstance(named, Never):
        return named
    count = len(named) or claim.count or 1
    if count > len(state.gpus):
        return Never(code="impossible", why=f"{count} GPUs asked for; this machine has {len(state.gpus)}")
    if claim.memory_bytes and (never := _too_big(state, claim.memory_bytes, count, named)):
        return never

    def busy(gpu: str) -> int:
        return len(list(claims_on(state, gpu))) + len(intruders(state, gpu, now))

    wanted = [g for g in (named or cards) if g in cards]
    ready = [g for g in wanted if g not in gated and not busy(g)]
    if len(ready) >= count:
        calm = sorted(ready, key=lambda g: (_inference_bytes(state, g), state.gpus[g].last.index))
        return Placed(gpus=tuple(sorted(calm[:count], key=lambda g: state.gpus[g].last.index)))
    waits_for = sorted(wanted, key=lambda g: (g in gated, busy(g), _busy_since(state, g)))[:count]
    blocked = _blocked(state, [g for g in waits_for if g not in ready] or named, frozenset(waits_for))
    asked = named or (state.gpus if len(cards) < count else ())
    out = [g for g in asked if g not in cards]
    if out:
        return replace(blocked, why="; ".join(_why_unusable(state, g) for g in out))
    return blocked


def _place_slice(state: State, claim: Claim, cards: tuple[str, ...], gated: frozenset[str]) -> Placement:
    need = claim.memory_bytes or 0
    if never := _too_big(state, need, 1, ()):
        return never
    best: list[tuple[int, int, str]] = []
    for gpu in cards:
        if gpu in gated or any(sharing_of(c) is Sharing.EXCLUSIVE for c in claims_on(state, gpu)):
            continue
        room = slice_capacity(state, gpu)
        if room is not None and room >= need:
            # Least left over first: whole cards stay whole for those who need one.
            best.append((room - need, state.gpus[gpu].last.index, gpu))
    if best:
        return Placed(gpus=(min(best)[2],))
    roomiest = sorted(cards, key=lambda g: (g in gated, -(state.gpus[g].last.total_bytes or 0)))[:1]
    return _blocked(state, cards, frozenset(roomiest))


def slice_capacity(state: State, gpu: str) -> int | None:
    """Bytes a further slice could get on the GPU once inference is off it. None: cannot be told."""
    sample = state.gpus[gpu].last
    if sample.total_bytes is None or sample.free_bytes is None:
        return None
    declared = 0
    for claim in claims_on(state, gpu):
        asked = claim.claim if isinstance(claim, Lease) else claim.request.claim
        if asked.sharing is Sharing.SLICE:
            declared += asked.memory_bytes or 0
    reclaimable = sum(held_by_service(state.gpus[gpu], name) or 0 for name in state.services)
    promised = sum(unused_share(state, lease, gpu) for lease in state.leases.values() if gpu in lease.gpus)
    promised += sum(p.request.claim.memory_bytes or 0 for p in state.preparing.values() if gpu in p.gpus)
    return min(sample.total_bytes - declared, sample.free_bytes + reclaimable - promised)


def _named(state: State, ids: tuple[str, ...]) -> tuple[str, ...] | Never:
    found: list[str] = []
    for wanted in ids:
        match = [u for u, v in state.gpus.items() if wanted in (u, str(v.last.index))]
        if not match:
            have = ", ".join(str(v.last.index) for v in state.gpus.values())
            return Never(code="impossible", why=f"there is no GPU {wanted} here (there are: {have})")
        found.append(match[0])
    return tuple(dict.fromkeys(found))


def _too_big(state: State, need: int, count: int, named: tuple[str, ...]) -> Never | None:
    totals = sorted((state.gpus[g].last.total_bytes or 0 for g in named or state.gpus), reverse=True)
    if len(totals) >= count and totals[count - 1] >= need:
        return None
    largest = show_size(totals[0] if totals else None)
    return Never(code="impossible", why=f"{show_size(need)} asked for; the largest GPU here has {largest}")


def _inference_bytes(state: State, gpu: str) -> int:
    return sum(held_by_service(state.gpus[gpu], name) or 0 for name in state.services)


def _busy_since(state: State, gpu: str) -> float:
    return min((c.since for c in claims_on(state, gpu)), default=0.0)


def _why_unusable(state: State, gpu: str) -> str:
    view = state.gpus[gpu]
    if cordon := state.cordons.get(gpu):
        return f"GPU {view.last.index} is cordoned by {cordon.by}: {cordon.reason}"
    return f"GPU {view.last.index}: {view.last.error or view.unknown_why}"


def _blocked(state: State, gpus: tuple[str, ...] | list[str], gates: frozenset[str]) -> Blocked:
    claims = dict.fromkeys(describe(c) for g in gpus for c in claims_on(state, g))
    holders = holders_on(state, gpus)
    where = ", ".join(str(state.gpus[g].last.index) for g in gpus)
    if claims:
        why = f"GPU {where}, held by {', '.join(claims)}"
    else:
        why = tell_holders(holders) or f"GPU {where}, promised to an earlier request"
    return Blocked(why=why, gates=gates, holders=holders)
