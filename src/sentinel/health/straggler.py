"""One card that is slower than its like under like load: it holds up a whole training job. In `components`.

Compared are the medians of the last minutes of cards of one model that were all busy, so one odd look does
not count. By the SM clock; where cards tell none, by their power draw.
"""

from collections.abc import Callable, Iterable
from statistics import median

from sentinel.core.finding import Bad, Finding, Layer, Ok, Severity, Unsure, Verdict
from sentinel.core.gpu import Gpu
from sentinel.health.card import LOADED_PERCENT, Card, cards, middle, sensors
from sentinel.health.condition import Condition
from sentinel.health.view import HealthView

EQUALS = 3
"""Of two, nobody can say which is the odd one."""

LOOKS, SPAN = 4, 60.0
"""So many looks and seconds at least, each of them under load."""

SLOW_CLOCK, SLOW_POWER = 0.85, 0.6
"""Of the others' median. Good cards of a model differ by some 5 % in clock, and by far more in power."""

SPREADS = 4.0
"""How many median deviations of the others away: where those differ a lot, no card is odd."""

STRAGGLER = Condition(
    component="straggler",
    code="straggler",
    severity=Severity.WARNING,
    layer=Layer.HARDWARE,
    title="Slower than its like",
    about="Under like load the card runs clearly slower than the others of its model here.",
    next_step="Compare it with the others: nvidia-smi -q -d CLOCK,PERFORMANCE,POWER,TEMPERATURE -i {gpu}. "
    "Mostly it is "
    "heat, a power limit or locked clocks (nvidia-smi -i {gpu} -rgc); else reset it when it is free.",
)
CONDITIONS = (STRAGGLER,)


def check(view: HealthView) -> Verdict:
    """Unsure unless three cards of one model were busy for a minute."""
    if view.gpus is None:
        return Unsure(view.unread)
    groups: dict[tuple[str, bool | None], list[Card]] = {}
    for card in cards(view):
        if card.gpu.name and _busy(card):
            groups.setdefault((card.gpu.name, card.gpu.mig_enabled), []).append(card)
    alike = [group for group in groups.values() if len(group) >= EQUALS]
    if not alike:
        return Unsure(f"it takes {EQUALS} GPUs of one model that were busy for {SPAN:g} s to compare them")
    findings = [finding for group in alike for finding in _slow(group)]
    compared = sum(len(group) for group in alike)
    if compared < len(view.gpus):
        placed = {card.gpu.uuid for group in alike for card in group}
        left = tuple(card.ref for card in cards(view) if card.gpu.uuid not in placed)
        return Unsure(f"{len(left)} of the GPUs were not busy or have no equals", tuple(findings), gpus=left)
    return Bad(tuple(findings)) if findings else Ok()


def _looks(card: Card) -> tuple[Gpu, ...]:
    begin = card.now - 5 * SPAN
    return (*(one.gpu for one in card.past if one.at >= begin), card.gpu)


def _busy(card: Card) -> bool:
    looks = _looks(card)
    long = bool(card.past) and card.now - card.past[0].at >= SPAN
    busy = middle(gpu.utilization_percent for gpu in looks)
    tells = any(measure(gpu) is not None for gpu in looks for measure, _ in _MEASURES)
    return long and len(looks) >= LOOKS and card.loaded and (busy or 0) >= LOADED_PERCENT and tells


def _clock(gpu: Gpu) -> float | None:
    return sensors(gpu).sm_clock_hertz or None


def _power(gpu: Gpu) -> float | None:
    return gpu.power_watts or None


_MEASURES: tuple[tuple[Callable[[Gpu], float | None], float], ...] = (
    (_clock, SLOW_CLOCK),
    (_power, SLOW_POWER),
)


def _slow(group: list[Card]) -> Iterable[Finding]:
    for measure, least in _MEASURES:
        values = [middle(measure(gpu) for gpu in _looks(card) if gpu.utilization_percent) for card in group]
        known = [(card, value) for card, value in zip(group, values, strict=True) if value is not None]
        if len(known) < EQUALS:
            continue
        return [
            finding
            for place, (card, value) in enumerate(known)
            if (
                finding := _odd(
                    card, value, [v for i, (_, v) in enumerate(known) if i != place], measure, least
                )
            )
        ]
    return []


def _odd(
    card: Card, value: float, others: list[float], measure: Callable[[Gpu], float | None], least: float
) -> Finding | None:
    usual = median(others)
    spread = median(abs(other - usual) for other in others)
    if value >= least * usual or usual - value <= SPREADS * spread:
        return None
    unit, scale = ("MHz", 1e6) if measure is _clock else ("W", 1.0)
    return card.found(
        STRAGGLER,
        f"It runs at {value / usual:.0%} of what its {len(others)} equals do under like load",
        f"median of the last minutes: {value / scale:.0f} {unit}, of the others: {usual / scale:.0f} {unit}",
    )
