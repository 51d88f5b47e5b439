"""What of the cards the queue gives out: a card, or each of its MIG devices, never both. Pure.

Called by `node_watch`. A card in MIG mode runs nothing but what is on its MIG devices, and CUDA gives a
process one of those: so each is a GPU of its own, called by its own UUID. The card keeps it within its part
of the memory and of the cores.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sentinel.core.gpu import Gpu, GpuProcess, MigDevice, unnamed
from sentinel.core.gpu_json import runs_on


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueGpu:
    """`gpu` as the queue gives it out, `card` the UUID of the card that it is or is on. `part`: of one in MIG
    mode."""

    gpu: Gpu
    card: str
    part: bool = False


def queue_gpus(cards: Iterable[Gpu]) -> list[QueueGpu]:
    """Of a card in MIG mode its devices, of which there may be none."""
    found: list[QueueGpu] = []
    for card in cards:
        if card.mig_enabled:
            found += [
                QueueGpu(gpu=_part(card, device), card=card.uuid, part=True) for device in card.mig_devices
            ]
        else:
            found.append(QueueGpu(gpu=card, card=card.uuid))
    return found


def _part(card: Gpu, device: MigDevice) -> Gpu:
    """The index is the card's: it says where the device is."""
    return Gpu(
        index=card.index,
        uuid=device.uuid or unnamed(f"{card.uuid}/{device.index}"),
        name=_name(card.name, device.name),
        pci_bus_id=card.pci_bus_id,
        memory_total_bytes=device.memory_total_bytes,
        memory_used_bytes=device.memory_used_bytes,
        temperature_celsius=card.temperature_celsius,
        processes=None
        if card.processes is None
        else tuple(one for one in card.processes if _may_be_on(one, device, card)),
        error=card.error,
    )


def _may_be_on(process: GpuProcess, device: MigDevice, card: Gpu) -> bool:
    """One of which the driver does not say where it is may be on any."""
    return runs_on(process, device) or not any(runs_on(process, one) for one in card.mig_devices)


def _name(card: str | None, device: str | None) -> str | None:
    """Some drivers call the device by its card's name and its profile, others by the profile alone."""
    if card is None or device is None or device.startswith(card):
        return device or card
    return f"{card} {device}"
