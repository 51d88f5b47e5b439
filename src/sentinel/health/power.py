"""Power: the supply holds the card back, or somebody lowered its limit. Listed in `components`.

Running into the power limit under load is what a healthy card does all day, so it is no finding by itself.
It is worth a word only where the limit is below the card's default.
"""

from collections.abc import Iterator

from sentinel.core.finding import Finding, Layer, Severity, Verdict
from sentinel.core.gpu_sensors import ThrottleReason
from sentinel.health.card import Card, each_card, tells
from sentinel.health.condition import Condition
from sentinel.health.view import HealthView

LOWERED = 0.95
"""Of the default limit; below it the limit counts as lowered on purpose, or by the chassis."""

BRAKE = Condition(
    component="power",
    code="power.brake",
    severity=Severity.WARNING,
    layer=Layer.HARDWARE,
    title="Power brake",
    about="The server's power supply told the card to slow down (HW power brake): to half its clocks or "
    "less.",
    next_step="Check the power supplies, their cables and their redundancy in the BMC (ipmitool sdr type "
    "'Power Supply'), and the card's own power cables.",
)
CAP = Condition(
    component="power",
    code="power.cap",
    severity=Severity.INFO,
    layer=Layer.NODE,
    title="Held back by a lowered power limit",
    about="Under load, the card is at a power limit that is below its default: slower, and mostly on "
    "purpose.",
    next_step="If that is not meant: nvidia-smi -i {gpu} -pl WATTS (the default is in nvidia-smi -q -d "
    "POWER).",
)
CONDITIONS = (BRAKE, CAP)


def check(view: HealthView) -> Verdict:
    """Unsure where no card tells why its clocks are low."""
    return each_card(view, _judge, tells("throttle_reasons"), "no GPU here tells why its clocks are low")


def _judge(card: Card) -> Iterator[Finding]:
    reasons = card.sensors.throttle_reasons or frozenset()
    if ThrottleReason.HW_POWER_BRAKE in reasons:
        yield card.found(
            BRAKE,
            "The card's power brake is on",
            "active: hw_power_brake",
            f"draw: {_watts(card.gpu.power_watts)}",
        )
    limit, default = card.gpu.power_limit_watts, card.sensors.power_limit_default_watts
    if ThrottleReason.SW_POWER_CAP not in reasons or not card.loaded or limit is None or default is None:
        return
    if limit < LOWERED * default:
        yield card.found(
            CAP,
            f"The limit in force is {limit:.0f} W, the card's default {default:.0f} W",
            "active: sw_power_cap",
            f"draw: {_watts(card.gpu.power_watts)}, limit: {limit:.0f} W, default: {default:.0f} W",
        )


def _watts(draw: float | None) -> str:
    return "unknown" if draw is None else f"{draw:.0f} W"
