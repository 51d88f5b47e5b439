"""Reading one small file of the kernel's. Called by `procfs` and `facts`, thousands of times a scan."""

import os


def read_file(path: str, limit: int) -> bytes | None:
    """What is in it, `limit` bytes about; None when it cannot be read (its process has ended, say)."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (OSError, ValueError):
        return None
    try:
        parts: list[bytes] = []
        size = 0
        while size < limit and (part := os.read(fd, min(65536, limit - size))):
            parts.append(part)
            size += len(part)
        return b"".join(parts)
    except OSError:
        return None
    finally:
        os.close(fd)
