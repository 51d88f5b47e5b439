"""Making the container of a job that is being launched. Owned by the loop, called by `launches`.

The engine is asked to create it, which may take as long as pulling its image does; what it cannot create is
refused with the engine's own words. Starting it is left to the command line that becomes the job's leader.
"""

import contextlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sentinel.supervisor.attempts import Container, Refused
from sentinel.supervisor.book import Book
from sentinel.supervisor.container_plan import (
    Inside,
    create_command,
    devices_of,
    environment_file,
    label_file,
    name_of,
    start_command,
)
from sentinel.supervisor.container_removal import Removal
from sentinel.supervisor.engines import Engine, Engines
from sentinel.supervisor.tools import Done, Tool, Tools
from sentinel.supervisor.users import Person
from sentinel.supervisor.wire import Launch

_PASSES = (
    "cannot connect to the docker daemon",
    "is the docker daemon running",
    "is already in use",
    "connection reset",
    "unexpected eof",
)
"""What an engine says, in lower case, where another try may do better."""


@dataclass(slots=True, eq=False)
class Making:
    """A container on its way. `tool` makes it."""

    launch: Launch
    person: Person
    inside: Inside
    sources: Sequence[str]
    ready: Callable[[list[str]], None]
    failed: Callable[[Refused], None]
    tool: Tool | None = None


class ContainerMaking:
    """`folder`: for files that hold an environment while the engine reads it."""

    def __init__(
        self,
        *,
        book: Book,
        tools: Tools,
        engines: Engines,
        removal: Removal,
        folder: Path,
        node: str,
    ) -> None:
        self._book, self._tools, self._engines, self._removal = book, tools, engines, removal
        self._folder, self._node = folder, node
        self._all: dict[str, Making] = {}
        if folder.is_dir():
            for left in folder.iterdir():  # a predecessor's
                with contextlib.suppress(OSError):
                    left.unlink()

    def make(
        self,
        launch: Launch,
        person: Person,
        inside: Inside,
        sources: Sequence[str],
        ready: Callable[[list[str]], None],
        failed: Callable[[Refused], None],
    ) -> None:
        """Makes the container of an attempt that is Starting. `ready` gets the command that starts it and is
        to be the job's leader. `sources`: where its binds are."""
        making = Making(launch, person, inside, sources, ready, failed)
        self._all[launch.token] = making

        def found(engine: Engine | Refused) -> None:
            if self._all.get(launch.token) is making:
                self._create(making, engine)

        self._engines.find(launch.spec.engine, found)

    def abandon(self, launch: Launch) -> None:
        """Its container is not wanted, however far it is. Idempotent."""
        making = self._all.pop(launch.token, None)
        begun = making is not None and making.tool is not None
        if making is not None and making.tool is not None:
            self._tools.drop(making.tool)
            self._drop_files(name_of(launch))
        attempt = self._book.attempts.get(launch.token)
        container = attempt.container if attempt is not None else None
        self._removal.clear_away(name_of(launch), container, twice=begun)

    @property
    def quiet(self) -> bool:
        """Nothing is on its way."""
        return not self._all

    # -------------------------------------------------------------- step by step

    def _create(self, making: Making, engine: Engine | Refused) -> None:
        launch, inside = making.launch, making.inside
        if isinstance(engine, Refused):
            making.failed(engine)
            return
        devices = devices_of(inside.gpus, engine, self._node)
        if isinstance(devices, Refused):
            making.failed(devices)
            return
        name = name_of(launch)
        try:
            environment = self._keep(f"{name}.environment", environment_file(inside.environment))
            labels = self._keep(f"{name}.labels", label_file(launch))
        except OSError as error:
            making.failed(Refused(why=f"node {self._node} cannot write to {self._folder}: {error.strerror}"))
            return
        except ValueError as error:  # text that no file can hold
            making.failed(Refused(why=f"node {self._node} cannot make its container: {error}", final=True))
            return
        command = create_command(
            launch,
            making.person,
            engine,
            groups=_groups(making.person),
            sources=list(zip(making.sources, inside.binds, strict=True)),
            devices=devices,
            limits=inside.limits,
            env_file=environment,
            label_file=labels,
            shared_memory=os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2,
        )
        if not self._book.set_container(launch.token, Container(engine=engine.name, name=name)):
            making.failed(Refused(why=f"node {self._node} can launch nothing: {self._book.journal.error}"))
            return

        def heard(done: Done) -> None:
            self._drop_files(name)
            self._created(making, engine, name, done)

        making.tool = self._tools.run(command, heard, token=launch.token, patience=None)

    def _created(self, making: Making, engine: Engine, name: str, done: Done) -> None:
        making.tool = None
        if done.code == 0:
            del self._all[making.launch.token]
            making.ready(start_command(engine, name, terminal=making.launch.spec.pty))
            return
        self._engines.doubt(engine.name)
        image = making.launch.spec.image
        why = f"node {self._node} cannot make a container of {image} with {engine.name}: {done.failure}"
        making.failed(Refused(why=why, final=not _may_pass(done)))

    def _keep(self, name: str, data: bytes) -> str:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        path = str(self._folder / name)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(data)
        return path

    def _drop_files(self, name: str) -> None:
        for kind in ("environment", "labels"):
            with contextlib.suppress(OSError):
                (self._folder / f"{name}.{kind}").unlink()


def _groups(person: Person) -> list[int]:
    try:
        return os.getgrouplist(person.name, person.gid)
    except OSError:
        return []


def _may_pass(done: Done) -> bool:
    said = done.err.lower()
    return done.code is None or done.code < 0 or any(text in said for text in _PASSES)
