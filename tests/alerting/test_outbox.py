"""Deliveries: in order, again after a failure, at least once, under the same key."""

from dataclasses import replace

from tests.alerting.alerts import ALL, Watch, alert

from sentinel.alerting.dedup import plan
from sentinel.alerting.notice import Group, Notice
from sentinel.alerting.outbox import (
    GIVEN_UP_AFTER,
    KEPT_FOR,
    LONGEST_WAIT,
    Delivery,
    DeliveryState,
    deliveries,
    due,
    failed,
    older,
    sent,
)
from sentinel.alerting.quiet import Quiet
from sentinel.core.alert import AlertState

TWICE = replace(ALL, channels=("mail", "pager"))


def notices(watch: Watch) -> tuple[Notice, Notice]:
    """That it fires, and that it is resolved."""
    quiet, groups = Quiet((), (), (), 0.0), dict[str, Group]()
    first = plan([alert()], groups, [TWICE], quiet, watch.after(1))
    second = plan([alert(AlertState.RESOLVED)], first.groups, [TWICE], quiet, watch.after(60))
    return first.notices[0], second.notices[0]


def test_each_channel_gets_a_notice_in_order_and_is_held_up_by_nothing_but_itself() -> None:
    watch = Watch()
    first, second = notices(watch)
    mail, pager = deliveries(first)
    outbox = [mail, pager, *deliveries(second)]
    assert {one.key for one in due(outbox)} == {f"{first.key}-mail", f"{first.key}-pager"}
    now = watch.after(1)
    outbox[0] = failed(mail, "no route to host", now, retry=True)
    outbox[1] = sent(pager, now)
    assert [one.key for one in due(outbox)] == [f"{second.key}-pager"], "mail waits, and its second behind it"
    outbox = [one for each in outbox if (one := older(each, watch.after(2))) is not None]
    assert {one.key for one in due(outbox)} == {f"{first.key}-mail", f"{second.key}-pager"}


def test_a_channel_that_is_down_is_tried_more_and_more_seldom_and_given_up_after_a_day() -> None:
    watch = Watch()
    one: Delivery | None = deliveries(notices(watch)[0])[0]
    waits = list[float]()
    while one is not None and one.state is DeliveryState.WAITING:
        if due([one]):
            one = failed(one, "down", watch.after(0), retry=True)
            waits.append(one.wait)
        else:
            one = older(one, watch.after(one.wait))
    assert one is not None and (one.state, one.error) == (DeliveryState.GIVEN_UP, "down")
    assert waits[:4] == [2.0, 4.0, 8.0, 16.0] and max(waits) == LONGEST_WAIT
    assert GIVEN_UP_AFTER <= sum(waits) < GIVEN_UP_AFTER + 2 * LONGEST_WAIT


def test_what_will_never_be_taken_is_given_up_at_once_and_shown_for_a_while() -> None:
    watch = Watch()
    one = failed(deliveries(notices(watch)[0])[0], "unknown address", watch.after(1), retry=False)
    assert (one.state, one.attempts, one.ended_at) == (DeliveryState.GIVEN_UP, 1, watch.wall)
    assert due([one]) == ()
    assert older(one, watch.after(KEPT_FOR - 1)) is not None
    assert older(one, watch.after(KEPT_FOR)) is None


def test_what_waits_is_never_forgotten() -> None:
    watch = Watch()
    assert older(deliveries(notices(watch)[0])[0], watch.after(1e7)) is not None
