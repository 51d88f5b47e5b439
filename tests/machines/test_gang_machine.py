"""Everything that can happen to a gang, in any order: its parts begin, end, are refused, lost, gone and
repeated; it is canceled and makes room; nodes reboot and die; a backup is restored. After each step it must
be whole, and in the end it has ended, or waits for another attempt."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.scheduling.gang_world import G, GangWorld, Had

from sentinel.core.job import IfLost, JobState

RANKS = st.integers(0, 2)
SELDOM = st.sampled_from([False] * 4 + [True])


class GangMachine(RuleBasedStateMachine):
    """One gang on two or three nodes, attempt after attempt."""

    world: GangWorld

    @initialize(
        size=st.integers(2, 3),
        if_lost=st.sampled_from(list(IfLost)),
        retries=st.integers(0, 2),
        early=st.booleans(),
    )
    def one_gang(self, size: int, if_lost: IfLost, retries: int, early: bool) -> None:
        self.world = GangWorld(size, if_lost=if_lost, retries=retries)
        self.told: list[Had] = []
        if early:
            self.a_backup_is_made()
        self.world.place()

    @property
    def restored(self) -> bool:
        return self.world.saved is not None

    def live(self) -> list[Had]:
        return [had for node in self.world.nodes.values() for had in node.has.values() if had.live]

    def one(self, rank: int) -> Had | None:
        """One of those that nodes have, whether the store knows it or not."""
        live = self.live()
        return live[rank % len(live)] if live else None

    # ------------------------------------------------------------------ the scheduler

    @precondition(lambda self: self.world.gang().state is JobState.QUEUED and self.world.gang().attempt < 5)
    @rule()
    def it_is_placed(self) -> None:
        if not self.live():  # else a GPU is in use, as its agent would find
            self.world.place()

    @precondition(lambda self: self.world.gang().state.placed)
    @rule(rank=RANKS, whole=st.booleans())
    def it_is_to_make_room(self, rank: int, whole: bool) -> None:
        placed = [part for part in self.world.parts() if part.state.placed]
        if whole or not placed:
            self.world.preempt()
        else:
            self.world.preempt(placed[rank % len(placed)].id)

    @rule(rank=RANKS)
    def a_part_is_not_heard_of(self, rank: int) -> None:
        placed = [part for part in self.world.parts() if part.state.placed]
        if placed:
            self.world.silence(placed[rank % len(placed)].id)

    # ------------------------------------------------------------------ people

    @precondition(lambda self: not self.world.gang().state.ended)
    @rule(rank=RANKS, whole=st.booleans(), really=SELDOM)
    def it_is_canceled(self, rank: int, whole: bool, really: bool) -> None:
        if not really:
            return
        placed = [part for part in self.world.parts() if part.state.placed]
        self.world.cancel(G if whole or not placed else placed[rank % len(placed)].id)

    @rule(rank=RANKS, really=SELDOM)
    def a_node_is_declared_dead(self, rank: int, really: bool) -> None:
        names = sorted(self.world.nodes)
        if really:
            self.world.declare_dead(names[rank % len(names)])

    # ------------------------------------------------------------------ the nodes

    @rule(rank=RANKS, far=st.integers(1, 2))
    def a_part_gets_on(self, rank: int, far: int) -> None:
        had = self.one(rank)
        for kind in ("starting", "running")[:far]:
            if had is not None and had.live and had.phase != "running":
                self.tell(had, kind)

    @rule(far=st.integers(1, 2))
    def all_get_on(self, far: int) -> None:
        for had in self.live():
            for kind in ("starting", "running")[:far]:
                if had.live and had.phase != "running":
                    self.tell(had, kind)

    @rule(rank=RANKS, code=st.sampled_from([0, 0, 1, 3, None]))
    def a_part_ends(self, rank: int, code: int | None) -> None:
        had = self.one(rank)
        if had is not None and had.phase == "running":
            self.tell(had, "exited", exit_code=code, signal=9 if code is None else None)

    @rule(rank=RANKS)
    def a_part_is_stopped_as_it_should_be(self, rank: int) -> None:
        had = self.one(rank)
        if had is not None and self.wanted_to_stop(had):
            self.stop(had)

    @rule(rank=RANKS, final=st.booleans())
    def a_part_is_refused(self, rank: int, final: bool) -> None:
        had = self.one(rank)
        if had is not None and had.phase != "running":
            self.tell(had, "refused", why="no room", final=final)

    @rule(rank=RANKS)
    def a_report_comes_again(self, rank: int) -> None:
        """Of an attempt that is over, too."""
        if self.told:
            had = self.told[rank % len(self.told)]
            mine = self.world.nodes["a"].has
            kept = {name: node.has.copy() for name, node in self.world.nodes.items()}
            if not any(had.id in node.has for node in self.world.nodes.values()):
                mine[had.id] = had
            self.world.repeat(had)
            for name, node in self.world.nodes.items():
                node.has.clear()
                node.has.update(kept[name])

    @rule(rank=RANKS, reboots=st.booleans())
    def a_node_beats(self, rank: int, reboots: bool) -> None:
        name = sorted(self.world.nodes)[rank % len(self.world.nodes)]
        if reboots:
            self.world.nodes[name].has.clear()
        self.world.beat(name)

    @rule(rank=RANKS)
    def an_agent_restarts(self, rank: int) -> None:
        """It tells all that its supervisor has."""
        name = sorted(self.world.nodes)[rank % len(self.world.nodes)]
        for had in list(self.world.nodes[name].has.values()):
            if had.last:
                self.world.repeat(had)

    def tell(self, had: Had, kind: str, **more: object) -> None:
        self.world.tell(had, kind, **more)
        if kind == "exited" and not self.restored:
            self.told.append(had)

    def wanted_to_stop(self, had: Had) -> bool:
        with self.world.store.read() as view:
            found = view.job(had.id)
        return found is not None and found.placement is not None and found.stop is not None

    def stop(self, had: Had) -> None:
        if had.phase == "waiting":
            self.tell(had, "refused", why="called off")
        else:
            self.tell(had, "exited", exit_code=None, signal=15, stopped=True)

    # ------------------------------------------------------------------ a backup

    @precondition(lambda self: not self.restored and not hasattr(self, "kept"))
    @rule()
    def a_backup_is_made(self) -> None:
        self.kept = self.world.store._tables  # pyright: ignore[reportPrivateUsage]

    @precondition(lambda self: not self.restored and hasattr(self, "kept"))
    @rule()
    def it_is_restored(self) -> None:
        self.world.saved = (self.kept, None)
        self.world.restore()
        for had in self.live():
            had.last = had.last or {
                "token": had.token,
                "job": had.id,
                "attempt": 1,
                "kind": "waiting",
                "why": "x",
            }

    @precondition(lambda self: self.restored)
    @rule()
    def the_hold_is_over(self) -> None:
        self.world.end_hold()

    # ------------------------------------------------------------------ what must always be true

    @invariant()
    def it_is_whole(self) -> None:
        self.world.check()

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            self.finish()
        finally:
            self.world.close()

    def finish(self) -> None:
        """All nodes are heard of, and what runs ends."""
        self.world.end_hold()
        for had in self.live():
            self.world.tell(had, "running")
            if had.live and any(had.id in node.has for node in self.world.nodes.values()):
                self.stop(had) if self.wanted_to_stop(had) else self.tell(had, "exited", exit_code=0)
        for name in self.world.nodes:
            self.world.reboot(name)
        for name in self.world.nodes:
            self.world.declare_dead(name)
        gang = self.world.gang()
        self.world.check()
        assert gang.state.ended or gang.state is JobState.QUEUED, f"it is left {gang.state}: {gang.reason}"
        with self.world.store.read() as view:
            assert list(view.leases()) == []


TestGangs = GangMachine.TestCase
TestGangs.settings = settings(
    deadline=None, suppress_health_check=list(HealthCheck), max_examples=200, stateful_step_count=40
)
