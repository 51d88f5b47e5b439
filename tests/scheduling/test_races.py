"""The races between a lease and what really runs, one by one: each could make a job run twice."""

from collections.abc import Generator

import pytest
from tests.scheduling.world import Attempt, SimNode, World

from sentinel.core.job import IfLost, JobState
from sentinel.core.node import NodeState


@pytest.fixture
def world() -> Generator[World]:
    found = World(SimNode(id="a", gpus=1), SimNode(id="b", gpus=1))
    yield found
    found.close()


def quiet(world: World, seconds: float) -> None:
    """Node a says nothing for that long; b and the loop go on."""
    until = world.now + seconds
    while world.now < until:
        world.pass_time(5.0)
        world.talk(world.nodes["b"])
        world.loop.step()
        world.check()


def launch(world: World, **spec: object) -> tuple[str, SimNode, Attempt]:
    """A job that its node has been told to begin."""
    id = world.submit(**spec)
    world.loop.step()
    a = world.nodes["a"]
    assert world.job(id).node == "a"
    world.ask(a)
    world.answer(a)
    world.deliver_poll(a)
    return id, a, next(iter(a.attempts.values()))


def run(world: World, **spec: object) -> tuple[str, SimNode, Attempt]:
    """A job that runs, and whose node has said so."""
    id, a, attempt = launch(world, **spec)
    for _ in range(2):
        world.grow(a, attempt, 0)
    world.talk(a)
    assert world.job(id).state is JobState.RUNNING
    return id, a, attempt


def test_a_beat_that_was_overtaken_by_a_report_says_nothing_of_that_job(world: World) -> None:
    world.beat(world.nodes["a"])
    id, a, attempt = launch(world)
    for _ in range(2):
        world.grow(a, attempt, 0)
    world.send(a)
    world.deliver_batch(a, a.batches.pop(), answered=True)
    world.deliver_beat(a, a.beats.pop(0), answered=True)
    assert world.job(id).state is JobState.RUNNING
    world.check()


def test_an_allocated_job_may_begin_after_a_beat_that_did_not_name_it(world: World) -> None:
    """Its GPU is still with the one before, so the agent holds it off."""
    first, a, attempt = run(world)
    world.grow(a, attempt, 0)
    world.send(a)
    world.deliver_batch(a, a.batches.pop(), answered=False)
    second = world.submit(node="a")
    world.loop.step()
    attempt.phase = "stopping"  # its group still dies, as far as the agent knows
    world.ask(a)
    world.answer(a)
    world.deliver_poll(a)
    assert len(a.attempts) == 1
    attempt.phase = "exited"
    world.ask(a)
    world.answer(a)
    world.beat(a)
    world.deliver_beat(a, a.beats.pop(), answered=True)
    assert world.job(second).state is JobState.ALLOCATED
    world.deliver_poll(a)
    assert world.job(first).state is JobState.SUCCEEDED
    world.check()


def test_a_fenced_job_has_its_grace(world: World) -> None:
    id, a, attempt = run(world, if_lost=IfLost.FENCE, grace=30.0)
    a.reachable = False
    quiet(world, 75.0)
    assert world.job(id).state is JobState.LOST
    assert attempt.phase == "stopping"
    quiet(world, 20.0)
    assert world.job(id).state is JobState.LOST
    quiet(world, 15.0)
    assert world.job(id).state is not JobState.LOST
    assert attempt.phase == "gone"


def test_a_fenced_job_that_was_launched_in_the_last_moment_is_waited_for(world: World) -> None:
    id = world.submit(if_lost=IfLost.FENCE, grace=0.0)
    world.loop.step()
    a = world.nodes["a"]
    quiet(world, 65.0)
    world.ask(a)
    world.answer(a)  # ALLOCATED still; the answer is on its way for long
    quiet(world, 50.0)
    assert world.job(id).state is JobState.LOST
    world.deliver_poll(a)
    (attempt,) = a.attempts.values()
    world.grow(a, attempt, 0)
    a.reachable = False
    quiet(world, 20.0)
    assert not attempt.live, "its fence was counted from when the agent asked"
    quiet(world, 200.0)
    assert world.job(id).node == "b"


def test_a_job_that_its_node_never_began_is_lost_first_and_queued_when_the_node_says_what_it_has(
    world: World,
) -> None:
    """Straight from ALLOCATED to QUEUED would not do: the agent may have asked a moment before."""
    id = world.submit()
    world.loop.step()
    a = world.nodes["a"]

    def beat() -> None:
        world.beat(a)
        world.deliver_beat(a, a.beats.pop(), answered=True)

    for _ in range(6):
        world.pass_time(10.0)
        beat()
        world.loop.step()
        assert world.job(id).state is JobState.ALLOCATED
    world.ask(a)
    world.answer(a)
    for _ in range(2):
        world.pass_time(10.0)
        beat()
        world.loop.step()
    assert world.job(id).state is JobState.LOST
    assert world.job(id).reason == "a has not begun it in time"
    beat()
    assert world.job(id).state is JobState.LOST, "the agent has not heard of that yet"
    world.deliver_poll(a)
    beat()
    assert world.job(id).state is JobState.LOST, "it was ALLOCATED when it asked, and began"
    assert len(a.attempts) == 1
    world.check()


