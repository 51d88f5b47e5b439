"""Everything that can happen to the arbiter, in any order: hypothesis drives the world, the world checks
the invariants after every step, and in the end a healthy world must have its inference back."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.machines.arbiter_world import GIB, World

from sentinel.arbiter import view
from sentinel.arbiter.inputs import EvictLease, LiftCordon, Pause, Resume, SetCordon
from sentinel.arbiter.states import ServiceSettings, Settings
from sentinel.core.lease import Claim, Sharing
from sentinel.core.service import Rung

CARDS = ("GPU-a", "GPU-b")
SERVICES = (
    ServiceSettings(name="chat", gpus=("0", "1"), ladder=(Rung.STOP,), supervised=True),
    ServiceSettings(name="embed", gpus=("1",), ladder=(Rung.SLEEP, Rung.STOP)),
)
CLAIMS = st.one_of(
    st.just(Claim()),
    st.builds(lambda n: Claim(sharing=Sharing.EXCLUSIVE, count=n), st.integers(1, 2)),
    st.builds(lambda i: Claim(sharing=Sharing.EXCLUSIVE, gpu_ids=(i,)), st.sampled_from(["0", "1", "GPU-b"])),
    st.builds(lambda g: Claim(sharing=Sharing.SLICE, memory_bytes=g * GIB), st.integers(1, 80)),
)


class ArbiterMachine(RuleBasedStateMachine):
    """Rules are what users, admins, drivers, the kernel and bad luck do."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(
            settings=Settings(resume_delay=2.0, grant_timeout=10.0, services=SERVICES), cards=CARDS
        )
        self.world.begin_reading()

    @rule(uid=st.integers(1, 3), claim=CLAIMS, wait=st.sampled_from([None, 0.0, 3.0, 30.0]))
    def acquire(self, uid: int, claim: Claim, wait: float | None) -> None:
        self.world.acquire(uid, claim, wait)

    @precondition(lambda self: self.world.state.leases)
    @rule(data=st.data())
    def tree_ends(self, data: st.DataObject) -> None:
        self.world.end_lease(data.draw(st.sampled_from(sorted(self.world.state.leases))))

    @precondition(lambda self: self.world.asked.keys() - self.world.answers.keys())
    @rule(data=st.data())
    def client_goes(self, data: st.DataObject) -> None:
        open_ones = sorted(self.world.asked.keys() - self.world.answers.keys())
        request_id = data.draw(st.sampled_from(open_ones))
        self.world.withdraw(request_id)

    @rule()
    def poll(self) -> None:
        self.world.begin_reading()

    @rule()
    def reading_comes(self) -> None:
        self.world.finish_reading()

    @rule(readable=st.booleans())
    def driver_breaks_or_heals(self, readable: bool) -> None:
        self.world.readable = readable

    @rule(name=st.sampled_from(["chat", "embed"]), works=st.booleans(), lingers=st.booleans())
    def order_ends(self, name: str, works: bool, lingers: bool) -> None:
        self.world.finish_order(name, works=works, lingers=lingers)

    @rule(name=st.sampled_from(["chat", "embed"]))
    def memory_comes_free(self, name: str) -> None:
        self.world.servers[name].lingering = False

    @rule(name=st.sampled_from(["chat", "embed"]))
    def service_crashes(self, name: str) -> None:
        self.world.servers[name].up = False
        self.world.servers[name].asleep = False

    @rule(name=st.sampled_from(["chat", "embed"]))
    def outsider_starts_service(self, name: str) -> None:
        server = self.world.servers[name]
        server.up, server.asleep, server.outsider_started_at = True, False, self.world.now

    @rule(pid=st.integers(900, 903), card=st.sampled_from(CARDS), size=st.integers(1, 20))
    def rogue_comes(self, pid: int, card: str, size: int) -> None:
        self.world.rogues[pid] = (card, size * GIB, self.world.now)

    @rule(pid=st.integers(900, 903))
    def rogue_goes(self, pid: int) -> None:
        self.world.rogues.pop(pid, None)

    @rule(seconds=st.sampled_from([0.01, 0.1, 1.0, 5.0, 20.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.pass_time(seconds)

    @rule()
    def healthy_seconds(self) -> None:
        self.world.live(1.0)

    @rule()
    def admin_pauses(self) -> None:
        self.world.feed(Pause(by="root", reason="tests"))

    @rule()
    def admin_resumes(self) -> None:
        self.world.feed(Resume(by="root"))

    @rule(card=st.sampled_from(CARDS), lift=st.booleans())
    def admin_cordons(self, card: str, lift: bool) -> None:
        if lift:
            self.world.feed(LiftCordon(gpu=card, by="root"))
        else:
            self.world.feed(SetCordon(gpu=card, by="root", reason="fan"))

    @precondition(lambda self: self.world.state.leases)
    @rule(data=st.data(), keep=st.booleans())
    def admin_evicts(self, data: st.DataObject, keep: bool) -> None:
        lease_id = data.draw(st.sampled_from(sorted(self.world.state.leases)))
        self.world.feed(EvictLease(lease_id=lease_id, by="root", keep_running=keep))

    @rule()
    def arbiter_restarts(self) -> None:
        self.world.restart()

    @invariant()
    def holds(self) -> None:
        self.world.check()

    def teardown(self) -> None:
        """Whatever happened: once the world is well, nobody waits and inference is back."""
        world = self.world
        world.readable = True
        world.rogues.clear()
        world.feed(Resume(by="root"))
        for card in CARDS:
            world.feed(LiftCordon(gpu=card, by="root"))
        for _ in range(200):
            world.live(5.0, step=0.5)
            for lease_id in tuple(world.state.leases):
                world.end_lease(lease_id)
            if not world.state.leases and not world.state.queue.ring and not world.state.preparing:
                break
        assert not world.state.queue.ring
        assert not world.state.preparing
        world.live(700.0, step=5.0)  # longer than the longest back-off
        for name, service in world.state.services.items():
            state = view.service_state(service)
            # A unit that someone else stopped is theirs to start.
            assert state == "running" or (state == "stopped" and name == "embed"), (name, service)
            assert world.servers[name].up == (state == "running")
            assert not world.servers[name].asleep
        assert world.asked.keys() <= world.answers.keys()


TestArbiterMachine = ArbiterMachine.TestCase
TestArbiterMachine.settings = settings(
    max_examples=40,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
