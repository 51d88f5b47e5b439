"""What grows is kept from growing for ever: keys, events, tokens, logs, usage. Run by the loops process.

Each of these is one small transaction, or work on the disk alone; none is in anybody's way for long.
"""

import logging
import threading
from collections.abc import Callable, Collection, Sequence

from sentinel.api.log_store import LogStore
from sentinel.core.errors import SentinelError
from sentinel.ports.store import Store, Transaction
from sentinel.scheduling.account_desk import forget_usage
from sentinel.scheduling.reservation_desk import forget_reservations

DAY = 86400.0
KEYS_FOR, TOKENS_FOR, EVENTS_FOR, RESERVATIONS_FOR = 2 * DAY, 30 * DAY, 90 * DAY, 7 * DAY
FIRST, EVERY = 60.0, 600.0
PASSED_WITHIN = 3600.0
"""Seconds within which everybody who follows the store's changes has seen them."""
PASSED = "passed"  # the store's setting: a revision, and when it was the newest

_log = logging.getLogger(__name__)


def keep_house(store: Store, logs: LogStore, now: float) -> None:
    """All of it, once. `now` is the epoch's. Raises StoreUnavailable: the rest is done another time."""
    store.write(lambda tx: tx.forget_keys(now - KEYS_FOR))
    store.write(lambda tx: tx.remove_tokens(now - TOKENS_FOR))
    store.write(lambda tx: tx.forget_events(now - EVENTS_FOR))
    store.write(lambda tx: forget_reservations(tx, now - RESERVATIONS_FOR))
    store.write(lambda tx: forget_usage(tx, now))
    store.write(lambda tx: forget_documents(tx, now))
    purged = logs.purge(lambda jobs: _ended(store, jobs))
    if purged:
        _log.warning(
            "the logs of %d ended jobs were removed, the oldest first: there was no room", len(purged)
        )


def forget_documents(tx: Transaction, now: float) -> None:
    """What removed documents leave, once everybody has seen that they are gone."""
    passed, _, at = (tx.meta(PASSED) or "0 0").partition(" ")
    if not 0 <= now - float(at) < PASSED_WITHIN:
        tx.forget_documents(int(passed))
        tx.set_meta(PASSED, f"{tx.revision() + 1} {now:.0f}")


def _ended(store: Store, ids: Sequence[str]) -> Collection[str]:
    """Those that have ended, or that nobody knows."""
    with store.read() as reader:
        jobs = reader.jobs(ids)
    return {id for id in ids if (job := jobs.get(id)) is None or job.state.ended}


class Housekeeping:
    """Keeps house now and then, in a thread of its own."""

    def __init__(self, store: Store, logs: LogStore, now: Callable[[], float]) -> None:
        self._store, self._logs, self._now = store, logs, now
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Does not wait for what is being done: it may be left at any point."""
        self._over.set()

    def _run(self) -> None:
        pause = FIRST
        while not self._over.wait(pause):
            pause = EVERY
            try:
                keep_house(self._store, self._logs, self._now())
            except (SentinelError, OSError) as error:
                _log.warning("housekeeping did not get done: %s; again later", error)
