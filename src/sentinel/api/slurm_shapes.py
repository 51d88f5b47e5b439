"""What is said of a Slurm cluster looks like, for /openapi.json alone; as in api.described."""

from sentinel.api.described import Shape


class SlurmGpuShape(Shape):
    """GPUs of a type, which is empty where Slurm was told none. `down`: free, but on a node to which no jobs
    may come. null: Slurm did not say."""

    type: str
    total: int
    allocated: int | None
    idle: int | None
    down: int | None


class SlurmQueueShape(Shape):
    """Jobs by state; a task of an array is one. Arrays whose tasks Slurm did not list are in no sum."""

    by_state: dict[str, int]
    by_user: dict[str, dict[str, int]]
    by_account: dict[str, dict[str, int]]
    uncounted_arrays: int


class SlurmShape(Shape):
    """What a Slurm cluster said last. `stale`: too long ago to be shown, so all of it is null. `age`: seconds
    since then. A part that Slurm did not answer is null; `error` says why."""

    cluster: str | None
    version: str | None
    at: str | None
    age: float | None
    stale: bool
    source: str | None
    error: str | None
    nodes: dict[str, int] | None
    cpus: dict[str, int] | None
    gpus: list[SlurmGpuShape] | None
    queue: SlurmQueueShape | None
    scheduler: dict[str, float | None] | None
