"""Channels, routes and deliveries as tables. Pure but for the time zone.

Called by the commands about them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sentinel.cli.alerts.matching import shown_matches
from sentinel.cli.alerts.silence_words import short_time
from sentinel.cli.colour import Paint
from sentinel.cli.columns import Column
from sentinel.cli.plain import one_line
from sentinel.cli.table import table_lines
from sentinel.cli.text_wrap import wrapped
from sentinel.core.units import show_duration

Row = Mapping[str, Any]

_CHANNELS = (
    Column(title="NAME", least=8, most=24),
    Column(title="KIND"),
    Column(title="TO", least=10, most=40),
    Column(title="LAST SENT"),
    Column(title="STATE", least=10, sentence=True),
)
_ROUTES = (
    Column(title="NAME", least=8, most=20),
    Column(title="WHOM", least=10, most=40),
    Column(title="CHANNELS", least=8, most=30),
    Column(title="TOGETHER", least=8, most=20),
    Column(title="AGAIN"),
    Column(title="THEN"),
)
_DELIVERIES = (
    Column(title="TIME"),
    Column(title="CHANNEL", least=6, most=20),
    Column(title="STATE"),
    Column(title="TRIES", right=True),
    Column(title="WHAT", least=16, sentence=True),
)
_PAINTS = {"given-up": Paint.BAD, "waiting": Paint.NOTICE, "sent": Paint.PLAIN}


def channel_lines(channels: Sequence[Row], now: float, width: int | None) -> list[str]:
    rows = [
        (
            one["name"],
            one["kind"],
            one["to"],
            _last(one["fares"]["last_sent_at"], now),
            fares_text(one["fares"]),
        )
        for one in channels
    ]
    return table_lines(_CHANNELS, rows, width)


def fares_text(fares: Row) -> str:
    """How the sending of the last day went: "ok", "2 wait: connection refused"."""
    parts = [
        f"{fares[name]} {word}"
        for name, word in (("waiting", "wait"), ("given_up", "given up"))
        if fares[name]
    ]
    if not fares["error"]:
        return ", ".join(parts) or "ok"
    return f"{', '.join(parts)}: {fares['error']}"


def _last(text: str | None, now: float) -> str | None:
    return None if text is None else short_time(text, now)


def channel_text(channel: Row) -> str:
    """What was written: "chat: webhook to https://chat.example.org, signed"."""
    signed = ", signed" if channel["signed"] else ""
    return one_line(f"{channel['name']}: {channel['kind']} to {channel['to']}{signed}")


def route_lines(found: Row, width: int | None) -> list[str]:
    """The routes as they are tried, and what keeps alerts back."""
    rows = [
        (
            one["name"],
            shown_matches(one["matches"]),
            ", ".join(one["channels"]),
            ", ".join(one["group_by"]) or "all",
            f"each {show_duration(one['repeat_interval'])}" if one["repeat_interval"] else "never",
            "goes on" if one["goes_on"] else "stops",
        )
        for one in found["routes"]
    ]
    lines = table_lines(_ROUTES, rows, width)
    own = {one["name"] for one in found["inhibitions"]}
    kept_back = [
        *found["inhibitions"],
        *(one for one in found["shipped_inhibitions"] if one["name"] not in own),
    ]
    told = [line for one in kept_back for line in _inhibition(one, width)]
    return [*lines, *(f"  {line}" for line in told)]


def _inhibition(one: Row, width: int | None) -> list[str]:
    same = f", with the same {', '.join(one['equal'])}" if one["equal"] else ""
    source, target = shown_matches(one["source"]), shown_matches(one["target"])
    told = one_line(f"{one['name']}: while {source} fires, nobody is told of {target}{same}")
    return [told] if width is None else wrapped(told, width - 2)


def delivery_lines(found: Sequence[Row], now: float, width: int | None, *, colours: bool) -> list[str]:
    """TIME is when it was sent or given up, or else made."""
    rows = [
        (
            short_time(one["ended_at"] or one["made_at"], now),
            one["channel"],
            one["state"],
            str(one["attempts"]),
            f"{one['title']}: {one['error']}" if one["error"] else one["title"],
        )
        for one in found
    ]
    paints = [_PAINTS.get(one["state"], Paint.PLAIN) for one in found]
    return table_lines(_DELIVERIES, rows, width, paints=paints, painted_column="STATE", colours=colours)
