"""What cannot dial out is polled: a duty of the watch. `[[scrape]]` in the config file names each.

Each target has a thread of its own, so that one that does not answer keeps no other waiting. What a page says
goes into the history as the node's that the config names; if it is an inference server's page, as a workload
of that node's as well. A poll that fails leaves nothing but `sentinel_scrape_up` 0: what was said before is
not told again as if it were so now.
"""

import logging
import math
import threading
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from sentinel.core.clock import boottime, wall
from sentinel.core.errors import ProtocolError, SentinelError
from sentinel.core.sample_batch import Batch, Column
from sentinel.core.series import labels_from
from sentinel.ports.history import History
from sentinel.ports.metrics_source import MetricsSource
from sentinel.server.observing import ScrapeTarget
from sentinel.telemetry.scrape.foreign import MOST_SERIES, kept
from sentinel.telemetry.scrape.inference import Reading, reading
from sentinel.telemetry.scrape.opening import OpenedWhenAsked
from sentinel.telemetry.scrape.progress import Value, followed, values, window_of
from sentinel.telemetry.scrape.text import read

UP = "sentinel_scrape_up"
ELSEWHERE = 600.0
"""Seconds: how long we wait where a Prometheus keeps the history, which has to scrape the target itself."""
_OK = 200
_LARGEST = 3.4e38  # of what the history can hold

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _State:
    """What is remembered of a target, by its own thread alone. `said` and `unkept`: what is amiss with it and
    with the history, as it was last said."""

    target: ScrapeTarget
    source: MetricsSource
    past: tuple[Reading, ...] = ()
    said: str = ""
    unkept: str = ""
    left_out: bool = False


class Scraping:
    """`open_source` opens a target; where it raises a SentinelError, that one cannot be polled for now. `now`
    is the epoch's, `clock` one that does not jump."""

    def __init__(
        self,
        targets: Sequence[ScrapeTarget],
        history: History,
        open_source: Callable[[ScrapeTarget], MetricsSource],
        now: Callable[[], float] = wall,
        clock: Callable[[], float] = boottime,
    ) -> None:
        self._history, self._now, self._clock = history, now, clock
        self._states = [
            _State(target=one, source=OpenedWhenAsked(partial(open_source, one))) for one in targets
        ]
        self._over = threading.Event()
        self._threads = [
            threading.Thread(
                target=self._run,
                # Not all at once, however many there are.
                args=(one, one.target.every * place / len(self._states)),
                name=f"scrape-{one.target.name}",
                daemon=True,
            )
            for place, one in enumerate(self._states)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Does not wait for what is being done."""
        self._over.set()

    def poll(self, place: int) -> float:
        """Polls the target at this place of the list once; seconds until it is to be polled again."""
        state = self._states[place]
        at, measured = self._now(), self._clock()
        found = self._read(state, at, measured)
        labels = labels_from({"node": state.target.name})
        told = found if found is not None else ()
        if not self._keep(state, at, ((UP, labels, float(found is not None)), *told)):
            return ELSEWHERE
        return max(0.0, measured + state.target.every - self._clock())

    # -------------------------------------------------------------- one target

    def _run(self, state: _State, pause: float) -> None:
        place = self._states.index(state)
        while not self._over.wait(pause):
            pause = self.poll(place)

    def _read(self, state: _State, at: float, measured: float) -> Sequence[Value] | None:
        """The series of the page; None when there is none."""
        name = state.target.name
        try:
            page = state.source.get()
            if page.status != _OK:
                raise ProtocolError(_refusal(page.status, state.target))
            scraped = read(page.body, page.content_type)
        except SentinelError as error:
            self._say(state, error.message)
            return None
        self._say(state, "")
        found = reading(scraped.samples, measured)
        state.past = followed(state.past, found, window_of(state.target.every)) if found.counts else ()
        served = tuple(values(name, name, True, state.past)) if found.counts else ()
        rest = kept(scraped, name, at, MOST_SERIES - len(served))
        if rest.left_out and not state.left_out:
            state.left_out = True
            _log.warning(
                "%s: more than %d series; the last %d of its page are left out; have it tell fewer",
                name,
                MOST_SERIES,
                rest.left_out,
            )
        taken = {(metric, labels) for metric, labels, _ in served}
        return (*served, *(one for one in rest.values if one[:2] not in taken))

    def _keep(self, state: _State, at: float, told: Sequence[Value]) -> bool:
        """False where somebody else keeps the history."""
        columns = tuple(
            Column(
                metric=metric,
                labels=labels,
                values=array("f", (value if abs(value) <= _LARGEST else math.nan,)),
            )
            for metric, labels, value in told
        )
        batch = Batch(node=state.target.name, sequence=int(at * 1000), times=(at,), columns=columns)
        try:
            appended = self._history.append((batch,))
        except SentinelError as error:
            if error.message != state.unkept:
                _log.warning("what %s said is not kept: %s", state.target.name, error.message)
            state.unkept = error.message
            return True
        state.unkept = ""
        if appended.elsewhere:
            _log.warning(
                "%s is polled for nothing, as a Prometheus keeps the history: have that one scrape it",
                state.target.name,
            )
        return not appended.elsewhere

    def _say(self, state: _State, amiss: str) -> None:
        """Once: that something is amiss, and that it is well again."""
        if amiss and amiss != state.said:
            _log.warning("%s cannot be polled: %s", state.target.name, amiss)
        elif state.said and not amiss:
            _log.warning("%s is polled again", state.target.name)
        state.said = amiss


def _refusal(status: int, target: ScrapeTarget) -> str:
    if status in (401, 403):
        advice = "name a file with a token" if target.endpoint.token_file is None else "is the token right?"
        return f"it lets nobody in (HTTP {status}): {advice}"
    return f"it answers HTTP {status}: is that the address of its metrics?"
