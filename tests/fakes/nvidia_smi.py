"""Builds a stand-in for the `nvidia-smi` executable: it answers as the real one does, or misbehaves.

Called by the tests of the `smi` driver and of whatever runs on it. A test changes what it shows while
others use it:

    smi = NvidiaSmi(tmp_path)
    smi.show(cards(2))                                # --query-gpu, --query-compute-apps, -q -x, -L, pmon
    smi.show(cards(2), delay=0.2)                     # slow
    smi.show(cards(2), hang=True)                     # never ends, and takes no notice of SIGTERM
    smi.show(cards(3), lost=[1])                      # card 1 gives no handle
    smi.say(stdout="...", code=9)                     # always this, whatever is asked
    SmiGpus(str(smi.executable)), or PATH from smi.environment

Formats were written after the manual and the public samples, not copied.
"""

import json
import os
import shlex
import sys
from collections.abc import Collection, Iterable
from dataclasses import asdict
from pathlib import Path

from tests.fakes.cards import Card

_PROGRAM = Path(__file__).with_name("nvidia_smi_program.py")


class NvidiaSmi:
    """An executable called `nvidia-smi` in a folder of its own below `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "nvidia-smi-bin"
        self.folder.mkdir()
        self.executable = self.folder / "nvidia-smi"
        self._state = self.folder / "state.json"
        self._runs = self.folder / "runs"
        self.show([])
        command = [sys.executable, "-I", "-S", str(_PROGRAM), str(self.folder)]
        self.executable.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
        self.executable.chmod(0o755)

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs in its environment to find this stand-in first."""
        return {"PATH": f"{self.folder}:{os.environ.get('PATH', '')}"}

    @property
    def runs(self) -> list[list[str]]:
        """The arguments of every run so far."""
        if not self._runs.exists():
            return []
        return [json.loads(line) for line in self._runs.read_text().splitlines()]

    def show(
        self,
        cards: Iterable[Card],
        *,
        lost: Collection[int] = (),
        unknown_fields: Collection[str] = (),
        before: str = "",
        after: str = "",
        delay: float = 0.0,
        hang: bool = False,
        code: int = 0,
    ) -> None:
        """From the next run on, this is the machine. `before` and `after` are printed around each answer."""
        self._write(
            {
                "cards": [{**asdict(card), "used_mib": card.used()} for card in cards],
                "lost": list(lost),
                "unknown_fields": list(unknown_fields),
                "before": before,
                "after": after,
                "delay": delay,
                "hang": hang,
                "code": code,
            }
        )

    def say(self, *, stdout: str = "", stderr: str = "", code: int = 0) -> None:
        """From the next run on, it prints this and ends so, whatever it is asked."""
        self._write({"say": [stdout, stderr], "code": code})

    def _write(self, state: object) -> None:
        beside = self._state.with_suffix(".new")
        beside.write_text(json.dumps(state))
        beside.replace(self._state)
