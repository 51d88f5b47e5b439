"""The `sentinel` command: errors and signals become one line and an exit status; the rest is in `app`.

Called by the console script. Typer comes with an extra, so a base install has this file and no more:
it says what to install.
"""

import io
import os
import sys
from collections.abc import Sequence

from sentinel.cli.plain import one_line
from sentinel.core.errors import SentinelError

_INTERRUPTED = 130  # as shells count a death by SIGINT


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; its exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    # A process may be called anything, and the terminal may speak less than Unicode.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        status = _run(given)
        sys.stdout.flush()
    except SentinelError as error:
        return _failed(error.message, error.exit_code)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # Whoever read us has seen enough (`| head`), and the flush at exit must not say so either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status


def _run(arguments: list[str]) -> int:
    try:
        from sentinel.cli.app import run
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("typer", "click"):
            raise
        return _failed('the command line needs Typer: pip install "sentinel-gpu[cli]"', 1)
    return run(arguments)


def _failed(message: str, status: int) -> int:
    print(f"sentinel: {one_line(message)}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
