"""A small cluster without machines: a controller's store and loop, and nodes as docs/queue.md describes them.

`World` is the controller's side and the users; `SimNode` is a machine with its supervisor, its agent and a
network that delays, repeats and loses what it carries. What *really* runs is in `SimNode.attempts`, and
`World.check` holds it against what the store says.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.scheduling.cluster import GIB

from sentinel.core.errors import SentinelError
from sentinel.core.job import Cancel, Job, JobSpec, JobState
from sentinel.core.node import Node, NodeGpu, NodeState
from sentinel.drivers.stores.memory import MemoryStore
from sentinel.ports.store import JobFilter, Page, Transaction
from sentinel.scheduling import desk
from sentinel.scheduling.gangs import gang_faults
from sentinel.scheduling.leases import Terms
from sentinel.scheduling.lifecycle import TABLE
from sentinel.scheduling.loop import Scheduler
from sentinel.scheduling.mirror import RESTORED_AT, Mirror
from sentinel.scheduling.reports import Verdict, report_from

LIVE = ("waiting", "starting", "running", "stopping")
START_WITHIN = LEASE = 60.0
TERMS = Terms()


@dataclass(slots=True)
class Attempt:
    """What the supervisor has. `phase`: one of LIVE, or "exited", "refused", "gone" (nobody saw it end)."""

    job: str
    number: int
    token: str
    gpus: tuple[str, ...]
    begin_by: float
    fence_at: float | None
    grace: float
    phase: str = "waiting"
    why: str = ""
    exit_code: int | None = None
    stopped: bool = False
    started_at: float | None = None
    dies_at: float | None = None

    @property
    def live(self) -> bool:
        return self.phase in LIVE

    def report(self) -> dict[str, Any]:
        body: dict[str, Any] = {
            "token": self.token,
            "job": self.job,
            "attempt": self.number,
            "kind": "running" if self.phase == "stopping" else self.phase,
            "gpus": list(self.gpus),
        }
        match self.phase:
            case "waiting" | "refused" | "gone":
                body["why"] = self.why
            case "running" | "stopping":
                body["started_at"] = self.started_at
            case "exited":
                body |= {"exit_code": self.exit_code, "signal": None if self.exit_code is not None else 9}
                body |= {"stopped": self.stopped, "why": self.why, "started_at": self.started_at}
            case _:
                pass
        return body


@dataclass(slots=True)
class Poll:
    """The agent's one long poll: asked, then answered."""

    asked_at: float
    answer: list[dict[str, Any]] | None = None
    revision: int = 0


@dataclass(slots=True)
class Beat:
    sent_at: float
    held: frozenset[str] | None
    seen: int
    boot: int


