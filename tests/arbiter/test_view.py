"""The status object: for every phase a state and a why, unknown as null, and plain JSON throughout."""

import json
from dataclasses import replace

import pytest
from tests.arbiter.a_status import GPU, LEASE, MINER, NOW, SAMPLE, STATE, gpu, service, status_of

from sentinel.arbiter import view
from sentinel.arbiter.states import (
    AdminHold,
    Cordon,
    Evicting,
    Failed,
    Paused,
    Phase,
    Restoring,
    Running,
    State,
    Stopped,
    Unsettled,
)
from sentinel.core.lease import Survivor
from sentinel.core.process import ProcessId
from sentinel.core.service import Rung, Unseen, Up

ALONE = replace(STATE, leases={}, queue=State(settings=STATE.settings).queue)
"""STATE with nobody who claims anything."""
SINCE = NOW - 10


def phase_of(phase: Phase, claimed: bool, **changes: object) -> State:
    of = service(phase=phase, **changes)
    return of if claimed else replace(of, leases={}, queue=ALONE.queue)


LEASED = "lease L3-ab12 of alice (python train.py)"


@pytest.mark.parametrize(
    ("state", "word", "why"),
    [
        (phase_of(Unsettled(since=SINCE, wanted=True), True, sight=None), "unknown", "not seen yet"),
        (
            phase_of(Unsettled(since=SINCE, wanted=True), False, sight=Unseen(why="no systemctl")),
            "unknown",
            "not seen yet (no systemctl)",
        ),
        (phase_of(Running(since=SINCE), False, sight=Up(pids=frozenset({5}))), "running", ""),
        (phase_of(Running(since=SINCE), False, sight=Unseen(why="bus is gone")), "unknown", "bus is gone"),
        (phase_of(Evicting(since=SINCE, rung=Rung.STOP, rung_since=SINCE), True), "pausing", LEASED),
        (
            phase_of(Evicting(since=SINCE, rung=Rung.STOP, rung_since=SINCE, error="stuck"), True),
            "pausing",
            f"{LEASED}; stop failed: stuck",
        ),
        (
            phase_of(Evicting(since=SINCE, rung=Rung.STOP, rung_since=SINCE), False),
            "pausing",
            "nothing claims its GPUs any more",
        ),
        (phase_of(Paused(since=SINCE, rung=Rung.STOP), True), "paused", LEASED),
        (
            phase_of(Paused(since=SINCE, rung=Rung.STOP), False, quiet_since=NOW - 2),
            "paused",
            "comes back in 3 s",
        ),
        (phase_of(Restoring(since=NOW - 4, rung=Rung.STOP), False), "resuming", "starting for 4 s"),
        (phase_of(Stopped(since=SINCE, why="by someone else"), False), "stopped", "by someone else"),
    ],
)
def test_a_word_and_a_reason_for_each_phase(state: State, word: str, why: str) -> None:
    (found,) = status_of(state)["services"]
    assert (found["state"], found["why"]) == (word, why)


@pytest.mark.parametrize(("claimed", "next_step"), [(True, LEASED), (False, "next try in 4 s")])
def test_a_failed_service_says_how_and_what_comes_next(claimed: bool, next_step: str) -> None:
    failed = Failed(since=SINCE, rung=Rung.STOP, why="exit status 3", retry_at=NOW + 4)
    (found,) = status_of(phase_of(failed, claimed))["services"]
    assert found["state"] == "failed"
    assert found["why"].startswith("exit status 3 (")
    assert next_step in found["why"]


@pytest.mark.parametrize(
    ("state", "word", "why"),
    [
        (STATE, "RESEARCH", LEASED),
        (
            replace(STATE, leases={**STATE.leases, "L9": replace(LEASE, id="L9")}),
            "RESEARCH",
            f"{LEASED} and 1 more",
        ),
        (
            replace(ALONE, hold=AdminHold(by="root", reason="upgrade", since=1)),
            "RESEARCH",
            "paused by root: upgrade",
        ),
        (replace(ALONE, hold=AdminHold(by="root", reason="", since=1)), "RESEARCH", "paused by root"),
        (
            replace(ALONE, gpus=gpu(last=replace(SAMPLE, listed=(MINER,))).gpus),
            "RESEARCH",
            "miner of eve (pid 99) uses GPU 0 without a lease",
        ),
        (
            replace(phase_of(Running(since=1), False), unread_since=5.0, unread_why="lost"),
            "IDLE",
            "the GPUs cannot be read: lost",
        ),
        (phase_of(Running(since=1), False), "IDLE", "inference has the GPUs"),
        (replace(ALONE, services={}), "IDLE", "nothing is claimed"),
    ],
)
def test_the_state_of_the_machine_and_why(state: State, word: str, why: str) -> None:
    found = status_of(state)
    assert (found["state"], found["why"]) == (word, why)


