"""What answers look like, for /openapi.json alone: no answer is checked against these while serving.

Tests check that what is served fits them. Fields are explained in the modules that make the JSON.
"""

from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

T = TypeVar("T")
_TEXT = {"type": "string"}
ONE_EVENT = {
    "type": "object",
    "properties": {"id": _TEXT, "event": _TEXT, "data": _TEXT},
    "required": ["id", "event", "data"],
}
"""The schema of one event of a stream of server-sent ones."""


class Shape(BaseModel):
    """An object with these fields; fields are only ever added."""

    model_config = ConfigDict(extra="allow")


class WrongField(Shape):
    """A field that was refused, and why."""

    field: str
    message: str


class ProblemShape(Shape):
    """A refusal: application/problem+json (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    hint: str
    errors: list[WrongField] = []


class PageShape(Shape, Generic[T]):
    """Part of a list; `next` is the `after` of the part that follows, null at the end."""

    items: list[T]
    next: str | None


class CancelShape(Shape):
    """Who asked a job to end."""

    by: str
    at: str
    why: str


class SpecShape(Shape):
    """What was asked for."""

    command: list[str]
    cwd: str
    gpus: int
    nodes: int
    gpu_milli: int
    priority: int
    name: str
    time_limit: float | None
    gpu_model: str | None
    gpu_memory_bytes: int | None
    cpus: int | None
    memory_bytes: int | None
    node: str | None
    preemptible: bool
    checkpoint: list[str]
    stop_signal: str
    retries: int
    retry_codes: list[int]
    singleton: bool
    image: str | None
    engine: Literal["docker", "podman"] | None
    mounts: list[str]
    setup: list[str]
    if_lost: Literal["requeue", "keep", "fence"]
    grace: float
    umask: int
    limits: dict[str, int]
    pty: bool
    notify: list[str]


StateName = Literal["QUEUED", "ALLOCATED", "STARTING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELED", "LOST"]


class AfterShape(Shape):
    """A job that is waited for."""

    job: str
    kind: Literal["ok", "any", "notok"]


class ArrayTaskShape(Shape):
    """Which task of an array a job is. `limit`: how many of them hold GPUs at once; null: any."""

    id: str
    index: int
    size: int
    limit: int | None


class RankShape(Shape):
    """Which part of a gang a job is."""

    of: str
    rank: int
    size: int


class PartShape(Shape):
    """A part of a gang's present attempt."""

    id: str
    rank: int
    node: str | None
    state: StateName
    exit_code: int | None


class JobShape(Shape):
    """A job. Times are RFC 3339 UTC; null is unknown or not yet."""

    id: str
    owner: str
    tenant: str
    name: str
    state: StateName
    reason: str
    attempt: int
    node: str | None
    gpus: list[str]
    exit_code: int | None
    signal: int | None
    cancel: CancelShape | None
    submitted_at: str
    started_at: str | None
    ended_at: str | None
    account: str | None
    after: list[AfterShape]
    array: ArrayTaskShape | None
    part: RankShape | None
    preempt: CancelShape | None
    preemptions: int
    failures: int
    spec: SpecShape


class OneJobShape(JobShape):
    """The same; that of a gang has its `parts`."""

    parts: list[PartShape] = []


class ArraySizeShape(Shape):
    """How many tasks an array has, and how many of them hold GPUs at once; null: any."""

    id: str
    size: int
    limit: int | None


class ArrayShape(Shape):
    """An array. `states`: how many of its tasks are in each state; without those that none is in."""

    id: str
    array: ArraySizeShape
    name: str
    owner: str
    submitted_at: str
    states: dict[StateName, int]


class NewArrayShape(Shape):
    """An array that was submitted, with the ids of its tasks."""

    id: str
    array: ArraySizeShape
    jobs: list[str]


class AskedArrayShape(Shape):
    """An array whose tasks were asked to end, with the ids of those."""

    id: str
    jobs: list[str]


class ChangeShape(Shape):
    """Something about a job that could be other, and what would come of it."""

    change: dict[str, Any]
    says: str


class WhyShape(Shape):
    """Why a job is in its state. `estimated_start` null: it cannot be told; `basis` says from what it is."""

    id: str
    state: str
    blocking: str
    reason: str
    held_by: list[dict[str, Any]]
    ahead: int
    estimated_start: str | None
    basis: str
    would_start_now_if: list[ChangeShape]


class BlockShape(Shape):
    """Why a GPU is not placed on."""

    kind: str
    why: str


class NodeGpuShape(Shape):
    """A GPU of a node."""

    uuid: str
    index: int
    model: str | None
    memory_total_bytes: int | None
    island: int | None
    numa: int | None
    blocked: BlockShape | None


class GpuShape(NodeGpuShape):
    """The same with its node's name and the job that holds it."""

    node: str
    job: str | None


