"""The arbiter's machine by example: one short story each, told step by step."""

import pytest
from tests.machines.arbiter_world import GIB, World

from sentinel.arbiter import machine, view
from sentinel.arbiter.holding_on import why_not_longer
from sentinel.arbiter.inputs import (
    EvictLease,
    Extend,
    Grant,
    Pause,
    Refuse,
    Reload,
    Resume,
    Shutdown,
    Tick,
)
from sentinel.arbiter.states import Evicting, Failed, Limits, Paused, Running, ServiceSettings, Settings
from sentinel.core.lease import Claim, Sharing
from sentinel.core.service import Rung

CHAT = ServiceSettings(name="chat", gpus=("0",), supervised=True)


def world(*services: ServiceSettings, cards: int = 1, **options: object) -> World:
    """A world that has come to rest: every service runs."""
    w = World(
        settings=Settings(resume_delay=2.0, grant_timeout=10.0, services=services, **options),  # type: ignore[arg-type]
        cards=tuple(f"GPU-{n}" for n in range(cards)),
    )
    w.live(1.0)
    return w


def phase(w: World, name: str = "chat") -> object:
    return w.state.services[name].phase


def said(w: World) -> str:
    return view.overall(w.state, w.now)[0]


def test_research_comes_inference_leaves_and_returns() -> None:
    w = world(CHAT)
    assert said(w) == "IDLE"
    request = w.acquire(1, Claim())
    assert request.id not in w.answers, "not before the memory is free"
    w.finish_order("chat")
    w.finish_reading()
    w.pass_time(0.1)
    w.finish_reading()
    assert isinstance(w.answers[request.id], Grant)
    assert said(w) == "RESEARCH"
    w.end_lease(request.id)
    assert said(w) == "RESUMING"
    w.live(1.5)
    assert isinstance(phase(w), Paused), "not before the delay is over"
    w.live(2.0)
    assert isinstance(phase(w), Running)
    assert said(w) == "IDLE"


def test_a_reading_begun_before_the_service_ended_proves_nothing() -> None:
    w = world(CHAT)
    w.live(1.0)
    w.servers["chat"].held = 0  # an empty server: this reading shows nothing of it
    w.begin_reading()
    w.servers["chat"].held = 20 * GIB
    w.now += 0.1
    request = w.acquire(1, Claim())
    w.finish_order("chat", lingers=True)
    stale, w.reading = w.reading, None
    assert stale is not None
    w.feed(stale.result)
    assert request.id not in w.answers
    w.pass_time(0.1)
    w.finish_reading()
    assert request.id not in w.answers, "the driver still lists it"
    w.servers["chat"].lingering = False
    w.live(1.0)
    assert isinstance(w.answers[request.id], Grant)


def test_inference_returns_only_on_a_reading_begun_after_the_gpu_fell_quiet() -> None:
    w = world(CHAT)
    request = w.acquire(1, Claim())
    w.live(1.0)
    w.begin_reading()  # sees nobody
    stale, w.reading = w.reading, None
    w.rogues[900] = ("GPU-0", GIB, w.now)
    w.pass_time(0.5)
    w.end_lease(request.id)
    w.pass_time(2.5)
    w.reading = None
    assert stale is not None
    w.feed(stale.result)
    assert isinstance(phase(w), Paused)
    w.live(5.0)
    assert isinstance(phase(w), Paused), "the rogue is seen now"
    w.rogues.clear()
    w.live(5.0)
    assert isinstance(phase(w), Running)


def test_a_service_that_will_not_leave_is_named_in_the_refusal_and_stays() -> None:
    w = world(CHAT)
    request = w.acquire(1, Claim())
    for _ in range(5):
        w.finish_order("chat", works=False)
        w.finish_reading()
        w.pass_time(2.5)
    refusal = w.answers[request.id]
    assert isinstance(refusal, Refuse)
    assert refusal.code == "not-freed"
    assert "service chat" in refusal.message
    assert "pid 100" in refusal.message
    assert "20 GiB" in refusal.message
    w.live(5.0)
    assert isinstance(phase(w), Running)


