"""TOML tables that know where they stand in their file, and the kinds of values found in them.

For the arbiter's config: every mistake becomes a ConfigError with file, line and key.
"""

import difflib
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from sentinel.core.errors import ConfigError, UsageError
from sentinel.core.units import parse_duration, parse_size

T = TypeVar("T")

# ------------------------------------------------------------------ tables


class Table:
    """A TOML table that knows where it stands in the file."""

    def __init__(self, raw: Mapping[str, Any], name: str, text: str, path: str, nth: int = 0) -> None:
        self._raw, self._name, self._text, self._path, self._nth = raw, name, text, path, nth

    def error(self, key: str, message: str) -> ConfigError:
        return ConfigError(message, file=self._path, line=self._line(key), key=self._dotted(key))

    def _dotted(self, key: str) -> str:
        return f"{self._name}.{key}" if self._name else key

    def _line(self, key: str) -> int | None:
        """Where `key` is set in this table, or else where the table begins. By eye, not by grammar:
        tomllib tells no positions, and a wrong guess only misplaces a message."""
        header, seen, start = "", -1, None
        for number, line in enumerate(self._text.splitlines(), 1):
            if match := re.match(r"\s*\[+\s*([\w.-]+)\s*\]+", line):
                header = match[1]
                seen += header == self._name
                start = number if header == self._name and seen == self._nth else start
            here = header == self._name and (seen == self._nth or not self._name)
            if here and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=.]", line):
                return number
            if not self._name and re.match(rf"\s*\[+\s*{re.escape(key)}\s*\]+", line):
                return number
        return start

    def refuse_unknown(self, known: set[str]) -> None:
        for key in self._raw:
            if key not in known:
                close = difflib.get_close_matches(key, known, 1)
                hint = f"did you mean {close[0]!r}?" if close else f"known here: {', '.join(sorted(known))}"
                raise self.error(key, f"unknown key; {hint}")

    def table(self, key: str, known: set[str]) -> "Table":
        value = self._raw.get(key, {})
        if not isinstance(value, dict):
            raise self.error(key, f"is a table, written [{key}]")
        inner = Table(cast("dict[str, Any]", value), self._dotted(key), self._text, self._path)
        inner.refuse_unknown(known)
        return inner

    def tables(self, key: str, known: set[str]) -> "list[Table]":
        value = self._raw.get(key, [])
        rows = cast("list[Any]", value) if isinstance(value, list) else [None]
        if not all(isinstance(row, dict) for row in rows):
            raise self.error(key, f"is a list of tables, each written [[{key}]]")
        found = [
            Table(cast("dict[str, Any]", row), self._dotted(key), self._text, self._path, n)
            for n, row in enumerate(rows)
        ]
        for inner in found:
            inner.refuse_unknown(known)
        return found

    def get(self, key: str, read: Callable[[Any], T], default: T) -> T:
        if key not in self._raw:
            return default
        return self.need(key, read)

    def need(self, key: str, read: Callable[[Any], T]) -> T:
        if key not in self._raw:
            raise self.error(key, "is missing")
        try:
            return read(self._raw[key])
        except (UsageError, ValueError) as error:
            raise self.error(key, str(error)) from None


# ------------------------------------------------------------------ values


def text(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError(f"is text in quotes, not {value!r}")
    return value


def name(value: Any) -> str:
    found = text(value)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", found):
        raise ValueError(f"{found!r} is no name: letters, digits, '_', '.', '-', at most 64")
    return found


def unit(value: Any) -> str:
    found = text(value)
    if not re.fullmatch(r"[A-Za-z0-9:_.\\@][A-Za-z0-9:_.\\@-]*\.service", found):
        raise ValueError(f"{found!r} is no unit; write it like ollama.service")
    return found


def absolute(value: Any) -> str:
    found = text(value)
    if not found.startswith("/"):
        raise ValueError(f"{found!r} is no absolute path")
    return found


def words(value: Any) -> tuple[str, ...]:
    found = texts(value)
    if not found:
        raise ValueError('needs at least one, like ["a", "b"]')
    return found


def texts(value: Any) -> tuple[str, ...]:
    rows = cast("list[Any]", value) if isinstance(value, list) else None
    if rows is None or not all(isinstance(v, str) and "\0" not in v for v in rows):
        raise ValueError(f'is a list of texts like ["a", "b"], not {value!r}')
    return tuple(rows)


def environment(value: Any) -> dict[str, str]:
    rows = cast("dict[str, Any]", value) if isinstance(value, dict) else None
    if rows is None or not all(isinstance(v, str) and "\0" not in v for v in rows.values()):
        raise ValueError('is a table of texts like { HF_HOME = "/models" }')
    return dict(rows)


def source(value: Any) -> str:
    found = text(value)
    if not re.fullmatch(r"auto|nvml|smi|simulated(:[0-9]{1,4})?", found):
        known = "auto, nvml, smi, simulated:N (as in simulated:2)"
        raise ValueError(f"{found!r} is no source of GPUs; choose one of: {known}")
    return found


def gpu_ids(value: Any) -> tuple[str, ...]:
    rows = cast("list[Any]", value) if isinstance(value, list) else [None]
    good = all(
        isinstance(v, str) or (isinstance(v, int) and not isinstance(v, bool) and v >= 0) for v in rows
    )
    if not good:
        raise ValueError(f'is a list of indices or UUIDs like [0, 1] or ["GPU-…"], not {value!r}')
    return tuple(str(v) for v in rows)


def yes_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"is true or false, not {value!r}")
    return value


def seconds(value: Any) -> float:
    if isinstance(value, str):
        return parse_duration(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
        raise ValueError(f'is a number of seconds or text like "90s", not {value!r}')
    return float(value)


def positive(value: Any) -> float:
    length = seconds(value)
    if length < 0.05:
        raise ValueError(f"is at least 0.05 seconds, not {value!r}")
    return length


def size(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str) or (isinstance(value, int) and value < 0):
        raise ValueError(f'is a size like "20GiB", not {value!r}')
    return parse_size(str(value))


def count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"is a whole number, 0 or more, not {value!r}")
    return value


def address(value: Any) -> str:
    found = text(value)
    host, _, port = found.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError(f"{found!r} is no address; write it like 127.0.0.1:8450")
    return found


def yes_no_or_address(value: Any) -> bool | str:
    return value if isinstance(value, bool) else address(value)


def url(value: Any) -> str:
    found = text(value).rstrip("/")
    if not re.fullmatch(r"http://[\w.-]+:\d{1,5}|http://\[[0-9a-fA-F:]+\]:\d{1,5}", found):
        raise ValueError(f"{found!r} is no address of a service; write it like http://127.0.0.1:11434")
    return found


def sleep_level(value: Any) -> int:
    if type(value) is not int or value not in (1, 2):
        raise ValueError(f"is 1 or 2, not {value!r}")
    return value