class NodeShape(Shape):
    """A node. `gpus` null: unknown. `samples` null: older than 30 seconds."""

    id: str
    name: str
    tenant: str
    state: Literal["up", "silent", "dead"]
    drained: CancelShape | None
    boot_id: str
    agent_version: str
    joined_at: str
    last_seen_at: str | None
    gpus: list[NodeGpuShape] | None
    address: str
    cpus: int | None
    memory_bytes: int | None
    sharing: Literal["mps", "unenforced", "no"]
    samples: list[dict[str, Any]] | None
    jobs: list[str]
    strays: list[dict[str, Any]]


class SteppingAsideShape(Shape):
    """A service that steps aside when somebody asks for its GPUs. `how`: the way it does."""

    name: str
    state: Literal["running", "pausing", "paused", "resuming", "failed", "stopped", "unknown"]
    how: str | None
    why: str
    since: str | None
    gpus: list[str]
    freed_bytes: int | None


class ArbiterLeaseShape(Shape):
    """Who has GPUs by the node's arbiter. `job`: the queue's, where a job of ours asked."""

    id: str
    user: str
    gpus: list[str]
    since: str | None
    command: str
    job: str | None


class ArbiterRequestShape(Shape):
    """Who waits at the node's arbiter."""

    user: str
    why: str
    since: str | None
    command: str
    job: str | None


class ArbiterHoldShape(Shape):
    """An admin keeps the services of a node off its GPUs."""

    by: str
    why: str
    since: str | None


class NodeArbiterShape(Shape):
    """What a node's arbiter says. `none`: there is none; `silent`: it does not answer."""

    node: str
    standing: Literal["answers", "silent", "none", "unknown"]
    why: str
    services: list[SteppingAsideShape]
    leases: list[ArbiterLeaseShape]
    waiting: list[ArbiterRequestShape]
    hold: ArbiterHoldShape | None


class LeaseShape(Shape):
    """GPUs reserved for one attempt of a job."""

    job: str
    attempt: int
    node: str
    gpus: list[str]
    owner: str
    tenant: str
    taken_at: str


class WorkloadShape(Shape):
    """What a node sees on its GPUs, managed or not."""

    node: str
    tenant: str


class EventShape(Shape):
    """A fact."""

    id: int
    time: str
    type: str
    source: str
    subject: str
    owner: str | None
    tenant: str
    data: dict[str, Any]


class TokenShape(Shape):
    """A token, without its secret."""

    id: str
    kind: Literal["api", "session", "join"]
    owner: str
    label: str
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    last_used_at: str | None


class NewTokenShape(TokenShape):
    """The same with the secret, which is shown this once."""

    token: str


class NewCodeShape(Shape):
    """A code to log in with, which is shown this once; as whom; until when."""

    code: str
    user: str
    expires_at: str


class UserShape(Shape):
    """A user."""

    name: str
    role: Literal["viewer", "member", "operator", "admin", "system"]
    group: str | None
    tenant: str
    created_at: str
    disabled: bool
    has_password: bool


class LoginShape(Shape):
    """A session."""

    token: str
    expires_at: str
    user: str
    role: str


class WhoamiShape(Shape):
    """Who is asking, and what they may."""

    user: str
    role: str
    tenant: str
    token_id: str | None
    may: list[str]


class VersionShape(Shape):
    """What answers."""

    version: str
    api: str


class HealthShape(Shape):
    """That it answers, and whether jobs are held after a restore."""

    status: Literal["ok"]


class CaShape(Shape):
    """The certificate authority that signed this server's certificate, as PEM."""

    ca: str


class HoldShape(Shape):
    """Whether jobs are held after a restore."""

    held: bool


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """`responses` of a route: these refusals beside those that every route may give."""
    media = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemShape"}}}
    return {
        status: {"description": _SAID[status], "content": media}
        for status in sorted({*statuses, 413, 422, 500, 503})
    }


def answers(
    shape: Any, *refusals: int, status: int = 200, headers: tuple[str, ...] = (), public: bool = False
) -> dict[int | str, dict[str, Any]]:
    """`responses` of a route that answers with `shape`."""
    found: dict[str, Any] = {"description": "Done", "model": shape}
    if headers:
        found["headers"] = {name: {"schema": {"type": "string"}} for name in headers}
    return {status: found, **problems(*refusals, *(() if public else (401, 403)))}


_SAID = {
    400: "The request cannot be read",
    401: "No token, or one that is not valid",
    403: "The asker may not do that",
    404: "There is no such thing, or it is somebody else's",
    409: "It contradicts what is there",
    413: "The body is too big",
    416: "There is less than that",
    422: "A field or a parameter is wrong; `errors` says which",
    429: "Too many attempts",
    500: "A defect of the controller",
    502: "Whoever had to do it did not; `detail` says why",
    503: "The store cannot be reached; ask again",
}
