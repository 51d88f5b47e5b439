"""The loops process: the scheduler and its watch, and housekeeping. Started by the parent.

    loops --data-dir DIR [--lease-seconds S]    the database's URL is in $SENTINEL_DATABASE

It sleeps until the bell rings (the API changed something), until the scheduler's next deadline, and a second
at most.
"""

import argparse
import contextlib
import logging
import os
import selectors
import signal
import socket
import sys
from pathlib import Path
from types import FrameType

from sentinel.api.log_store import LogStore
from sentinel.core.bell import Bell
from sentinel.core.clock import boottime, wall
from sentinel.core.errors import SentinelError, StoreUnavailable
from sentinel.ports.store import Store
from sentinel.scheduling.leases import LEASE_SECONDS, terms_for
from sentinel.scheduling.loop import Scheduler
from sentinel.scheduling.mirror import Mirror
from sentinel.scheduling.pass_note import PassNote
from sentinel.server import wiring
from sentinel.server.collector import collect_seldom
from sentinel.server.config import DATABASE_VARIABLE
from sentinel.server.folders import Folders
from sentinel.server.housekeeping import Housekeeping

LOOK_EVERY = 1.0  # seconds, when nobody rings
LONGEST_LEASE = "longest_lease"  # the store's setting: seconds

_log = logging.getLogger(__name__)


class Loops:
    """For one thread. `stop` may be called by a signal's handler."""

    def __init__(self, scheduler: Scheduler, bell: Bell, note: PassNote) -> None:
        self._scheduler, self._bell, self._note = scheduler, bell, note
        self._stopping = False
        self._ours, self._wakeups = socket.socketpair()
        self._ours.setblocking(False)
        self._wakeups.setblocking(False)

    def run(self) -> None:
        """Until `stop`; once."""
        with selectors.DefaultSelector() as selector, self._ours, self._wakeups:
            selector.register(self._bell.fileno(), selectors.EVENT_READ)
            selector.register(self._ours, selectors.EVENT_READ)
            failed = False
            while not self._stopping:
                self._bell.drain()  # what is rung for from here on is seen by the next step at the latest
                try:
                    pause = self._scheduler.step().again_in
                    self._note.stepped()
                    failed = False
                except StoreUnavailable as error:
                    if not failed:
                        _log.warning("the scheduler waits: %s", error.message)
                    failed, pause = True, LOOK_EVERY
                if pause is None or pause > 0:
                    selector.select(LOOK_EVERY if pause is None else min(pause, LOOK_EVERY))

    def stop(self, _number: int = 0, _frame: FrameType | None = None) -> None:
        self._stopping = True
        with contextlib.suppress(OSError):
            self._wakeups.send(b"!")


def main(arguments: list[str] | None = None) -> int:
    """Until SIGTERM. Exit 1: it cannot be done; the parent tries again."""
    parser = argparse.ArgumentParser(prog="sentinel-loops")
    parser.add_argument("--data-dir", required=True)
    parser.add_argument("--lease-seconds", type=float, default=LEASE_SECONDS)
    options = parser.parse_args(arguments)
    logging.basicConfig(format="sentinel-loops: %(levelname)s: %(message)s", level=logging.WARNING)
    folders = Folders(root=Path(options.data_dir))
    try:
        store = wiring.open_queue(os.environ.get(DATABASE_VARIABLE) or folders.database_url(), migrate=False)
        try:
            _run(folders, store, options.lease_seconds)
        finally:
            store.close()
    except SentinelError as error:
        print(f"sentinel-loops: {error.message}", file=sys.stderr)
        return error.exit_code
    return 0


def _run(folders: Folders, store: Store, lease: float) -> None:
    terms = terms_for(lease, former_until=boottime() + _longest_lease(store, lease))
    collect_seldom()
    bell = Bell(folders.bells)
    store.on_commit(bell.ring)
    scheduler = Scheduler(store, Mirror(store), now=boottime, today=wall, new_token=_token, terms=terms)
    loops = Loops(scheduler, bell, PassNote(store, now=boottime, today=wall))
    house = Housekeeping(store, LogStore(folders.logs), wall)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, loops.stop)
    house.start()
    try:
        loops.run()
    finally:
        house.stop()
        bell.close()


def _longest_lease(store: Store, lease: float) -> float:
    """The longest that a node can have been told of, ever: it may not have heard yet of a shorter one."""
    with store.read() as reader:
        known = float(reader.meta(LONGEST_LEASE) or 0)
    if lease > known:
        store.write(lambda tx: tx.set_meta(LONGEST_LEASE, f"{lease:g}"))
    return max(lease, known)


def _token() -> str:
    """Names a lease and fences its attempt: nobody can guess it."""
    return os.urandom(16).hex()


if __name__ == "__main__":
    sys.exit(main())
