"""What may be sent to the API: every field with its type and its limits. Used by the routes.

Unknown fields are refused, numbers are no strings, and nothing holds a NUL byte: no file name, no argument
and no database takes one. Limits are far above what anybody needs; they bound what one call can cost.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from sentinel.core.identity import Role
from sentinel.core.job import MOST_GPUS, MOST_PRIORITY, IfLost, JobSpec

MOST_WORDS = 4096
MOST_COMMAND_BYTES = 256 * 1024
MOST_NAMES = 512
MOST_ENVIRONMENT_BYTES = 256 * 1024
LONGEST_NAME = 200
LONGEST_PATH = 4096
MOST_SECONDS = 10 * 366 * 86400
MOST_GRACE = 3600
MOST_BYTES = 1 << 50
MOST_LIMIT = (1 << 63) - 1
LEAST_PASSWORD = 10
LEAST_LIFE = 60

LIMITS = Literal[
    "as", "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss",
    "rtprio", "rttime", "sigpending", "stack",
]  # fmt: skip

Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
Line = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$", max_length=LONGEST_NAME)]
UserName = Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_.-]{0,31}$")]
Password = Annotated[
    str, StringConstraints(pattern=r"^[^\x00]*$", min_length=LEAST_PASSWORD, max_length=1024)
]
VariableName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=256)]


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


class Request(BaseModel):
    """What all of them have in common."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)


class JobRequest(Request):
    """A job to run. Only `command` and `cwd` are needed."""

    command: Command = Field(description="The program and its arguments, as execve(2) takes them.")
    cwd: Annotated[str, StringConstraints(pattern=r"^/[^\x00]*$", max_length=LONGEST_PATH)] = Field(
        description="The folder to run in: absolute, and there on the node."
    )
    environment: Environment = Field(
        default_factory=dict[str, str], description="Kept apart from the job; its owner alone can read it."
    )
    gpus: int = Field(1, ge=1, le=MOST_GPUS)
    priority: int = Field(
        0, ge=-MOST_PRIORITY, le=MOST_PRIORITY, description="Higher runs first. Above 0: operators alone."
    )
    name: Line = Field("", description="For showing; the last part of the command's first word if empty.")
    time_limit: float | None = Field(None, gt=0, le=MOST_SECONDS, description="Seconds of running.")
    gpu_model: Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=100)] | None = (
        Field(None, description="A part of the model's name; case does not matter.")
    )
    gpu_memory_bytes: int | None = Field(None, ge=1, le=MOST_BYTES, description="At least, on each GPU.")
    node: Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=253)] | None = Field(
        None, description="Only on the node of this name."
    )
    if_lost: Literal["requeue", "keep", "fence"] = Field(
        "requeue", description="What to do when its node goes silent."
    )
    grace: float = Field(30.0, ge=0, le=MOST_GRACE, description="Seconds from SIGTERM to SIGKILL.")
    umask: int = Field(0o022, ge=0, le=0o777)
    limits: dict[LIMITS, Annotated[int, Field(ge=0, le=MOST_LIMIT)]] = Field(
        default_factory=dict[LIMITS, int], description="rlimits by name, as in prlimit(1)."
    )
    pty: bool = Field(False, description="On a terminal of its own.")

    def spec(self) -> JobSpec:
        """As a noun of the core. The name is never empty where the command has one."""
        return JobSpec(
            command=tuple(self.command),
            cwd=self.cwd,
            gpus=self.gpus,
            priority=self.priority,
            name=self.name or _name_of(self.command[0]),
            time_limit=self.time_limit,
            gpu_model=self.gpu_model,
            gpu_memory_bytes=self.gpu_memory_bytes,
            node=self.node,
            if_lost=IfLost(self.if_lost),
            grace=self.grace,
            umask=self.umask,
            limits={**self.limits},
            pty=self.pty,
        )


def _name_of(program: str) -> str:
    last = program.rstrip("/").rpartition("/")[2]
    return last[:LONGEST_NAME] if last.isprintable() else ""


class Nothing(Request):
    """An object without fields."""


class WhyRequest(Request):
    """Why something is asked for, for whoever wonders later."""

    why: Line = ""


class NeededWhyRequest(Request):
    """The same where it has to be said."""

    why: Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=LONGEST_NAME)]


class LoginRequest(Request):
    """A user's name and password."""

    user: Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=100)]
    password: Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=1024)] = Field(
        json_schema_extra={"format": "password"}
    )


class TokenRequest(Request):
    """A token to make. `expires_in` is seconds; null is for ever, and for admins alone."""

    label: Line = ""
    kind: Literal["api", "join"] = "api"
    expires_in: float | None = Field(
        None, ge=LEAST_LIFE, le=MOST_SECONDS, description="Left out: 90 days, for a join token 24 hours."
    )
    owner: UserName | None = Field(None, description="Somebody else; for admins alone.")


RoleName = Literal["viewer", "member", "operator", "admin"]


class UserRequest(Request):
    """A user to add. Without a password they use tokens that an admin makes."""

    name: UserName
    role: RoleName
    password: Password | None = Field(None, json_schema_extra={"format": "password"})

    def as_role(self) -> Role:
        return Role(self.role)


def _without_default(schema: dict[str, Any]) -> None:
    """What is left out stays as it is; it does not become the default."""
    schema.pop("default", None)


class UserChange(Request):
    """What is to be other about a user. `password` null: no log-in by password any more."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    role: RoleName = Field("viewer", json_schema_extra=_without_default)
    disabled: bool = Field(False, json_schema_extra=_without_default)
    password: Password | None = Field(None, json_schema_extra=_without_default)

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("name at least one of role, disabled and password")
        return self