@dataclass(slots=True)
class SimNode:
    """`reachable`: whether packets pass. `asks`: whether the agent reaches its supervisor."""

    id: str
    gpus: int
    boot: int = 1
    on: bool = True
    agent: bool = True
    reachable: bool = True
    asks: bool = True
    attempts: dict[str, Attempt] = field(default_factory=dict[str, Attempt])
    spent: set[str] = field(default_factory=set[str])
    outbox: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    batches: list[list[dict[str, Any]]] = field(default_factory=list[list[dict[str, Any]]])
    beats: list[Beat] = field(default_factory=list[Beat])
    poll: Poll | None = None
    seen: int = 0
    wanted_at: int = 0

    @property
    def cards(self) -> tuple[NodeGpu, ...]:
        return tuple(
            NodeGpu(uuid=f"{self.id}-{n}", index=n, model="H100", memory_total_bytes=80 * GIB)
            for n in range(self.gpus)
        )

    @property
    def talks(self) -> bool:
        return self.on and self.agent and self.reachable

    # ------------------------------------------------------------------ the supervisor

    def note(self, attempt: Attempt) -> None:
        if self.agent and self.asks:
            self.outbox.append(attempt.report())

    def deadlines(self, now: float) -> None:
        for attempt in self.attempts.values():
            fenced = attempt.fence_at is not None and now >= attempt.fence_at
            if attempt.phase == "waiting" and (now >= attempt.begin_by or fenced):
                attempt.phase, attempt.why = "refused", "it was not granted in time"
                self.note(attempt)
            elif attempt.phase in ("starting", "running") and fenced:
                assert attempt.fence_at is not None
                attempt.phase, attempt.dies_at = "stopping", attempt.fence_at + attempt.grace
                attempt.why = "fenced"
            if attempt.phase == "stopping" and attempt.dies_at is not None and now >= attempt.dies_at:
                self.die(attempt)

    def die(self, attempt: Attempt) -> None:
        attempt.phase = "gone" if attempt.why == "fenced" else "exited"
        attempt.stopped, attempt.exit_code = True, None
        self.note(attempt)

    def stop(self, attempt: Attempt, now: float) -> None:
        if attempt.phase == "waiting":
            attempt.phase, attempt.why = "refused", "called off"
            self.note(attempt)
        elif attempt.phase in ("starting", "running"):
            attempt.phase, attempt.dies_at = "stopping", now + attempt.grace

    # ------------------------------------------------------------------ its life and death

    def restart_agent(self) -> None:
        """All that it had in memory is gone; what its supervisor has is told anew."""
        self.outbox, self.poll, self.seen, self.wanted_at, self.spent = [], None, 0, 0, set()
        self.agent = True
        if self.asks:
            self.reconnect()

    def reconnect(self) -> None:
        self.asks = True
        self.outbox = [attempt.report() for attempt in self.attempts.values()]

    def power_off(self) -> None:
        """Nothing runs. What had begun is in the journal."""
        self.on, self.poll, self.outbox = False, None, []
        for attempt in self.attempts.values():
            if attempt.phase == "waiting":
                attempt.phase, attempt.why = "refused", "the machine was restarted"
            elif attempt.live:
                attempt.phase, attempt.why = "gone", "the machine was restarted"

    def power_on(self, *, wiped: bool) -> None:
        self.on, self.asks, self.boot = True, True, self.boot + 1
        if wiped:
            self.attempts.clear()
        self.restart_agent()


