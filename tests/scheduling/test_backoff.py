"""How long a job waits after its node refused it, or after it failed and is tried again."""

from tests.scheduling.cluster import job

from sentinel.core.job import JobState
from sentinel.scheduling.backoff import Backoff, wait_after


def test_it_doubles_from_five_seconds_to_five_minutes() -> None:
    assert [wait_after(n) for n in (0, 1, 2, 3, 6, 7, 8, 5000)] == [0, 5, 10, 20, 160, 300, 300, 300]


def test_a_refused_job_rests_from_when_it_was_seen() -> None:
    b = Backoff()
    b.see([job("j", refusals=2, attempt=2), job("fresh")], 100.0)
    assert list(b.resting) == ["j"]
    assert b.next() == 110.0
    assert not b.wake(109.9)
    assert b.wake(110.0)
    assert not b.resting
    assert b.next() is None


def test_told_again_it_does_not_wait_longer_nor_again() -> None:
    b = Backoff()
    refused = job("j", refusals=1, attempt=1)
    b.see([refused], 100.0)
    b.see([refused], 104.0)
    assert b.wake(105.0)
    b.see([refused], 106.0)
    assert not b.resting
    b.see([job("j", refusals=2, attempt=2)], 107.0)
    assert b.next() == 117.0


def test_a_job_that_leaves_the_queue_rests_no_more() -> None:
    b = Backoff()
    b.see([job("j", refusals=1, attempt=1)], 100.0)
    b.see([job("j", state=JobState.CANCELED, refusals=1, attempt=1)], 101.0)
    assert not b.resting
    assert not b.wake(200.0)
    assert b.next() is None


def test_a_refusal_sooner_than_an_old_alarm_keeps_its_own_time() -> None:
    b = Backoff()
    b.see([job("j", refusals=1, attempt=1)], 100.0)
    b.see([job("j", refusals=2, attempt=2)], 102.0)
    assert not b.wake(105.0)
    assert "j" in b.resting
    assert b.wake(112.0)


def test_a_job_that_failed_rests_after_each_failure() -> None:
    b = Backoff()
    b.see([job("j", failures=1, attempt=1)], 100.0)
    assert b.next() == 105.0
    assert b.wake(105.0)
    b.see([job("j", state=JobState.RUNNING, failures=1, attempt=2)], 110.0)
    b.see([job("j", failures=2, attempt=2)], 120.0)
    assert b.resting == {"j": 130.0}


def test_what_was_rested_after_is_not_rested_after_again() -> None:
    """It made room, or its node rebooted."""
    b = Backoff()
    b.see([job("j", failures=3, attempt=3)], 100.0)
    assert b.wake(120.0)
    b.see([job("j", state=JobState.RUNNING, failures=3, attempt=4)], 130.0)
    b.see([job("j", failures=3, preemptions=1, attempt=4)], 140.0)
    assert not b.resting
    b.see([job("j", failures=3, refusals=1, attempt=5)], 150.0)
    assert b.resting == {"j": 155.0}


def test_an_ended_job_is_forgotten() -> None:
    b = Backoff()
    b.see([job("j", failures=1, attempt=1)], 100.0)
    b.see([job("j", state=JobState.FAILED, failures=1, attempt=2)], 101.0)
    assert not b.resting
    b.see([job("j", failures=1, attempt=3)], 102.0)
    assert b.resting == {"j": 107.0}
