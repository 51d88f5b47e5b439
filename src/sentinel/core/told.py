"""Reading what agents tell, field by field: ProtocolError says whose field is wrong, and what it should be.

Called by core.finding and core.node_arbiter. Nodes are not to be believed: each text has a length, and what a
terminal would act on is shown as "?". What a newer version adds is passed over.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeVar, cast

from sentinel.core.clock import rfc3339
from sentinel.core.errors import ProtocolError
from sentinel.core.timestamp import epoch

Word = TypeVar("Word", bound=StrEnum)

_MOST_NUMBER = 1 << 53
_LAST_TIME = 253_402_300_799.0  # of the year 9999: what comes after has no RFC 3339 time
_LONGEST_TIME = 40


class Told:
    """An object that was told. `what` it is: "a finding"."""

    def __init__(self, found: object, what: str) -> None:
        if not isinstance(found, dict):
            raise ProtocolError(f"{what} is an object")
        self._raw: Mapping[str, Any] = cast("dict[str, Any]", found)
        self.what = what

    def __getitem__(self, field: str) -> Any:
        """As it was told; None where it was not."""
        return self._raw.get(field)

    def text(self, field: str, longest: int) -> str:
        text = self._raw.get(field)
        if not isinstance(text, str) or len(text) > longest:
            raise self.wrong(field, f"text of at most {longest} characters")
        return printable(text)

    def text_or_none(self, field: str, longest: int) -> str | None:
        return None if self._raw.get(field) is None else self.text(field, longest)

    def texts(self, field: str, longest: int, most: int) -> tuple[str, ...]:
        found = self.list(field, most)
        if not all(isinstance(one, str) and len(one) <= longest for one in found):
            raise self.wrong(field, f"a list of texts of at most {longest} characters")
        return tuple([printable(one) for one in cast("list[str]", found)])

    def number(self, field: str) -> int:
        number = self._raw.get(field)
        if type(number) is not int or not 0 <= number <= _MOST_NUMBER:
            raise self.wrong(field, "a number that is not negative")
        return number

    def number_or_none(self, field: str) -> int | None:
        return None if self._raw.get(field) is None else self.number(field)

    def yes_no(self, field: str) -> bool:
        found = self._raw.get(field)
        if type(found) is not bool:
            raise self.wrong(field, "true or false")
        return found

    def one_of(self, field: str, words: type[Word]) -> Word:
        found = next((one for one in words if one.value == self._raw.get(field)), None)
        if found is None:
            raise self.wrong(field, f"one of {', '.join(words)}")
        return found

    def time_or_none(self, field: str) -> float | None:
        """Epoch seconds."""
        text = self._raw.get(field)
        if text is None:
            return None
        at = known_time(epoch(text)) if isinstance(text, str) and len(text) <= _LONGEST_TIME else None
        if at is None:
            raise self.wrong(field, "an RFC 3339 time, or null")
        return at

    def list(self, field: str, most: int) -> list[Any]:
        found = self._raw.get(field)
        if not isinstance(found, list) or len(cast("list[Any]", found)) > most:
            raise self.wrong(field, f"a list of at most {most}")
        return cast("list[Any]", found)

    def wrong(self, field: str, what: str) -> ProtocolError:
        return ProtocolError(f"{self.what}'s {field} is {what}")


def cut(text: str, longest: int) -> str:
    """`text` as `Told.text` takes it."""
    return printable(text if len(text) <= longest else f"{text[: longest - 1]}…")


def known_time(at: float | None) -> float | None:
    """None where it cannot be told."""
    return at if at is not None and 0 <= at < _LAST_TIME else None


def time_text(at: float | None) -> str | None:
    """RFC 3339 UTC; None is unknown."""
    return None if at is None else rfc3339(at)


def printable(text: str) -> str:
    """With "?" for each character that a terminal would act on, and a blank for each line's end."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else " " if one.isspace() else "?" for one in text)
