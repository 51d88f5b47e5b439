"""The options with which a job is asked for, under their headings. Called by `cli.jobs.submission`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sentinel.cli.jobs.environment import TAKEN
from sentinel.core.job import MOST_GPUS, MOST_PRIORITY, WHOLE, IfLost

_WHERE, _WHEN, _INSIDE, _ENDING = (
    "GPUs and machines", "When it runs", "What it runs in", "When it fails or has to stop",
)  # fmt: skip
_TAKEN = ", ".join((*TAKEN, "LC_*"))
MOST_NODES = 512
MOST_CPUS = 4096
MOST_RETRIES = 100


class LostChoice(StrEnum):
    """As in core.job; here for the help."""

    REQUEUE = IfLost.REQUEUE.value
    KEEP = IfLost.KEEP.value
    FENCE = IfLost.FENCE.value


class EngineChoice(StrEnum):
    """What runs containers."""

    DOCKER = "docker"
    PODMAN = "podman"


Words = Annotated[
    list[str], typer.Argument(metavar="COMMAND", help="What to run, and its arguments; best behind a --.")
]

# ------------------------------------------------------------------ GPUs and machines

Gpus = Annotated[
    int,
    typer.Option(
        "--gpus", "-g", min=1, max=MOST_GPUS, metavar="N", help="How many, on each node.",
        rich_help_panel=_WHERE,
    ),
]  # fmt: skip
GpuShare = Annotated[
    float | None,
    typer.Option(
        "--gpu-share", min=1 / WHOLE, max=1, metavar="PART", rich_help_panel=_WHERE,
        help="A part of one GPU, beside other jobs: 0.5.",
    ),
]  # fmt: skip
GpuModel = Annotated[
    str | None,
    typer.Option(
        "--gpu-model", metavar="M", rich_help_panel=_WHERE,
        help="A part of its name, like a100. h100,a100: either, and rather the first.",
    ),
]  # fmt: skip
GpuMemory = Annotated[
    str | None,
    typer.Option(
        "--gpu-memory", metavar="SIZE", help="At least, on each GPU: 20GiB.", rich_help_panel=_WHERE
    ),
]
Nodes = Annotated[
    int,
    typer.Option(
        "--nodes", min=1, max=MOST_NODES, metavar="N", rich_help_panel=_WHERE,
        help="A process on each of so many nodes, all at once; they find MASTER_ADDR, RANK and WORLD_SIZE.",
    ),
]  # fmt: skip
Node = Annotated[
    str | None, typer.Option("--node", metavar="NAME", help="Only on that one.", rich_help_panel=_WHERE)
]
Cpus = Annotated[
    int | None,
    typer.Option(
        "--cpus", min=1, max=MOST_CPUS, metavar="N", help="Reserved on its node.", rich_help_panel=_WHERE
    ),
]
Memory = Annotated[
    str | None,
    typer.Option(
        "--memory", metavar="SIZE", help="Reserved on its node: 64GiB.", rich_help_panel=_WHERE
    ),
]  # fmt: skip

# ------------------------------------------------------------------ when it runs

Priority = Annotated[
    int,
    typer.Option(
        "--priority", "-p", min=-MOST_PRIORITY, max=MOST_PRIORITY, metavar="N", help="Higher runs first.",
        rich_help_panel=_WHEN,
    ),
]  # fmt: skip
TimeLimit = Annotated[
    str | None,
    typer.Option(
        "--time-limit", "-t", metavar="TIME", rich_help_panel=_WHEN,
        help="It is ended after that: 10m, 2h. With one it may begin sooner, for it fits into gaps.",
    ),
]  # fmt: skip
After = Annotated[
    list[str] | None,
    typer.Option(
        "--after", metavar="ID", rich_help_panel=_WHEN,
        help="Once that job, or all of that array, has succeeded; any:ID: has ended; notok:ID: has failed. "
        "Repeatable.",
    ),
]  # fmt: skip
Array = Annotated[
    str | None,
    typer.Option(
        "--array", metavar="0-9%2", rich_help_panel=_WHEN,
        help="A job for each index, which it finds in SENTINEL_ARRAY_INDEX. 1,3,5-7: those; %2: 2 at once.",
    ),
]  # fmt: skip
Singleton = Annotated[
    bool,
    typer.Option(
        "--singleton", rich_help_panel=_WHEN, help="Once no earlier job of yours with its --name is left."
    ),
]

# ------------------------------------------------------------------ what it runs in

Cwd = Annotated[
    str | None,
    typer.Option(
        "--cwd", metavar="DIR", rich_help_panel=_INSIDE,
        help="The folder to run in, on its node. Else where you stand.",
    ),
]  # fmt: skip
Env = Annotated[
    list[str] | None,
    typer.Option(
        "--env", "-e", metavar="K=V", rich_help_panel=_INSIDE,
        help="Into its environment; K alone: as it is here. Repeatable. Not for secrets: everybody "
        "here can read arguments.",
    ),
]  # fmt: skip
EnvFile = Annotated[
    list[Path] | None,
    typer.Option(
        "--env-file", metavar="FILE", rich_help_panel=_INSIDE,
        help="KEY=VALUE lines into its environment; keeps secrets off the argument list.",
    ),
]  # fmt: skip
NoEnv = Annotated[
    bool,
    typer.Option("--no-env", help=f"Takes nothing along from here. Else: {_TAKEN}.", rich_help_panel=_INSIDE),
]
Setup = Annotated[
    list[str] | None,
    typer.Option(
        "--setup", metavar="LINE", rich_help_panel=_INSIDE,
        help="A line of shell before the command: 'module load cuda'. Repeatable.",
    ),
]  # fmt: skip
Image = Annotated[
    str | None,
    typer.Option("--image", metavar="IMAGE", help="In a container of this image.", rich_help_panel=_INSIDE),
]
Engine = Annotated[
    EngineChoice | None,
    typer.Option("--engine", help="Which runs it. Else what its node has.", rich_help_panel=_INSIDE),
]
Mount = Annotated[
    list[str] | None,
    typer.Option(
        "--mount", metavar="SRC:DST", rich_help_panel=_INSIDE,
        help="A folder of the node in its container, besides the one it runs in; SRC:DST:ro: only to be "
        "read. Repeatable.",
    ),
]  # fmt: skip
Umask = Annotated[
    str | None,
    typer.Option("--umask", metavar="OCTAL", help="Like 027. Else yours.", rich_help_panel=_INSIDE),
]
Limit = Annotated[
    list[str] | None,
    typer.Option(
        "--limit", metavar="NAME=N", rich_help_panel=_INSIDE,
        help="An rlimit, like nofile=65536. Repeatable.",
    ),
]  # fmt: skip
Pty = Annotated[bool, typer.Option("--pty", help="On a terminal of its own.", rich_help_panel=_INSIDE)]

# ------------------------------------------------------------------ when it fails or has to stop

Retries = Annotated[
    int,
    typer.Option(
        "--retries", min=0, max=MOST_RETRIES, metavar="N", rich_help_panel=_ENDING,
        help="How often it is queued again when it fails.",
    ),
]  # fmt: skip
RetryOn = Annotated[
    str | None,
    typer.Option(
        "--retry-on", metavar="CODES", help="Only after these exit codes: 3,75.", rich_help_panel=_ENDING
    ),
]
Preemptible = Annotated[
    bool,
    typer.Option(
        "--preemptible", rich_help_panel=_ENDING,
        help="May be stopped, and queued again, for jobs of higher priority.",
    ),
]  # fmt: skip
Checkpoint = Annotated[
    str | None,
    typer.Option(
        "--checkpoint", metavar="CMD", rich_help_panel=_ENDING,
        help="Run beside it before it has to make room: './save.sh now'.",
    ),
]  # fmt: skip
StopSignal = Annotated[
    str | None,
    typer.Option(
        "--stop-signal", metavar="SIGNAL", rich_help_panel=_ENDING,
        help="By which it is told to end: USR1. Else TERM.",
    ),
]  # fmt: skip
Grace = Annotated[
    str | None,
    typer.Option(
        "--grace", metavar="TIME", help="From then to SIGKILL. Else 30s.", rich_help_panel=_ENDING
    ),
]  # fmt: skip
Lost = Annotated[
    LostChoice,
    typer.Option(
        "--if-lost", rich_help_panel=_ENDING,
        help="When its node goes silent: requeue it once it is known not to run there; keep it from "
        "ever running again by itself; or fence: the node ends it, and it is queued again.",
    ),
]  # fmt: skip

# ------------------------------------------------------------------ the rest

JobName = Annotated[
    str | None,
    typer.Option(
        "--name", "-n", metavar="NAME", help="For showing, and for --singleton. Else the command's."
    ),
]
Notify = Annotated[
    list[str] | None,
    typer.Option(
        "--notify",
        metavar="CHANNEL",
        help="Who is told of its end; mail:fail: only if it fails; mail:start,end: of its start, too. "
        "Those there are: sentinel alert channel list. Repeatable.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="The job as JSON.")]
