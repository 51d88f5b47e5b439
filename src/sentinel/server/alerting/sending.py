"""Empties the outbox: what is to be told goes to its channels. A duty of the watch.

At least once: that a channel took something is noted after it did. So a crash between the two tells it again,
under the same key; the store being away does not, as what was sent is known here until it can be noted.
Rounds and jobs' ends hand over what they have kept (`add`), so it goes out at once; at the start the outbox
is read from the store.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice

from sentinel.alerting.moment import Moment
from sentinel.alerting.notice_json import DELIVERY, delivery_from, delivery_json
from sentinel.alerting.outbox import KEPT_FOR, Delivery, DeliveryState, failed, sent
from sentinel.core.alert_json import CHANNEL
from sentinel.core.errors import SentinelError, StoreUnavailable
from sentinel.ports.notifier import Channel, Notifier, NotifyError, channel_from
from sentinel.ports.store import Store
from sentinel.server.alerting.book import read_all
from sentinel.server.alerting.lanes import Lanes
from sentinel.server.alerting.messages import message_of

WORKERS = 4
AGAIN = 1.0
"""Seconds until the store is asked again that did not answer."""
SWEEP = 60.0
MOST_SWEPT = 500
LONGEST_REST = 3600.0

_log = logging.getLogger(__name__)
Open = Callable[[Channel], Notifier]


@dataclass(slots=True)
class _Opened:
    """A channel as it was opened; `revision` is its document's."""

    notifier: Notifier
    revision: int


@dataclass(frozen=True, slots=True)
class _Attempt:
    """What became of one."""

    after: Delivery
    rest: float = 0.0


