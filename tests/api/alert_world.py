"""Alerts as the watch would have kept them, for the tests of the API."""

from collections.abc import Mapping
from typing import Any

from tests.api.in_process import Api

from sentinel.alerting.moment import Moment
from sentinel.alerting.notice import Group, Notice, Reason, absorbed, notice_of
from sentinel.alerting.notice_json import DELIVERY, GROUP, delivery_json, group_json
from sentinel.alerting.outbox import Delivery, deliveries, failed, sent
from sentinel.core.alert import Alert, AlertState
from sentinel.core.alert_json import ALERT, alert_json
from sentinel.core.finding import Severity

NODE, OTHER = "gpu01", "gpu02"


def an_alert(api: Api, rule: str = "gpu-hot", node: str = NODE, **more: Any) -> Alert:
    made: dict[str, Any] = {
        "metric": "gpu_temperature_celsius",
        "series": (("gpu", "0"), ("node", node)),
        "state": AlertState.FIRING,
        "severity": Severity.WARNING,
        "started_at": api.clock.at - 300,
        "annotations": (("next_step", "Look at {node}"), ("summary", "GPU {gpu} of {node} is hot")),
    }
    return Alert(rule=rule, **(made | more))


def keep(api: Api, *alerts: Alert) -> None:
    def put(tx: Any) -> None:
        for one in alerts:
            tx.put_document(ALERT, one.fingerprint, alert_json(one))

    api.store.write(put)


def a_notice(api: Api, *alerts: Alert, channels: tuple[str, ...] = ("mail",), sequence: int = 0) -> Notice:
    group = Group(id="g1", route="all", channels=channels, labels=(), born=api.clock.at, sequence=sequence)
    return notice_of(group, Reason.NEWS, alerts, tuple(one.fingerprint for one in alerts), api.clock.at)


def tell(api: Api, notice: Notice, outcome: Mapping[str, str] | None = None) -> list[Delivery]:
    """Deliveries of `notice`; `outcome` by channel: "sent", "waiting", or why it was given up."""
    now = Moment(wall=api.clock.at + 1, elapsed=0)
    made: list[Delivery] = []
    for one in deliveries(notice):
        how = (outcome or {}).get(one.channel, "sent")
        if how == "sent":
            made.append(sent(one, now))
        elif how == "waiting":
            made.append(one)
        else:
            made.append(failed(one, how, now, retry=False))

    def put(tx: Any) -> None:
        for one in made:
            tx.put_document(DELIVERY, one.key, delivery_json(one))
        tx.put_document(GROUP, notice.group, group_json(absorbed(None, notice)))

    api.store.write(put)
    return made


def event_types(api: Api, *words: str) -> list[str]:
    with api.store.read() as reader:
        found = [event.type.removeprefix("sentinel.") for event in reader.events(0, 1000)]
    return [one for one in found if one.startswith(words)]
