"""Names of Unix sockets that are short enough. Called by whoever binds or connects one
in a folder that somebody else chose.

A socket's path may have 107 bytes; a data folder's may be longer by itself.
"""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

MOST_BYTES = 107


@contextmanager
def socket_path(path: Path) -> Generator[str, None, None]:
    """A name of the socket at `path`, good within the block: its own, or one by way of its open folder.

    OSError (FileNotFoundError, …) when the folder cannot be opened.
    """
    if len(os.fsencode(path)) <= MOST_BYTES:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
