"""A fan that stands still on a hot card. Listed in `components`.

Many cards stop their fans when cool, and a card cooled by the server's fans has none, though some of those
answer "0 %". So it counts on a hot card only, and only where there is a fan: seen turning, or by the brand.
The percentage is what the card asks of its fan, not what a sensor measures, so it takes no card out.
"""

from collections.abc import Iterator

from sentinel.core.finding import Finding, Layer, Severity, Verdict
from sentinel.core.gpu import Gpu
from sentinel.health.card import Card, each_card, sensors
from sentinel.health.condition import Condition
from sentinel.health.view import HealthView

HOT_CELSIUS = 75.0
"""Cards that stop their fans start them again between 50 and 65 °C."""

_WITH_FANS = ("geforce", "titan", "quadro", "rtx a2000", "rtx a4", "rtx a5", "rtx a6")

STOPPED = Condition(
    component="fan",
    code="fan.stopped",
    severity=Severity.WARNING,
    layer=Layer.HARDWARE,
    title="Fan stands still",
    about=f"The card is at {HOT_CELSIUS:g} °C or more, and a fan of it is at 0 %.",
    next_step="Stop the work on this card soon and look whether its fans turn and are plugged in; see "
    "whether "
    "somebody set the fan by hand (nvidia-settings -q GPUFanControlState).",
)
CONDITIONS = (STOPPED,)


def check(view: HealthView) -> Verdict:
    """Unsure where no card has a fan that it tells of."""
    return each_card(view, _judge, _tells, "no GPU here tells of a fan (server cards have none)")


def _tells(gpu: Gpu) -> bool:
    return bool(_fans(gpu)) and gpu.temperature_celsius is not None


def _fans(gpu: Gpu) -> dict[int, float]:
    """Percent by the fan's number; cards that do not tell each give one for all."""
    told = sensors(gpu).fans_percent or ()
    each = {number: percent for number, percent in enumerate(told) if percent is not None}
    return each or ({} if gpu.fan_percent is None else {0: gpu.fan_percent})


def _judge(card: Card) -> Iterator[Finding]:
    heat, fans = card.gpu.temperature_celsius, _fans(card.gpu)
    stopped = [str(number) for number, percent in fans.items() if percent == 0]
    if heat is None or heat < HOT_CELSIUS or not stopped or not _has_fans(card, fans):
        return
    which = "All fans are" if len(stopped) == len(fans) else f"Fan {', '.join(stopped)} is"
    yield card.found(
        STOPPED,
        f"{which} at 0 % while the card is at {heat:.0f} °C",
        f"fans: {', '.join(f'{percent:.0f} %' for percent in fans.values())}",
        f"temperature: {heat:.0f} °C",
    )


def _has_fans(card: Card, fans: dict[int, float]) -> bool:
    name = f"{card.sensors.brand or ''} {card.gpu.name or ''}".lower()
    turning = any(fans.values()) or any(any(_fans(one.gpu).values()) for one in card.past)
    return turning or any(brand in name for brand in _WITH_FANS)
