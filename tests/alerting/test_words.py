"""Notices in words, and as JSON both ways."""

import json
from dataclasses import replace

import pytest
from tests.alerting.alerts import ALL, Watch, alert, series

from sentinel.alerting.dedup import plan
from sentinel.alerting.notice import Notice
from sentinel.alerting.notice_json import (
    delivery_from,
    delivery_json,
    group_from,
    group_json,
    notice_from,
    notice_json,
)
from sentinel.alerting.outbox import deliveries, failed, sent
from sentinel.alerting.quiet import Quiet
from sentinel.alerting.wording import LONGEST, body, filled, in_words, next_step, summary, title
from sentinel.core.alert import Ack, Alert, AlertState
from sentinel.core.finding import Severity

SAYS = (("next_step", "Look at {node}."), ("summary", "GPU {gpu} is at {value} °C{nothing}"))
HOT = alert(value=91.25, annotations=SAYS, why="the condition holds", ack=Ack(by="ann", at=5.0))


def notice(*alerts: Alert) -> Notice:
    now = Watch().after(1)
    return plan(alerts, {}, [replace(ALL, group_by=())], Quiet((), (), (), 0.0), now).notices[0]


def test_an_alert_says_what_is_the_matter_and_what_to_do() -> None:
    assert summary(HOT) == "GPU 0 is at 91.2 °C{nothing}"
    assert next_step(HOT) == "Look at gpu01."
    assert summary(alert()) == "gpu-hot: gpu_temperature_celsius is unknown (gpu=0, node=gpu01)"
    assert next_step(alert()) is None
    assert filled("{value}", alert()) == "unknown"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "unknown"),
        (0.0, "0"),
        (91.0, "91"),
        (89.1021, "89.1"),
        (0.01234, "0.0123"),
        (-3.456, "-3.46"),
        (99.97, "100"),
        (1000.4, "1000"),
        (85_899_345_920.0, "85899345920"),
    ],
)
def test_a_value_has_no_more_digits_than_people_read(value: float | None, words: str) -> None:
    assert in_words(value) == words


def test_a_title_names_the_worst_and_a_body_all() -> None:
    worse = alert(name="down", severity=Severity.CRITICAL)
    found = notice(HOT, worse)
    what = "down: gpu_temperature_celsius is unknown (gpu=0, node=gpu01)"
    assert title(found) == f"[FIRING] {what} (and 1 more)"
    assert "FIRING (warning): GPU 0 is at 91.2 °C" in body(found)
    assert "Next: Look at gpu01." in body(found)
    assert HOT.fingerprint in body(found)


def test_texts_from_anywhere_stay_in_their_line() -> None:
    hostile = alert(series=series(job="a\nFIRING (critical): fake\x1b[31m\u2028{value}" + "x" * 1000))
    found = notice(hostile)
    assert len(body(found).splitlines()) == 2
    assert "\x1b" not in body(found) and len(title(found)) <= LONGEST
    nested = alert(series=series(job="{node}"), annotations=(("summary", "{job}"),))
    assert summary(nested) == "{node}", "what a label says is not filled in again"


def test_a_storm_is_cut_short() -> None:
    found = notice(*(alert(series=series(gpu=index)) for index in range(100)))
    assert "… and 80 more" in body(found)


def test_groups_notices_and_deliveries_are_the_same_after_json() -> None:
    now, quiet = Watch().after(1), Quiet((), (), (), 0.0)
    planned = plan([HOT, alert(AlertState.NO_DATA, series=series(gpu=1), blind=2.5)], {}, [ALL], quiet, now)
    (group,), (told,) = planned.groups.values(), planned.notices
    assert group_from(json.loads(json.dumps(group_json(group)))) == group
    assert notice_from(json.loads(json.dumps(notice_json(told)))) == told
    one = deliveries(told)[0]
    for each in (one, sent(one, now), failed(one, "x", now, retry=True)):
        assert delivery_from(json.loads(json.dumps(delivery_json(each)))) == each
