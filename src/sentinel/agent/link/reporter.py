"""The thread that tells the controller what became of attempts, in order, until it has heard.

Started by the link. One request at a time; what gathers meanwhile goes with the next.
"""

import threading
from collections.abc import Callable, Sequence

from sentinel.agent.link.backoff import Backoff
from sentinel.agent.link.controller import Controller, ended
from sentinel.agent.link.outbox import Outbox
from sentinel.agent.link.reach import Reach
from sentinel.agent.link.report import Report, Verdict
from sentinel.core.errors import ApiError, ApiUnavailable, ProtocolError, SentinelError
from sentinel.core.notify import Journal

MOST = 500
"""Reports in one request: it stays well under the longest body that is taken."""
_NEVER = (400, 409, 413, 422)
"""Answers to a request that will not be taken the next time either."""

Settled = Callable[[Sequence[tuple[Report, Verdict]]], None]


class Reporter:
    """`settled` gets what the controller said, in this thread."""

    def __init__(
        self,
        controller: Controller,
        outbox: Outbox,
        settled: Settled,
        reach: Reach,
        journal: Journal,
        backoff: Backoff | None = None,
    ) -> None:
        self._controller, self._outbox, self._settled = controller, outbox, settled
        self._reach, self._journal = reach, journal
        self._backoff = backoff or Backoff()
        self._most = MOST
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="link-reports", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Ends the thread within a moment. What is not told yet is in the supervisor's records."""
        self._stop.set()
        self._outbox.close()
        ended(self._thread, self._controller)

    def _run(self) -> None:
        while not self._stop.is_set():
            batch = self._outbox.take(self._most)
            if batch:
                self._tell(batch)
        self._controller.close()

    def _tell(self, batch: Sequence[Report]) -> None:
        try:
            verdicts = self._controller.report([one.body for one in batch])
            if len(verdicts) != len(batch):
                raise ProtocolError(
                    f"the controller answered {len(verdicts)} of {len(batch)} reports; is it another version?"
                )
        except SentinelError as error:
            if self._stop.is_set():
                return
            if _will_never_do(error):
                self._set_aside(batch, error)
            else:
                self._stop.wait(self._reach.failed("reports", error, self._backoff))
            return
        self._most = MOST
        self._backoff.reset()
        self._reach.worked("reports")
        self._settled(list(zip(batch, verdicts, strict=True)))

    def _set_aside(self, batch: Sequence[Report], error: SentinelError) -> None:
        """One of these cannot be told. It must not stand in the way of all others: it is found by halves."""
        if len(batch) > 1:
            self._most = len(batch) // 2
            return
        (report,) = batch
        self._journal.write(
            "error", f"job {report.body['job']}: the controller does not take {report.kind}: {error.message}"
        )
        self._outbox.settle((), [report])
        self._most = MOST


def _will_never_do(error: SentinelError) -> bool:
    return isinstance(error, ApiError) and not isinstance(error, ApiUnavailable) and error.status in _NEVER
