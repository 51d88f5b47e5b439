"""Which container engine a node has, and what it can. Owned by the loop, called by `containers`.

An engine is its command line: `docker` or `podman`, where root would find it or where the admin says. One
that answered is believed for a minute.
"""

import contextlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sentinel.core.clock import boottime
from sentinel.supervisor.attempts import Refused
from sentinel.supervisor.finding import find_program
from sentinel.supervisor.tools import Done, Tools
from sentinel.supervisor.users import Person

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
BELIEVED_SECONDS = 60.0
_INITS = {
    "docker": ("docker-init", "/usr/libexec/docker/docker-init", "/usr/local/libexec/docker/docker-init"),
    "podman": ("catatonit", "/usr/libexec/podman/catatonit", "/usr/lib/podman/catatonit"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """`program`: its command line's file. `init`: it has one to be process 1. `cdi`: it knows devices by
    CDI's names. `rootless`: a Podman without root."""

    name: str
    program: str
    init: bool
    cdi: bool
    rootless: bool = False


Found = Callable[[Engine | Refused], None]


class Engines:
    """`programs`: where an engine is, by its name, where an admin says so."""

    def __init__(self, tools: Tools, programs: Mapping[str, str], node: str) -> None:
        self._tools, self._programs, self._node = tools, programs, node
        self._known: dict[str, tuple[float, Engine]] = {}

    def program(self, name: str) -> str | None:
        """The file of that engine's command line; None when this node has none."""
        return _find(self._programs.get(name, name))

    def find(self, wanted: str | None, found: Found) -> None:
        """The engine that is `wanted`, or the first that answers. `found` may be called before this
        returns."""
        names = [name for name in ("docker", "podman") if wanted in (None, name) and self.program(name)]
        if names:
            self._try(names, found)
            return
        what = wanted or "Docker and no Podman"
        choose = " or asks for the other engine" if wanted else ""
        why = (
            f"node {self._node} has no {what}; an admin installs it, or the job goes to another node{choose}"
        )
        found(Refused(why=why, final=True))

    def _try(self, names: list[str], found: Found) -> None:
        name, *others = names
        until, engine = self._known.get(name, (0.0, None))
        if engine is not None and boottime() < until:
            found(engine)
            return
        program = self.program(name) or name

        def heard(done: Done) -> None:
            answer = engine_of(name, program, done)
            if isinstance(answer, Engine):
                self._known[name] = boottime() + BELIEVED_SECONDS, answer
                found(answer)
            elif others:
                self._try(others, found)
            else:
                found(Refused(why=f"node {self._node}: {answer}"))

        self._tools.run([program, *_QUESTIONS[name]], heard)

    def doubt(self, name: str) -> None:
        """It did not do what it was asked: whether it answers is to be seen anew."""
        self._known.pop(name, None)


_QUESTIONS = {"docker": ("info", "--format", "{{json .}}"), "podman": ("version", "--format", "json")}


def engine_of(name: str, program: str, done: Done) -> Engine | str:
    """What it said of itself; a sentence when it said nothing."""
    try:
        said: dict[str, Any] = json.loads(done.out)
    except ValueError:
        said = {}
    if done.code != 0 or not said or (name == "docker" and not said.get("ServerVersion")):
        return f"{name} does not answer: {done.failure}"
    if name == "podman":
        return Engine(name=name, program=program, init=_has_init(name), cdi=True, rootless=os.geteuid() != 0)
    if any("rootless" in one for one in said.get("SecurityOptions") or ()):
        return "its Docker is rootless, which makes other users of a job's; an admin offers Podman instead"
    return Engine(name=name, program=program, init=_has_init(name), cdi=bool(said.get("CDISpecDirs")))


def _has_init(name: str) -> bool:
    return any(_find(program) for program in _INITS[name])


def _find(program: str) -> str | None:
    try:
        found = find_program(program, {"PATH": PATH})
    except OSError:
        return None
    return found if os.access(found, os.X_OK) else None


def tool_environment(person: Person) -> dict[str, str]:
    """What an engine's command line gets from us: nothing of a job's."""
    found = {"PATH": PATH, "HOME": person.home, "LC_ALL": "C.UTF-8"}
    runtime = f"/run/user/{person.uid}"
    if os.path.isdir(runtime):  # noqa: PTH112
        found["XDG_RUNTIME_DIR"] = runtime
    return found


def cdi_devices(
    gpus: tuple[str, ...], folders: tuple[str, ...] = ("/etc/cdi", "/var/run/cdi")
) -> list[str] | None:
    """CDI's names of these GPUs; None unless the node's CDI specs name every one of them by its UUID."""
    text = ""
    for folder in folders:
        for path in sorted(Path(folder).glob("*")):
            if path.suffix in (".json", ".yaml", ".yml"):
                with contextlib.suppress(OSError):
                    text += path.read_text(encoding="utf-8", errors="replace") + "\n"
    words = set(text.replace('"', " ").replace("'", " ").replace(",", " ").split())
    if "nvidia.com/gpu" not in words or not words.issuperset(gpus):
        return None
    return [f"nvidia.com/gpu={gpu}" for gpu in gpus]
