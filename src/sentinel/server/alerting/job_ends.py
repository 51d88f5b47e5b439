"""Tells the owners of jobs that they started or ended. A duty of the watch.

It follows the events of jobs. How far it has got is kept in the transaction that keeps what is to be told: so
each is told once, whatever dies. What happened before it ran for the first time is told to nobody.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sentinel.alerting.notice_json import DELIVERY, delivery_from, delivery_json
from sentinel.alerting.outbox import KEPT_FOR, Delivery, deliveries
from sentinel.core.errors import StoreUnavailable
from sentinel.core.job import Job
from sentinel.ports.store import Reader, Store, StoredEvent, Transaction
from sentinel.server.alerting.job_notice import STARTED, TYPES, channels_for, notice_of_job
from sentinel.server.alerting.sending import Sender

NOTIFIED_TO: Final = "notified_to"
"""The store's setting: the newest event that was looked at."""

EVERY = 1.0
MOST_EVENTS = 1000
"""In one look. A cluster that ends more jobs a second has its owners told a little later."""
KEEP_EVERY = 60.0
"""Seconds: how far it got is kept that often where nobody is told of anything."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """`to` is the newest event that was looked at; `more`: there are others."""

    told: tuple[Delivery, ...]
    to: int
    more: bool


class JobEnds:
    """`now` is CLOCK_BOOTTIME."""

    def __init__(
        self, store: Store, sender: Sender, *, now: Callable[[], float], every: float = EVERY
    ) -> None:
        self._store, self._sender, self._now, self._every = store, sender, now, every
        self._to: int | None = None
        self._kept_at = now()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="job-ends", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Does not wait: it may be left at any point."""
        self._over.set()

    def step(self) -> bool:
        """Looks once; whether there is more at once. StoreUnavailable: as if it had not looked."""
        with self._store.read() as reader:
            to = self._from(reader)
            found = None if to is None else look(reader, to)
        if found is None:
            self._store.write(_begin)
            return False
        self._to = to  # should nobody say whether what follows was kept, it is looked at again
        due = self._now() - self._kept_at >= KEEP_EVERY and found.to != to
        if found.told or due:
            told = self._store.write(lambda tx: _keep(tx, found))
            self._kept_at = self._now()
            self._sender.add(told)
        self._to = found.to
        return found.more

    def _from(self, reader: Reader) -> int | None:
        """None: it never ran. A store that was restored says itself how far it was."""
        kept = reader.meta(NOTIFIED_TO)
        if kept is None:
            return None
        if self._to is None or self._to > reader.revision():
            return int(kept)
        return self._to

    def _run(self) -> None:
        said = False
        while not self._over.is_set():
            if not self._sender.begun(0.2):
                continue
            more = False
            try:
                more = self.step()
                said = False
            except StoreUnavailable as error:
                if not said:
                    _log.warning("owners of jobs are told later: %s", error.message)
                said = True
            except Exception:  # noqa: BLE001 - a defect: said, and no reason not to try the next time
                if not said:
                    _log.exception("owners of jobs are not told")
                said = True
            self._over.wait(0.01 if more else self._every)


def look(reader: Reader, after: int) -> Looked:
    """What is to be told of the events after that one."""
    events = reader.events(after, MOST_EVENTS, types=TYPES)
    full = len(events) == MOST_EVENTS
    to = events[-1].id if full else max(reader.revision(), after)
    jobs = reader.jobs(list({event.subject for event in events})) if events else {}
    told = [one for event in events for one in _told(jobs.get(event.subject), event)]
    return Looked(told=tuple(told), to=to, more=full)


def _told(job: Job | None, event: StoredEvent) -> tuple[Delivery, ...]:
    if job is None or job.part is not None or not job.spec.notify:
        return ()
    if event.type == STARTED and event.data.get("from") == "LOST" and _began_long_ago(job, event):
        return ()  # it was found again: that it runs was told when it began
    channels = channels_for(job.spec.notify, event.type)
    return deliveries(notice_of_job(job, event, channels)) if channels else ()


def _began_long_ago(job: Job, event: StoredEvent) -> bool:
    """So long that the outbox may not know any more what was told then."""
    return job.started_at is None or event.time - job.started_at > KEPT_FOR / 2


def _begin(tx: Transaction) -> None:
    if tx.meta(NOTIFIED_TO) is None:
        tx.set_meta(NOTIFIED_TO, str(tx.revision()))


def _keep(tx: Transaction, found: Looked) -> list[Delivery]:
    """As they are in the outbox. Some may be there already: nobody said whether an earlier attempt to keep
    them did not fail after all."""
    there: list[Delivery] = []
    for one in found.told:
        known = tx.document(DELIVERY, one.key)
        if known is None or known.data is None:
            tx.put_document(DELIVERY, one.key, delivery_json(one))
            there.append(one)
        else:
            there.append(delivery_from(known.data))
    tx.set_meta(NOTIFIED_TO, str(found.to))
    return there
