"""Hints from the opening of NVIDIA's device nodes, by inotify. The arbiter's wiring opens it.

Who computes on a GPU has opened its nodes before, so an open says: look now. It arrives through every
mount of the same inode, thus also from containers that have the node bind-mounted; a container's own
`mknod` copy is another inode and stays unseen. Who opened is not told, and our own opens are among them.

What comes from the kernel, inotify(7): records one after the other, in the machine's byte order

    i32 wd   u32 mask   u32 cookie   u32 len   then `len` bytes of name, padded with NUL

`wd` is what inotify_add_watch answered, -1 when the queue was full; the name is there in events of a
folder only. Numbers are never given out twice, so an old one cannot come to mean a new node.
"""

import errno
import os
import struct
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import cast

from sentinel.ports.wakeups import Hint, Unavailable

DEVICE_NODES = ("nvidia[0-9]*", "nvidiactl", "nvidia-uvm", "nvidia-caps/*")
"""Below /dev: the cards, their control, unified memory (every CUDA program opens it), MIG's capabilities."""

IN_OPEN = 0x20
IN_MOVED_TO = 0x80
IN_CREATE = 0x100
IN_MOVE_SELF = 0x800
IN_Q_OVERFLOW = 0x4000
IN_IGNORED = 0x8000
IN_ONLYDIR = 0x01000000
_FOLDER_EVENTS = IN_CREATE | IN_MOVED_TO | IN_MOVE_SELF | IN_ONLYDIR

_RECORD = struct.Struct("=iIII")
_CHUNK = 64 * 1024
_CHUNKS_A_DRAIN = 8
"""More than the kernel's queue of 16,384 nameless events (fs.inotify.max_queued_events)."""
_LINKS = 16

AddWatch = Callable[[str, int], int]


def watch_device_nodes(
    folder: str = "/dev", patterns: Sequence[str] = DEVICE_NODES
) -> "DeviceNodes | Unavailable":
    """Watches the nodes in `folder` that match, now and whenever they come.

    `patterns` are shell patterns below `folder`, of at most one folder more. Nothing needs to be there.
    """
    try:
        inotify = _Inotify()
    except OSError as error:
        return Unavailable(source="inotify", why=_advice(error, "inotify"))
    nodes = DeviceNodes(inotify, folder, patterns)
    if nodes.watches == 0:
        nodes.close()
        return Unavailable(source="inotify", why=nodes.blind_spot or f"{folder} cannot be watched")
    return nodes


