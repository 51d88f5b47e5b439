"""What may be sent about alerts: rules, silences, channels, routes. Used by their routes; the rest is in
api.requests.

The limits are those of core.alert_fields, so that what passes here is read there without a refusal, but for
what one field forbids another.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints

from sentinel.api.account_requests import Time
from sentinel.api.requests import LONGEST_NAME, Request
from sentinel.core.alert_fields import LONGEST, MOST_TEXT, MOST_VALUES
from sentinel.core.alert_json import DAYS

MOST_ROUTES = 200
MOST_CHANNELS = 100
GREATEST = 1e300
RESERVED = frozenset(("rule", "severity", "metric"))  # as in core.rule_json

NAME = r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}$"
CHANNEL_NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
_LABEL = r"^[A-Za-z_][A-Za-z0-9_]{0,127}$"
_METRIC = r"^[A-Za-z_:][A-Za-z0-9_:]{0,199}$"
_DURATION = r"^([0-9]{1,4}(\.[0-9]{1,3})?(ms|s|m|h)|[0-9]{1,3}(\.[0-9]{1,3})?d)$"
_SINCE = r"^([1-9][0-9]{0,3}m|[1-9][0-9]{0,2}h|[1-9][0-9]?d)$"
_CLOCK = r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"
_SENTENCE = r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$"

RuleName = Annotated[str, StringConstraints(pattern=NAME)]
ChannelName = Annotated[str, StringConstraints(pattern=CHANNEL_NAME)]
Label = Annotated[str, StringConstraints(pattern=_LABEL)]
Metric = Annotated[str, StringConstraints(pattern=_METRIC)]
Words = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=MOST_TEXT)]
Why = Annotated[str, StringConstraints(pattern=_SENTENCE, max_length=LONGEST_NAME)]
Seconds = Annotated[float, Field(ge=0, le=LONGEST)] | Annotated[str, StringConstraints(pattern=_DURATION)]
Values = Words | Annotated[list[Words], Field(min_length=1, max_length=MOST_VALUES)]


def _object_of(value: dict[str, Any], *, without: frozenset[str] = frozenset(), least: int = 0) -> Any:
    """A field that is an object of labels, as /openapi.json is to show it."""
    names: dict[str, Any] = {"pattern": _LABEL}
    if without:
        names["not"] = {"enum": sorted(without)}
    extra: dict[str, Any] = {"propertyNames": names, "additionalProperties": value, "patternProperties": {}}
    return Field(min_length=least, max_length=MOST_VALUES, json_schema_extra=extra)


def _unreserved(labels: dict[str, str]) -> dict[str, str]:
    if taken := RESERVED & labels.keys():
        raise ValueError(f"{min(taken)} is what every alert has by itself; choose another name")
    return labels


_WORDS = {"type": "string", "pattern": "^[^\\x00]*$", "maxLength": MOST_TEXT}
_VALUES = {"anyOf": [_WORDS, {"type": "array", "items": _WORDS, "minItems": 1, "maxItems": MOST_VALUES}]}
Texts = Annotated[dict[Label, Words], _object_of(_WORDS)]
ExtraLabels = Annotated[dict[Label, Words], _object_of(_WORDS, without=RESERVED), AfterValidator(_unreserved)]
MatchesAny = Annotated[dict[Label, Values], _object_of(_VALUES)]
MatchesSome = Annotated[dict[Label, Values], _object_of(_VALUES, least=1)]


class AsWritten(Request):
    """One that core reads again, from what was given."""

    def given(self) -> dict[str, Any]:
        """What was sent, and nothing else."""
        return self.model_dump(by_alias=True, exclude_unset=True)


class RuleRequest(AsWritten):
    """An alert rule in full: what is left out is as in a new one. `name` is the one in the address."""

    name: RuleName | None = None
    metric: Metric
    of: Metric | None = Field(None, description="Another metric: the value is then in percent of it.")
    op: Literal[">", ">=", "<", "<=", "==", "!="]
    threshold: float = Field(ge=-GREATEST, le=GREATEST)
    hold: Seconds = Field(0.0, alias="for", description="How long it has to hold: seconds, or text like 2m.")
    keep_firing_for: Seconds = 0.0
    severity: Literal["info", "warning", "critical"] = "warning"
    labels: ExtraLabels = Field(default_factory=dict[str, str], description="Added to its alerts.")
    scope: MatchesAny = Field(
        default_factory=dict[str, str | list[str]], description="Which series: label → one or more values."
    )
    annotations: Texts = Field(
        default_factory=dict[str, str], description="`summary` and `next_step`; {label} and {value} in them."
    )
    no_data: Literal["alert", "ok", "ignore"] = "ignore"
    enabled: bool = True


class PreviewRequest(Request):
    """A rule to be tried, and since when."""

    rule: RuleRequest
    since: Annotated[str, StringConstraints(pattern=_SINCE)] = Field(
        "7d", description="How far back: 90m, 12h, 7d."
    )


class WeeklyRequest(AsWritten):
    """Hours that come again each week, by the clock on the wall in `zone`."""

    days: Annotated[list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]], Field(min_length=1)] = (
        Field(max_length=len(DAYS))
    )
    begin: Annotated[str, StringConstraints(pattern=_CLOCK)] = "00:00"
    end: Annotated[str, StringConstraints(pattern=_CLOCK)] = Field(
        "24:00", description="Not after `begin`: on the next day."
    )
    zone: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_+/-]{1,64}$")] = Field(
        description="Europe/Berlin, UTC, …"
    )


class SilenceRequest(AsWritten):
    """Whom nobody is told of, and until when."""

    matches: MatchesSome = Field(
        description="Label → one or more values; gpu* is a beginning. `rule`, `severity`, `metric` count."
    )
    start: Time | None = Field(None, description="Else now.")
    end: Time
    why: Why
    weekly: WeeklyRequest | None = Field(None, description="In those hours alone.")


class ChannelRequest(AsWritten):
    """A channel in full, with its secrets, which are never shown again."""

    kind: Literal["webhook", "alertmanager-webhook", "pagerduty", "apprise"]
    url: Annotated[str, StringConstraints(pattern=r"^[^\x00-\x20\x7f]+$", max_length=MOST_TEXT)] | None = (
        Field(None, json_schema_extra={"format": "password"}, description="A secret. PagerDuty has its own.")
    )
    secret: Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=1024)] | None = Field(
        None, json_schema_extra={"format": "password"}, description="What a webhook is signed with."
    )
    headers: dict[str, str] = Field(default_factory=dict[str, str], description="Secrets, as well.")
    ca_file: Annotated[str, StringConstraints(pattern=r"^/[^\x00]*$", max_length=4096)] | None = Field(
        None, description="Authorities to trust, a file on the controller."
    )
    timeout: (
        Annotated[float, Field(ge=1, le=60)] | Annotated[str, StringConstraints(pattern=r"^[0-9]{1,2}s$")]
    ) = Field(10.0, description="For one message: seconds, or text like 10s.")


class RouteRequest(AsWritten):
    """Who is told of what, and how often."""

    name: RuleName
    channels: Annotated[list[ChannelName], Field(min_length=1, max_length=MOST_CHANNELS)]
    matches: MatchesAny = Field(default_factory=dict[str, str | list[str]], description="None: all alerts.")
    group_by: Annotated[list[Label], Field(max_length=20)] = Field(default_factory=lambda: ["rule"])
    group_wait: Seconds = 0.0
    group_interval: Seconds = 60.0
    repeat_interval: Seconds = Field(4 * 3600.0, description="0: no reminders.")
    goes_on: bool = Field(False, description="Those after it are tried, too.")


class InhibitionRequest(AsWritten):
    """While something that `source` matches fires, nobody is told of what `target` matches."""

    name: RuleName
    source: MatchesSome
    target: MatchesSome
    equal: Annotated[list[Label], Field(max_length=20)] = Field(default_factory=list[str])


class RoutesRequest(Request):
    """All routes in the order in which they are tried, and all inhibitions of the site's own."""

    routes: list[RouteRequest] = Field(default_factory=list[RouteRequest], max_length=MOST_ROUTES)
    inhibitions: list[InhibitionRequest] = Field(
        default_factory=list[InhibitionRequest], max_length=MOST_ROUTES
    )
