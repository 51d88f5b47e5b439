"""The stores that tests run against, and the nouns that they are filled with."""

import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, LiteralString, cast

import psycopg
from tests.components.postgresql import PostgreSQL

from sentinel.core.job import Job, JobSpec, JobState, Placement
from sentinel.core.job_lease import JobLease
from sentinel.core.node import Node, NodeGpu, NodeState
from sentinel.drivers.stores.memory import MemoryStore
from sentinel.drivers.stores.opening import open_store
from sentinel.ports.store import NewEvent, Store


@dataclass
class Case:
    """A store, and the URL by which other processes open the same one, where they can."""

    store: Store
    url: str | None = None
    others: list[Store] = field(default_factory=list)

    def another(self) -> Store:
        """The same one once more, as another process would have it."""
        assert self.url is not None
        self.others.append(open_store(self.url))
        return self.others[-1]

    def close(self) -> None:
        for store in (self.store, *self.others):
            store.close()


def memory(_folder: Path, _server: Callable[[], PostgreSQL]) -> Case:
    return Case(MemoryStore())


def sqlite(folder: Path, _server: Callable[[], PostgreSQL]) -> Case:
    url = f"sqlite:///{folder}/controller.db"
    return Case(open_store(url), url)


def postgresql(_folder: Path, server: Callable[[], PostgreSQL]) -> Case:
    url = server().make_database(template=_filled(server()))
    return Case(open_store(url), url)


@cache
def _filled(server: PostgreSQL) -> str:
    """The name of a database with empty tables: copying it is faster than making them."""
    url = server.make_database()
    open_store(url).close()
    return url.rpartition("/")[2]


def overshared(case: Case) -> list[tuple[Any, ...]]:
    """GPUs of which the database notes something else as taken than the leases that are there say."""
    found = rows(case, "SELECT node, gpu, token, milli FROM lease_gpus")
    with case.store.read() as view:
        leases = view.leases()
    taken: Counter[tuple[str, str]] = Counter()
    for each in leases:
        taken.update({(each.node, gpu): each.milli for gpu in each.gpus})
    noted = {(node, gpu): milli for node, gpu, _, milli in found}
    return [
        (place, noted.get(place), taken[place])
        for place in noted.keys() | taken
        if noted.get(place) != taken[place]
    ]


def rows(case: Case, sql: str) -> list[tuple[Any, ...]]:
    """What the database itself says, past the store."""
    assert case.url is not None
    if case.url.startswith("sqlite"):
        with closing(sqlite3.connect(case.url.removeprefix("sqlite:///"))) as connection:
            return connection.execute(sql).fetchall()
    with psycopg.connect(case.url) as connection:
        return connection.execute(cast("LiteralString", sql)).fetchall()


def job(id: str = "j1", **changes: Any) -> Job:
    made = Job(
        id=id,
        owner="ann",
        spec=JobSpec(command=("python", "train.py"), cwd="/home/ann", name="train"),
        submitted_at=100.0,
    )
    return replace(made, **changes)


def placed(job: Job, *, token: str = "t1", node: str = "n1", gpus: tuple[str, ...] = ("GPU-1",)) -> Job:
    placement = Placement(node=node, gpus=gpus, token=token)
    return replace(job, state=JobState.ALLOCATED, attempt=job.attempt + 1, placement=placement)


def lease(token: str = "t1", *gpus: str, node: str = "n1", **changes: Any) -> JobLease:
    made = JobLease(
        token=token,
        job="j1",
        attempt=1,
        node=node,
        gpus=gpus or ("GPU-1",),
        owner="ann",
        tenant="default",
        taken_at=5.0,
    )
    return replace(made, **changes)


def node(id: str = "n1", **changes: Any) -> Node:
    made = Node(
        id=id,
        name=f"{id}.lab",
        joined_at=1.0,
        state=NodeState.UP,
        gpus=(NodeGpu(uuid="GPU-1", index=0, model="H100", memory_total_bytes=80 << 30),),
    )
    return replace(made, **changes)


def event(subject: str = "j1", type: str = "sentinel.job.submitted", **changes: Any) -> NewEvent:
    return replace(NewEvent(time=7.0, type=type, subject=subject, data={}, tenant="default"), **changes)
