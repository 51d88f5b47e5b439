"""Two stores that have nothing in common but the port do the same, whatever is asked of them, in any order.

Works of a few steps each are handed to both, several for one commit; some raise in the end. Compared are the
outcome of every step and all that can be read afterwards.
"""

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.components.postgresql import PostgreSQL
from tests.drivers.stores.cases import Case, event, job, lease, node, overshared, placed

from sentinel.core.errors import StoreConflict
from sentinel.core.identity import Role, Token, TokenKind, User
from sentinel.core.job import After, ArrayTask, JobSpec, JobState, Rank
from sentinel.drivers.stores.memory import MemoryStore
from sentinel.drivers.stores.opening import open_store
from sentinel.ports.store import JobFilter, NodeWorkload, Page, Reader, Store, Transaction

Step = tuple[str, Callable[[Transaction], Any]]
Batch = list[tuple[list[Step], bool]]
"""Works: their steps, and whether they raise after them."""

ids = st.sampled_from(["j1", "j2", "k1"])
tokens = st.sampled_from(["t1", "t2", "t3"])
gpus = st.lists(st.sampled_from(["GPU-1", "GPU-2", "GPU-3"]), min_size=1, max_size=3).map(tuple)
nodes = st.sampled_from(["n1", "n2"])
names = st.sampled_from(["lab", "n1.lab"])
times = st.integers(0, 5).map(float)
words = st.sampled_from(["", "a", "ü'\"%", "\n"])
states = st.sampled_from(JobState)


def workload(id: str, owner: str) -> NodeWorkload:
    return NodeWorkload(
        node="n1", id=id, tenant="default", owner=owner, origin="x", state="running", data={"id": [id]}
    )


def change(id: str, state: JobState, reason: str, name: str) -> Callable[[Transaction], Any]:
    def step(tx: Transaction) -> object:
        found = tx.job(id)
        if found is None:
            return None
        spec = found.spec if not name else JobSpec(command=("x",), cwd="/", name=name)
        tx.put_job(replace(placed(found) if state.placed else found, state=state, reason=reason, spec=spec))
        return tx.job(id)

    return step


def special(id: str, after: list[str], array: bool, part: bool) -> Callable[[Transaction], Any]:
    def step(tx: Transaction) -> object:
        changed = replace(
            tx.job(id) or job(id),
            after=tuple(After(job=other) for other in after),
            array=ArrayTask(id="k1", index=0, size=1) if array else None,
            part=Rank(of="j1", rank=0, size=2) if part else None,
        )
        tx.put_job(changed)
        return tx.waiting_for("j1")

    return step


def renamed(id: str, name: str) -> Callable[[Transaction], Any]:
    return lambda tx: tx.put_node(node(id, name=name))


STEPS: st.SearchStrategy[Step] = st.one_of(
    st.builds(lambda id, at, env: ("add", lambda tx: tx.add_job(job(id, submitted_at=at), env)),
              ids, times, st.dictionaries(words, words, max_size=2)),
    st.builds(lambda *args: ("change", change(*args)), ids, states, words, words),
    st.builds(lambda id: ("put", lambda tx: tx.put_job(job(id))), ids),
    st.builds(lambda id: ("event", lambda tx: tx.add_event(event(id, time=2.0))), ids),
    st.builds(lambda token, gpus, node: ("take", lambda tx: tx.take_lease(lease(token, *gpus, node=node))),
              tokens, gpus, nodes),
    st.builds(lambda token, gpu, milli: ("share", lambda tx: tx.take_lease(lease(token, gpu, milli=milli))),
              tokens, st.sampled_from(["GPU-1", "GPU-2"]), st.sampled_from([1, 400, 600, 999])),
    st.builds(lambda id, after, array, part: ("special", special(id, after, array, part)),
              ids, st.lists(ids, max_size=2), st.booleans(), st.booleans()),
    st.builds(lambda id: ("waiting", lambda tx: tx.waiting_for(id)), ids),
    st.builds(lambda key, n: ("document", lambda tx: tx.put_document("a", key, {"n": n})), words, times),
    st.builds(lambda key: ("remove document", lambda tx: tx.remove_document("a", key)), words),
    st.builds(lambda key: ("look at one", lambda tx: tx.document("a", key)), words),
    st.just(("documents", lambda tx: tx.documents("a"))),
    st.builds(lambda token: ("free", lambda tx: tx.free_lease(token)), tokens),
    st.builds(lambda node, at, token: ("beat", lambda tx: tx.beat({node: at}, [token])),
              nodes, times, tokens),
    st.builds(lambda id, name: ("rename", renamed(id, name)), nodes, names),
    st.builds(lambda id: ("node", lambda tx: tx.put_node(node(id))), nodes),
    st.builds(lambda id: ("remove", lambda tx: tx.remove_node(id)), nodes),
    st.builds(lambda id, owner: ("workloads", lambda tx: tx.put_workloads("n1", [workload(id, owner)])),
              ids, words),
    st.builds(lambda key, id: ("key", lambda tx: tx.remember_key("ann", key, "d", id, 1.0)), words, ids),
    st.builds(lambda at: ("forget keys", lambda tx: tx.forget_keys(at)), times),
    st.builds(lambda at: ("forget events", lambda tx: tx.forget_events(at)), times),
    st.builds(lambda name, off: ("user", lambda tx: tx.put_user(
        User(name=name, role=Role.MEMBER, created_at=1.0, disabled=off))), words, st.booleans()),
    st.builds(lambda name: ("remove user", lambda tx: tx.remove_user(name)), words),
    st.builds(lambda id, secret, end: ("token", lambda tx: tx.put_token(Token(
        id=id, kind=TokenKind.API, owner="ann", secret_sha256=secret, created_at=1.0, expires_at=end))),
        tokens, words, times | st.none()),
    st.builds(lambda at: ("remove tokens", lambda tx: tx.remove_tokens(at)), times),
    st.builds(lambda value: ("meta", lambda tx: tx.set_meta("a", value)), words),
    st.builds(lambda id: ("environments", lambda tx: tx.environments([id, "j1"])), ids),
    st.builds(lambda state: ("find", lambda tx: tx.find_jobs(JobFilter(states=(state,)), Page(limit=2))),
              states),
    st.builds(lambda since: ("changes", lambda tx: tx.changes(since)), st.integers(0, 20)),
    st.just(("leases", lambda tx: tx.leases())),
    st.just(("beats", lambda tx: tx.beats())),
    st.just(("dump", lambda tx: dump(tx))),
)  # fmt: skip


