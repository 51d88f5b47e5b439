"""Minutes that the controller did not acknowledge yet, in files of the node's folder. Used by `sending`.

    NODE_DIR/samples/SEQUENCE          an encoded batch, 0600, replaced whole
    NODE_DIR/samples/aside/SEQUENCE    one that is damaged or was refused, for whoever wants to know why

Bounded: the oldest go when there are too many. While the disk will not take them they stay in memory, fewer
of them. All of it may block for as long as the disk does; none of it raises.
"""

from contextlib import suppress
from pathlib import Path

from sentinel.core.atomic_file import replace_file
from sentinel.core.errors import ProtocolError
from sentinel.core.notify import Journal
from sentinel.core.sample_batch import MAX_BYTES, decode

FOLDER, ASIDE = "samples", "aside"
MOST_BYTES = 64 * 2**20
MOST_MINUTES = 48 * 60
MOST_IN_MEMORY = 4 * 2**20  # bytes
MOST_ASIDE = 20
_LONGEST_NAME = 15


class Spool:
    """For one thread."""

    def __init__(self, folder: Path, journal: Journal, *, most_bytes: int = MOST_BYTES) -> None:
        """`folder`: the node's. Nothing is read or written before `open`."""
        self._folder, self._journal, self._most_bytes = folder / FOLDER, journal, most_bytes
        self._files: dict[int, int] = {}  # sequence → bytes
        self._memory: dict[int, bytes] = {}
        self._trouble = ""
        self._dropping = False

    def __len__(self) -> int:
        return len(self._files) + len(self._memory)

    def open(self) -> int:
        """Finds what an agent before has left: the greatest sequence of it, or -1."""
        found = -1
        with suppress(OSError):
            for path in self._folder.iterdir():
                if _is_ours(path.name):
                    self._files[int(path.name)] = path.lstat().st_size
                elif path.name.endswith(".new"):
                    self._remove(path)  # half a file of an agent that was killed
            found = max(self._files, default=-1)
        self._files = dict(sorted(self._files.items()))
        self._bound()
        return found

    def put(self, sequence: int, data: bytes) -> None:
        """Keeps it until `done`."""
        self._memory[sequence] = data
        self._settle()
        self._bound()

    def oldest(self) -> tuple[int, bytes] | None:
        """What was put first. One that cannot be read is set aside."""
        while True:
            sequence = min(self._files, default=None)
            if self._memory and (sequence is None or min(self._memory) < sequence):
                return min(self._memory.items())
            if sequence is None:
                return None
            data = self._read(sequence)
            if data is not None:
                return sequence, data

    def done(self, sequence: int) -> None:
        """It needs no keeping any more."""
        self._memory.pop(sequence, None)
        if self._files.pop(sequence, None) is not None:
            self._remove(self._folder / str(sequence))
        if not len(self):
            self._dropping = False

    def clear(self) -> None:
        """None of it does."""
        for sequence in [*self._memory, *self._files]:
            self.done(sequence)

    def set_aside(self, sequence: int, data: bytes, why: str) -> None:
        """It is not sent again."""
        folder = self._folder / ASIDE
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_file(folder / str(sequence), data, durable=False)
            there = sorted(int(one.name) for one in folder.iterdir() if _is_ours(one.name))
            for one in there[:-MOST_ASIDE]:
                self._remove(folder / str(one))
            where = f"it is in {folder / str(sequence)}"
        except OSError as error:
            where = f"it is lost: {folder}: {error.strerror}"
        self._journal.write("warning", f"a minute of samples is not sent: {why}; {where}")
        self.done(sequence)

    # ------------------------------------------------------------------ inside

    def _settle(self) -> None:
        """What is in memory, into files, if the disk takes it."""
        try:
            for sequence in list(self._memory):
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                replace_file(self._folder / str(sequence), self._memory[sequence])
                self._files[sequence] = len(self._memory.pop(sequence))
        except OSError as error:
            self._remove(self._folder / f".{next(iter(self._memory))}.new")
            if self._trouble != (trouble := error.strerror or "it cannot be written to"):
                self._journal.write(
                    "warning",
                    f"{self._folder}: {trouble}: samples that cannot be sent stay in memory: make room",
                )
            self._trouble = trouble
            return
        if self._trouble:
            self._trouble = ""
            self._journal.write("info", f"{self._folder}: well again")

    def _bound(self) -> None:
        """Lets go of the oldest while there are too many. Said once, until all is sent."""
        newest = max([*self._files, *self._memory], default=0)
        dropped = 0
        while self._memory and sum(map(len, self._memory.values())) > MOST_IN_MEMORY:
            self._memory.pop(min(self._memory))
            dropped += 1
        while self._files and (
            sum(self._files.values()) > self._most_bytes or min(self._files) <= newest - MOST_MINUTES
        ):
            oldest = min(self._files)
            del self._files[oldest]
            self._remove(self._folder / str(oldest))
            dropped += 1
        if dropped and not self._dropping:
            self._dropping = True
            self._journal.write(
                "warning",
                "there are more samples that cannot be sent than this node keeps: the oldest go "
                "(is the controller up, and this node known to it?)",
            )

    def _read(self, sequence: int) -> bytes | None:
        path = self._folder / str(sequence)
        try:
            with path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except OSError as error:
            self._files.pop(sequence)
            self._journal.write("warning", f"a minute of samples is lost: {path}: {error.strerror}")
            return None
        try:
            decode(data)
        except ProtocolError as error:
            self.set_aside(sequence, data[:MAX_BYTES], error.message)
            return None
        return data

    @staticmethod
    def _remove(path: Path) -> None:
        with suppress(OSError):
            path.unlink()


def _is_ours(name: str) -> bool:
    return name.isascii() and name.isdecimal() and len(name) <= _LONGEST_NAME
