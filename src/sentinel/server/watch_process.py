"""The watch: what looks at the fleet and tells of it, in a process of its own. Started by the parent.

    watch --data-dir DIR [--config FILE]    the database's URL is in $SENTINEL_DATABASE

Each duty is a thread that another one does not wait for: the history's upkeep, alerts, what is polled. If
this process is killed, nothing of the queue is the worse for it, and what is to be told is told after its
restart.
"""

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from sentinel.core.clock import wall
from sentinel.core.errors import SentinelError
from sentinel.ports.history import History
from sentinel.ports.store import Store
from sentinel.server import wiring
from sentinel.server.alerting.duties import alerting_duties
from sentinel.server.collector import collect_seldom
from sentinel.server.config import DATABASE_VARIABLE
from sentinel.server.folders import Folders
from sentinel.server.observing import Observing, observing
from sentinel.server.scraping import Scraping
from sentinel.server.upkeep import Upkeep


class Duty(Protocol):
    """One thing that is done in a thread of its own, from `start` to `stop`."""

    def start(self) -> None: ...

    def stop(self) -> None:
        """Within a moment: what is being done may be left at any point. Idempotent."""
        ...


def duties(config: Observing, store: Store, history: History) -> Sequence[Duty]:
    """All that there is to do."""
    alerting = alerting_duties(
        config,
        store,
        history,
        open_channel=wiring.open_channel,
        open_alertmanager=wiring.open_alertmanager,
    )
    found: list[Duty] = [
        Upkeep(history, wall),
        *alerting,
        Scraping(config.scrape, history, wiring.open_scrape, wall),
    ]
    if config.slurm.enabled:
        from sentinel.server.slurm_watch import SlurmWatch  # which brings prometheus_client

        found.append(SlurmWatch(config.slurm, store, history, wall, wiring.open_slurm))
    return found


def main(arguments: list[str] | None = None) -> int:
    """Until SIGTERM. Exit 1: it cannot be done; the parent tries again."""
    parser = argparse.ArgumentParser(prog="sentinel-watch")
    parser.add_argument("--data-dir", required=True)
    parser.add_argument("--config")
    options = parser.parse_args(arguments)
    logging.basicConfig(format="sentinel-watch: %(levelname)s: %(message)s", level=logging.WARNING)
    folders = Folders(root=Path(options.data_dir))
    try:
        config = observing(options.config)
        history = wiring.open_history(config.history, folders)
        store = wiring.open_queue(os.environ.get(DATABASE_VARIABLE) or folders.database_url(), migrate=False)
        try:
            _run(duties(config, store, history))
        finally:
            store.close()
            history.close()
    except SentinelError as error:
        print(f"sentinel-watch: {error.message}", file=sys.stderr)
        return error.exit_code
    return 0


def _run(all_duties: Sequence[Duty]) -> None:
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: over.set())
    collect_seldom()
    for one in all_duties:
        one.start()
    while not over.wait(3600):
        pass
    for one in all_duties:
        one.stop()


if __name__ == "__main__":
    sys.exit(main())
