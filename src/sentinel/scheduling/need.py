"""What a job needs of a node. Pure. Jobs that need the same are placed, and explained, as one."""

from dataclasses import dataclass

from sentinel.core.job import JobSpec
from sentinel.core.node import Node, NodeGpu
from sentinel.core.units import show_size


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """`model` is a part of the GPUs' model, in lower case; `node` a node's name. None: any."""

    gpus: int
    model: str | None = None
    memory_bytes: int | None = None
    node: str | None = None

    def suits(self, gpu: NodeGpu) -> bool:
        """Whether `gpu` is of the right kind. What is unknown of it does not suit, where it matters."""
        if self.model is not None and (gpu.model is None or self.model not in gpu.model.lower()):
            return False
        if self.memory_bytes is None:
            return True
        return gpu.memory_total_bytes is not None and gpu.memory_total_bytes >= self.memory_bytes

    def could_run_on(self, node: Node) -> bool:
        """Whether the machine is big enough, whatever is on it now and however it fares."""
        if node.gpus is None or (self.node is not None and self.node != node.name):
            return False
        return len(node.gpus) >= self.gpus and sum(map(self.suits, node.gpus)) >= self.gpus

    def __str__(self) -> str:
        kind = f" {self.model.upper()}" if self.model is not None else ""
        memory = f" with {show_size(self.memory_bytes)}" if self.memory_bytes is not None else ""
        return f"{self.gpus}{kind} GPU{'' if self.gpus == 1 else 's'}{memory}"


def need_of(spec: JobSpec) -> Need:
    """What `spec` asks for."""
    return Need(
        gpus=spec.gpus,
        model=spec.gpu_model.lower() if spec.gpu_model else None,
        memory_bytes=spec.gpu_memory_bytes,
        node=spec.node,
    )
