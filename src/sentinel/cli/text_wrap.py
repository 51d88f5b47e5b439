"""Sentences broken into lines by the columns that they take on a terminal.

Called by everything in `cli` that prints sentences. The standard library's `textwrap` counts characters, of
which some take two columns and some none.
"""

from sentinel.cli.text_width import cut, width_of

_INDENT = "  "


def wrapped(sentence: str, width: int) -> list[str]:
    """`sentence`, plain, in lines of at most `width` columns (8 at least); those after the first indented."""
    width = max(8, width)
    lines, current = list[str](), ""
    for word in sentence.split():
        joined = f"{current} {word}" if current.strip() else current + word
        if width_of(joined) <= width:
            current = joined
            continue
        if current.strip():
            lines.append(current)
            current = _INDENT + word
        else:
            current = joined
        while width_of(current) > width:
            head = cut(current, width)
            lines.append(head)
            current = _INDENT + current[len(head) :]
    return [*lines, current] if current.strip() or not lines else lines
