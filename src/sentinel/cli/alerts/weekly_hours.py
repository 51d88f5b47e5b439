"""Weekly hours as people type and read them: "sat,sun 00:00-24:00 Europe/Berlin". Pure.

Called by the commands about silences; when they are in force, the controller works out.
"""

import re
from collections.abc import Mapping
from typing import Any

from sentinel.core.alert_json import DAYS
from sentinel.core.errors import UsageError

_HOURS = re.compile(r"(\d\d:\d\d)-(\d\d:\d\d)")
_LIKE = 'like "sat,sun 00:00-24:00 Europe/Berlin" or "mon-fri 22:00-06:00 UTC"'


def parse_weekly(text: str) -> dict[str, Any]:
    """As the API takes it. UsageError."""
    words = text.split()
    if len(words) != 3 or (hours := _HOURS.fullmatch(words[1])) is None:
        raise UsageError(f"--weekly {text!r}: days, hours and a time zone, {_LIKE}")
    days = [day for part in words[0].lower().split(",") for day in _days(part)]
    return {"days": list(dict.fromkeys(days)), "begin": hours[1], "end": hours[2], "zone": words[2]}


def _days(part: str) -> list[str]:
    """Of "sat" or "mon-fri"; "fri-mon" goes over the end of the week."""
    first, dash, last = part.partition("-")
    if first not in DAYS or (dash and last not in DAYS):
        raise UsageError(f"--weekly: {part!r} is none of {', '.join(DAYS)}, nor like mon-fri; {_LIKE}")
    begin = DAYS.index(first)
    count = (DAYS.index(last) - begin) % len(DAYS) + 1 if dash else 1
    return [DAYS[(begin + place) % len(DAYS)] for place in range(count)]


def shown_weekly(weekly: Mapping[str, Any]) -> str:
    """As it may be typed."""
    return f"{','.join(weekly['days'])} {weekly['begin']}-{weekly['end']} {weekly['zone']}"
