"""Pauses between tries, and what is said of them."""

import io

from sentinel.agent.link.backoff import LONGEST, SHORTEST, SLOWLY, Backoff
from sentinel.agent.link.reach import Reach, Reluctance
from sentinel.core.errors import ApiError, ApiUnavailable
from sentinel.core.notify import Journal


def test_pauses_grow_up_to_a_limit_and_begin_anew() -> None:
    most, least = Backoff(draw=lambda: 1.0), Backoff(draw=lambda: 0.0)
    waits = [most.failed() for _ in range(10)]
    assert waits[0] == SHORTEST and waits[-1] == LONGEST and waits == sorted(waits)
    assert least.failed() == SHORTEST / 2
    most.reset()
    assert most.failed() == SHORTEST


def test_nodes_do_not_all_come_back_in_the_same_moment() -> None:
    backoff = Backoff()
    assert len({backoff.failed() for _ in range(20)}) == 20


def test_it_is_said_once_for_all_threads_and_once_when_it_is_over() -> None:
    written = io.StringIO()
    reach = Reach("https://c", Journal(written, "x"))
    away = ApiUnavailable("no controller answers at https://c: refused", hint="is `sentinel up` running?")
    for _ in range(3):
        assert reach.failed("beats", away, Backoff(draw=lambda: 1.0)) == SHORTEST
        reach.failed("reports", away, Backoff())
    assert written.getvalue().count("no controller answers") == 1
    assert "sentinel up" not in written.getvalue(), "that is for people at a command line"
    reach.worked("beats")
    assert "well again" not in written.getvalue()
    reach.worked("reports")
    reach.worked("reports")
    assert written.getvalue().count("well again") == 1


def test_a_stranger_tries_slowly_and_is_told_how_to_mend_it() -> None:
    written = io.StringIO()
    reach = Reach("https://c", Journal(written))
    assert reach.failed("beats", ApiError("removed", status=403), Backoff()) == SLOWLY
    assert "sentinel agent join https://c" in written.getvalue()
    assert reach.failed("beats", ApiError("overloaded", status=503), Backoff(draw=lambda: 1.0)) == SHORTEST


def test_before_it_has_joined_it_is_said_once() -> None:
    written, slept = io.StringIO(), list[float]()
    reluctance = Reluctance(Journal(written), slept.append)
    for _ in range(3):
        reluctance.heard(ApiUnavailable("nobody answers", hint="try"))
    assert written.getvalue().count("not joined yet: nobody answers") == 1
    assert len(slept) == 3 and slept[2] > slept[0]
