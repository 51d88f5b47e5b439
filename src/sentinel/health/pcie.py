"""The card's way to the processor. Listed in `components`.

Idle cards lower the link's generation to save power, so it counts only under load. The width does not
follow load, but many boards wire only some of a slot's lanes: a narrow link is merely good to know, unless
this card had more before or another card of its model here has.
"""

from collections.abc import Iterator, Mapping

from sentinel.core.finding import Finding, Layer, Severity, Verdict
from sentinel.core.gpu import Gpu
from sentinel.health.card import Card, each_card, loaded, sensors, tells
from sentinel.health.condition import Condition
from sentinel.health.view import HealthView

REPLAYS_PER_MINUTE = 8.0
"""DCGM's limit in its PCIe health watch."""

LASTING = 30.0
"""Seconds under load at the low generation: the link takes a moment to come up."""

_FULL_SPEED = 2
"""Performance states up to this one run the link at full speed; GeForce computes in P2."""

WIDTH = Condition(
    component="pcie",
    code="pcie.width",
    severity=Severity.INFO,
    layer=Layer.HARDWARE,
    title="PCIe link is narrow",
    about="The link has fewer lanes than the card could use. A warning where it had more before, or its "
    "like has.",
    next_step="If the slot should have more lanes: reseat the card, check the riser and the slot's BIOS "
    "setting "
    '(nvidia-smi -q -i {gpu}, "GPU Link Info"; lspci -vv, LnkSta).',
)
GENERATION = Condition(
    component="pcie",
    code="pcie.generation",
    severity=Severity.WARNING,
    layer=Layer.HARDWARE,
    title="PCIe link is slow",
    about="Under load, the link runs at a lower generation than the card and the board can.",
    next_step="Reseat the card, check the riser and the slot's speed in the BIOS "
    '(nvidia-smi -q -i {gpu}, "GPU Link Info"; lspci -vv, LnkSta).',
)
REPLAY = Condition(
    component="pcie",
    code="pcie.replay",
    severity=Severity.WARNING,
    layer=Layer.HARDWARE,
    title="PCIe link repeats itself",
    about=f"More than {REPLAYS_PER_MINUTE:g} PCIe packets a minute had to be sent again.",
    next_step="Reseat the card and check the riser or cable; see dmesg | grep -i AER. If it goes on, "
    "try another slot to tell the card from the board.",
)
CONDITIONS = (WIDTH, GENERATION, REPLAY)
_TELLS = tells("pcie_generation", "pcie_width", "pcie_replay_count")


def check(view: HealthView) -> Verdict:
    """Unsure where no card tells of its link (virtual GPUs do not)."""
    widest: dict[str | None, int] = {}
    for gpu in view.gpus or ():
        widest[gpu.name] = max(widest.get(gpu.name, 0), sensors(gpu).pcie_width or 0)
    return each_card(view, lambda card: _judge(card, widest), _TELLS, "no GPU here tells of its PCIe link")


def _judge(card: Card, widest: Mapping[str | None, int]) -> Iterator[Finding]:
    yield from _width(card, widest.get(card.gpu.name, 0) if card.gpu.name else 0)
    if card.lasting(LASTING, _slow):
        now, most = card.sensors.pcie_generation, card.sensors.pcie_generation_max
        yield card.found(
            GENERATION,
            f"The link runs at PCIe generation {now} under load and could at {most}",
            f"PCIe generation: {now} of {most}, utilisation: {card.gpu.utilization_percent:.0f} %",
        )
    growth = card.growth(lambda gpu: sensors(gpu).pcie_replay_count)
    if growth and growth[0] > REPLAYS_PER_MINUTE * max(growth[1] / 60, 1):
        yield card.found(
            REPLAY,
            f"{growth[0]} packets were sent again in {growth[1]:.0f} s",
            f"PCIe replays: {card.sensors.pcie_replay_count}",
        )


def _width(card: Card, widest: int) -> Iterator[Finding]:
    width, most = card.sensors.pcie_width, card.sensors.pcie_width_max
    if width is None or width == 0:
        return
    before = max((sensors(one.gpu).pcie_width or 0 for one in card.past), default=0)
    read = f"PCIe width: {width} of {most or 'unknown'} lanes"
    if before > width:
        cause = f"The link has {width} lanes and had {before} a few minutes ago"
        yield card.found(WIDTH, cause, read, f"earlier: {before} lanes", severity=Severity.WARNING)
    elif widest > width:
        cause = f"The link has {width} lanes, that of another {card.gpu.name} here {widest}"
        yield card.found(WIDTH, cause, read, severity=Severity.WARNING)
    elif most is not None and most > width:
        yield card.found(WIDTH, f"The link has {width} of {most} lanes; the slot may have no more", read)


def _slow(gpu: Gpu) -> bool:
    told = sensors(gpu)
    if told.pcie_generation is None or told.pcie_generation_max is None or not loaded(gpu):
        return False
    fast = told.performance_state is None or told.performance_state <= _FULL_SPEED
    return fast and 0 < told.pcie_generation < told.pcie_generation_max
