"""Gangs: jobs on several nodes at once. Pure, but for `follow`, which reads a store.

    parts_of(gang, nodes, tokens, environment, now)    the parts of a gang that was just allocated
    orders(gang, parts, now)                           what its parts are to be asked for
    gather(gang, parts, now)                           what the states of its parts come to
    follow(reader, moved, now)                         all of that, after a part or a gang has moved

Called by writing, in the transaction in which something moved. Each attempt of a gang is one new job a node,
its parts, which are placed all at once and are to their nodes as any other job. The gang itself holds no
lease. When a part ends badly the others are stopped; once all have ended, the first bad end decides what
becomes of the gang.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from zlib import crc32

from sentinel.core.job import Cancel, Job, JobState, Placement, Rank
from sentinel.core.node import Node
from sentinel.ports.store import Reader
from sentinel.scheduling.inputs import CancelAsked, Gathered, PreemptAsked
from sentinel.scheduling.lifecycle import Move, move, tries_again
from sentinel.scheduling.mirror import holds

Seat = tuple[Node, tuple[str, ...]]  # a node and GPUs (UUIDs) of it
CONTROLLER = "controller"  # who asks the other parts to end
_FIRST_PORT, _PORTS = 20_000, 10_000  # below those that Linux gives to whoever connects


def part_id(gang: str, attempt: int, rank: int) -> str:
    """The id of a part."""
    return f"{gang}.{attempt}.{rank}"


def part_named(id: str) -> tuple[str, int, int] | None:
    """(gang, attempt, rank) of a part's id; None when it is not the id of one."""
    gang, *numbers = id.split(".")
    if len(numbers) != 2 or not all(n.isascii() and n.isdecimal() and len(n) < 10 for n in numbers):
        return None
    attempt, rank = map(int, numbers)
    return (gang, attempt, rank) if part_id(gang, attempt, rank) == id else None


def part_ids(gang: Job) -> list[str]:
    """Of its present attempt."""
    return [part_id(gang.id, gang.attempt, rank) for rank in range(gang.spec.nodes)]


def new_part(gang: Job, attempt: int, rank: int) -> Job:
    """A part that has no GPUs yet."""
    return Job(
        id=part_id(gang.id, attempt, rank),
        owner=gang.owner,
        tenant=gang.tenant,
        account=gang.account,
        spec=replace(gang.spec, nodes=1, singleton=False),
        submitted_at=gang.submitted_at,
        part=Rank(of=gang.id, rank=rank, size=gang.spec.nodes),
    )


def parts_of(
    gang: Job,
    nodes: Sequence[Seat],
    tokens: Sequence[str],
    environment: Mapping[str, str],
    now: float,
) -> list[tuple[Job, Mapping[str, str]]]:
    """The parts, ALLOCATED, of a gang that has become so: by rank, on these nodes with these GPUs (UUIDs),
    each with its environment."""
    assert gang.state is JobState.ALLOCATED, "its attempt is that of its parts"
    hosts = [node.address or node.name for node, _ in nodes]
    shared = {
        "MASTER_PORT": str(_FIRST_PORT + crc32(f"{gang.id}.{gang.attempt}".encode()) % _PORTS),
        **environment,
        "MASTER_ADDR": hosts[0],
        "WORLD_SIZE": str(len(nodes)),
        "LOCAL_RANK": "0",
        "SENTINEL_GANG_ID": gang.id,
        "SENTINEL_NODES": ",".join(node.name for node, _ in nodes),
        "SENTINEL_HOSTS": ",".join(hosts),
    }
    found: list[tuple[Job, Mapping[str, str]]] = []
    for rank, ((node, gpus), token) in enumerate(zip(nodes, tokens, strict=True)):
        part = replace(
            new_part(gang, gang.attempt, rank),
            state=JobState.ALLOCATED,
            attempt=1,
            placement=Placement(node=node.id, gpus=gpus, token=token),
            allocated_at=now,
            node=node.name,
            gpus=gpus,
        )
        found.append((part, {**shared, "RANK": str(rank), "NODE_RANK": str(rank)}))
    return found


# ------------------------------------------------------------------ what follows from a move


