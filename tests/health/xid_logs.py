"""Lines of kernel logs for the tests of Xids, and how to ask for what was found in them."""

from collections.abc import Iterable, Mapping

from sentinel.core.finding import Bad, Finding, GpuRef, Unsure, Verdict
from sentinel.health.kernel_log import records
from sentinel.health.xid import findings

NODE = {
    f"00000000:{bus:02X}:00.0": GpuRef(
        uuid=f"GPU-{bus}", index=bus - 1, pci_bus_id=f"00000000:{bus:02X}:00.0"
    )
    for bus in (1, 2, 3, 4)
}


def line(code: int, *, at: float | None = None, bus: int = 1, detail: str = "", who: str = "") -> str:
    stamp = "" if at is None else f"[{at:12.6f}] "
    return f"{stamp}NVRM: Xid (PCI:0000:{bus:02x}:00): {code}{who}{detail}"


def who(pid: int, program: str = "python") -> str:
    return f", pid={pid}, name={program}"


def found(lines: Iterable[str], gpus: Mapping[str, GpuRef] | None = None) -> dict[tuple[str, str], Finding]:
    """(code, GPU's name) → finding."""
    return by_key(findings(records(lines), gpus=gpus))


def by_key(verdict: Verdict) -> dict[tuple[str, str], Finding]:
    every = verdict.findings if isinstance(verdict, Bad | Unsure) else ()
    keyed = {(one.code, one.gpu.name if one.gpu else "node"): one for one in every}
    assert len(keyed) == len(every), "one finding a code and GPU"
    return keyed


def only(*lines: str, gpus: Mapping[str, GpuRef] | None = None) -> Finding:
    (one,) = found(lines, gpus).values()
    return one
