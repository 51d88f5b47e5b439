"""Whom a job tells of its beginning and its end: the entries of `JobSpec.notify`. Pure.

Called by the API and the command line, which take them from people, and by the watch, which tells.

    CHANNEL:end      it has ended, however
    CHANNEL:fail     it has FAILED
    CHANNEL:start    it runs

People may write CHANNEL alone, for its end, and several at once: "mail:start,fail".
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from sentinel.core.errors import UsageError

MOST = 20
PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}:(end|fail|start)$"
"""Of one entry of a spec."""

_CHANNEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


class Moment(StrEnum):
    """When a channel is told."""

    START = "start"
    END = "end"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """That `channel` is told at that moment."""

    channel: str
    moment: Moment

    @property
    def entry(self) -> str:
        """As a spec has it."""
        return f"{self.channel}:{self.moment.value}"


def wishes(entries: Iterable[str]) -> tuple[Wish, ...]:
    """Each once. UsageError for what people cannot mean."""
    found: dict[str, Wish] = {}
    for text in entries:
        channel, colon, moments = text.partition(":")
        if not _CHANNEL.fullmatch(channel):
            raise UsageError(f"{text[:100]!r} names no channel; write it like mail or mail:start,fail")
        for word in moments.split(",") if colon else (Moment.END.value,):
            wish = Wish(channel=channel, moment=_moment(word.strip(), text))
            found[wish.entry] = wish
    if len(found) > MOST:
        raise UsageError(f"at most {MOST} channels and moments, not {len(found)}")
    return tuple(found.values())


def _moment(word: str, text: str) -> Moment:
    try:
        return Moment(word)
    except ValueError:
        known = ", ".join(one.value for one in Moment)
        raise UsageError(f"{text[:100]!r}: {word[:40]!r} is none of {known}") from None
