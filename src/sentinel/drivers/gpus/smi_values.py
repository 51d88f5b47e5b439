"""One value as `nvidia-smi` prints it: "24576 MiB", "66.92 W", "[N/A]", "ERR!", "GPU requires reset".

Called by the CSV, XML and pmon parsers. A value that is no value is None, whatever words say so: the
words differ between drivers, so numbers are recognised and all else is unknown.
"""

import math
import re

_NUMBER = re.compile(r"([-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d{1,3})?)\s*([A-Za-z%]*)")
_BINARY = {"": 2**20, "b": 1, "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}
_MEMORY = _BINARY | {"kb": 10**3, "mb": 10**6, "gb": 10**9}
_WORDS_FOR_UNKNOWN = frozenset(
    (
        "",
        "-",
        "n/a",
        "err!",
        "not supported",
        "unknown error",
        "unknown",
        "not found",
        "insufficient permissions",
        "requested functionality has been deprecated",
        "gpu is lost",
        "gpu requires reset",
        "function not found",
    )
)
_BROKEN = re.compile(r"GPU is lost|GPU requires re(?:set|start)", re.IGNORECASE)
_ERRATIC = re.compile(r"\[?\s*(?:Unknown Error|ERR!)\s*\]?", re.IGNORECASE)


def text(raw: str | None) -> str | None:
    """`raw` unless it is one of the driver's ways to say that it has no value."""
    if raw is None:
        return None
    value = raw.strip()
    if (value.startswith("[") and value.endswith("]")) or value.lower() in _WORDS_FOR_UNKNOWN:
        return None
    return value


def number(raw: str | None, *units: str, negative: bool = False) -> float | None:
    """The number in `raw`, in one of `units` or without a unit."""
    found = _split(raw)
    if found is None:
        return None
    value, unit = found
    if (unit and unit not in units) or (value < 0 and not negative):
        return None
    return value


def memory(raw: str | None) -> int | None:
    """Bytes in `raw`; without a unit it is MiB, which is what `nounits` leaves out."""
    found = _split(raw)
    if found is None or found[0] < 0:
        return None
    value, unit = found
    scale = _MEMORY.get(unit.lower())
    return None if scale is None else round(value * scale)


def whole(raw: str | None) -> int | None:
    """The integer in `raw`, zero or more: an index, an instance id, a count."""
    value = (raw or "").strip()
    return int(value) if value.isascii() and value.isdigit() and len(value) <= 10 else None


def flag(raw: str | None) -> bool | None:
    """ "Enabled" is True, "Disabled" is False, anything else unknown."""
    return {"enabled": True, "disabled": False}.get((raw or "").strip().lower())


def trouble(field: str, raw: str | None) -> str | None:
    """What `raw` says is wrong with the card, if it says so.

    A fan that cannot be read alone is no broken card: many server cards answer so in good health.
    """
    broken = _BROKEN.search(raw or "")
    if broken:
        return broken[0]
    if _ERRATIC.fullmatch((raw or "").strip()) and "fan" not in field:
        return f"{field}: Unknown Error"
    return None


def _split(raw: str | None) -> tuple[float, str] | None:
    match = _NUMBER.fullmatch((raw or "").strip())
    if match is None:
        return None
    value = float(match[1])
    return (value, match[2]) if math.isfinite(value) else None
