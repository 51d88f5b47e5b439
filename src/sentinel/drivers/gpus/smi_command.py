"""Runs `nvidia-smi`: no shell, the C locale, a time limit that holds even when the driver hangs.

Called by the `smi` driver. A process stuck in the kernel does not die from SIGKILL, so it is left behind
rather than waited for, and no second one is started until it is gone: they would pile up.
"""

import contextlib
import os
import signal
import subprocess
from dataclasses import dataclass

from sentinel.core.errors import GpuReadError

_GRACE = 0.5  # seconds a killed process has to go away


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the command printed and how it ended (a signal as its negative number)."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """Both streams: which one a complaint goes to differs between versions."""
        return f"{self.out}\n{self.err}"


def find_executable(name: str = "nvidia-smi") -> str | None:
    """The path of `name` on PATH. (`shutil.which` costs the arbiter a megabyte of memory.)"""
    for folder in os.get_exec_path():
        path = os.path.join(folder, name)  # noqa: PTH118
        if os.access(path, os.X_OK) and not os.path.isdir(path):  # noqa: PTH112
            return path
    return None


class SmiCommand:
    """One executable. Used by one thread at a time; `run` blocks up to `timeout` seconds and a bit."""

    def __init__(self, executable: str, timeout: float) -> None:
        self._executable = executable
        self._timeout = timeout
        self._stuck: subprocess.Popen[bytes] | None = None

    def run(self, *arguments: str) -> Answer:
        """Runs it once. Raises GpuReadError when it cannot be started or does not end."""
        if self._stuck is not None and self._stuck.poll() is None:
            raise GpuReadError(
                f"nvidia-smi (pid {self._stuck.pid}) hangs in the driver and cannot be killed: "
                "see dmesg | grep -i nvrm; it takes a reboot if that process stays"
            )
        self._stuck = None
        process = self._start(arguments)
        try:
            out, err = process.communicate(timeout=self._timeout)
        except subprocess.TimeoutExpired:
            self._end(process)
            raise GpuReadError(
                f"nvidia-smi did not answer within {self._timeout:g} s and was killed: "
                "the driver may hang, see dmesg | grep -i nvrm"
            ) from None
        except BaseException:
            self._end(process)
            raise
        return Answer(code=process.returncode, out=_text(out), err=_text(err))

    def _start(self, arguments: tuple[str, ...]) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                [self._executable, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**os.environ, "LC_ALL": "C", "LANG": "C"},
                start_new_session=True,  # what it starts is killed with it
            )
        except OSError as error:
            raise GpuReadError(
                f"{self._executable} cannot be run ({error.strerror}); "
                "install the NVIDIA driver with its tools, or name the right path"
            ) from error

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
        try:
            process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self._stuck = process


def _text(data: bytes) -> str:
    return data.decode("utf-8", errors="replace")
