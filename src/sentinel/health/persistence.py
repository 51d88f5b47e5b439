"""Persistence mode, without which the driver powers an unused card down and up again. In `components`."""

from collections.abc import Iterator

from sentinel.core.finding import Finding, Layer, Severity, Verdict
from sentinel.health.card import Card, each_card, tells
from sentinel.health.condition import Condition
from sentinel.health.view import HealthView

OFF = Condition(
    component="persistence",
    code="persistence.off",
    severity=Severity.INFO,
    layer=Layer.NODE,
    title="Persistence mode is off",
    about="Work starts seconds later than it could, as the driver lets go of the card between users; "
    "settings and error counts are lost with that.",
    next_step="systemctl enable --now nvidia-persistenced (or nvidia-smi -pm 1, until the next reboot).",
)
CONDITIONS = (OFF,)


def check(view: HealthView) -> Verdict:
    """Unsure where no card tells (Windows has no such mode)."""
    return each_card(view, _judge, tells("persistence_mode"), "no GPU here tells its persistence mode")


def _judge(card: Card) -> Iterator[Finding]:
    if card.sensors.persistence_mode is False:
        yield card.found(OFF, "The card says that persistence mode is off", "persistence mode: disabled")
