"""GPU memory that is used while no process is listed. Listed in `components`.

Only a list that is known to be whole and empty counts: a container sees a part of it, a card in MIG mode
answers for its devices, and what cannot be read is unknown, not leaked.
"""

from collections.abc import Iterator

from sentinel.core.finding import Finding, Layer, Severity, Unsure, Verdict
from sentinel.core.gpu import Gpu
from sentinel.core.units import show_size
from sentinel.health.card import Card, each_card
from sentinel.health.condition import Condition
from sentinel.health.view import HealthView, ref

RESERVED_BYTES = 2**30
RESERVED_SHARE = 0.01
"""What the driver keeps for itself and some versions count as used: 0.3 to 0.9 GiB by model, more
with ECC."""

LASTING = 30.0
"""Seconds: after a process ends, the driver takes a moment to free what it held."""

LEAKED = Condition(
    component="memory",
    code="memory.leaked",
    severity=Severity.WARNING,
    layer=Layer.DRIVER,
    title="Memory used by nobody",
    about="GPU memory is in use although no process is listed on the card.",
    next_step="Look for what holds the card: sudo fuser -v /dev/nvidia*. End what is left over of a job; "
    "if nothing is, reset the GPU (nvidia-smi --gpu-reset -i {gpu}) or reboot.",
)
CONDITIONS = (LEAKED,)


def check(view: HealthView) -> Verdict:
    """Unsure where no card gives a whole list of processes, or this is read inside of a container."""
    sees_all = view.pressure.sees_host_processes if view.pressure else None
    suspects = tuple(gpu for gpu in view.gpus or () if _leaks(gpu))
    if sees_all is False and suspects:
        why = "inside a container or WSL the driver hides the host's processes; look from the host"
        return Unsure(why, gpus=tuple(ref(gpu) for gpu in suspects))
    return each_card(
        view,
        lambda card: _judge(card, sees_all),
        _tells,
        "no GPU here gives its processes and memory as a whole",
    )


def _tells(gpu: Gpu) -> bool:
    return gpu.memory_used_bytes is not None and gpu.processes is not None and not gpu.mig_enabled


def _leaks(gpu: Gpu) -> bool:
    reserved = max(RESERVED_BYTES, RESERVED_BYTES / 2 + RESERVED_SHARE * (gpu.memory_total_bytes or 0))
    return _tells(gpu) and gpu.processes == () and (gpu.memory_used_bytes or 0) > reserved


def _judge(card: Card, sees_all: bool | None) -> Iterator[Finding]:
    if not card.lasting(LASTING, _leaks):
        return
    used = show_size(card.gpu.memory_used_bytes)
    # Without knowing where it was read, it may have been in a container.
    unsure = "" if sees_all else ", unless they are hidden because this was read inside a container"
    yield card.found(
        LEAKED,
        f"{used} are in use and no process is there{unsure}",
        f"memory used: {used} of {show_size(card.gpu.memory_total_bytes)}",
        "processes: none",
        severity=None if sees_all else Severity.INFO,
    )
