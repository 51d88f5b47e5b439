"""How many columns a text takes on a terminal, and cutting it to fit. For every table and screen of `cli`.

Others choose these texts: names of containers in any script, with emoji, or made to spoil a table. Wide
characters take two columns, combining marks none; what a terminal may draw in more than one way is
left out or shown as "?".
"""

import unicodedata

from sentinel.cli.plain import one_line

_MOST_MARKS = 2  # on one character; more of them paint over the lines above
_INVISIBLE = frozenset("\u034f\u115f\u1160\u2800\u3164\uffa0")  # letters by class, blank or joining on screen
ELLIPSIS = "..."


def cell(text: str) -> str:
    """`text` as one plain line whose width on a terminal is `width_of`, whatever was in it."""
    line = one_line(text)
    return line if line.isascii() else _tamed(line)


def _tamed(line: str) -> str:
    kept: list[str] = []
    marks = _MOST_MARKS  # nothing yet that a mark could stand on
    for char in line:
        if unicodedata.category(char) in ("Mn", "Me"):
            marks += 1
            if marks <= _MOST_MARKS and not _selects_variant(char) and char not in _INVISIBLE:
                kept.append(char)
            continue
        marks = _MOST_MARKS if char == " " else 0
        kept.append("?" if char in _INVISIBLE or _is_joining_jamo(char) else char)
    return " ".join("".join(kept).split())


def _selects_variant(char: str) -> bool:
    return "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef"


def _is_joining_jamo(char: str) -> bool:
    return "\u1160" <= char <= "\u11ff" or "\ud7b0" <= char <= "\ud7ff"


def width_of(text: str) -> int:
    """Columns that `text` takes, as made by `cell`."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def _columns(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1


def cut(text: str, width: int) -> str:
    """The beginning of `text`, in at most `width` columns."""
    if width_of(text) <= width:
        return text
    used = 0
    for place, char in enumerate(text):
        used += _columns(char)
        if used > width:
            return text[:place]
    return text


def squeezed(text: str, width: int) -> str:
    """`text` in at most `width` columns; begin and end are kept, for names differ at either."""
    if width_of(text) <= width:
        return text
    if width < len(ELLIPSIS) + 4:
        return cut(text, max(0, width))
    room = width - len(ELLIPSIS)
    return cut(text, room - room // 2) + ELLIPSIS + _end(text, room // 2)


def _end(text: str, width: int) -> str:
    used = 0
    for place in range(len(text) - 1, -1, -1):
        used += _columns(text[place])
        if used > width:
            return _without_marks(text[place + 1 :])
    return text


def _without_marks(text: str) -> str:
    """Without leading combining marks: the character that they belonged to was cut off."""
    for place, char in enumerate(text):
        if _columns(char):
            return text[place:]
    return ""


def padded(text: str, width: int, *, right: bool = False) -> str:
    """`text` filled with blanks to `width` columns, on its right, or on its left with `right`."""
    blanks = " " * max(0, width - width_of(text))
    return blanks + text if right else text + blanks
