"""Nobody waits for a source longer than said, and one that hangs is not asked again meanwhile."""

import threading

from sentinel.core.clock import boottime
from sentinel.core.errors import SourceAbsent, SourceUnknown
from sentinel.inventory.asking import Asked, Question
from sentinel.inventory.observation import Absent, Seen, Unknown


def raising(error: Exception) -> None:
    raise error


def test_an_answer() -> None:
    assert Asked("x", lambda: 3).answer(boottime() + 5) == Seen(3)


def test_no_such_source_and_no_answer_are_two_things() -> None:
    soon = boottime() + 5
    assert Asked("x", lambda: raising(SourceAbsent("none here"))).answer(soon) == Absent("none here")
    assert Asked("x", lambda: raising(SourceUnknown("it is down"))).answer(soon) == Unknown("it is down")


def test_a_defect_in_a_source_is_unknown_and_named() -> None:
    answer = Asked("x", lambda: raising(KeyError("gone"))).answer(boottime() + 5)
    assert isinstance(answer, Unknown) and "KeyError" in answer.why


def test_a_source_that_hangs_is_unknown_and_left_alone() -> None:
    release, calls = threading.Event(), list[int]()

    def hang() -> str:
        calls.append(1)
        assert release.wait(10)
        return "at last"

    question = Question("x", hang)
    answer = question.ask().answer(boottime())
    assert isinstance(answer, Unknown) and "no answer" in answer.why
    assert isinstance(question.ask().answer(boottime()), Unknown)
    assert len(calls) == 1
    release.set()
    assert question.ask().answer(boottime() + 5) == Seen("at last")
    assert question.ask().answer(boottime() + 5) == Seen("at last")
    assert len(calls) == 2
