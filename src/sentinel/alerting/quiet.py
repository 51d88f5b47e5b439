"""Which alerts are not told now, and why not: silences and inhibitions. Pure. Called by `round`; `sentinel
alert list` shows the answer, as what is not told is still visible."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sentinel.alerting.silencing import in_force_until
from sentinel.core.alert import Alert, AlertState, Inhibition, Silence, matched


class Hush(StrEnum):
    """SILENCED by a person, INHIBITED by a worse alert."""

    SILENCED = "silenced"
    INHIBITED = "inhibited"


@dataclass(frozen=True, slots=True, kw_only=True)
class Muted:
    """`by`: the id of the silence, or the fingerprint of the alert. `until`: epoch; None is not known."""

    how: Hush
    by: str
    why: str
    until: float | None = None


Elsewhere = Callable[[Alert], Muted | None]
"""What is silenced in another place than ours: in an Alertmanager."""

_InForce = tuple[Silence, float]  # and until when


class Quiet:
    """The silences and inhibitions in force at one moment, worked out once for all alerts."""

    def __init__(
        self,
        silences: Iterable[Silence],
        inhibitions: Sequence[Inhibition],
        alerts: Collection[Alert],
        wall: float,
        elsewhere: Elsewhere | None = None,
    ) -> None:
        ends = ((silence, in_force_until(silence, wall)) for silence in silences)
        self._silences = _Index([(silence, until) for silence, until in ends if until is not None])
        self._inhibitions = [(one, _sources(one, alerts)) for one in inhibitions] if inhibitions else []
        self._elsewhere = elsewhere

    def muted(self, alert: Alert) -> Muted | None:
        """Why `alert` is not told now; None: it is."""
        if not self._silences and not self._inhibitions and self._elsewhere is None:
            return None
        facts = alert.facts
        for silence, until in self._silences.candidates(facts):
            if matched(silence.matches, facts):
                return Muted(
                    how=Hush.SILENCED, by=silence.id, why=f"{silence.by}: {silence.why}", until=until
                )
        for inhibition, sources in self._inhibitions:
            # What is a source as well does not silence itself, nor do two such alerts silence each other.
            if not matched(inhibition.target, facts) or matched(inhibition.source, facts):
                continue
            source = sources.get(tuple(facts.get(name, "") for name in inhibition.equal))
            if source is not None:
                return Muted(how=Hush.INHIBITED, by=source.fingerprint, why=f"{source.rule} is firing")
        return None if self._elsewhere is None else self._elsewhere(alert)


class _Index:
    """Silences by a label that they want exactly: with a hundred of them, few need be looked at for an
    alert."""

    def __init__(self, silences: Sequence[_InForce]) -> None:
        self._exactly: dict[str, dict[str, list[_InForce]]] = {}
        self._others: list[_InForce] = []
        for one in silences:
            exact = (
                (name, of) for name, of in one[0].matches.items() if not any("*" in value for value in of)
            )
            name, values = next(exact, ("", ()))
            for value in values:
                self._exactly.setdefault(name, {}).setdefault(value, []).append(one)
            if not values:
                self._others.append(one)

    def __bool__(self) -> bool:
        return bool(self._exactly or self._others)

    def candidates(self, facts: Mapping[str, str]) -> Iterator[_InForce]:
        """Those that may match; no other does."""
        for name, by_value in self._exactly.items():
            yield from by_value.get(facts.get(name, ""), ())
        yield from self._others


def _sources(inhibition: Inhibition, alerts: Iterable[Alert]) -> dict[tuple[str, ...], Alert]:
    found: dict[tuple[str, ...], Alert] = {}
    for alert in alerts:
        if alert.state is AlertState.FIRING and matched(inhibition.source, facts := alert.facts):
            found.setdefault(tuple(facts.get(name, "") for name in inhibition.equal), alert)
    return found
