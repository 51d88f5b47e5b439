"""The environment that a job gets: a small stated set of the submitter's, files, and what is given by name.

Called by `cli.jobs.submission`. A file keeps a secret off the argument list, which
everybody on the machine can read.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from sentinel.client.env_file import NAME, read_env_file
from sentinel.core.errors import UsageError

TAKEN = (
    "PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "CONDA_PREFIX", "CONDA_DEFAULT_ENV",
    "LANG", "LANGUAGE",
)  # fmt: skip
"""What goes along from whoever submits, besides every LC_…, and TERM for a job with a terminal."""


def job_environment(
    mine: Mapping[str, str],
    *,
    given: Iterable[str] = (),
    files: Iterable[Path] = (),
    none_of_mine: bool = False,
    terminal: bool = False,
) -> dict[str, str]:
    """Later sources win: mine, files in order, `given` ("NAME=VALUE", or "NAME" for my value of it)."""
    found: dict[str, str] = {}
    if not none_of_mine:
        found = {name: mine[name] for name in mine if name in TAKEN or name.startswith("LC_")}
    if terminal and mine.get("TERM"):
        found["TERM"] = mine["TERM"]
    for file in files:
        found |= read_env_file(file)
    for text in given:
        name, equals, value = text.partition("=")
        if not NAME.fullmatch(name):
            # What was meant may be a secret: only what looks like a name is repeated.
            raise UsageError("--env takes NAME=VALUE, or NAME for the value that it has here")
        if not equals and name not in mine:
            raise UsageError(f"--env {name}: it is not set here; write --env {name}=VALUE")
        found[name] = value if equals else mine[name]
    return found
