"""What is in the store of a World, read beside its controller, and what must hold after each transaction.

book_faults(world)              now
with Watching(world): …         again and again meanwhile, whatever is killed
"""

import threading
from collections import defaultdict
from typing import Self

from tests.faults.queue.world import World

from sentinel.core.errors import StoreUnavailable
from sentinel.core.job import WHOLE, Job, JobState
from sentinel.drivers.stores.opening import open_store, sqlite_url
from sentinel.ports.store import JobFilter, Page, Reader, Store
from sentinel.scheduling.gangs import gang_faults

_LIVE = tuple(state for state in JobState if not state.ended)


def open_books(world: World) -> Store:
    """To be closed by the caller."""
    return open_store(sqlite_url(str(world.data / "controller.db")), migrate=False)


def book_faults(world: World) -> list[str]:
    """What does not hold, by one look."""
    store = open_books(world)
    try:
        with store.read() as reader:
            return faults_of(reader, _all(reader, JobFilter()))
    finally:
        store.close()


def faults_of(reader: Reader, jobs: list[Job]) -> list[str]:
    """Of these jobs, and of all leases."""
    faults: list[str] = []
    for gang in (job for job in jobs if job.spec.nodes > 1):
        parts = _all(reader, JobFilter(part_of=gang.id))
        faults += [f"gang {gang.id} is {gang.state}: {fault}" for fault in gang_faults(gang, parts)]
    taken: dict[tuple[str, str], int] = defaultdict(int)
    leases = reader.leases()
    for lease in leases:
        for gpu in lease.gpus:
            taken[lease.node, gpu] += lease.milli
    faults += [f"{gpu} of {node} is leased {sum} times" for (node, gpu), sum in taken.items() if sum > WHOLE]
    holders = reader.jobs([lease.job for lease in leases])
    for lease in leases:
        job = holders.get(lease.job)
        if job is None or job.placement is None or job.placement.token != lease.token:
            faults.append(f"lease {lease.token} is of job {lease.job}, which does not hold it")
    for job in jobs:
        if job.preempt is not None and job.state is JobState.QUEUED:
            faults.append(f"job {job.id} is {job.state}, and is to make room")
    return faults


def _all(reader: Reader, wanted: JobFilter) -> list[Job]:
    found: list[Job] = []
    after: str | None = None
    while True:
        some, after = reader.find_jobs(wanted, Page(limit=1000, after=after))
        found.extend(some)
        if after is None:
            return found


class Watching:
    """Looks all the time, in a thread of its own; what it saw is raised at the end. `looks`: how often."""

    def __init__(self, world: World) -> None:
        self._world, self._over = world, threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.looks, self._faults = 0, list[str]()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(20)
        assert not self._faults, "\n".join(self._faults)
        assert self.looks, "nothing was looked at"

    def _watch(self) -> None:
        store = open_books(self._world)
        try:
            while not self._over.wait(0.03) and not self._faults:
                try:
                    with store.read() as reader:
                        self._faults = faults_of(reader, _all(reader, JobFilter(states=_LIVE)))
                except StoreUnavailable:
                    continue
                self.looks += 1
        finally:
            store.close()
