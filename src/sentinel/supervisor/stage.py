"""Where the folders of a container job are put for an engine that mounts as root. Called by the forked child
and by `containers`.

An engine that runs as root follows a path as root. A job's user could so get at what lies below a folder that
is closed to him, also by exchanging a part of the path between a check and the mount. So the child opens each
source as that user, and binds what it has opened to a place that only root can change: the engine is told
that place. It is there until the container runs, which then has a copy of its own.

The places are in the file system as process 1 sees it, which is where engines run.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Collection, Generator, Sequence

from sentinel.supervisor.kernel import bind, enter_mounts_of, unbind
from sentinel.supervisor.users import Person

FOLDER = "/run/sentinel-containers"
_INIT = 1
_TRIES = 10


class Unreachable(Exception):
    """That source cannot be read by the job's user."""

    def __init__(self, path: str, number: int | None) -> None:
        super().__init__(path)
        self.path, self.number = path, number


def stage_of(folder: str) -> str:
    """Where the supervisor with that folder has the places of all its containers."""
    import hashlib  # costs start-up time and memory, so only where there are containers

    return f"{FOLDER}/{hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]}"


def check(sources: Sequence[str]) -> None:
    """Whether we can read all of them. Raises Unreachable."""
    for path in sources:
        os.close(_open(path))


def put(sources: Sequence[str], place: str, person: Person) -> list[str]:
    """Opens all of them as that user and binds each; answers where they are, in order. For a forked child
    that is root. Raises Unreachable, and OSError when one cannot be bound."""
    enter_mounts_of(_INIT)
    with as_person(person):
        opened = [_open(path) for path in sources]
    _make(place)
    places: list[str] = []
    for number, fd in enumerate(opened):
        target = f"{place}/{number}"
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            os.mkdir(target, 0o700)  # noqa: PTH102
        else:
            os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        bind(f"/proc/self/fd/{fd}", target)
        places.append(target)
    return places


def _make(place: str) -> None:
    take_away(place)  # one that was killed
    for _ in range(_TRIES):
        with contextlib.suppress(FileNotFoundError):  # somebody's last place was just taken away
            for folder in (FOLDER, os.path.dirname(place)):  # noqa: PTH120
                _make_ours(folder)
            os.mkdir(place, 0o700)  # noqa: PTH102
            return
    raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), place)


def _make_ours(folder: str) -> None:
    with contextlib.suppress(FileExistsError):
        os.mkdir(folder, 0o700)  # noqa: PTH102
    found = os.stat(folder, follow_symlinks=False)  # noqa: PTH116
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != 0 or found.st_mode & 0o022:
        raise OSError(errno.EPERM, f"{folder} is not root's alone", folder)


def sweep(stage: str, keep: Collection[str]) -> None:
    """Takes away all places in that stage but those of the names in `keep`. For a forked child that is
    root."""
    enter_mounts_of(_INIT)
    with contextlib.suppress(OSError):
        for name in os.listdir(stage):  # noqa: PTH208
            if name not in keep:
                take_away(f"{stage}/{name}")


def take_away(place: str) -> None:
    """Undoes `put`, however far it got. Idempotent. For a forked child that is root."""
    enter_mounts_of(_INIT)
    try:
        names = os.listdir(place)  # noqa: PTH208
    except OSError:
        return
    for name in names:
        target = f"{place}/{name}"
        with contextlib.suppress(OSError):
            while True:  # until nothing is mounted there
                unbind(target)
        with contextlib.suppress(OSError):  # never what is in a folder
            os.rmdir(target)  # noqa: PTH106
        with contextlib.suppress(OSError):  # the kernel removes nothing that something is mounted on
            os.unlink(target)  # noqa: PTH108
    with contextlib.suppress(OSError):
        os.rmdir(place)  # noqa: PTH106
        os.rmdir(os.path.dirname(place))  # noqa: PTH106, PTH120 - if it was the last


@contextlib.contextmanager
def as_person(person: Person) -> Generator[None]:
    """Acts as that user for a while."""
    groups, gid = os.getgroups(), os.getegid()
    os.initgroups(person.name, person.gid)
    os.setegid(person.gid)
    os.seteuid(person.uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(gid)
        os.setgroups(groups)


def _open(path: str) -> int:
    """Stays open until this process executes something else."""
    try:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
        folder = stat.S_ISDIR(os.fstat(fd).st_mode)
        if not os.access(f"/proc/self/fd/{fd}", os.R_OK | (os.X_OK if folder else 0), effective_ids=True):
            raise Unreachable(path, errno.EACCES)
    except OSError as error:
        raise Unreachable(path, error.errno) from None
    return fd
