from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from tests.alerting.alerts import alert

from sentinel.alerting.moment import Moment
from sentinel.alerting.notice import Notice, Reason
from sentinel.alerting.outbox import Delivery, DeliveryState, deliveries, failed, sent
from sentinel.server.alerting.lanes import Lanes

AT = Moment(wall=1_800_000_000.0, elapsed=0.0)


def delivery(channel: str = "mail", group: str = "g", sequence: int = 0, **more: float) -> Delivery:
    one = alert()
    notice = Notice(
        key=f"{group}-{sequence}",
        group=group,
        route="all",
        channels=(channel,),
        labels=(),
        born=1.0,
        sequence=sequence,
        reason=Reason.NEWS,
        made_at=1.0,
        alerts=(one,),
        fresh=(one.fingerprint,),
    )
    return replace(deliveries(notice)[0], **more)


def test_a_group_goes_out_in_its_order_and_a_channel_one_at_a_time() -> None:
    lanes = Lanes()
    lanes.add([delivery(sequence=1), delivery(sequence=0), delivery(group="h"), delivery("pager")], 0.0)
    first = lanes.take(0.0)
    assert first is not None and (first.channel, first.notice.sequence) == ("mail", 0)
    other = lanes.take(0.0)
    assert other is not None and other.channel == "pager"
    assert lanes.take(0.0) is None
    assert lanes.next() is None
    lanes.done(sent(first, AT), 1.0)
    then = lanes.take(1.0)
    assert then is not None and then.notice.group == "h"
    lanes.done(sent(then, AT), 1.0)
    last = lanes.take(1.0)
    assert last is not None and (last.notice.group, last.notice.sequence) == ("g", 1)
    lanes.done(sent(last, AT), 1.0)
    lanes.done(sent(other, AT), 1.0)
    assert len(lanes) == 0 and lanes.take(1.0) is None


def test_what_is_there_already_is_not_added_again() -> None:
    lanes = Lanes()
    one = delivery()
    lanes.add([one, one], 0.0)
    lanes.add([one], 0.0)
    assert len(lanes) == 1
    taken = lanes.take(0.0)
    assert taken is not None
    lanes.add([one], 0.0)  # while it is being sent
    lanes.done(sent(taken, AT), 0.0)
    assert lanes.take(10.0) is None
    lanes.add([sent(one, AT)], 0.0)
    assert len(lanes) == 0


def test_what_failed_holds_up_its_group_and_its_channel_rests() -> None:
    lanes = Lanes()
    lanes.add([delivery(), delivery(sequence=1), delivery(group="h"), delivery("pager")], 0.0)
    for _ in range(2):
        taken = lanes.take(0.0)
        assert taken is not None
        ended = failed(taken, "down", AT, retry=True) if taken.channel == "mail" else sent(taken, AT)
        lanes.done(ended, 0.0)
    assert lanes.next() == 2.0
    assert lanes.take(1.9) is None
    again = lanes.take(2.0)
    assert again is not None and again.notice.group == "h"  # a probe; the one that failed waits as long
    lanes.done(failed(again, "down", AT, retry=True), 2.0)
    assert lanes.take(5.9) is None  # the channel rests for longer each time
    third = lanes.take(6.0)
    assert third is not None and third.notice.sequence == 0
    assert third.attempts == 1 and third.age == 6.0
    lanes.done(sent(third, AT), 6.0)
    fourth = lanes.take(6.0)  # it answers: no rest any more
    assert fourth is not None and fourth.channel == "mail"


def test_a_channel_is_left_alone_for_as_long_as_it_asks() -> None:
    lanes = Lanes()
    lanes.add([delivery(), delivery(group="h")], 0.0)
    taken = lanes.take(0.0)
    assert taken is not None
    lanes.done(failed(taken, "slow down", AT, retry=True), 0.0, rest=120.0)
    assert lanes.next() == 120.0
    assert lanes.take(119.0) is None and lanes.take(120.0) is not None


def test_channels_that_answer_come_first() -> None:
    lanes = Lanes()
    lanes.add([delivery("down")], 0.0)
    taken = lanes.take(0.0)
    assert taken is not None
    lanes.done(failed(taken, "down", AT, retry=True), 0.0)
    lanes.add([delivery("mail")], 50.0)
    first = lanes.take(50.0)
    assert first is not None and first.channel == "mail"


def test_after_a_restart_it_waits_for_what_is_left_of_its_wait() -> None:
    lanes = Lanes()
    lanes.add([delivery(wait=64.0, age=500.0)], 1000.0)
    assert lanes.next() == 1064.0
    taken = lanes.take(1064.0)
    assert taken is not None and taken.age == 564.0


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("gh")), max_size=20),
    st.lists(st.sampled_from(["sent", "retry", "never"])),
)
def test_everything_ends_once_and_in_order(wanted: list[tuple[str, str]], fates: list[str]) -> None:
    lanes, now = Lanes(), 0.0
    lanes.add([delivery(channel, group, nth) for nth, (channel, group) in enumerate(wanted)], now)
    ended: list[Delivery] = []
    while (at := lanes.next()) is not None:
        now = max(now, at)
        taken = lanes.take(now)
        assert taken is not None
        fate = fates.pop() if fates else "sent"
        after = sent(taken, AT) if fate == "sent" else failed(taken, "no", AT, retry=fate == "retry")
        if after.state is not DeliveryState.WAITING:
            ended.append(after)
        lanes.done(after, now)
    assert len(ended) == len(wanted) and len(lanes) == 0
    for channel, group in set(wanted):
        order = [one.notice.sequence for one in ended if (one.channel, one.notice.group) == (channel, group)]
        assert order == sorted(order)
