"""What every store owes its port, run against each: memory, SQLite, PostgreSQL."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.components.postgresql import PostgreSQL
from tests.components.postgresql import postgresql as postgresql_server
from tests.drivers.stores.cases import (
    Case,
    event,
    job,
    lease,
    memory,
    node,
    placed,
    postgresql,
    sqlite,
)

from sentinel.core.errors import StoreConflict, StoreUnavailable, UsageError
from sentinel.core.identity import Role, Token, TokenKind, User
from sentinel.core.job import Cancel, IfLost, Job, JobSpec, JobState, Placement
from sentinel.core.node import Block, BlockKind, Drain, NodeGpu, NodeState
from sentinel.ports.store import JobFilter, NodeWorkload, Page, Store, Transaction

__all__ = ["postgresql_server"]

Work = Callable[[Transaction], Any]


@pytest.fixture(params=[memory, sqlite, pytest.param(postgresql, marks=pytest.mark.real)])
def case(
    request: pytest.FixtureRequest, tmp_path: Path, postgresql_server: Callable[[], PostgreSQL]
) -> Iterator[Case]:
    made: Case = request.param(tmp_path, postgresql_server)
    yield made
    made.close()


@pytest.fixture
def store(case: Case) -> Store:
    return case.store


def together(store: Store, *works: Work) -> "list[Future[Any]]":
    """Submits them so that they share one commit: the store's thread is kept busy until all are there."""
    held = threading.Event()
    first = store.submit(lambda _tx: held.wait(5))
    futures = [store.submit(work) for work in works]
    held.set()
    assert first.result(5)
    for future in futures:
        future.exception(5)
    return futures


class Broken(Exception):
    """What a work raises."""


def breaks(*steps: Work) -> Work:
    """A work that raises after its steps."""

    def work(tx: Transaction) -> None:
        for step in steps:
            step(tx)
        raise Broken

    return work


def adds(*jobs: Job) -> Work:
    return lambda tx: [tx.add_job(each, {}) for each in jobs]


def ids(jobs: Sequence[Job]) -> list[str]:
    return [each.id for each in jobs]


# ------------------------------------------------------------- what is written is read

FULL = Job(
    id="j9",
    owner="ann",
    tenant="lab",
    submitted_at=12.25,
    spec=JobSpec(
        command=("sh", "-c", "echo 'ünï' \"$A\" 💥"),
        cwd="/data",
        gpus=2,
        priority=-3,
        name="ünï",
        time_limit=60.5,
        gpu_model="H100",
        gpu_memory_bytes=80 << 30,
        node="n1.lab",
        if_lost=IfLost.FENCE,
        grace=5.0,
        umask=0o077,
        limits={"nofile": 65536},
        pty=True,
    ),
    state=JobState.RUNNING,
    reason="it's % fine :x",
    attempt=3,
    placement=Placement(node="n1", gpus=("GPU-1", "GPU-2"), token="t1"),
    refusals=2,
    cancel=Cancel(by="bob", at=13.5, why="no"),
    node="n1.lab",
    gpus=("GPU-1", "GPU-2"),
    started_at=12.5,
    ended_at=14.75,
    exit_code=0,
    signal=9,
)


@pytest.mark.parametrize("given", [FULL, job(), placed(job()), job(exit_code=0), job(signal=15)])
def test_a_job_comes_back_as_it_was(store: Store, given: Job) -> None:
    store.write(adds(given))
    with store.read() as view:
        found = view.job(given.id)
    assert found == replace(given, revision=1)
    store.write(lambda tx: tx.put_job(given))
    with store.read() as view:
        assert view.jobs([given.id, "nobody"]) == {given.id: replace(given, revision=2)}


@pytest.mark.parametrize(
    "change",
    [
        {"spec": JobSpec(command=("true",), cwd="/", name="other")},
        {"owner": "bob"},
        {"tenant": "lab"},
        {"submitted_at": 1.0},
    ],
)
def test_all_of_a_job_can_be_replaced(store: Store, change: dict[str, Any]) -> None:
    store.write(adds(job()))
    changed = job(**change)
    store.write(lambda tx: tx.put_job(changed))
    with store.read() as view:
        assert view.job("j1") == replace(changed, revision=2)
        (found,), _ = view.find_jobs(JobFilter(name=changed.spec.name, owner=changed.owner), Page())
    assert found.id == "j1"


@pytest.mark.parametrize(
    "given",
    [
        node(),
        node(gpus=None, last_seen_at=3.5, state=NodeState.SILENT),
        node(gpus=(), tenant="lab", boot_id="b", agent_version="1.2"),
        node(
            drained=Drain(by="ann", at=3.0, why="it's hot"),
            gpus=(
                NodeGpu(uuid="GPU-1", index=0),
                NodeGpu(uuid="GPU-2", index=1, blocked=Block(kind=BlockKind.LEASED, why="ann has it")),
            ),
        ),
    ],
)
def test_a_node_comes_back_as_it_was(store: Store, given: Any) -> None:
    store.write(lambda tx: tx.put_node(given))
    with store.read() as view:
        expected = replace(given, revision=1)
        assert (view.node("n1"), view.node_named("n1.lab"), view.nodes()) == (expected, expected, [expected])


