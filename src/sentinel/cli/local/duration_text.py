"""Ages for tables: short, one unit, rounded down. Called by the workload tables and `sentinel top`."""

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