def follow(reader: Reader, moved: Job, now: float) -> list[Move]:
    """What has to be written because `moved`, a part or a gang, is as it is now. What that makes of the parts
    has no further consequence."""
    gang = moved if moved.part is None else reader.job(moved.part.of)
    if gang is None or not gang.state.placed:
        return []
    kept = reader.jobs(part_ids(gang))
    if moved.part is not None and moved.id not in kept:
        return []  # of an earlier attempt
    parts, made = list(kept.values()), list[Move]()
    for job, what in orders(gang, parts, now):
        ordered = move(job, what, now)
        if ordered is not None:
            made.append(ordered)
            gang = ordered.job if job.id == gang.id else gang
    hold = len(parts) < gang.spec.nodes and holds(reader)
    gathered = gather(gang, parts, now, hold=hold)
    became = None if gathered is None else move(gang, gathered, now)
    return made if became is None else [*made, became]


def orders(gang: Job, parts: Sequence[Job], now: float) -> list[tuple[Job, CancelAsked | PreemptAsked]]:
    """What is to be asked of parts that have not ended, and of the gang when one of them is to make room."""
    live = [part for part in parts if part.state.placed]
    if gang.cancel is not None:
        return [(part, CancelAsked(cancel=gang.cancel)) for part in live if part.cancel is None]
    at_ease = [part for part in live if part.stop is None]
    bad = _bad_ends(parts)
    if bad:
        cancel = Cancel(by=CONTROLLER, at=now, why=_words(bad[0]))
        return [(part, CancelAsked(cancel=cancel)) for part in at_ease]
    preempt = gang.preempt or next((part.preempt for part in parts if part.preempt is not None), None)
    if preempt is None:
        return []
    asked = PreemptAsked(cancel=preempt)
    return [(job, asked) for job in ([] if gang.preempt else [gang]) + at_ease]


def gather(gang: Job, parts: Sequence[Job], now: float, *, hold: bool = False) -> Gathered | None:
    """What a gang is by its parts; None when it has none. Fewer parts than nodes: after a restore some have
    not been heard of. `hold`: they may still be, so nothing is over."""
    if not parts:
        return None
    ranked = sorted(parts, key=_rank)
    everywhere = Gathered(
        state=gang.state,
        node=",".join(part.node or "?" for part in ranked),
        gpus=tuple(gpu for part in ranked for gpu in part.gpus),
        started_at=gang.started_at,
        failures=gang.failures,
        refusals=gang.refusals,
        preemptions=gang.preemptions,
    )
    if any(not part.state.ended for part in ranked) or (hold and gang.cancel is None):
        return _living(gang, ranked, everywhere, now)
    return replace(_ended(gang, ranked, everywhere), started_at=_began(gang, ranked), ended_at=now)


def _living(gang: Job, ranked: Sequence[Job], now_at: Gathered, now: float) -> Gathered:
    bad, missing = _bad_ends(ranked), _missing(gang, ranked)
    lost = [part for part in ranked if part.state is JobState.LOST]
    says = bad or lost or [part for part in ranked if part.state is JobState.ALLOCATED and part.reason]
    found = replace(now_at, reason=_words(says[0]) if says else "")
    if lost:
        return replace(found, state=JobState.LOST)
    if missing:
        why = f"rank {missing[0]} has not been heard of since the restore"
        return replace(found, state=JobState.LOST, reason=found.reason or why)
    if bad:  # it gets no further; once one was lost and is back, it is as far as it was
        was = JobState.STARTING if gang.started_at is None else JobState.RUNNING
        return replace(found, state=was if gang.state is JobState.LOST else gang.state)
    states = {part.state for part in ranked if not part.state.ended}
    if states <= {JobState.RUNNING}:
        began = now if gang.started_at is None else gang.started_at
        return replace(found, state=JobState.RUNNING, started_at=began, refusals=0)
    # No way leads from LOST back to ALLOCATED.
    waits = JobState.ALLOCATED in states and gang.state is JobState.ALLOCATED
    return replace(found, state=JobState.ALLOCATED if waits else JobState.STARTING)


