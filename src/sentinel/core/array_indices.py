"""What of an array is asked for, in words: "0-9", "1,3,5-7", "0-99%4" (no more than 4 of them at once). Pure.

Called by the API for what is submitted, and by the command line before it asks.
"""

import re

from sentinel.core.errors import UsageError

MOST_TASKS = 10_000
MOST_INDEX = 999_999
PATTERN = r"^[0-9]{1,6}(-[0-9]{1,6})?(,[0-9]{1,6}(-[0-9]{1,6})?)*(%[0-9]{1,6})?$"
LONGEST = 10_000  # characters
_ITEM = re.compile(r"([0-9]{1,6})(?:-([0-9]{1,6}))?")
_LIMIT = re.compile(r"[0-9]{1,6}")


def parse_array(text: str) -> tuple[tuple[int, ...], int | None]:
    """(the indices in order, how many tasks may hold GPUs at once or None). UsageError says what is wrong."""
    listed, percent, most = text.partition("%")
    found: set[int] = set()
    for item in listed.split(","):
        first, last = _range(item)
        if len(found) + last - first + 1 > MOST_TASKS:
            raise UsageError(f"an array has at most {MOST_TASKS} tasks; submit it as several")
        for index in range(first, last + 1):
            if index in found:
                raise UsageError(f"the index {index} is in it twice")
            found.add(index)
    return tuple(sorted(found)), _limit(most) if percent else None


def _range(item: str) -> tuple[int, int]:
    match = _ITEM.fullmatch(item.strip())
    if match is None:
        raise UsageError(
            f"{item.strip()[:40]!r} is no index and no range: write 0-9, 1,3,5-7 or 0-99%4; indices are 0 to "
            f"{MOST_INDEX}"
        )
    first = int(match[1])
    last = first if match[2] is None else int(match[2])
    if last < first:
        raise UsageError(f"the range {item.strip()} ends before it begins: write {last}-{first}")
    return first, last


def _limit(text: str) -> int:
    if _LIMIT.fullmatch(text.strip()) is None or int(text) == 0:
        raise UsageError("after the % comes how many of the tasks run at once: 1 or more, as in 0-99%4")
    return int(text)
