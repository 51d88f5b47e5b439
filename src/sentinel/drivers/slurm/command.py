"""Runs one of Slurm's commands, bounded in time and size. Called by `cli`.

Slurm's commands wait long for a controller that does not answer, so each has a process group of its own,
which is killed when its time is up.
"""

import contextlib
import os
import selectors
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO

MOST_BYTES = 256 * 2**20
_MOST_COMPLAINT = 4096
_CHUNK = 2**18
_REAP_SECONDS = 1.0


class TooLate(Exception):
    """It was killed, as it had not ended in time."""


class TooLong(Exception):
    """It was killed, as its output did not end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """Status and both outputs; of its complaints, the first few kilobytes."""

    status: int
    output: bytes
    complaint: str


def run(
    argv: Sequence[str],
    *,
    environment: Mapping[str, str],
    until: float,
    now: Callable[[], float],
    most: int = MOST_BYTES,
) -> Ended:
    """Blocks until it has ended, or `until` on the clock of `now`. Raises OSError, TooLate, TooLong."""
    process = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(environment),
        start_new_session=True,
    )
    try:
        output, complaint = _outputs(process, until=until, now=now, most=most)
        try:
            status = process.wait(max(until - now(), 0.01))
        except subprocess.TimeoutExpired:
            raise TooLate from None
        return Ended(status=status, output=output, complaint=complaint.decode("utf-8", "replace"))
    finally:
        _end(process)


def _outputs(
    process: "subprocess.Popen[bytes]", *, until: float, now: Callable[[], float], most: int
) -> tuple[bytes, bytes]:
    assert process.stdout is not None
    assert process.stderr is not None
    kept: dict[IO[bytes], bytearray] = {process.stdout: bytearray(), process.stderr: bytearray()}
    with selectors.DefaultSelector() as selector:
        for pipe in kept:
            selector.register(pipe, selectors.EVENT_READ, pipe)
        while selector.get_map():
            left = until - now()
            if left <= 0:
                raise TooLate
            for key, _ in selector.select(left):
                pipe: IO[bytes] = key.data
                chunk = os.read(pipe.fileno(), _CHUNK)
                if not chunk:
                    selector.unregister(pipe)
                elif pipe is process.stdout or len(kept[pipe]) < _MOST_COMPLAINT:
                    kept[pipe] += chunk
                if len(kept[process.stdout]) > most:
                    raise TooLong
    return bytes(kept[process.stdout]), bytes(kept[process.stderr][:_MOST_COMPLAINT])


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        # One that hangs in the kernel does not even die; we do not wait for it.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_REAP_SECONDS)
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
