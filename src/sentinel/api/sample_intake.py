"""The one door to the history for what agents measured. Used by `sample_routes`.

A thousand nodes tell of their open minute every ten seconds. What comes within a moment is kept together,
with one flush to the disk, on a thread of its own: nothing of it, the unpacking included, is done on the
event loop. Each request is answered when what it brought is on the disk.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from sentinel.api.problems import Problem
from sentinel.core.errors import ProtocolError, SentinelError
from sentinel.core.sample_batch import Batch, decode
from sentinel.ports.history import History

GATHER = 0.05
"""Seconds that the first of a group waits for others."""
MOST_TOGETHER = 64
MOST_WAITING = 2048
MOST_BYTES = 64 * 2**20  # of all that wait


@dataclass(slots=True)
class _Told:
    """What a request brought. The answer: whether the samples are kept elsewhere, and not here."""

    node: str
    raw: bytes
    answer: "asyncio.Future[bool]" = field(repr=False)


class SampleIntake:
    """For one event loop, whose threads may go on for a moment after it has ended."""

    def __init__(self, history: History, *, gather: float = GATHER, most_waiting: int = MOST_WAITING) -> None:
        self._history, self._gather, self._most_waiting = history, gather, most_waiting
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="api-samples")
        self._waiting: deque[_Told] = deque()
        self._suspects: deque[_Told] = deque()
        self._bytes = 0
        self._busy = False
        self._timer: asyncio.TimerHandle | None = None

    async def keep(self, node: str, raw: bytes) -> bool:
        """Once it is on the disk: whether it is kept elsewhere. `node`: the name of the node that told it.
        ProtocolError when it is no batch of that node; Problem 503 when it cannot be kept now."""
        if len(self._waiting) >= self._most_waiting or self._bytes + len(raw) > MOST_BYTES:
            raise _not_now("too many nodes tell of samples at once", seconds=5)
        told = _Told(node, raw, asyncio.get_running_loop().create_future())
        self._waiting.append(told)
        self._bytes += len(raw)
        self._plan()
        return await told.answer

    # ------------------------------------------------------------------ on the event loop

    def _plan(self) -> None:
        if self._busy:
            return
        if len(self._waiting) >= MOST_TOGETHER:
            self._go()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._gather, self._go)

    def _go(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        group = self._next()
        if not group:
            return
        self._busy = True
        job = asyncio.get_running_loop().run_in_executor(self._executor, self._keep, group)
        job.add_done_callback(lambda done: self._kept(group, done))

    def _next(self) -> list[_Told]:
        if self._suspects:
            return [self._suspects.popleft()]
        group: list[_Told] = []
        while self._waiting and len(group) < MOST_TOGETHER:
            told = self._waiting.popleft()
            self._bytes -= len(told.raw)
            if not told.answer.done():  # else the request was given up
                group.append(told)
        return group

    def _kept(self, group: Sequence[_Told], done: "asyncio.Future[list[bool | Exception]]") -> None:
        self._busy = False
        defect = None if done.cancelled() else done.exception()
        if defect is None and not done.cancelled():
            for told, found in zip(group, done.result(), strict=True):
                _answer(told, found)
        elif defect is not None and len(group) > 1:
            self._suspects += group  # a defect of ours that one of them meets: not everybody's trouble
        else:
            for told in group:
                _answer(told, defect or _not_now("the controller is being stopped", seconds=1))
        self._go()

    # ------------------------------------------------------------------ on the thread

    def _keep(self, group: Sequence[_Told]) -> list[bool | Exception]:
        """What to answer to each."""
        found = [_batch(told) for told in group]
        batches = [one for one in found if isinstance(one, Batch)]
        outcome: bool | Exception = False
        if batches:
            try:
                outcome = self._history.append(batches).elsewhere > 0
            except SentinelError as error:
                # Whatever it is, it is no fault of the node's: it is to keep them and tell them again.
                outcome = _not_now(error.message, seconds=5)
        return [outcome if isinstance(one, Batch) else one for one in found]


def _batch(told: _Told) -> Batch | ProtocolError:
    try:
        batch = decode(told.raw)
    except ProtocolError as error:
        return error
    if batch.node != told.node:
        return ProtocolError(f"these samples are of a node {batch.node[:100]!r}, and not of {told.node}")
    return batch


def _answer(told: _Told, found: bool | BaseException) -> None:
    if told.answer.done():
        return
    if isinstance(found, bool):
        told.answer.set_result(found)
    else:
        told.answer.set_exception(found)


def _not_now(why: str, *, seconds: int) -> Problem:
    return Problem(
        503,
        f"samples cannot be kept now: {why}",
        kind="history-unavailable",
        hint="keep them, and tell them again later",
        headers={"Retry-After": str(seconds)},
    )
