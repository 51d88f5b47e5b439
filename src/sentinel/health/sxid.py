"""Findings from SXids, the faults of NVSwitches in the kernel log. Called as `xid` is. Pure.

    nvidia-nvswitch3: SXid (PCI:0000:05:00.0): 12028, Non-fatal, Link 32 egress non-posted PRIV error (First)
    nvidia-nvswitch3: SXid (PCI:0000:05:00.0): 12028, Severity 0 Engine instance 32 Sub-engine instance 00
    nvidia-nvswitch3: SXid (PCI:0000:05:00.0): 12028, Data {0x00000000, …}

One finding for each code on each switch, its code written "sxid:12028" so that none takes it for an Xid.
`gpu` holds the switch's PCI address and no index. The line's own word, fatal or not, counts; without one, the
catalogue. A fatal one concerns every GPU on the fabric, so `quarantine` is for all GPUs of the node.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from sentinel.core.finding import Bad, Finding, GpuRef, Layer, Ok, Proof, Severity, Unsure, Verdict
from sentinel.core.pci import pci_address
from sentinel.health import repeats
from sentinel.health.kernel_log import LogRecord
from sentinel.health.sxid_catalog import explained, next_step

COMPONENT = "sxid"
KERNEL_LOG = "kernel log"
MOST = 4096

_SXID = re.compile(
    r"(?:nvidia-nvswitch(?P<switch>\d{1,4}):?\s{0,4})?"
    r"SXid\s{0,4}\((?P<pci>[^()]{0,64})\)\s{0,4}:\s{0,4}(?P<code>\d{1,9})(?!\d)",
    re.ASCII,
)
_WORD = re.compile(r",\s*(Fatal|Non-?fatal)\b", re.IGNORECASE)
_FURTHER = re.compile(r",\s*(?:Severity \d|Data \{)")
_LINK = re.compile(r"\bLink (\d{1,3})\b", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class SXidLine:
    """One SXid. `fatal` is None where the line does not say; `further`: more about the one before."""

    code: int
    pci: str | None
    switch: int | None
    text: str
    fatal: bool | None
    link: int | None
    further: bool


def sxids(text: str) -> Iterator[SXidLine]:
    """The SXids in one record's text, in order."""
    if "SXid" not in text:
        return
    found = list(_SXID.finditer(text))
    for place, one in enumerate(found):
        end = found[place + 1].start() if place + 1 < len(found) else len(text)
        detail = text[one.end() : end]
        word, link = _WORD.match(detail), _LINK.search(detail)
        yield SXidLine(
            code=int(one["code"]),
            pci=pci_address(one["pci"].removeprefix("PCI:")),
            switch=int(one["switch"]) if one["switch"] else None,
            text=text[one.start() : end],
            fatal=word and word[1].lower() == "fatal",
            link=int(link[1]) if link else None,
            further=_FURTHER.match(detail) is not None,
        )


@dataclass(slots=True)
class _Fault:
    code: int
    pci: str | None
    switch: int | None
    tally: repeats.Tally = field(default_factory=repeats.Tally)
    fatal: bool | None = None
    links: set[int] = field(default_factory=set[int])


class SXidLog:
    """Takes in the log's records as they come, and judges all of them. Bounded; used by one thread."""

    def __init__(self, *, booted_at: float | None = None) -> None:
        self._booted_at = booted_at
        self._faults: dict[tuple[str, int], _Fault] = {}
        self._overflow = False

    def add(self, record: LogRecord) -> None:
        """One record of the kernel log, of whatever content."""
        for line in sxids(record.text):
            key = (line.pci or f"switch {line.switch}", line.code)
            if key not in self._faults and len(self._faults) >= MOST:
                self._overflow = True
                continue
            fault = self._faults.setdefault(key, _Fault(line.code, line.pci, line.switch))
            self._add(fault, line, record)

    def _add(self, fault: _Fault, line: SXidLine, record: LogRecord) -> None:
        at = record.at
        if at is None and record.since_boot is not None and self._booted_at is not None:
            at = self._booted_at + record.since_boot
        fault.tally.add(
            Proof(read=line.text, where=KERNEL_LOG, at=at),
            moment=record.since_boot if at is None else at,
            counts=not line.further or fault.tally.count == 0,
        )
        if line.fatal is not None:
            fault.fatal = line.fatal or bool(fault.fatal)
        if line.link is not None:
            fault.links.add(line.link)

    def verdict(self, *, unread: str | None = None) -> Verdict:
        """All findings, fatal ones first. `unread`: why not everything could be read: unsure, then."""
        if self._overflow:
            unread = unread or f"the log names more than {MOST} different faults; the rest was left out"
        faults = sorted(self._faults.values(), key=lambda one: (one.pci or "", one.code))
        found = tuple(sorted(map(_finding, faults), key=lambda one: not one.quarantine))
        if unread is not None:
            return Unsure(unread, found)
        return Bad(found) if found else Ok()


def findings(
    records: Iterable[LogRecord], *, booted_at: float | None = None, unread: str | None = None
) -> Verdict:
    """The verdict on a whole log; see `SXidLog`."""
    log = SXidLog(booted_at=booted_at)
    for record in records:
        log.add(record)
    return log.verdict(unread=unread)


def _finding(fault: _Fault) -> Finding:
    entry = explained(fault.code)
    fatal = fault.fatal if fault.fatal is not None else entry is not None and entry.fatal
    harmless = entry is not None and entry.harmless and not fatal
    cause = entry.cause if entry else f"SXid {fault.code} is not in the catalogue of this version."
    if entry and entry.fatal and not fatal:
        cause = f"NVSwitch, {entry.title}: the driver calls it not fatal here; the fabric goes on."
    links = ", ".join(map(str, sorted(fault.links)[:16]))
    switch = "NVSwitch" if fault.switch is None else f"NVSwitch {fault.switch}"
    mild = Severity.INFO if harmless else Severity.WARNING
    return Finding(
        component=COMPONENT,
        code=f"sxid:{fault.code}",
        severity=Severity.CRITICAL if fatal else mild,
        layer=Layer.HARDWARE,
        title=f"{switch}, SXid {fault.code}: {entry.title if entry else 'unknown code'}",
        cause=f"{cause} Links: {links}." if links else cause,
        next_step=next_step(fatal=fatal, harmless=harmless),
        gpu=GpuRef(pci_bus_id=fault.pci),
        evidence=tuple(fault.tally.proofs),
        quarantine=fatal,
        count=fault.tally.count,
        first_at=fault.tally.first,
        last_at=fault.tally.last,
    )