def test_users_tokens_settings_and_workloads_come_back_as_they_were(store: Store) -> None:
    users = [
        User(name="ann", role=Role.ADMIN, created_at=1.0, password_hash="$argon2id$x", disabled=True),
        User(name="bob", role=Role.VIEWER, created_at=2.0, tenant="lab"),
    ]
    tokens = [
        Token(id="k1", kind=TokenKind.API, owner="ann", secret_sha256="aa", created_at=1.0),
        Token(
            id="k2",
            kind=TokenKind.JOIN,
            owner="bob",
            secret_sha256="bb",
            created_at=2.0,
            tenant="lab",
            label="rack 7",
            expires_at=9.0,
            revoked_at=8.0,
            last_used_at=7.0,
        ),
    ]
    workload = NodeWorkload(
        node="n1", id="w1", tenant="lab", owner=None, origin="docker", state="running", data={"pids": [1, 2]}
    )

    def work(tx: Transaction) -> None:
        for user in users:
            tx.put_user(user)
        for token in tokens:
            tx.put_token(token)
        tx.set_meta("store_id", "s1")
        tx.put_workloads("n1", [workload, replace(workload, id="w0", owner="ann")])

    store.write(work)
    with store.read() as view:
        assert view.users() == users
        assert view.user("bob") == users[1]
        assert view.tokens() == tokens
        assert view.tokens(owner="bob") == tokens[1:]
        assert (view.token("k1"), view.token_by_hash("bb")) == tuple(tokens)
        assert view.meta("store_id") == "s1"
        assert view.workloads(node="n1", tenant="lab") == [replace(workload, id="w0", owner="ann"), workload]
        assert ids_of(view.workloads(owner="ann")) == ["w0"]
        assert view.workloads(node="n2") == []


def ids_of(workloads: Sequence[NodeWorkload]) -> list[str]:
    return [each.id for each in workloads]


def test_what_is_not_there_is_none(store: Store) -> None:
    with store.read() as view:
        assert [view.job("x"), view.node("x"), view.node_named("x"), view.user("x")] == [None] * 4
        assert [view.token("x"), view.token_by_hash("x"), view.meta("x"), view.idempotent("a", "k")] == [
            None
        ] * 4
        assert [
            view.jobs([]),
            view.environment("x"),
            view.environments([]),
            view.count_jobs(JobFilter()),
        ] == [{}] * 4
        assert view.find_jobs(JobFilter(), Page()) == ([], None)
        assert [view.leases(), view.nodes(), view.workloads(), view.users(), view.tokens()] == [[]] * 5
        assert (view.revision(), view.events(0, 10), view.beats().nodes) == (0, [], {})


def test_things_are_replaced_and_removed(store: Store) -> None:
    user = User(name="ann", role=Role.MEMBER, created_at=1.0)
    token = Token(id="k1", kind=TokenKind.API, owner="ann", secret_sha256="aa", created_at=1.0)
    for each in (user, replace(user, role=Role.VIEWER, disabled=True)):
        store.write(lambda tx, each=each: tx.put_user(each))
    for each in (token, replace(token, revoked_at=4.0)):
        store.write(lambda tx, each=each: tx.put_token(each))
    with store.read() as view:
        assert (view.user("ann"), view.token("k1")) == (
            replace(user, role=Role.VIEWER, disabled=True),
            replace(token, revoked_at=4.0),
        )
    twin = replace(token, id="k2")
    with pytest.raises(StoreConflict):
        store.write(lambda tx: tx.put_token(twin))
    for _ in range(2):
        store.write(lambda tx: tx.remove_user("ann"))
    with store.read() as view:
        assert (view.users(), len(view.tokens())) == ([], 1)


def test_old_tokens_are_dropped(store: Store) -> None:
    made = Token(id="k", kind=TokenKind.API, owner="ann", secret_sha256="", created_at=1.0)
    ends = [(None, None), (5.0, None), (None, 5.0), (10.0, None), (None, 10.0), (10.0, 5.0)]
    for number, (expires, revoked) in enumerate(ends):
        each = replace(
            made, id=f"k{number}", secret_sha256=f"{number}", expires_at=expires, revoked_at=revoked
        )
        store.write(lambda tx, each=each: tx.put_token(each))
    assert store.write(lambda tx: tx.remove_tokens(10.0)) == 3
    with store.read() as view:
        assert [each.id for each in view.tokens()] == ["k0", "k3", "k4"]


def test_workloads_are_a_nodes_and_replaced_whole(store: Store) -> None:
    def workload(id: str) -> NodeWorkload:
        return NodeWorkload(
            node="n1", id=id, tenant="default", owner="ann", origin="process", state="running", data={}
        )

    for given in ([workload("w1"), workload("w2")], [workload("w2"), workload("w3")]):
        store.write(lambda tx, given=given: tx.put_workloads("n1", given))
    with store.read() as view:
        assert ids_of(view.workloads()) == ["w2", "w3"]
    with pytest.raises(StoreConflict):
        store.write(lambda tx: tx.put_workloads("n1", [workload("w4"), workload("w4")]))
    store.write(lambda tx: tx.put_node(node()))
    store.write(lambda tx: tx.remove_node("n1"))
    with store.read() as view:
        assert view.workloads() == []


# ------------------------------------------------------------------ environments


