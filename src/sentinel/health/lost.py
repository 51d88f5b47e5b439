"""Cards that say they are broken, or are gone. Listed in `components` as "gpu".

A lost card and one that requires a reset leave scheduling at once. A card with one value in error (`ERR!`,
`Unknown Error`) leaves it where it no longer tells its memory or its temperature either; some laptops show a
single `ERR!` all their life.
"""

import re
from dataclasses import replace

from sentinel.core.finding import Bad, Finding, GpuRef, Layer, Ok, Proof, Severity, Unsure, Verdict
from sentinel.health.card import Card, cards
from sentinel.health.condition import Condition
from sentinel.health.view import HealthView

LOST = Condition(
    component="gpu",
    code="gpu.lost",
    severity=Severity.CRITICAL,
    layer=Layer.HARDWARE,
    title="GPU is lost",
    about="The card fell off the bus, or is no longer listed: the system cannot talk to it.",
    next_step="See dmesg | grep -i xid for how it went (79 is common). Drain the node and power it off "
    "and on; "
    "a warm reboot may not be enough. If it comes again, check power and seating, then replace the card.",
    quarantine=True,
)
RESET = Condition(
    component="gpu",
    code="gpu.requires-reset",
    severity=Severity.CRITICAL,
    layer=Layer.DRIVER,
    title="GPU requires reset",
    about="The driver gave up on the card until it is reset.",
    next_step="Stop what is on this GPU and reset it (nvidia-smi --gpu-reset -i {gpu}); reboot if that is "
    "refused. "
    "See dmesg | grep -i xid for the cause.",
    quarantine=True,
)
ERROR = Condition(
    component="gpu",
    code="gpu.err",
    severity=Severity.CRITICAL,
    layer=Layer.HARDWARE,
    title="GPU answers with errors",
    about="The card answers ERR! or Unknown Error where it should tell a value, or gives no handle at all.",
    next_step="See dmesg | grep -i -e xid -e nvrm. Stop what is on this GPU and reset it "
    "(nvidia-smi --gpu-reset -i {gpu}), or reboot. If it stays, check power and seating.",
    quarantine=True,
)
CABLE = Condition(
    component="gpu",
    code="gpu.power-cable",
    severity=Severity.CRITICAL,
    layer=Layer.HARDWARE,
    title="GPU lacks power",
    about="The card says that its external power is not plugged in properly.",
    next_step="Power the machine off and seat the card's power cables.",
    quarantine=True,
)
INTERRUPTS = Condition(
    component="gpu",
    code="gpu.interrupts",
    severity=Severity.CRITICAL,
    layer=Layer.DRIVER,
    title="GPU gets no interrupts",
    about="The kernel sees a problem with the card's interrupts.",
    next_step="See dmesg | grep -i nvrm; update the BIOS, and compare with the other cards: grep nvidia "
    "/proc/interrupts.",
    quarantine=True,
)
CONDITIONS = (LOST, RESET, ERROR, CABLE, INTERRUPTS)

_SENTENCES = (
    (re.compile(r"is lost|left it out of its listing|fallen off the bus", re.IGNORECASE), LOST),
    (re.compile(r"requires? re(?:set|start|boot)", re.IGNORECASE), RESET),
    (re.compile(r"external power|insufficient .*power", re.IGNORECASE), CABLE),
    (re.compile(r"interrupt", re.IGNORECASE), INTERRUPTS),
)


def check(view: HealthView) -> Verdict:
    """Unsure where the cards could not be read, unless what was said is that one is lost."""
    if isinstance(view.reading, str) and _kind(view.reading) is LOST:
        proof = Proof(read=view.reading[:500], where="reading the GPUs", at=view.now)
        cause = "The driver says that a GPU is lost, and reads none because of it"
        return Bad((LOST.found(None, cause, (proof,), quarantine=False),))
    if view.gpus is None:
        return Unsure(view.unread)
    findings = [_named(_broken(card), view) for card in cards(view) if card.gpu.error] + _missing(view)
    if findings:
        return Bad(tuple(findings))
    return Ok() if view.gpus else Unsure("no GPU was found")


def _kind(said: str) -> Condition:
    return next((condition for words, condition in _SENTENCES if words.search(said)), ERROR)


def _broken(card: Card) -> Finding:
    gpu = card.gpu
    said = (gpu.error or "")[:500]
    condition = _kind(said)
    if condition is not ERROR or gpu.memory_used_bytes is None or gpu.temperature_celsius is None:
        return card.found(condition, condition.about, said)
    cause = "The card answers with an error where it should tell one of its values; it tells the others"
    return card.found(condition, cause, said, severity=Severity.WARNING, quarantine=False)


def _named(finding: Finding, view: HealthView) -> Finding:
    """With the UUID that the card had, where it is too sick to tell it: by that it leaves scheduling."""
    told = finding.gpu
    if told is None or told.uuid is not None or told.pci_bus_id is None:
        return finding
    known = next((one for one in view.known if one.pci_bus_id == told.pci_bus_id), None)
    return finding if known is None else replace(finding, gpu=replace(told, uuid=known.uuid))


def _missing(view: HealthView) -> list[Finding]:
    """Cards that were here and are not listed. One too sick to tell its UUID is there by its address."""
    here = {gpu.uuid for gpu in view.gpus or ()}
    places = {place for gpu in view.gpus or () if not gpu.named for place in (gpu.pci_bus_id, gpu.index)}
    return [
        _gone(view, one)
        for one in view.known
        if one.uuid not in here and not {one.pci_bus_id, one.index} & (places - {None})
    ]


def _gone(view: HealthView, one: GpuRef) -> Finding:
    past = view.earlier.get(one.uuid or "", ())
    proofs = (
        *(Proof(read="listed", where="an earlier reading", at=seen.at) for seen in past[-1:]),
        Proof(read="not listed", where="the driver's list of GPUs", at=view.now),
    )
    return LOST.found(one, "The card was here earlier since the start and is no longer listed", proofs)
