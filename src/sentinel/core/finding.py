"""A finding: a diagnosed condition of a GPU or its node, with its cause, the evidence and the next step.

`health` makes them from deterministic rules; the CLI, events, metrics and the quarantine read them.

    {"id": "xid-79-GPU-…", "component": "xid", "severity": "critical", "layer": "hardware",
     "gpu": {"uuid": … | null, "index": … | null, "pci_bus_id": … | null} | null, "code": "79",
     "title": "…", "cause": "…", "evidence": [{"read": "…", "where": "…", "at": TIME | null}…],
     "next_step": "…", "quarantine": BOOL, "count": N, "first_at": TIME | null, "last_at": TIME | null}

A finding about the node has `gpu` null. TIME is RFC 3339 UTC; null is unknown.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sentinel.core.clock import rfc3339


class Severity(StrEnum):
    """INFO: good to know. WARNING: look at it soon. CRITICAL: work is lost or will be."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Layer(StrEnum):
    """Where the cause lies. Only what is HARDWARE, or DRIVER where only a reset helps, may take a GPU out."""

    APPLICATION = "application"
    DRIVER = "driver"
    HARDWARE = "hardware"
    NODE = "node"


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuRef:
    """Which GPU. What is not known is None: a kernel log knows the PCI address alone."""

    uuid: str | None = None
    index: int | None = None
    pci_bus_id: str | None = None  # as drivers.gpus.listing spells it: "00000000:01:00.0"

    @property
    def name(self) -> str:
        """The best name that is known."""
        return self.uuid or self.pci_bus_id or (f"GPU {self.index}" if self.index is not None else "unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What was read (a log line, a sensor's value), where, and when (epoch seconds)."""

    read: str
    where: str
    at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`id` stays as long as the condition lasts: one a component, code and GPU. `count` is how often."""

    component: str
    code: str
    severity: Severity
    layer: Layer
    title: str  # a few words
    cause: str  # a sentence
    next_step: str  # what to do, a sentence
    gpu: GpuRef | None = None
    evidence: tuple[Proof, ...] = ()  # the newest ones, at most 10
    quarantine: bool = False  # the GPU should leave scheduling
    count: int = 1
    first_at: float | None = None
    last_at: float | None = None

    @property
    def id(self) -> str:
        where = "node" if self.gpu is None else self.gpu.name
        return f"{self.component}-{self.code}-{where}"


@dataclass(frozen=True, slots=True)
class Ok:
    """The component looked, and all is well."""


@dataclass(frozen=True, slots=True)
class Bad:
    """What it found; at least one."""

    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Unsure:
    """It could not look, or not at everything: unknown, which is never ok. What it found elsewhere counts.

    `gpus` are those that it could not look at; None when it may be any, or the node.
    """

    why: str
    findings: tuple[Finding, ...] = ()
    gpus: tuple[GpuRef, ...] | None = None


Verdict = Ok | Bad | Unsure


def finding_json(finding: Finding) -> dict[str, Any]:
    """`finding` as in this module's docstring."""
    gpu = finding.gpu
    return {
        "id": finding.id,
        "component": finding.component,
        "severity": finding.severity.value,
        "layer": finding.layer.value,
        "gpu": gpu and {"uuid": gpu.uuid, "index": gpu.index, "pci_bus_id": gpu.pci_bus_id},
        "code": finding.code,
        "title": finding.title,
        "cause": finding.cause,
        "evidence": [{"read": p.read, "where": p.where, "at": _time(p.at)} for p in finding.evidence],
        "next_step": finding.next_step,
        "quarantine": finding.quarantine,
        "count": finding.count,
        "first_at": _time(finding.first_at),
        "last_at": _time(finding.last_at),
    }


def _time(at: float | None) -> str | None:
    return None if at is None else rfc3339(at)
