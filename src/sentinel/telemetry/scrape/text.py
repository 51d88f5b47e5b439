"""Metrics as others write them: Prometheus' text format and OpenMetrics 1.0, to samples. Pure.

Called by the agent with what inference servers answer, and by the controller with what it polls. As in
Prometheus one line that is no sample spoils the page: half a page must not look like a whole one. A value
that is not a number stays NaN. Exemplars, help and units are passed over.

Names in quotes (UTF-8 names of Prometheus 3) are not read: nobody sends them who was not asked for them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from sentinel.core.errors import ProtocolError
from sentinel.core.series import Labels

MOST_SAMPLES = 20_000
_SHOWN = 60

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*+"
_QUOTED = r'"(?:[^"\\]|\\.)*+"'
_SAMPLE = re.compile(
    rf"({_NAME})[ \t]*+(?:\{{((?:[^\"{{}}]|{_QUOTED})*+)\}})?[ \t]*+([^ \t#{{]++)(?:[ \t]++([^ \t#]++))?"
    rf"[ \t]*+(#.*)?"
)
_LABEL = re.compile(r'[ \t]*+([a-zA-Z_][a-zA-Z0-9_]*+)[ \t]*+=[ \t]*+"((?:[^"\\]|\\.)*+)"[ \t]*+(?:,|$)')
_ESCAPED = re.compile(r'\\([\\n"])')
_ESCAPES = {"\\": "\\", "n": "\n", '"': '"'}
_SUFFIXES = ("_total", "_bucket", "_sum", "_count", "_created", "_info")


class Sample(NamedTuple):
    """One line. `at`: when it was measured (epoch seconds), where the page says so."""

    name: str
    labels: Labels
    value: float
    at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scraped:
    """A page. `kinds`: what kind a family is ("counter", "histogram", …), by its name."""

    samples: tuple[Sample, ...]
    kinds: Mapping[str, str]

    def kind(self, name: str) -> str:
        """The kind of the family that a sample of this name belongs to; "unknown" where none is told."""
        known = self.kinds.get(name)
        if known is not None:
            return known
        for suffix in _SUFFIXES:
            if name.endswith(suffix):
                return self.kinds.get(name.removesuffix(suffix), "unknown")
        return "unknown"


def read(body: bytes, content_type: str, *, most: int = MOST_SAMPLES) -> Scraped:
    """The page in an answer's body. ProtocolError that says what is wrong with it."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise ProtocolError("it is not UTF-8 text: is that the address of metrics?") from None
    kind = content_type.partition(";")[0].strip().lower()
    if kind in ("text/html", "application/json"):
        raise ProtocolError(f"it answers {kind}, not metrics: is that the address of metrics?")
    return parse(text, openmetrics=kind == "application/openmetrics-text", most=most)


def parse(text: str, *, openmetrics: bool = False, most: int = MOST_SAMPLES) -> Scraped:
    """The samples in `text`, in its order. ProtocolError that names the line."""
    samples: list[Sample] = []
    kinds: dict[str, str] = {}
    blocks: dict[str, Labels] = {"": ()}
    unit = 1.0 if openmetrics else 1000.0
    ended = False
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip(" \t\r")
        if not line:
            continue
        if ended:
            raise ProtocolError(f"line {number}: it goes on after its end")
        if line[0] == "#":
            ended = openmetrics and line == "# EOF"
            _note_kind(line, kinds)
            continue
        found = _SAMPLE.fullmatch(line)
        if found is None or (found[5] is not None and not openmetrics):
            raise ProtocolError(f"line {number} is no sample: {_shown(line)}")
        if len(samples) == most:
            raise ProtocolError(f"more than {most} samples: that is too much to take in")
        name, block, value, at = found[1], found[2] or "", found[3], found[4]
        labels = blocks.get(block)
        if labels is None:
            labels = blocks[block] = _labels(block, number)
        samples.append(
            Sample(name, labels, _number(value, number), None if at is None else _number(at, number) / unit)
        )
    if openmetrics and not ended:
        raise ProtocolError("it is cut off: the line that ends it is missing")
    return Scraped(samples=tuple(samples), kinds=kinds)


def _note_kind(line: str, kinds: dict[str, str]) -> None:
    words = line.split(None, 3)
    if len(words) == 4 and words[0] == "#" and words[1] == "TYPE":
        kinds[words[2]] = words[3].strip().lower()


def _labels(block: str, number: int) -> Labels:
    found: dict[str, str] = {}
    at = 0
    while at < len(block):
        one = _LABEL.match(block, at)
        if one is None:
            if not block[at:].strip(" \t"):
                break
            raise ProtocolError(f"line {number}: its labels cannot be read: {_shown(block[at:])}")
        name, value = one.groups()
        if name in found:
            raise ProtocolError(f"line {number}: the label {_shown(name)} is there twice")
        found[name] = _ESCAPED.sub(lambda one: _ESCAPES[one[1]], value) if "\\" in value else value
        at = one.end()
    return tuple(sorted((name, value) for name, value in found.items() if value))


def _number(text: str, number: int) -> float:
    try:
        if "_" in text:  # Python's way to write numbers, not theirs
            raise ValueError
        return float(text)
    except ValueError:
        raise ProtocolError(f"line {number}: {_shown(text)} is no number") from None


def _shown(text: str) -> str:
    return ascii(text[:_SHOWN])
