"""The whole screen of `sentinel top` as lines: what was read, what was chosen, how much room. Pure.

Called by `screen` for every frame, and by `command` for `--once` (without a height: nothing left out).
"""

import time
from dataclasses import dataclass

from sentinel.cli.local.duration_text import age_text
from sentinel.cli.local.top.gpus import gpu_lines
from sentinel.cli.local.top.look import Look, ProcessRow
from sentinel.cli.local.top.processes import filtered, group_lines, in_order, process_lines
from sentinel.cli.local.top.spans import Line, Span, Style, as_many_as_fit, clipped, line
from sentinel.cli.local.top.state import Panel, TopState
from sentinel.cli.text_width import cell, squeezed
from sentinel.cli.text_wrap import wrapped
from sentinel.core.units import show_duration

_KEYS_LINE = "q quit  h help  s sort  / filter  u users  g GPUs  p list  space pause"
_LEAST_TABLE = 6  # rows that the processes keep however many GPUs there are
_LATE = 2.0  # seconds beyond two intervals: then a reading is called old

HELP = """\
q          quit                      s  right   sort by the next column
h  ?       this page                 S  left    sort by the one before
space      pause, and go on          r          turn the order round
+  -       look less, more often     up  down   move; page, home, end too
/          only what contains a text: user, name, type or pid; Esc: all again
u          one line a user
g          GPUs: with detail, a line each, none
p          the list of processes, or all the room for the GPUs

GPU MEM    held by the process on that GPU
SM%        share of the time in which it computed there
CPU%       of one core, so 400 is four
MEM        of the machine's memory
TYPE       how it was started, by the inventory: sentinel workloads --concepts
?          unknown: it could not be read. That is never shown as 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When a frame is drawn: on the boot clock, and the age of waiting for a first look."""

    now: float
    started: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the reader has by now. `trouble`: why the last reading did not work."""

    look: Look | None = None
    trouble: str | None = None


def shown_rows(look: Look | None, state: TopState) -> list[ProcessRow]:
    """The processes that pass the filter, in order."""
    if look is None:
        return []
    return in_order(filtered(look.rows, _filter(state)), state.sort, reverse=state.reverse)


def _filter(state: TopState) -> str:
    # What is being typed shows its effect at once.
    return state.filter if state.typing is None else state.typing


def screen_lines(found: Found, state: TopState, at: Moment, width: int, height: int | None) -> list[Line]:
    """The screen: at most `height` lines (None: as many as there are) of at most `width` columns."""
    if width < 1 or (height is not None and height < 1):
        return []
    top = [_headline(found, state, width)]
    for text in _warnings(found, state, at):
        # On a screen every warning has one line; in a text there is room for all of it.
        shown = [squeezed(text, width)] if height is not None else wrapped(text, width)
        top += [line(Span(one, Style.WARN)) for one in shown]
    below = None if height is None else height - 1
    if state.help:
        body = [line(text) for text in HELP.splitlines()]
    else:
        body = _body(found, state, at, width, None if below is None else below - len(top))
    lines = [clipped(one, width) for one in (*top, *body)]
    if below is None:
        return lines
    if below == 0:
        return lines[:1]
    lines = lines[:below]
    return [*lines, *[()] * (below - len(lines)), _bottom(state, width)]


def _headline(found: Found, state: TopState, width: int) -> Line:
    look = found.look
    parts = ["sentinel top"]
    if look is not None:
        parts += [
            time.strftime("%H:%M:%S", time.localtime(look.wall)),
            cell(look.node)[:24],
            f"{len(look.reading.gpus)} GPU{'' if len(look.reading.gpus) == 1 else 's'}",
        ]
    parts.append("PAUSED" if state.paused else f"every {show_duration(state.interval)}")
    parts.append(f"by {state.sort.value}{' (reversed)' if state.reverse else ''}")
    if _filter(state):
        parts.append(f"only {cell(_filter(state))[:20]}")
    if look is not None and look.reading.driver_version:
        parts.append(f"driver {cell(look.reading.driver_version)[:20]}")
    spans = as_many_as_fit((line(text + "  ") for text in parts), width)
    text = "".join(span.text for span in spans)
    return line(Span(text.ljust(width), Style.TITLE)) if text.isascii() else line(Span(text, Style.TITLE))


def _warnings(found: Found, state: TopState, at: Moment) -> list[str]:
    texts: list[str] = []
    look = found.look
    if look is None:
        waited = age_text(at.now - at.started)
        texts.append(found.trouble or f"waiting for the first reading of the GPUs ({waited})")
    else:
        age = at.now - look.read_at
        late = not state.paused and age > 2 * state.interval + _LATE
        if found.trouble is not None:
            texts.append(f"GPU reading is {age_text(age)} old: {found.trouble}")
        elif late:
            texts.append(f"GPU reading is {age_text(age)} old: the driver has not answered since")
        texts += look.notes
    return [f"! {cell(text)}" for text in texts]


def _body(found: Found, state: TopState, at: Moment, width: int, rows: int | None) -> list[Line]:
    look = found.look
    if look is None:
        return []
    # Where the processes are hidden, their room is the GPUs'; they never take all of it otherwise.
    room = rows if rows is None or not state.processes else max(rows // 2, rows - _LEAST_TABLE - 1)
    panel = Panel.DETAIL if state.panel is Panel.HIDDEN and not state.processes else state.panel
    lines = gpu_lines(look.reading.gpus, panel, width, room)
    if not state.processes:
        return lines
    if lines:
        lines.append(())
    return lines + _table(look, state, at, width, None if rows is None else rows - len(lines))


def _table(look: Look, state: TopState, at: Moment, width: int, rows: int | None) -> list[Line]:
    chosen = shown_rows(look, state)
    if not chosen:
        return [line(Span(_nothing(look, state), Style.DIM))]
    now = look.wall + (0 if state.paused else at.now - look.read_at)
    table = group_lines(chosen, state, width) if state.grouped else process_lines(chosen, state, now, width)
    heading, below = table[0], table[1:]
    if rows is None or len(below) <= rows - 1:
        return table
    first = min(state.first, max(0, len(below) - (rows - 2)))
    part = below[first : first + max(0, rows - 2)]
    left = len(below) - first - len(part)
    where = f"... {first} above, {left} below" if first else f"... {left} more below"
    return [heading, *part, line(Span(where, Style.DIM))]


def _nothing(look: Look, state: TopState) -> str:
    if _filter(state) and look.rows:
        return f"none of {len(look.rows)} processes contains {cell(_filter(state))!r}"
    unread = sum(1 for gpu in look.reading.gpus if gpu.processes is None)
    if unread:
        return f"processes unknown: the list of {unread} of {len(look.reading.gpus)} GPUs could not be read"
    return "no process uses a GPU"


def _bottom(state: TopState, width: int) -> Line:
    if state.typing is None:
        return clipped(line(Span(_KEYS_LINE, Style.DIM)), width)
    text = cell(state.typing)
    return clipped(line(Span("filter: ", Style.HEAD), f"{text}_", Span("  (Enter, Esc)", Style.DIM)), width)
