"""What the store has about alerts, read and written. Used by the routes about alerts, and nothing else.

Rules, silences, channels, routes and inhibitions are documents that the API alone writes, each change with
its event. Alerts, groups and deliveries are the watch's, which keeps them as documents, too. An
acknowledgement is a document of its own, so that neither overwrites what the other wrote: the watch takes it
over into the alert in its next round, and removes it.

    alert-ack, key FINGERPRINT    {"by", "at": TIME, "why", "withdrawn": BOOL}
"""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeVar, cast

from sentinel.alerting.library import SHIPPED_INHIBITIONS, in_force
from sentinel.alerting.quiet import Hush, Muted
from sentinel.core.alert import Ack, Alert, Inhibition, Route, Rule, Silence
from sentinel.core.alert_json import (
    ACK,
    ALERT,
    CHANNEL,
    DEFAULT_ROUTE,
    ELSEWHERE,
    FARES,
    INHIBITION,
    ROUTE,
    SILENCE,
    alert_from,
    inhibition_from,
    inhibition_json,
    route_from,
    route_json,
    silence_from,
)
from sentinel.core.clock import rfc3339
from sentinel.core.errors import UsageError
from sentinel.core.identity import Identity
from sentinel.core.rule_json import RULE, rule_from
from sentinel.core.timestamp import epoch
from sentinel.ports.notifier import Channel, channel_from
from sentinel.ports.store import NewEvent, Reader, Transaction

SILENCES_KEPT = 7 * 86400.0

Found = Mapping[str, Any]
T = TypeVar("T")


def kept(reader: Reader, kind: str) -> list[Found]:
    """The documents of a kind, by key."""
    found = sorted(reader.documents(kind), key=lambda one: one.key)  # a database may sort otherwise
    return [one.data for one in found if one.data is not None]


def _readable(reader: Reader, kind: str, read: Callable[[Found], T]) -> list[T]:
    """What a newer version wrote and this one cannot read is passed over, as by the watch, which says so."""
    found: list[T] = []
    for one in kept(reader, kind):
        with suppress(UsageError, KeyError, TypeError, ValueError):
            found.append(read(one))
    return found


# ------------------------------------------------------------------ alerts


def alerts(reader: Reader) -> list[Alert]:
    """All that are kept, with what was acknowledged since the last round."""
    new = {one.key: _ack(one.data) for one in reader.documents(ACK) if one.data is not None}
    return [_with(one, new) for one in _readable(reader, ALERT, alert_from)]


def _with(alert: Alert, new: Mapping[str, Ack | None]) -> Alert:
    if alert.fingerprint not in new or not alert.state.stands:
        return alert
    return replace(alert, ack=new[alert.fingerprint])


def _ack(found: Found) -> Ack | None:
    """None: one was taken back."""
    if found.get("withdrawn"):
        return None
    return Ack(by=str(found["by"]), at=epoch(found["at"]) or 0.0, why=str(found["why"]))


def put_ack(tx: Transaction, fingerprint: str, ack: Ack, *, withdrawn: bool) -> None:
    """For the watch to take over."""
    data = {"by": ack.by, "at": rfc3339(ack.at), "why": ack.why, "withdrawn": withdrawn}
    tx.put_document(ACK, fingerprint, data)


def fares(reader: Reader) -> dict[str, Any] | None:
    """How the watch fared last; None: it never said, so nobody looks."""
    found = reader.meta(FARES)
    return None if found is None else cast("dict[str, Any]", json.loads(found))


def elsewhere(reader: Reader) -> dict[str, Muted]:
    """What a foreign Alertmanager silences, by fingerprint; as the watch heard it."""
    found: dict[str, Any] = json.loads(reader.meta(ELSEWHERE) or "{}")
    return {
        id: Muted(how=Hush.SILENCED, by=one["by"], why=one["why"], until=one["until"])
        for id, one in found.items()
    }


# ------------------------------------------------------------------ what people wrote


def own_rules(reader: Reader) -> list[Rule]:
    """The site's own, those instead of shipped ones included."""
    return _readable(reader, RULE, lambda one: rule_from(one, strict=False))


def rules(reader: Reader) -> dict[str, Rule]:
    """All by name: the shipped ones, as the site changed them, and its own."""
    return in_force(own_rules(reader))


def silences(reader: Reader) -> list[Silence]:
    """Those that ended stay for some days."""
    return _readable(reader, SILENCE, lambda one: silence_from(one, strict=False))


def forget_silences(tx: Transaction, now: float) -> None:
    """Those that ended long ago."""
    for one in silences(tx):
        if one.end < now - SILENCES_KEPT:
            tx.remove_document(SILENCE, one.id)


def channels(reader: Reader) -> list[Channel]:
    """With their secrets."""
    return _readable(reader, CHANNEL, lambda one: channel_from(one, strict=False))


def there_are(known: set[str]) -> str:
    """Which channels there are, for a refusal."""
    if not known:
        return "there is no channel yet: `sentinel alert channel add` makes one"
    return f"there are: {', '.join(sorted(known)[:20])}"


def routes(reader: Reader) -> list[Route]:
    """In the order in which they are tried; none where nobody wrote any."""
    read = _readable(reader, ROUTE, lambda one: (int(one["place"]), route_from(one, strict=False)))
    return [route for _, route in sorted(read, key=lambda one: one[0])]


def default_route(reader: Reader) -> Route:
    """What holds while nobody wrote routes."""
    return Route(name=DEFAULT_ROUTE, channels=tuple(one.name for one in channels(reader)))


def own_inhibitions(reader: Reader) -> list[Inhibition]:
    return _readable(reader, INHIBITION, lambda one: inhibition_from(one, strict=False))


def inhibitions(reader: Reader) -> list[Inhibition]:
    """All in force: a site's own instead of the shipped ones of their names."""
    found = {one.name: one for one in SHIPPED_INHIBITIONS} | {
        one.name: one for one in own_inhibitions(reader)
    }
    return list(found.values())


def put_routes(tx: Transaction, new: Sequence[Route], blocked: Sequence[Inhibition]) -> bool:
    """Replaces all of both; whether anything is other than it was."""
    wanted = {one.name: {**route_json(one), "place": place} for place, one in enumerate(new)}
    changed = _replace(tx, ROUTE, wanted)
    return _replace(tx, INHIBITION, {one.name: inhibition_json(one) for one in blocked}) or changed


def _replace(tx: Transaction, kind: str, wanted: Mapping[str, Found]) -> bool:
    before = {one.key: one.data for one in tx.documents(kind)}
    for key in before.keys() - wanted.keys():
        tx.remove_document(kind, key)
    for key, data in wanted.items():
        if before.get(key) != data:
            tx.put_document(kind, key, data)
    return before != wanted


def tell(tx: Transaction, what: str, subject: str, identity: Identity, now: float, **data: Any) -> None:
    """The event that somebody changed something: `what` as in "silence.added"."""
    tx.add_event(
        NewEvent(
            time=now,
            type=f"sentinel.{what}",
            subject=subject,
            tenant=identity.tenant,
            data={"by": identity.name, **data},
        )
    )
