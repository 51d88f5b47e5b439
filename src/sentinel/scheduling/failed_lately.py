"""How many jobs failed within the last hour. Kept from look to look by the API's metrics and by alerts.

Events have no index by type, so what is new is read and the rest remembered. The first look goes back
FIRST_LOOK changes of the store; on a busier controller than that it counts too few for its first hour.
"""

import threading
from collections import deque

from sentinel.ports.store import Reader

FAILED = "sentinel.job.failed"
HOUR = 3600.0
FIRST_LOOK = 20_000
_PAGE = 1000


class FailedLately:
    """For any thread. A gang counts once, its parts not beside it."""

    def __init__(self) -> None:
        self._seen: int | None = None  # the revision up to which events were read
        self._times: deque[float] = deque()
        self._lock = threading.Lock()

    def count(self, reader: Reader, now: float) -> int:
        """Those of (`now` - HOUR, `now`], epoch seconds."""
        with self._lock:
            revision = reader.revision()
            if self._seen is None or revision < self._seen:  # the first look, or a restored store
                self._times.clear()
                self._seen = max(0, revision - FIRST_LOOK)
            while found := reader.events(self._seen, _PAGE, types=(FAILED,)):
                self._times.extend(event.time for event in found if not event.data.get("part_of"))
                self._seen = found[-1].id
            self._seen = max(self._seen, revision)
            while self._times and self._times[0] <= now - HOUR:
                self._times.popleft()
            return len(self._times)
