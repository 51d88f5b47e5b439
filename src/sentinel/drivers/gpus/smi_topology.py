"""How GPUs are wired, from `nvidia-smi topo -m`. Opened by `topology`; the parser is pure.

A table of cells between tabs (of old versions: spaces), its first line underlined by terminal escapes:

            GPU0    GPU1    NIC0    CPU Affinity    NUMA Affinity
    GPU0     X      NV12    PXB     0-31,64-95      0
    GPU1    NV12     X      PXB     0-31,64-95      0

NV# is that many NVLinks, whether to the other card or to a switch between them.
"""

import re
from collections.abc import Mapping, Sequence

from sentinel.core.errors import GpuReadError
from sentinel.core.gpu import Gpu
from sentinel.drivers.gpus.islands import islands
from sentinel.drivers.gpus.smi_command import SmiCommand, find_executable
from sentinel.ports.gpu_topology import GpuPlace

_ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_CARD = re.compile(r"GPU(\d{1,4})")
_NVLINKS = re.compile(r"NV[1-9]\d*")
_NUMA = "NUMA Affinity"


class SmiTopology:
    """Implements ports.gpu_topology.GpuTopologySource over the `nvidia-smi` executable."""

    def __init__(self, executable: str | None = None, *, timeout: float = 30.0) -> None:
        """Raises GpuReadError when there is no `nvidia-smi`. `timeout` is in seconds."""
        found = executable or find_executable()
        if found is None:
            raise GpuReadError("nvidia-smi is not on PATH; install the NVIDIA driver with its tools")
        self._command = SmiCommand(found, timeout)

    def places(self, gpus: Sequence[Gpu]) -> Mapping[str, GpuPlace]:
        answer = self._command.run("topo", "-m")
        found = parse_topology(answer.out)
        if not found and gpus:
            said = next((line.strip() for line in answer.said.split("\n") if line.strip()), "nothing")
            raise GpuReadError(f"nvidia-smi topo -m shows no GPU; it says: {said[:200]}")
        return {gpu.uuid: found[gpu.index] for gpu in gpus if gpu.index in found}


def parse_topology(said: str) -> Mapping[int, GpuPlace]:
    """The places in the table, by the card's index. What is no such table has none."""
    rows = [_cells(line) for line in _ESCAPE.sub("", said).split("\n")]
    head = next((row for row in rows if any(_CARD.fullmatch(cell) for cell in row[:1])), None)
    if head is None:
        return {}
    columns = {at: int(match[1]) for at, cell in enumerate(head) if (match := _CARD.fullmatch(cell))}
    numa_at = head.index(_NUMA) if _NUMA in head else None
    pairs: list[tuple[int, int]] = []
    numa: dict[int, int | None] = {}
    for row in rows[rows.index(head) + 1 :]:
        match = _CARD.fullmatch(row[0]) if row else None
        if match is None:
            continue
        card, cells = int(match[1]), row[1:]
        pairs += [
            (card, other)
            for at, other in columns.items()
            if at < len(cells) and _NVLINKS.fullmatch(cells[at])
        ]
        numa[card] = _whole(cells[numa_at]) if numa_at is not None and numa_at < len(cells) else None
    found = islands(pairs)
    return {card: GpuPlace(island=found.get(card), numa=node) for card, node in numa.items()}


def _cells(line: str) -> list[str]:
    """The head has an empty first cell, which is dropped: its columns are counted from the first card's."""
    cells = line.rstrip().split("\t") if "\t" in line else re.split(r" {2,}", line.strip())
    cells = [cell.strip() for cell in cells]
    return cells[1:] if cells and not cells[0] else cells


def _whole(text: str) -> int | None:
    """ "N/A" is unknown, and so is a card between several nodes ("0-1")."""
    return int(text) if text.isascii() and text.isdigit() else None
