"""The watch over leases and nodes. Pure; the scheduler's loop calls it every few seconds.

    look(what was seen before, counts of beats now, now) -> Sightings
    judge(snapshot, Sightings, now) -> what is to be done

The store counts beats; when a count last *moved* is measured here, on the CLOCK_BOOTTIME of the loop. A time
seen is never earlier than the true one, so that everything below happens late rather than early, and a loop
that was started again gives every node and lease a fresh time.

What can be known from counts is only that nobody named a job, never that it does not run: a beat whose agent
could not ask its supervisor counts for its node and for no lease. So the watch alone puts no job back into
the queue, with one exception. It does this:

- A node whose count has stood still for `silent_after` is SILENT: it gets no job. Its next beat makes it UP.
- A lease that nothing named for `lease` plus `margin` makes its job LOST, whether its node beats or not. It
  is queued again when its node, on a beat, names all it has and has been told that the job is LOST
  (desk.missing). Why that is safe: an agent launches what its desired state calls ALLOCATED and nothing
  else, so once it has been told, it launches that attempt no more; and what it had launched before, it
  names. From ALLOCATED straight to QUEUED would not be safe: an agent that asked a moment ago may begin for
  `start_within` more.
- The exception: a LOST job that asked to be fenced. Its supervisor began to end it `lease` after the last
  beat that was answered had been *sent*; so `lease + grace + margin` after the lease's count last moved, it
  is over. Where no beat ever named it, it may have been launched until `start_within` after it was LOST, and
  lived on unrenewed for `lease` and its grace.

`margin` covers what two clocks and a late answer may differ by.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sentinel.core.job import IfLost, Job, JobState
from sentinel.core.node import NodeState
from sentinel.core.units import show_duration
from sentinel.scheduling.lifecycle import Gone, Silence
from sentinel.scheduling.snapshot import Snapshot

LEASE_SECONDS = 60.0
LEAST_LEASE, MOST_LEASE = 5.0, 86400.0
_LEAST_MARGIN = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """All in seconds, but for `former_until`, a boottime: until then a node may go by a longer lease than
    this one, which it was told before the controller was configured anew."""

    lease: float = LEASE_SECONDS
    start_within: float = 60.0  # what agents are told: how long after asking they may still launch
    margin: float = 10.0
    silent_after: float = 35.0
    look_every: float = 5.0
    hold: float = 120.0  # how long after a restore nodes are waited for
    former_until: float = 0.0


def terms_for(lease: float, *, former_until: float = 0.0) -> Terms:
    """The terms that go with leases of so many seconds: all is in proportion where it has to be shorter,
    and nothing but the lease and its margin becomes longer."""
    share, usual = lease / LEASE_SECONDS, Terms()
    least = min(1.0, share)
    return Terms(
        lease=lease,
        start_within=usual.start_within * least,
        margin=max(_LEAST_MARGIN, usual.margin * share),
        silent_after=usual.silent_after * least,
        look_every=usual.look_every * least,
        former_until=former_until,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """`count` as it was seen first at `since`, or made fresh then by something else: a report about the job
    (`revision` is the job's), a node that came up. `moved`: it has been another count since the watch began.
    """

    count: int
    since: float
    moved: bool = False
    revision: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sightings:
    """Nodes by id, leases by token. `lost`: token → when its job was first seen LOST."""

    nodes: Mapping[str, Sighting] = field(default_factory=dict[str, Sighting])
    leases: Mapping[str, Sighting] = field(default_factory=dict[str, Sighting])
    lost: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is to happen to a job, if its lease still counts `count` by then."""

    job: str
    count: int
    what: Silence | Gone


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """`silent`: nodes by id, with the count at which they stand still."""

    silent: Mapping[str, int] = field(default_factory=dict[str, int])
    findings: tuple[Finding, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.silent or self.findings)


def look(
    before: Sightings, snapshot: Snapshot, nodes: Mapping[str, int], leases: Mapping[str, int], now: float
) -> Sightings:
    """What is seen at `now`, which is not before the counts were read. A node that never beat counts 0."""
    placed = [job for id in snapshot.nodes for job in snapshot.on_node(id)]
    fresh = {job.placement.token: job.revision for job in placed if job.placement and _is_heard_of(job)}
    lost = [job.placement.token for job in placed if job.placement and not _is_heard_of(job)]
    up = {id: int(node.state is NodeState.UP) for id, node in snapshot.nodes.items()}
    return Sightings(
        nodes=_seen(before.nodes, {id: nodes.get(id, 0) for id in snapshot.nodes}, up, now),
        leases=_seen(before.leases, leases, fresh, now),
        lost={token: before.lost.get(token, now) for token in lost},
    )


def _is_heard_of(job: Job) -> bool:
    return job.state is not JobState.LOST


def _seen(
    before: Mapping[str, Sighting], counts: Mapping[str, int], revisions: Mapping[str, int], now: float
) -> dict[str, Sighting]:
    """A greater revision than before makes fresh, too."""
    found: dict[str, Sighting] = {}
    for name, count in counts.items():
        old, revision = before.get(name), revisions.get(name, 0)
        if old is None:
            found[name] = Sighting(count=count, since=now, revision=revision)
        elif old.count != count or revision > old.revision:
            moved = old.moved or old.count != count
            found[name] = Sighting(count=count, since=now, moved=moved, revision=revision)
        elif revision < old.revision:
            found[name] = replace(old, revision=revision)
        else:
            found[name] = old
    return found


def judge(snapshot: Snapshot, seen: Sightings, now: float, terms: Terms) -> Judgement:
    """What has run out. Right after `look`, or it would call silent what merely was not looked at."""
    silent = {
        id: sighting.count
        for id, sighting in seen.nodes.items()
        if snapshot.nodes[id].state is NodeState.UP and now - sighting.since >= terms.silent_after
    }
    findings = (_finding(job, seen, now, terms) for id in snapshot.nodes for job in snapshot.on_node(id))
    return Judgement(silent=silent, findings=tuple(found for found in findings if found is not None))


def all_heard_of(snapshot: Snapshot, seen: Sightings) -> bool:
    """Whether every node that is not dead has beaten since the watch began."""
    return all(
        node.state is NodeState.DEAD or (id in seen.nodes and seen.nodes[id].moved)
        for id, node in snapshot.nodes.items()
    )


def _finding(job: Job, seen: Sightings, now: float, terms: Terms) -> Finding | None:
    assert job.placement is not None, "the snapshot says that it is placed"
    token = job.placement.token
    lease = seen.leases.get(token)
    if lease is None:
        return None  # freed, or taken, since the snapshot was made
    if job.state is not JobState.LOST:
        if now - lease.since < max(terms.lease, terms.start_within) + terms.margin:
            return None
        why = _unnamed(job, seen, now, terms)
        return Finding(job=job.id, count=lease.count, what=Silence(token=token, why=why))
    if job.spec.if_lost is not IfLost.FENCE or now < _fenced_at(job, lease, seen.lost[token], terms):
        return None
    why = f"{job.node} was not heard of, and has ended it by itself as was asked"
    return Finding(job=job.id, count=lease.count, what=Gone(token=token, why=why))


def _fenced_at(job: Job, lease: Sighting, lost: float, terms: Terms) -> float:
    began = lease.since if lease.count else lost + terms.start_within
    return max(began + terms.lease, terms.former_until) + job.spec.grace + terms.margin


def _unnamed(job: Job, seen: Sightings, now: float, terms: Terms) -> str:
    assert job.placement is not None
    node = seen.nodes.get(job.placement.node)
    if node is None or now - node.since >= terms.silent_after:
        ago = "" if node is None else f" for {show_duration(now - node.since)}"
        return f"{job.node} has not been heard of{ago}; it is queued again once it is proven not to run there"
    if job.state is JobState.ALLOCATED:
        return f"{job.node} has not begun it in time"
    return f"{job.node} is heard of, but cannot say whether it runs"
