"""Sizes and durations as people write them, and back. Bytes are IEC (1 GiB = 2**30); seconds are floats."""

import re

from sentinel.core.errors import UsageError

# At most 18 digits: beyond that floats overflow, and nobody means it.
_SIZE = re.compile(r"\s*(\d{1,18}(?:\.\d{1,18})?)\s*([kmgtp]?)(i?)(b?)\s*", re.IGNORECASE)
_DURATION = re.compile(r"\s*(\d{1,18}(?:\.\d{1,18})?)\s*(ms|s|m|h|d|)\s*", re.IGNORECASE)
_POWER = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
_SECONDS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_size(text: str) -> int:
    """Bytes in `text`: "20GiB", "20G" and "20g" are binary, "20GB" is decimal, a bare number is bytes."""
    match = _SIZE.fullmatch(text)
    if not match:
        raise UsageError(f"{text!r} is no size; write it like 20GiB or 512MiB")
    number, prefix, binary, suffix = match.groups()
    base = 1000 if suffix and prefix and not binary else 1024
    unit = base ** _POWER[prefix.lower()]
    return int(number) * unit if number.isdigit() else round(float(number) * unit)


def parse_duration(text: str) -> float:
    """Seconds in `text`: "90", "90s", "1.5m", "2h", "250ms"."""
    match = _DURATION.fullmatch(text)
    if not match:
        raise UsageError(f"{text!r} is no duration; write it like 30s, 10m or 2h")
    return float(match[1]) * _SECONDS[match[2].lower()]


def show_size(count: int | None) -> str:
    """`count` bytes for people: "19.5 GiB"; None is "unknown"."""
    if count is None:
        return "unknown"
    value = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(value) < 1024:
            return f"{value:.0f} {unit}" if unit in ("B", "KiB") or value >= 100 else f"{value:.3g} {unit}"
        value /= 1024
    return f"{value:.0f} TiB" if value >= 100 else f"{value:.3g} TiB"


def show_duration(seconds: float) -> str:
    """`seconds` for people, two units at most: "850 ms", "12 s", "3 min 20 s", "2 h 5 min", "4 d"."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    whole = round(seconds)
    parts: list[str] = []
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        count, whole = divmod(whole, size)
        if count:
            parts.append(f"{count} {unit}")
        elif parts:
            break
    return " ".join(parts[:2]) or "0 s"
