"""Retired pages, with which cards before Ampere keep bad memory out of use. Listed in `components`.

Source: NVIDIA, "Dynamic Page Retirement": a card retires up to 64 pages, and 60 are grounds for replacement.
"""

from collections.abc import Iterator

from sentinel.core.finding import Finding, Layer, Severity, Verdict
from sentinel.health.card import Card, counted, each_card, tells
from sentinel.health.condition import Condition
from sentinel.health.view import HealthView

MOST_PAGES = 60

MANY = Condition(
    component="retired",
    code="retired.many",
    severity=Severity.CRITICAL,
    layer=Layer.HARDWARE,
    title="Too many retired pages",
    about=f"{MOST_PAGES} or more pages of memory are retired: room for 64, then errors stay in use.",
    next_step="Take the card out of use and have it replaced; NVIDIA accepts this as grounds. "
    "See nvidia-smi -q -d PAGE_RETIREMENT -i {gpu}.",
    quarantine=True,
)
PENDING = Condition(
    component="retired",
    code="retired.pending",
    severity=Severity.WARNING,
    layer=Layer.HARDWARE,
    title="A bad page waits for a reset",
    about="A bad page of the GPU's memory is retired at the next reset, and in use until then.",
    next_step="When the GPU is free, reset it (nvidia-smi --gpu-reset -i {gpu}) or reboot.",
)
CONDITIONS = (MANY, PENDING)
_TELLS = tells("retired_pages_single_bit", "retired_pages_double_bit", "retired_pages_pending")


def check(view: HealthView) -> Verdict:
    """Unsure where no card retires pages."""
    return each_card(view, _judge, _TELLS, "no GPU here tells of retired pages (newer cards remap rows)")


def _judge(card: Card) -> Iterator[Finding]:
    single, double = card.sensors.retired_pages_single_bit, card.sensors.retired_pages_double_bit
    pages = (single or 0) + (double or 0)
    read = f"retired pages: {counted(single)} after single-bit, {counted(double)} after double-bit errors"
    if pages >= MOST_PAGES:
        yield card.found(MANY, f"{pages} pages of memory are retired", read)
    if card.sensors.retired_pages_pending:
        yield card.found(PENDING, "The card says that a page is to be retired", "pending: yes", read)
