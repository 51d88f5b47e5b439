"""The arbiter's socket: listening on it, and who is at the other end of a connection."""

import contextlib
import errno
import os
import socket
import struct
from pathlib import Path

from sentinel.arbiter.attribution import user_name
from sentinel.core.errors import SentinelError, UsageError
from sentinel.core.process import Peer
from sentinel.ports.processes import ProcessTable

BACKLOG = 4096
_SO_PEERGROUPS = 59
_MOST_GROUPS = 256  # Python asks for 1024 bytes at most
_SO_PEERPIDFD = 77  # Linux 6.5
_SD_FIRST_FD = 3


def inherited() -> socket.socket | None:
    """The listening socket that systemd hands over (sd_listen_fds(3)), if it does."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return None
    if os.environ.get("LISTEN_FDS", "0") == "0":
        return None
    for name in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"):
        os.environ.pop(name, None)
    os.set_inheritable(_SD_FIRST_FD, False)
    listener = socket.socket(fileno=_SD_FIRST_FD)
    listener.setblocking(False)
    return listener


def listen(path: str) -> socket.socket:
    """A listening socket at `path`, open to every user. UsageError when that cannot be."""
    if len(path.encode()) > 107:
        raise UsageError(f"socket path is longer than 107 bytes: {path}")
    _remove_stale(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    mask = os.umask(0o111)
    try:
        listener.bind(path)
    except OSError as error:
        listener.close()
        raise UsageError(f"cannot listen on {path}: {error.strerror}; try --socket PATH") from None
    finally:
        os.umask(mask)
    listener.listen(BACKLOG)
    return listener


def _remove_stale(path: str) -> None:
    """Takes away what a killed arbiter left. SentinelError when a living one answers there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(path)
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno not in (errno.ECONNREFUSED, errno.ENOTSOCK):
                raise UsageError(f"cannot use {path}: {error.strerror}") from None
        else:
            raise SentinelError(f"another arbiter answers on {path}; stop that one first")
    if not Path(path).is_socket():
        raise UsageError(f"{path} is there already and is no socket; try --socket PATH")
    with contextlib.suppress(FileNotFoundError):
        Path(path).unlink()


def peer_of(connection: socket.socket, processes: ProcessTable) -> tuple[Peer, int] | None:
    """Who connected, by the kernel, and a pidfd of that process (caller closes).

    None when that process is gone, or lives where this arbiter cannot see it (another pid namespace).
    """
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    pid, uid, gid = struct.unpack("iII", raw)
    if pid <= 0:
        return None
    pidfd = _peer_pidfd(connection, pid)
    if pidfd is None:
        return None
    process = processes.identify(pid)
    if process is None:
        os.close(pidfd)
        return None
    return Peer(
        process=process, uid=uid, gid=gid, user=user_name(uid), groups=_groups(connection) | {gid}
    ), pidfd


def _peer_pidfd(connection: socket.socket, pid: int) -> int | None:
    try:
        fd = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERPIDFD)
        os.set_inheritable(fd, False)
        return fd
    except OSError as error:
        if error.errno not in (errno.ENOPROTOOPT, errno.EINVAL):
            return None
    with contextlib.suppress(OSError):
        return os.pidfd_open(pid)
    return None


def _groups(connection: socket.socket) -> frozenset[int]:
    try:
        raw = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, _MOST_GROUPS * 4)
    except OSError:
        return frozenset()
    return frozenset(struct.unpack(f"{len(raw) // 4}I", raw))
