"""The options with which a job is asked for, and what they make of it. `submit` and `run` have the same.

The folder is where the submitter stands, and the umask theirs, unless said otherwise: the API knows neither.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from sentinel.cli.jobs.environment import TAKEN, job_environment
from sentinel.core.errors import UsageError
from sentinel.core.job import MOST_GPUS, MOST_PRIORITY, IfLost
from sentinel.core.units import parse_duration, parse_size

_TAKEN = ", ".join((*TAKEN, "LC_*"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """`fields` are the arguments of `Client.submit`."""

    fields: Mapping[str, Any]
    as_json: bool

    @property
    def pty(self) -> bool:
        return bool(self.fields["pty"])


class _IfLost(StrEnum):
    """As in core.job; here for the help."""

    REQUEUE = IfLost.REQUEUE.value
    KEEP = IfLost.KEEP.value
    FENCE = IfLost.FENCE.value


def submitting(act: Callable[[Submission], None]) -> Callable[..., None]:
    """`act` as a command with these options; its docstring is the help."""

    def command(
        words: Annotated[
            list[str],
            typer.Argument(metavar="COMMAND", help="What to run, and its arguments; best behind a --."),
        ],
        gpus: Annotated[int, typer.Option("--gpus", "-g", min=1, max=MOST_GPUS, help="How many.")] = 1,
        priority: Annotated[
            int,
            typer.Option(
                "--priority", "-p", min=-MOST_PRIORITY, max=MOST_PRIORITY, help="Higher runs first."
            ),
        ] = 0,
        time_limit: Annotated[
            str | None,
            typer.Option("--time-limit", "-t", metavar="TIME", help="Ended after that: 10m, 2h."),
        ] = None,
        cwd: Annotated[
            str | None,
            typer.Option("--cwd", metavar="DIR", help="Where to run, on the node. Else where you stand."),
        ] = None,
        name: Annotated[str | None, typer.Option("--name", "-n", help="For showing.")] = None,
        gpu_model: Annotated[
            str | None, typer.Option("--gpu-model", metavar="M", help="A part of its name, like a100.")
        ] = None,
        gpu_memory: Annotated[
            str | None, typer.Option("--gpu-memory", metavar="SIZE", help="At least, on each GPU: 20GiB.")
        ] = None,
        node: Annotated[str | None, typer.Option("--node", metavar="NAME", help="Only there.")] = None,
        env: Annotated[
            list[str] | None,
            typer.Option(
                "--env",
                "-e",
                metavar="K=V",
                help="Into its environment; K alone: as it is here. Repeatable. Not for secrets: everybody "
                "here can read arguments.",
            ),
        ] = None,
        env_file: Annotated[
            list[Path] | None,
            typer.Option(
                "--env-file",
                metavar="FILE",
                help="KEY=VALUE lines into its environment; keeps secrets off the argument list.",
            ),
        ] = None,
        no_env: Annotated[
            bool, typer.Option("--no-env", help=f"Takes nothing along from here. Else: {_TAKEN}.")
        ] = False,
        if_lost: Annotated[
            _IfLost,
            typer.Option(
                "--if-lost",
                help="When its node goes silent: requeue it once it is known not to run there; keep it from "
                "ever running again by itself; or fence: the node ends it, and it is queued again.",
            ),
        ] = _IfLost.REQUEUE,
        grace: Annotated[
            str | None,
            typer.Option("--grace", metavar="TIME", help="From SIGTERM to SIGKILL when it is ended: 30s."),
        ] = None,
        umask: Annotated[
            str | None, typer.Option("--umask", metavar="OCTAL", help="Like 027. Else yours.")
        ] = None,
        limit: Annotated[
            list[str] | None,
            typer.Option("--limit", metavar="NAME=N", help="An rlimit, like nofile=65536. Repeatable."),
        ] = None,
        pty: Annotated[bool, typer.Option("--pty", help="On a terminal of its own.")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="The job as JSON.")] = False,
    ) -> None:
        fields: dict[str, Any] = {
            "command": words,
            "cwd": folder_for(cwd),
            "gpus": gpus,
            "priority": priority,
            "name": name,
            "time_limit": None if time_limit is None else _positive("--time-limit", time_limit),
            "gpu_model": gpu_model,
            "gpu_memory_bytes": None if gpu_memory is None else parse_size(gpu_memory),
            "node": node,
            "environment": job_environment(
                os.environ, given=env or (), files=env_file or (), none_of_mine=no_env, terminal=pty
            ),
            "if_lost": if_lost.value,
            "grace": None if grace is None else parse_duration(grace),
            "umask": own_umask() if umask is None else _octal(umask),
            "limits": _limits(limit or ()),
            "pty": pty,
        }
        act(Submission(fields=fields, as_json=as_json))

    command.__doc__ = act.__doc__
    return command


def folder_for(asked: str | None) -> str:
    """The folder to run in, absolute. Where that is here, as the shell names it: a home may be a link."""
    if asked is not None and asked.startswith("/"):
        return asked
    here = _here()
    return here if asked in (None, "", ".") else os.path.join(here, asked or "")  # noqa: PTH118 - text


def _here() -> str:
    try:
        real = os.getcwd()  # noqa: PTH109 - text
    except OSError:
        raise UsageError("the folder that you stand in is gone; name one with --cwd DIR") from None
    named = os.environ.get("PWD", "")
    try:
        return named if named.startswith("/") and os.path.samefile(named, real) else real  # noqa: PTH121
    except OSError:
        return real


def own_umask() -> int | None:
    """This process's. None where it cannot be read without changing it."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    found = next((line for line in lines if line.startswith("Umask:")), None)
    return None if found is None else int(found.split()[1], 8)


def _positive(option: str, text: str) -> float:
    seconds = parse_duration(text)
    if seconds <= 0:
        raise UsageError(f"{option} {text}: a time longer than nothing, like 10m")
    return seconds


def _octal(text: str) -> int:
    try:
        found = int(text, 8)
    except ValueError:
        found = -1
    if not 0 <= found <= 0o777:
        raise UsageError(f"--umask {text}: three octal digits, like 027")
    return found


def _limits(given: Sequence[str]) -> dict[str, int] | None:
    found: dict[str, int] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError(f"--limit {text}: NAME=NUMBER, like nofile=65536")
        found[name.lower()] = parse_size(value)
    return found or None
