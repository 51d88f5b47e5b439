"""Running containerd's own command line, `ctr`. Called by `containerd`.

containerd speaks gRPC, which the standard library does not; `ctr` is there wherever containerd is. It is
run with a list of arguments, never through a shell, and what others chose comes after `--`.
"""

import os
import re
import subprocess
from collections.abc import Sequence

from sentinel.core.errors import SourceAbsent, SourceUnknown
from sentinel.core.units import show_duration, show_size

ANSWER_SECONDS = 10.0
ADDRESSES = (
    "/run/containerd/containerd.sock",  # the system's, which Docker uses when there is one
    "/run/docker/containerd/containerd.sock",  # the one that dockerd starts otherwise
)
MOST_BYTES = 64 * 1024 * 1024

# containerd's grammar for identifiers: github.com/containerd/containerd, identifiers/validate.go
_IDENTIFIER = re.compile(r"[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*")
_LONGEST_IDENTIFIER = 76


def find_address(candidates: Sequence[str] = ADDRESSES) -> str | None:
    """The first of these sockets that is there."""
    return next((path for path in candidates if os.path.exists(path)), None)  # noqa: PTH110


def is_identifier(text: str) -> bool:
    """Whether containerd takes it as a container's id or a namespace. Such a text is never an option."""
    return len(text) <= _LONGEST_IDENTIFIER and _IDENTIFIER.fullmatch(text) is not None


class NotFound(SourceUnknown):
    """containerd does not have what was asked for."""


class Ctr:
    """`ctr` for the containerd at `address`. Each call is one process, at most `timeout` seconds long.

    Raises SourceAbsent where there is no containerd or no `ctr`, NotFound, else SourceUnknown.
    """

    def __init__(self, *, address: str, program: str, timeout: float) -> None:
        self.address = address
        self.calls = 0
        """Processes run so far."""
        self._program = program
        self._timeout = timeout

    def run(self, *arguments: str, namespace: str = "default") -> str:
        """What it prints."""
        self.require()
        self.calls += 1
        command = self.command(*arguments, namespace=namespace)
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=self._timeout,
                env=environment(),
                cwd="/",
            )
        except subprocess.TimeoutExpired:
            raise self.unknown(f"no answer within {show_duration(self._timeout)}; {_LOOK}") from None
        except (OSError, ValueError) as error:
            raise self.cannot_run(error) from None
        if done.returncode:
            raise self._complaint(done.stderr[-2000:].decode(errors="replace"))
        if len(done.stdout) > MOST_BYTES:
            raise self.unknown(f"its answer is longer than {show_size(MOST_BYTES)}")
        return done.stdout.decode(errors="replace")

    def command(self, *arguments: str, namespace: str = "default") -> list[str]:
        """The command line that does it."""
        return [self._program, "-a", self.address, "-n", namespace, *arguments]

    def require(self) -> None:
        """Raises when there is no socket: `ctr` would wait for one."""
        try:
            os.stat(self.address)  # noqa: PTH116
        except (FileNotFoundError, NotADirectoryError):
            raise SourceAbsent(f"containerd: there is no {self.address} here") from None
        except (OSError, ValueError) as error:
            raise self.unknown(f"{error}; run this with sudo") from None

    def cannot_run(self, error: OSError | ValueError) -> SourceAbsent | SourceUnknown:
        """What it means that the program did not even start."""
        if isinstance(error, FileNotFoundError):
            return SourceAbsent(f"containerd: there is no {self._program} here; it comes with containerd")
        return self.unknown(f"{self._program} cannot be run: {error}")

    def unknown(self, why: str) -> SourceUnknown:
        """`why` it did not work out, with where it was asked."""
        return SourceUnknown(f"containerd at {self.address}: {why}")

    def _complaint(self, said: str) -> SourceUnknown:
        clean = " ".join("".join(c if c.isprintable() else " " for c in said).split())[-300:]
        if clean.endswith(": not found"):
            return NotFound(f"containerd at {self.address}: {clean}")
        hint = "run this with sudo" if "permission denied" in clean else _LOOK
        return self.unknown(f"{clean or 'ctr failed and did not say why'}; {hint}")


_LOOK = "look at `systemctl status containerd docker`"


def environment() -> dict[str, str]:
    """Nothing of ours that could change what `ctr` does."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
