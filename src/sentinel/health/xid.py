"""Findings from Xids, the faults that NVIDIA's driver writes to the kernel log and tells through NVML.

Called by `sentinel health` (a pasted log), and by the agent (the running one, and NVML's events). Pure.

One finding for each code on each GPU. Whether the GPU should leave scheduling:

1. The catalogue decides (`xid_catalog_entry.Entry.quarantine`): a reset, a reboot or hands on the hardware
   are needed and no application is to blame. An application's fault never takes a GPU out by itself.
2. For NVLink 5 (144 to 150) the line's fields decide, by `nvlink5`; without them, nothing is concluded.
3. Xid 154 says itself what the GPU needs; its newest line decides.
4. Xid 45 is what is left after another fault: known as its consequence, and never more than information.
5. A repeat, by the rules of `repeats`, turns an application's or a harmless fault into the card's.
6. A code that is not in the catalogue is a warning, and takes nothing out.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from sentinel.core.finding import Bad, Finding, GpuRef, Layer, Ok, Proof, Severity, Unsure, Verdict
from sentinel.health import nvlink5, repeats
from sentinel.health.kernel_log import LogRecord
from sentinel.health.recovery import asked_for
from sentinel.health.xid_catalog import explained
from sentinel.health.xid_catalog_entry import Action, Entry
from sentinel.health.xid_line import XidLine, gpu_named, xids

COMPONENT = "xid"
KERNEL_LOG, NVML_EVENT = "kernel log", "NVML event"
PREEMPTED, RECOVERY = 45, 154
SAME_FAULT = 30.0
"""Seconds: an NVML event this near to a log line of the same code on the same GPU is the same fault."""
FOLLOWS = 60.0
"""Seconds between a fault and the clean-up that it caused."""
MOST = 4096

_WORST_FIRST = (Severity.CRITICAL, Severity.WARNING, Severity.INFO)


@dataclass(slots=True)
class _Fault:
    """One code on one GPU. `events`: what NVML told, which the log may tell too."""

    code: int
    gpu: GpuRef
    tally: repeats.Tally = field(default_factory=repeats.Tally)
    events: repeats.Tally = field(default_factory=repeats.Tally)
    link: nvlink5.Fault | None = None
    newest: str = ""

    def whole(self) -> repeats.Tally:
        """Log lines and events together, each fault once."""
        lone = [one for one in self.events.occasions if not self._in_log(one.moment)]
        if not lone or (self.tally.count and self.tally.first is None):
            return self.tally
        whole = repeats.Tally(
            count=self.tally.count,
            first=self.tally.first,
            last=self.tally.last,
            by=self.tally.by.copy(),
        )
        whole.proofs.extend(self.tally.proofs)
        whole.occasions.extend(self.tally.occasions)
        for one in lone:
            whole.add(_event_proof(self.code, one.moment), moment=one.moment)
        return whole

    def _in_log(self, at: float) -> bool:
        return any(abs(proof.moment - at) <= SAME_FAULT for proof in self.tally.occasions)


class XidLog:
    """Takes in what the log and NVML say, as it comes, and judges all of it. Bounded; used by one thread.

    `gpus`: PCI address (as `core.pci` spells it) → the GPU there: all of the node's, or none if not known.
    `booted_at`: epoch seconds of the log's boot, for records that only know the time since.
    """

    def __init__(self, *, gpus: Mapping[str, GpuRef] | None = None, booted_at: float | None = None) -> None:
        self._gpus = dict(gpus or {})
        self._peers_known = len(self._gpus) > 1
        self._booted_at = booted_at
        self._faults: dict[tuple[str, int], _Fault] = {}
        self._overflow = False
        self._judged: tuple[Finding, ...] | None = None

    def add(self, record: LogRecord) -> None:
        """One record of the kernel log, of whatever content."""
        if (named := gpu_named(record.text)) and named[0] not in self._gpus:
            self._gpus[named[0]] = GpuRef(uuid=named[1], pci_bus_id=named[0])
        for line in xids(record.text):
            self._add_line(line, record)

    def add_event(self, code: int, gpu: GpuRef, at: float) -> None:
        """An Xid that NVML told of at `at` (epoch seconds): the same finding as of a line with that code."""
        fault = self._fault(code, gpu.pci_bus_id, gpu)
        if fault:
            fault.events.add(_event_proof(code, at), moment=at)

    def verdict(self, *, unread: str | None = None) -> Verdict:
        """All findings, the worst first. `unread`: why not everything could be read: unsure, then."""
        if self._overflow:
            unread = unread or f"the log names more than {MOST} different faults; the rest was left out"
        if self._judged is None:
            every = self._findings()
            self._judged = tuple(sorted(every, key=lambda one: _WORST_FIRST.index(one.severity)))
        found = self._judged
        if unread is not None:
            return Unsure(unread, found)
        return Bad(found) if found else Ok()

    # ---------------------------------------------------------------- taking in

    def _add_line(self, line: XidLine, record: LogRecord) -> None:
        fault = self._fault(line.code, line.pci)
        if fault is None:
            return
        at = record.at
        if at is None and record.since_boot is not None and self._booted_at is not None:
            at = self._booted_at + record.since_boot
        fault.tally.add(
            Proof(read=line.text, where=KERNEL_LOG, at=at),
            moment=record.since_boot if at is None else at,
            pid=line.pid,
            program=line.program,
        )
        fault.newest = line.detail
        link = nvlink5.decoded(line.code, line.detail)
        if link and (fault.link is None or link.remedy.value >= fault.link.remedy.value):
            fault.link = link

    def _fault(self, code: int, pci: str | None, gpu: GpuRef | None = None) -> _Fault | None:
        self._judged = None
        gpu = (self._gpus.get(pci) if pci else None) or gpu or GpuRef(pci_bus_id=pci)
        key = (pci or gpu.name, code)
        if key not in self._faults:
            if len(self._faults) >= MOST:
                self._overflow = True
                return None
            self._faults[key] = _Fault(code, gpu)
        return self._faults[key]

    # ------------------------------------------------------------------ judging

    def _findings(self) -> Iterator[Finding]:
        for fault in sorted(self._faults.values(), key=lambda one: (one.gpu.name, one.code)):
            tally = fault.whole()
            yield self._repeated(fault, tally, self._once(fault, tally))

    def _once(self, fault: _Fault, tally: repeats.Tally) -> Finding:
        """What the fault means by itself."""
        code, entry = fault.code, explained(fault.code)
        if entry is None:
            return _unknown(fault, tally)
        if code == RECOVERY:
            entry = asked_for(fault.newest) or entry
        found = _finding(fault, tally, entry)
        if code == PREEMPTED and (causes := self._causes(fault, tally)):
            names = " and ".join(f"Xid {cause}" for cause in causes)
            return replace(found, cause=f"{found.cause} Here it is a consequence of {names}.")
        return _of_link(found, fault.link) if fault.link else found

    def _causes(self, fault: _Fault, tally: repeats.Tally) -> list[int]:
        """Other codes that this GPU had just before, or where times are unknown, at all."""
        return sorted(
            other.code
            for other in self._faults.values()
            if other.gpu == fault.gpu
            and other.code not in (PREEMPTED, RECOVERY)
            and _near(tally, other.whole())
        )

    def _repeated(self, fault: _Fault, tally: repeats.Tally, found: Finding) -> Finding:
        """`found`, or what becomes of it by the rules of `repeats`."""
        entry = explained(fault.code)
        if found.quarantine or entry is None or fault.code in (PREEMPTED, RECOVERY):
            return found
        if entry.layer is Layer.APPLICATION:
            why = repeats.across_programs(tally)
            if why is None or self._elsewhere(fault):
                return found
            if not self._peers_known:
                return replace(found, cause=f"{found.cause} But {why}: that may be the card's fault.")
            return _the_card(found, f"{why}, and no other GPU of the node had it")
        if entry.layer is Layer.HARDWARE and entry.action is not Action.NOTHING:
            why = repeats.again_and_again(tally)
            return _the_card(found, why) if why else found
        return found

    def _elsewhere(self, fault: _Fault) -> bool:
        return any(one.code == fault.code and one.gpu != fault.gpu for one in self._faults.values())


def findings(
    records: Iterable[LogRecord],
    *,
    gpus: Mapping[str, GpuRef] | None = None,
    booted_at: float | None = None,
    unread: str | None = None,
) -> Verdict:
    """The verdict on a whole log; see `XidLog` for what is given."""
    log = XidLog(gpus=gpus, booted_at=booted_at)
    for record in records:
        log.add(record)
    return log.verdict(unread=unread)


def _event_proof(code: int, at: float) -> Proof:
    return Proof(read=f"Xid {code}", where=NVML_EVENT, at=at)


def _near(one: repeats.Tally, other: repeats.Tally) -> bool:
    if not one.occasions or not other.occasions:
        return True
    return any(abs(a.moment - b.moment) <= FOLLOWS for a in one.occasions for b in other.occasions)


def _finding(fault: _Fault, tally: repeats.Tally, entry: Entry) -> Finding:
    who = tally.programs()
    return Finding(
        component=COMPONENT,
        code=str(fault.code),
        severity=entry.action.severity,
        layer=entry.layer,
        title=f"Xid {fault.code}: {entry.title}",
        cause=f"{entry.cause} Seen under: {who}." if who else entry.cause,
        next_step=entry.action.next_step,
        gpu=fault.gpu,
        evidence=tuple(tally.proofs),
        quarantine=entry.quarantine,
        count=tally.count,
        first_at=tally.first,
        last_at=tally.last,
    )


def _unknown(fault: _Fault, tally: repeats.Tally) -> Finding:
    entry = Entry(
        Layer.DRIVER,
        Action.ASK_SUPPORT,
        "unknown code",
        f"Xid {fault.code} is not in the catalogue of this version.",
    )
    step = "Look the code up in NVIDIA's list of Xids, and see whether there is a newer Sentinel."
    return replace(_finding(fault, tally, entry), next_step=step)


def _of_link(found: Finding, link: nvlink5.Fault) -> Finding:
    """`found` with what the line's fields say of it."""
    where = f"unit {link.unit}" + ("" if link.link is None else f", link {link.link}")
    cause = f"{found.cause} The worst: {where}, {'fatal' if link.fatal else 'not fatal'}"
    cause += "." if link.known else "; in no table that is known, so the driver's own word is taken."
    action = {
        nvlink5.Remedy.NOTHING: Action.NOTHING,
        nvlink5.Remedy.WATCH: Action.WATCH,
        nvlink5.Remedy.SEE_154: Action.RECOVERY,
        nvlink5.Remedy.RESET: Action.LINK,
    }[link.remedy]
    advice = f"First {link.advice}. " if link.advice else ""
    return replace(
        found,
        cause=cause,
        severity=action.severity,
        layer=Layer.HARDWARE if link.hardware else Layer.DRIVER,
        next_step=advice + action.next_step,
        quarantine=action.needs_reset,
    )


def _the_card(found: Finding, why: str) -> Finding:
    return replace(
        found,
        severity=Severity.CRITICAL,
        layer=Layer.HARDWARE,
        cause=f"{found.cause} The card itself is suspected: {why}.",
        next_step="Take the GPU out and test it (sentinel gpu check, dcgmi diag -r 3). " + found.next_step,
        quarantine=True,
    )