def test_what_a_refused_request_had_paused_comes_back() -> None:
    w = world(CHAT)
    request = w.acquire(1, Claim())
    w.finish_order("chat", lingers=True)
    for _ in range(50):
        w.pass_time(0.3)
        w.finish_reading()
    assert isinstance(w.answers[request.id], Refuse)
    w.servers["chat"].lingering = False
    w.live(5.0)
    assert isinstance(phase(w), Running)
    assert w.servers["chat"].up


def test_a_client_that_goes_while_inference_leaves_costs_inference_only_the_delay() -> None:
    w = world(CHAT)
    request = w.acquire(1, Claim())
    w.withdraw(request.id)
    w.live(5.0)
    assert isinstance(phase(w), Running)
    assert not w.state.leases


def test_the_gentlest_rung_that_frees_enough_is_the_last_one_taken() -> None:
    both = ServiceSettings(name="chat", gpus=("0",), ladder=(Rung.SLEEP, Rung.STOP))
    w = world(both)
    w.acquire(1, Claim())
    w.live(1.0)
    assert w.servers["chat"].asleep
    assert w.servers["chat"].up
    assert isinstance(found := phase(w), Paused)
    assert found.rung is Rung.SLEEP
    assert found.freed_bytes == 20 * GIB


def test_a_rung_that_fails_or_frees_too_little_leads_to_the_next() -> None:
    both = ServiceSettings(name="chat", gpus=("0",), ladder=(Rung.SLEEP, Rung.STOP))
    w = world(both)
    request = w.acquire(1, Claim())
    w.finish_order("chat", works=False)
    assert isinstance(found := phase(w), Evicting)
    assert found.rung is Rung.STOP
    w.finish_order("chat")
    w.live(1.0)
    assert isinstance(w.answers[request.id], Grant)
    assert not w.servers["chat"].up

    w = world(both)
    w.acquire(1, Claim())
    w.finish_order("chat", lingers=True)  # asleep, and yet its memory is still there
    w.finish_reading()
    w.pass_time(2.5)
    w.finish_reading()
    assert isinstance(found := phase(w), Evicting)
    assert found.rung is Rung.STOP


def test_a_failed_service_is_tried_again_on_time_and_ever_more_rarely() -> None:
    w = world(CHAT)
    request = w.acquire(1, Claim())
    w.live(1.0)
    w.end_lease(request.id)
    waits = []
    for _ in range(4):
        while not w.orders["chat"]:
            w.finish_reading()
            if w.orders["chat"]:
                break
            wake = machine.next_wake(w.state, w.now)
            assert wake is not None, "it would wait for ever"
            w.now = wake
            w.feed(Tick())
        w.finish_order("chat", works=False)
        found = phase(w)
        assert isinstance(found, Failed)
        waits.append(found.retry_at - w.now)
    assert waits == sorted(waits)
    assert len(set(waits)) == 4


def test_an_empty_server_steps_aside_too_since_it_could_load_a_model_at_any_moment() -> None:
    w = world(CHAT)
    w.servers["chat"].held = 0
    w.live(1.0)
    request = w.acquire(1, Claim())
    w.finish_reading()
    assert request.id not in w.answers
    w.live(1.0)
    assert isinstance(w.answers[request.id], Grant)
    assert not w.servers["chat"].up


def test_unknown_readings_change_nothing_and_let_nobody_in() -> None:
    w = world(CHAT)
    w.readable = False
    w.live(2.0)
    assert isinstance(phase(w), Running)
    request = w.acquire(1, Claim())
    w.live(2.0)
    refusal = w.answers[request.id]
    assert isinstance(refusal, Refuse)
    assert refusal.code == "unknown"
    assert "no answer" in refusal.message
    assert isinstance(phase(w), Running), "nothing was paused for it"
    assert view.status(w.state, w.now, str)["watchdog"]["state"] == "unknown"


