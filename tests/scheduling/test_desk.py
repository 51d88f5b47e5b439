"""What the API does to the queue, in a transaction each: what is kept, what is answered, what is told."""

from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any, TypeVar, cast

import pytest
from tests.scheduling.cluster import job, node, placed

from sentinel.core.account import Account, Limits, Scope
from sentinel.core.errors import StoreConflict
from sentinel.core.job import Cancel, IfLost, Job, JobState
from sentinel.core.job_lease import JobLease
from sentinel.core.node import BlockKind, Drain, Node, NodeState
from sentinel.drivers.stores.memory import MemoryStore
from sentinel.ports.store import StoredEvent, Transaction
from sentinel.scheduling import desk
from sentinel.scheduling.account_desk import put_account
from sentinel.scheduling.lifecycle import Exited, move
from sentinel.scheduling.mirror import HOLD_ENDED, RESTORED_AT, holds
from sentinel.scheduling.reports import Report, Verdict, report_from
from sentinel.scheduling.writing import take_lease, write_move

T = TypeVar("T")
N = node("gpu01", 2, id="n1")


class Desk:
    """A store with the node N in it."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.do(lambda tx: tx.put_node(N))

    def do(self, work: Callable[[Transaction], T]) -> T:
        return self.store.write(work)

    def keep(self, found: Job) -> Job:
        """As it is, with its lease."""

        def work(tx: Transaction) -> None:
            tx.add_job(found, {})
            if found.placement is not None:
                tx.take_lease(
                    JobLease(
                        token=found.placement.token,
                        job=found.id,
                        attempt=found.attempt,
                        node=found.placement.node,
                        gpus=found.placement.gpus,
                        owner=found.owner,
                        tenant=found.tenant,
                        taken_at=0.0,
                    )
                )

        self.do(work)
        return self.job(found.id)

    def job(self, id: str) -> Job:
        with self.store.read() as view:
            found = view.job(id)
        assert found is not None
        return found

    def node(self, id: str = "n1") -> Node:
        with self.store.read() as view:
            found = view.node(id)
        assert found is not None
        return found

    def revision(self) -> int:
        with self.store.read() as view:
            return view.revision()

    def events(self, subject: str) -> list[StoredEvent]:
        with self.store.read() as view:
            return list(view.events(0, 1000, subject=subject))

    def types(self, subject: str) -> list[str]:
        return [event.type.removeprefix("sentinel.") for event in self.events(subject)]

    def leases(self) -> set[str]:
        with self.store.read() as view:
            return {lease.token for lease in view.leases()}

    def tell(self, *bodies: dict[str, Any], node: Node = N) -> list[Verdict]:
        reports: list[Report] = [
            report_from({"attempt": 1, "token": "token-j", "job": "j"} | b) for b in bodies
        ]
        return self.do(lambda tx: desk.told(tx, node, reports, 50.0))

    def missing(self, held: set[str], seen: int | None = None) -> list[str]:
        at = self.revision() if seen is None else seen
        return self.do(lambda tx: desk.missing(tx, N, frozenset(held), at, 50.0))


@pytest.fixture
def d() -> Generator[Desk]:
    found = Desk()
    yield found
    found.store.close()


def on_node(state: JobState = JobState.RUNNING, **more: Any) -> Job:
    began = {"started_at": 5.0} if state is JobState.RUNNING else {}
    return placed("j", "n1", ["gpu01-0"], state=state, **({"node": "gpu01"} | began | more))


# ------------------------------------------------------------------ submit and cancel


def test_a_job_is_kept_with_its_environment_and_its_event(d: Desk) -> None:
    new = job("j", owner="alice")
    kept, made = d.do(lambda tx: desk.submit(tx, new, {"KEY": "secret"}, key=None, digest="", now=7.0))
    assert (kept.id, made) == ("j", True)
    with d.store.read() as view:
        assert view.environment("j") == {"KEY": "secret"}
    (event,) = d.events("j")
    assert (event.type, event.source, event.owner, event.time) == (
        "sentinel.job.submitted",
        "/controller",
        "alice",
        7.0,
    )
    assert "secret" not in repr(event)
    with pytest.raises(StoreConflict):
        d.do(lambda tx: desk.submit(tx, new, {}, key=None, digest="", now=7.0))


def test_a_key_gives_the_same_job_again_and_no_other(d: Desk) -> None:
    def submit(id: str, owner: str = "alice", digest: str = "d1") -> tuple[Job, bool]:
        new = job(id, owner=owner)
        return d.do(lambda tx: desk.submit(tx, new, {}, key="k", digest=digest, now=7.0))

    assert submit("j1")[1]
    again, made = submit("j2")
    assert (again.id, made) == ("j1", False)
    assert d.types("j2") == []
    with pytest.raises(desk.KeyReused, match="j1"):
        submit("j3", digest="d2")
    assert submit("j4", owner="bob")[1], "a key is its owner's"


def test_a_waiting_job_is_canceled_at_once(d: Desk) -> None:
    d.keep(job("j"))
    found = d.do(lambda tx: desk.cancel(tx, "j", Cancel(by="bob", at=1.0, why="typo"), 9.0))
    assert (found.state, found.reason, found.ended_at) == (JobState.CANCELED, "typo", 9.0)
    assert d.job("j") == replace(found, revision=d.job("j").revision)
    with pytest.raises(desk.AlreadyEnded):
        d.do(lambda tx: desk.cancel(tx, "j", Cancel(by="bob", at=1.0), 9.0))
    with pytest.raises(desk.NoSuchJob):
        d.do(lambda tx: desk.cancel(tx, "x", Cancel(by="bob", at=1.0), 9.0))


def test_a_running_job_is_asked_for_its_end_once(d: Desk) -> None:
    d.keep(on_node())
    first = d.do(lambda tx: desk.cancel(tx, "j", Cancel(by="bob", at=1.0), 9.0))
    second = d.do(lambda tx: desk.cancel(tx, "j", Cancel(by="carol", at=2.0), 9.0))
    assert first.cancel == second.cancel == Cancel(by="bob", at=1.0)
    assert second.state is JobState.RUNNING
    assert d.types("j") == ["job.cancel-requested"]
    assert d.tell({"kind": "exited", "signal": 15, "stopped": True}) == [Verdict.APPLIED]
    assert d.job("j").state is JobState.CANCELED


def test_a_queue_that_is_full_takes_no_more(d: Desk) -> None:
    limits = Limits(queued_jobs=1)
    account = Account(scope=Scope.USER, name="alice", limits=limits)
    d.do(lambda tx: put_account(tx, account, by="root", tenant="default", now=1.0))

    def submit(id: str) -> None:
        new = job(id, owner="alice")
        d.do(lambda tx: desk.submit(tx, new, {}, key=id, digest="", now=7.0))

    submit("j1")
    with pytest.raises(desk.OverQuota):
        submit("j2")
    submit("j1")  # the same again is no more


# ------------------------------------------------------------------ reports


def test_a_whole_life_in_one_batch_has_all_its_events(d: Desk) -> None:
    d.keep(on_node(JobState.ALLOCATED))
    before = d.revision()
    verdicts = d.tell(
        {"kind": "starting"},
        {"kind": "running", "started_at": 40.0},
        {"kind": "exited", "exit_code": 3, "ended_at": 45.0},
    )
    assert verdicts == [Verdict.APPLIED] * 3
    found = d.job("j")
    assert (found.state, found.exit_code, found.started_at, found.ended_at) == (
        JobState.FAILED,
        3,
        40.0,
        45.0,
    )
    assert d.types("j") == ["job.starting", "job.running", "job.failed"]
    assert {event.source for event in d.events("j")} == {"/nodes/gpu01"}
    assert d.leases() == set()
    assert d.revision() == before + 4, "the job is put once"


def test_what_is_told_twice_or_late_is_known(d: Desk) -> None:
    d.keep(on_node())
    assert d.tell({"kind": "starting"}, {"kind": "running"}, {"kind": "refused"}) == [Verdict.KNOWN] * 3
    assert d.tell({"kind": "exited", "exit_code": 0}) == [Verdict.APPLIED]
    again = d.tell(
        {"kind": "exited", "exit_code": 1}, {"kind": "gone"}, {"kind": "running"}, {"kind": "waiting"}
    )
    assert again == [Verdict.KNOWN, Verdict.KNOWN, Verdict.FENCED, Verdict.FENCED]
    assert d.job("j").exit_code == 0
    assert d.types("j") == ["job.succeeded"]


def test_another_attempt_another_node_and_another_job(d: Desk) -> None:
    d.keep(on_node(attempt=2))
    old = {"kind": "running", "token": "token-old"}
    assert d.tell(old) == [Verdict.FENCED]
    assert d.tell({"kind": "exited", "exit_code": 0, "token": "token-old"}) == [Verdict.FENCED]
    thief = node("gpu09", id="n9")
    assert d.tell({"kind": "exited", "exit_code": 0}, node=thief) == [Verdict.FENCED]
    assert d.tell({"kind": "running", "job": "nobody"}) == [Verdict.UNKNOWN]
    assert d.tell({"kind": "running", "attempt": 3, "token": "later"}) == [Verdict.FENCED], (
        "nothing was restored"
    )
    assert d.job("j").state is JobState.RUNNING
    assert d.types("j") == []


def test_what_the_arbiter_says_is_the_reason_while_it_is_allocated(d: Desk) -> None:
    d.keep(on_node(JobState.ALLOCATED))
    assert d.tell({"kind": "waiting", "why": "chat steps aside"}) == [Verdict.APPLIED]
    assert d.job("j").reason == "chat steps aside"
    assert d.tell({"kind": "waiting", "why": "chat steps aside"}) == [Verdict.KNOWN]
    assert d.tell({"kind": "starting"}, {"kind": "waiting", "why": "x"}) == [Verdict.APPLIED, Verdict.KNOWN]
    assert d.job("j").reason == ""
    assert d.types("j") == ["job.starting"]


def test_a_leftover_is_an_event_and_no_move(d: Desk) -> None:
    d.keep(on_node())
    left = {"kind": "leftover", "gpu": "gpu01-0", "pid": 77, "why": "python"}
    assert d.tell(left, {"kind": "exited", "exit_code": 0}, left) == [Verdict.APPLIED] * 3
    assert d.types("j") == ["job.leftover", "job.succeeded", "job.leftover"]
    assert d.events("j")[-1].data["pid"] == 77
    assert d.tell(left, node=node("gpu09", id="n9")) == [Verdict.FENCED]


def test_a_refusal_frees_the_lease_and_keeps_the_words(d: Desk) -> None:
    d.keep(on_node(JobState.ALLOCATED))
    assert d.tell({"kind": "refused", "why": "GPU 0 is busy"}) == [Verdict.APPLIED]
    found = d.job("j")
    assert (found.state, found.reason, found.refusals) == (JobState.QUEUED, "GPU 0 is busy", 1)
    assert d.leases() == set()
    assert d.tell({"kind": "refused", "why": "GPU 0 is busy"}) == [Verdict.KNOWN]


def test_one_that_fails_by_itself_is_queued_again_without_its_lease(d: Desk) -> None:
    d.keep(on_node(retries=1))
    assert d.tell({"kind": "exited", "exit_code": 3}) == [Verdict.APPLIED]
    found = d.job("j")
    assert (found.state, found.failures, found.reason) == (
        JobState.QUEUED,
        1,
        "exit code 3; tried again (1 of 1)",
    )
    assert d.leases() == set()
    assert d.types("j") == ["job.requeued"]
    assert d.events("j")[-1].data["exit_code"] == 3
    assert d.tell({"kind": "exited", "exit_code": 3}) == [Verdict.KNOWN]


def test_one_that_makes_room_is_queued_again(d: Desk) -> None:
    room = Cancel(by="controller", at=1.0, why="job x needs its GPUs")
    d.keep(on_node(preempt=room))
    assert d.tell({"kind": "exited", "exit_code": 0, "stopped": True}) == [Verdict.APPLIED]
    found = d.job("j")
    assert (found.state, found.preemptions, found.preempt) == (JobState.QUEUED, 1, None)


def test_what_was_held_is_charged_when_it_is_let_go_of(d: Desk) -> None:
    d.keep(on_node(account="lab", allocated_at=20.0, gpu_milli=500))
    d.tell({"kind": "exited", "exit_code": 0})
    with d.store.read() as view:
        for key in ("user:alice", "group:lab"):
            used = view.document("usage", key)
            assert used is not None and used.data is not None
            assert sum(used.data["days"].values()) == 15.0, "half a GPU for 30 seconds"


def test_a_lease_without_gpus_or_of_unknown_age_is_not_charged(d: Desk) -> None:
    d.keep(on_node())
    d.tell({"kind": "exited", "exit_code": 0})
    none = placed("k", "n1", [], node="gpu01", allocated_at=20.0, started_at=5.0)
    d.keep(none)
    d.tell({"kind": "exited", "exit_code": 0, "job": "k", "token": "token-k"})
    with d.store.read() as view:
        assert view.documents("usage") == []


def test_a_plain_job_costs_no_more_than_its_own_writes(d: Desk) -> None:
    d.keep(on_node())
    called: list[str] = []

    class Counted:
        def __init__(self, tx: Transaction) -> None:
            self._tx = tx

        def __getattr__(self, name: str) -> Any:
            called.append(name)
            return getattr(self._tx, name)

    def work(tx: Transaction) -> None:
        found = tx.job("j")
        assert found is not None
        made = move(found, Exited(token="token-j", exit_code=0, signal=None), 9.0)
        assert made is not None
        write_move(cast("Transaction", Counted(tx)), made, "/nodes/gpu01", 9.0)

    d.do(work)
    assert sorted(called) == ["add_event", "free_lease", "put_job"]


def test_a_share_is_leased_as_one(d: Desk) -> None:
    share = placed("j", "n1", ["gpu01-0"], gpu_milli=300)

    def work(tx: Transaction) -> None:
        tx.add_job(share, {})
        take_lease(tx, share, 1.0)

    d.do(work)
    with d.store.read() as view:
        (lease,) = view.leases()
    assert lease.milli == 300


# ------------------------------------------------------------------ beats


def test_what_a_node_does_not_have_is_gone(d: Desk) -> None:
    d.keep(on_node())
    assert d.missing({"token-j"}) == []
    assert d.missing(set()) == ["j"]
    found = d.job("j")
    assert (found.state, found.reason) == (JobState.QUEUED, "gpu01 is heard of, and does not have it")
    assert d.types("j") == ["job.requeued"]
    assert d.leases() == set()
    assert d.missing(set()) == []


@pytest.mark.parametrize("state", [JobState.STARTING, JobState.RUNNING, JobState.LOST])
def test_a_beat_says_nothing_of_what_moved_later(d: Desk, state: JobState) -> None:
    kept = d.keep(on_node(state))
    assert d.missing(set(), seen=kept.revision - 1) == []
    assert d.missing(set(), seen=kept.revision) == ["j"]


def test_a_beat_says_nothing_of_an_allocated_job(d: Desk) -> None:
    d.keep(on_node(JobState.ALLOCATED))
    assert d.missing(set()) == []


def test_a_beat_that_has_seen_another_stores_future_says_nothing(d: Desk) -> None:
    d.keep(on_node())
    assert d.missing(set(), seen=d.revision() + 1) == []


def test_a_lost_job_that_ran_and_is_named_runs(d: Desk) -> None:
    d.keep(on_node(JobState.LOST, started_at=5.0))
    assert d.missing({"token-j"}, seen=0) == []
    assert (d.job("j").state, d.job("j").started_at) == (JobState.RUNNING, 5.0)


def test_a_lost_job_that_had_not_begun_waits_for_its_nodes_report(d: Desk) -> None:
    d.keep(on_node(JobState.LOST))
    assert d.missing({"token-j"}) == []
    assert d.job("j").state is JobState.LOST


# ------------------------------------------------------------------ nodes


def test_a_node_joins_changes_and_comes_back(d: Desk) -> None:
    new = node("gpu02", id="n2", state=NodeState.SILENT)

    def update(found: Node) -> bool:
        return d.do(lambda tx: desk.update_node(tx, found, 1.0))

    assert update(new)
    assert update(replace(new, state=NodeState.UP))
    revision = d.revision()
    assert not update(replace(new, state=NodeState.UP, last_seen_at=99.0))
    assert d.revision() == revision
    assert update(replace(new, state=NodeState.UP, boot_id="boot-2"))
    assert update(node("gpu02", id="n2", boot_id="boot-2", blocked={0: (BlockKind.LEASED, "carol")}))
    assert d.types("n2") == ["node.joined", "node.up", "node.rebooted", "node.changed"]
    assert d.events("n2")[0].source == "/nodes/gpu02"


def test_what_an_agent_tells_ends_no_drain(d: Desk) -> None:
    d.do(lambda tx: desk.drain(tx, "n1", Drain(by="root", at=1.0, why="fans"), 1.0))
    assert not d.do(lambda tx: desk.update_node(tx, N, 2.0))
    assert d.do(lambda tx: desk.update_node(tx, replace(N, agent_version="2"), 2.0))
    assert d.node().drained == Drain(by="root", at=1.0, why="fans")


def test_drain_and_resume(d: Desk) -> None:
    drain = Drain(by="root", at=1.0, why="fans")
    assert d.do(lambda tx: desk.drain(tx, "n1", drain, 1.0)).drained == drain
    d.do(lambda tx: desk.drain(tx, "n1", replace(drain, at=2.0), 2.0))
    assert d.do(lambda tx: desk.resume(tx, "n1", "root", 3.0)).drained is None
    d.do(lambda tx: desk.resume(tx, "n1", "root", 3.0))
    assert d.types("n1") == ["node.drained", "node.resumed"]
    with pytest.raises(desk.NoSuchNode):
        d.do(lambda tx: desk.drain(tx, "n9", drain, 1.0))


def test_the_jobs_of_a_dead_node_go_on_elsewhere(d: Desk) -> None:
    d.keep(on_node(JobState.LOST))
    kept = placed("k", "n1", ["gpu01-1"], state=JobState.LOST, if_lost=IfLost.KEEP)
    d.keep(kept)
    with pytest.raises(desk.NodeIsUp):
        d.do(lambda tx: desk.declare_dead(tx, "n1", "root", "burnt", 9.0))
    d.do(lambda tx: desk.update_node(tx, replace(N, state=NodeState.SILENT), 8.0))
    dead = d.do(lambda tx: desk.declare_dead(tx, "n1", "root", "burnt", 9.0))
    assert dead.state is NodeState.DEAD
    assert (d.job("j").state, d.job("k").state) == (JobState.QUEUED, JobState.FAILED)
    assert "root declared gpu01 dead: burnt" in d.job("k").reason
    assert d.leases() == set()
    d.do(lambda tx: desk.declare_dead(tx, "n1", "root", "burnt", 9.0))
    assert d.types("n1") == ["node.silent", "node.dead"]


# ------------------------------------------------------------------ after a restore


def restored(d: Desk) -> None:
    d.do(lambda tx: tx.set_meta(RESTORED_AT, "yesterday"))


FOUND = {"attempt": 3, "token": "later", "gpus": ["gpu01-0", "gpu01-1"]}


def test_a_later_attempt_is_adopted(d: Desk) -> None:
    restored(d)
    d.keep(job("j", 2))
    assert d.tell({"kind": "running", "started_at": 40.0} | FOUND) == [Verdict.APPLIED]
    found = d.job("j")
    assert (found.state, found.attempt, found.gpus) == (JobState.RUNNING, 3, ("gpu01-0", "gpu01-1"))
    assert d.types("j") == ["job.lost", "job.running"]
    assert d.leases() == {"later"}
    assert d.tell({"kind": "exited", "exit_code": 0} | FOUND) == [Verdict.APPLIED]
    assert d.leases() == set()


@pytest.mark.parametrize("state", [JobState.ALLOCATED, JobState.RUNNING, JobState.LOST])
def test_it_takes_the_place_of_the_attempt_that_the_store_knew(d: Desk, state: JobState) -> None:
    restored(d)
    d.keep(on_node(state))
    assert d.tell({"kind": "starting"} | FOUND) == [Verdict.APPLIED]
    assert d.job("j").state is JobState.STARTING
    assert d.leases() == {"later"}
    assert d.tell({"kind": "exited", "exit_code": 0}) == [Verdict.FENCED], "the earlier one"


def test_one_that_is_over_is_adopted_with_its_exit_code(d: Desk) -> None:
    restored(d)
    d.keep(job("j", 2))
    assert d.tell({"kind": "exited", "exit_code": 0} | FOUND) == [Verdict.APPLIED]
    assert (d.job("j").state, d.job("j").exit_code) == (JobState.SUCCEEDED, 0)
    assert d.leases() == set()


def test_a_gpu_that_somebody_was_given_since_stays_theirs(d: Desk) -> None:
    restored(d)
    d.keep(placed("other", "n1", ["gpu01-1"]))
    d.keep(job("j", 2))
    assert d.tell({"kind": "running"} | FOUND) == [Verdict.APPLIED]
    assert d.job("j").gpus == ("gpu01-0",)
    assert d.leases() == {"later", "token-other"}


def test_nothing_is_adopted_that_could_not_run_twice(d: Desk) -> None:
    restored(d)
    d.keep(job("j", 2, attempt=3))
    assert d.tell({"kind": "running"} | FOUND) == [Verdict.FENCED], "no later than the one that is known"
    assert d.tell({"kind": "refused"} | FOUND | {"attempt": 4}) == [Verdict.FENCED]
    d.keep(job("ended", state=JobState.FAILED))
    assert d.tell({"kind": "running"} | FOUND | {"job": "ended"}) == [Verdict.FENCED]
    assert d.types("j") == []


def test_a_hold_ends_once_for_each_restore(d: Desk) -> None:
    def end() -> bool:
        return d.do(lambda tx: desk.end_hold(tx, "root", "I looked", 1.0))

    assert not end()
    restored(d)
    assert end()
    assert not end()
    d.do(lambda tx: tx.set_meta(RESTORED_AT, "today"))
    with d.store.read() as view:
        assert holds(view)
        assert view.meta(HOLD_ENDED) == "yesterday"
    assert end()
    assert d.types("controller") == ["controller.hold-ended"] * 2
