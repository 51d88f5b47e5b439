"""A stand-in for NVIDIA's cuda-checkpoint, for machines without a GPU. Two lives.

Imported by tests, CudaCheckpointStandIn says which processes have a CUDA context, makes operations fail and
tells what was called; its `path` is the executable. Run as a program, it is that executable:

    python cuda_checkpoint.py FOLDER --get-state | --toggle | --action ACTION | --get-restore-tid --pid PID

with the states and the exit statuses that NVIDIA documents. States are files FOLDER/PID. Where FOLDER has a
file `claims`, it names a folder of claims on simulated GPUs, and a process that is checkpointed loses its
claims until it is restored.
"""

import argparse
import os
import shlex
import sys
import time
from pathlib import Path

HELP = """CUDA checkpoint and restore utility.
Version 570.86.10. Copyright (C) 2025 NVIDIA Corporation. All rights reserved.
"""
MOVES = {
    "lock": ("running", "locked"),
    "checkpoint": ("locked", "checkpointed"),
    "restore": ("checkpointed", "locked"),
    "unlock": ("locked", "running"),
}
TOGGLES = {"running": ("lock", "checkpoint"), "checkpointed": ("restore", "unlock")}


class CudaCheckpointStandIn:
    """`path` runs it. Nothing has a CUDA context until it is said to have one."""

    def __init__(self, folder: Path, claims: Path | None = None) -> None:
        self._folder = folder
        folder.mkdir(exist_ok=True)
        if claims:
            (folder / "claims").write_text(str(claims))
        self.path = folder / "cuda-checkpoint"
        words = [sys.executable, "-I", "-S", str(Path(__file__).resolve()), str(folder)]
        self.path.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
        self.path.chmod(0o755)

    def gives_context(self, *pids: int) -> None:
        for pid in pids:
            (self._folder / str(pid)).write_text("running")

    def state(self, pid: int) -> str:
        return (self._folder / str(pid)).read_text()

    def fails(self, action: str, pid: int, why: str = "operation not supported") -> None:
        """From now on; `why` "hang" never comes back, "" makes it work again."""
        (self._folder / f"{pid}.{action}").write_text(why)

    @property
    def actions(self) -> list[str]:
        """The actions so far, as "lock 4711"."""
        log = self._folder / "log"
        return log.read_text().splitlines() if log.exists() else []


def act(folder: Path, action: str, pid: int) -> None:
    """One step of the state machine. SystemExit with the message when it is none."""
    with (folder / "log").open("a") as log:
        log.write(f"{action} {pid}\n")
    trouble = folder / f"{pid}.{action}"
    if trouble.exists() and (why := trouble.read_text()):
        if why == "hang":
            time.sleep(60)
        raise SystemExit(f'Error performing {action} on process ID {pid}: "{why}"')
    before, after = MOVES[action]
    if state(folder, pid) != before:
        raise SystemExit(f'Error performing {action} on process ID {pid}: "illegal state"')
    (folder / str(pid)).write_text(after)
    if (folder / "claims").exists() and action in ("checkpoint", "restore"):
        ends = Path((folder / "claims").read_text()), folder
        here, there = ends if action == "checkpoint" else ends[::-1]
        for claim in here.glob(f"{pid}-*.json"):
            claim.rename(there / claim.name)


def state(folder: Path, pid: int) -> str:
    try:
        os.kill(pid, 0)
        return (folder / str(pid)).read_text()
    except (ProcessLookupError, FileNotFoundError):
        raise SystemExit(f'Error getting state of process ID {pid}: "initialization error"') from None
    except PermissionError:
        raise SystemExit(f'Error getting state of process ID {pid}: "operation not permitted"') from None


def main() -> None:
    parser = argparse.ArgumentParser(description=HELP)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--get-state", action="store_true")
    parser.add_argument("--get-restore-tid", action="store_true")
    parser.add_argument("--toggle", action="store_true")
    parser.add_argument("--action", choices=list(MOVES))
    parser.add_argument("--pid", "-p", type=int, required=True)
    parser.add_argument("--timeout", "-t", type=int)
    asked = parser.parse_args()
    now = state(asked.folder, asked.pid)
    if asked.get_state:
        print(now)
    elif asked.get_restore_tid:
        print(asked.pid)
    else:
        for action in TOGGLES[now] if asked.toggle else (asked.action,):
            act(asked.folder, action, asked.pid)


if __name__ == "__main__":
    main()
