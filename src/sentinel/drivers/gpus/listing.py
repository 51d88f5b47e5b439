"""What the drivers of this family share: the kind of a process from its letters, one entry a process.

Called by the `smi` parsers and by `nvml`, whose lists overlap: a process with a compute and a graphics
context stands in both.
"""

from collections.abc import Iterable
from dataclasses import replace

from sentinel.core.gpu import GpuProcess, ProcessKind
from sentinel.core.pci import pci_address as pci_address  # where this family's drivers look for it

_KINDS = {
    frozenset("C"): ProcessKind.COMPUTE,
    frozenset("G"): ProcessKind.GRAPHICS,
    frozenset("CG"): ProcessKind.BOTH,
    frozenset("M"): ProcessKind.MPS,
    frozenset("CM"): ProcessKind.MPS,
    frozenset("GM"): ProcessKind.MPS,
    frozenset("CGM"): ProcessKind.MPS,
}
_LETTERS = {
    ProcessKind.COMPUTE: "C",
    ProcessKind.GRAPHICS: "G",
    ProcessKind.BOTH: "CG",
    ProcessKind.MPS: "M",
}


def kind_of(letters: str) -> ProcessKind:
    """The kind that `nvidia-smi` writes as "C", "G", "C+G", "M", "M+C"; anything else is UNKNOWN."""
    parts = frozenset(part.strip() for part in letters.upper().split("+"))
    return _KINDS.get(parts, ProcessKind.UNKNOWN)


def merged(entries: Iterable[GpuProcess]) -> tuple[GpuProcess, ...]:
    """One entry for each process on each MIG device, in order of first sight."""
    found: dict[tuple[int, int | None, int | None], GpuProcess] = {}
    for entry in entries:
        key = (entry.pid, entry.gpu_instance_id, entry.compute_instance_id)
        found[key] = _joined(found[key], entry) if key in found else entry
    return tuple(found.values())


def _joined(one: GpuProcess, other: GpuProcess) -> GpuProcess:
    # Each list gives the process's whole memory on the GPU, so the two are not added up.
    sizes = [size for size in (one.memory_bytes, other.memory_bytes) if size is not None]
    return replace(
        one,
        kind=_both(one.kind, other.kind),
        memory_bytes=max(sizes, default=None),
        name=one.name or other.name,
        mig_uuid=one.mig_uuid or other.mig_uuid,
    )


def _both(one: ProcessKind, other: ProcessKind) -> ProcessKind:
    if ProcessKind.UNKNOWN in (one, other):
        return ProcessKind.UNKNOWN
    return _KINDS[frozenset(_LETTERS[one] + _LETTERS[other])]