def test_unknown_readings_keep_a_paused_service_paused_until_an_admin_says_otherwise() -> None:
    w = world(CHAT)
    request = w.acquire(1, Claim())
    w.live(1.0)
    w.readable = False
    w.end_lease(request.id)
    w.live(30.0)
    assert isinstance(phase(w), Paused)
    assert "cannot be read" in view.service_why(w.state, w.state.services["chat"], w.now)
    w.feed(Resume(by="root"))
    w.live(1.0)
    assert isinstance(phase(w), Running)


def test_grant_when_unknown_goes_by_the_services_word() -> None:
    w = world(CHAT, grant_when_unknown=True)
    w.readable = False
    w.live(1.0)
    request = w.acquire(1, Claim())
    w.live(3.0)
    assert isinstance(w.answers[request.id], Grant)
    assert not w.servers["chat"].up
    w.end_lease(request.id)
    w.live(5.0)
    assert isinstance(phase(w), Running)


def test_a_foreign_process_pauses_inference_and_is_left_alone() -> None:
    w = world(CHAT)
    w.rogues[900] = ("GPU-0", GIB, w.now)
    w.live(1.0)
    assert isinstance(phase(w), Paused)
    assert not w.terminated
    assert not w.state.leases, "the watchdog never takes a lease"
    assert "pid 900" in view.overall(w.state, w.now)[1]
    w.rogues.clear()
    w.live(5.0)
    assert isinstance(phase(w), Running)


def test_a_foreign_process_on_a_leased_gpu_is_covered() -> None:
    w = world(CHAT, ServiceSettings(name="embed", gpus=("1",)), cards=2)
    w.acquire(1, Claim(sharing=Sharing.EXCLUSIVE, gpu_ids=("0",)))
    w.live(1.0)
    w.rogues[900] = ("GPU-0", GIB, w.now)
    w.live(2.0)
    assert isinstance(phase(w, "embed"), Running), "another GPU's services are not touched"


def test_an_admins_pause_lasts_until_resume() -> None:
    w = world(CHAT)
    w.feed(Pause(by="root", reason="maintenance"))
    w.live(20.0)
    assert isinstance(phase(w), Paused)
    assert "maintenance" in view.overall(w.state, w.now)[1]
    w.feed(Resume(by="root"))
    w.live(5.0)
    assert isinstance(phase(w), Running)


def test_an_evicted_lease_gets_term_then_kill() -> None:
    w = world(CHAT, evict_grace=5.0)
    request = w.acquire(1, Claim())
    w.live(1.0)
    w.feed(EvictLease(lease_id=request.id, by="root"))
    assert w.terminated == [request.id]
    w.pass_time(6.0)
    assert len(w.terminated) == 2
    assert request.id in w.state.leases, "it stands while its processes live"


def test_limits_end_a_lease_in_time_unless_it_is_extended() -> None:
    w = world(CHAT, limits=Limits(hold_seconds=100.0, extension_seconds=50.0))
    request = w.acquire(1, Claim())
    w.live(1.0)
    lease = w.state.leases[request.id]
    assert why_not_longer(w.state, lease, 60.0, owner=True)
    assert why_not_longer(w.state, lease, 60.0, owner=False) is None
    assert why_not_longer(w.state, lease, 50.0, owner=True) is None
    w.feed(Extend(lease_id=request.id, seconds=50.0, owner=True))
    assert why_not_longer(w.state, w.state.leases[request.id], 1.0, owner=True)
    w.pass_time(120.0)
    assert not w.terminated
    w.pass_time(40.0)
    assert w.terminated


@pytest.mark.parametrize("busy", [True, False])
def test_an_idle_lease_is_warned_about_and_reclaimed(busy: bool) -> None:
    w = world(CHAT, limits=Limits(idle_after=10.0, idle_reclaim=30.0))
    request = w.acquire(1, Claim())
    w.live(1.0)
    if busy:
        w.rogues[900] = ("GPU-0", GIB, w.now)
    w.live(12.0)
    lease = w.state.leases[request.id]
    assert (lease.idle_since is None) == busy
    assert ("idle" in lease.warned) != busy
    w.live(30.0)
    assert bool(w.terminated) != busy


