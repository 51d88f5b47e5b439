"""Reading objects that people wrote, field by field: what is wrong, in which field, and what is right.

Called by core.rule_json and core.alert_json. The objects come from JSON or YAML that somebody else has
parsed.
"""

import difflib
import math
import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, TypeVar, cast

from sentinel.core.alert import Matches
from sentinel.core.errors import UsageError
from sentinel.core.series import Labels
from sentinel.core.timestamp import epoch
from sentinel.core.units import parse_duration

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

MOST_TEXT = 4096
MOST_VALUES = 1000
LONGEST = 10 * 366 * 86400.0
LATEST = 7258118400.0  # the year 2200
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}")
_METRIC = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]{0,199}")


class Fields:
    """An object whose mistakes are told as `what`: field: message. With `known`, other fields are refused."""

    def __init__(self, raw: object, what: str, known: tuple[str, ...] | None = None) -> None:
        self.what = what
        if not isinstance(raw, Mapping):
            raise UsageError(f"{what}: is an object of names and values, not {shown(raw)}")
        self._raw = cast("Mapping[Any, Any]", raw)
        for key in self._raw:
            if known is not None and key not in known:
                close = difflib.get_close_matches(str(key), known, 1)
                hint = f"did you mean {close[0]!r}?" if close else f"known are: {', '.join(known)}"
                raise UsageError(f"{what}: {shown(key)} is no field of it; {hint}")

    def error(self, key: str, message: str) -> UsageError:
        return UsageError(f"{self.what}: {key}: {message}")

    def need(self, key: str, read: Callable[[Any], T]) -> T:
        if self._raw.get(key) is None:
            raise self.error(key, "is missing")
        return self._read(key, read)

    def get(self, key: str, read: Callable[[Any], T], default: T) -> T:
        return default if self._raw.get(key) is None else self._read(key, read)

    def _read(self, key: str, read: Callable[[Any], T]) -> T:
        try:
            return read(self._raw[key])
        except UsageError as error:
            raise self.error(key, error.message) from None


def shown(value: object) -> str:
    """`value` as people wrote it, cut short."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > MOST_TEXT or "\0" in value:
        raise UsageError(f"is text of at most {MOST_TEXT} characters, not {shown(value)}")
    return value


def sentence(value: Any) -> str:
    if not text(value).strip():
        raise UsageError("says nothing; write a few words")
    return value


def name(value: Any) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise UsageError(f"is a name of letters, digits and _ . : - like gpu-hot, not {shown(value)}")
    return value


def metric(value: Any) -> str:
    if not isinstance(value, str) or not _METRIC.fullmatch(value):
        raise UsageError(f"is the name of a metric like gpu_temperature_celsius, not {shown(value)}")
    return value


def number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not _finite(value):
        raise UsageError(f"is a number like 88 or 0.5, without quotes, not {shown(value)}")
    return float(value)


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def yes_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise UsageError(f"is true or false, not {shown(value)}")
    return value


def seconds(value: Any) -> float:
    if isinstance(value, str):
        found = parse_duration(value)
    elif isinstance(value, bool) or not isinstance(value, int | float):
        raise UsageError(f"is a duration like 30s, 10m or 2h, not {shown(value)}")
    else:
        found = number(value)
    if not 0 <= found <= LONGEST:
        raise UsageError(f"is a duration from 0 to ten years, not {shown(value)}")
    return found


def time(value: Any) -> float:
    found = epoch(value) if isinstance(value, str) else None
    if found is None or not 0 <= found < LATEST:
        raise UsageError(f"is a time with its zone like 2026-01-31T18:00:00+01:00, not {shown(value)}")
    return found


def one_of(kind: type[E]) -> Callable[[Any], E]:
    """A reader for the values of `kind`."""

    def read(value: Any) -> E:
        try:
            return kind(value)
        except ValueError:
            known = ", ".join(repr(one.value) for one in kind)
            raise UsageError(f"is one of {known}, not {shown(value)}") from None

    return read


def label_name(value: Any) -> str:
    if not isinstance(value, str) or not _LABEL.fullmatch(value):
        raise UsageError(f"is the name of a label: letters, digits and _, not {shown(value)}")
    return value


def labels(value: Any) -> Labels:
    """An object of label → text."""
    rows = _object(value, "labels and texts like {team: vision}")
    found: list[tuple[str, str]] = []
    for key, one in rows.items():
        if not isinstance(one, str):
            raise UsageError(f"{label_name(key)} is text (write it in quotes), not {shown(one)}")
        found.append((label_name(key), text(one)))
    return tuple(sorted(found))


def matches(value: Any) -> Matches:
    """An object of label → a text or a list of texts."""
    found: dict[str, tuple[str, ...]] = {}
    for key, one in _object(value, "labels and their values like {node: [gpu01, gpu02]}").items():
        several = isinstance(one, list | tuple)
        many = cast("list[Any]", one) if several else [one]
        if not many or len(many) > MOST_VALUES or not all(isinstance(each, str) for each in many):
            wanted = f"a text or a list of 1 to {MOST_VALUES} texts (numbers in quotes)"
            raise UsageError(f"{label_name(key)} is {wanted}, not {shown(many if several else many[0])}")
        found[label_name(key)] = tuple(text(each) for each in many)
    return found


def _object(value: Any, like: str) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        raise UsageError(f"is an object of {like}, not {shown(value)}")
    rows = cast("Mapping[Any, Any]", value)
    if len(rows) > MOST_VALUES:
        raise UsageError(f"has at most {MOST_VALUES} entries")
    return rows


def list_of(read: Callable[[Any], T]) -> Callable[[Any], tuple[T, ...]]:
    """A reader for lists of what `read` reads."""

    def read_all(value: Any) -> tuple[T, ...]:
        if not isinstance(value, list | tuple):
            raise UsageError(f"is a list, not {shown(value)}")
        many = cast("list[Any]", value)
        if len(many) > MOST_VALUES:
            raise UsageError(f"has at most {MOST_VALUES} entries")
        return tuple(read(one) for one in many)

    return read_all


def matches_json(found: Matches) -> dict[str, list[str]]:
    """What `matches` reads."""
    return {key: list(values) for key, values in found.items()}
