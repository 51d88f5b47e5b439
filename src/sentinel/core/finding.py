"""A finding: a diagnosed condition of a GPU or its node, with its cause, the evidence and the next step.

`health` makes them from deterministic rules; the CLI, events, metrics and the quarantine read them, and so
does the controller, which agents tell them.

    {"id": "xid-79-GPU-…", "component": "xid", "severity": "critical", "layer": "hardware",
     "gpu": {"uuid": … | null, "index": … | null, "pci_bus_id": … | null} | null, "code": "79",
     "title": "…", "cause": "…", "evidence": [{"read": "…", "where": "…", "at": TIME | null}…],
     "next_step": "…", "quarantine": BOOL, "count": N, "first_at": TIME | null, "last_at": TIME | null}

A finding about the node has `gpu` null. TIME is RFC 3339 UTC; null is unknown.

The controller keeps those of a node as a document, its key the node's id: {"node": NAME, "findings": […]}.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from sentinel.core.told import Told, cut, known_time, time_text

NODE_FINDINGS = "node-findings"  # the kind of the store's documents
MOST_PROOFS = 10
_LONGEST = {
    "component": 100,
    "code": 100,
    "title": 200,
    "cause": 1000,
    "next_step": 1000,
    "read": 500,
    "where": 100,
    "uuid": 100,
    "pci_bus_id": 100,
}
"""Characters of a text that comes from elsewhere."""


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
    evidence: tuple[Proof, ...] = ()  # the newest ones, at most MOST_PROOFS
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
        "evidence": [{"read": p.read, "where": p.where, "at": time_text(p.at)} for p in finding.evidence],
        "next_step": finding.next_step,
        "quarantine": finding.quarantine,
        "count": finding.count,
        "first_at": time_text(finding.first_at),
        "last_at": time_text(finding.last_at),
    }


def finding_from(found: object) -> Finding:
    """What `finding_json` wrote. ProtocolError that names the field which is wrong or too long; what is not
    printable is shown as "?", and what a newer version adds is passed over."""
    told = Told(found, "a finding")
    return Finding(
        component=_text(told, "component"),
        code=_text(told, "code"),
        severity=told.one_of("severity", Severity),
        layer=told.one_of("layer", Layer),
        title=_text(told, "title"),
        cause=_text(told, "cause"),
        next_step=_text(told, "next_step"),
        gpu=None if told["gpu"] is None else _gpu(Told(told["gpu"], "a finding's gpu")),
        evidence=tuple([_proof(one) for one in told.list("evidence", MOST_PROOFS)]),
        quarantine=told.yes_no("quarantine"),
        count=told.number("count"),
        first_at=told.time_or_none("first_at"),
        last_at=told.time_or_none("last_at"),
    )


def presentable(finding: Finding) -> Finding:
    """`finding` so that its JSON is one for `finding_from`: texts are cut, what cannot be told is unknown."""
    gpu = finding.gpu
    return replace(
        finding,
        **{name: _cut(name, getattr(finding, name)) for name in ("component", "code", "title", "cause")},
        next_step=_cut("next_step", finding.next_step),
        gpu=gpu
        and replace(
            gpu,
            uuid=gpu.uuid and _cut("uuid", gpu.uuid),
            pci_bus_id=gpu.pci_bus_id and _cut("pci_bus_id", gpu.pci_bus_id),
        ),
        evidence=tuple(
            [
                Proof(read=_cut("read", one.read), where=_cut("where", one.where), at=known_time(one.at))
                for one in finding.evidence[-MOST_PROOFS:]
            ]
        ),
        first_at=known_time(finding.first_at),
        last_at=known_time(finding.last_at),
    )


def _cut(name: str, text: str) -> str:
    return cut(text, _LONGEST[name])


def _text(told: Told, name: str) -> str:
    return told.text(name, _LONGEST[name])


def _gpu(told: Told) -> GpuRef:
    return GpuRef(
        uuid=told.text_or_none("uuid", _LONGEST["uuid"]),
        index=told.number_or_none("index"),
        pci_bus_id=told.text_or_none("pci_bus_id", _LONGEST["pci_bus_id"]),
    )


def _proof(found: object) -> Proof:
    told = Told(found, "a finding's proof")
    return Proof(read=_text(told, "read"), where=_text(told, "where"), at=told.time_or_none("at"))
