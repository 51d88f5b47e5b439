"""Plain text for the chats that Apprise speaks to: what is data there must not ring for everybody. Pure.

Apprise is told that the text is plain, and escapes it where the service has HTML or a markup of its own. What
it cannot know: many services read `@all`, `<users/all>` or `[text](address)` in plain text as well. Labels
come from anybody, so the character that makes a mention or hides an address is parted from the rest by one
that is not seen.
"""

import re

from sentinel.ports.notifier import Message

# Mail is escaped where it is HTML, and the others are read by programs.
NO_CHATS = {"mailto", "mailtos", "json", "jsons", "xml", "xmls", "form", "forms"}
_UNSEEN = "\u200b"
_CALLS = re.compile(r"(?<=[@<])(?=\S)|(?<=\])(?=[(\[])")


def title_of(message: Message, scheme: str) -> str:
    """One line: in a mail, what follows a line break would be a header."""
    return _for(" ".join(_clean(message.title).split()), scheme)


def body_of(message: Message, scheme: str) -> str:
    """The text, then where to look further."""
    text = _for(_clean(message.body), scheme)
    return f"{text}\n\n{message.url}" if message.url else text


def _for(text: str, scheme: str) -> str:
    return text if scheme in NO_CHATS else _CALLS.sub(_UNSEEN, text)


def _clean(text: str) -> str:
    whole = text.encode("utf-8", "replace").decode()
    return "".join(one if one.isprintable() or one == "\n" else " " for one in whole)