def test_environments_are_kept_apart(store: Store) -> None:
    secret = {"TOKEN": "hunter2", "ÜNÏ": "💥\n\0'%s", "EMPTY": ""}

    def work(tx: Transaction) -> None:
        tx.add_job(job("j1"), secret)
        tx.add_job(job("j2"), {})
        assert tx.environment("j1") == secret
        assert tx.environments(["j1", "j2", "j3"]) == {"j1": secret, "j2": {}, "j3": {}}

    store.write(work)
    with store.read() as view:
        assert view.environment("j1") == secret
        assert view.environment("j2") == {}
        assert view.environments(["j2", "j1", "j3"]) == {"j1": secret, "j2": {}, "j3": {}}
        assert "hunter2" not in repr(view.find_jobs(JobFilter(), Page()))


def test_an_environment_is_kept_as_it_was_when_it_was_given(store: Store) -> None:
    given = {"A": "1"}

    def work(tx: Transaction) -> None:
        tx.add_job(job(), given)
        given["A"] = "2"

    store.write(work)
    with store.read() as view:
        assert view.environment("j1") == {"A": "1"}


# ------------------------------------------------------------ transactions and batches


def test_what_a_work_raises_comes_out_and_nothing_of_it_is_kept(store: Store) -> None:
    store.write(adds(job("j0")))
    store.write(lambda tx: tx.take_lease(lease("t0", "GPU-0")))
    with pytest.raises(Broken):
        store.write(
            breaks(
                adds(job("j1")),
                lambda tx: tx.put_job(job("j0", reason="changed")),
                lambda tx: tx.add_event(event()),
                lambda tx: tx.take_lease(lease("t1")),
                lambda tx: tx.free_lease("t0"),
                lambda tx: tx.beat({"n1": 2.0}, ["t0"]),
                lambda tx: tx.remember_key("ann", "k", "d", "j1", 1.0),
            )
        )
    with store.read() as view:
        assert (view.job("j1"), view.job("j0")) == (None, job("j0", revision=1))
        assert view.events(0, 10) == []
        assert view.leases() == [lease("t0", "GPU-0")]
        assert view.idempotent("ann", "k") is None
        assert view.revision() == 1
    store.write(lambda tx: tx.take_lease(lease("t1")))


SPOILERS: dict[str, Work] = {
    "nothing": lambda _tx: None,
    "a query": lambda tx: tx.find_jobs(JobFilter(), Page()),
    "a count": lambda tx: tx.count_jobs(JobFilter()),
    "changes": lambda tx: tx.changes(0),
    "events": lambda tx: tx.events(0, 10),
    "leases": lambda tx: tx.leases(),
    "beats": lambda tx: tx.beats(),
    "environments": lambda tx: tx.environments(["j1"]),
    "a node": lambda tx: tx.put_node(node("n7")),
    "a removed node": lambda tx: tx.remove_node("n1"),
    "a user": lambda tx: tx.put_user(User(name="eve", role=Role.ADMIN, created_at=1.0)),
    "a setting": lambda tx: tx.set_meta("a", "b"),
    "old events": lambda tx: tx.forget_events(1e9),
    "old keys": lambda tx: tx.forget_keys(1e9),
}


@pytest.mark.parametrize("spoiler", SPOILERS.values(), ids=SPOILERS)
def test_works_of_one_commit_do_not_touch_each_other(store: Store, spoiler: Work) -> None:
    """Whatever the broken one did in between: the others are kept whole, and see nothing of it."""
    store.write(lambda tx: tx.put_node(node()))
    seen: list[list[str]] = []

    def looks(tx: Transaction) -> None:
        seen.append(ids(tx.changes(0).jobs))
        assert tx.job("j2") is None
        assert tx.user("eve") is None
        assert tx.meta("a") is None
        assert [each.id for each in tx.nodes()] == ["n1"]

    def changes_j1(tx: Transaction) -> None:
        found = tx.job("j1")
        assert found is not None
        tx.put_job(replace(found, reason=f"{found.reason}+"))
        tx.add_event(event("j1", "sentinel.job.changed"))

    ok1, bad, ok2, ok3 = together(
        store,
        lambda tx: [
            tx.add_job(job("j1"), {"A": "1"}),
            tx.add_event(event("j1")),
            tx.remember_key("ann", "k1", "d", "j1", 1.0),
            tx.take_lease(lease("t1", "GPU-1")),
        ],
        breaks(
            changes_j1,
            spoiler,
            adds(job("j2")),
            changes_j1,
            lambda tx: tx.free_lease("t1"),
            lambda tx: tx.take_lease(lease("t2", "GPU-1", "GPU-2")),
            spoiler,
            lambda tx: tx.beat({"n1": 5.0}, ["t1", "t2"]),
            lambda tx: tx.remember_key("ann", "k2", "d", "j2", 1.0),
        ),
        lambda tx: [looks(tx), changes_j1(tx), tx.add_job(job("j3"), {})],
        lambda tx: [looks(tx), tx.take_lease(lease("t3", "GPU-2"))],
    )
    assert isinstance(bad.exception(), Broken)
    for each in (ok1, ok2, ok3):
        assert each.exception() is None
    assert seen == [["j1"], ["j1", "j3"]]
    with store.read() as view:
        found, _ = view.find_jobs(JobFilter(oldest_first=True), Page())
        assert [(each.id, each.reason) for each in found] == [("j1", "+"), ("j3", "")]
        assert view.environment("j1") == {"A": "1"}
        assert [(each.subject, each.type) for each in view.events(0, 10)] == [
            ("j1", "sentinel.job.submitted"),
            ("j1", "sentinel.job.changed"),
        ]
        assert [(each.token, each.renewals) for each in view.leases()] == [("t1", 0), ("t3", 0)]
        assert view.beats().nodes == {"n1": 0}
        assert (view.idempotent("ann", "k1"), view.idempotent("ann", "k2")) == (("d", "j1"), None)
        assert [each.id for each in view.nodes()] == ["n1"]


