"""A file that is there whole or not at all, and replaces none unless told to. Called by `export` and
`report_usage`.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from sentinel.core.errors import SentinelError, UsageError


def refuse_existing(path: Path, *, force: bool) -> None:
    """UsageError when it is there, or its folder is not: before anything was asked for."""
    if path.is_dir():
        raise UsageError(f"{path} is a folder: name a file in it")
    if not path.parent.is_dir():
        raise UsageError(f"there is no folder {path.parent}: make it first")
    if not force and os.path.lexists(path):
        raise UsageError(f"{path} is there already: take another name, or --force to replace it")


def write_new(path: Path, fill: Callable[[Path], None], *, force: bool) -> None:
    """`fill` writes a file beside it, which then takes its place. SentinelError when that cannot be."""
    refuse_existing(path, force=force)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        try:
            fill(temporary)
            if force:
                temporary.replace(path)
            else:
                _name(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise SentinelError(
            f"{path} cannot be written: {error.strerror or error}: is there room, and may you write there?"
        ) from error


def _name(temporary: Path, path: Path) -> None:
    """Another one may have come in the meantime."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise UsageError(
            f"{path} has come up just now: take another name, or --force to replace it"
        ) from None
    except OSError:
        # A file system without hard links.
        refuse_existing(path, force=False)
        with suppress(FileNotFoundError):
            temporary.replace(path)