class DeviceNodes:
    """Implements ports.wakeups.Wakeups. Made by `watch_device_nodes`."""

    name = "inotify"

    def __init__(self, inotify: "_Inotify", folder: str, patterns: Sequence[str]) -> None:
        self._inotify = inotify
        self._top = os.path.abspath(folder)  # noqa: PTH100 - lexical, and with no pathlib in a hot path
        self._patterns = tuple(patterns)
        self._homes = {os.path.dirname(f"{self._top}/{pattern}") for pattern in patterns} | {self._top}  # noqa: PTH120
        self._nodes: dict[int, str] = {}  # watch → path below the top
        self._folders: dict[int, str] = {}  # watch → path
        self._unseen: dict[str, str] = {}  # path → why it cannot be watched
        self._arm()

    @property
    def blind_spot(self) -> str | None:
        return next(iter(self._unseen.values()), None)

    @property
    def watches(self) -> int:
        """How many inodes are watched: nodes and folders."""
        return len(self._nodes) + len(self._folders)

    def fileno(self) -> int:
        return self._inotify.fd

    def drain(self) -> Hint:
        opened: set[str] = set()
        opens, rearranged, overflowed = 0, False, False
        for data in self._inotify.chunks():
            for watch, mask, name in parse(data):
                if mask & IN_OPEN:
                    opens += 1
                    opened.add(self._nodes.get(watch, "?"))
                elif mask & IN_Q_OVERFLOW:
                    overflowed = True
                elif self._moved(watch, mask, name):
                    rearranged = True
        if overflowed or (rearranged and self._unseen):
            self._arm()  # a node may have come unseen; or there may be room for watches by now
        return Hint(opened=frozenset(opened), opens=opens, rearranged=rearranged, overflowed=overflowed)

    def close(self) -> None:
        self._inotify.close()
        self._nodes.clear()
        self._folders.clear()

    # -------------------------------------------------------------- watching

    def _moved(self, watch: int, mask: int, name: str) -> bool:
        """Something other than an open; whether it concerns our nodes."""
        if mask & IN_IGNORED:  # the inode is gone, or what it was mounted on
            if self._folders.pop(watch, None) is not None:
                self._arm()
                return True
            return self._nodes.pop(watch, None) is not None
        folder = self._folders.get(watch)
        if folder is None:
            return False
        if mask & IN_MOVE_SELF:  # it is another folder now
            self._arm()
            return True
        path = f"{folder.rstrip('/')}/{name}"
        if any(home == path or home.startswith(f"{path}/") for home in self._homes):
            self._arm()
            return True
        return self._is_node(path) and self._watch_node(path)

    def _arm(self) -> None:
        """Watches all there is. What is watched already stays so: the kernel answers the same number."""
        self._unseen.clear()
        before, self._folders = self._folders, {}
        for home in sorted(self._homes):
            self._watch_folder(home)
            for path in self._below(home):
                if self._is_node(path):
                    self._watch_node(path)
        for watch in before.keys() - self._folders.keys():
            self._inotify.forget(watch)

    def _below(self, home: str) -> list[str]:
        try:
            return [f"{home.rstrip('/')}/{name}" for name in sorted(os.listdir(home))]  # noqa: PTH208
        except OSError:
            return []

    def _watch_folder(self, home: str) -> None:
        """Watches `home`, or while it is missing the nearest folder above, which will tell of it."""
        path = home
        for _ in range(_LINKS):
            watch = self._add(path, _FOLDER_EVENTS)
            if watch is None:
                path = os.path.dirname(path)  # noqa: PTH120
                continue
            self._folders[watch] = path
            if path == home:
                return
            step = home[len(path.rstrip("/")) + 1 :].split("/", 1)[0]
            if not os.path.isdir(f"{path.rstrip('/')}/{step}"):  # noqa: PTH112
                return
            path = home  # it came while we were looking above it

    def _watch_node(self, path: str) -> bool:
        if os.path.isdir(path):  # noqa: PTH112
            return False
        watch = self._add(path, IN_OPEN)
        if watch is None:
            return False
        self._nodes.setdefault(watch, path[len(self._top.rstrip("/")) + 1 :])
        return True

    def _is_node(self, path: str) -> bool:
        below = path[len(self._top.rstrip("/")) + 1 :]
        depth = below.count("/")
        return any(p.count("/") == depth and fnmatchcase(below, p) for p in self._patterns)

    def _add(self, path: str, mask: int) -> int | None:
        try:
            return self._inotify.add(path, mask)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            self._unseen[path] = _advice(error, path)
            return None


def parse(data: bytes) -> Iterator[tuple[int, int, str]]:
    """(watch, mask, name) of each record; what is cut off at the end is left out."""
    at = 0
    while at + _RECORD.size <= len(data):
        watch, mask, _, length = _RECORD.unpack_from(data, at)
        at += _RECORD.size + length
        if at > len(data):
            return
        name = data[at - length : at].rstrip(b"\0").decode(errors="surrogateescape") if length else ""
        yield watch, mask, name


def _advice(error: OSError, what: str) -> str:
    if error.errno == errno.ENOSPC:
        return f"{what}: no inotify watch is left; raise the sysctl fs.inotify.max_user_watches"
    if error.errno == errno.EMFILE:
        return f"{what}: no inotify instance is left; raise the sysctl fs.inotify.max_user_instances"
    return f"{what} cannot be watched: {os.strerror(error.errno or 0)}"


class _Inotify:
    """The system calls, which Python lacks. OSError as of the kernel."""

    def __init__(self) -> None:
        import ctypes  # here, so that whoever does without hints does without it

        libc = ctypes.CDLL(None, use_errno=True)
        self._errno = ctypes.get_errno
        self._add = cast("Callable[[int, bytes, int], int]", libc.inotify_add_watch)
        self._remove = cast("Callable[[int, int], int]", libc.inotify_rm_watch)
        libc.inotify_add_watch.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_uint32)
        self.fd: int = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self.fd < 0:
            raise OSError(self._errno(), "inotify_init1")

    def add(self, path: str, mask: int) -> int:
        watch = self._add(self.fd, os.fsencode(path), mask)
        if watch < 0:
            number = self._errno()
            raise OSError(number, os.strerror(number), path)
        return watch

    def forget(self, watch: int) -> None:
        self._remove(self.fd, watch)

    def chunks(self) -> Iterator[bytes]:
        """What is in the queue, a bounded piece of it."""
        for _ in range(_CHUNKS_A_DRAIN if self.fd >= 0 else 0):
            try:
                data = os.read(self.fd, _CHUNK)
            except OSError:
                return  # BlockingIOError: it is empty
            yield data

    def close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
