"""Replacing a file whole: whoever reads it sees the old one or the new one, never half.

Called by the arbiter's state file and the inventory's.
"""

import os
from pathlib import Path


def replace_file(path: Path, data: bytes, *, mode: int = 0o600, durable: bool = True) -> None:
    """Puts `data` in the place of `path`. `durable`: it is on the disk on return. OSError as of the system;
    the old file is untouched then."""
    temporary = path.with_name(f".{path.name}.new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    fd = os.open(temporary, flags, mode)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view) :]
        if mode != 0o600:
            os.fchmod(fd, mode)  # whatever the umask took away
        if durable:
            os.fsync(fd)
    finally:
        os.close(fd)
    temporary.replace(path)
