"""Why a job waits, and what would become of one that is not submitted yet. Used by routes.jobs and
routes.preview.

Both are worked out in a copy of the queue, where a job that is only asked about is put into and taken out
again. The copy is kept while the queue stays the same, so that a form which asks with every change is cheap.
One at a time, on a thread: whoever asks about a long queue waits, and nobody else does. What takes longer
than a second to work out is not told.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sentinel.api.problems import Problem
from sentinel.core.account_json import ACCOUNT, USAGE
from sentinel.core.job import Job, JobState
from sentinel.core.node import Node
from sentinel.core.reservation_json import RESERVATION
from sentinel.ports.store import Document
from sentinel.ports.store import Reader as StoreReader
from sentinel.scheduling.explain import Blocking, Reasons, Why, why_json
from sentinel.scheduling.outlook import Patience
from sentinel.scheduling.snapshot import Snapshot

if TYPE_CHECKING:
    from sentinel.api.state import ApiState

MOST_WAITING = 8
PATIENCE = 1.0  # seconds for what an answer can do without
_KINDS = (ACCOUNT, USAGE, RESERVATION)


class Explainer:
    """For one event loop."""

    def __init__(self, state: "ApiState") -> None:
        self._state = state
        self._one = asyncio.Lock()
        self._waiting = 0
        self._copy: Snapshot | None = None  # at its revision

    async def of(self, job: Job) -> Why:
        """What `why` would say of it in a moment. Problem 503 when too many ask."""
        now = self._state.now()
        return await self._ask(lambda copy: _previewed(copy, job, now, self._patience()))

    async def why(self, job: Job) -> Why:
        """Why that one waits. Problem 503 when too many ask."""
        now = self._state.now()
        return await self._ask(
            lambda copy: Reasons(copy, now, self._patience()).why(copy.jobs.get(job.id, job))
        )

    async def _ask(self, work: Callable[[Snapshot], Why]) -> Why:
        """What `work` finds in a copy of the queue as it is now."""
        if self._waiting >= MOST_WAITING:
            raise Problem(
                503,
                "too many ask about the queue",
                kind="busy",
                hint="ask again in a moment",
                headers={"Retry-After": "1"},
            )
        self._waiting += 1
        try:
            async with self._one:
                # Taken, until it is done: whoever gives up asking leaves a thread that still changes it.
                copy, self._copy = self._copy, None
                mirror = self._state.hub.mirror
                if copy is None or copy.revision != mirror.revision or copy.hold != mirror.hold:
                    nodes, jobs = list(mirror.nodes.values()), list(mirror.jobs.values())
                    revision, hold = mirror.revision, mirror.hold
                    copy = await self._state.read(lambda reader: _copied(reader, nodes, jobs))
                    copy.revision, copy.hold = revision, hold
                found = await self._state.run(lambda: work(copy))
                self._copy = copy
                return found
        finally:
            self._waiting -= 1

    def _patience(self) -> Patience:
        until = self._state.boottime() + PATIENCE
        return lambda: self._state.boottime() < until


def preview_json(found: Why) -> dict[str, Any]:
    """`why`'s, without the id that it will not keep, and with "starts_now": BOOL."""
    said = why_json(found)
    del said["id"], said["state"]
    return {"starts_now": found.blocking is Blocking.NOTHING, **said}


def _copied(reader: StoreReader, nodes: list[Node], jobs: list[Job]) -> Snapshot:
    documents: list[Document] = [one for kind in _KINDS for one in reader.documents(kind)]
    copy = Snapshot()
    copy.take(nodes=nodes, jobs=jobs, documents=documents)
    return copy


def _previewed(copy: Snapshot, job: Job, now: float, patience: Patience) -> Why:
    copy.take(jobs=[job])
    try:
        return Reasons(copy, now, patience).why(job)
    finally:
        copy.take(jobs=[replace(job, state=JobState.CANCELED)])
