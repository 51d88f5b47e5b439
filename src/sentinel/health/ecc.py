"""Memory errors by the card's own count. Listed in `components`.

An uncorrectable error since the driver was loaded takes the card out: it lost somebody's data, and NVIDIA's
"GPU Memory Error Management" has the card reset before it is relied on again, which also sets that count
to zero. The lifetime count alone does not: what it counts may long have been remapped.
"""

from collections.abc import Iterator

from sentinel.core.finding import Finding, Layer, Severity, Verdict
from sentinel.core.gpu import Gpu
from sentinel.health.card import Card, counted, each_card, sensors, tells
from sentinel.health.condition import Condition
from sentinel.health.view import HealthView

CORRECTED_PER_HOUR = 1000.0
"""NVIDIA names no limit, as corrected errors cost no data. Healthy cards show a few a month."""

CORRECTED_AT_LEAST = 100
"""In the window, so that a single burst from one row is not read as a rate."""

UNCORRECTED = Condition(
    component="ecc",
    code="ecc.uncorrected",
    severity=Severity.CRITICAL,
    layer=Layer.HARDWARE,
    title="Uncorrectable memory errors",
    about="The GPU's memory had errors that ECC could not correct since the driver was loaded.",
    next_step="Move work off this GPU and reset it (nvidia-smi --gpu-reset -i {gpu}, or reboot). If the "
    "errors "
    "come back, run NVIDIA's field diagnostics (dcgmi diag -r 3) and have the card replaced.",
    quarantine=True,
)
CORRECTED = Condition(
    component="ecc",
    code="ecc.corrected-rate",
    severity=Severity.WARNING,
    layer=Layer.HARDWARE,
    title="Many corrected memory errors",
    about=f"ECC corrects more than {CORRECTED_PER_HOUR:g} errors an hour: nothing is lost yet.",
    next_step="Watch it: nvidia-smi -q -d ECC -i {gpu}. Reset the GPU when it is next free; if the rate "
    "stays, "
    "have the card tested (dcgmi diag -r 3).",
)
CONDITIONS = (UNCORRECTED, CORRECTED)
_TELLS = tells(
    "ecc_corrected_volatile",
    "ecc_uncorrected_volatile",
    "ecc_corrected_aggregate",
    "ecc_uncorrected_aggregate",
)
_COUNTERS = {
    "uncorrected": ("ecc_uncorrected_volatile", "ecc_uncorrected_aggregate"),
    "corrected": ("ecc_corrected_volatile", "ecc_corrected_aggregate"),
}


def check(view: HealthView) -> Verdict:
    """Unsure where no card counts ECC errors."""
    return each_card(view, _judge, _TELLS, "no GPU here counts memory errors (it has no ECC, or it is off)")


def _judge(card: Card) -> Iterator[Finding]:
    since_load = card.sensors.ecc_uncorrected_volatile
    grown = card.growth(lambda gpu: _count(gpu, "uncorrected"))
    many = since_load or (grown[0] if grown else 0)
    if many:
        span = "since the driver was loaded" if since_load else "in the last minutes"
        yield card.found(
            UNCORRECTED,
            f"{many} uncorrectable memory error{'s' if many > 1 else ''} {span}",
            f"uncorrected errors: {counted(since_load)} since the driver was loaded, "
            f"{counted(card.sensors.ecc_uncorrected_aggregate)} in all",
            count=many,
        )
    growth = card.growth(lambda gpu: _count(gpu, "corrected"))
    if growth and growth[0] >= CORRECTED_AT_LEAST and growth[0] * 3600 > CORRECTED_PER_HOUR * growth[1]:
        yield card.found(
            CORRECTED,
            f"{growth[0]} memory errors were corrected in {growth[1]:.0f} s",
            f"corrected errors: {counted(_count(card.gpu, 'corrected'))}",
        )


def _count(gpu: Gpu, kind: str) -> int | None:
    volatile, aggregate = (getattr(sensors(gpu), field) for field in _COUNTERS[kind])
    return aggregate if volatile is None else volatile
