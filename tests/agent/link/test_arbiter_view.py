"""What the controller is told of this machine's arbiter, from the very status that the arbiter makes."""

from dataclasses import replace

from tests.arbiter import a_status

from sentinel.agent.link.arbiter_view import NoArbiter, SilentArbiter, arbiter_view, told_of
from sentinel.arbiter.states import AdminHold, Failed, Restoring
from sentinel.core.node_arbiter import ServiceState, Standing
from sentinel.core.service import Rung


def test_a_paused_service_says_for_whom_and_how_much_it_freed() -> None:
    told = told_of(arbiter_view(a_status.status_of(a_status.STATE)), ())
    assert told.standing is Standing.ANSWERS and told.hold is None
    [chat] = told.services
    assert (chat.name, chat.state, chat.how) == ("chat", ServiceState.PAUSED, "stop")
    assert "alice (python train.py)" in chat.why and chat.freed_bytes == 20 * a_status.GIB
    assert chat.gpus == (a_status.GPU,)
    assert chat.since == a_status.NOW - 190 + a_status.EPOCH


def test_who_has_the_gpus_and_who_waits() -> None:
    told = told_of(arbiter_view(a_status.status_of(a_status.STATE)), ())
    [lease], [request] = told.leases, told.waiting
    assert (lease.id, lease.user, lease.command, lease.gpus) == (
        "L3-ab12",
        "alice",
        "python train.py",
        (a_status.GPU,),
    )
    assert lease.since == a_status.NOW - 200 + a_status.EPOCH
    assert (request.user, request.command) == ("bob", "python eval.py")
    assert "alice" in request.why and request.since == a_status.NOW - 12 + a_status.EPOCH


def test_a_lease_of_one_of_our_jobs_names_it_and_a_stranger_cannot_call_itself_one() -> None:
    lease = replace(a_status.LEASE, holder="job j1")
    waiting = replace(a_status.WAITING, holder="job j2")
    queue = replace(a_status.STATE.queue, waiting={1001: (waiting,)})
    view = arbiter_view(a_status.status_of(replace(a_status.STATE, leases={lease.id: lease}, queue=queue)))
    told = told_of(view, {"j1", "j2"})
    assert (told.leases[0].job, told.waiting[0].job) == ("j1", "j2")
    told = told_of(view, {"j9"})
    assert (told.leases[0].job, told.waiting[0].job) == (None, None)
    assert told_of(arbiter_view(a_status.status_of(a_status.STATE)), {"thesis"}).leases[0].job is None


def test_every_state_of_a_service_has_its_word() -> None:
    def state(phase: object) -> ServiceState:
        status = a_status.status_of(a_status.service(phase=phase))
        return told_of(arbiter_view(status), ()).services[0].state

    failed = Failed(since=1.0, rung=Rung.STOP, why="no memory", retry_at=9.0)
    assert state(failed) is ServiceState.FAILED
    assert state(Restoring(since=1.0, rung=Rung.STOP)) is ServiceState.RESUMING


def test_a_hold_names_who_and_why() -> None:
    held = replace(a_status.STATE, hold=AdminHold(by="root", reason="new cable", since=a_status.NOW))
    hold = told_of(arbiter_view(a_status.status_of(held)), ()).hold
    assert hold is not None and (hold.by, hold.why) == ("root", "new cable")


def test_a_word_of_a_newer_arbiter_is_unknown_and_what_is_no_service_is_left_out() -> None:
    rows = [{"name": "chat", "state": "hibernating", "freed_bytes": "much"}, {"state": "paused"}, 7]
    [chat] = told_of(arbiter_view({"services": rows, "queue": [{}], "leases": [{}]}), ()).services
    assert (chat.state, chat.freed_bytes, chat.since, chat.gpus) == (ServiceState.UNKNOWN, None, None, ())


def test_none_and_silence_are_not_the_same() -> None:
    assert told_of(NoArbiter(), ()).standing is Standing.NONE
    silent = told_of(SilentArbiter(why="it does not answer"), ())
    assert (silent.standing, silent.why) == (Standing.SILENT, "it does not answer")
