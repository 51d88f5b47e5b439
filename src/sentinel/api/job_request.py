"""A job as it is sent to `POST jobs`: every field with its limits. Used by routes.jobs.

Limits are far above what anybody needs; they bound what one call can cost. What one field forbids another is
checked where it is given: a plain job costs nothing for it.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo, field_validator

from sentinel.api.requests import MOST_SECONDS, Line, Request, Text
from sentinel.core import job_notify
from sentinel.core.array_indices import LONGEST, PATTERN, parse_array
from sentinel.core.errors import UsageError
from sentinel.core.job import MOST_GPUS, MOST_PRIORITY, WHOLE, After, AfterKind, IfLost, JobSpec

MOST_WORDS = 4096
MOST_COMMAND_BYTES = 256 * 1024
MOST_NAMES = 512
MOST_ENVIRONMENT_BYTES = 256 * 1024
MOST_NODES = 512
MOST_CPUS = 4096
MOST_RETRIES = 100
MOST_AFTER = 256
MOST_LINES = 64
LONGEST_PATH = 4096
LONGEST_NAME = 200
MOST_GRACE = 3600
MOST_BYTES = 1 << 50
MOST_LIMIT = (1 << 63) - 1

LIMITS = Literal[
    "as", "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss",
    "rtprio", "rttime", "sigpending", "stack",
]  # fmt: skip
SIGNALS = Literal["TERM", "INT", "HUP", "QUIT", "USR1", "USR2", "CONT", "ALRM", "ABRT", "WINCH"]

# A registry or a name, a path of names, a tag, a digest: nothing that could be taken for an option.
_IMAGE = (
    r"^[A-Za-z0-9][A-Za-z0-9._-]*(:[0-9]{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*"
    r"(:[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(@sha256:[0-9a-f]{64})?$"
)
_MOUNT = r"^/[^:\x00-\x1f\x7f]*(:/[^:\x00-\x1f\x7f]*(:ro)?)?$"
_MODELS = r"^[^,\x00-\x1f\x7f]+(,[^,\x00-\x1f\x7f]+)*$"

VariableName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=256)]
Mount = Annotated[str, StringConstraints(pattern=_MOUNT, max_length=2 * LONGEST_PATH)]
ShellLine = Annotated[
    str, StringConstraints(pattern=r"^[^\x00\r\n]*$", min_length=1, max_length=LONGEST_PATH)
]


def _not_too_big(environment: dict[str, str]) -> dict[str, str]:
    size = sum(len(name) + len(value.encode()) + 2 for name, value in environment.items())
    if size > MOST_ENVIRONMENT_BYTES:
        raise ValueError(f"names and values together have more than {MOST_ENVIRONMENT_BYTES // 1024} KiB")
    return environment


def _command_not_too_big(command: list[str]) -> list[str]:
    if sum(len(word.encode()) + 1 for word in command) > MOST_COMMAND_BYTES:
        raise ValueError(f"the words together have more than {MOST_COMMAND_BYTES // 1024} KiB")
    return command


Command = Annotated[
    list[Text], Field(min_length=1, max_length=MOST_WORDS), AfterValidator(_command_not_too_big)
]
Environment = Annotated[
    dict[VariableName, Text],
    Field(
        max_length=MOST_NAMES,
        json_schema_extra={
            "propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_]*$", "maxLength": 256},
            "additionalProperties": {"type": "string", "pattern": "^[^\\x00]*$"},
            "patternProperties": {},
        },
    ),
    AfterValidator(_not_too_big),
]


class AfterRequest(Request):
    """A job, or an array, that another job waits for."""

    job: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_]{4,20}$")] = Field(
        description="Its id, or a unique beginning. Of an array: all its tasks."
    )
    kind: Literal["ok", "any", "notok"] = Field(
        "ok", description="Begin when it has SUCCEEDED; has ended, however; has FAILED or was CANCELED."
    )

    def as_after(self, id: str) -> After:
        """That this is waited for, of the job that was meant."""
        return After(job=id, kind=AfterKind(self.kind))


class JobRequest(Request):
    """A job to run. Only `command` and `cwd` are needed."""

    command: Command = Field(description="The program and its arguments, as execve(2) takes them.")
    cwd: Annotated[str, StringConstraints(pattern=r"^/[^\x00]*$", max_length=LONGEST_PATH)] = Field(
        description="The folder to run in: absolute, and there on the node."
    )
    environment: Environment = Field(
        default_factory=dict[str, str], description="Kept apart from the job; its owner alone can read it."
    )
    gpus: int = Field(1, ge=1, le=MOST_GPUS, description="On each node.")
    nodes: int = Field(
        1, ge=1, le=MOST_NODES, description="Above 1: a process on each of so many nodes, all at once."
    )
    gpu_share: float = Field(
        1.0, ge=1 / WHOLE, le=1, description="This part of one GPU's memory; in thousandths."
    )
    priority: int = Field(
        0, ge=-MOST_PRIORITY, le=MOST_PRIORITY, description="Higher runs first. Above 0: operators alone."
    )
    name: Line = Field("", description="For showing; the last part of the command's first word if empty.")
    time_limit: float | None = Field(None, gt=0, le=MOST_SECONDS, description="Seconds of running.")
    gpu_model: Annotated[str, StringConstraints(pattern=_MODELS, max_length=200)] | None = Field(
        None, description="A part of the model's name; case does not matter. Several: the best liked first."
    )
    gpu_memory_bytes: int | None = Field(None, ge=1, le=MOST_BYTES, description="At least, on each GPU.")
    cpus: int | None = Field(None, ge=1, le=MOST_CPUS, description="Reserved on its node.")
    memory_bytes: int | None = Field(None, ge=1, le=MOST_BYTES, description="Reserved on its node.")
    node: Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=253)] | None = Field(
        None, description="Only on the node of this name."
    )
    preemptible: bool = Field(False, description="May be stopped, and queued again, to make room.")
    checkpoint: Annotated[list[Text], Field(max_length=MOST_WORDS), AfterValidator(_command_not_too_big)] = (
        Field(default_factory=list[str], description="A command that runs beside it before it makes room.")
    )
    stop_signal: SIGNALS = Field("TERM", description="What it is told to end by.")
    retries: int = Field(0, ge=0, le=MOST_RETRIES, description="Queued again so often when it fails.")
    retry_codes: list[Annotated[int, Field(ge=1, le=255)]] = Field(
        default_factory=list[int], max_length=255, description="Only after these exit codes."
    )
    singleton: bool = Field(False, description="Waits for all earlier jobs of its owner and name.")
    image: Annotated[str, StringConstraints(pattern=_IMAGE, max_length=512)] | None = Field(
        None, description="Runs in a container of this image."
    )
    engine: Literal["docker", "podman"] | None = Field(None, description="Else what its node has.")
    mounts: list[Mount] = Field(
        default_factory=list[str], max_length=64, description="SOURCE[:TARGET[:ro]], beside its folder."
    )
    setup: list[ShellLine] = Field(
        default_factory=list[str], max_length=MOST_LINES, description="Lines of shell before the command."
    )
    after: list[AfterRequest] = Field(
        default_factory=list[AfterRequest], max_length=MOST_AFTER, description="What it waits for."
    )
    array: Annotated[str, StringConstraints(pattern=PATTERN, max_length=LONGEST)] | None = Field(
        None, description="Many jobs alike: their indices, as 0-9 or 1,3,5-7; %4: no more than 4 at once."
    )
    if_lost: Literal["requeue", "keep", "fence"] = Field(
        "requeue", description="What to do when its node goes silent."
    )
    grace: float = Field(30.0, ge=0, le=MOST_GRACE, description="Seconds from the stop signal to SIGKILL.")
    umask: int = Field(0o022, ge=0, le=0o777)
    limits: dict[LIMITS, Annotated[int, Field(ge=0, le=MOST_LIMIT)]] = Field(
        default_factory=dict[LIMITS, int], description="rlimits by name, as in prlimit(1)."
    )
    pty: bool = Field(False, description="On a terminal of its own.")
    notify: list[Annotated[str, StringConstraints(pattern=job_notify.PATTERN)]] = Field(
        default_factory=list[str],
        max_length=job_notify.MOST,
        description="Who is told of it: CHANNEL:end, CHANNEL:fail, CHANNEL:start.",
    )

    # ------------------------------------------------------------------ of fields that were given

    @field_validator("nodes")
    @classmethod
    def _not_too_many(cls, nodes: int, info: ValidationInfo) -> int:
        if nodes * info.data.get("gpus", 1) > MOST_GPUS:
            raise ValueError(f"all nodes together have more than {MOST_GPUS} GPUs")
        return nodes

    @field_validator("gpu_share")
    @classmethod
    def _of_one_gpu(cls, share: float, info: ValidationInfo) -> float:
        if share < 1 and (info.data.get("gpus", 1) > 1 or info.data.get("nodes", 1) > 1):
            raise ValueError("a share is of one GPU, on one node: leave gpus and nodes at 1")
        return share

    @field_validator("node", "pty")
    @classmethod
    def _on_one_node(cls, value: str | bool | None, info: ValidationInfo) -> str | bool | None:
        if value and info.data.get("nodes", 1) > 1:
            raise ValueError("not for a job on several nodes")
        return value

    @field_validator("engine", "mounts")
    @classmethod
    def _in_a_container(cls, value: str | list[str] | None, info: ValidationInfo) -> str | list[str] | None:
        if value and info.data.get("image") is None:
            raise ValueError("only for a job in a container: give an image, too")
        return value

    @field_validator("array")
    @classmethod
    def _indices(cls, array: str | None) -> str | None:
        if array is not None:
            try:
                parse_array(array)
            except UsageError as error:
                raise ValueError(error.message) from None
        return array

    def spec(self) -> JobSpec:
        """As a noun of the core. The name is never empty where the command has one."""
        return JobSpec(
            command=tuple(self.command),
            cwd=self.cwd,
            gpus=self.gpus,
            nodes=self.nodes,
            gpu_milli=round(self.gpu_share * WHOLE),
            priority=self.priority,
            name=self.name or _name_of(self.command[0]),
            time_limit=self.time_limit,
            gpu_model=self.gpu_model,
            gpu_memory_bytes=self.gpu_memory_bytes,
            cpus=self.cpus,
            memory_bytes=self.memory_bytes,
            node=self.node,
            preemptible=self.preemptible,
            checkpoint=tuple(self.checkpoint),
            stop_signal=self.stop_signal,
            retries=self.retries,
            retry_codes=tuple(self.retry_codes),
            singleton=self.singleton,
            image=self.image,
            engine=self.engine,
            mounts=tuple(self.mounts),
            setup=tuple(self.setup),
            if_lost=IfLost(self.if_lost),
            grace=self.grace,
            umask=self.umask,
            limits={**self.limits},
            pty=self.pty,
            notify=tuple(dict.fromkeys(self.notify)),
        )


def _name_of(program: str) -> str:
    last = program.rstrip("/").rpartition("/")[2]
    return last[:LONGEST_NAME] if last.isprintable() else ""
