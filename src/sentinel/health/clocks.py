"""Clocks that stay low under load. Listed in `components`.

An idle card lowers its clocks to save power, and one that is hot, capped or set so says why. What is left,
low clocks under load for no reason, is a card that does not come back up: often only a reset helps.
"""

from collections.abc import Iterator

from sentinel.core.finding import Finding, Layer, Severity, Verdict
from sentinel.core.gpu import Gpu
from sentinel.core.gpu_sensors import ThrottleReason
from sentinel.health.card import Card, each_card, loaded, sensors
from sentinel.health.condition import Condition
from sentinel.health.view import HealthView

LOW = 0.5
"""Of the highest clock. Base clocks lie at 0.6 to 0.75 of it, and a card without a reason is not
below them."""

LASTING = 30.0
"""Seconds: utilisation is an average, so a card on its way up is loaded by it while its clocks are low."""

_EXPLAINS = frozenset(ThrottleReason) - {ThrottleReason.GPU_IDLE, ThrottleReason.HW_SLOWDOWN}
_BY_HARDWARE = {ThrottleReason.HW_THERMAL_SLOWDOWN, ThrottleReason.HW_POWER_BRAKE}

STUCK = Condition(
    component="clocks",
    code="clocks.stuck",
    severity=Severity.WARNING,
    layer=Layer.DRIVER,
    title="Clocks stay low under load",
    about=f"Busy for {LASTING:g} s with clocks below {LOW:.0%} of the highest, and the card names no reason.",
    next_step="See whether somebody locked the clocks (nvidia-smi -q -d CLOCK,PERFORMANCE -i {gpu}; "
    "nvidia-smi -i "
    "{gpu} -rgc unlocks them). If not, reset the GPU when it is free: nvidia-smi --gpu-reset -i {gpu}.",
)
SLOWDOWN = Condition(
    component="clocks",
    code="clocks.hw-slowdown",
    severity=Severity.WARNING,
    layer=Layer.HARDWARE,
    title="Slowed down by the hardware",
    about="The hardware halves the clocks and does not say whether for heat, the power brake or the draw.",
    next_step="Check the card's power cables and temperature: nvidia-smi -q -d POWER,TEMPERATURE -i {gpu}.",
)
CONDITIONS = (STUCK, SLOWDOWN)


def check(view: HealthView) -> Verdict:
    """Unsure where no card tells its clocks and their highest, nor what holds them down."""
    return each_card(view, _judge, _tells, "no GPU here tells its clocks and what holds them down")


def _tells(gpu: Gpu) -> bool:
    return sensors(gpu).throttle_reasons is not None or _ratio(gpu) is not None


def _judge(card: Card) -> Iterator[Finding]:
    reasons = card.sensors.throttle_reasons or frozenset[ThrottleReason]()
    if ThrottleReason.HW_SLOWDOWN in reasons and not _BY_HARDWARE & reasons:
        yield card.found(SLOWDOWN, "The card's hardware slowdown is active", "active: hw_slowdown")
    elif card.lasting(LASTING, _stuck):
        yield card.found(
            STUCK,
            f"The card is {card.gpu.utilization_percent:.0f} % busy at {_ratio(card.gpu):.0%} of its clock",
            f"SM clock: {_megahertz(card.sensors.sm_clock_hertz)} of "
            f"{_megahertz(card.sensors.sm_clock_max_hertz)}, utilisation: "
            f"{card.gpu.utilization_percent:.0f} %",
            f"reasons: {', '.join(sorted(reasons)) or 'none'}",
        )


def _stuck(gpu: Gpu) -> bool:
    reasons, ratio = sensors(gpu).throttle_reasons, _ratio(gpu)
    if reasons is None or ratio is None or not loaded(gpu):
        return False
    return ratio < LOW and not reasons & _EXPLAINS


def _ratio(gpu: Gpu) -> float | None:
    """The clock by the highest one. 0 is what a virtual GPU or a sleeping card tells: unknown."""
    clock, most = sensors(gpu).sm_clock_hertz, sensors(gpu).sm_clock_max_hertz
    return clock / most if clock and most else None


def _megahertz(hertz: float | None) -> str:
    return "unknown" if hertz is None else f"{hertz / 1e6:.0f} MHz"