def test_it_is_resuming_while_anything_is_still_to_come_back() -> None:
    found = status_of(phase_of(Paused(since=SINCE, rung=Rung.STOP), False, quiet_since=NOW - 2))
    assert found["state"] == "RESUMING"
    assert found["why"].startswith("service chat: ")


def test_unknown_values_are_null_and_say_since_when() -> None:
    blind = gpu(unknown_since=NOW - 60, unknown_why="did not answer")
    found = status_of(blind)
    (card,) = found["gpus"]
    values = ["memory_used_bytes", "memory_free_bytes", "utilization_percent", "temperature_celsius"]
    assert [card[key] for key in (*values, "power_watts", "processes")] == [None] * 6
    assert (card["known"], card["unknown_why"]) == (False, "did not answer")
    assert card["unknown_since"] == "2026-01-31T11:59:00.000Z"
    assert card["memory_total_bytes"] == SAMPLE.total_bytes, "that does not change"
    watchdog = found["watchdog"]
    assert (watchdog["state"], watchdog["since"], watchdog["why"]) == (
        "unknown",
        "2026-01-31T11:59:00.000Z",
        "did not answer",
    )


def test_a_machine_that_was_never_read_is_unknown_not_empty() -> None:
    found = status_of(State(settings=STATE.settings, unread_why="not read yet"))
    assert found["gpus"] == []
    assert (found["watchdog"]["state"], found["watchdog"]["why"]) == ("unknown", "not read yet")


def test_a_lease_a_request_and_what_outlived_its_asker() -> None:
    child = Survivor(process=ProcessId(77, 1), name="worker")
    found = status_of(replace(STATE, leases={LEASE.id: replace(LEASE, survivors=(child,), ending_since=NOW)}))
    (lease,), (waiting,) = found["leases"], found["queue"]
    want = {"id": "L3-ab12", "user": "alice", "pid": 4242, "gpus": [GPU], "held_seconds": 200.0}
    assert want.items() <= lease.items()
    assert lease["survivors"] == [{"pid": 77, "name": "worker"}]
    assert lease["ending_since"] == "2026-01-31T12:00:00.000Z"
    assert (waiting["user"], waiting["pid"], waiting["waited_seconds"]) == ("bob", 4343, 12.0)
    assert waiting["why"] == f"GPU 0, held by {LEASED}"


def test_cordons_and_an_admin_s_pause_say_by_whom_and_why() -> None:
    marked = replace(
        STATE,
        hold=AdminHold(by="root", reason="upgrade", since=NOW),
        cordons={GPU: Cordon(by="carol", reason="ECC", since=NOW)},
    )
    found = status_of(marked)
    assert found["hold"] == {"by": "root", "reason": "upgrade", "since": "2026-01-31T12:00:00.000Z"}
    assert found["gpus"][0]["cordon"]["by"] == "carol"


def test_it_is_json_and_has_what_the_contract_names() -> None:
    found = json.loads(json.dumps(status_of(STATE)))
    assert {"state", "gpus", "leases", "queue", "services", "watchdog"} <= found.keys()
    assert {"id", "user", "pid", "gpus", "since"} <= found["leases"][0].keys()
    assert {"user", "pid", "why"} <= found["queue"][0].keys()
    assert {"name", "state", "rung", "why"} <= found["services"][0].keys()


def test_a_long_queue_costs_little_and_lists_everybody() -> None:
    (waiting,) = STATE.queue.waiting[1001]
    many = tuple(replace(waiting, id=f"L{n}") for n in range(2000))
    queue = replace(STATE.queue, waiting={1001: many})
    found = status_of(replace(STATE, queue=queue))["queue"]
    assert [q["id"] for q in found] == [r.id for r in many]
    assert "requests before it" in found[-1]["why"]


def test_one_line_for_systemd() -> None:
    assert view.summary(STATE, NOW) == f"RESEARCH: {LEASED}; 1 leases, 1 waiting"
