"""What `nvidia-smi` says in prose: that it cannot work at all, or that one card does not answer.

Called by the `smi` driver. The sentences are the same on stdout and stderr, and the exit status is 0 in
some driver versions when a card is lost, so the words decide.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sentinel.core.gpu import Gpu, unnamed
from sentinel.drivers.gpus.listing import pci_address

# "GPU 0000:02:00.0: …", "GPU0000:02:00.0: …", "GPU3: 0000:5F:00.0: …" and "GPU2: …" all occur.
_NO_HANDLE = re.compile(
    r"Unable to determine the device handle for (?:GPU|device)\s*"
    r"(?:(?P<index>\d{1,3}):\s+)?(?P<bus>[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-9a-f])?:?\s*(?P<why>.*)",
    re.IGNORECASE,
)
_PROSE = re.compile(
    r"\s*(?:WARNING|ERROR|Unable to |NVIDIA-SMI |Failed to |No devices|Field \"|Error\b|Invalid |"
    r"No running (?:compute )?processes|==|\+-|\|)",
    re.IGNORECASE,
)
_INVALID_FIELD = re.compile(r"Field \"([^\"]+)\" is not a valid field to query")

# Part of the message → what it means and what to do. The first that fits is told.
_ADVICE = (
    (
        "Driver/library version mismatch",
        "the NVIDIA driver was upgraded but its old kernel module is still loaded (Driver/library version "
        "mismatch): reboot, or stop everything on the GPUs and reload the nvidia modules",
    ),
    (
        "couldn't communicate with the NVIDIA driver",
        "nvidia-smi cannot reach the NVIDIA driver: see whether the module is loaded (lsmod | grep nvidia) "
        "and why not (dmesg | grep -i nvrm)",
    ),
    (
        "Driver Not Loaded",
        "the NVIDIA kernel module is not loaded: modprobe nvidia, and see dmesg | grep -i nvrm if that fails",
    ),
    (
        "No devices were found",
        "the NVIDIA driver is loaded but finds no GPU: see lspci | grep -i nvidia and dmesg | grep -i nvrm",
    ),
    (
        "GPU is lost",
        "a GPU has fallen off the bus (GPU is lost): see dmesg | grep -i xid; a reboot may get it back",
    ),
    (
        "Insufficient Permissions",
        "this user may not open the NVIDIA devices (Insufficient Permissions): see ls -l /dev/nvidia*",
    ),
    (
        "Failed to initialize NVML: Unknown Error",
        "nvidia-smi cannot open the NVIDIA devices (Failed to initialize NVML: Unknown Error); "
        "in a container that has lost its devices, restart the container",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreachable:
    """A card that gave no handle. Either or both of `index` and `pci_bus_id` are known."""

    index: int | None
    pci_bus_id: str | None
    why: str


def is_prose(line: str) -> bool:
    """Whether `line` is a sentence or a ruler rather than a row of values."""
    return not line.strip() or _PROSE.match(line) is not None


def unreachable(lines: Iterable[str]) -> tuple[Unreachable, ...]:
    """The cards that `nvidia-smi` says it got no handle for."""
    return tuple(
        Unreachable(
            index=int(match["index"]) if match["index"] else None,
            pci_bus_id=pci_address(match["bus"]) if match["bus"] else None,
            why=match["why"].strip() or "no device handle",
        )
        for line in lines
        if (match := _NO_HANDLE.search(line))
    )


def invalid_field(said: str) -> str | None:
    """The field that this `nvidia-smi` does not know, when it refused the query because of it."""
    match = _INVALID_FIELD.search(said)
    return match[1] if match else None


def advice(said: str, code: int) -> str:
    """One line for people: what is wrong and what to do, from what `nvidia-smi` said on its way out."""
    for words, meaning in _ADVICE:
        if words.lower() in said.lower():
            return meaning
    words = " ".join(said.split())
    return f"nvidia-smi failed (exit {code}): {words[:300] or 'it said nothing'}"


def in_their_places(
    gpus: tuple[Gpu, ...], silent: tuple[Unreachable, ...], known: Mapping[int, Gpu]
) -> tuple[Gpu, ...]:
    """`gpus`, numbered without a gap so far, with the indices that the driver has for them.

    Taken from what is `known` by UUID, else by leaving out the places of those that are `silent`: the
    driver numbers cards by PCI address.
    """
    places = {gpu.uuid: index for index, gpu in known.items()}
    if all(gpu.uuid in places for gpu in gpus):
        return tuple(replace(gpu, index=places[gpu.uuid]) for gpu in gpus)
    addresses = sorted(one.pci_bus_id for one in (*gpus, *silent) if one.pci_bus_id)
    taken = {
        addresses.index(one.pci_bus_id) if one.index is None and one.pci_bus_id else one.index
        for one in silent
    }
    free = (index for index in range(len(gpus) + len(silent)) if index not in taken)
    return tuple(replace(gpu, index=next(free)) for gpu in gpus)


def with_missing(
    gpus: tuple[Gpu, ...], count: int | None, silent: tuple[Unreachable, ...], known: Mapping[int, Gpu]
) -> tuple[Gpu, ...]:
    """`gpus` and, in their places, the cards of the `count` that did not answer; `known` names them.

    A lost card is left out of the listing, often without an error, and must not look like no card.
    """
    listed = {gpu.index for gpu in gpus}
    places = {one.index: one for one in silent if one.index is not None}
    by_address = {known[index].pci_bus_id: index for index in known}
    for one in silent:
        if one.index is None and one.pci_bus_id in by_address:
            places[by_address[one.pci_bus_id]] = one
    total = max(count or 0, len(listed) + len(silent), *(index + 1 for index in places), 0)
    gaps = [index for index in range(total) if index not in listed]
    rest = [one for one in silent if one not in places.values()]
    for index in gaps:
        if index not in places and rest:
            places[index] = rest.pop(0)
    lost = [_lost(index, places.get(index), known.get(index)) for index in gaps]
    return tuple(sorted((*gpus, *lost), key=lambda gpu: gpu.index))


def _lost(index: int, said: Unreachable | None, known: Gpu | None) -> Gpu:
    why = said.why if said else "nvidia-smi left it out of its listing"
    address = said.pci_bus_id if said else None
    if known is None:
        return Gpu(index=index, uuid=unnamed(address or index), pci_bus_id=address, error=why)
    return replace(known, pci_bus_id=address or known.pci_bus_id, error=why)
