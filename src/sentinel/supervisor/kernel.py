"""System calls that Python has no name for. Called by the start, the logs, the adoption, the terminals and
the stage.

Each says None or False where this kernel, or a Python without ctypes, cannot, or raises OSError.
"""

import errno
import fcntl
import os
import struct
from typing import Any

_PR_SET_CHILD_SUBREAPER = 36
_KEEP_SIZE, _PUNCH_HOLE = 1, 2
_PIDFD_GET_INFO = 0xC040FF0B  # _IOWR(0xFF, 11, 64 bytes), Linux 6.13
_PIDFD_INFO_EXIT = 8  # Linux 6.15
_PIDFD_INFO = struct.Struct("=QQ11Ii")
_SYS_PIDFD_GETFD = 438  # the same number on every architecture
_MS_BIND, _MS_REC, _MS_PRIVATE = 4096, 16384, 1 << 18
_MNT_DETACH, _UMOUNT_NOFOLLOW = 2, 8
_CLONE_NEWNS = 0x20000


def _libc() -> Any:
    import ctypes  # costs start-up time and memory, so only where it is needed

    return ctypes.CDLL(None, use_errno=True)


def adopt_orphans() -> bool:
    """Makes us the parent of descendants whose parents end."""
    try:
        return _libc().prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    except (ImportError, OSError, AttributeError):
        return False


def punch_hole(fd: int, start: int, length: int) -> None:
    """Gives the disk back what is there; the file's size stays. OSError, EOPNOTSUPP where it cannot be
    done."""
    try:
        import ctypes

        call = _libc().fallocate64
    except (ImportError, OSError, AttributeError):
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP)) from None
    call.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
    if call(fd, _PUNCH_HOLE | _KEEP_SIZE, start, length) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def exit_status(pidfd: int) -> int | None:
    """The wait status of a process that ended and is nobody's child of ours."""
    buffer = bytearray(_PIDFD_INFO.pack(_PIDFD_INFO_EXIT, *([0] * 13)))
    try:
        fcntl.ioctl(pidfd, _PIDFD_GET_INFO, buffer)
    except OSError:
        return None
    fields = _PIDFD_INFO.unpack(buffer)
    return fields[-1] if fields[0] & _PIDFD_INFO_EXIT else None


def take_descriptor(pidfd: int, number: int) -> int | None:
    """A copy of another process's file descriptor."""
    try:
        fd = _libc().syscall(_SYS_PIDFD_GETFD, pidfd, number, 0)
    except (ImportError, OSError, AttributeError):
        return None
    if fd < 0:
        return None
    os.set_inheritable(fd, False)
    return fd


def bind(source: str, target: str) -> None:
    """Mounts `source` and all that is mounted below it at `target` as well, cut off from where it comes from:
    unmounting it there must not unmount it here. OSError."""
    _mount(source, target, _MS_BIND | _MS_REC)
    _mount("none", target, _MS_REC | _MS_PRIVATE)


def _mount(source: str, target: str, flags: int) -> None:
    import ctypes

    call = _libc().mount
    call.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p]
    if call(os.fsencode(source), os.fsencode(target), None, flags, None) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), target)


def unbind(target: str) -> None:
    """Takes away what `bind` mounted, also while it is used. OSError, EINVAL where nothing is mounted."""
    import ctypes

    if _libc().umount2(os.fsencode(target), _MNT_DETACH | _UMOUNT_NOFOLLOW) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), target)


def enter_mounts_of(pid: int) -> None:
    """Sees the file system as that process does; nothing where it does so already, or where that process is
    not ours to look at. For a process with one thread. OSError."""
    import ctypes

    try:
        fd = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    except PermissionError:
        return
    own = os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if not os.path.sameopenfile(fd, own) and _libc().setns(fd, _CLONE_NEWNS) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
    finally:
        os.close(fd)
        os.close(own)
