"""A small world for the arbiter's machine: cards, services, processes and a clock, all simulated.

The machine sees it only as the daemon would: by readings that take time, by drivers' answers, and by
processes that end. The world knows the truth, so the tests can hold the machine's decisions to it.
"""

import json
from collections import deque
from dataclasses import dataclass, field

from sentinel.arbiter import machine, view
from sentinel.arbiter.admission import all_waiting
from sentinel.arbiter.claiming import service_gpus
from sentinel.arbiter.inputs import (
    Acquire,
    Action,
    Grant,
    Input,
    Journal,
    Looked,
    Measure,
    Measured,
    Refuse,
    Release,
    Restore,
    RestoreDone,
    Resume,
    RungDone,
    RunRung,
    Terminate,
    Tick,
    Unmeasured,
    Warn,
    Withdraw,
)
from sentinel.arbiter.statefile import from_document, to_document
from sentinel.arbiter.states import Listed, Sample, Settings, State
from sentinel.core.lease import Claim, Request, Sharing
from sentinel.core.process import Peer, ProcessId
from sentinel.core.service import Down, Rung, Up

GIB = 1 << 30
CARD = 80 * GIB


@dataclass
class Server:
    """The truth about a service: whether it runs, and what it holds on each of its GPUs."""

    gpus: tuple[str, ...]
    pid: int
    up: bool = True
    asleep: bool = False
    held: int = 20 * GIB
    lingering: bool = False  # ended, but the driver has not given its memory back yet
    outsider_started_at: float = -1.0

    @property
    def holding(self) -> int:
        return self.held if (self.up and not self.asleep) or self.lingering else 0


@dataclass
class Reading:
    """A reading under way: what it saw is fixed when it begins."""

    began: float
    result: Input
    looks: list[Input]


