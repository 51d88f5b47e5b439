"""A store with a gang, and the nodes that its parts are on: for the tests of gangs.

What a node *really* has is in `GangNode.has`: an attempt by its part's id. `GangWorld.check` holds what the
store says against what must always be true.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from tests.scheduling.cluster import gpu, job, node

from sentinel.core.job import Cancel, Job, JobState
from sentinel.core.node import Node, NodeState
from sentinel.drivers.stores.memory import MemoryStore
from sentinel.ports.store import JobFilter, Page, StoredEvent, Transaction
from sentinel.scheduling import desk
from sentinel.scheduling.gangs import gang_faults, part_id
from sentinel.scheduling.lifecycle import TABLE, Input, Move, PreemptAsked, Silence, move
from sentinel.scheduling.mirror import RESTORED_AT
from sentinel.scheduling.reports import Verdict, report_from
from sentinel.scheduling.writing import CONTROLLER, place_gang, write_move

T = TypeVar("T")
G = "gang"


@dataclass(slots=True)
class Had:
    """An attempt as its node has it. `phase`: "waiting", "starting", "running", or its end's kind."""

    id: str
    token: str
    gpus: tuple[str, ...]
    phase: str = "waiting"
    last: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def live(self) -> bool:
        return self.phase in ("waiting", "starting", "running")


@dataclass(slots=True)
class GangNode:
    name: str
    has: dict[str, Had] = field(default_factory=dict[str, Had])


