"""Taking processes off the GPU whole, and back, with NVIDIA's cuda-checkpoint. Called by LadderedService.

    cuda-checkpoint --get-state --pid PID                       running | locked | checkpointed | failed
    cuda-checkpoint --action lock --pid PID --timeout MS        no CUDA call gets through any more
    cuda-checkpoint --action checkpoint --pid PID               its memory goes to the host, the GPU is let go
    cuda-checkpoint --action restore --pid PID                  and back (locked again)
    cuda-checkpoint --action unlock --pid PID

`--toggle` does the same blindly: on a process that is suspended already it would resume it. So the actions
are used, and the state is asked before each; driver 570 and newer have them (and can checkpoint PyTorch).

A suspended process goes on running on the CPU, where its CUDA calls block; it can be signalled and killed,
and killing it while suspended is safe. What it held is in the host's memory, as much as it held on the GPU.

Known of the driver: no UVM or IPC memory (no multi-GPU NCCL); a failed checkpoint may leave the process
unusable; a restore that fails for want of GPU memory can never be repeated. In either case only a restart
helps, which is LadderedService's to do.
"""

import os
import subprocess
import time
from collections.abc import Iterable
from enum import StrEnum

from sentinel.core.errors import ServiceError
from sentinel.core.units import show_duration

_ASK_SECONDS = 10.0
_OVERTIME = 5.0


class CudaState(StrEnum):
    """What --get-state says of a process with a CUDA context."""

    RUNNING = "running"
    LOCKED = "locked"
    CHECKPOINTED = "checkpointed"
    FAILED = "failed"


class NoCheckpoint(ServiceError):
    """The program cannot be run at all, so nobody can have suspended anything with it."""


class CudaCheckpoint:
    """The program. Every call blocks, for a bounded time. Needs root, or the processes' own user."""

    def __init__(self, program: str) -> None:
        self._program = program

    def suspend(self, pids: Iterable[int], seconds: float) -> frozenset[int]:
        """Takes every process among `pids` that has a CUDA context off its GPUs: which are off it now.

        All are locked before the first is checkpointed, as they may work on something together. When one
        will not, those that did are brought back and ServiceError says why. So it does when not one of
        `pids` has a context. `seconds` for each step.
        """
        states, complaint = self._states(pids)
        if not states:
            raise ServiceError(f"no process of it can be suspended: {complaint or 'it has none'}")
        if failed := sorted(pid for pid, state in states.items() if state is CudaState.FAILED):
            raise ServiceError(f"the CUDA state of process {failed[0]} is lost; only a restart helps")
        try:
            for pid, state in states.items():
                if state is CudaState.RUNNING:
                    self._act("lock", pid, seconds, "--timeout", str(int(seconds * 1000)))
            for pid, state in states.items():
                if state is not CudaState.CHECKPOINTED:
                    self._act("checkpoint", pid, seconds)
        except ServiceError as error:
            raise ServiceError(f"{error.message}{self._undone(states, seconds)}") from error
        return frozenset(states)

    def resume(self, pids: Iterable[int], seconds: float) -> None:
        """Puts every suspended process among `pids` back on its GPUs. Idempotent.

        Processes without a CUDA context, and those that are gone, are passed over. ServiceError when one
        will not come back; the others are brought back all the same.
        """
        states, _ = self._states(pids)
        trouble: list[str] = []
        for action, wanted in (("restore", CudaState.CHECKPOINTED), ("unlock", CudaState.LOCKED)):
            for pid in [pid for pid, state in states.items() if state is wanted]:
                try:
                    self._act(action, pid, seconds)
                    states[pid] = CudaState.LOCKED if action == "restore" else CudaState.RUNNING
                except ServiceError as error:
                    trouble.append(error.message)
        lost = [pid for pid, state in states.items() if state is CudaState.FAILED]
        trouble += [f"the CUDA state of process {pid} is lost" for pid in lost]
        if trouble:
            raise ServiceError("; ".join(trouble))

    def _states(self, pids: Iterable[int]) -> tuple[dict[int, CudaState], str]:
        """The processes that have a CUDA context, and what was said of the last one that has none."""
        found: dict[int, CudaState] = {}
        complaint = ""
        for pid in sorted(pids):
            try:
                found[pid] = CudaState(self._run("--get-state", "--pid", str(pid), seconds=_ASK_SECONDS))
            except NoCheckpoint:
                raise
            except ServiceError as error:
                complaint = error.message
            except ValueError as error:
                complaint = f"{self._program} --get-state: {error}"
        return found, complaint

    def _act(self, action: str, pid: int, seconds: float, *options: str) -> None:
        # The tool's own timeout should be what ends a lock: a lock that is killed half way stays.
        self._run("--action", action, "--pid", str(pid), *options, seconds=seconds + _OVERTIME)

    def _undone(self, states: Iterable[int], seconds: float) -> str:
        try:
            self.resume(states, seconds)
        except ServiceError as error:
            return f"; and it could not be undone: {error.message}"
        return ""

    def _run(self, *arguments: str, seconds: float) -> str:
        """What it prints, one line. ServiceError when it fails, or takes longer than `seconds`."""
        what = f"{self._program} {' '.join(arguments)}"
        began = time.monotonic()
        try:
            done = subprocess.run(
                [self._program, *arguments],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=seconds,
                env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
                cwd="/",
            )
        except subprocess.TimeoutExpired as error:
            took = show_duration(time.monotonic() - began)
            raise ServiceError(f"{what}: not done after {took}") from error
        except OSError as error:
            hint = "it comes with https://github.com/NVIDIA/cuda-checkpoint"
            raise NoCheckpoint(f"cannot run {self._program}: {error.strerror}; {hint}") from error
        if done.returncode:
            said = " ".join((done.stderr + done.stdout)[-2000:].decode(errors="replace").split())[:200]
            raise ServiceError(f"{what}: {said or f'exit status {done.returncode}'}")
        return done.stdout[:2000].decode(errors="replace").strip()
