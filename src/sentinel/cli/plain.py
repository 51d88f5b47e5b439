"""Text that others chose (process names, error messages), made safe to print on a terminal.

Called by everything in `cli` that prints. A process may be named to move the cursor, hide lines or turn
the writing direction.
"""


def plain(text: str) -> str:
    """`text` with every character that is not plainly visible replaced by "?"."""
    return text if text.isprintable() else "".join(char if char.isprintable() else "?" for char in text)


def one_line(text: str) -> str:
    """`text` as one plain line."""
    return plain(" ".join(text.split()))


def shortened(text: str, width: int) -> str:
    """`text` in at most `width` characters; the end is kept, because that is where paths differ."""
    if len(text) <= width:
        return text
    return "..." + text[len(text) - width + 3 :] if width > 3 else text[:width]
