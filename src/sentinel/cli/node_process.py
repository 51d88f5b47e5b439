"""Becoming the agent's process, for `sentinel agent` and `sentinel scan`.

The agent is a process of its own: it starts without Typer, and keeps less memory for as long as it runs. What
is on the path here is on the path there, wherever this was installed.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import sentinel

_PROGRAM = """
import sys
sys.path[:0] = [path for path in sys.argv.pop(1).split("\\n") if path not in sys.path]
from sentinel.agent.__main__ import main
sys.exit(main())
""".strip()


def become(arguments: Sequence[str]) -> NoReturn:
    """Replaces this process by the agent's, with these arguments. Returns never."""
    library = str(Path(sentinel.__file__).parents[1])
    paths = dict.fromkeys(path for path in (library, *sys.path) if path)
    sys.stdout.flush()
    isolated = ["-I"] if sys.flags.isolated else []
    program = [sys.executable, *isolated, "-c", _PROGRAM, "\n".join(paths), *arguments]
    os.execv(sys.executable, program)  # noqa: S606 - arguments, no shell


def options(**given: str | bool | None) -> list[str]:
    """Options as arguments, those that were not given left out: `state_dir="x"` is `--state-dir x`."""
    words: list[str] = []
    for name, value in given.items():
        if value is None or value is False:
            continue
        words.append(f"--{name.replace('_', '-')}")
        if value is not True:
            words.append(value)
    return words
