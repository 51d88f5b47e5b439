"""Stand-ins for Slurm's commands: shell scripts in a folder that is to be the PATH."""

import shlex
from pathlib import Path


class SlurmCommands:
    """`prints("squeue", b"…")` makes a `squeue` that prints that, whatever it is asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "asked"

    @property
    def environment(self) -> dict[str, str]:
        return {"PATH": f"{self.folder}:/usr/bin:/bin"}

    def prints(self, name: str, output: bytes, *, status: int = 0, complaint: str = "") -> None:
        (self.folder / f"{name}.out").write_bytes(output)
        self.does(
            name,
            f"cat {shlex.quote(str(self.folder / f'{name}.out'))}\n"
            f"printf %s {shlex.quote(complaint)} >&2\nexit {status}",
        )

    def speaks_json_alone(self, name: str, output: bytes) -> None:
        """Prints that with --json, and knows nothing else."""
        (self.folder / f"{name}.json").write_bytes(output)
        self.does(
            name,
            f'case "$*" in *--json*) cat {shlex.quote(str(self.folder / f"{name}.json"))};; '
            f"*) echo {name}: what >&2; exit 1;; esac",
        )

    def does(self, name: str, script: str) -> None:
        file = self.folder / name
        file.write_text(f'#!/bin/sh\necho "{name} $*" >> {shlex.quote(str(self.log))}\n{script}\n')
        file.chmod(0o755)

    def asked(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []
