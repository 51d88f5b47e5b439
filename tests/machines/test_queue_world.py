"""Everything that can happen to the queue, in any order: nodes that go silent, come back, reboot; agents that
die and repeat themselves; a network that delays; users; a loop that restarts. After each step the world
checks that no job is lost and none runs twice, and in the end a world that works again runs the queue dry."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.scheduling.world import SimNode, World

from sentinel.core.job import IfLost

NAMES = ("a", "a", "a", "b")  # what is done, is done to one machine mostly: so it gets somewhere
SPECS = st.fixed_dictionaries(
    {
        "gpus": st.integers(1, 2),
        "priority": st.integers(0, 2),
        "if_lost": st.sampled_from(list(IfLost)),
        "grace": st.sampled_from([0.0, 30.0]),
        "preemptible": st.booleans(),
        "retries": st.integers(0, 1),
    }
)


class Wire(RuleBasedStateMachine):
    """What happens whatever else does: time passes, messages come and go, jobs get on."""

    world: World

    def node(self, name: str) -> SimNode:
        return self.world.nodes[name]

    @rule()
    def loop_steps(self) -> None:
        self.world.loop.step()

    @rule(seconds=st.sampled_from([0.5, 5.0, 11.0, 36.0, 61.0, 71.0, 140.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.pass_time(seconds)

    @rule(name=st.sampled_from(NAMES), far=st.integers(1, 3))
    def agent_polls(self, name: str, far: int) -> None:
        """Its long poll gets so far; an answer may be on its way for long."""
        node = self.node(name)
        steps = (self.world.ask, self.world.answer, self.world.deliver_poll)
        for step in steps[:far]:
            step(node)

    @rule(name=st.sampled_from(NAMES))
    def poll_breaks(self, name: str) -> None:
        self.node(name).poll = None

    @rule(name=st.sampled_from(NAMES))
    def agent_beats(self, name: str) -> None:
        self.world.beat(self.node(name))

    @rule(name=st.sampled_from(NAMES))
    def agent_reports(self, name: str) -> None:
        self.world.send(self.node(name))

    @rule(data=st.data(), name=st.sampled_from(NAMES), again=st.booleans(), answered=st.booleans())
    def beat_arrives(self, data: st.DataObject, name: str, again: bool, answered: bool) -> None:
        node = self.node(name)
        if node.beats and node.reachable:
            beat = data.draw(st.sampled_from(node.beats))
            if not again:
                node.beats.remove(beat)
            self.world.deliver_beat(node, beat, answered=answered)

    @rule(data=st.data(), name=st.sampled_from(NAMES), again=st.booleans(), answered=st.booleans())
    def reports_arrive(self, data: st.DataObject, name: str, again: bool, answered: bool) -> None:
        node = self.node(name)
        if node.batches and node.reachable:
            at = data.draw(st.integers(0, len(node.batches) - 1))
            batch = node.batches[at] if again else node.batches.pop(at)
            self.world.deliver_batch(node, batch, answered=answered)

    @rule(data=st.data(), name=st.sampled_from(NAMES), code=st.integers(0, 2), refuses=st.booleans())
    def attempt_gets_on(self, data: st.DataObject, name: str, code: int, refuses: bool) -> None:
        node = self.node(name)
        live = [attempt for attempt in node.attempts.values() if attempt.live]
        if node.on and live:
            attempt = data.draw(st.sampled_from(live))
            if refuses:
                self.world.refuse(node, attempt)
            else:
                self.world.grow(node, attempt, code)

    @rule(name=st.sampled_from(NAMES), passes=st.booleans())
    def network_breaks_or_heals(self, name: str, passes: bool) -> None:
        self.node(name).reachable = passes

    @rule(name=st.sampled_from(NAMES))
    def agent_dies_or_comes_back(self, name: str) -> None:
        node = self.node(name)
        if node.agent:
            node.agent = False
        elif node.on:
            node.restart_agent()

    # ------------------------------------------------------------------ what must always be true

    @invariant()
    def all_is_as_it_must_be(self) -> None:
        self.world.check()

    def teardown(self) -> None:
        try:
            self.world.finish()
        finally:
            self.world.close()


class LeaseMachine(Wire):
    """One job and two nodes of one GPU: all that can go wrong between a lease and what really runs."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(SimNode(id="a", gpus=1), SimNode(id="b", gpus=1))

    @initialize(if_lost=st.sampled_from(list(IfLost)), grace=st.sampled_from([0.0, 30.0]))
    def one_job(self, if_lost: IfLost, grace: float) -> None:
        self.world.submit(if_lost=if_lost, grace=grace)
        self.world.loop.step()


class QueueMachine(Wire):
    """Several jobs and gangs, users, admins, and machines that fail."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(SimNode(id="a", gpus=2), SimNode(id="b", gpus=1))

    @precondition(lambda self: len(self.world.submitted) < 8)
    @rule(spec=SPECS)
    def submit(self, spec: dict[str, object]) -> None:
        self.world.submit(**spec)

    @precondition(lambda self: len(self.world.submitted) < 8)
    @rule(spec=SPECS)
    def submit_a_gang(self, spec: dict[str, object]) -> None:
        """Over both machines."""
        self.world.submit(**{**spec, "gpus": 1, "nodes": 2})

    @precondition(lambda self: self.world.submitted)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        self.world.cancel(data.draw(st.sampled_from(sorted(self.world.submitted))))

    @rule()
    def loop_restarts(self) -> None:
        self.world.boot_loop()

    @rule(seconds=st.sampled_from([-1e6, -50.0, 50.0, 1e6]))
    def somebody_sets_the_clock(self, seconds: float) -> None:
        self.world.epoch += seconds

    @rule(seconds=st.sampled_from([3.0, 20.0, 80.0]))
    def all_is_well_for_a_while(self, seconds: float) -> None:
        self.world.live(seconds, step=seconds / 4)

    @rule(name=st.sampled_from(NAMES), far=st.integers(0, 2))
    def a_node_works(self, name: str, far: int) -> None:
        """Its agent and the loop talk once, and what it has gets so far."""
        self.world.loop.step()
        self.world.talk(self.node(name))
        for attempt in [a for a in self.node(name).attempts.values() if a.live and self.node(name).on]:
            for _ in range(far):
                self.world.grow(self.node(name), attempt, 0)

    @rule(steps=st.integers(1, 3))
    def all_nodes_work(self, steps: int) -> None:
        """And what runs on all of them gets as far, as the parts of a gang have to."""
        for _ in range(steps):
            for name in "ab":
                self.a_node_works(name, 1)
                self.world.talk(self.node(name))

    @rule(name=st.sampled_from(NAMES))
    def supervisor_cannot_be_asked_or_can(self, name: str) -> None:
        node = self.node(name)
        if node.asks:
            node.asks = False
        elif node.on and node.agent:
            node.reconnect()

    @rule(name=st.sampled_from(NAMES), wiped=st.booleans())
    def power_goes_or_comes(self, name: str, wiped: bool) -> None:
        node = self.node(name)
        if node.on:
            node.power_off()
        else:
            node.power_on(wiped=wiped)

    @rule(name=st.sampled_from(NAMES))
    def admin_says_it_is_dead(self, name: str) -> None:
        if not self.node(name).on:
            self.world.declare_dead(self.node(name))


SETTINGS = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=150)
TestLeases = LeaseMachine.TestCase
TestLeases.settings = settings(SETTINGS, stateful_step_count=40)
TestQueue = QueueMachine.TestCase
TestQueue.settings = settings(SETTINGS, stateful_step_count=60)
