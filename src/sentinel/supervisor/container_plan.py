"""What an engine is asked for a job that runs in a container. Pure. Called by the launches and `containers`.

The container gets what a process of that user would have, and nothing more: his uid and groups, no
capability, nothing that could gain one; of the node's files those that he can read himself (see `stage`).
Only for jobs that run as root is it what the engine makes of root.
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sentinel.core.job import JobSpec
from sentinel.supervisor.attempts import Refused
from sentinel.supervisor.engines import Engine, cdi_devices
from sentinel.supervisor.setup_lines import with_setup_inside, with_umask_inside
from sentinel.supervisor.users import Person
from sentinel.supervisor.wire import Launch

SIMULATED = "GPU-51a1a7ed-"
"""How the UUIDs of made-up GPUs begin: no engine can give them."""
NO_DETACH = "ctrl-^,ctrl-],ctrl-^,ctrl-]"
"""Keys that leave a container's terminal: nobody types these."""
_NOT_INSIDE = frozenset(
    ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "CONDA_PREFIX", "CONDA_DEFAULT_ENV", "SHELL")
)
"""Variables that say where things are on the node; the image has its own."""
_UNSAYABLE = re.compile("[\ud800-\udfff]")
_LIMITS = frozenset(
    "core cpu data fsize memlock msgqueue nice nofile nproc rss rtprio sigpending stack rttime".split()
)


@dataclass(frozen=True, slots=True)
class Bind:
    """A file or folder of the node, and where it is in the container."""

    source: str
    target: str
    read_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """What can be said of a job's container before its engine is known. `binds`: its cwd is the first.
    `limits`: options. `place`: where its binds are put for the engine, see `stage`; None: they stay where
    they are."""

    binds: tuple[Bind, ...]
    environment: Mapping[str, str]
    gpus: tuple[str, ...]
    limits: tuple[str, ...]
    place: str | None = None


def inside_of(launch: Launch, environment: Mapping[str, str]) -> Inside | Refused:
    """Of a job that would find `environment` outside."""
    binds = binds_of(launch.spec)
    if isinstance(binds, Refused):
        return binds
    limits = limits_inside(launch.spec)
    if isinstance(limits, Refused):
        return limits
    found = environment_inside(environment, binds, launch.gpus)
    if isinstance(found, Refused):
        return found
    words = (*launch.spec.command, *launch.spec.setup, *(one.source for one in binds))
    if any(_UNSAYABLE.search(word) for word in words):
        return _no("its command holds text that no program can be given")
    return Inside(binds=binds, environment=found, gpus=launch.gpus, limits=tuple(limits))


def name_of(launch: Launch) -> str:
    """What its container is called."""
    return f"sentinel-{launch.job}-{launch.attempt}"


def binds_of(spec: JobSpec) -> tuple[Bind, ...] | Refused:
    """Its folder first, then what it asks for as "SRC[:DST[:ro]]"."""
    if _is_top(spec.cwd):
        return _no("cwd / would hide the image; choose another folder")
    binds = [Bind(spec.cwd, spec.cwd)]
    for text in spec.mounts:
        source, *rest = text.split(":")
        target, mode = [*rest, *("", "")[len(rest) :]][:2]
        target = target or source
        if len(rest) > 2 or mode not in ("", "ro", "rw"):
            return _no(f"mount {text} is none: write /SOURCE, /SOURCE:/TARGET or /SOURCE:/TARGET:ro")
        if not source.startswith("/") or not target.startswith("/"):
            return _no(f"mount {text}: both paths begin with /")
        if _is_top(target) or ".." in target.split("/"):
            return _no(f"mount {text}: the target is a path below / without ..")
        binds.append(Bind(source, target, mode == "ro"))
    if any(not one.target.isprintable() for one in binds):
        return _no("a path of a mount, or the cwd, holds what cannot be printed")
    return tuple(binds)


def _is_top(path: str) -> bool:
    return os.path.normpath(f"/{path.lstrip('/')}") == "/"


def _no(why: str) -> Refused:
    return Refused(why=f"its container cannot be made: {why}", final=True)


def environment_inside(
    environment: Mapping[str, str], binds: Sequence[Bind], gpus: Sequence[str]
) -> dict[str, str] | Refused:
    """What the job finds in its container, from what it would find outside. HOME is its cwd unless the user's
    home is there."""
    found = {k: v for k, v in environment.items() if k not in _NOT_INSIDE and not k.startswith("BASH_FUNC_")}
    home = found.get("HOME", "/")
    if not any(f"{home}/".startswith(f"{one.target.rstrip('/')}/") for one in binds):
        found["HOME"] = binds[0].target
    # An image may ask for all GPUs, and some engines would give them.
    found["NVIDIA_VISIBLE_DEVICES"] = ",".join(gpus) or "void"
    for name, value in found.items():
        if "\n" in value or "\r" in value:
            return _no(
                f"{name} has more than one line, which an engine's environment cannot have; use a file"
            )
        if not name.isprintable() or any(c.isspace() for c in name) or name.startswith("#"):
            return _no(f"{name[:40]!r} is no name of a variable that an engine can set")
        if len(name) + len(value) > 60_000:
            return _no(f"{name} is too long for an engine's environment; put it into a file")
    return found


