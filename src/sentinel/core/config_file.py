"""The config file that every process of a machine reads: each its own sections, all the same file.

Called by the arbiter's, the inventory's and the telemetry's readers. A mistake is a ConfigError that names
the file, the line and the key. A section that nobody knows is refused, by whichever process reads first.
"""

import re
import tomllib
from pathlib import Path

from sentinel.core.errors import ConfigError
from sentinel.core.toml_table import Table

DEFAULT_CONFIG = "/etc/sentinel/config.toml"
SECTIONS = {
    *("arbiter", "watchdog", "limits", "web", "service"),
    *("inventory", "telemetry", "health", "inference"),
    *("server", "history", "alerting", "slurm", "scrape"),
}


def read(path: str) -> Table:
    """The file's top table. ConfigError when it cannot be used."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(f"cannot read it: {reason}", file=path) from None
    return parse(text, path)


def read_if_there(path: str) -> Table:
    """As `read`, but an empty table where there is no such file: the defaults are a config, too."""
    return read(path) if Path(path).exists() else parse("", path)


def parse(text: str, path: str) -> Table:
    """The top table of `text`; `path` is for messages."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        what = re.sub(r" \(at .*\)", "", str(error))
        last = text.rstrip("\n").count("\n") + 1  # "at end of document" names no line
        raise ConfigError(f"not TOML: {what}", file=path, line=int(line[1]) if line else last) from None
    top = Table(raw, "", text, path)
    top.refuse_unknown(SECTIONS)
    return top