@dataclass
class World:
    settings: Settings
    cards: tuple[str, ...]
    now: float = 1000.0
    state: State = field(init=False)
    servers: dict[str, Server] = field(default_factory=dict)
    rogues: dict[int, tuple[str, int, float]] = field(default_factory=dict)  # pid → card, bytes, since
    readable: bool = True
    reading: Reading | None = None
    again: bool = False
    orders: dict[str, deque[RunRung | Restore]] = field(default_factory=dict)
    answers: dict[str, Action] = field(default_factory=dict)
    asked: dict[str, Request] = field(default_factory=dict)
    released: set[str] = field(default_factory=set)
    terminated: list[str] = field(default_factory=list)
    grants_of: list[tuple[str, float]] = field(default_factory=list)
    claimed_at: dict[str, float] = field(default_factory=dict)  # service → when last claimed
    resumed_at: float = -1.0
    pids: int = 5000

    def __post_init__(self) -> None:
        for number, service in enumerate(self.settings.services):
            gpus = tuple(self.cards[int(g)] for g in service.gpus) or self.cards
            self.servers[service.name] = Server(gpus=gpus, pid=100 + number)
            self.orders[service.name] = deque()
        self.state = machine.begin(self.settings, self.now)

    # ---------------------------------------------------------- what happens

    def feed(self, happened: Input) -> None:
        self.note_claims()
        if isinstance(happened, Resume):
            self.resumed_at = self.now
        self.state, actions = machine.step(self.state, happened, self.now)
        for action in actions:
            self.obey(action)
        self.check()

    def note_claims(self) -> None:
        for name, service in self.state.services.items():
            mine = service_gpus(self.state, service)
            claims = (*self.state.leases.values(), *self.state.preparing.values())
            if any(not c.gpus or mine & set(c.gpus) for c in claims):
                self.claimed_at[name] = self.now

    def obey(self, action: Action) -> None:
        match action:
            case Measure():
                self.begin_reading()
            case RunRung(service=name) | Restore(service=name):
                if isinstance(action, Restore):
                    self.check_restore(name)
                self.orders[name].append(action)
            case Grant(request_id=request_id):
                assert request_id not in self.answers, "answered twice"
                self.answers[request_id] = action
                self.grants_of.append((request_id, self.now))
                self.check_grant(action)
            case Refuse(request_id=request_id, message=message):
                assert request_id not in self.answers, "answered twice"
                assert message, "a refusal says why"
                self.answers[request_id] = action
            case Terminate(lease_id=lease_id):
                self.terminated.append(lease_id)
            case Warn() | Journal():
                pass

    def acquire(self, uid: int, claim: Claim, wait: float | None = None, name: str | None = None) -> Request:
        self.pids += 1
        peer = Peer(process=ProcessId(self.pids, 7), uid=uid, gid=uid, user=f"u{uid}")
        request = Request(
            id=name or f"L{self.pids}",
            peer=peer,
            claim=claim,
            asked_at=self.now,
            until=None if wait is None else self.now + wait,
        )
        self.asked[request.id] = request
        self.feed(Acquire(request=request))
        return request

    def withdraw(self, request_id: str) -> None:
        """Its client goes away."""
        del self.asked[request_id]
        self.feed(Withdraw(request_id=request_id))

    def end_lease(self, lease_id: str) -> None:
        self.released.add(lease_id)
        self.feed(Release(lease_id=lease_id, why="its processes have ended"))

    # ---------------------------------------------------------- readings

    def begin_reading(self) -> None:
        """As the reader thread: one at a time, what is asked for meanwhile is done once after it."""
        if self.reading is not None:
            self.again = True
            return
        looks: list[Input] = [
            Looked(
                service=name,
                began=self.now,
                sight=Up(pids=frozenset({s.pid})) if s.up else Down(why="not running"),
            )
            for name, s in self.servers.items()
        ]
        result: Input = Unmeasured(began=self.now, why="no answer")
        if self.readable:
            result = Measured(began=self.now, samples=tuple(self.sample(c) for c in self.cards))
        self.reading = Reading(began=self.now, result=result, looks=looks)

    def finish_reading(self) -> None:
        if self.reading is None:
            return
        reading, self.reading = self.reading, None
        for look in reading.looks:
            self.feed(look)
        self.feed(reading.result)
        if self.again:
            self.again = False
            self.begin_reading()

    def sample(self, card: str) -> Sample:
        listed = [
            Listed(
                process=ProcessId(s.pid, 7),
                name=name,
                user="svc",
                memory_bytes=s.holding,
                service=name,
            )
            for name, s in self.servers.items()
            if card in s.gpus and s.holding
        ]
        listed += [
            Listed(process=ProcessId(pid, 9), name="rogue", user="eve", memory_bytes=size)
            for pid, (where, size, _since) in self.rogues.items()
            if where == card
        ]
        used = sum(p.memory_bytes or 0 for p in listed)
        return Sample(
            uuid=card,
            index=self.cards.index(card),
            total_bytes=CARD,
            used_bytes=used,
            free_bytes=CARD - used,
            listed=tuple(listed),
            devices=(card,),
        )

    # ---------------------------------------------------------- drivers

    def finish_order(self, name: str, *, works: bool = True, lingers: bool = False) -> None:
        """The driver's call that is first in line returns. `lingers`: memory comes free later."""
        if not self.orders[name]:
            return
        order = self.orders[name].popleft()
        server = self.servers[name]
        error = None if works else "it would not"
        if isinstance(order, Restore):
            if works:
                server.up, server.asleep = True, False
            self.feed(RestoreDone(service=name, at=self.now, error=error))
        else:
            if works:
                server.lingering = lingers and server.holding > 0
                server.asleep = order.rung is not Rung.STOP
                server.up = order.rung is not Rung.STOP and server.up
            self.feed(RungDone(service=name, rung=order.rung, at=self.now, error=error))

    # ---------------------------------------------------------- time

    def pass_time(self, seconds: float) -> None:
        """Time goes by; the machine is woken whenever it asked to be."""
        end = self.now + seconds
        for _ in range(10_000):
            wake = machine.next_wake(self.state, self.now)
            assert wake is None or wake > self.now, "would spin"
            if wake is None or wake > end:
                break
            self.now = wake
            self.feed(Tick())
        else:
            raise AssertionError("woken without end")
        self.now = end
        self.feed(Tick())

    def live(self, seconds: float, *, step: float = 0.25) -> None:
        """Time goes by in a healthy world: readings come, drivers do as told."""
        end = self.now + seconds
        while self.now < end:
            self.begin_reading()
            self.finish_reading()
            for name in self.orders:
                self.finish_order(name)
                self.servers[name].lingering = False
            self.finish_reading()
            self.pass_time(step)

    def restart(self) -> None:
        """The arbiter is killed and started again, knowing only its state file and who is alive.

        Orders that its threads had begun end with it, done or not.
        """
        document = json.loads(json.dumps(to_document(self.state, "boot")))
        saved = from_document(document, "boot", self.now)
        for name in self.orders:
            self.orders[name].clear()
        self.reading, self.again = None, False
        self.state = machine.begin(self.settings, self.now, saved)
        for request_id in list(self.asked):
            if request_id not in self.answers:
                del self.asked[request_id]  # its connection broke
        self.begin_reading()

    # ---------------------------------------------------------- what must hold

    def check(self) -> None:
        """The invariants that hold after every step."""
        state = self.state
        again, actions = machine.step(state, Tick(), self.now)
        assert again == state, "a step leaves nothing undone"
        assert not [a for a in actions if not isinstance(a, Journal | Warn)], actions
        wake = machine.next_wake(state, self.now)
        assert wake is None or wake > self.now
        self.check_claims()
        for service in state.services.values():
            if view.service_state(service) not in ("running", "unknown"):
                assert view.service_why(state, service, self.now), "paused without a reason"
        status = view.status(state, self.now, lambda at: f"{at:.3f}")
        json.dumps(status)
        assert status["state"] in ("IDLE", "RESEARCH", "RESUMING")
        if state.leases:
            assert status["state"] == "RESEARCH"

    def check_claims(self) -> None:
        state = self.state
        waiting = {r.id for r in all_waiting(state.queue)}
        assert not waiting & state.leases.keys()
        assert not waiting & state.preparing.keys()
        assert not state.preparing.keys() & state.leases.keys()
        for request_id in self.asked:
            known = request_id in waiting or request_id in state.preparing or request_id in self.answers
            assert known, f"{request_id} was lost"
        for card in self.cards:
            on = [
                le.claim.sharing
                for le in (*state.leases.values(), *(p.request for p in state.preparing.values()))
                if card in getattr(le, "gpus", ()) or self.set_aside(le.id, card)
            ]
            assert Sharing.EXCLUSIVE not in on or len(on) == 1, f"{card} given twice: {on}"
            declared = [
                le.claim.memory_bytes or 0
                for le in state.leases.values()
                if card in le.gpus and le.claim.sharing is Sharing.SLICE
            ]
            assert sum(declared) <= CARD, "shares beyond the card"

    def set_aside(self, request_id: str, card: str) -> bool:
        preparing = self.state.preparing.get(request_id)
        return preparing is not None and card in preparing.gpus

    def check_grant(self, grant: Grant) -> None:
        """Granted means free: by the truth, not by what the machine was told."""
        lease = grant.lease
        assert lease.id in self.state.leases, "in the state before it is told"
        if lease.claim.sharing is Sharing.SLICE:
            return
        for name, server in self.servers.items():
            if set(lease.gpus) & service_gpus(self.state, self.state.services[name]):
                last = max((v.read_at for v in self.state.gpus.values()), default=-1.0)
                surprised = server.outsider_started_at >= last
                assert surprised or not server.holding, f"granted while {name} holds memory"
                awake = server.up and not server.asleep
                assert surprised or not awake, f"granted while {name} is free to take memory"

    def check_restore(self, name: str) -> None:
        """Nothing is brought back onto a GPU that is claimed."""
        if self.state.stopping:
            return
        mine = service_gpus(self.state, self.state.services[name])
        for lease in self.state.leases.values():
            assert lease.gpus and not mine & set(lease.gpus), f"{name} comes back beside {lease.id}"
        for preparing in self.state.preparing.values():
            assert not mine & set(preparing.gpus), f"{name} comes back beside a request"
        service = self.state.services[name]
        claimed = self.claimed_at.get(name, -1.0)
        due = claimed + self.settings.resume_delay
        assert self.now >= due or self.resumed_at >= claimed, f"{name} comes back at once"
        for pid, (card, _size, since) in self.rogues.items():
            accepted = service.forced or ProcessId(pid, 9) in self.state.tolerated
            was_there = service.quiet_since is None or since < service.quiet_since
            assert accepted or card not in mine or not was_there, f"{name} comes back beside pid {pid}"
