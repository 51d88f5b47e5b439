"""The only place that asks what time it is. Shells call it; decisions take `now` as an argument.

Durations are measured on CLOCK_BOOTTIME: it never jumps and goes on counting through suspend.
Its readings mean something on this boot only, so whatever stores one stores `boot_id()` beside it.
"""

import time
from pathlib import Path


def boottime() -> float:
    """Seconds since boot, suspend included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def monotonic() -> float:
    """CLOCK_MONOTONIC, where somebody else's protocol asks for that one (sd_notify)."""
    return time.monotonic()


def wall() -> float:
    """Seconds since the epoch, UTC. For showing to people, never for measuring."""
    return time.time()


def boot_id() -> str:
    """The kernel's id of this boot."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def rfc3339(epoch: float) -> str:
    """`epoch` seconds as RFC 3339 UTC, to the nearest millisecond: "2026-01-31T23:59:59.250Z"."""
    whole, milliseconds = divmod(round(epoch * 1000), 1000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{milliseconds:03d}Z"