def environment_file(environment: Mapping[str, str]) -> bytes:
    """For the engine's --env-file."""
    return "".join(f"{name}={value}\n" for name, value in environment.items()).encode()


def label_file(launch: Launch) -> bytes:
    """For the engine's --label-file."""
    labels = {
        "managed": "true",
        "job": launch.job,
        "attempt": launch.attempt,
        "owner": " ".join(launch.owner.split()),
        "token": launch.token,
    }
    return "".join(f"sentinel.{key}={value}\n" for key, value in labels.items()).encode()


def devices_of(gpus: tuple[str, ...], engine: Engine, node: str) -> list[str] | Refused:
    """The options that give it its GPUs and no others."""
    real = tuple(gpu for gpu in gpus if not gpu.startswith(SIMULATED))
    if not real:
        return []
    if engine.cdi and (names := cdi_devices(real)) is not None:
        return [f"--device={name}" for name in names]
    if engine.name == "docker":
        return ["--gpus", f'"device={",".join(real)}"']
    return Refused(
        why=f"node {node} has no CDI specification that names {', '.join(real)}, by which Podman gives GPUs;"
        " an admin runs: nvidia-ctk cdi generate --device-name-strategy=uuid --output=/etc/cdi/nvidia.yaml",
        final=True,
    )


def limits_inside(spec: JobSpec) -> list[str] | Refused:
    """Its limits as options."""
    if unknown := sorted(spec.limits.keys() - _LIMITS):
        return _no(
            f"limit {unknown[0]} is none that a container can have; there are {', '.join(sorted(_LIMITS))}"
        )
    return [f"--ulimit={name}={value}:{value}" for name, value in spec.limits.items()]


def create_command(
    launch: Launch,
    person: Person,
    engine: Engine,
    *,
    groups: Sequence[int],
    sources: Sequence[tuple[str, Bind]],
    devices: Sequence[str],
    limits: Sequence[str],
    env_file: str,
    label_file: str,
    shared_memory: int,
) -> list[str]:
    """The whole command. `sources`: where the engine finds each of the binds."""
    spec = launch.spec
    return [
        *(engine.program, "create", "--name", name_of(launch)),
        f"--label-file={label_file}",
        *(["--init"] if engine.init else []),
        # Its output is what the attached command line writes: no second copy, which nobody would clear away.
        *("--log-driver=none", "--network=host", "--pids-limit=-1", f"--shm-size={shared_memory}"),
        *("--no-healthcheck", "--entrypoint=", f"--workdir={spec.cwd}", f"--env-file={env_file}"),
        *_rights(person, engine, groups),
        *limits,
        *[f"--mount={_mount(source, bind)}" for source, bind in sources],
        *devices,
        *(["--tty", "--interactive"] if spec.pty else []),
        *([f"--umask={spec.umask:04o}"] if engine.name == "podman" else []),
        *("--", spec.image or "", *_command(spec, engine)),
    ]


def _rights(person: Person, engine: Engine, groups: Sequence[int]) -> list[str]:
    options = [f"--user={person.uid}:{person.gid}", "--security-opt=label=disable"]
    if person.uid == 0:
        return options
    options += ["--cap-drop=ALL", "--security-opt=no-new-privileges"]
    if engine.rootless:
        return [*options, "--userns=keep-id"]
    return [*options, *[f"--group-add={gid}" for gid in groups if gid != person.gid]]


def _command(spec: JobSpec, engine: Engine) -> Sequence[str]:
    if spec.setup:
        return with_setup_inside(spec.setup, spec.command, umask=spec.umask)
    if engine.name == "docker" and spec.umask != 0o022:
        return with_umask_inside(spec.command, spec.umask)
    return spec.command


def _mount(source: str, bind: Bind) -> str:
    fields = [
        "type=bind",
        f"source={source}",
        f"target={bind.target}",
        *(["readonly"] if bind.read_only else []),
    ]
    return ",".join(
        f'"{one.replace(chr(34), chr(34) * 2)}"' if set('",') & set(one) else one for one in fields
    )


def start_command(engine: Engine, name: str, *, terminal: bool) -> list[str]:
    """What the leader becomes: it starts the container, and its output is the job's."""
    options = ["--interactive", f"--detach-keys={NO_DETACH}"] if terminal else []
    return [engine.program, "start", "--attach", *options, name]
