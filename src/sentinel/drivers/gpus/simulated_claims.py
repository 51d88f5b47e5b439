"""Claim files: how a real process says that it holds memory on a simulated GPU. Standard library only.

Written by `python3 -m sentinel.drivers.gpus.simulated hold`, read by the `simulated` driver. A claim is a
file `PID-STARTED.json` in the claims folder, STARTED being the process's start time from /proc/PID/stat:

    {"gpus": [0], "memory_bytes": 4294967296, "kind": "compute"}

It counts as long as that very process lives, as the memory on a real card does; what dead processes left
behind is removed. Anything in the folder that is no claim is ignored. Beside them may stand a file
`fault`: while it is there, reading the GPUs fails with its first line.
"""

import contextlib
import json
import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from sentinel.core.gpu import ProcessKind

_NAME = re.compile(r"([1-9][0-9]{0,9})-([0-9]{1,20})\.json")
_MAX_BYTES = 16 * 2**10
_MAX_MEMORY = 2**50
_MAX_GPUS = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A process with `memory_bytes` on each of `gpus` (indices)."""

    pid: int
    gpus: tuple[int, ...]
    memory_bytes: int
    kind: ProcessKind = ProcessKind.COMPUTE


def default_folder() -> Path:
    """$SENTINEL_SIMULATED_DIR, else in the user's runtime folder, else a folder of the user's in /tmp."""
    named = os.environ.get("SENTINEL_SIMULATED_DIR")
    if named:
        return Path(named)
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    return Path(runtime, "sentinel-simulated") if runtime else Path(f"/tmp/sentinel-simulated-{os.getuid()}")  # noqa: S108


def ready_folder(folder: Path) -> Path:
    """`folder`, made if it is not there (0700). Raises OSError, also when in /tmp it is another user's."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    owner = folder.lstat()
    if not stat.S_ISDIR(owner.st_mode) or owner.st_uid not in (os.getuid(), 0):
        raise PermissionError(f"{folder} belongs to another user")
    return folder


def started(pid: int) -> int | None:
    """When `pid` started, in clock ticks since boot; None when it is gone (a zombie holds nothing)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None
    return None if len(fields) < 20 or fields[0] in (b"Z", b"X") else int(fields[19])


def claim(
    folder: Path, gpus: Sequence[int], memory_bytes: int, kind: ProcessKind = ProcessKind.COMPUTE
) -> Path:
    """Claims memory for the calling process, in place of what it claimed before; the file to remove."""
    pid = os.getpid()
    path = ready_folder(folder) / f"{pid}-{started(pid)}.json"
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps({"gpus": list(gpus), "memory_bytes": memory_bytes, "kind": kind.value}))
    beside.replace(path)
    return path


def claims(folder: Path) -> Iterator[Holding]:
    """The claims of living processes, by pid. Removes those of dead ones."""
    try:
        names = sorted(entry.name for entry in os.scandir(folder))
    except OSError:
        return
    for name in names:
        match = _NAME.fullmatch(name)
        if match is None:
            continue
        if started(int(match[1])) != int(match[2]):
            with contextlib.suppress(OSError):
                (folder / name).unlink()
            continue
        holding = _parsed(int(match[1]), _content(folder / name))
        if holding is not None:
            yield holding


def fault(folder: Path) -> str | None:
    """The first line of the fault file, when there is one."""
    content = _content(folder / "fault")
    if content is None:
        return None
    return content.decode("utf-8", errors="replace").partition("\n")[0].strip() or "simulated fault"


def _content(path: Path) -> bytes | None:
    try:
        # Neither a link nor a pipe put there by somebody else may lead or hold up the reader.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        return os.read(descriptor, _MAX_BYTES + 1)
    except OSError:
        return None
    finally:
        os.close(descriptor)


def _parsed(pid: int, content: bytes | None) -> Holding | None:
    if content is None or len(content) > _MAX_BYTES:
        return None
    try:
        found: Any = json.loads(content)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    claimed = cast("dict[str, Any]", found)
    gpus, memory, kind = claimed.get("gpus"), claimed.get("memory_bytes"), claimed.get("kind", "compute")
    if type(memory) is not int or not isinstance(gpus, list) or kind not in list(ProcessKind):
        return None
    indices = cast("list[Any]", gpus)
    if len(indices) > _MAX_GPUS or not 0 <= memory <= _MAX_MEMORY:
        return None
    if not all(type(index) is int and 0 <= index < _MAX_GPUS for index in indices):
        return None
    return Holding(pid=pid, gpus=tuple(indices), memory_bytes=memory, kind=ProcessKind(kind))