def test_a_contradiction_is_found_for_the_work_that_makes_it(store: Store) -> None:
    store.write(adds(job("old")))
    first, second, third, fourth = together(
        store,
        adds(job("j1")),
        adds(job("j2"), job("old")),
        adds(job("j1")),
        lambda tx: [tx.add_job(job("j3"), {}), tx.remember_key("ann", "k", "d", "j3", 1.0)],
    )
    assert (first.exception(), fourth.exception()) == (None, None)
    assert isinstance(second.exception(), StoreConflict)
    assert isinstance(third.exception(), StoreConflict)
    with store.read() as view:
        assert sorted(view.jobs(["old", "j1", "j2", "j3"])) == ["j1", "j3", "old"]


def test_a_work_may_catch_a_contradiction_and_go_on(store: Store) -> None:
    store.write(lambda tx: tx.take_lease(lease("t1")))

    def work(tx: Transaction) -> str:
        tx.add_job(job("j1"), {})
        with pytest.raises(StoreConflict):
            tx.take_lease(lease("t2", "GPU-2", "GPU-1"))
        tx.take_lease(lease("t3", "GPU-2"))
        return "went on"

    assert store.write(work) == "went on"
    with store.read() as view:
        assert view.job("j1") is not None
        assert [each.token for each in view.leases()] == ["t1", "t3"]


def test_a_job_that_is_not_there_cannot_be_replaced(store: Store) -> None:
    with pytest.raises(StoreConflict):
        store.write(lambda tx: tx.put_job(job()))


def test_a_transaction_sees_what_it_wrote(store: Store) -> None:
    store.write(
        lambda tx: [tx.put_node(node()), tx.add_job(job("j0"), {}), tx.take_lease(lease("t0", "GPU-0"))]
    )

    def work(tx: Transaction) -> None:
        before = tx.revision()
        tx.add_job(job("j1"), {"A": "1"})
        assert tx.job("j1") == job("j1", revision=before + 1)
        tx.put_job(job("j0", state=JobState.CANCELED))
        assert tx.jobs(["j0", "j1", "j2"]).keys() == {"j0", "j1"}
        assert tx.environment("j1") == {"A": "1"}
        assert tx.count_jobs(JobFilter()) == {JobState.QUEUED: 1, JobState.CANCELED: 1}
        assert ids(tx.find_jobs(JobFilter(states=(JobState.QUEUED,)), Page())[0]) == ["j1"]
        tx.add_event(event())
        assert [each.id for each in tx.events(0, 10)] == [before + 3] == [tx.revision()]
        assert ids(tx.changes(before).jobs) == ["j1", "j0"]
        tx.remember_key("ann", "k", "d", "j1", 1.0)
        assert tx.idempotent("ann", "k") == ("d", "j1")
        tx.take_lease(lease("t1"))
        tx.free_lease("t0")
        tx.beat({"n1": 9.5, "n2": 1.0}, ["t1", "t1", "t0"])
        assert tx.leases(node="n1") == [lease("t1", renewals=2)]
        assert tx.beats().leases == {"t1": 2}
        assert tx.beats().nodes == {"n1": 1}
        found = tx.node("n1")
        assert found is not None
        assert found.last_seen_at == 9.5
        tx.put_node(replace(found, state=NodeState.SILENT))
        assert [each.state for each in tx.nodes()] == [NodeState.SILENT]

    store.write(work)


def test_a_work_that_only_looks_changes_nothing(store: Store) -> None:
    store.write(adds(job()))
    assert store.write(lambda tx: tx.revision()) == 1
    with store.read() as view:
        assert view.revision() == 1


