"""The log of events: STATE_DIR/events.jsonl, one CloudEvents object a line, with rotation.

Called by the keeper, the only writer. Older files are events.jsonl.1 (newest) to events.jsonl.5. A line may
be cut off where the disk was full or the power went: readers leave it out, and the writer begins anew.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sentinel.core.errors import SentinelError
from sentinel.core.event import Event, event_json

LOG = "events.jsonl"
_TAIL_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class EventLog:
    """Appends to the log in `folder`. A file that would pass `most_bytes` is put aside; `kept` are kept."""

    folder: Path
    most_bytes: int = 10 * 1024 * 1024
    kept: int = 5

    @property
    def path(self) -> Path:
        """The file that is written now."""
        return self.folder / LOG

    def append(self, events: Sequence[Event]) -> None:
        """Writes them down. Raises SentinelError when the disk will not: none or some may be there then."""
        if not events:
            return
        data = b"".join(json.dumps(event_json(one), separators=(",", ":")).encode() + b"\n" for one in events)
        try:
            self._rotate(len(data))
            fd = os.open(
                self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644
            )
            try:
                self._write(fd, data)
            finally:
                os.close(fd)
        except OSError as error:
            raise SentinelError(
                f"cannot write {self.path}: {error.strerror}; the events wait for the next scan"
            ) from None

    def recover(self, outbox: Sequence[Event]) -> None:
        """Appends those of `outbox` that are not in the log yet. Raises as `append`."""
        if outbox:
            there = self._last_ids(len(outbox))
            self.append([event for event in outbox if event.id not in there])

    def _write(self, fd: int, data: bytes) -> None:
        size = os.fstat(fd).st_size
        if size and os.pread(fd, 1, size - 1) != b"\n":
            data = b"\n" + data
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view) :]
        os.fsync(fd)

    def _rotate(self, coming: int) -> None:
        try:
            size = self.path.stat().st_size
        except FileNotFoundError:
            return
        if size + coming <= self.most_bytes or size == 0:
            return
        for number in range(self.kept - 1, 0, -1):
            older = self._older(number)
            if older.exists():
                older.replace(self._older(number + 1))
        self.path.replace(self._older(1))

    def _older(self, number: int) -> Path:
        return self.folder / f"{LOG}.{number}"

    def _last_ids(self, count: int) -> set[str]:
        """Ids at the end of the log, the file before included: the last write may have begun a file."""
        wanted = max(_TAIL_BYTES, count * 4096)
        return {one for path in (self._older(1), self.path) for one in _ids(path, wanted)}


def _ids(path: Path, tail: int) -> set[str]:
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - tail))
            lines = file.read(tail).splitlines()
    except FileNotFoundError:
        return set()
    except OSError as error:
        raise SentinelError(f"cannot read {path}: {error.strerror}") from None
    found: set[str] = set()
    for line in lines:
        try:
            event = json.loads(line)
            found.add(str(event["id"]))
        except (ValueError, KeyError, TypeError, RecursionError):
            continue
    return found
