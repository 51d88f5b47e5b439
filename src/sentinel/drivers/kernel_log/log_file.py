"""A kernel log in a file: one that somebody saved (plain or gzip), or one that a logger goes on writing.

Opened by `sentinel health --kernel-log FILE`, and by the agent where /dev/kmsg may not be read. Lines are
searched for the wanted words as bytes, a large piece at a time: of 100 MB, few lines are of interest.
"""

import gzip
import os
import stat
import zlib
from collections.abc import Iterator, Sequence
from io import BufferedReader, FileIO
from typing import IO, cast

from sentinel.ports.kernel_log import Lines, Unavailable

LONGEST = 16 * 1024
_PIECE = 1024 * 1024
_PIECES_A_READ = 8
_GZIP = b"\x1f\x8b"
_OTHERS = {
    b"\x28\xb5\x2f\xfd": "zstd -d",
    b"\xfd7zXZ\x00": "xz -d",
    b"BZh": "bzip2 -d",
    b"\x04\x22\x4d\x18": "lz4 -d",
    b"PK\x03\x04": "unzip",
    b"LPKSHHRH": "journalctl -k --file",
}


def open_log_file(
    path: str, *, wanted: Sequence[bytes] = (), follow: bool = False
) -> "LogFile | Unavailable":
    """The log in `path`, from its beginning; gzip is known by its first bytes.

    `wanted`: only lines with one of these in them are given; none given: all are. `follow`: others write
    to the file, so its last line may be unfinished yet, and a new file may take its place.
    """
    try:
        file = _opened(path)
    except OSError as error:
        return Unavailable(source=path, why=_advice(path, error))
    head = file.peek(8)[:8]
    for magic, tool in _OTHERS.items():
        if head.startswith(magic):
            file.close()
            return Unavailable(source=path, why=f"{path} is packed: unpack it first ({tool} {path})")
    return LogFile(file, path, wanted, follow=follow and not head.startswith(_GZIP))


class LogFile:
    """Implements ports.kernel_log.KernelLog. Made by `open_log_file`, owns `file`."""

    def __init__(self, file: BufferedReader, path: str, wanted: Sequence[bytes], *, follow: bool) -> None:
        self.name = path
        self._file: BufferedReader | None = file
        self._wanted = tuple(wanted)
        self._follow = follow
        self._begin(file)

    def fileno(self) -> int | None:
        return None

    def read(self) -> Lines:
        found: list[bytes] = []
        for _ in range(_PIECES_A_READ):
            if self._file is None:
                return Lines(lines=tuple(found))
            try:
                piece = self._source.read(_PIECE)
            except (OSError, EOFError, zlib.error) as error:
                found += self._rest()
                self.close()
                why = f"{self.name} is damaged, the rest of it cannot be read: {error}"
                return Lines(lines=tuple(found), lost=why)
            if not piece:
                return self._at_end(found)
            found += self._lines_of(piece)
        return Lines(lines=tuple(found), more=True)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    # ------------------------------------------------------------------ the file

    def _begin(self, file: BufferedReader) -> None:
        packed = file.peek(2)[:2] == _GZIP
        self._source: IO[bytes] = cast("IO[bytes]", gzip.GzipFile(fileobj=file) if packed else file)
        self._tail = b""
        self._skipping = False

    def _at_end(self, found: list[bytes]) -> Lines:
        if not self._follow:
            found += self._rest()
            return Lines(lines=tuple(found))
        if not self._replaced():
            return Lines(lines=tuple(found))
        found += self._rest()
        self.close()
        try:
            self._file = _opened(self.name)
        except OSError as error:
            return Lines(lines=tuple(found), lost=_advice(self.name, error))
        self._begin(self._file)
        return Lines(lines=tuple(found), more=True)

    def _replaced(self) -> bool:
        """Whether the logger began anew: with another file of this name, or the same one cut down."""
        file = self._file
        if file is None:
            return False
        try:
            now, ours = os.stat(self.name), os.fstat(file.fileno())  # noqa: PTH116
        except OSError:
            return False  # it comes back in a moment
        return (now.st_dev, now.st_ino) != (ours.st_dev, ours.st_ino) or now.st_size < file.tell()

    # ----------------------------------------------------------------- the lines

    def _lines_of(self, piece: bytes) -> list[bytes]:
        """The wanted ones of the lines that end in `piece`; what comes after the last end waits."""
        found: list[bytes] = []
        if self._skipping:
            end = piece.find(b"\n")
            if end < 0:
                return []
            found += self._rest()
            piece, self._skipping = piece[end + 1 :], False
        end = piece.rfind(b"\n")
        if end < 0:
            self._keep(self._tail + piece)
            return found
        whole = self._tail + piece[: end + 1]
        self._keep(piece[end + 1 :])
        found += self._chosen(whole)
        return found

    def _keep(self, tail: bytes) -> None:
        # The end of a line without end is not waited for; its beginning is.
        self._tail = tail[: LONGEST + 1]
        self._skipping = len(tail) > LONGEST

    def _rest(self) -> list[bytes]:
        tail, self._tail = self._tail, b""
        return list(self._chosen(tail)) if tail else []

    def _chosen(self, whole: bytes) -> Iterator[bytes]:
        if not self._wanted:
            yield from (line[: LONGEST + 1].rstrip(b"\r\n") for line in whole.splitlines())
            return
        spans: dict[int, int] = {}
        for word in self._wanted:
            at = whole.find(word)
            while at >= 0:
                begin = whole.rfind(b"\n", 0, at) + 1
                end = whole.find(b"\n", at)
                spans[begin] = end = len(whole) if end < 0 else end
                at = whole.find(word, end)
        for begin in sorted(spans):
            yield whole[begin : min(spans[begin], begin + LONGEST + 1)].rstrip(b"\r\n")


class NotRegularError(OSError):
    """A folder, a pipe, a device."""


def _opened(path: str) -> BufferedReader:
    """OSError also where it is no regular file, which could block us for ever."""
    number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise NotRegularError
    return BufferedReader(FileIO(number, "r"), buffer_size=_PIECE)


def _advice(path: str, error: OSError) -> str:
    if isinstance(error, NotRegularError):
        return f"{path} is no regular file: save the log in one first (journalctl -k > FILE)"
    if isinstance(error, FileNotFoundError):
        return f"{path} is not there: save the log first (journalctl -k > FILE, or dmesg > FILE)"
    if isinstance(error, PermissionError):
        return f"{path} may not be read by this user: run this as root, or join the group adm"
    return f"{path} cannot be read: {os.strerror(error.errno or 0)}"
