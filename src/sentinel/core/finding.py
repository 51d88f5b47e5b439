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

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, TypeVar, cast

from sentinel.core.clock import rfc3339
from sentinel.core.errors import ProtocolError
from sentinel.core.timestamp import epoch

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
_MOST_NUMBER = 1 << 53
_LAST_TIME = 253_402_300_799.0  # of the year 9999: what comes after has no RFC 3339 time
_LONGEST_TIME = 40

Word = TypeVar("Word", bound=StrEnum)


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
        "evidence": [{"read": p.read, "where": p.where, "at": _time(p.at)} for p in finding.evidence],
        "next_step": finding.next_step,
        "quarantine": finding.quarantine,
        "count": finding.count,
        "first_at": _time(finding.first_at),
        "last_at": _time(finding.last_at),
    }


def finding_from(found: object) -> Finding:
    """What `finding_json` wrote. ProtocolError that names the field which is wrong or too long; what is not
    printable is shown as "?", and what a newer version adds is passed over."""
    if not isinstance(found, dict):
        raise ProtocolError("a finding is an object")
    raw = cast("dict[str, Any]", found)
    evidence = _list(raw.get("evidence"))
    if type(raw.get("quarantine")) is not bool:
        raise ProtocolError("a finding's quarantine is true or false")
    return Finding(
        component=_text(raw, "component"),
        code=_text(raw, "code"),
        severity=_one_of(Severity, raw, "severity"),
        layer=_one_of(Layer, raw, "layer"),
        title=_text(raw, "title"),
        cause=_text(raw, "cause"),
        next_step=_text(raw, "next_step"),
        gpu=_gpu(raw.get("gpu")),
        evidence=tuple([_proof(one) for one in evidence]),
        quarantine=raw["quarantine"],
        count=_number(raw, "count"),
        first_at=_time_from(raw, "first_at"),
        last_at=_time_from(raw, "last_at"),
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
                Proof(read=_cut("read", one.read), where=_cut("where", one.where), at=_known(one.at))
                for one in finding.evidence[-MOST_PROOFS:]
            ]
        ),
        first_at=_known(finding.first_at),
        last_at=_known(finding.last_at),
    )


def _time(at: float | None) -> str | None:
    return None if at is None else rfc3339(at)


def _known(at: float | None) -> float | None:
    return at if at is not None and 0 <= at < _LAST_TIME else None


def _cut(name: str, text: str) -> str:
    most = _LONGEST[name]
    return _printable(text if len(text) <= most else f"{text[: most - 1]}…")


def _printable(text: str) -> str:
    """With "?" for each character that a terminal would act on, and a blank for each line's end."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else " " if one.isspace() else "?" for one in text)


def _text(raw: Mapping[str, Any], name: str) -> str:
    text = raw.get(name)
    if not isinstance(text, str) or len(text) > _LONGEST[name]:
        raise ProtocolError(f"a finding's {name} is text of at most {_LONGEST[name]} characters")
    return _printable(text)


def _text_or_none(raw: Mapping[str, Any], name: str) -> str | None:
    return None if raw.get(name) is None else _text(raw, name)


def _number(raw: Mapping[str, Any], name: str) -> int:
    number = raw.get(name)
    if type(number) is not int or not 0 <= number <= _MOST_NUMBER:
        raise ProtocolError(f"a finding's {name} is a number that is not negative")
    return number


def _one_of(words: type[Word], raw: Mapping[str, Any], name: str) -> Word:
    found = next((one for one in words if one.value == raw.get(name)), None)
    if found is None:
        raise ProtocolError(f"a finding's {name} is one of {', '.join(words)}")
    return found


def _time_from(raw: Mapping[str, Any], name: str) -> float | None:
    text = raw.get(name)
    if text is None:
        return None
    at = _known(epoch(text)) if isinstance(text, str) and len(text) <= _LONGEST_TIME else None
    if at is None:
        raise ProtocolError(f"a finding's {name} is an RFC 3339 time, or null")
    return at


def _gpu(found: object) -> GpuRef | None:
    if found is None:
        return None
    if not isinstance(found, dict):
        raise ProtocolError("a finding's gpu is an object, or null")
    raw = cast("dict[str, Any]", found)
    return GpuRef(
        uuid=_text_or_none(raw, "uuid"),
        index=None if raw.get("index") is None else _number(raw, "index"),
        pci_bus_id=_text_or_none(raw, "pci_bus_id"),
    )


def _list(found: object) -> list[Any]:
    if not isinstance(found, list) or len(cast("list[Any]", found)) > MOST_PROOFS:
        raise ProtocolError(f"a finding's evidence is a list of at most {MOST_PROOFS}")
    return cast("list[Any]", found)


def _proof(found: object) -> Proof:
    if not isinstance(found, dict):
        raise ProtocolError("a finding's evidence: each is an object")
    raw = cast("dict[str, Any]", found)
    return Proof(read=_text(raw, "read"), where=_text(raw, "where"), at=_time_from(raw, "at"))
