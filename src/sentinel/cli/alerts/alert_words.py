"""Alerts as a table and in full, and whether anybody looks for them. Pure but for the time zone.

Called by the commands about alerts.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sentinel.cli.colour import Paint
from sentinel.cli.columns import Column
from sentinel.cli.local.duration_text import age_since, age_text, clock_text
from sentinel.cli.table import fact_lines, table_lines
from sentinel.cli.text_width import width_of
from sentinel.cli.text_wrap import wrapped
from sentinel.core.timestamp import epoch

Row = Mapping[str, Any]

LONG_AGO = 60.0
"""Seconds after which the last look says nothing about now."""
SHORT = 8  # characters of an id, which the API takes for the whole of it

_COLUMNS = (
    Column(title="ID"),
    Column(title="SEVERITY"),
    Column(title="STATE"),
    Column(title="SINCE", right=True),
    Column(title="RULE", least=8, most=20),
    Column(title="SUMMARY", least=24, sentence=True),
)
_PAINTS = {"critical": Paint.BAD, "warning": Paint.NOTICE, "info": Paint.PLAIN}


def alert_lines(alerts: Sequence[Row], now: float, width: int | None, *, colours: bool) -> list[str]:
    """The table, a heading first. What is resolved, or not told, is dim."""
    rows = [
        (
            one["fingerprint"][:SHORT],
            one["severity"],
            _short_state(one),
            _since(one, now),
            one["rule"],
            one["summary"],
        )
        for one in alerts
    ]
    paints = [_paint(one) for one in alerts]
    return table_lines(_COLUMNS, rows, width, paints=paints, painted_column="SEVERITY", colours=colours)


def state_text(alert: Row) -> str:
    """With what keeps people from being told of it."""
    words = [str(alert["state"])]
    if alert["muted"]:
        words.append(str(alert["muted"]["how"]))
    if alert["ack"]:
        words.append("acked")
    return ",".join(words)


def _short_state(alert: Row) -> str:
    """What is silenced, inhibited or acked is firing, unless something else is said."""
    return state_text(alert).removeprefix("firing,")


def summary_text(alerts: Sequence[Row]) -> str:
    """How many there are: "2 firing (1 critical), 1 pending"."""
    parts: list[str] = []
    for state in ("firing", "no-data", "pending"):
        those = [one for one in alerts if one["state"] == state]
        critical = sum(one["severity"] == "critical" for one in those)
        if those:
            parts.append(f"{len(those)} {state}" + (f" ({critical} critical)" if critical else ""))
    return ", ".join(parts)


def _since(alert: Row, now: float) -> str:
    return age_since(epoch(alert["ended_at"] or alert["fired_at"] or alert["started_at"]), now)


def _paint(alert: Row) -> Paint:
    quiet = alert["state"] in ("resolved", "pending") or alert["muted"] or alert["ack"]
    return Paint.DIM if quiet else _PAINTS.get(alert["severity"], Paint.PLAIN)


# ------------------------------------------------------------------ one in full


def alert_text(alert: Row, now: float, width: int | None) -> list[str]:
    """A line for each thing that there is to know."""
    value = alert["value"]
    facts: list[tuple[str, str | None]] = [
        ("Alert", alert["fingerprint"]),
        ("State", f"{state_text(alert)}: {alert['why']}"),
        ("Severity", alert["severity"]),
        ("Summary", alert["summary"]),
        ("Next step", alert["next_step"]),
        ("Rule", alert["rule"]),
        ("Value", "unknown" if value is None else f"{alert['metric']} was {value:g}"),
        ("Labels", " ".join(f"{name}={one}" for name, one in alert["labels"].items())),
        ("Began", _moment(alert["started_at"], now)),
        ("Fired", _moment(alert["fired_at"], now)),
        ("Ended", _moment(alert["ended_at"], now)),
        ("Not told", _muted(alert)),
        ("Acked", _ack(alert, now)),
        *(("Told", _told(one, now)) for one in alert["told"]),
    ]
    kept = [fact for fact in facts if fact[1]]
    if not alert["told"] and alert["state"] in ("firing", "no-data") and not alert["muted"]:
        kept.append(("Told", "nobody yet; where alerts go: sentinel alert route list"))
    lines = fact_lines(kept)
    if width is None:
        return lines
    indent = max(len(name) for name, _ in kept) + 2
    return [line for long in lines for line in _fitted(long, indent, width)]


def _fitted(line: str, indent: int, width: int) -> list[str]:
    if width_of(line) <= width:
        return [line]
    first, *others = wrapped(line[indent:], width - indent)
    return [line[:indent] + first, *(" " * indent + other.strip() for other in others)]


def _moment(text: str | None, now: float) -> str | None:
    if text is None:
        return None
    at = epoch(text)
    return f"{clock_text(at)} ({age_since(at, now)} ago)"


def _muted(alert: Row) -> str | None:
    muted = alert["muted"]
    if not muted:
        return None
    until = f", until {clock_text(epoch(muted['until']))}" if muted["until"] else ""
    return f"{muted['how']} by {muted['by']} ({muted['why']}){until}"


def _ack(alert: Row, now: float) -> str | None:
    ack = alert["ack"]
    if not ack:
        return None
    why = f": {ack['why']}" if ack["why"] else ""
    return f"{ack['by']}, {_moment(ack['at'], now)}{why}"


def _told(one: Row, now: float) -> str:
    match one["state"]:
        case "sent":
            return f"{one['channel']}, {_moment(one['at'], now)}"
        case "given-up":
            return f"{one['channel']} could not be told: {one['error']}"
        case "waiting":
            return f"{one['channel']}, not yet" + (f": {one['error']}" if one["error"] else "")
        case _:
            return f"{one['channel']}, more than a day ago"


# ------------------------------------------------------------------ whether anybody looks


def watch_warnings(watch: Row | None) -> list[str]:
    """What keeps the list of alerts from being the truth; none when all is well."""
    if watch is None:
        return [
            "NOBODY LOOKS FOR ALERTS: the controller's watch has never said that it looked; is [alerting] "
            "switched off, or does the log of `sentinel server` say why?"
        ]
    found: list[str] = []
    age = watch["age"]
    if age > LONG_AGO:
        found.append(
            f"NOBODY LOOKS FOR ALERTS: the last look was {age_text(age)} ago, and what came since is not "
            "known; the log of `sentinel server` says why"
        )
    if watch.get("history") not in (None, "ok"):
        found.append(f"the history does not answer, so rules see nothing: {watch['history']}")
    if watch.get("alertmanager") not in (None, "ok"):
        found.append(f"the Alertmanager does not answer: {watch['alertmanager']}")
    return found


def is_looked_at(watch: Row | None) -> bool:
    """Whether that there are no alerts means that there are none."""
    return watch is not None and watch["age"] <= LONG_AGO and watch.get("history") in (None, "ok")
