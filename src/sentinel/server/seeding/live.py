"""`sentinel dev seed --live`: simulated nodes are heard of and measured until Ctrl-C. Called by `seed`.

Every `every` seconds each of them beats, with what its GPUs show at that moment; every ten its samples go
into the history, where the open minute is told again, longer each time, as agents do.
"""

import json
import signal
import threading
from collections.abc import Callable, Mapping
from typing import Any

from sentinel.core.bell import Bell
from sentinel.core.clock import boottime, wall
from sentinel.core.errors import SentinelError
from sentinel.core.node import Node, NodeGpu, node_gpu_json
from sentinel.core.sample_batch import Batch
from sentinel.ports.history import History
from sentinel.ports.store import Store
from sentinel.server.folders import Folders
from sentinel.server.seeding.beats import Beats
from sentinel.server.seeding.curves import FREE, curves, place_of
from sentinel.server.seeding.fleet import CARD_OF, CARDS
from sentinel.server.seeding.life import Life
from sentinel.server.seeding.past import MINUTE, UNUSED, Rows, columns_of
from sentinel.server.seeding.timeline import Stint
from sentinel.server.seeding.workloads import workload

SEEDED = "seeded"  # the store's setting: {"seed": N, "hot": [UUID…]}
PUSH_EVERY = 10.0  # seconds

Tell = Callable[[str], None]


def feed(store: Store, history: History, folders: Folders, *, every: float, tell: Tell) -> None:
    """Until SIGINT or SIGTERM."""
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: over.set())
    bell = Bell(folders.bells)
    store.on_commit(bell.ring)
    with store.read() as reader:
        seeded = json.loads(reader.meta(SEEDED) or "{}")
    life = Life(store, wall())
    life.go_on(wall())
    beats = Beats(folders, life.nodes)
    try:
        tell(f"{len(life.nodes)} nodes are kept alive, every {every:g} s; Ctrl-C ends it")
        hot = frozenset[str](seeded.get("hot", ()))
        _Feed(life, beats, history, every=every, now=wall(), hot=hot, tell=tell).run(over)
    finally:
        beats.close()
        bell.close()


class _Feed:
    def __init__(
        self,
        life: Life,
        beats: Beats,
        history: History,
        *,
        every: float,
        now: float,
        hot: frozenset[str],
        tell: Tell,
    ) -> None:
        self._life, self._beats, self._history = life, beats, history
        self._every, self._hot, self._tell = every, hot, tell
        self._next_push = now
        self._from = now  # of what is told in the open minute
        self._told_wrong = ""
        self._shown: dict[str, tuple[object, ...]] = {}  # node id → whom its last beat named
        self._elsewhere = False

    def run(self, over: threading.Event) -> None:
        at = boottime()
        while not over.wait(max(0.0, at - boottime())):
            at = max(at + self._every, boottime())
            try:
                self.turn(wall())
            except SentinelError as error:
                self._complain(error.message)

    def turn(self, now: float) -> None:
        """What happens, what is heard of it, and now and then what was measured."""
        life = self._life
        life.go_on(now)
        nodes = {node.id: node for node in life.nodes}
        bodies = {id: self._body(node, now) for id, node in nodes.items()}
        wrong = self._beats.send(list(nodes), lambda id: bodies[id])
        self._complain(wrong[0] if wrong else "")
        if now >= self._next_push and not self._elsewhere:
            self._next_push = now + max(PUSH_EVERY, self._every)
            self._push(now)

    def _complain(self, wrong: str) -> None:
        if wrong and wrong != self._told_wrong:
            self._tell(f"{wrong}; trying again")
        self._told_wrong = wrong

    # ------------------------------------------------------------------ beats

    def _body(self, node: Node, now: float) -> Mapping[str, Any]:
        stints = [one for one in self._life.stints(node) if one.end is None]
        named = tuple(one.key for one in stints)
        news = self._shown.get(node.id) != named
        self._shown[node.id] = named
        holder = {index: one for one in stints for index in one.gpus}
        step = int(now // self._every)
        return {
            "boot_id": node.boot_id,
            "agent_version": node.agent_version,
            "facts": None,
            "gpus": [node_gpu_json(gpu) for gpu in node.gpus or ()],
            "held": self._life.tokens(node.id),
            "seen": 0,
            "workloads": [dict(workload(node, one, now).data) for one in stints] if news else None,
            "samples": [
                _sample(gpu, holder.get(gpu.index), step, gpu.uuid in self._hot) for gpu in node.gpus or ()
            ],
        }

    # ------------------------------------------------------------------ samples

    def _push(self, now: float) -> None:
        minute = now // MINUTE * MINUTE
        if self._from < minute:
            self._append(minute)
            self._from = minute
            self._life.forget(minute)
        self._append(now)

    def _append(self, until: float) -> None:
        """The rows of the open minute up to then."""
        first = -(-self._from // self._every) * self._every
        count = int((until - first) // self._every)
        if count <= 0:
            return
        rows = Rows(first=first, step=self._every, count=count)
        batches = [
            Batch(
                node=node.name,
                sequence=int(first // MINUTE),
                times=rows.times,
                columns=tuple(columns_of(node, self._life.stints(node), rows, self._hot)),
            )
            for node in self._life.nodes
        ]
        if self._history.append(batches).elsewhere:
            self._elsewhere = True
            self._tell("a Prometheus has the history: samples are not told")


def _sample(gpu: NodeGpu, holder: Stint | None, step: int, hot: bool) -> dict[str, Any]:
    """What one GPU shows now."""
    card = CARD_OF.get(gpu.model or "", CARDS[0])
    found = curves(card, FREE if holder is None else holder.level, hot)
    place = place_of(gpu.uuid, step)
    return {
        "uuid": gpu.uuid,
        "utilization_percent": found.utilization[place],
        "memory_used_bytes": round(card.memory_bytes * (UNUSED if holder is None else holder.memory)),
        "temperature_celsius": found.temperature[place],
        "power_watts": round(found.power[place], 1),
    }
