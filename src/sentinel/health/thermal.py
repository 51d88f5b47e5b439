"""Heat: slowed down because of it, or close to that. Listed in `components`.

The card knows best where its limits are: the thresholds that it tells, or its margin ("T.limit") on cards
that tell that instead. Heat wears a card but is mostly the room's or the airflow's: it takes none out.
"""

from collections.abc import Iterator

from sentinel.core.finding import Finding, Layer, Severity, Verdict
from sentinel.core.gpu_sensors import ThrottleReason
from sentinel.health.card import Card, each_card, sensors
from sentinel.health.condition import Condition
from sentinel.health.view import HealthView

NEAR_CELSIUS = 5.0
"""This close to where the card slows down: a warmer afternoon away."""

NEAR_MARGIN_CELSIUS = 3.0
"""The same by the card's margin, which counts down to its highest operating temperature, a lower one."""

MEMORY_CELSIUS = 95.0
"""HBM is rated to 95 °C; the drivers of A100 and H100 put the memory's limit there."""

GDDR_CELSIUS = 105.0
"""GDDR6X slows down at 110 °C and runs at 100 in good health."""

THROTTLED_SHARE = 0.1
"""Of the time looked at. Less is a spike that costs nobody much."""

_HARD = ThrottleReason.HW_THERMAL_SLOWDOWN
_HOT = (_HARD, ThrottleReason.SW_THERMAL_SLOWDOWN)

SLOWDOWN = Condition(
    component="thermal",
    code="thermal.slowdown",
    severity=Severity.WARNING,
    layer=Layer.HARDWARE,
    title="Slowed down by heat",
    about="The card lowers its clocks because it or its memory is too hot.",
    next_step="See whether the fans turn and the air can flow (nvidia-smi -q -d TEMPERATURE,PERFORMANCE "
    "-i {gpu}); "
    "clean the filters, check the room. Until then nvidia-smi -i {gpu} -pl WATTS makes it cooler.",
)
NEAR = Condition(
    component="thermal",
    code="thermal.near-limit",
    severity=Severity.WARNING,
    layer=Layer.HARDWARE,
    title="Close to its highest temperature",
    about=f"The card is within {NEAR_CELSIUS:g} °C of where it slows down or, worse, shuts down.",
    next_step="See whether the fans turn and the air can flow (nvidia-smi -q -d TEMPERATURE -i {gpu}).",
)
MEMORY = Condition(
    component="thermal",
    code="thermal.memory",
    severity=Severity.WARNING,
    layer=Layer.HARDWARE,
    title="Memory is hot",
    about=f"The card's memory is at {MEMORY_CELSIUS:g} °C or more ({GDDR_CELSIUS:g} on GeForce).",
    next_step="See whether air flows past the card (nvidia-smi -q -d TEMPERATURE -i {gpu}); on an old card "
    "the thermal pads may need replacing.",
)
CONDITIONS = (SLOWDOWN, NEAR, MEMORY)


def check(view: HealthView) -> Verdict:
    """Unsure where no card tells a temperature or why its clocks are low."""
    return each_card(
        view,
        _judge,
        lambda gpu: gpu.temperature_celsius is not None or sensors(gpu).throttle_reasons is not None,
        "no GPU here tells its temperature",
    )


def _judge(card: Card) -> Iterator[Finding]:
    slowed = _slowed(card)
    near = _near(card)
    if slowed:
        yield slowed
    if near and (slowed is None or near.severity is Severity.CRITICAL):
        yield near
    memory = card.sensors.memory_temperature_celsius
    limit = GDDR_CELSIUS if "GeForce" in (card.gpu.name or "") else MEMORY_CELSIUS
    if memory is not None and memory >= limit:
        yield card.found(MEMORY, f"The memory is at {memory:.0f} °C", f"memory temperature: {memory:.0f} °C")


def _slowed(card: Card) -> Finding | None:
    reasons = sorted(why.value for why in card.sensors.throttle_reasons or () if why in _HOT)
    if reasons:
        return card.found(
            SLOWDOWN,
            "The card says that heat holds its clocks down",
            f"active: {', '.join(reasons)}",
            f"temperature: {_celsius(card.gpu.temperature_celsius)}",
        )
    share = _share(card)
    if share is None or share < THROTTLED_SHARE:
        return None
    return card.found(
        SLOWDOWN,
        f"Heat held its clocks down for {share:.0%} of the last minutes",
        f"slowed down by heat: {share:.0%} of the time, by the card's counters",
        f"temperature: {_celsius(card.gpu.temperature_celsius)}",
    )


def _share(card: Card) -> float | None:
    """Of the time since the oldest look, the part that heat took; the worse of the two reasons."""
    if not card.past or not card.sensors.throttle_seconds:
        return None
    oldest = card.past[0]
    before, elapsed = sensors(oldest.gpu).throttle_seconds or {}, card.now - oldest.at
    spent = [
        now - before[why]
        for why, now in card.sensors.throttle_seconds.items()
        if why in _HOT and why in before and now >= before[why]
    ]
    return max(spent) / elapsed if spent and elapsed > 0 else None


def _near(card: Card) -> Finding | None:
    heat, told = card.gpu.temperature_celsius, card.sensors
    slows, shuts = told.slowdown_temperature_celsius, told.shutdown_temperature_celsius
    if heat is not None and shuts and heat >= shuts - NEAR_CELSIUS and (not slows or heat >= slows):
        return card.found(
            NEAR,
            f"At {heat:.0f} °C the card is close to {shuts:.0f} °C, where it switches itself off",
            f"temperature: {heat:.0f} °C, shutdown at {shuts:.0f} °C",
            severity=Severity.CRITICAL,
        )
    if heat is not None and slows and heat >= slows - NEAR_CELSIUS:
        return card.found(
            NEAR,
            f"At {heat:.0f} °C the card is close to {slows:.0f} °C, where it slows down",
            f"temperature: {heat:.0f} °C, slowdown at {slows:.0f} °C",
        )
    margin = told.temperature_margin_celsius
    if margin is not None and margin <= NEAR_MARGIN_CELSIUS:
        return card.found(
            NEAR,
            f"The card is {margin:.0f} °C below its highest operating temperature",
            f"margin: {margin:.0f} °C, temperature: {_celsius(heat)}",
        )
    return None


def _celsius(heat: float | None) -> str:
    return "unknown" if heat is None else f"{heat:.0f} °C"
