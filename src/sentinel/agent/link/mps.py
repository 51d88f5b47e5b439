"""Whether NVIDIA's Multi-Process Service runs on this node. Called by `facts` and `node_watch`, each second.

By what its control daemon keeps in its pipe directory, and by its process: to be asked, it would have to be
connected to. Anybody can make such a directory in /tmp, so both must be root's or our own user's. A daemon in
another pid namespace is not seen, and nothing is promised of it.
"""

import os
import stat
from pathlib import Path

VARIABLE = "CUDA_MPS_PIPE_DIRECTORY"
DEFAULT = "/tmp/nvidia-mps"  # noqa: S108 - where NVIDIA puts it
_PID = "nvidia-cuda-mps-control.pid"
_SOCKET = "control"
_NAME = "nvidia-cuda-mps-control"[:15]  # as the kernel cuts it
_LONGEST = 32


def pipe_directory() -> Path:
    """Where the daemon's pipes are, for us and for jobs."""
    return Path(os.environ.get(VARIABLE) or DEFAULT)


def daemon_pid(folder: Path, proc: Path = Path("/proc")) -> int | None:
    """The control daemon that serves this pipe directory; None: none does."""
    text = _line(folder / _PID)
    if not (text.isascii() and text.isdigit()):
        return None
    process = proc / text
    try:
        owners = {folder.stat().st_uid, process.stat().st_uid}
        mode = (folder / _SOCKET).stat().st_mode
    except OSError:
        return None
    if not owners <= {0, os.geteuid()} or not (stat.S_ISSOCK(mode) or stat.S_ISFIFO(mode)):
        return None
    return int(text) if _line(process / "comm") == _NAME else None


def _line(path: Path) -> str:
    """Its first line. Neither a link nor a pipe leads or holds up the reader."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return os.read(descriptor, _LONGEST).decode("ascii", "replace").partition("\n")[0].strip()
    except OSError:
        return ""
    finally:
        os.close(descriptor)
