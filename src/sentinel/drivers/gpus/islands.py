"""From pairs of GPUs that reach each other by NVLink to islands of them, and a GPU's NUMA node from sysfs.

Called by the drivers that tell how GPUs are wired.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from sentinel.core.pci import pci_address

SYSFS = Path("/sys")


def islands(pairs: Iterable[tuple[int, int]]) -> Mapping[int, int]:
    """Index → island, which has the least index in it for a number. Who is in no pair is in no island."""
    root: dict[int, int] = {}

    def top(one: int) -> int:
        while root.setdefault(one, one) != one:
            one = root[one]
        return one

    for a, b in pairs:
        if a != b:
            low, high = sorted((top(a), top(b)))
            root[high] = low
    return {one: top(one) for one in list(root)}


def numa_node(address: str | None, sysfs: Path = SYSFS) -> int | None:
    """Of the card at that PCI address. None too where the firmware does not say (-1)."""
    known = None if address is None else pci_address(address)
    if known is None:
        return None
    domain, rest = known[:8], known[8:].lower()
    name = f"{int(domain, 16):04x}{rest}"  # as the kernel writes it
    try:
        node = int((sysfs / "bus/pci/devices" / name / "numa_node").read_text())
    except (OSError, ValueError):
        return None
    return node if node >= 0 else None
