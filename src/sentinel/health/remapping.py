"""Row remapping, with which cards since Ampere replace bad rows of their memory. Listed in `components`.

Source: NVIDIA, "GPU Memory Error Management", "Row Remapping" and its RMA policy: a remapping that failed
means replacement; one that is pending needs a reset, and until then the bad page is kept out of use.
"""

from collections.abc import Iterator

from sentinel.core.finding import Finding, Layer, Severity, Verdict
from sentinel.health.card import Card, counted, each_card, tells
from sentinel.health.condition import Condition
from sentinel.health.view import HealthView

FAILURE = Condition(
    component="remapping",
    code="remap.failure",
    severity=Severity.CRITICAL,
    layer=Layer.HARDWARE,
    title="Row remapping failed",
    about="A bad row of the GPU's memory could not be replaced: its spare rows are used up.",
    next_step="Take the card out of use and have it replaced; NVIDIA accepts this as grounds. "
    "See nvidia-smi -q -d ROW_REMAPPER -i {gpu}.",
    quarantine=True,
)
PENDING = Condition(
    component="remapping",
    code="remap.pending",
    severity=Severity.WARNING,
    layer=Layer.HARDWARE,
    title="Row remapping waits for a reset",
    about="A bad row of the GPU's memory will be replaced at the next reset; its page is out of use "
    "meanwhile.",
    next_step="When the GPU is free, reset it (nvidia-smi --gpu-reset -i {gpu}) or reboot.",
)
CONDITIONS = (FAILURE, PENDING)
_TELLS = tells("remapped_rows_failure", "remapped_rows_pending")


def check(view: HealthView) -> Verdict:
    """Unsure where no card remaps rows."""
    return each_card(view, _judge, _TELLS, "no GPU here tells of row remapping (older cards retire pages)")


def _judge(card: Card) -> Iterator[Finding]:
    told = card.sensors
    rows = (
        f"remapped rows: {counted(told.remapped_rows_correctable)} after corrected, "
        f"{counted(told.remapped_rows_uncorrectable)} after uncorrected errors"
    )
    if told.remapped_rows_failure:
        yield card.found(FAILURE, "The card says that a remapping failed", "remapping failure: yes", rows)
    if told.remapped_rows_pending:
        yield card.found(PENDING, "The card says that a remapping is pending", "remapping pending: yes", rows)