def test_unknown_is_not_idle() -> None:
    w = world(CHAT, limits=Limits(idle_after=1.0, idle_reclaim=3.0))
    request = w.acquire(1, Claim())
    w.live(1.0)
    w.readable = False
    w.live(20.0)
    assert not w.terminated
    assert request.id in w.state.leases


def test_a_service_waits_for_its_memory_rather_than_fail_at_its_start() -> None:
    w = world(CHAT)
    request = w.acquire(1, Claim())
    w.live(1.0)
    w.rogues[900] = ("GPU-0", 70 * GIB, w.now)
    w.end_lease(request.id)
    w.begin_reading()
    w.finish_reading()
    w.feed(Resume(by="root"))  # accepts the rogue, and all that follows
    assert w.orders["chat"], "an admin's word counts"


def test_a_new_config_keeps_what_is_paused_and_takes_up_what_is_new() -> None:
    w = world(CHAT)
    w.acquire(1, Claim())
    w.live(1.0)
    changed = ServiceSettings(name="chat", gpus=("0",), supervised=True, may_keep_bytes=1)
    w.feed(Reload(settings=Settings(resume_delay=9.0, services=(changed,))))
    assert isinstance(phase(w), Paused)
    assert w.state.settings.resume_delay == 9.0


@pytest.mark.parametrize("leased", [True, False])
def test_stopping_brings_inference_back_unless_a_lease_lives(leased: bool) -> None:
    unit = ServiceSettings(name="chat", gpus=("0",))
    w = world(unit)
    request = w.acquire(1, Claim())
    w.live(1.0)
    if not leased:
        w.end_lease(request.id)
    w.feed(Shutdown())
    if leased:
        assert machine.settled(w.state)
        assert not w.servers["chat"].up
    else:
        assert not machine.settled(w.state)
        w.finish_order("chat")
        assert machine.settled(w.state)
        assert w.servers["chat"].up


def test_a_restart_takes_up_the_lease_and_the_pause() -> None:
    w = world(CHAT)
    request = w.acquire(1, Claim())
    w.live(1.0)
    w.restart()
    w.live(5.0)
    assert request.id in w.state.leases
    assert isinstance(phase(w), Paused)
    w.end_lease(request.id)
    w.live(5.0)
    assert isinstance(phase(w), Running)


SLEEPER = ServiceSettings(name="chat", gpus=("0",), ladder=(Rung.SLEEP, Rung.STOP))


def settled_for(w: World, seconds: float) -> None:
    """Readings come and time goes by, but no driver's call returns."""
    end = w.now + seconds
    while w.now < end:
        w.begin_reading()
        w.finish_reading()
        w.pass_time(0.25)


def test_what_slept_before_a_rung_failed_is_woken_when_nobody_claims_any_more() -> None:
    w = world(SLEEPER)
    w.feed(Pause(by="root", reason="r"))
    w.finish_order("chat", lingers=True)  # asleep, but its memory does not come free
    assert w.servers["chat"].asleep
    settled_for(w, 6.0)
    assert isinstance(phase(w), Evicting) and phase(w).rung is Rung.STOP  # type: ignore[attr-defined]
    w.feed(Resume(by="root"))
    w.finish_order("chat", works=False)  # it would not stop: up, and still asleep
    w.live(20.0)
    assert isinstance(phase(w), Running) and not w.servers["chat"].asleep


def test_a_sleeper_that_would_not_wake_is_woken_again() -> None:
    w = world(SLEEPER)
    w.feed(Pause(by="root", reason="r"))
    w.live(3.0)
    w.feed(Resume(by="root"))
    settled_for(w, 4.0)
    w.finish_order("chat", works=False)
    assert isinstance(phase(w), Failed)
    settled_for(w, 1.0)
    assert isinstance(phase(w), Failed), "that it is up says nothing: it sleeps"
    w.live(20.0)
    assert isinstance(phase(w), Running) and not w.servers["chat"].asleep
