"""Groups of alerts, and the notices that go out about them. Nouns; made by dedup, sent from the outbox.

A *notice* tells the channels of one group how its alerts stand. Its key is the same whenever it is worked out
again from the same state, so that whoever keeps or receives it twice knows it by that.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sentinel.core.alert import Alert, AlertState
from sentinel.core.clock import rfc3339
from sentinel.core.series import Labels


class Reason(StrEnum):
    """NEWS: something began, changed or ended. REMINDER: what was told still stands."""

    NEWS = "news"
    REMINDER = "reminder"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Alerts that are told together. Durations are sums of what each round measured, as in core.alert.

    `told`: by fingerprint, each alert that people believe to stand, as they were told of it. What is in it
    and stands no more is told as resolved, even where its alert is no longer kept. `sequence` counts notices.
    """

    id: str
    route: str
    channels: tuple[str, ...]
    labels: Labels
    born: float  # epoch; with it, the keys of a group that was forgotten are not given out again
    told: Mapping[str, Alert] = field(default_factory=dict[str, Alert])
    sequence: int = 0
    since_told: float | None = None  # seconds since the last notice; None: there was none
    waiting: float | None = None  # seconds that there has been something to tell; None: there is not


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """`alerts` is the whole group as it stands, and what was resolved. `fresh`: fingerprints of those that
    this notice is about; the others were told before."""

    key: str
    group: str
    route: str
    channels: tuple[str, ...]
    labels: Labels
    born: float
    sequence: int
    reason: Reason
    made_at: float  # epoch
    alerts: tuple[Alert, ...]
    fresh: tuple[str, ...]

    @property
    def about(self) -> tuple[Alert, ...]:
        """The alerts that are fresh."""
        fresh = set(self.fresh)
        return tuple(alert for alert in self.alerts if alert.fingerprint in fresh)


def group_id(route: str, channels: tuple[str, ...], labels: Labels) -> str:
    """Other channels are another group: they have to be told from the beginning."""
    return _digest(route, *channels, "", *(part for pair in labels for part in pair))[:16]


def notice_of(
    group: Group, reason: Reason, alerts: tuple[Alert, ...], fresh: tuple[str, ...], wall: float
) -> Notice:
    """The next notice of `group`."""
    parts = [group.id, rfc3339(group.born), str(group.sequence), reason.value]
    for alert in alerts:
        parts += (alert.fingerprint, alert.state.value, alert.severity.value, rfc3339(alert.started_at))
    return Notice(
        key=_digest(*parts)[:32],
        group=group.id,
        route=group.route,
        channels=group.channels,
        labels=group.labels,
        born=group.born,
        sequence=group.sequence,
        reason=reason,
        made_at=wall,
        alerts=alerts,
        fresh=fresh,
    )


def absorbed(group: Group | None, notice: Notice) -> Group:
    """`group` after `notice` is in the outbox. Told twice is told once; the group need not be known.

    After a restart, what is in the outbox is absorbed (round.recovered): a crash between keeping the outbox
    and keeping the groups then tells nothing twice.
    """
    if group is None:
        group = Group(
            id=notice.group,
            route=notice.route,
            channels=notice.channels,
            labels=notice.labels,
            born=notice.born,
            sequence=notice.sequence,
        )
    if notice.sequence < group.sequence:
        return group
    told = dict(group.told)
    for alert in notice.alerts:
        if alert.state is AlertState.RESOLVED:
            told.pop(alert.fingerprint, None)
        else:
            told[alert.fingerprint] = alert
    return Group(
        id=group.id,
        route=group.route,
        channels=group.channels,
        labels=group.labels,
        born=group.born,
        told=told,
        sequence=notice.sequence + 1,
        since_told=0.0,
    )


def _digest(*parts: str) -> str:
    """Each part with its length, so that no two lists of parts are the same text."""
    raw = [part.encode(errors="backslashreplace") for part in parts]
    return hashlib.sha256(b"".join(b"%d:%b" % (len(part), part) for part in raw)).hexdigest()
