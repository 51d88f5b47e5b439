"""Clearing away what containers of jobs leave: the container itself, and what was mounted for it.

Owned by the loop, called by `containers` and `container_making`. A container is removed by us, not by its
engine: until its end is in the journal, its exit code is there alone.
"""

import os
import signal
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from sentinel.core.clock import boottime
from sentinel.supervisor.attempts import Container
from sentinel.supervisor.endings import Endings
from sentinel.supervisor.engines import Engines
from sentinel.supervisor.stage import stage_of, sweep, take_away
from sentinel.supervisor.tools import Done, Tools
from sentinel.supervisor.users import Person

_MOST_TRIES = 5
_PAUSE = 4.0
_ONCE_MORE = 3.0
"""Seconds after which one is removed again that its engine may just have been making."""


class Removal:
    """`folder`: by its being there, a successor knows that there may be something to look for."""

    def __init__(
        self,
        *,
        endings: Endings,
        tools: Tools,
        engines: Engines,
        folder: Path,
        note: Callable[[str], None],
    ) -> None:
        self._endings, self._tools, self._engines, self._note = endings, tools, engines, note
        self._folder = folder
        self._known_stage = ""
        self._as_root = os.geteuid() == 0
        self._due: dict[Container, tuple[float, int]] = {}

    @property
    def _stage(self) -> str:
        self._known_stage = self._known_stage or stage_of(str(self._folder))
        return self._known_stage

    def place(self, name: str, person: Person) -> str | None:
        """Where the binds of that container are put for the engine; None: where they are. OSError."""
        if not person.other:
            return None
        self._folder.mkdir(mode=0o700, exist_ok=True)
        return f"{self._stage}/{name}"

    def clear_away(self, name: str, container: Container | None, *, twice: bool = False) -> None:
        """Removes what an attempt had. `container` None: none was made. `twice`: its engine may be making it
        just now."""
        self.unstage(name)
        if container is not None:
            self._remove(container, 0, twice)

    def unstage(self, name: str) -> None:
        """Its container runs and has its mounts, or never will."""
        self._in_a_child(lambda: take_away(f"{self._stage}/{name}"))

    def sweep(self, keep: Collection[str]) -> None:
        """Takes away what a predecessor left mounted, but for the containers of these names."""
        if self._folder.is_dir():
            self._in_a_child(lambda: sweep(self._stage, keep))

    @property
    def quiet(self) -> bool:
        """Nothing is left to be removed."""
        return not self._due

    def next_deadline(self) -> float | None:
        return min((at for at, _ in self._due.values()), default=None)

    def due(self, now: float) -> None:
        """Tries again what could not be removed."""
        for container, (at, tries) in list(self._due.items()):
            if now >= at:
                self._remove(container, tries, twice=False)

    def _remove(self, container: Container, tries: int, twice: bool) -> None:
        self._due[container] = (boottime() + 60.0, tries + 1)  # unless its engine answers
        program = self._engines.program(container.engine) or container.engine
        command: Sequence[str] = [program, "rm", "--force", "--volumes", container.name]

        def heard(done: Done) -> None:
            self._due.pop(container, None)
            if done.code == 0 or "no such" in done.err.lower():
                if twice:
                    self._due[container] = (boottime() + _ONCE_MORE, 0)
            elif tries + 1 >= _MOST_TRIES:
                self._note(f"container {container.name} cannot be removed and is left: {done.failure}")
            else:
                self._due[container] = (boottime() + 1.0 + _PAUSE * tries, tries + 1)

        self._tools.run(command, heard)

    def _in_a_child(self, do: Callable[[], None]) -> None:
        """It may have to look at the file system as another process does."""
        if not self._as_root:
            return
        try:
            pid = os.fork()
        except OSError:
            self._note(f"what is mounted below {self._stage} stays there for now")
            return
        if pid == 0:
            try:
                signal.set_wakeup_fd(-1)
                do()
            finally:
                os._exit(0)
        self._endings.others.add(pid)
