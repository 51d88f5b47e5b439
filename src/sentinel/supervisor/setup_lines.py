"""Lines of shell that come before a job's command, as `module load cuda`. Pure. Called by the launches.

They are run by one login shell, bash where there is one, so that what a profile defines is there; the shell
then becomes the command, with its arguments as they are. A line that fails ends the job, and the last line of
the log says which one it was.
"""

import os
import re
import shlex
from collections.abc import Mapping, Sequence

from sentinel.supervisor.environment import DEFAULT_PATH

SHELLS = ("/bin/bash", "/usr/bin/bash", "/usr/local/bin/bash", "/bin/sh")
NAME = "sentinel-setup"
# In an image nobody knows what there is before it runs.
_BASH_IF_ANY = (
    "script=$1; shift; shell=$(command -v bash) || shell=/bin/sh;"
    ' exec "$shell" -l -c "$script" "$0" "$PATH" "$@"'
)
_FAILED = re.compile(rb"^sentinel: (setup line \d+ .*)$")


def with_setup(
    lines: Sequence[str], command: Sequence[str], *, umask: int, environment: Mapping[str, str], shell: str
) -> tuple[str, ...]:
    """The command that runs `lines` and becomes `command`."""
    path = environment.get("PATH", DEFAULT_PATH)
    return (find_shell(shell), "-l", "-c", script(lines, umask), NAME, path, *command)


def with_setup_inside(lines: Sequence[str], command: Sequence[str], *, umask: int) -> tuple[str, ...]:
    """The same, for a container: by the image's own shell."""
    return ("/bin/sh", "-c", _BASH_IF_ANY, NAME, script(lines, umask), *command)


def with_umask_inside(command: Sequence[str], umask: int) -> tuple[str, ...]:
    """`command` with that umask, for an engine that sets none."""
    return ("/bin/sh", "-c", f'umask {umask:04o}; exec "$@"', NAME, *command)


def find_shell(login: str) -> str:
    """The user's own, where that is bash; else a bash, else any."""
    own = [login] if login.rpartition("/")[2] == "bash" else []
    return next((path for path in (*own, *SHELLS) if os.access(path, os.X_OK)), "/bin/sh")


def script(lines: Sequence[str], umask: int) -> str:
    """What the shell runs. Its first argument is the PATH from before the profiles, which may have set
    another."""
    text = [f'PATH="$1:$PATH"; shift; umask {umask:04o}; set -e', f"trap '{_REPORT}' EXIT"]
    for number, line in enumerate(lines, 1):
        shown = line if len(line) <= 200 else line[:200] + "…"
        text.append(f"sentinel_n={number} sentinel_l={shlex.quote(' '.join(shown.split()))}")
        text.append(f"eval {shlex.quote(line)}")
    text += ["set +e; trap - EXIT; unset sentinel_n sentinel_l", 'exec "$@"']
    return "\n".join(text)


_REPORT = (
    'sentinel_s=$?; echo "sentinel: setup line $sentinel_n failed (exit code $sentinel_s): $sentinel_l" >&2;'
    " [ $sentinel_s != 0 ] || sentinel_s=1; exit $sentinel_s"
)


def why_it_failed(tail: bytes) -> str:
    """What the end of a job's log says of its setup; empty when it says nothing."""
    lines = tail.rstrip(b"\n").rsplit(b"\n", 1)
    found = _FAILED.match(lines[-1])
    return found[1].decode(errors="replace")[:500] if found else ""
