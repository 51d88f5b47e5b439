"""The thread that ships the output of jobs: at once where somebody reads it, else each second, the rest last.

Started by the link. The node's own file stays where it is, so nothing is lost while the controller is away. A
log that is empty when its job ends costs no request: without one the controller takes it as complete.
"""

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from sentinel.agent.link.attempt import Attempt
from sentinel.agent.link.backoff import Backoff
from sentinel.agent.link.controller import Controller, ended
from sentinel.agent.link.log_file import log_path, piece_at, size_of
from sentinel.agent.link.reach import Reach
from sentinel.core.errors import ApiError, ApiUnavailable, SentinelError
from sentinel.core.notify import Journal

EVERY = 1.0
FOLLOWED = 0.03
_PIECES = 16
"""Of one log in a row: then it is another's turn."""
_NEVER = (400, 404, 409, 410, 413, 422)
"""Answers about one log that will be the same the next time: what is left of it stays here."""
_NOT_OURS = "forbidden"
"""The kind of a 403 that is about the log, not about this node."""


@dataclass(slots=True)
class _Log:
    """`offset` None: what the controller has is not known. `ended`: it grows no more."""

    token: str
    job: str
    attempt: int
    path: Path
    offset: int | None
    ended: bool = False


class LogShipper:
    """Implements executor.Logs. `began`, `ended` and `follow` from any thread."""

    def __init__(
        self,
        folder: Path,
        controller: Controller,
        reach: Reach,
        journal: Journal,
        now: Callable[[], float],
        *,
        every: float = EVERY,
        followed: float = FOLLOWED,
        backoff: Backoff | None = None,
    ) -> None:
        """`now` is boot time."""
        self._folder, self._controller, self._reach, self._journal = folder, controller, reach, journal
        self._now, self._every, self._followed_every = now, every, followed
        self._backoff = backoff or Backoff()
        self.shipped: Callable[[str], None] = lambda _: None
        """Told the token of an attempt once all of its output has arrived, or never will."""
        self._condition = threading.Condition()
        self._logs: dict[str, _Log] = {}
        self._followed: frozenset[str] = frozenset()
        self._urgent = False
        self._asleep = False  # until somebody says so: there is nothing to look at
        self._stopping = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="link-logs", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Ends the thread within a moment."""
        self._stop.set()
        with self._condition:
            self._stopping = True
            self._condition.notify()
        ended(self._thread, self._controller)

    def began(self, attempt: Attempt, *, new: bool) -> None:
        with self._condition:
            if attempt.token not in self._logs:
                self._logs[attempt.token] = _Log(
                    token=attempt.token,
                    job=attempt.job,
                    attempt=attempt.attempt,
                    path=log_path(self._folder, attempt.job, attempt.attempt),
                    offset=0 if new else None,
                )
                if self._asleep or attempt.job in self._followed:
                    self._condition.notify()  # it sleeps for longer than this one may wait

    def ended(self, token: str) -> bool:
        with self._condition:
            log = self._logs.get(token)
            if log is None:
                return True
            if log.offset in (0, None) and size_of(log.path) == 0:
                del self._logs[token]
                return True
            log.ended = self._urgent = True
            self._condition.notify()
            return False

    def follow(self, jobs: Collection[str]) -> None:
        """Somebody reads the logs of these jobs now."""
        with self._condition:
            new = frozenset(jobs)
            if not new <= self._followed:
                self._urgent = True
                self._condition.notify()
            self._followed = new

    # ------------------------------------------------------------------ the thread

    def _run(self) -> None:
        looked_at = float("-inf")
        while True:
            with self._condition:
                if not self._urgent and not self._stopping:
                    pause = self._pause(looked_at)
                    self._asleep = pause is None
                    self._condition.wait(pause)
                    self._asleep = False
                if self._stopping:
                    break
                urgent, self._urgent = self._urgent, False
                whole = self._now() - looked_at >= self._every
                due = [log for log in self._logs.values() if whole or log.ended or log.job in self._followed]
            if whole:
                looked_at = self._now()
            if not due and not urgent:
                continue
            try:
                for log in due:
                    self._ship(log)
            except SentinelError as error:
                if self._stop.is_set():
                    break
                self._stop.wait(self._reach.failed("logs", error, self._backoff))
                with self._condition:
                    self._urgent = True
                continue
            if due:
                self._backoff.reset()
                self._reach.worked("logs")
        self._controller.close()

    def _pause(self, looked_at: float) -> float | None:
        """Seconds until there is something to look at; None: until somebody says so."""
        if not self._logs:
            return None
        if any(log.job in self._followed for log in self._logs.values()):
            return self._followed_every
        return max(0.0, looked_at + self._every - self._now())

    def _ship(self, log: _Log) -> None:
        """What there is of it now, but not too much of it in a row."""
        ended = log.ended
        try:
            if log.offset is None and size_of(log.path):
                log.offset = self._controller.log(log.job, log.attempt, 0, b"", complete=False)
            for _ in range(_PIECES):
                if self._ship_piece(log, ended=ended):
                    return
        except ApiUnavailable:
            raise
        except ApiError as error:
            if error.status not in _NEVER and not (error.status == 403 and error.kind == _NOT_OURS):
                raise
            self._journal.write(
                "warning",
                f"job {log.job}: the controller does not take its output ({error.message}); "
                f"it stays in {log.path}",
            )
            self._over(log)
            return
        with self._condition:
            self._urgent = True  # there is more

    def _ship_piece(self, log: _Log, *, ended: bool) -> bool:
        """Sends the next piece; True when there is no more for now."""
        offset = log.offset or 0
        piece = piece_at(log.path, offset)
        if piece is None:
            if ended:
                self._over(log)
            return True
        last = ended and piece.end >= piece.size
        if not piece.data and not last:
            return True
        start = piece.offset if piece.data else piece.end
        size = self._controller.log(log.job, log.attempt, start, piece.data, complete=last)
        if size < piece.end:
            # It has less than we thought (it was restored from a backup): on from there.
            going_back = size < offset
            log.offset = size
            if not going_back:
                raise SentinelError(
                    f"the controller keeps {size} bytes of job {log.job}'s output, and no more"
                )
            return False
        log.offset = max(size, piece.end) if piece.data else piece.end
        if last:
            self._over(log)
        return last

    def _over(self, log: _Log) -> None:
        with self._condition:
            self._logs.pop(log.token, None)
        self.shipped(log.token)
