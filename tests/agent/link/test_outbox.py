"""What waits to be told: in order, once each, and nothing for ever."""

import threading
import time

from tests.agent.link.wants import attempt

from sentinel.agent.link.attempt import Phase
from sentinel.agent.link.outbox import RARELY, Outbox
from sentinel.agent.link.report import Report, leftover, report_of


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def told(job: str, phase: Phase, **more: object) -> Report:
    return report_of(attempt(job, phase, **more))


def test_in_order_and_kept_until_it_is_settled() -> None:
    outbox = Outbox(Clock())
    reports = [told("a", Phase.RUNNING), told("b", Phase.RUNNING), told("a", Phase.EXITED)]
    outbox.put(reports)
    assert outbox.take(10) == reports
    assert outbox.take(2) == reports[:2], "nothing was settled"
    outbox.settle(reports[:2])
    assert outbox.take(10) == reports[2:]


def test_a_newer_one_takes_the_place_of_one_that_is_on_its_way() -> None:
    outbox = Outbox(Clock())
    old, new = told("a", Phase.WAITING, why="eve"), told("a", Phase.WAITING, why="mallory")
    outbox.put([old])
    assert outbox.take(10) == [old]
    outbox.put([new])
    outbox.settle([old])
    assert outbox.take(10) == [new], "what was answered was the old one"


def test_flapping_does_not_make_it_grow() -> None:
    outbox = Outbox(Clock())
    for number in range(100):
        outbox.put([told("a", Phase.WAITING, why=str(number))])
    assert [one.body["why"] for one in outbox.take(1000)] == ["99"]


def test_remarks_about_two_processes_are_two() -> None:
    outbox = Outbox(Clock())
    one = attempt(phase=Phase.EXITED)
    outbox.put([leftover(one, "g", 1, ""), leftover(one, "g", 2, "")])
    assert len(outbox.take(10)) == 2


def test_strays_are_told_again_rarely() -> None:
    clock = Clock()
    outbox = Outbox(clock)
    stray, other = told("a", Phase.RUNNING), told("b", Phase.RUNNING)
    outbox.put([stray])
    outbox.settle([], [stray])
    assert outbox.pending("t-a")
    outbox.put([other])
    assert outbox.take(10) == [other]
    clock.now += RARELY
    assert outbox.take(10) == [other, stray]


def test_a_start_alone_waits_a_moment_for_the_run() -> None:
    outbox = Outbox(Clock())
    start, run = told("a", Phase.STARTING), told("a", Phase.RUNNING)
    outbox.put([start])
    threading.Timer(0.0005, lambda: outbox.put([run])).start()
    began = time.monotonic()
    found = outbox.take(10)
    assert found in ([start, run], [start])
    assert time.monotonic() - began < 1.0, "and never for long"


def test_whoever_takes_is_woken_and_let_go() -> None:
    outbox = Outbox(Clock())
    found: list[list[Report]] = []
    thread = threading.Thread(target=lambda: found.append(outbox.take(10)))
    thread.start()
    outbox.close()
    thread.join(5.0)
    assert found == [[]]
