"""What is to be sent: one delivery for each channel of a notice, until it is sent or given up. Pure.

Called by whoever keeps the outbox and talks to channels. At least once: a delivery is marked as sent after
the channel took it, so a crash between sends it again, under the same key. A channel that is down holds up
what is for it; within a channel, notices of a group go out in their order, lest "resolved" arrive before
"firing".

A delivery that was sent or given up stays for KEPT_FOR seconds: for showing, and because what was told is
read from the outbox after a crash (see round.recovered).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from sentinel.alerting.moment import Moment
from sentinel.alerting.notice import Notice

FIRST_WAIT, LONGEST_WAIT = 2.0, 600.0
GIVEN_UP_AFTER = 86400.0
KEPT_FOR = 86400.0


class DeliveryState(StrEnum):
    """GIVEN_UP: the channel will never take it, or did not for a day. That is shown."""

    WAITING = "waiting"
    SENT = "sent"
    GIVEN_UP = "given-up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """`key` is the idempotency key that the channel gets. `wait`: seconds until it is tried (again); `age`:
    seconds since it was made, or since it was sent or given up. `error`: of the last attempt, without any
    secret."""

    key: str
    channel: str
    notice: Notice
    state: DeliveryState = DeliveryState.WAITING
    attempts: int = 0
    wait: float = 0.0
    age: float = 0.0
    error: str = ""
    ended_at: float | None = None  # epoch


def deliveries(notice: Notice) -> tuple[Delivery, ...]:
    """One a channel."""
    return tuple(
        Delivery(key=f"{notice.key}-{channel}", channel=channel, notice=notice) for channel in notice.channels
    )


def older(delivery: Delivery, moment: Moment) -> Delivery | None:
    """After a round. None: it is to be forgotten."""
    age, wait = delivery.age + moment.elapsed, max(0.0, delivery.wait - moment.elapsed)
    if delivery.state is DeliveryState.WAITING:
        return replace(delivery, age=age, wait=wait)
    return None if age >= KEPT_FOR else replace(delivery, age=age)


def due(outbox: Iterable[Delivery]) -> tuple[Delivery, ...]:
    """What is to be tried now: of each channel and group the first that waits, if its time has come."""
    first: dict[tuple[str, str], Delivery] = {}
    for one in outbox:
        key = one.channel, one.notice.group
        if one.state is DeliveryState.WAITING and (key not in first or _place(one) < _place(first[key])):
            first[key] = one
    return tuple(sorted((one for one in first.values() if one.wait <= 0), key=lambda one: -one.age))


def _place(delivery: Delivery) -> tuple[float, int]:
    return delivery.notice.born, delivery.notice.sequence


def sent(delivery: Delivery, moment: Moment) -> Delivery:
    """The channel took it."""
    return replace(
        delivery,
        state=DeliveryState.SENT,
        attempts=delivery.attempts + 1,
        age=0.0,
        wait=0.0,
        error="",
        ended_at=moment.wall,
    )


def failed(delivery: Delivery, error: str, moment: Moment, *, retry: bool) -> Delivery:
    """It did not. Tried again after twice the time, up to ten minutes, for a day; never where `retry` is
    false."""
    attempts = delivery.attempts + 1
    if not retry or delivery.age >= GIVEN_UP_AFTER:
        return replace(
            delivery,
            state=DeliveryState.GIVEN_UP,
            attempts=attempts,
            age=0.0,
            wait=0.0,
            error=error,
            ended_at=moment.wall,
        )
    wait = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(attempts - 1, 20))
    return replace(delivery, attempts=attempts, wait=wait, error=error)
