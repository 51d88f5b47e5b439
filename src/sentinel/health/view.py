"""What a round of health sees: the sensors now and lately, the inventory, the node, the kernel's log.

Made by whoever runs rounds (the agent; `sentinel health`, also from a file); components only read it.
None is "not available", and a component without its input is unsure, never ok.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sentinel.core.finding import Bad, GpuRef, Ok, Unsure, Verdict
from sentinel.core.gpu import Gpu, GpuReading
from sentinel.core.inventory import Inventory
from sentinel.ports.node_pressure import NodePressure


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One card as an earlier reading had it, at epoch seconds."""

    at: float
    gpu: Gpu


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthView:
    """`now` is the time of `reading`, in epoch seconds; a file's reading is taken as of now.

    `reading` is text when the cards could not be read at all: the GpuReadError's message. `earlier` (see
    `health.history`) has for each UUID what it was before, oldest first; without it nothing is said about
    growth. `known` are the cards that were here earlier in this boot: one that is not listed now is lost.
    """

    now: float
    reading: GpuReading | str | None = None
    earlier: Mapping[str, tuple[Seen, ...]] = field(default_factory=dict[str, tuple[Seen, ...]])
    known: tuple[GpuRef, ...] = ()
    inventory: Inventory | None = None
    pressure: NodePressure | None = None
    kernel_findings: Verdict | None = None  # `together` of the xid and sxid components'

    @property
    def gpus(self) -> tuple[Gpu, ...] | None:
        """The cards; None when they could not be read."""
        return self.reading.gpus if isinstance(self.reading, GpuReading) else None

    @property
    def unread(self) -> str:
        """Why there are no cards to look at."""
        return f"the GPUs could not be read: {self.reading}" if self.reading else "the GPUs were not read"


def ref(gpu: Gpu) -> GpuRef:
    """What to call `gpu` in a finding."""
    return GpuRef(uuid=gpu.uuid if gpu.named else None, index=gpu.index, pci_bus_id=gpu.pci_bus_id)


def together(*verdicts: Verdict) -> Verdict:
    """One verdict of several: what each found, and unsure where one is."""
    findings = tuple(one for verdict in verdicts if not isinstance(verdict, Ok) for one in verdict.findings)
    unsure = [verdict for verdict in verdicts if isinstance(verdict, Unsure)]
    if unsure:
        return Unsure("; ".join(dict.fromkeys(verdict.why for verdict in unsure)), findings)
    return Bad(findings) if findings else Ok()
