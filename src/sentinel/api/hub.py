"""The API process's ear: what changed in the store, and who waits for it.

One for each API process, on its event loop. It keeps a mirror of live jobs and nodes, reads what is new after
a commit of this process, when the bell rings (another process committed) and every second at the latest; then
it wakes the long polls of the nodes concerned, the streams of events and the readers of logs. What is not
worth a store is here, too: samples, terminals, who follows which log.

    hub = Hub(store); await hub.start(); …; await hub.stop()

`changed` may be called by any thread; all the rest belongs to the loop. Other threads may read `mirror`, and
copy before they iterate: `list(hub.mirror.jobs.values())`.
"""

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from sentinel.api.attaching import Attaching
from sentinel.api.beats import Renewals, Samples, write_renewals
from sentinel.api.desired import PROCESS_BITS, Told, told_from
from sentinel.api.live import Live
from sentinel.core.bell import Bell
from sentinel.core.clock import boottime
from sentinel.core.errors import SentinelError
from sentinel.core.finding import NODE_FINDINGS
from sentinel.core.job import Job, JobState
from sentinel.ports.store import Changes, Store, StoredEvent

LOOK_EVERY = 1.0  # seconds, when nobody rings
AGAIN = 0.5
CATCH_UP = 1.0  # seconds, at most, that an answer from the mirror waits for it
LONGEST_PAUSE = 0.02  # between two looks, unless the bell rings: what we changed meanwhile is read once
SAMPLES_FOR = 30.0
MOST_EVENTS = 1000
MOST_LEFT = 20_000

_log = logging.getLogger(__name__)
_Mark = tuple[str, str, bool, bool, bool]


