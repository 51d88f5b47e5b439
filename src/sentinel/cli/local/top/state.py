"""What the person at `sentinel top` has chosen, and how a key changes it. Pure.

Called by `screen`, which turns curses' key codes into the names used here.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

INTERVALS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)  # seconds
_LONGEST_FILTER = 60


class SortBy(StrEnum):
    """A column of the process table, in its order on the screen."""

    GPU = "GPU"
    PID = "PID"
    USER = "USER"
    TYPE = "TYPE"
    GPU_MEMORY = "GPU MEM"
    SM = "SM%"
    CPU = "CPU%"
    MEMORY = "MEM"
    AGE = "AGE"
    NAME = "NAME"

    @property
    def falling(self) -> bool:
        """Whether the greatest comes first unless asked otherwise."""
        return self in (SortBy.GPU_MEMORY, SortBy.SM, SortBy.CPU, SortBy.MEMORY, SortBy.AGE)


class Panel(StrEnum):
    """How much of the GPUs is shown."""

    DETAIL = "detail"
    BRIEF = "brief"
    HIDDEN = "hidden"


@dataclass(frozen=True, slots=True, kw_only=True)
class TopState:
    """`typing` is the filter being written, None when none is. `first` is the topmost process shown."""

    sort: SortBy = SortBy.GPU_MEMORY
    reverse: bool = False
    filter: str = ""
    typing: str | None = None
    panel: Panel = Panel.DETAIL
    processes: bool = True
    grouped: bool = False
    help: bool = False
    paused: bool = False
    interval: float = 1.0
    first: int = 0
    ended: bool = False


_SORTS = tuple(SortBy)
_PANELS = tuple(Panel)
_SCROLLS = {"UP": -1, "DOWN": 1, "PAGE_UP": -10, "PAGE_DOWN": 10, "HOME": -(10**9), "END": 10**9}


def pressed(state: TopState, key: str, rows: int) -> TopState:
    """The state after `key`: a character, or a name such as "LEFT". `rows`: processes there are to scroll.

    A key that means nothing changes nothing.
    """
    if state.typing is not None:
        return _typed(state, state.typing, key)
    if state.help and key != "q":
        return replace(state, help=False)
    if key in _SCROLLS:
        return replace(state, first=min(max(0, state.first + _SCROLLS[key]), max(0, rows - 1)))
    return _chosen(state, key)


def _typed(state: TopState, text: str, key: str) -> TopState:
    if key == "ENTER":
        return replace(state, typing=None, filter=text.strip(), first=0)
    if key == "ESC":
        return replace(state, typing=None)
    if key == "BACKSPACE":
        return replace(state, typing=text[:-1])
    if key == "CTRL_U":
        return replace(state, typing="")
    if len(key) == 1 and key.isprintable():
        return replace(state, typing=(text + key)[:_LONGEST_FILTER])
    return state


def _chosen(state: TopState, key: str) -> TopState:
    match key:
        case "q":
            return replace(state, ended=True)
        case "h" | "?" | "F1":
            return replace(state, help=True)
        case "s" | "RIGHT":
            return _sorted_by_next(state, 1)
        case "S" | "LEFT":
            return _sorted_by_next(state, -1)
        case "r":
            return replace(state, reverse=not state.reverse)
        case "/":
            return replace(state, typing=state.filter)
        case "ESC":
            return replace(state, filter="", first=0)
        case "g":
            return replace(state, panel=_PANELS[(_PANELS.index(state.panel) + 1) % len(_PANELS)])
        case "p":
            return replace(state, processes=not state.processes)
        case "u":
            return replace(state, grouped=not state.grouped, first=0)
        case " ":
            return replace(state, paused=not state.paused)
        case "+" | "=":
            return replace(state, interval=_next_interval(state.interval, up=True))
        case "-" | "_":
            return replace(state, interval=_next_interval(state.interval, up=False))
        case _:
            return state


def _sorted_by_next(state: TopState, step: int) -> TopState:
    return replace(
        state, sort=_SORTS[(_SORTS.index(state.sort) + step) % len(_SORTS)], reverse=False, first=0
    )


def _next_interval(now: float, *, up: bool) -> float:
    if up:
        return next((one for one in INTERVALS if one > now), now)
    return next((one for one in reversed(INTERVALS) if one < now), now)
