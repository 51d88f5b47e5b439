"""What answers about alerts look like, for /openapi.json alone; as in api.described."""

from typing import Literal

from pydantic import Field

from sentinel.api.described import PageShape, Shape

AlertStateName = Literal["pending", "firing", "no-data", "resolved"]
SeverityName = Literal["info", "warning", "critical"]
DeliveryStateName = Literal["waiting", "sent", "given-up"]
Matches = dict[str, list[str]]


class AckShape(Shape):
    """Who has seen it."""

    by: str
    at: str
    why: str


class MutedShape(Shape):
    """Why nobody is told. `by`: the id of a silence, or of the alert that inhibits. `until` null: unknown."""

    how: Literal["silenced", "inhibited"]
    by: str
    why: str
    until: str | None


class ToldShape(Shape):
    """Which channel was told. `state` null: longer ago than deliveries are kept."""

    channel: str
    state: DeliveryStateName | None
    at: str | None
    error: str


class AlertShape(Shape):
    """An alert. Times are RFC 3339 UTC; null is unknown or not yet."""

    fingerprint: str
    rule: str
    metric: str
    state: AlertStateName
    severity: SeverityName
    labels: dict[str, str]
    series: dict[str, str]
    extra: dict[str, str]
    annotations: dict[str, str]
    value: float | None
    started_at: str
    fired_at: str | None
    ended_at: str | None
    why: str
    ack: AckShape | None
    held: float
    clear: float | None
    blind: float | None
    summary: str
    next_step: str | None
    muted: MutedShape | None
    told: list[ToldShape]


class WatchShape(Shape):
    """How whoever looks for alerts fared when they last looked, `age` seconds ago. `seconds`: how long that
    took, for as many `series`. `history`, `alertmanager`: "ok", or why it did not answer; null: none is
    there."""

    round_at: str
    age: float
    seconds: float
    series: int
    history: str
    alertmanager: str | None


class AlertPageShape(PageShape[AlertShape]):
    """`watch` null: nobody has ever looked, so that no alerts means nothing."""

    watch: WatchShape | None


class RuleShape(Shape):
    """A rule. Durations are seconds."""

    name: str
    metric: str
    of: str | None
    op: Literal[">", ">=", "<", "<=", "==", "!="]
    threshold: float
    hold: float = Field(alias="for", description="How long it has to hold.")
    keep_firing_for: float
    severity: SeverityName
    labels: dict[str, str]
    scope: Matches
    annotations: dict[str, str]
    no_data: Literal["alert", "ok", "ignore"]
    enabled: bool
    origin: Literal["shipped", "own", "changed"]


class ListedRuleShape(RuleShape):
    """`standing`: how many of its alerts are firing or without data."""

    standing: int


class WrittenRuleShape(RuleShape):
    """`did`: what writing it did."""

    did: Literal["created", "changed", "unchanged"]


class FiredShape(Shape):
    """Once that it would have fired. `peak` is the value furthest from the threshold."""

    labels: dict[str, str]
    state: Literal["firing", "no-data"]
    began: str
    ended: str | None
    peak: float | None


class PreviewShape(Shape):
    """What a rule would have done. `fired` has the newest, `times` counts all."""

    since: str
    until: str
    step: float
    says: str
    times: int
    series: int
    brief: int
    points: int
    unknown: int
    fired: list[FiredShape]


class WeeklyShape(Shape):
    """Hours that come again each week."""

    days: list[str]
    begin: str
    end: str
    zone: str


class SilenceShape(Shape):
    """A silence. `until`: when it ends for now, of an active one."""

    id: str
    matches: Matches
    start: str
    end: str
    by: str
    why: str
    weekly: WeeklyShape | None
    state: Literal["active", "waiting", "ended"]
    until: str | None


class ChannelShape(Shape):
    """A channel, without its secrets."""

    name: str
    kind: Literal["webhook", "alertmanager-webhook", "pagerduty", "apprise"]
    to: str
    signed: bool
    headers: list[str]
    ca_file: str | None
    timeout: float


class FaresShape(Shape):
    """How the sending to a channel goes; `error` is empty when all is well."""

    waiting: int
    sent: int
    given_up: int
    last_sent_at: str | None
    error: str


class ListedChannelShape(ChannelShape):
    """The same, and how it fares."""

    fares: FaresShape


class SentShape(Shape):
    """That a test message was taken."""

    sent: Literal[True]


class RouteShape(Shape):
    """A route. Durations are seconds; `repeat_interval` 0: no reminders."""

    name: str
    channels: list[str]
    matches: Matches
    group_by: list[str]
    group_wait: float
    group_interval: float
    repeat_interval: float
    goes_on: bool


class InhibitionShape(Shape):
    """What is not told while something else fires."""

    name: str
    source: Matches
    target: Matches
    equal: list[str]


class RoutesShape(Shape):
    """`default`: nobody wrote routes, so all channels hear of everything. `shipped_inhibitions` hold, too,
    but for those whose names are among `inhibitions`."""

    default: bool
    routes: list[RouteShape]
    inhibitions: list[InhibitionShape]
    shipped_inhibitions: list[InhibitionShape]


class ToldOfShape(Shape):
    """An alert that a delivery is about."""

    fingerprint: str
    rule: str
    state: AlertStateName


class DeliveryShape(Shape):
    """What one channel is, was or could not be told."""

    key: str
    channel: str
    state: DeliveryStateName
    attempts: int
    wait: float
    error: str
    made_at: str
    ended_at: str | None
    reason: str
    route: str
    group: str
    title: str
    alerts: list[ToldOfShape]
