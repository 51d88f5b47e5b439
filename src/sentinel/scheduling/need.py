"""What a job needs of a node. Pure. Jobs that need the same are placed, and explained, as one."""

from dataclasses import dataclass, field
from functools import lru_cache

from sentinel.core.job import WHOLE, JobSpec
from sentinel.core.node import Node, NodeGpu, Sharing
from sentinel.core.units import show_size


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """`gpus` on each of `nodes` nodes. `models`: parts of models' names, in lower case, the one liked best
    first. `host_memory` is the machine's, `memory_bytes` each GPU's. `node` is a node's name. None, ():
    any."""

    gpus: int
    nodes: int = 1
    milli: int = WHOLE
    models: tuple[str, ...] = ()
    memory_bytes: int | None = None
    cpus: int | None = None
    host_memory: int | None = None
    node: str | None = None
    hashed: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Worked out once: needs are looked up a hundred times as often as they are made.
        of = (self.gpus, self.nodes, self.milli, self.models, self.memory_bytes)
        object.__setattr__(self, "hashed", hash((of, self.cpus, self.host_memory, self.node)))

    def __hash__(self) -> int:
        return self.hashed

    @property
    def shared(self) -> bool:
        """Whether it is content with a part of one GPU."""
        return self.milli < WHOLE

    @property
    def total_milli(self) -> int:
        """Thousandths of GPUs on all its nodes."""
        return self.gpus * self.milli * self.nodes

    def liking(self, gpu: NodeGpu) -> int | None:
        """Which of `models` it is; None when it does not suit. What is unknown of a GPU does not suit, where
        it matters."""
        return _liking(self.models, self.memory_bytes, gpu.model, gpu.memory_total_bytes)

    def suits(self, gpu: NodeGpu) -> bool:
        """Whether `gpu` is of the right kind."""
        return self.liking(gpu) is not None

    def could_run_on(self, node: Node) -> bool:
        """Whether the machine is big enough for one of its parts, whatever is on it and however it fares."""
        if node.gpus is None or (self.node is not None and self.node != node.name):
            return False
        if self.shared and node.sharing is Sharing.NO:
            return False
        if self.cpus is not None and (node.cpus is None or node.cpus < self.cpus):
            return False
        if self.host_memory is not None and (
            node.memory_bytes is None or node.memory_bytes < self.host_memory
        ):
            return False
        return len(node.gpus) >= self.gpus and sum(map(self.suits, node.gpus)) >= self.gpus

    def __str__(self) -> str:
        kind = f" {' or '.join(model.upper() for model in self.models)}" if self.models else ""
        memory = f" with {show_size(self.memory_bytes)}" if self.memory_bytes is not None else ""
        if self.shared:
            return f"{self.milli / WHOLE:g} of a{kind} GPU{memory}"
        on = f" on each of {self.nodes} nodes" if self.nodes > 1 else ""
        host = [f"{self.cpus} CPUs"] if self.cpus is not None else []
        host += [f"{show_size(self.host_memory)} of memory"] if self.host_memory is not None else []
        beside = "".join(f", {what}" for what in host)
        return f"{self.gpus}{kind} GPU{'' if self.gpus == 1 else 's'}{memory}{beside}{on}"


@lru_cache(maxsize=65536)
def _liking(
    models: tuple[str, ...], at_least: int | None, model: str | None, memory: int | None
) -> int | None:
    if at_least is not None and (memory is None or memory < at_least):
        return None
    if not models:
        return 0
    name = "" if model is None else model.lower()
    return next((at for at, part in enumerate(models) if part in name), None)


@lru_cache(maxsize=8192)
def _need(
    gpus: int,
    nodes: int,
    milli: int,
    model: str | None,
    memory: int | None,
    cpus: int | None,
    host: int | None,
    node: str | None,
) -> Need:
    parts = (part.strip().lower() for part in (model or "").split(","))
    return Need(
        gpus=gpus,
        nodes=nodes,
        milli=milli,
        models=tuple(part for part in parts if part),
        memory_bytes=memory,
        cpus=cpus,
        host_memory=host,
        node=node,
    )


def need_of(spec: JobSpec) -> Need:
    """What `spec` asks for. Equal needs are one object, mostly."""
    return _need(
        spec.gpus,
        spec.nodes,
        spec.gpu_milli,
        spec.gpu_model,
        spec.gpu_memory_bytes,
        spec.cpus,
        spec.memory_bytes,
        spec.node,
    )