class Sender:
    """`now` is CLOCK_BOOTTIME, `today` the epoch's time. `open_channel` makes a notifier of a channel."""

    def __init__(
        self,
        store: Store,
        open_channel: Open,
        *,
        url: str,
        now: Callable[[], float],
        today: Callable[[], float],
        workers: int = WORKERS,
    ) -> None:
        self._store, self._open, self._url = store, open_channel, url
        self._now, self._today = now, today
        self._turn = threading.Condition()  # of all that follows
        self._lanes = Lanes()
        self._opened: dict[str, _Opened] = {}
        self._ended: deque[tuple[float, str]] = deque()
        self._sweep_at = now() + SWEEP
        self._over = threading.Event()
        self._begun = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, name=f"sending-{nth}", daemon=True) for nth in range(workers)
        ]
        self._first = threading.Thread(target=self._begin, name="sending", daemon=True)

    def start(self) -> None:
        self._first.start()

    def stop(self) -> None:
        """Does not wait for what is being sent: it may be left at any point."""
        self._over.set()
        with self._turn:
            self._turn.notify_all()
            opened = [one.notifier for one in self._opened.values()]
            self._opened.clear()
        for notifier in opened:
            notifier.close()

    def begun(self, within: float) -> bool:
        """Whether the outbox was read. Nothing may be added before; waits so many seconds for it at most."""
        return self._begun.wait(within)

    def read_outbox(self) -> None:
        """StoreUnavailable."""
        with self._store.read() as reader:
            outbox = read_all(reader, DELIVERY, delivery_from)
        now, today = self._now(), self._today()
        ended = [(_since(one, today), one.key) for one in outbox if one.state is not DeliveryState.WAITING]
        with self._turn:
            self._ended = deque((now - age, key) for age, key in sorted(ended, reverse=True))
            self._lanes.add(outbox, now)
        self._begun.set()

    def add(self, deliveries: Iterable[Delivery]) -> None:
        """What is in the store by now."""
        with self._turn:
            self._lanes.add(deliveries, self._now())
            self._turn.notify_all()

    def waiting(self) -> int:
        """How many are not told yet."""
        with self._turn:
            return len(self._lanes)

    def step(self) -> bool:
        """Sends the one that is due, and notes what became of it; False: none is."""
        with self._turn:
            delivery = self._lanes.take(self._now())
        if delivery is None:
            return False
        self._finish(delivery)
        return True

    def sweep(self) -> None:
        """Forgets what ended long ago. StoreUnavailable."""
        with self._turn:
            before = self._now() - KEPT_FOR
            old = [key for at, key in islice(self._ended, MOST_SWEPT) if at <= before]
        if old:
            self._store.write(lambda tx: [tx.remove_document(DELIVERY, key) for key in old])
            with self._turn:
                for _ in old:
                    self._ended.popleft()

    # ------------------------------------------------------------------ threads

    def _begin(self) -> None:
        said = False
        while not self._over.is_set():
            try:
                self.read_outbox()
                break
            except StoreUnavailable as error:
                if not said:
                    said = True
                    _log.warning("what is to be told cannot be read: %s; trying again", error.message)
                self._over.wait(AGAIN)
        for thread in self._threads:
            thread.start()

    def _run(self) -> None:
        while (delivery := self._next()) is not None:
            self._finish(delivery)

    def _next(self) -> Delivery | None:
        """Waits for the next one; None: it is over."""
        while not self._over.is_set():
            with self._turn:
                now = self._now()
                delivery = self._lanes.take(now)
                if delivery is not None:
                    return delivery
                sweeps = now >= self._sweep_at
                if sweeps:
                    self._sweep_at = now + SWEEP
                else:
                    at = self._lanes.next()
                    self._turn.wait(SWEEP if at is None else min(SWEEP, max(0.001, at - now)))
            if sweeps:
                try:
                    self.sweep()
                except StoreUnavailable:
                    _log.info("what was told long ago is not forgotten now; again later")
        return None

    def _finish(self, delivery: Delivery) -> None:
        attempt = self._attempt(delivery)
        while attempt is None and not self._over.wait(AGAIN):
            attempt = self._attempt(delivery)
        if attempt is None:
            return
        after = attempt.after
        while not self._noted(after):
            if self._over.wait(AGAIN):
                return
        with self._turn:
            now = self._now()
            if after.state is not DeliveryState.WAITING:
                self._ended.append((now, after.key))
            self._lanes.done(after, now, rest=attempt.rest)
            self._turn.notify_all()

    def _noted(self, delivery: Delivery) -> bool:
        try:
            self._store.write(lambda tx: tx.put_document(DELIVERY, delivery.key, delivery_json(delivery)))
        except StoreUnavailable:
            return False
        return True

    # ------------------------------------------------------------------ one of them

    def _attempt(self, delivery: Delivery) -> _Attempt | None:
        """None: the store does not say where the channel is."""
        try:
            notifier = self._notifier(delivery.channel)
        except StoreUnavailable:
            return None
        except NotifyError as error:
            return self._failed(delivery, error.message, retry=error.retry, rest=error.retry_after)
        except SentinelError as error:  # a package is missing, or the like: somebody may put that right
            return self._failed(delivery, error.message, retry=True)
        if notifier is None:
            why = f"there is no channel {delivery.channel} any more"
            return self._failed(delivery, why, retry=False)
        try:
            notifier.send(message_of(delivery, self._url), delivery.key)
        except NotifyError as error:
            return self._failed(delivery, error.message, retry=error.retry, rest=error.retry_after)
        except Exception as error:  # noqa: BLE001 - a stranger's library; what it says may hold a secret
            return self._failed(delivery, f"the channel failed ({type(error).__name__})", retry=True)
        return _Attempt(sent(delivery, self._moment()))

    def _failed(self, delivery: Delivery, why: str, *, retry: bool, rest: float | None = None) -> _Attempt:
        after = failed(delivery, why, self._moment(), retry=retry)
        if delivery.attempts == 0 or after.state is DeliveryState.GIVEN_UP:
            what = "is given up" if after.state is DeliveryState.GIVEN_UP else "is tried again"
            _log.warning("channel %s: %s; %s %s", delivery.channel, why, delivery.key, what)
        return _Attempt(after, min(rest or 0.0, LONGEST_REST) if retry else 0.0)

    def _moment(self) -> Moment:
        return Moment(wall=self._today(), elapsed=0.0)

    def _notifier(self, name: str) -> Notifier | None:
        """As the channel is now; None: there is none. One thread at a time asks for the same one."""
        with self._store.read() as reader:
            kept = reader.document(CHANNEL, name)
        with self._turn:
            opened = self._opened.get(name)
            if opened is not None and kept is not None and opened.revision == kept.revision:
                return opened.notifier
            self._opened.pop(name, None)
        if opened is not None:
            opened.notifier.close()
        if kept is None or kept.data is None:
            return None
        notifier = self._open(channel_from(kept.data, strict=False))
        with self._turn:
            self._opened[name] = _Opened(notifier, kept.revision)
        return notifier


def _since(delivery: Delivery, today: float) -> float:
    """How long ago it ended. By the clock on the wall: it decides when it is forgotten, and nothing else."""
    ended = delivery.ended_at
    return delivery.age if ended is None else max(delivery.age, today - ended)