def dump(view: Reader) -> list[object]:
    """All that there is to be read."""
    jobs, cursor = view.find_jobs(JobFilter(), Page(limit=2))
    return [
        view.revision(),
        view.meta("a"),
        jobs,
        view.find_jobs(JobFilter(), Page(after=cursor)) if cursor else None,
        view.find_jobs(JobFilter(id_prefix="j", oldest_first=True), Page()),
        view.jobs(["j1", "j2", "k1"]),
        [view.job("j1"), view.environment("j1"), view.environments(["j1", "j2"])],
        view.count_jobs(JobFilter(owner="ann")),
        [view.changes(0), view.changes(4), view.changes(0, live_only=True)],
        [view.find_jobs(JobFilter(array="k1"), Page()), view.count_jobs(JobFilter(part_of="j1"))],
        [view.waiting_for("j1"), view.waiting_for("j2"), view.documents("a"), view.document("a", "")],
        [view.leases(), view.leases(node="n1"), view.beats()],
        [view.nodes(), view.node("n1"), view.node_named("lab")],
        view.workloads(),
        [view.events(0, 100), view.events(2, 2, subject="j1", newest=True)],
        [view.users(), view.tokens(), view.token_by_hash("a")],
        [view.idempotent("ann", ""), view.idempotent("ann", "a")],
    ]


class Broken(Exception):
    """What a work raises in the end."""


def outcomes(store: Store, batch: Batch) -> list[object]:
    """What each step of each work said, then how each work ended, then all there is."""
    said: list[list[object]] = [[] for _ in batch]

    def work(number: int, steps: list[Step], breaks: bool) -> Callable[[Transaction], None]:
        def run(tx: Transaction) -> None:
            said[number] = []  # it may be run again
            for _, step in steps:
                try:
                    said[number].append(step(tx))
                except StoreConflict:
                    said[number].append(StoreConflict)
            if breaks:
                raise Broken

        return run

    held = threading.Event()
    store.submit(lambda _tx: held.wait(10))
    futures = [store.submit(work(number, *each)) for number, each in enumerate(batch)]
    held.set()
    ends = [type(future.exception(10)) for future in futures]
    # What was said to a work that raised is nobody's business: that an id is taken may be found at its end.
    kept = [each for each, end in zip(said, ends, strict=True) if end is type(None)]
    with store.read() as view:
        return [kept, ends, dump(view)]


WORKS = st.lists(st.tuples(st.lists(STEPS, max_size=5), st.booleans()), min_size=1, max_size=4)
BATCHES = st.lists(WORKS, min_size=1, max_size=4)


@contextmanager
def both(open_other: Callable[[], Store]) -> Iterator[tuple[Store, Store]]:
    memory, other = MemoryStore(), open_other()
    try:
        yield memory, other
    finally:
        memory.close()
        other.close()


def test_sqlite_does_as_memory_does(tmp_path: Path) -> None:
    empty = tmp_path / "empty.db"
    open_store(f"sqlite:///{empty}").close()
    numbers = count()
    made: list[int] = []

    def open_new() -> Store:
        made.append(next(numbers))
        path = tmp_path / f"{made[-1]}.db"
        shutil.copy(empty, path)
        return open_store(f"sqlite:///{path}")

    @settings(max_examples=150)
    @given(BATCHES)
    def check(batches: list[Batch]) -> None:
        with both(open_new) as (memory, other):
            for batch in batches:
                assert outcomes(other, batch) == outcomes(memory, batch), [
                    [s for s, _ in w] for w, _ in batch
                ]
            assert overshared(Case(other, f"sqlite:///{tmp_path}/{made[-1]}.db")) == []

    check()


@pytest.mark.real
def test_postgresql_does_as_memory_does(postgresql: Callable[[], PostgreSQL]) -> None:
    server = postgresql()
    url = server.make_database()
    open_store(url).close()
    template = url.rpartition("/")[2]

    @settings(max_examples=15)
    @given(BATCHES)
    def check(batches: list[Batch]) -> None:
        with both(lambda: open_store(server.make_database(template))) as (memory, other):
            for batch in batches:
                assert outcomes(other, batch) == outcomes(memory, batch)

    check()