class Following:
    """Somebody who reads a log while it grows."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def told(self) -> None:
        """The log grew, or its job moved."""
        self._event.set()

    async def more(self, seconds: float) -> bool:
        """Waits until something was told since the last call; False when the time was over first."""
        told = await _within(self._event, seconds)
        self._event.clear()
        return told


class Hub:
    """See this module's docstring."""

    def __init__(
        self, store: Store, *, bell: Bell | None = None, now: Callable[[], float] = boottime
    ) -> None:
        self.mirror = Live(store)
        self.attach = Attaching(self.touch)
        self.renewals = Renewals()
        self.samples: dict[str, Samples] = {}
        self.findings: dict[str, Mapping[str, Any]] = {}  # of each node: the document (core.finding)
        self.closing = False
        self._store, self._bell, self._now = store, bell, now
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="hub")  # never behind logs or requests
        self._reading: dict[tuple[int, int], asyncio.Task[Sequence[StoredEvent]]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()
        self._rung = asyncio.Event()  # by another process: the scheduler, whose word nodes wait for
        self._tasks: list[asyncio.Task[None]] = []
        self._marks: dict[str, _Mark] = {}  # of each placed job, what its node has to know of it
        self._revisions: dict[str, int] = {}  # of each node: when its desired state last changed
        self._loose: dict[str, int] = {}  # of each node: changes that the store does not know
        self._process = int.from_bytes(os.urandom(2), "big") % (1 << PROCESS_BITS)
        self._proven: dict[str, int] = {}  # of each node: what its last poll showed that it was told
        self._polls: dict[str, set[asyncio.Future[None]]] = {}
        self._streams: set[asyncio.Future[None]] = set()
        self._pauses: set[asyncio.Future[None]] = set()
        self._following: dict[str, set[Following]] = {}
        self._workloads: dict[str, bytes] = {}  # of each node: a digest of what is kept of them
        self._left: dict[tuple[str, int], str] = {}  # (job, attempt) that ended lately → node

    # ---------------------------------------------------------------- running

    async def start(self) -> None:
        """Reads all once, then keeps up. Raises StoreUnavailable when that first look fails."""
        self._loop = asyncio.get_running_loop()
        await self._refresh()
        self._store.on_commit(self.changed)
        if self._bell is not None:
            self._loop.add_reader(self._bell.fileno(), self._rang)
        self._tasks = [asyncio.create_task(self._keep_up()), asyncio.create_task(self._keep_renewing())]

    async def stop(self) -> None:
        """Lets everybody who waits go, and writes what is left of the renewals."""
        self.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._bell is not None and self._tasks and self._loop is not None:
            self._loop.remove_reader(self._bell.fileno())
        self._tasks = []
        with contextlib.suppress(SentinelError):
            await self.write_renewals()
        self._threads.shutdown(wait=False)

    def close(self) -> None:
        """Everybody who waits is answered now, and nobody waits any more."""
        self.closing = True
        for node in list(self._polls):
            self._wake_polls(node)
        self._wake_streams()
        for pause in self._pauses:
            _set(pause)
        for following in [one for some in self._following.values() for one in some]:
            following.told()

    @asynccontextmanager
    async def running(self) -> "AsyncGenerator[Hub]":
        """Started; stopped at the end."""
        await self.start()
        try:
            yield self
        finally:
            await self.stop()

    def changed(self) -> None:
        """Look now. For any thread."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
                self._loop.call_soon_threadsafe(self._wake.set)

    # ------------------------------------------------------------- who waits

    def revision_for(self, node: str) -> int:
        """What the node's agent is told as the revision of its desired state, as the mirror shows it."""
        loose = self._loose.get(node, 0)
        return Told(revision=self.mirror.revision, process=self._process, loose=loose).number()

    def proven_for(self, node: str) -> int:
        """The greatest revision that the node's agent is known to have heard; 0 before its first poll."""
        return self._proven.get(node, 0)

    def seen_by(self, seen: int) -> int:
        """The store's revision in what an agent says that it has seen; 0 when another process told it."""
        told = told_from(seen)
        return told.revision if told.process == self._process else 0

    async def wait_for_node(self, node: str, seen: int, seconds: float) -> None:
        """Until the node's desired state differs from what it was at `seen`, or the time is over."""
        again = self._proven.get(node) == seen
        self._proven[node] = seen
        if self.closing:
            return
        if self._differs(node, seen):
            if not again:
                return
            seconds = min(seconds, AGAIN)  # it was answered, and asks the same: never as fast as it can
        polls = self._polls.setdefault(node, set())
        await self._wait(polls, seconds)
        if not polls and self._polls.get(node) is polls:
            del self._polls[node]

    async def events_after(self, after: int, *, seconds: float | None = None) -> Sequence[StoredEvent]:
        """Events with a greater id, oldest first, at most MOST_EVENTS; waits until there are some.

        Empty when the time is over, or the hub is closing."""
        loop = asyncio.get_running_loop()
        until = None if seconds is None else loop.time() + seconds
        while not self.closing:
            revision = self.mirror.revision
            if revision > after:
                found = await self._events(after, revision)
                if found:
                    return found
            left = None if until is None else until - loop.time()
            if left is not None and left <= 0:
                break
            if self.mirror.revision == revision:
                await self._wait(self._streams, left)
        return ()

    async def pause(self, seconds: float) -> None:
        """For so long, unless the hub is closing."""
        if not self.closing:
            await self._wait(self._pauses, seconds)

    async def caught_up(self, revision: int) -> None:
        """Until the mirror shows that revision of the store, or later; not for long, whatever keeps it."""
        loop = asyncio.get_running_loop()
        until = loop.time() + CATCH_UP
        while self._loop is not None and not self.closing and self.mirror.revision < revision:
            left = until - loop.time()
            if left <= 0:
                return
            self.changed()
            await self._wait(self._streams, left)

    @contextmanager
    def following(self, job: str) -> Generator[Following]:
        """Its log is read while it grows: its node is told to send at once, and `more` waits for it."""
        following = Following()
        readers = self._following.setdefault(job, set())
        readers.add(following)
        if len(readers) == 1:
            self._touch_node_of(job)
        try:
            yield following
        finally:
            readers.discard(following)
            if not readers and self._following.get(job) is readers:
                del self._following[job]
                self._touch_node_of(job)

    def followed(self, node: str) -> list[str]:
        """Ids of the node's jobs whose logs somebody reads now."""
        return [job for job in self._following if (mark := self._marks.get(job)) and mark[0] == node]

    def log_grew(self, job: str) -> None:
        """An agent sent some of that job's log."""
        for following in self._following.get(job, ()):
            following.told()

    def touch(self, node: str) -> None:
        """Something of its desired state changed that the store does not know."""
        self._loose[node] = self._loose.get(node, 0) + 1
        self._wake_polls(node)

    def samples_of(self, node: str) -> Samples | None:
        """What it measured last, unless that is too old to be shown."""
        found = self.samples.get(node)
        return found if found is not None and self._now() - found.at <= SAMPLES_FOR else None

    def keep_samples(self, node: str, samples: Samples) -> None:
        self.samples[node] = samples

    def new_workloads(self, node: str, digest: bytes) -> bool:
        """Whether these are others than were kept last."""
        return self._workloads.get(node) != digest

    def kept_workloads(self, node: str, digest: bytes) -> None:
        """They are in the store now."""
        self._workloads[node] = digest

    def ran_on(self, job: str, attempt: int) -> str | None:
        """The id of the node of an attempt that runs, or ended lately; None when that has to be looked up."""
        live = self.mirror.jobs.get(job)
        if live is not None and live.placement is not None and live.attempt == attempt:
            return live.placement.node
        return self._left.get((job, attempt))

    async def write_renewals(self) -> None:
        """Writes who was heard of. What cannot be written is tried again with the next ones."""
        taken = self.renewals.take()
        if taken is None:
            return
        try:
            work = partial(write_renewals, nodes=taken[0], leases=taken[1])
            await asyncio.wrap_future(self._store.submit(work))
        except BaseException:
            self.renewals.back(*taken)
            raise

    # ---------------------------------------------------------------- inside

    def _rang(self) -> None:
        if self._bell is not None and self._bell.drain():
            self._rung.set()
            self._wake.set()

    async def _keep_up(self) -> None:
        failed = False
        while not self.closing:
            await _within(self._wake, LOOK_EVERY)
            self._wake.clear()
            self._rung.clear()
            began = asyncio.get_running_loop().time()
            try:
                await self._refresh()
                failed = False
            except SentinelError as error:
                if not failed:
                    _log.warning("cannot read what changed: %s; trying again every second", error.message)
                failed = True
                await asyncio.sleep(LOOK_EVERY)
            # Twice what a look took: a millisecond on an idle machine, and less often on a busy one.
            took = asyncio.get_running_loop().time() - began
            await _within(self._rung, min(LONGEST_PAUSE, 2 * took))

    async def _keep_renewing(self) -> None:
        failed = False
        while True:
            await asyncio.sleep(LOOK_EVERY)
            try:
                await self.write_renewals()
                failed = False
            except SentinelError as error:
                if not failed:
                    _log.warning("cannot keep which leases were renewed: %s; trying again", error.message)
                failed = True

    async def _refresh(self) -> None:
        """Reads in a thread, and takes over what was read on the loop, so that nobody sees half of it."""
        before = self.mirror.revision
        look = await asyncio.get_running_loop().run_in_executor(self._threads, self.mirror.look)
        if look.anew:
            self._revisions.clear()
            self._workloads.clear()
            self.findings.clear()
            for id in self._marks.keys() - {job.id for job in look.changes.jobs}:
                self.touch(self._marks.pop(id)[0])
        self._note(self.mirror.take_over(look))
        if self.mirror.revision != before:
            self._wake_streams()

    def _note(self, changes: Changes) -> None:
        touched: set[str] = set()
        for job in changes.jobs:
            before, after = self._marks.get(job.id), _mark(job)
            if job.id in self._following:
                self.log_grew(job.id)
            if before == after:
                continue
            for mark in (before, after):
                if mark is not None:
                    touched.add(mark[0])
                    self._revisions[mark[0]] = max(self._revisions.get(mark[0], 0), job.revision)
            if before is not None and (after is None or after[0] != before[0]):
                if len(self._left) >= MOST_LEFT:
                    self._left.clear()
                self._left[job.id, job.attempt if after is None else job.attempt - 1] = before[0]
            if after is None:
                del self._marks[job.id]
            else:
                self._marks[job.id] = after
        for document in changes.documents:
            if document.kind == NODE_FINDINGS and document.data is not None:
                self.findings[document.key] = document.data
            elif document.kind == NODE_FINDINGS:
                self.findings.pop(document.key, None)
        for node in changes.removed_nodes:
            touched.add(node)
            self.samples.pop(node, None)
            self._workloads.pop(node, None)
            self._revisions.pop(node, None)
            self._proven.pop(node, None)
        for node in touched:
            self._wake_polls(node)

    def _differs(self, node: str, seen: int) -> bool:
        told = told_from(seen)
        return (
            told.process != self._process
            or told.revision < self._revisions.get(node, 0)
            or told.revision > self.mirror.revision
            or seen != replace(told, loose=self._loose.get(node, 0)).number()
        )

    async def _events(self, after: int, revision: int) -> Sequence[StoredEvent]:
        """Read once for all streams that were woken together."""
        key = (after, revision)
        reading = self._reading.get(key)
        if reading is None:
            loop = asyncio.get_running_loop()
            found = loop.run_in_executor(self._threads, self._read_events, after)
            reading = self._reading[key] = asyncio.ensure_future(_awaited(found))
            reading.add_done_callback(lambda _: self._reading.pop(key, None))
        return await asyncio.shield(reading)

    def _read_events(self, after: int) -> Sequence[StoredEvent]:
        with self._store.read() as reader:
            return reader.events(after, MOST_EVENTS)

    def _touch_node_of(self, job: str) -> None:
        if mark := self._marks.get(job):
            self.touch(mark[0])

    def _wake_polls(self, node: str) -> None:
        for poll in self._polls.pop(node, ()):
            if not poll.done():
                poll.set_result(None)

    def _wake_streams(self) -> None:
        streams, self._streams = self._streams, set()
        for stream in streams:
            if not stream.done():
                stream.set_result(None)

    async def _wait(self, waiting: set[asyncio.Future[None]], seconds: float | None) -> None:
        """Until somebody wakes those in `waiting`, or the time is over."""
        loop = asyncio.get_running_loop()
        woken: asyncio.Future[None] = loop.create_future()
        waiting.add(woken)
        timer = None if seconds is None else loop.call_later(max(0.0, seconds), _set, woken)
        try:
            await woken
        finally:
            waiting.discard(woken)
            if timer is not None:
                timer.cancel()


def _mark(job: Job) -> _Mark | None:
    """What its node has to know of a job: another mark, another desired state. STARTING and RUNNING are its
    own news."""
    if job.placement is None:
        return None
    stopped = job.cancel is not None, job.preempt is not None
    return (job.placement.node, job.placement.token, *stopped, job.state is JobState.LOST)


async def _awaited(future: asyncio.Future[Sequence[StoredEvent]]) -> Sequence[StoredEvent]:
    return await future


def _set(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


async def _within(event: asyncio.Event, seconds: float) -> bool:
    """Until the event is set, or the time is over: whether it was set. Either way it is set then. Cheaper
    than a task for each wait, and a cancellation always gets through."""
    over = False

    def end() -> None:
        nonlocal over
        over = not event.is_set()
        event.set()

    timer = asyncio.get_running_loop().call_later(seconds, end)
    try:
        await event.wait()
    finally:
        timer.cancel()
    return not over
