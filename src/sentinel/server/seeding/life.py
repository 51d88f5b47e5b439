"""The simulated nodes as they live on: jobs begin and end there, and others are submitted. Used by `live`.

It follows the store as an agent would: what was allocated runs, what is to stop ends, and everything ends at
some time. What becomes of a job is written through the same table of moves.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from random import Random

from sentinel.core.job import Job, JobState
from sentinel.core.node import Node
from sentinel.core.timestamp import epoch
from sentinel.ports.store import Store, Transaction
from sentinel.scheduling.desk import submit
from sentinel.scheduling.lifecycle import Exited, Fenced, Illegal, NodeSays, Running, move
from sentinel.scheduling.mirror import Mirror
from sentinel.scheduling.writing import source_of, write_move
from sentinel.server.seeding.fleet import SIMULATED, STAYS_SILENT
from sentinel.server.seeding.timeline import QUEUE, Stint, waits

SHORTEST, USUAL = 60.0, 900.0  # seconds that a job runs, at least and beside that on average
WAITING = 8  # nodes for each job that is kept waiting
FAILS = 0.1


class Life:
    """For one thread. `began`: when the feeding did, epoch; jobs that ran before end after that."""

    def __init__(self, store: Store, began: float) -> None:
        self._store, self._began = store, began
        self._mirror = Mirror(store)
        self._random = Random(int(began))  # noqa: S311 - for looks
        self._ended: list[Stint] = []
        self._by_hand: dict[str, list[Stint]] = {}

    @property
    def nodes(self) -> Sequence[Node]:
        """Those that are to be heard of."""
        return [
            node
            for node in self._mirror.nodes.values()
            if node.agent_version == SIMULATED and node.boot_id != STAYS_SILENT
        ]

    def go_on(self, now: float) -> None:
        """Takes over what changed, and writes what happens now. StoreUnavailable: again later."""
        self._mirror.refresh()
        happens = [(job.id, what, node) for node in self.nodes for job, what in self._happens(node, now)]
        missing = max(1, len(self.nodes) // WAITING) - len(self._mirror.queued())
        if happens or missing > 0:
            self._store.write(lambda tx: self._write(tx, happens, missing, now))
            self._mirror.refresh()

    def _happens(self, node: Node, now: float) -> Iterator[tuple[Job, NodeSays]]:
        for job in self._mirror.on_node(node.id):
            if job.placement is None:
                continue
            token = job.placement.token
            if job.stop is not None:
                yield job, Exited(token=token, exit_code=None, signal=15, stopped=True, ended_at=now)
            elif job.state in (JobState.ALLOCATED, JobState.STARTING):
                yield job, Running(token=token, started_at=now)
            elif job.state is JobState.RUNNING and now >= self._ends_at(job):
                fails = Random(f"{job.id} fails").random() < FAILS  # noqa: S311 - for looks
                yield job, Exited(token=token, exit_code=int(fails), signal=None, ended_at=now)

    def _ends_at(self, job: Job) -> float:
        length = SHORTEST + Random(f"{job.id} {job.attempt}").expovariate(1 / USUAL)  # noqa: S311 - for looks
        return max(self._began, job.started_at or 0.0) + length

    def _write(
        self, tx: Transaction, happens: Sequence[tuple[str, NodeSays, Node]], missing: int, now: float
    ) -> None:
        jobs = tx.jobs([id for id, _, _ in happens])
        for id, what, node in happens:
            with suppress(Illegal, Fenced):  # it has moved since
                made = move(jobs[id], what, now) if id in jobs else None
                if made is not None:
                    if made.frees is not None:
                        self._ended += self._stints_of([jobs[id]], node, end=now)
                    write_move(tx, made, source_of(node), now)
        widest = max((len(node.gpus or ()) for node in self.nodes), default=1)
        for _ in range(max(0, missing)):
            job = waits(self._random, self._random.choice((1, 2, 4, widest)) if widest > 4 else 1, now)
            submit(tx, job, {}, key=None, digest="", now=now)

    # ------------------------------------------------------------------ who has what

    def tokens(self, node_id: str) -> list[str]:
        """What the node's agent would name in its beat."""
        return [job.placement.token for job in self._mirror.on_node(node_id) if job.placement is not None]

    def stints(self, node: Node) -> list[Stint]:
        """Who has which of its GPUs, and who had since the last `forget`."""
        jobs = self._stints_of(self._mirror.on_node(node.id), node, end=None)
        ended = [one for one in self._ended if one.node == node.name]
        return [*ended, *jobs, *self._unqueued(node)]

    def forget(self, before: float) -> None:
        """What had ended by then is not asked for any more."""
        self._ended = [one for one in self._ended if one.end is not None and one.end >= before]

    @staticmethod
    def _stints_of(jobs: Iterable[Job], node: Node, *, end: float | None) -> list[Stint]:
        index = {gpu.uuid: gpu.index for gpu in node.gpus or ()}
        return [
            Stint(
                key=job.id,
                node=node.name,
                gpus=tuple(index[uuid] for uuid in job.gpus if uuid in index),
                start=job.started_at,
                end=end,
                user=job.owner,
                origin=QUEUE,
                name=job.spec.name,
            )
            for job in jobs
            if job.started_at is not None and any(uuid in index for uuid in job.gpus)
        ]

    def _unqueued(self, node: Node) -> list[Stint]:
        """What nobody queued stays where it is."""
        known = self._by_hand.get(node.id)
        if known is None:
            index = {gpu.uuid: gpu.index for gpu in node.gpus or ()}
            with self._store.read() as reader:
                seen = reader.workloads(node=node.id)
            known = self._by_hand[node.id] = [
                Stint(
                    key=one.id,
                    node=node.name,
                    gpus=tuple(index[uuid] for uuid in one.data["gpus"] or () if uuid in index),
                    start=epoch(one.data["started_at"]) or self._began,
                    end=None,
                    user=one.owner or "",
                    origin=one.origin,
                    name=str(one.data["name"]),
                )
                for one in seen
                if not one.data["managed"] and one.data["gpus"]
            ]
        return known
