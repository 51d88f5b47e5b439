"""Ages (short, one unit, rounded down) and local times for people. Called by the tables of `cli.local`."""

import time

_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def age_text(seconds: float | None) -> str:
    """`seconds` in its largest whole unit: "45 s", "12 min", "5 h", "3 d". None is "?"."""
    if seconds is None:
        return "?"
    whole = max(0, int(seconds))
    for size, unit in _UNITS:
        if whole >= size:
            return f"{whole // size} {unit}"
    return "0 s"


def age_since(start: float | None, now: float) -> str:
    """The age at `now` of what began at `start` (both epoch)."""
    return age_text(None if start is None else now - start)


def clock_text(at: float | None) -> str:
    """A moment (epoch) in this machine's time: "2026-01-31 23:59:59". None is "?"."""
    return "?" if at is None else time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
