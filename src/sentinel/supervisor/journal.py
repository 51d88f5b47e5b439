"""The journal: what must outlive the supervisor, one JSON line for each step. Owned by the book.

    {"journal": 1, "boot_id": ID}         first
    {"token", …}                          as in `records`; later lines go over earlier ones
    {"token", "fence_at"}                 its lease was renewed
    {"token", "container"}                what is about to be made for it; likewise "scope" and "keeper"
    {"forget": [TOKEN…]}                  ended, and acknowledged by the controller
    {"gone": EVENT}                       how a forgotten one ended, should it be asked for again

`write` is enough for whoever comes after a kill; `flush` is for whoever comes after a power cut. A disk that
is full loses nothing: what could not be written waits in memory, and half a line is cut off again. Only the
last line can be torn, and a torn line was told to nobody.
"""

import contextlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from sentinel.core.atomic_file import replace_file
from sentinel.supervisor.wire import line

LARGE = 4 * 1024 * 1024


@dataclass(slots=True)
class Found:
    """What a journal says. `attempts` are fields laid over each other, by token; `gone` events."""

    boot_id: str = ""
    attempts: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    gone: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    unreadable: int = 0  # lines, but for a torn last one


def read_journal(path: Path) -> Found:
    """What is in it; nothing when there is none. OSError when it cannot be read."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Found()
    found = Found()
    whole, _, _ = data.rpartition(b"\n")
    for text in whole.splitlines():
        try:
            raw = json.loads(text)
            _lay_over(found, raw)
        except (ValueError, KeyError, TypeError, RecursionError):
            found.unreadable += 1
    return found


def _lay_over(found: Found, raw: Any) -> None:
    if not isinstance(raw, dict):
        raise TypeError("a line is an object")
    said = cast("dict[str, Any]", raw)
    if "token" in said:
        token = said["token"]
        if "phase" in said:
            found.attempts.setdefault(token, {}).update(said)
        else:
            found.attempts[token].update(said)
    elif "forget" in said:
        for token in said["forget"]:
            ended = found.attempts.pop(token, None)
            if ended is not None:
                found.gone[token] = ended
    elif "gone" in said:
        found.gone[said["gone"]["token"]] = said["gone"]
    elif "boot_id" in said:
        found.boot_id = said["boot_id"]


class Journal:
    """`error`: why it cannot be written at present; empty when it can."""

    def __init__(self, path: Path, boot_id: str) -> None:
        self.path = path
        self.error = ""
        self._boot_id = boot_id
        self._fd = -1
        self._good = 0  # bytes in the file that are whole lines of ours
        self._waiting: list[bytes] = []
        self._unsynced = False
        self._broken = True  # what the disk has is not known: it must be written anew

    @property
    def large(self) -> bool:
        """It is time to write it anew without what was forgotten."""
        return self._good > LARGE

    @property
    def broken(self) -> bool:
        return self._broken

    def add(self, what: Mapping[str, Any]) -> None:
        """To be written with the next `write` or `flush`."""
        self._waiting.append(line(what))

    def write_first(self, intents: Iterable[Mapping[str, Any]]) -> bool:
        """Writes these and all that waits. False: it could not, and these are dropped again."""
        before = len(self._waiting)
        for intent in intents:
            self.add(intent)
        if self._write():
            return True
        del self._waiting[before:]
        return False

    def flush(self) -> bool:
        """Puts all on the disk. False: it could not yet, and nothing of it may be told."""
        if not self._write():
            return False
        if self._unsynced:
            try:
                os.fdatasync(self._fd)
            except OSError as error:  # the kernel may have dropped what it could not write
                self._fail(error, broken=True)
                return False
            self._unsynced = False
        return True

    def replace(self, lines: Iterable[Mapping[str, Any]]) -> bool:
        """Writes it anew, whole and on the disk, with these lines: all that waits is in them."""
        data = b"".join((line({"journal": 1, "boot_id": self._boot_id}), *(line(one) for one in lines)))
        try:
            replace_file(self.path, data)
            fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW)
            self._sync_folder()
        except OSError as error:
            with contextlib.suppress(OSError):
                self.path.with_name(f".{self.path.name}.new").unlink()
            self._fail(error, broken=self._broken)
            return False
        if self._fd >= 0:
            os.close(self._fd)
        self._fd, self._good, self._waiting = fd, len(data), []
        self._unsynced = self._broken = False
        self.error = ""
        return True

    def go_on(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Goes on with the file as it is, where there was no room to write it anew: these lines wait to be
        added. OSError."""
        fd = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        data = self.path.read_bytes()
        self._fd, self._good = fd, data.rfind(b"\n") + 1
        os.ftruncate(fd, self._good)
        self._waiting = [line({"journal": 1, "boot_id": self._boot_id}), *(line(one) for one in lines)]
        self._broken = False

    def _write(self) -> bool:
        if self._broken:
            return False
        if not self._waiting:
            return True
        data = b"".join(self._waiting)
        try:
            written = os.write(self._fd, data)
            while written < len(data):
                written += os.write(self._fd, data[written:])
        except OSError as error:
            self._fail(error, broken=not self._cut_back())
            return False
        self._good += len(data)
        self._waiting.clear()
        self._unsynced = True
        self.error = ""
        return True

    def _cut_back(self) -> bool:
        try:
            os.ftruncate(self._fd, self._good)
        except OSError:
            return False
        return True

    def _fail(self, error: OSError, *, broken: bool) -> None:
        self.error = f"cannot write {self.path}: {error.strerror or error}"
        self._broken = broken

    def _sync_folder(self) -> None:
        fd = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