class GangWorld:
    """`at` is the epoch's time; each thing that is done takes a second."""

    def __init__(self, size: int = 2, **spec: Any) -> None:
        self.store = MemoryStore()
        self.at, self.tokens = 100.0, 0
        self.nodes = {name: GangNode(name=name) for name in "abc"[:size]}
        self.saved: Any = None
        for name in self.nodes:
            self.do(lambda tx, name=name: tx.put_node(self.machine(name)))
        gang = job(G, nodes=size, account="lab", **spec)
        self.do(lambda tx: desk.submit(tx, gang, {"A": "1"}, key=None, digest="", now=self.at))

    def close(self) -> None:
        self.store.close()

    def do(self, work: Callable[[Transaction], T]) -> T:
        self.at += 1.0
        return self.store.write(work)

    def machine(self, name: str) -> Node:
        return replace(node(name, [gpu(name, 0)]), address=f"10.0.0.{ord(name) - 96}")

    # ------------------------------------------------------------------ the scheduler and people

    def place(self) -> Job:
        """All at once, on all nodes; the nodes begin to wait for it."""
        seats = [(self.machine(name), (f"{name}-0",)) for name in self.nodes]
        tokens = [f"t{self.tokens + n}" for n in range(len(seats))]
        self.tokens += len(seats)
        gang = self.gang()
        placed = self.do(lambda tx: place_gang(tx, gang, seats, tokens, self.at))
        for rank, (name, token) in enumerate(zip(self.nodes, tokens, strict=True)):
            id = part_id(G, placed.attempt, rank)
            self.nodes[name].has[id] = Had(id=id, token=token, gpus=(f"{name}-0",))
        return placed

    def input(self, id: str, what: Callable[[Job], Input]) -> None:
        """As the scheduler's loop does it."""

        def work(tx: Transaction) -> None:
            found = tx.job(id)
            assert found is not None
            made: Move | None = move(found, what(found), self.at)
            if made is not None:
                write_move(tx, made, CONTROLLER, self.at)

        self.do(work)

    def preempt(self, id: str = G, why: str = "job x needs its GPUs") -> None:
        asked = PreemptAsked(cancel=Cancel(by=CONTROLLER, at=self.at, why=why))
        self.input(id, lambda _: asked)

    def silence(self, id: str) -> None:
        self.input(id, lambda found: Silence(token=_token(found), why="no beat"))

    def cancel(self, id: str = G) -> Job:
        return self.do(lambda tx: desk.cancel(tx, id, Cancel(by="bob", at=self.at), self.at))

    def declare_dead(self, name: str) -> None:
        """An admin looked: nothing runs there."""
        self.nodes[name].has.clear()
        silent = replace(self.machine(name), state=NodeState.SILENT)
        self.do(lambda tx: desk.update_node(tx, silent, self.at))
        self.do(lambda tx: desk.declare_dead(tx, name, "root", "burnt", self.at))

    # ------------------------------------------------------------------ the nodes

    def had(self, rank: int) -> Had:
        """Of the present attempt."""
        id = part_id(G, self.gang().attempt, rank)
        return next(node.has[id] for node in self.nodes.values() if id in node.has)

    def stray(self, id: str, name: str = "a") -> Had:
        """Something that the node has, and that the store knows nothing of."""
        found = self.nodes[name].has[id] = Had(id=id, token=f"stray-{id}", gpus=(f"{name}-0",))
        return found

    def name_of(self, had: Had) -> str:
        return next(name for name, node in self.nodes.items() if had.id in node.has)

    def tell(self, had: Had, kind: str, **more: Any) -> Verdict:
        """The node reports it, and acts on the verdict."""
        had.phase = kind
        had.last = {"token": had.token, "job": had.id, "attempt": 1, "kind": kind, **more}
        had.last["gpus"] = list(had.gpus)
        return self.repeat(had)

    def repeat(self, had: Had) -> Verdict:
        name, report = self.name_of(had), report_from(had.last)
        (verdict,) = self.do(lambda tx: desk.told(tx, self.machine(name), [report], self.at))
        if verdict is Verdict.FENCED or (not had.live and verdict is not Verdict.UNKNOWN):
            del self.nodes[name].has[had.id]
            had.phase = had.phase if not had.live else "fenced"
        return verdict

    def run(self, *ranks: int) -> None:
        for rank in ranks:
            self.tell(self.had(rank), "starting")
            self.tell(self.had(rank), "running", started_at=self.at)

    def exit(self, rank: int, code: int | None = 0, **more: Any) -> Verdict:
        return self.tell(self.had(rank), "exited", exit_code=code, **more)

    def beat(self, name: str) -> None:
        """It names what it has."""
        held = frozenset(had.token for had in self.nodes[name].has.values())
        self.do(lambda tx: desk.missing(tx, self.machine(name), held, tx.revision(), self.at))

    def reboot(self, name: str) -> None:
        """It comes back with nothing."""
        self.nodes[name].has.clear()
        self.beat(name)

    # ------------------------------------------------------------------ a backup

    def backup(self) -> None:
        self.saved = (self.store._tables, self.gang())  # pyright: ignore[reportPrivateUsage]

    def restore(self) -> None:
        self.store.close()
        self.store = MemoryStore()
        self.store._tables = self.saved[0]  # pyright: ignore[reportPrivateUsage]
        self.do(lambda tx: tx.set_meta(RESTORED_AT, str(self.at)))

    def end_hold(self) -> None:
        self.do(lambda tx: desk.end_hold(tx, "root", "I looked", self.at))

    # ------------------------------------------------------------------ what the store says

    def job(self, id: str) -> Job:
        with self.store.read() as view:
            found = view.job(id)
        assert found is not None, f"there is no {id}"
        return found

    def gang(self) -> Job:
        return self.job(G)

    def parts(self, *, of: int | None = None) -> list[Job]:
        """Of all attempts, or of this one; by rank."""
        with self.store.read() as view:
            found, _ = view.find_jobs(JobFilter(part_of=G), Page(limit=10_000))
        beginning = f"{G}." if of is None else f"{G}.{of}."
        return sorted((p for p in found if p.id.startswith(beginning)), key=lambda part: part.id)

    def part(self, rank: int) -> Job:
        return self.job(part_id(G, self.gang().attempt, rank))

    def states(self) -> list[JobState]:
        """The gang's, then those of the parts of its present attempt."""
        gang = self.gang()
        return [gang.state, *(part.state for part in self.parts(of=gang.attempt))]

    def events(self, subject: str = G) -> list[StoredEvent]:
        with self.store.read() as view:
            return list(view.events(0, 100_000, subject=subject))

    def types(self, subject: str = G) -> list[str]:
        return [event.type.removeprefix("sentinel.job.") for event in self.events(subject)]

    def check(self) -> None:
        gang, parts = self.gang(), self.parts()
        assert gang_faults(gang, parts) == []
        held = {part.id: part.placement.token for part in parts if part.placement is not None}
        with self.store.read() as view:
            leases = view.leases()
        assert held == {lease.job: lease.token for lease in leases}
        for one in (gang, *parts):
            self._check_events(one)
        for name, found in self.nodes.items():
            for had in found.has.values():
                self._check_had(name, had)

    def _check_events(self, job: Job) -> None:
        """Each goes on where the one before ended, and the last says what the job is."""
        state: str | None = None
        for event in self.events(job.id):
            before, after = event.data["from"], event.data["state"]
            if before is None:
                assert state in (None, after)
            else:
                assert state in (None, before), "a part that was found begins as if it were queued"
                assert (JobState(before), JobState(after)) in TABLE
            state = after
        assert state == job.state

    def _check_had(self, name: str, had: Had) -> None:
        """What may run on a node is known to the store as what may run, unless that was restored."""
        if had.live and self.saved is None:
            found = self.job(had.id)
            assert found.placement is not None, f"{had.id} may run on {name}, and is {found.state}"
            assert found.placement.token == had.token


def _token(found: Job) -> str:
    assert found.placement is not None
    return found.placement.token


class Worlds:
    """Makes worlds, and checks each in the end."""

    def __init__(self) -> None:
        self.made: list[GangWorld] = []

    def __call__(self, size: int = 2, **spec: object) -> GangWorld:
        self.made.append(GangWorld(size, **spec))
        return self.made[-1]
