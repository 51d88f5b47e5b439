"""Reading times that others wrote. Called where answers of container engines, events and files are parsed."""

from datetime import datetime


def epoch(text: str) -> float | None:
    """Seconds since the epoch of an RFC 3339 time, any fraction and offset; None when it is none.

    The year 1 is how Go programs write "never": None, too.
    """
    try:
        found = datetime.fromisoformat(text)
        return None if found.tzinfo is None or found.year <= 1 else found.timestamp()
    except (ValueError, OverflowError):
        return None