class World:
    """Time is true time: the controller's and every node's CLOCK_BOOTTIME are it, moved by a constant."""

    def __init__(self, *nodes: SimNode) -> None:
        self.store = MemoryStore()
        self.now, self.epoch = 1000.0, 1.7e9
        self.nodes = {node.id: node for node in nodes}
        self.submitted: dict[str, JobSpec] = {}
        self.exits: dict[tuple[str, int], int] = {}
        self.states: dict[str, JobState] = {}
        self.last_event = 0
        self.tokens = 0
        self.saved: Any = None
        self.boot_loop()
        for node in nodes:
            self.beat(node)
            self.deliver_beat(node, node.beats.pop(), answered=True)

    def close(self) -> None:
        self.store.close()

    # ------------------------------------------------------------------ time and the loop

    def today(self) -> float:
        return self.now + self.epoch

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        for node in self.nodes.values():
            if node.on:
                node.deadlines(self.now)

    def boot_loop(self) -> None:
        """A loops process that knows nothing yet."""

        def new_token() -> str:
            self.tokens += 1
            return f"t{self.tokens}"

        self.mirror = Mirror(self.store)
        self.loop = Scheduler(
            self.store, self.mirror, now=lambda: self.now, today=self.today, new_token=new_token
        )

    # ------------------------------------------------------------------ users and admins

    def submit(self, **spec: Any) -> str:
        id = f"j{len(self.submitted)}"
        made = JobSpec(command=("true",), cwd="/", **spec)
        self.submitted[id] = made
        job = Job(id=id, owner="alice", spec=made, submitted_at=self.today())
        self.store.write(lambda tx: desk.submit(tx, job, {"A": "1"}, key=None, digest="", now=self.today()))
        return id

    def cancel(self, id: str) -> None:
        asked = Cancel(by="bob", at=self.today())
        if not self.job(id).state.ended:
            self.store.write(lambda tx: desk.cancel(tx, id, asked, self.today()))

    def declare_dead(self, node: SimNode) -> bool:
        """An admin went there and looked: it is off."""
        assert not node.on
        try:
            self.store.write(
                lambda tx: desk.declare_dead(tx, node.id, "root", "it has no power", self.today())
            )
        except SentinelError:
            return False
        return True

    # ------------------------------------------------------------------ what is on the wire

    def ask(self, node: SimNode) -> None:
        if node.talks and node.poll is None:
            node.poll = Poll(asked_at=self.now)

    def answer(self, node: SimNode) -> None:
        if node.poll is None or node.poll.answer is not None or not node.reachable:
            return
        with self.store.read() as view:
            node.poll.revision = view.revision()
            jobs = [view.job(lease.job) for lease in view.leases(node=node.id)]
        node.poll.answer = [
            {
                "job": job.id,
                "attempt": job.attempt,
                "token": job.placement.token,
                "run": job.stop is None,
                "gpus": job.placement.gpus,
                "fence": job.spec.if_lost == "fence",
                "grace": job.spec.grace,
                "state": job.state,
            }
            for job in jobs
            if job is not None and job.placement is not None
        ]

    def deliver_poll(self, node: SimNode) -> None:
        """The agent does as it is told, by its rules."""
        if node.poll is None or node.poll.answer is None or not node.talks or not node.asks:
            return
        poll, node.poll = node.poll, None
        assert poll.answer is not None
        if poll.revision < node.wanted_at:
            node.seen = 0
        node.wanted_at = poll.revision
        for want in poll.answer:
            self._do(node, want, poll)
        node.seen = max(node.seen, poll.revision)

    def _do(self, node: SimNode, want: dict[str, Any], poll: Poll) -> None:
        attempt = node.attempts.get(want["token"])
        if want["token"] in node.spent:
            return
        if not want["run"]:
            if attempt is not None:
                node.stop(attempt, self.now)
                return
            kind = "refused" if want["state"] is JobState.ALLOCATED else "gone"
            body = {name: want[name] for name in ("token", "job", "attempt")}
            node.outbox.append({**body, "kind": kind, "why": "called off"})
            return
        begin_by = poll.asked_at + START_WITHIN
        busy = {gpu for other in node.attempts.values() if other.live for gpu in other.gpus}
        begins = want["state"] is JobState.ALLOCATED and self.now < begin_by
        if attempt is None and begins and busy.isdisjoint(want["gpus"]):
            node.attempts[want["token"]] = Attempt(
                job=want["job"],
                number=want["attempt"],
                token=want["token"],
                gpus=want["gpus"],
                begin_by=begin_by,
                fence_at=poll.asked_at + LEASE if want["fence"] else None,
                grace=want["grace"],
            )

    def beat(self, node: SimNode) -> None:
        if node.on and node.agent:
            held = frozenset(node.attempts) if node.asks else None
            node.beats.append(Beat(sent_at=self.now, held=held, seen=node.seen, boot=node.boot))

    def deliver_beat(self, node: SimNode, beat: Beat, *, answered: bool) -> None:
        told = Node(
            id=node.id,
            name=node.id,
            joined_at=0.0,
            state=NodeState.UP,
            boot_id=f"boot-{beat.boot}",
            last_seen_at=self.today(),
            gpus=node.cards,
        )

        def keep(tx: Transaction) -> set[str]:
            desk.update_node(tx, told, self.today())
            leases = {lease.token for lease in tx.leases(node=node.id)}
            held = beat.held or frozenset[str]()
            tx.beat({node.id: self.today()}, sorted(leases & held))
            if beat.held is not None:
                desk.missing(tx, told, beat.held, beat.seen, self.today())
            return set(held - leases)

        unknown = self.store.write(keep)
        if not (answered and node.talks and beat.boot == node.boot):
            return
        for token in beat.held or ():
            attempt = node.attempts.get(token)
            if attempt is None:
                continue
            if token in unknown:
                if all(body["token"] != token for body in node.outbox):
                    node.note(attempt)
            elif attempt.fence_at is not None and attempt.phase != "stopping" and node.asks:
                attempt.fence_at = max(attempt.fence_at, beat.sent_at + LEASE)

    def send(self, node: SimNode) -> None:
        if node.on and node.agent and node.outbox:
            node.batches.append(list(node.outbox))

    def deliver_batch(self, node: SimNode, batch: list[dict[str, Any]], *, answered: bool) -> None:
        with self.store.read() as view:
            known = view.node(node.id)
        assert known is not None
        reports = [report_from(body) for body in batch]
        verdicts = self.store.write(lambda tx: desk.told(tx, known, reports, self.today()))
        if not (answered and node.talks):
            return
        for body, verdict in zip(batch, verdicts, strict=True):
            if body in node.outbox and verdict is not Verdict.UNKNOWN:
                node.outbox.remove(body)
            attempt = node.attempts.get(body["token"])
            if attempt is not None and attempt.live and verdict is Verdict.FENCED and node.asks:
                node.stop(attempt, self.now)
            if body["kind"] in ("exited", "refused", "gone") and verdict is not Verdict.UNKNOWN:
                node.spent.add(body["token"])
                if attempt is not None and not attempt.live:
                    del node.attempts[body["token"]]

    # ------------------------------------------------------------------ jobs

    def grow(self, node: SimNode, attempt: Attempt, exit_code: int) -> None:
        """The attempt gets one further."""
        match attempt.phase:
            case "waiting":
                attempt.phase = "starting"
            case "starting":
                attempt.phase, attempt.started_at = "running", self.today()
            case "running":
                attempt.phase, attempt.exit_code = "exited", exit_code
                self.exits[attempt.job, attempt.number] = exit_code
            case "stopping":
                node.die(attempt)
                return
            case _:
                return
        node.note(attempt)

    def refuse(self, node: SimNode, attempt: Attempt) -> None:
        if attempt.phase in ("waiting", "starting"):
            attempt.phase, attempt.why = "refused", "no account here"
            node.note(attempt)

    # ------------------------------------------------------------------ all together

    def live(self, seconds: float, step: float = 1.0) -> None:
        """All that can work does, for a while."""
        until = self.now + seconds
        while self.now < until:
            for node in self.nodes.values():
                self.talk(node)
            self.loop.step()
            self.check()
            self.pass_time(step)

    def talk(self, node: SimNode) -> None:
        if not node.talks:
            return
        self.ask(node)
        self.answer(node)
        self.deliver_poll(node)
        self.beat(node)
        for beat in node.beats:
            self.deliver_beat(node, beat, answered=True)
        node.beats.clear()
        self.send(node)
        for batch in node.batches:
            self.deliver_batch(node, batch, answered=True)
        node.batches.clear()

    def heal(self) -> None:
        """Everything works again, and all that runs ends well: then the queue must run dry."""
        for node in self.nodes.values():
            node.reachable = True
            if not node.on:
                node.power_on(wiped=False)
            if not node.agent:
                node.restart_agent()
            if not node.asks:
                node.reconnect()

    def finish(self) -> None:
        self.heal()
        for _ in range(60):
            self.live(10.0, step=5.0)
            for node in self.nodes.values():
                for attempt in list(node.attempts.values()):
                    for _ in range(3):
                        self.grow(node, attempt, 0)
            if all(job.state.ended for job in self.jobs()):
                return
        left = [(job.id, job.state.value, job.reason) for job in self.jobs() if not job.state.ended]
        raise AssertionError(f"never ended: {left}")

    # ------------------------------------------------------------------ what must always be true

    def jobs(self) -> list[Job]:
        with self.store.read() as view:
            return list(view.jobs(list(self.submitted)).values())

    def job(self, id: str) -> Job:
        with self.store.read() as view:
            found = view.job(id)
        assert found is not None, f"job {id} is lost"
        return found

    def parts(self) -> list[Job]:
        """Of all gangs, of all their attempts."""
        found: list[Job] = []
        with self.store.read() as view:
            for id, spec in self.submitted.items():
                if spec.nodes > 1:
                    found += view.find_jobs(JobFilter(part_of=id), Page(limit=1000))[0]
        return found

    def running(self) -> Iterator[tuple[SimNode, Attempt]]:
        return ((n, a) for n in self.nodes.values() for a in n.attempts.values() if a.live)

    def check(self) -> None:
        with self.store.read() as view:
            found, _ = view.find_jobs(JobFilter(), Page(limit=1000))
            leases = view.leases()
            events = view.events(self.last_event, 100_000)
        jobs = {job.id: job for job in found}
        assert jobs.keys() == self.submitted.keys(), "no job is lost, none is invented"
        parts = self.parts()
        for job in found:
            if job.spec.nodes > 1:
                of_it = [part for part in parts if part.part is not None and part.part.of == job.id]
                assert not (faults := gang_faults(job, of_it)), f"{job.id} is {job.state}: {faults}"
        jobs.update((part.id, part) for part in parts)
        gpus = [(lease.node, gpu) for lease in leases for gpu in lease.gpus]
        assert len(gpus) == len(set(gpus)), "no GPU is in two leases"
        held = {job.id: job.placement.token for job in jobs.values() if job.placement is not None}
        assert held == {lease.job: lease.token for lease in leases}, "a lease exactly while it is placed"
        self._check_what_runs(jobs)
        for event in events:
            self.last_event = event.id
            if event.subject in jobs and "from" in event.data:
                self._check_move(jobs[event.subject], event.data)
        for job in jobs.values():
            assert self.states[job.id] is job.state, f"{job.id} moved without an event"
            self._check_end(job)

    def _check_what_runs(self, jobs: dict[str, Job]) -> None:
        seen: set[str] = set()
        cards: set[str] = set()
        for node, attempt in self.running():
            job = jobs[attempt.job]
            assert attempt.job not in seen, f"{attempt.job} runs twice at once"
            assert cards.isdisjoint(attempt.gpus), f"two jobs on one GPU: {attempt.gpus}"
            seen.add(attempt.job)
            cards.update(attempt.gpus)
            assert job.placement is not None, f"{job.id} runs on {node.id} and is {job.state}: {job.reason}"
            assert job.placement.token == attempt.token, f"{job.id} may run twice"

    def _check_move(self, job: Job, data: Any) -> None:
        after = JobState(data["state"])
        if data["from"] is None:
            if job.part is not None and job.id not in self.states:
                self.states[job.id] = JobState.ALLOCATED  # the first that is told of a part
            assert after is self.states.get(job.id, JobState.QUEUED), "only told: no move"
            self.states[job.id] = after
            return
        before = JobState(data["from"])
        assert (before, after) in TABLE
        assert self.states[job.id] is before, "each event goes on where the one before ended"
        self.states[job.id] = after

    def _check_end(self, job: Job) -> None:
        if (job.state is JobState.SUCCEEDED or job.exit_code is not None) and job.spec.nodes == 1:
            assert job.exit_code is not None
            assert self.exits[job.id, job.attempt] == job.exit_code, "an exit code is what was seen, or null"
        assert (job.state is JobState.SUCCEEDED) <= (job.exit_code == 0)

    # ------------------------------------------------------------------ a backup

    def backup(self) -> None:
        self.check()
        self.saved = (self.store._tables, dict(self.submitted), dict(self.states))  # pyright: ignore[reportPrivateUsage]

    def restore(self) -> None:
        """The controller is stopped, and comes back with the queue as it was."""
        self.store.close()
        self.store = MemoryStore()
        self.store._tables, self.submitted, self.states = self.saved  # pyright: ignore[reportPrivateUsage]
        self.store.write(lambda tx: tx.set_meta(RESTORED_AT, str(self.today())))
        with self.store.read() as view:
            self.last_event = view.revision()
        self.boot_loop()
