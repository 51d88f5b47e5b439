"""Becoming another of our processes: the agent's for `sentinel agent`, the controller's for `sentinel up`.

Those are processes of their own: they start without Typer, and keep less memory for as long as they run. What
is on the path here is on the path there, wherever this was installed.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import sentinel

AGENT = "sentinel.agent.__main__"
SERVER = "sentinel.server.__main__"

_PROGRAM = """
import sys
sys.path[:0] = [path for path in sys.argv.pop(1).split("\\n") if path not in sys.path]
from {module} import main
sys.exit(main())
""".strip()


def become(arguments: Sequence[str], *, module: str = AGENT) -> NoReturn:
    """Replaces this process by the `main` of `module`, with these arguments. Returns never."""
    library = str(Path(sentinel.__file__).parents[1])
    paths = dict.fromkeys(path for path in (library, *sys.path) if path)
    sys.stdout.flush()
    isolated = ["-I"] if sys.flags.isolated else []
    program = [
        sys.executable, *isolated, "-c", _PROGRAM.format(module=module), "\n".join(paths), *arguments,
    ]  # fmt: skip
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