def test_a_job_that_is_nowhere_goes_back_to_the_queue(world: World) -> None:
    id = world.submit()
    world.loop.step()
    a = world.nodes["a"]
    a.reachable = False
    quiet(world, 75.0)
    assert world.job(id).state is JobState.LOST
    a.reachable = True
    world.talk(a)
    job = world.job(id)
    assert (job.state, job.reason) == (JobState.QUEUED, "a is heard of, and does not have it")


def test_a_lost_job_runs_again_when_its_node_names_it(world: World) -> None:
    id, a, _ = run(world)
    a.reachable = False
    quiet(world, 45.0)
    assert world.mirror.nodes["a"].state is NodeState.SILENT
    quiet(world, 40.0)
    assert world.job(id).state is JobState.LOST
    a.reachable = True
    world.beat(a)
    world.deliver_beat(a, a.beats.pop(), answered=True)
    assert world.job(id).state is JobState.RUNNING
    world.loop.step()
    assert world.mirror.nodes["a"].state is NodeState.UP
    world.check()


def test_an_agent_that_cannot_ask_its_supervisor_loses_no_job(world: World) -> None:
    id, a, attempt = run(world)
    a.asks = False
    for _ in range(30):
        world.pass_time(5.0)
        world.talk(a)
        world.loop.step()
        world.check()
    assert world.job(id).state is JobState.LOST
    assert world.job(id).reason == "a is heard of, but cannot say whether it runs"
    world.grow(a, attempt, 3)
    a.reconnect()
    world.talk(a)
    job = world.job(id)
    assert (job.state, job.exit_code) == (JobState.FAILED, 3)


def test_a_node_that_reboots_has_its_jobs_queued_again_and_one_that_keeps_failed(world: World) -> None:
    id, a, _ = run(world, priority=1)
    a.power_off()
    a.power_on(wiped=False)
    world.talk(a)
    job = world.job(id)
    assert (job.state, job.reason) == (JobState.QUEUED, "the machine was restarted")
    kept, a, _ = run(world, if_lost=IfLost.KEEP, priority=2)
    a.power_off()
    a.power_on(wiped=True)
    world.talk(a)
    world.talk(a)
    job = world.job(kept)
    assert (job.state, job.exit_code) == (JobState.FAILED, None)
    assert "how it ended is not known" in job.reason


def test_a_loop_that_was_restarted_gives_every_lease_a_fresh_time(world: World) -> None:
    id, a, _ = run(world)
    a.reachable = False
    quiet(world, 60.0)
    world.boot_loop()
    quiet(world, 60.0)
    assert world.job(id).state is JobState.RUNNING
    quiet(world, 15.0)
    assert world.job(id).state is JobState.LOST


def test_the_epochs_clock_decides_nothing(world: World) -> None:
    id, a, _ = run(world)
    for jump in (1e7, -3e7, 1e7):
        world.epoch += jump
        world.talk(a)
        world.loop.step()
        assert world.job(id).state is JobState.RUNNING
    a.reachable = False
    world.epoch -= 1e6
    quiet(world, 75.0)
    assert world.job(id).state is JobState.LOST


def test_what_an_admin_says_frees_a_job_and_what_is_said_of_it_later_is_fenced(world: World) -> None:
    id, a, attempt = run(world)
    with pytest.raises(AssertionError):
        world.declare_dead(a)
    a.power_off()
    quiet(world, 40.0)
    assert world.declare_dead(a)
    assert world.job(id).state is JobState.QUEUED
    assert "root declared a dead: it has no power" in world.job(id).reason
    world.loop.step()
    assert world.job(id).node == "b"
    a.power_on(wiped=False)
    world.talk(a)
    assert attempt.token not in a.attempts
    assert world.job(id).node == "b"
    world.check()


# ------------------------------------------------------------------ a restored backup


def test_after_a_restore_an_attempt_that_runs_is_found_and_not_run_again(world: World) -> None:
    id = world.submit()
    world.backup()
    world.loop.step()
    a = world.nodes["a"]
    for _ in range(3):
        world.talk(a)
        for attempt in a.attempts.values():
            if attempt.phase != "running":
                world.grow(a, attempt, 0)
    assert world.job(id).state is JobState.RUNNING
    world.restore()
    assert world.job(id).state is JobState.QUEUED
    world.loop.step()
    assert world.job(id).state is JobState.QUEUED, "nothing is placed until both nodes were heard of"
    world.talk(a)
    world.talk(a)
    job = world.job(id)
    assert (job.state, job.attempt, job.gpus) == (JobState.RUNNING, 1, ("a-0",))
    world.check()
    other = world.submit()
    world.live(5.0)
    assert world.job(other).node == "b"
    world.finish()


def test_after_a_restore_nodes_that_stay_away_are_waited_for_two_minutes(world: World) -> None:
    world.backup()
    world.restore()
    id = world.submit()
    world.nodes["b"].reachable = False
    world.live(100.0)
    assert world.job(id).state is JobState.QUEUED
    world.live(25.0)
    assert world.job(id).state is not JobState.QUEUED
    world.boot_loop()
    assert not world.mirror.hold
    second = world.submit()
    world.live(3.0)
    assert world.job(second).node is None, "a is busy, and b is silent: but not for the hold"
    assert not world.mirror.hold
