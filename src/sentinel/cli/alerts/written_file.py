"""Files that people write for `sentinel alert`: YAML or JSON, one object, a list of them, or many documents.

Called by the commands that take `-f FILE`.
"""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from sentinel.core.errors import ConfigError, SentinelError, UsageError

if TYPE_CHECKING:
    from sentinel.cli.alerts.yaml_objects import Written

T = TypeVar("T")
MOST_BYTES = 1 << 20

File = Annotated[
    str, typer.Option("--file", "-f", metavar="FILE", help="YAML or JSON; - for what comes on stdin.")
]


def read_file(path: str) -> "list[Written]":
    """What stands in it, at least one. ConfigError that names file and line."""
    try:
        from sentinel.cli.alerts.yaml_objects import objects
    except ModuleNotFoundError as error:
        raise _missing(error) from None
    file = "stdin" if path == "-" else path
    found = objects(read_text(path), file)
    if not found:
        raise ConfigError("nothing stands in it", file=file)
    return found


def as_yaml(value: Mapping[str, Any]) -> str:
    """What `read_file` reads."""
    try:
        from sentinel.cli.alerts.yaml_objects import dumped
    except ModuleNotFoundError as error:
        raise _missing(error) from None
    return dumped(value)


def meant(written: "Written", read: Callable[[object], T]) -> T:
    """What `read` makes of it; what it refuses is told with file and line."""
    try:
        return read(written.value)
    except ConfigError:
        raise
    except UsageError as error:
        raise written.error(error.message) from None


def read_text(path: str) -> str:
    """A small file, or stdin for "-". UsageError that says why not."""
    try:
        with sys.stdin.buffer if path == "-" else Path(path).open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    if len(raw) > MOST_BYTES:
        raise UsageError(f"{path} has more than 1 MiB: that is no such file")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8 text") from None


def _missing(error: ModuleNotFoundError) -> Exception:
    if error.name != "yaml":
        return error
    return SentinelError('such files need PyYAML: pip install "sentinel-gpu[cli]"')
