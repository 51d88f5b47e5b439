"""Asking something that may not answer: in a thread of its own, with a time limit for whoever waits.

Called by the scan. A driver of a sick card, a hung engine and a directory server that is away block for
minutes, and a thread that blocks in the kernel cannot be ended. So it is left behind, not asked again while
it is still busy, and what it was to find out is unknown.
"""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from sentinel.core.clock import boottime
from sentinel.core.errors import SentinelError, SourceAbsent
from sentinel.core.units import show_duration
from sentinel.inventory.observation import Absent, Answer, Seen, Unknown

T = TypeVar("T")


class Asked(Generic[T]):
    """A question that is being asked."""

    def __init__(self, name: str, call: Callable[[], T]) -> None:
        self._answer: Answer[T] | None = None
        self._done = threading.Event()
        self._began = boottime()
        self._name, self._call = name, call
        threading.Thread(target=self._run, name=f"ask-{name}", daemon=True).start()

    @property
    def busy(self) -> bool:
        """Not answered yet."""
        return not self._done.is_set()

    def answer(self, until: float) -> Answer[T]:
        """The answer, waited for until that boot time."""
        self._done.wait(max(0.0, until - boottime()))
        if self._answer is None:
            return Unknown(why=f"no answer within {show_duration(boottime() - self._began)}")
        return self._answer

    def _run(self) -> None:
        try:
            self._answer = Seen(value=self._call())
        except SourceAbsent as error:
            self._answer = Absent(why=error.message)
        except SentinelError as error:
            self._answer = Unknown(why=error.message)
        except Exception as error:  # noqa: BLE001 - a defect in one source must not blind the others
            self._answer = Unknown(why=f"a defect in Sentinel: {type(error).__name__}: {error}")
        finally:
            self._done.set()


class Question(Generic[T]):
    """A question that is asked again and again, by one thread, and never twice at the same time."""

    def __init__(self, name: str, call: Callable[[], T]) -> None:
        self._name, self._call = name, call
        self._asked: Asked[T] | None = None

    def ask(self) -> Asked[T]:
        """Asks, unless the last time is still going on: then that."""
        if self._asked is None or not self._asked.busy:
            self._asked = Asked(self._name, self._call)
        return self._asked
