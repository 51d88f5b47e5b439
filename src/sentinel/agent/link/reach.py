"""How well the controller can be reached, said in the journal once for each change. Used by all threads."""

import threading
import time
from collections.abc import Callable

from sentinel.agent.link.backoff import SLOWLY, Backoff
from sentinel.core.errors import ApiUnavailable, SentinelError
from sentinel.core.notify import Journal


class Reach:
    """Thread-safe."""

    def __init__(self, url: str, journal: Journal, amiss: Callable[[], str] = str) -> None:
        """`amiss` says what is wrong with this node's certificate; empty when nothing is."""
        self._url, self._journal, self._amiss = url, journal, amiss
        self._lock = threading.Lock()
        self._said: dict[str, str] = {}  # by the thread's name

    def failed(self, who: str, error: SentinelError, backoff: Backoff) -> float:
        """The thread `who` did not get through: seconds until it should try again."""
        wait = backoff.failed()
        stranger = getattr(error, "status", None) in (401, 403)
        with self._lock:
            if stranger:
                text = (
                    f"this controller does not know this node any more ({error.message}); what runs goes on. "
                    f"To mend it: sentinel agent join {self._url} --token T"
                )
            elif isinstance(error, ApiUnavailable) and (why := self._amiss()):
                text = f"{why} (what runs goes on)"
            elif isinstance(error, ApiUnavailable):
                text = f"{plain(error)}; what runs goes on, and this is tried until it answers"
            else:
                text = f"{who}: {error.message}"
            if text not in self._said.values():
                self._journal.write("warning", text)
            self._said[who] = text
        return max(wait, SLOWLY) if stranger else wait

    def worked(self, who: str) -> None:
        """The thread `who` got through."""
        if not self._said:
            return
        with self._lock:
            if self._said.pop(who, None) is not None and not self._said:
                self._journal.write("info", f"{self._url}: all is well again")


def plain(error: SentinelError) -> str:
    """Its message without what people at a command line are to do."""
    hint = error.hint if isinstance(error, ApiUnavailable) else ""
    return error.message.removesuffix(f" ({hint})")


class Reluctance:
    """A controller that is waited for before anything else can begin: said once, tried with ever longer
    pauses."""

    def __init__(self, journal: Journal, sleep: Callable[[float], None] = time.sleep) -> None:
        self._journal, self._sleep = journal, sleep
        self._backoff = Backoff()
        self._said = ""

    def heard(self, error: SentinelError) -> None:
        """Why it does not work yet. Returns when it is time to try again."""
        if error.message != self._said:
            self._said = error.message
            self._journal.write("warning", f"not joined yet: {plain(error)}")
        self._sleep(self._backoff.failed())
