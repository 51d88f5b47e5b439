"""NVLinks that are down or have errors. Listed in `components`.

Cards without a bridge have inactive links by design, and some models leave some of theirs unused. So a link
counts as down when it was up before, or when another card of the model here has more of them up.
"""

from collections.abc import Iterator, Mapping

from sentinel.core.finding import Finding, Layer, Severity, Verdict
from sentinel.core.gpu import Gpu
from sentinel.health.card import Card, each_card, sensors
from sentinel.health.condition import Condition
from sentinel.health.view import HealthView

REPLAYS_PER_MINUTE = 8.0
"""As for PCIe: single replays are the protocol at work."""

CRC_PER_SECOND = 100.0
"""DCGM's limit for CRC errors of NVLink."""

DOWN = Condition(
    component="nvlink",
    code="nvlink.down",
    severity=Severity.WARNING,
    layer=Layer.HARDWARE,
    title="NVLink is down",
    about="A link that was up is down, or other cards of the model here have more links up.",
    next_step="See nvidia-smi nvlink -s -i {gpu} and dmesg | grep -i xid (74, 144 to 150). On a system with "
    "NVSwitch, look at the fabric manager (systemctl status nvidia-fabricmanager). A reboot retrains the "
    "links.",
)
ERRORS = Condition(
    component="nvlink",
    code="nvlink.errors",
    severity=Severity.WARNING,
    layer=Layer.HARDWARE,
    title="NVLink has errors",
    about="A link had to recover, or repeats packets or finds broken ones at a rate that is not normal.",
    next_step="See nvidia-smi nvlink -e -i {gpu}; reseat the bridge or the module. If it goes on after a "
    "reboot, "
    "have the card and the switch tested (dcgmi diag -r 3).",
)
CONDITIONS = (DOWN, ERRORS)


def check(view: HealthView) -> Verdict:
    """Unsure where no card tells of its links; a card without any is fine."""
    most: dict[str | None, int] = {}
    for gpu in view.gpus or ():
        most[gpu.name] = max(most.get(gpu.name, 0), len(_up(gpu)))
    return each_card(view, lambda card: _judge(card, most), _tells, "no GPU here tells of NVLinks")


def _tells(gpu: Gpu) -> bool:
    links = sensors(gpu).nvlinks
    return links is not None and (not links or any(link.active is not None for link in links))


def _up(gpu: Gpu) -> frozenset[int]:
    return frozenset(link.link for link in sensors(gpu).nvlinks or () if link.active)


def _judge(card: Card, most: Mapping[str | None, int]) -> Iterator[Finding]:
    up, were = _up(card.gpu), frozenset[int]().union(*(_up(one.gpu) for one in card.past))
    known = {link.link for link in card.sensors.nvlinks or () if link.active is not None}
    fallen = sorted(were & known - up)
    fewer = (most.get(card.gpu.name, 0) if card.gpu.name else 0) - len(up)
    unknown = len(card.sensors.nvlinks or ()) - len(known)
    if fallen:
        names = ", ".join(map(str, fallen))
        yield card.found(
            DOWN, f"Links that were up minutes ago are down: {names}", f"inactive links: {names}"
        )
    elif fewer > unknown:
        yield card.found(
            DOWN,
            f"{len(up)} links are up, {len(up) + fewer} on another {card.gpu.name} here",
            f"active links: {len(up)} of {len(card.sensors.nvlinks or ())}",
        )
    yield from _errors(card)


def _errors(card: Card) -> Iterator[Finding]:
    said: list[str] = []
    for name, limit in (
        ("recovery_errors", 0.0),
        ("replay_errors", REPLAYS_PER_MINUTE / 60),
        ("crc_flit_errors", CRC_PER_SECOND),
        ("crc_data_errors", CRC_PER_SECOND),
    ):
        growth = card.growth(lambda gpu, name=name: _sum(gpu, name))
        if growth and growth[0] > limit * max(growth[1], 60.0):
            said.append(f"{name.replace('_', ' ')}: {growth[0]} more in {growth[1]:.0f} s")
    if said:
        yield card.found(ERRORS, f"NVLink {said[0]}", *said)


def _sum(gpu: Gpu, name: str) -> int | None:
    counts: list[int | None] = [getattr(link, name) for link in sensors(gpu).nvlinks or ()]
    known = [count for count in counts if count is not None]
    return sum(known) if known and len(known) == len(counts) else None
