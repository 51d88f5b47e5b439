"""Alertmanager's silences as they come (API v2), read into the port's. Pure. Called by `alertmanager`.

[{"id", "status": {"state": "active" | "pending" | "expired"}, "startsAt": TIME, "endsAt": TIME,
  "createdBy", "comment", "matchers": [{"name", "value", "isRegex": BOOL, "isEqual": BOOL (since 0.22)}]}]
"""

from collections.abc import Mapping
from typing import Any, cast

from sentinel.core.timestamp import epoch
from sentinel.drivers.notifiers.foreign_regex import Unread, matcher
from sentinel.ports.notifier import ForeignMatcher, ForeignSilence


def silences_from(found: object) -> tuple[ForeignSilence, ...]:
    """Those in force. ValueError when this is no list of silences."""
    if not isinstance(found, list):
        raise ValueError("no list of silences")
    try:
        rows = [cast("Mapping[str, Any]", one) for one in cast("list[Any]", found)]
        return tuple(_silence(one) for one in rows if one["status"]["state"] == "active")
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("no silences") from error


def _silence(row: Mapping[str, Any]) -> ForeignSilence:
    start, end = epoch(str(row["startsAt"])), epoch(str(row["endsAt"]))
    if start is None or end is None:
        raise ValueError("a silence without its times")
    matchers: list[ForeignMatcher] = []
    unread = None
    for one in row["matchers"]:
        try:
            matchers.append(_matcher(one))
        except Unread as error:
            unread = f"the expression of {str(one['name'])[:100]} cannot be read here: {error}"
    return ForeignSilence(
        id=str(row["id"]),
        matchers=tuple(matchers),
        start=start,
        end=end,
        by=str(row.get("createdBy", "")),
        why=str(row.get("comment", "")),
        unread=unread,
    )


def _matcher(one: Mapping[str, Any]) -> ForeignMatcher:
    value, regex = str(one["value"]), bool(one.get("isRegex", False))
    return ForeignMatcher(
        label=str(one["name"]),
        value=value,
        regex=regex,
        equal=bool(one.get("isEqual", True)),
        means=matcher(value) if regex else value.__eq__,
    )
