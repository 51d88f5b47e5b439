"""One card as a component looks at it, and the rule for what follows from cards that do not tell.

Used by each component that judges cards one by one. A value that is None means one of two things:

- **The card has no such sensor** (a GeForce has no ECC). It is skipped. When no card here has it, the
  component is unsure and says so: it has seen nothing, and nothing is not ok.
- **It could not be read**: the card is broken (`Gpu.error`), was read without its sensors, told it earlier,
  or a card of the same model and MIG mode tells it now. The component is unsure about this card.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median

from sentinel.core.finding import Bad, Finding, GpuRef, Ok, Proof, Severity, Unsure, Verdict
from sentinel.core.gpu import Gpu
from sentinel.core.gpu_sensors import GpuSensors
from sentinel.health.condition import Condition
from sentinel.health.view import HealthView, Seen, ref

LOADED_PERCENT = 80.0
"""From this utilisation on a card counts as under load: below it, it lowers its clocks and link at will."""

_NO_SENSORS = GpuSensors()


@dataclass(frozen=True, slots=True)
class Card:
    """`past` is oldest first, and without the present."""

    gpu: Gpu
    past: tuple[Seen, ...]
    now: float
    source: str

    @property
    def sensors(self) -> GpuSensors:
        return sensors(self.gpu)

    @property
    def ref(self) -> GpuRef:
        return ref(self.gpu)

    @property
    def loaded(self) -> bool:
        return loaded(self.gpu)

    def proof(self, read: str) -> Proof:
        """`read` was read of this card, now."""
        return Proof(read=read, where=f"{self.source}, GPU {self.gpu.index}", at=self.now)

    def found(
        self,
        condition: Condition,
        cause: str,
        *read: str,
        severity: Severity | None = None,
        quarantine: bool | None = None,
        count: int = 1,
    ) -> Finding:
        """`condition` on this card, proved by what was read."""
        proofs = tuple(self.proof(one) for one in read)
        return condition.found(self.ref, cause, proofs, severity=severity, quarantine=quarantine, count=count)

    def lasting(self, seconds: float, holds: Callable[[Gpu], bool]) -> bool:
        """Whether `holds` now and has for `seconds`; with no past to go by, that it holds now is enough."""
        if not holds(self.gpu):
            return False
        if not self.past:
            return True
        begin = self.now - seconds
        recent = [one for one in self.past if one.at >= begin]
        before = [one for one in self.past if one.at <= begin][-1:]
        return bool(before) and all(holds(one.gpu) for one in (*before, *recent))

    def growth(self, count: Callable[[Gpu], int | None]) -> tuple[int, float] | None:
        """How much a counter grew over the past and the seconds that took; None where that is not known.

        A counter that fell was reset (the driver was loaded anew), so it is counted from there.
        """
        present = count(self.gpu)
        if present is None or not self.past:
            return None
        oldest = self.past[0]
        if count(oldest.gpu) == present and self.now > oldest.at:
            return (0, self.now - oldest.at)  # the usual case, without a look at all that lies between
        told = [(one.at, value) for one in self.past if (value := count(one.gpu)) is not None]
        if not told:
            return None
        told.append((self.now, present))
        start = next((i for i in range(len(told) - 1, 0, -1) if told[i][1] < told[i - 1][1]), 0)
        (began, least), (ended, most) = told[start], told[-1]
        return (most - least, ended - began) if ended > began else None


Tells = Callable[[Gpu], bool]
Judge = Callable[[Card], Iterable[Finding]]


def sensors(gpu: Gpu) -> GpuSensors:
    """Its sensors; with none read, all of them unknown."""
    return gpu.sensors or _NO_SENSORS


def loaded(gpu: Gpu) -> bool:
    """Known to be under load."""
    return gpu.utilization_percent is not None and gpu.utilization_percent >= LOADED_PERCENT


def tells(*fields: str) -> Tells:
    """Whether a card tells any of these fields of its sensors."""
    return lambda gpu: any(getattr(sensors(gpu), field) is not None for field in fields)


def middle(values: Iterable[float | None]) -> float | None:
    """The median of what is known."""
    known = [value for value in values if value is not None]
    return median(known) if known else None


def counted(count: int | None) -> str:
    """`count` for people."""
    return "unknown" if count is None else str(count)


def cards(view: HealthView) -> tuple[Card, ...]:
    """The cards of `view`; none when they could not be read."""
    source = "" if view.reading is None or isinstance(view.reading, str) else view.reading.source
    return tuple(Card(gpu, view.earlier.get(gpu.uuid, ()), view.now, source) for gpu in view.gpus or ())


def each_card(view: HealthView, judge: Judge, told: Tells, lacking: str) -> Verdict:
    """What `judge` finds on the cards that tell; `lacking` says what none of them has, as a sentence."""
    if view.gpus is None:
        return Unsure(view.unread)
    if not view.gpus:
        return Unsure("no GPU was found")
    findings: list[Finding] = []
    mute: list[Card] = []
    spoken: set[tuple[str | None, bool | None]] = set()
    for card in cards(view):
        if told(card.gpu):
            spoken.add(_model(card.gpu))
            findings += judge(card)
        else:
            mute.append(card)
    silent = [card for card in mute if _unreadable(card, told, spoken)]
    if silent:
        return Unsure(_silence(silent), tuple(findings), gpus=tuple(card.ref for card in silent))
    if findings:
        return Bad(tuple(findings))
    return Ok() if spoken else Unsure(lacking)


def _model(gpu: Gpu) -> tuple[str | None, bool | None]:
    return (gpu.name, gpu.mig_enabled)


def _unreadable(card: Card, told: Tells, spoken: set[tuple[str | None, bool | None]]) -> bool:
    gpu = card.gpu
    if gpu.error or gpu.sensors is None or (gpu.name and _model(gpu) in spoken):
        return True
    return any(_model(one.gpu) == _model(gpu) and told(one.gpu) for one in reversed(card.past))


def _silence(silent: list[Card]) -> str:
    first = silent[0].gpu
    why = first.error or ("its sensors were not read" if first.sensors is None else "it does not tell")
    more = f", and {len(silent) - 1} more" if len(silent) > 1 else ""
    return f"GPU {first.index}: {why}{more}"