def test_many_threads_write_and_all_of_it_is_kept(store: Store) -> None:
    def client(name: str) -> None:
        for number in range(40):
            made = job(f"{name}{number:02}", owner=name)
            store.write(
                lambda tx, made=made: [tx.add_job(made, {"A": made.id}), tx.add_event(event(made.id))]
            )

    threads = [threading.Thread(target=client, args=(name,)) for name in "abcde"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    with store.read() as view:
        assert view.revision() == 5 * 40 * 2
        assert sum(view.count_jobs(JobFilter()).values()) == 200
        changes = view.changes(0)
        numbers = [each.revision for each in changes.jobs] + [each.id for each in view.events(0, 1000)]
        assert sorted(numbers) == list(range(1, 401))
        for each in changes.jobs:
            assert view.environment(each.id) == {"A": each.id}


def test_a_submission_that_was_cancelled_is_not_run(store: Store) -> None:
    held = threading.Event()
    first = store.submit(lambda _tx: held.wait(5))
    unwanted = store.submit(adds(job()))
    assert unwanted.cancel()
    held.set()
    first.result(5)
    store.write(lambda _tx: None)
    with store.read() as view:
        assert view.job("j1") is None


# ----------------------------------------------------------------- leases and beats


@pytest.mark.parametrize("gpus", [("GPU-1",), ("GPU-2", "GPU-1"), ("GPU-3", "GPU-3")])
def test_no_gpu_is_in_two_leases(store: Store, gpus: tuple[str, ...]) -> None:
    store.write(lambda tx: tx.take_lease(lease("t1", "GPU-1")))
    with pytest.raises(StoreConflict, match=gpus[-1]):
        store.write(lambda tx: tx.take_lease(lease("t2", *gpus)))
    with store.read() as view:
        assert view.leases() == [lease("t1", "GPU-1")]
    store.write(lambda tx: tx.take_lease(lease("t2", "GPU-1", node="n2")))


def test_one_work_does_not_get_a_gpu_twice(store: Store) -> None:
    with pytest.raises(StoreConflict, match="GPU-1"):
        store.write(lambda tx: [tx.take_lease(lease("t1", "GPU-1")), tx.take_lease(lease("t2", "GPU-1"))])
    with store.read() as view:
        assert view.leases() == []


def test_of_two_works_in_one_commit_the_second_does_not_get_the_gpu(store: Store) -> None:
    first, second, third = together(
        store,
        lambda tx: tx.take_lease(lease("t1", "GPU-1", "GPU-2")),
        lambda tx: tx.take_lease(lease("t2", "GPU-2", "GPU-3")),
        lambda tx: tx.take_lease(lease("t3", "GPU-3")),
    )
    assert (first.exception(), third.exception()) == (None, None)
    assert isinstance(second.exception(), StoreConflict)
    with store.read() as view:
        assert [each.token for each in view.leases()] == ["t1", "t3"]


def test_a_gpu_that_was_freed_can_be_taken_at_once(store: Store) -> None:
    store.write(lambda tx: tx.take_lease(lease("t1")))
    store.write(lambda tx: [tx.free_lease("t1"), tx.take_lease(lease("t2"))])
    first, second, third = together(
        store,
        lambda tx: [tx.free_lease("t2"), tx.free_lease("t2")],
        lambda tx: [tx.take_lease(lease("t3")), tx.free_lease("t3"), tx.take_lease(lease("t4"))],
        lambda tx: tx.take_lease(lease("t5")),
    )
    assert (first.exception(), second.exception()) == (None, None)
    assert isinstance(third.exception(), StoreConflict)
    store.write(lambda tx: tx.free_lease("t4"))
    store.write(lambda tx: tx.take_lease(lease("t4")))
    with pytest.raises(StoreConflict):
        store.write(lambda tx: tx.take_lease(lease("t4", "GPU-9")))
    with store.read() as view:
        assert view.leases() == [lease("t4")]


def test_a_lease_that_comes_and_goes_within_one_commit_is_gone(store: Store) -> None:
    taken, freed, again, freed_again = together(
        store,
        lambda tx: tx.take_lease(lease("t1")),
        lambda tx: tx.free_lease("t1"),
        lambda tx: [tx.take_lease(lease("t2")), tx.beat({}, ["t1", "t2"])],
        lambda tx: tx.free_lease("t2"),
    )
    assert [each.exception() for each in (taken, freed, again, freed_again)] == [None] * 4
    with store.read() as view:
        assert (view.leases(), view.beats().leases) == ([], {})
    store.write(lambda tx: tx.take_lease(lease("t3")))


def test_leases_are_listed_by_node_and_age(store: Store) -> None:
    made = [lease("t3", taken_at=1.0), lease("t1", "GPU-2"), lease("t2", node="n2")]
    store.write(lambda tx: [tx.take_lease(each) for each in reversed(made)])
    with store.read() as view:
        assert view.leases() == made
        assert view.leases(node="n2") == made[2:]


def test_beats_are_counted_and_make_no_revision(store: Store) -> None:
    store.write(lambda tx: [tx.put_node(node("n1")), tx.put_node(node("n2", last_seen_at=20.0))])
    store.write(lambda tx: [tx.take_lease(lease("t1")), tx.take_lease(lease("t2", "GPU-2"))])
    for at in (10.0, 11.0):
        store.write(lambda tx, at=at: tx.beat({"n1": at, "n2": at, "nobody": at}, ["t1", "gone"]))
    with store.read() as view:
        assert view.beats().nodes == {"n1": 2, "n2": 2}
        assert view.beats().leases == {"t1": 2, "t2": 0}
        assert [each.renewals for each in view.leases()] == [2, 0]
        assert [each.last_seen_at for each in view.nodes()] == [11.0, 20.0], "the later of the two"
        assert view.revision() == 2
        assert view.changes(2).nodes == ()
        assert [each.last_seen_at for each in view.changes(0).nodes] == [11.0, 20.0]
    store.write(lambda tx: [tx.put_node(node("n1", last_seen_at=12.0)), tx.remove_node("n2")])
    with store.read() as view:
        assert view.beats().nodes == {"n1": 2}
        assert [each.last_seen_at for each in view.nodes()] == [12.0]


def test_beats_of_one_commit_add_up(store: Store) -> None:
    store.write(lambda tx: [tx.put_node(node("n1")), tx.take_lease(lease("t1"))])
    together(store, *[lambda tx, at=at: tx.beat({"n1": at}, ["t1"]) for at in (5.0, 6.0, 7.0)])
    with store.read() as view:
        assert (view.beats().nodes, view.beats().leases) == ({"n1": 3}, {"t1": 3})


def test_a_beat_for_a_lease_that_is_not_there_yet_does_not_count(store: Store) -> None:
    store.write(lambda tx: [tx.beat({"n1": 5.0}, ["t1"]), tx.take_lease(lease("t1")), tx.put_node(node())])
    with store.read() as view:
        assert (view.beats().nodes, view.beats().leases) == ({"n1": 0}, {"t1": 0})


# --------------------------------------------------------------- nodes and their names


def test_no_two_nodes_have_one_name(store: Store) -> None:
    store.write(lambda tx: tx.put_node(node("n1", name="lab")))
    with pytest.raises(StoreConflict, match="lab"):
        store.write(lambda tx: tx.put_node(node("n2", name="lab")))
    store.write(lambda tx: [tx.remove_node("n1"), tx.put_node(node("n2", name="lab"))])
    store.write(lambda tx: [tx.put_node(node("n2", name="other")), tx.put_node(node("n3", name="lab"))])
    with store.read() as view:
        assert [(each.id, each.name) for each in view.nodes()] == [("n3", "lab"), ("n2", "other")]


def test_names_are_sorted_as_they_are_spelled(store: Store) -> None:
    names = ["B", "Z", "_x", "a-b", "a.b", "aB", "a_b", "ab", "b", "ä"]
    store.write(lambda tx: [tx.put_node(node(f"n{name}", name=name)) for name in reversed(names)])
    with store.read() as view:
        assert [each.name for each in view.nodes()] == names


# ------------------------------------------------------------------- finding jobs

LIST = [
    job("aa1", submitted_at=1.0, tenant="lab"),
    job("ab1", submitted_at=2.0, owner="bob", state=JobState.RUNNING, node="n1.lab"),
    job("ab2", submitted_at=2.0, state=JobState.SUCCEEDED, node="n1.lab"),
    job("ac", submitted_at=3.0, state=JobState.LOST, spec=JobSpec(command=("x",), cwd="/", name="other")),
    job("b_", submitted_at=3.5, state=JobState.FAILED, node="n2.lab"),
    job("b%", submitted_at=4.0),
]
WANTED: list[tuple[JobFilter, list[str]]] = [
    (JobFilter(), ["b%", "b_", "ac", "ab2", "ab1", "aa1"]),
    (JobFilter(oldest_first=True), ["aa1", "ab1", "ab2", "ac", "b_", "b%"]),
    (JobFilter(tenant="lab"), ["aa1"]),
    (JobFilter(owner="bob"), ["ab1"]),
    (JobFilter(states=(JobState.QUEUED,)), ["b%", "aa1"]),
    (JobFilter(states=(JobState.RUNNING, JobState.LOST), oldest_first=True), ["ab1", "ac"]),
    (JobFilter(states=(JobState.RUNNING, JobState.SUCCEEDED)), ["ab2", "ab1"]),
    (JobFilter(node="n1.lab"), ["ab2", "ab1"]),
    (JobFilter(name="other"), ["ac"]),
    (JobFilter(id_prefix="ab"), ["ab2", "ab1"]),
    (JobFilter(id_prefix="b_"), ["b_"]),
    (JobFilter(id_prefix="b%"), ["b%"]),
    (JobFilter(id_prefix="AB"), []),
    (JobFilter(id_prefix=""), ["b%", "b_", "ac", "ab2", "ab1", "aa1"]),
    (JobFilter(owner="ann", node="n1.lab", states=(JobState.SUCCEEDED,), name="train"), ["ab2"]),
    (JobFilter(owner=""), []),
    (JobFilter(owner="' OR 1=1 --"), []),
]


@pytest.mark.parametrize(("wanted", "found"), WANTED)
def test_jobs_are_found_by_a_filter_page_by_page(store: Store, wanted: JobFilter, found: list[str]) -> None:
    store.write(adds(*LIST))
    with store.read() as view:
        assert ids(view.find_jobs(wanted, Page())[0]) == found
        counted = view.count_jobs(wanted)
        states = [each.state for each in LIST if each.id in found]
        assert counted == {state: states.count(state) for state in states}
        for limit in (1, 2, 6):
            cursor, seen = None, list[str]()
            for _ in range(10):
                page, cursor = view.find_jobs(wanted, Page(limit=limit, after=cursor))
                seen += ids(page)
                if cursor is None:
                    break
            assert seen == found


def test_what_comes_between_two_pages_neither_repeats_nor_hides_anything(store: Store) -> None:
    store.write(adds(*[job(f"j{n}", submitted_at=float(n)) for n in range(1, 7)]))
    with store.read() as view:
        page, cursor = view.find_jobs(JobFilter(), Page(limit=3))
    assert ids(page) == ["j6", "j5", "j4"]
    store.write(adds(job("j9", submitted_at=9.0), job("j35", submitted_at=3.5)))
    with store.read() as view:
        page, cursor = view.find_jobs(JobFilter(), Page(limit=9, after=cursor))
    assert (ids(page), cursor) == (["j35", "j3", "j2", "j1"], None)


@pytest.mark.parametrize("after", ["", "x", "~", "1.0", "x~j1", "1.0~"])
def test_a_cursor_that_is_none_is_refused(store: Store, after: str) -> None:
    with store.read() as view, pytest.raises(UsageError, match="next"):
        view.find_jobs(JobFilter(), Page(after=after))


# ------------------------------------------------------------------- idempotency keys


def test_a_key_is_a_users_and_used_once(store: Store) -> None:
    store.write(lambda tx: tx.remember_key("ann", "k", "d1", "j1", 10.0))
    with pytest.raises(StoreConflict):
        store.write(lambda tx: tx.remember_key("ann", "k", "d2", "j2", 11.0))
    store.write(lambda tx: tx.remember_key("bob", "k", "d2", "j2", 11.0))
    with store.read() as view:
        assert view.idempotent("ann", "k") == ("d1", "j1")
        assert view.idempotent("bob", "k") == ("d2", "j2")
        assert view.idempotent("bob", "K") is None
    assert store.write(lambda tx: tx.forget_keys(11.0)) == 1
    with store.read() as view:
        assert (view.idempotent("ann", "k"), view.idempotent("bob", "k")) == (None, ("d2", "j2"))


def test_the_same_key_twice_in_one_commit_makes_one_job(store: Store) -> None:
    def submits(id: str) -> Work:
        def work(tx: Transaction) -> str:
            known = tx.idempotent("ann", "k")
            if known is not None:
                return known[1]
            tx.add_job(job(id), {})
            tx.remember_key("ann", "k", "d", id, 1.0)
            return id

        return work

    futures = together(store, submits("j1"), submits("j2"), submits("j3"))
    assert [future.result() for future in futures] == ["j1", "j1", "j1"]
    with store.read() as view:
        assert ids(view.find_jobs(JobFilter(), Page())[0]) == ["j1"]


# --------------------------------------------------------- revisions, changes and events


def test_each_change_has_a_number_of_its_own_in_the_order_of_the_commits(store: Store) -> None:
    store.write(lambda tx: [tx.add_job(job("j1"), {}), tx.add_event(event("j1")), tx.put_node(node())])
    store.write(
        lambda tx: [tx.put_job(job("j1", reason="x")), tx.add_event(event("j1")), tx.set_meta("a", "b")]
    )
    with store.read() as view:
        assert [each.id for each in view.events(0, 10)] == [2, 5]
        changes = view.changes(0)
        assert ([each.revision for each in changes.jobs], [each.revision for each in changes.nodes]) == (
            [4],
            [3],
        )
        assert changes.revision == view.revision() == 5


def test_changes_since_a_revision(store: Store) -> None:
    store.write(adds(job("j1"), job("j2"), job("j3")))
    store.write(lambda tx: [tx.put_node(node("n1")), tx.put_node(node("n2"))])
    with store.read() as view:
        assert [ids(view.changes(since).jobs) for since in (0, 1, 3, 5, 99)] == [
            ["j1", "j2", "j3"],
            ["j2", "j3"],
            [],
            [],
            [],
        ]
        assert [[each.id for each in view.changes(since).nodes] for since in (3, 4, 5)] == [
            ["n1", "n2"],
            ["n2"],
            [],
        ]
        assert view.changes(99).revision == 5
    store.write(lambda tx: tx.put_job(job("j1", state=JobState.SUCCEEDED)))
    with store.read() as view:
        assert ids(view.changes(2).jobs) == ["j3", "j1"]
        assert ids(view.changes(0, live_only=True).jobs) == ["j2", "j3"]
        assert ids(view.changes(2, live_only=True).jobs) == ["j3"]
        assert view.changes(0, live_only=True).revision == 6


def test_removed_nodes_are_among_the_changes(store: Store) -> None:
    store.write(lambda tx: [tx.put_node(node("n1")), tx.put_node(node("n2"))])
    store.write(lambda tx: tx.remove_node("n1"))
    store.write(lambda tx: [tx.remove_node("n1"), tx.remove_node("nobody")])
    with store.read() as view:
        changes = view.changes(2)
        assert (changes.revision, changes.nodes, changes.removed_nodes) == (3, (), ("n1",))
        assert view.changes(3).removed_nodes == ()
    store.write(lambda tx: tx.put_node(node("n1")))
    with store.read() as view:
        changes = view.changes(2)
        assert ([each.id for each in changes.nodes], changes.removed_nodes) == (["n1"], ())


def test_events_are_listed_by_what_they_are_about(store: Store) -> None:
    given = [
        event("j1", "a", owner="ann", data={"n": [1, None, "ü"]}),
        event("j2", "b", tenant="lab", source="/nodes/n1"),
        event("j1", "b", time=9.0),
        event("j1", "c"),
    ]
    store.write(lambda tx: [tx.add_event(each) for each in given])

    def found(after: int = 0, limit: int = 10, **named: Any) -> list[int]:
        with store.read() as view:
            return [each.id for each in view.events(after, limit, **named)]

    assert found() == [1, 2, 3, 4]
    assert found(1, 2) == [2, 3]
    assert found(0, 2, newest=True) == [3, 4]
    assert found(3, 5, newest=True) == [4]
    assert found(subject="j1") == [1, 3, 4]
    assert found(subject="j1", limit=2, newest=True) == [3, 4]
    assert found(types=("b", "c")) == [2, 3, 4]
    assert found(types=("b",), tenant="default") == [3]
    assert found(tenant="lab") == [2]
    with store.read() as view:
        first, second, *_ = view.events(0, 10)
    assert (first.time, first.type, first.source, first.subject) == (7.0, "a", "/controller", "j1")
    assert (first.data, first.owner, first.tenant) == ({"n": [1, None, "ü"]}, "ann", "default")
    assert (second.source, second.owner) == ("/nodes/n1", None)
    assert store.write(lambda tx: tx.forget_events(9.0)) == 3
    assert found() == [3]
    store.write(lambda tx: tx.add_event(event()))
    assert found() == [3, 5], "no number is given twice"


def test_an_event_that_cannot_be_told_is_its_works_fault_alone(store: Store) -> None:
    good, bad = together(store, adds(job("j1")), lambda tx: tx.add_event(event(data={"x": object()})))
    assert good.exception() is None
    assert isinstance(bad.exception(), TypeError)


def test_followers_of_the_changes_miss_nothing(store: Store) -> None:
    """Several write, one follows: what it has put together in the end is what is there."""
    names = [f"j{number}" for number in range(12)]
    store.write(adds(*map(job, names)))
    done = threading.Event()

    def writes(mine: list[str]) -> None:
        for round in range(30):
            for id in mine:
                store.write(lambda tx, id=id, round=round: tx.put_job(job(id, reason=f"{round}")))

    followed: dict[str, Job] = {}
    seen = [0]

    def look() -> None:
        with store.read() as view:
            changes = view.changes(seen[-1])
        followed.update((each.id, each) for each in changes.jobs)
        assert all(seen[-1] < each.revision <= changes.revision for each in changes.jobs)
        seen.append(changes.revision)

    def follow() -> None:
        while not done.is_set():
            look()

    threads = [threading.Thread(target=writes, args=(names[part::3],)) for part in range(3)]
    follower = threading.Thread(target=follow)
    for thread in (*threads, follower):
        thread.start()
    for thread in threads:
        thread.join(30)
    done.set()
    follower.join(30)
    look()
    with store.read() as view:
        assert followed == view.jobs(names)
    assert {each.reason for each in followed.values()} == {"29"}
    assert seen == sorted(seen)


# --------------------------------------------------------------------------- reading


def test_a_view_stays_as_it_was_and_waits_for_nobody(store: Store) -> None:
    store.write(lambda tx: [tx.add_job(job("j1"), {}), tx.add_event(event()), tx.put_node(node())])
    held, inside = threading.Event(), threading.Event()

    def slow(tx: Transaction) -> None:
        tx.put_job(job("j1", reason="changed"))
        tx.put_node(node(state=NodeState.DEAD))
        tx.add_job(job("j2"), {})
        tx.add_event(event())
        inside.set()
        assert held.wait(5)

    with store.read() as before:
        assert before.revision() == 3
        future = store.submit(slow)
        assert inside.wait(5)
        with store.read() as during:
            assert (during.revision(), during.job("j2")) == (3, None)
        held.set()
        future.result(5)
        assert (before.revision(), before.changes(0).revision) == (3, 3)
        assert before.job("j1") == job("j1", revision=1)
        assert before.job("j2") is None
        assert len(before.events(0, 10)) == 1
        assert before.nodes() == [node(revision=3)]
        assert before.count_jobs(JobFilter()) == {JobState.QUEUED: 1}
    with store.read() as after:
        assert (after.revision(), len(after.events(0, 10))) == (7, 2)


def test_what_is_raised_while_reading_comes_out(store: Store) -> None:
    with pytest.raises(Broken), store.read() as view:
        assert view.job("j1") is None
        raise Broken
    with store.read() as view:
        assert view.job("j1") is None


def test_many_threads_read_at_once(store: Store) -> None:
    store.write(adds(*[job(f"j{n}") for n in range(20)]))
    wrong: list[object] = []

    def reads() -> None:
        for _ in range(30):
            with store.read() as view:
                if len(view.find_jobs(JobFilter(), Page())[0]) != 20:
                    wrong.append(view)

    threads = [threading.Thread(target=reads) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert wrong == []


# --------------------------------------------------------------- being told, and closing


def test_listeners_are_told_before_the_answer_and_of_changes_alone(store: Store) -> None:
    told: list[int] = []

    def tell() -> None:
        with store.read() as view:
            told.append(view.revision())

    store.on_commit(tell)
    store.write(adds(job()))
    assert told == [1]
    store.write(lambda tx: [tx.put_node(node()), tx.take_lease(lease("t1"))])
    assert told == [1, 2]
    store.write(lambda tx: tx.beat({"n1": 3.0}, ["t1"]))
    store.write(lambda tx: tx.find_jobs(JobFilter(), Page()))
    with pytest.raises(Broken):
        store.write(breaks(adds(job("j2"))))
    assert told == [1, 2]
    together(store, adds(job("j3")), breaks(adds(job("j4"))), adds(job("j5")))
    assert told == [1, 2, 4], "once for a commit"


def test_a_listener_that_fails_stops_nobody(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    told: list[str] = []

    def fails() -> None:
        raise Broken

    store.on_commit(fails)
    store.on_commit(lambda: told.append("told"))
    store.write(adds(job()))
    store.write(adds(job("j2")))
    assert told == ["told", "told"]
    assert "listener" in caplog.text


def test_closing_finishes_what_was_submitted(case: Case) -> None:
    store = case.store
    futures = [store.submit(adds(job(f"j{number}"))) for number in range(50)]
    store.close()
    store.close()
    assert [future.exception(0) for future in futures] == [None] * 50
    with pytest.raises(StoreUnavailable, match="closed"):
        store.write(lambda _tx: None)
    if case.url is not None:
        with case.another().read() as view:
            assert view.count_jobs(JobFilter()) == {JobState.QUEUED: 50}
            assert view.revision() == 50


def test_a_store_that_is_no_file_says_how_it_is_backed_up(case: Case, tmp_path: Path) -> None:
    if case.url is not None and case.url.startswith("sqlite"):
        case.store.backup(str(tmp_path / "copy.db"))
        assert (tmp_path / "copy.db").stat().st_size > 0
    else:
        with pytest.raises(UsageError):
            case.store.backup(str(tmp_path / "copy.db"))
        assert list(tmp_path.iterdir()) == []