def _ended(gang: Job, ranked: Sequence[Job], found: Gathered) -> Gathered:
    """All parts that there are have ended. What a part did before anything was asked of it comes first; what
    it did afterwards may come of the end of the others."""
    bad, missing = _bad_ends(ranked), _missing(gang, ranked)
    if not bad and not missing:
        return replace(found, state=JobState.SUCCEEDED, exit_code=0, refusals=0)
    failed = [part for part in bad if part.state is JobState.FAILED and not part.again]
    by_itself = [part for part in failed if part.stop is None]
    if by_itself:
        return _failed(gang, by_itself[0], found)
    again = [part for part in bad if part.again]
    canceled = [part for part in bad if part.state is JobState.CANCELED]
    if gang.cancel is not None and (missing or again or canceled):
        reason = gang.cancel.why or f"canceled by {gang.cancel.by}"
        return replace(found, state=JobState.CANCELED, reason=reason)
    if again:
        return replace(
            found,
            state=JobState.QUEUED,
            reason=_words(again[0]),
            refusals=gang.refusals + any(part.refusals for part in again),
            preemptions=gang.preemptions + any(part.preemptions for part in again),
        )
    if failed:
        return _failed(gang, failed[0], found)
    if missing:
        why = f"how rank {missing[0]} ended is not known: it was not heard of since the restore"
        return replace(found, state=JobState.FAILED, reason=why)
    return replace(found, state=JobState.CANCELED, reason=_words(canceled[0]))


def _failed(gang: Job, part: Job, found: Gathered) -> Gathered:
    words, again = _words(part), gang.failures + 1
    found = replace(found, refusals=0)
    if part.failures and tries_again(gang, part.exit_code):
        reason = f"{words}; tried again ({again} of {gang.spec.retries})"
        return replace(found, state=JobState.QUEUED, reason=reason, failures=again)
    return replace(found, state=JobState.FAILED, reason=words, exit_code=part.exit_code, signal=part.signal)


def _bad_ends(parts: Sequence[Job]) -> list[Job]:
    """Those that have not done what they were for, in the order in which that became known."""
    bad = [part for part in parts if part.state.ended and part.state is not JobState.SUCCEEDED]
    return sorted(bad, key=lambda part: (part.revision, _rank(part)))


def _missing(gang: Job, parts: Sequence[Job]) -> list[int]:
    return sorted(set(range(gang.spec.nodes)) - set(map(_rank, parts)))


def _began(gang: Job, parts: Sequence[Job]) -> float | None:
    known = [part.started_at for part in parts if part.started_at is not None]
    return gang.started_at if gang.started_at is not None else min(known, default=None)


def _words(part: Job) -> str:
    return f"rank {_rank(part)} on {part.node}: {part.reason or part.state.value}"


def _rank(part: Job) -> int:
    assert part.part is not None, f"job {part.id} is no part of a gang"
    return part.part.rank


# ------------------------------------------------------------------ what must always be true


def gang_faults(gang: Job, parts: Sequence[Job]) -> list[str]:
    """What is wrong with a gang and its parts, of all its attempts, between two transactions. For tests."""
    present = [part for part in parts if part.id in set(part_ids(gang))]
    live = [part for part in present if part.state.placed]
    older = [part.id for part in parts if part not in present and part.state.placed]
    complete = len(present) == gang.spec.nodes
    nodes = [part.placement.node for part in live if part.placement is not None]
    checks = {
        "the gang itself holds a lease": gang.placement is None,
        "parts of an earlier attempt hold leases": not older,
        "a part is queued": not any(part.state is JobState.QUEUED for part in parts),
        "a part's lease and state differ": all((p.placement is not None) == p.state.placed for p in parts),
        "parts hold leases, and the gang does not run": gang.state.placed or not live,
        "it is half placed": complete or not gang.state.placed or gang.state is JobState.LOST,
        "all parts have ended, and the gang has not": bool(live) or not gang.state.placed or not complete,
        "two parts are on one node": len(set(nodes)) == len(nodes),
        "it runs, and not all of its parts do": gang.state is not JobState.RUNNING
        or all(part.state is JobState.RUNNING or part.state.ended for part in present),
        "a part is lost, and the gang is not": gang.state is JobState.LOST
        or not any(part.state is JobState.LOST for part in live),
        "a part goes on though another ended badly": not _bad_ends(present)
        or all(part.stop is not None for part in live),
        "a part was not told to stop": gang.stop is None or all(part.stop is not None for part in live),
        "it succeeded, and not all of its parts did": gang.state is not JobState.SUCCEEDED
        or (complete and all(part.state is JobState.SUCCEEDED for part in present)),
    }
    return [fault for fault, holds_true in checks.items() if not holds_true]
