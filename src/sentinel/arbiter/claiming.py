"""Who claims which GPU, and what of it could still be given: pure questions asked of a State."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sentinel.arbiter.states import GpuView, Holder, Listed, Preparing, Service, State
from sentinel.core.lease import Lease, Sharing
from sentinel.core.units import show_size


def service_gpus(state: State, service: Service) -> frozenset[str]:
    """UUIDs of the GPUs that the service is pinned to, as far as they have been seen."""
    wanted = service.settings.gpus
    if not wanted:
        return frozenset(state.gpus)
    return frozenset(u for u, v in state.gpus.items() if u in wanted or str(v.last.index) in wanted)


def covers(claim: Lease | Preparing, gpu: str) -> bool:
    """Whether a lease holds the GPU. One granted blind (no GPU was known then) holds them all."""
    return gpu in claim.gpus or not claim.gpus


def claims_on(state: State, gpu: str) -> Iterator[Lease | Preparing]:
    """Leases on the GPU, and requests it is set aside for."""
    for lease in state.leases.values():
        if covers(lease, gpu):
            yield lease
    for preparing in state.preparing.values():
        if covers(preparing, gpu):
            yield preparing


def sharing_of(claim: Lease | Preparing) -> Sharing:
    return claim.claim.sharing if isinstance(claim, Lease) else claim.request.claim.sharing


def intruders(state: State, gpu: str, now: float) -> tuple[Listed, ...]:
    """Foreign CUDA processes on a GPU that no lease covers. While reads fail: those last seen."""
    if not state.settings.watchdog or any(covers(lease, gpu) for lease in state.leases.values()):
        return ()
    return tuple(
        p
        for p in state.gpus[gpu].last.listed or ()
        if p.foreign
        and p.process not in state.tolerated
        and now >= state.foreign_since.get(p.process, now) + state.settings.watchdog_grace
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressure:
    """Why a service should be off its GPUs. `full`: all of its memory must go; else it may stay if
    `free` (GPU → bytes) is measured free beside it. `reasons` are for people; none means none."""

    reasons: tuple[str, ...] = ()
    full: bool = False
    free: tuple[tuple[str, int], ...] = ()


def pressure_on(state: State, service: Service, now: float) -> Pressure:
    """Everything that claims the service's GPUs now."""
    if state.stopping and not state.leases:
        return Pressure()
    gpus = service_gpus(state, service)
    reasons: list[str] = []
    free: list[tuple[str, int]] = []
    full = False
    if state.hold:
        reasons.append(f"paused by {state.hold.by}" + (f": {state.hold.reason}" if state.hold.reason else ""))
        full = True
    for claim in (*state.leases.values(), *state.preparing.values()):
        # A service whose cards were never seen may well sit on the claimed ones.
        if claim.gpus and gpus and not gpus.intersection(claim.gpus):
            continue
        reasons.append(describe(claim))
        if sharing_of(claim) is not Sharing.SLICE:
            full = True
        elif isinstance(claim, Preparing):
            free.extend((g, slice_room(state, g, claim)) for g in claim.gpus if g in gpus)
    for gpu in sorted(gpus, key=lambda g: state.gpus[g].last.index):
        for process in intruders(state, gpu, now):
            reasons.append(
                f"{process.name} of {process.user} (pid {process.process.pid}) uses GPU"
                f" {state.gpus[gpu].last.index} without a lease"
            )
            full = True
    return Pressure(reasons=tuple(dict.fromkeys(reasons)), full=full, free=tuple(free))


def slice_room(state: State, gpu: str, preparing: Preparing) -> int:
    """Bytes that must be measured free on the GPU before a slice there may be granted: its own, and
    what earlier slices declared but do not use yet."""
    wanted = preparing.request.claim.memory_bytes or 0
    earlier = (lease for lease in state.leases.values() if covers(lease, gpu))
    return wanted + sum(unused_share(state, lease, gpu) for lease in earlier)


def unused_share(state: State, lease: Lease, gpu: str) -> int:
    """What a slice declared and has not taken. What cannot be told counts as not taken yet."""
    if lease.claim.sharing is not Sharing.SLICE:
        return 0
    used = sum(
        p.memory_bytes or 0 for p in state.gpus[gpu].last.listed or () if p.lease == lease.id and p.foreign
    )
    return max(0, (lease.claim.memory_bytes or 0) - used)


def held_by_service(view: GpuView, name: str) -> int | None:
    """Bytes that the service holds on the GPU by the last reading: 0 when it is not listed there,
    None when it is listed with unknown memory or the list is unknown."""
    if view.last.listed is None:
        return None
    mine = [p.memory_bytes for p in view.last.listed if p.service == name]
    return None if None in mine else sum(m for m in mine if m is not None)


def describe(claim: Lease | Preparing) -> str:
    """A lease in a line: "lease L3 of alice (python train.py)"."""
    request = claim if isinstance(claim, Lease) else claim.request
    what = request.command or request.holder
    kind = "lease" if isinstance(claim, Lease) else "request"
    return f"{kind} {request.id} of {request.peer.user}" + (f" ({what[:60]})" if what else "")


def holders_on(state: State, gpus: Iterable[str]) -> tuple[Holder, ...]:
    """Everything that is listed on these GPUs or holds a lease there, biggest first per GPU."""
    found: list[Holder] = []
    for gpu in gpus:
        view = state.gpus.get(gpu)
        if view is None:
            continue
        index = view.last.index
        listed = sorted(view.last.listed or (), key=lambda p: -(p.memory_bytes or 0))
        for p in listed:
            if p.ignored and not p.memory_bytes:
                continue
            what = f"service {p.service}" if p.service else f"{p.name} of {p.user}"
            found.append(
                Holder(gpu=gpu, gpu_index=index, what=what, pid=p.process.pid, memory_bytes=p.memory_bytes)
            )
        found += [Holder(gpu=gpu, gpu_index=index, what=describe(c)) for c in claims_on(state, gpu)]
    return tuple(found)


def tell_holders(holders: Iterable[Holder], limit: int = 4) -> str:
    """Holders in one line: "GPU 0: service chat (pid 12, 20 GiB); GPU 1: lease L2 of bob"."""
    parts: list[str] = []
    everything = tuple(holders)
    for h in everything[:limit]:
        detail = ", ".join(
            ([f"pid {h.pid}", show_size(h.memory_bytes) if h.memory_bytes is not None else "memory unknown"])
            if h.pid is not None
            else []
        )
        parts.append(f"GPU {h.gpu_index}: {h.what}" + (f" ({detail})" if detail else ""))
    if len(everything) > limit:
        parts.append(f"and {len(everything) - limit} more")
    return "; ".join(parts)
