"""Files of KEY=VALUE lines: `client.env`, and what `sentinel job submit --env-file` takes.

    # a comment
    export NAME=value                 "export" is passed over, so that a shell can read the file, too
    QUOTED="two words # no comment"   \\n \\t \\" \\\\ \\$ are what they are in most such files
    RAW='as $it \\stands'

Called by `client.settings` and by the command line. Nothing is expanded: `$HOME` stays `$HOME`.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from sentinel.core.errors import ConfigError

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LARGEST = 2**20
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "$": "$", "`": "`"}
_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,=-]*")


def read_env_file(path: Path) -> dict[str, str]:
    """What the file says, the last of two equal names. ConfigError with the number of the line."""
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", file=str(path)) from None
    if len(data) > _LARGEST:
        raise ConfigError("is larger than 1 MiB, which is no file of KEY=VALUE lines", file=str(path))
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise ConfigError("is no UTF-8 text", file=str(path)) from None
    return parse_env(text, str(path))


def parse_env(text: str, file: str) -> dict[str, str]:
    """The same of a text; `file` is for messages."""
    found: dict[str, str] = {}
    for number, raw in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith(("export ", "export\t")):
            line = line[6:].strip()
        name, equals, value = line.partition("=")
        if not equals:
            raise ConfigError("no KEY=VALUE", file=file, line=number)
        if not NAME.fullmatch(name):
            # The line may hold a secret: it is not repeated.
            raise ConfigError("what is before = is no name of a variable", file=file, line=number)
        try:
            found[name] = _value(value)
        except ValueError as error:
            raise ConfigError(str(error), file=file, line=number, key=name) from None
    return found


def env_text(values: Mapping[str, str]) -> str:
    """The file that holds these; a shell can read it, too."""
    return "".join(f"{name}={_quoted(value)}\n" for name, value in values.items())


def _quoted(value: str) -> str:
    if _PLAIN.fullmatch(value):
        return value
    return '"' + re.sub(r'(["\\$`])', r"\\\1", value).replace("\n", "\\n") + '"'


def _value(text: str) -> str:
    text = text.strip()
    if text.startswith("'"):
        value, end, rest = text[1:].partition("'")
        if not end:
            raise ValueError("the ' has no end on this line")
        _nothing_but_comment(rest)
        return _whole(value)
    if text.startswith('"'):
        return _whole(_double_quoted(text))
    return _whole(re.split(r"(?:^|\s)#", text, maxsplit=1)[0].rstrip())


def _double_quoted(text: str) -> str:
    kept: list[str] = []
    place = 1
    while place < len(text):
        char = text[place]
        if char == '"':
            _nothing_but_comment(text[place + 1 :])
            return "".join(kept)
        if char == "\\" and place + 1 < len(text):
            place += 1
            kept.append(_ESCAPES.get(text[place], "\\" + text[place]))
        else:
            kept.append(char)
        place += 1
    raise ValueError('the " has no end on this line')


def _nothing_but_comment(rest: str) -> None:
    if rest.strip() and not rest.strip().startswith("#"):
        raise ValueError("something stands behind the closing quote")


def _whole(value: str) -> str:
    if "\0" in value:
        raise ValueError("there is a NUL in it")
    return value
