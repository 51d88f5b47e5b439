"""Which delivery is sent next. A channel is a lane: one at a time, and within a group in order. Pure. Used by
`sending`.

A lane whose channel does not answer rests, longer each time, so that one that is down costs a worker now and
then and holds up nobody else. Times are any clock that never jumps.
"""

import heapq
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from sentinel.alerting.outbox import FIRST_WAIT, LONGEST_WAIT, Delivery, DeliveryState


@dataclass(slots=True)
class _Waiting:
    delivery: Delivery
    made: float
    ready: float

    def now(self, now: float) -> Delivery:
        """As it is now, if it is to be tried."""
        return replace(self.delivery, age=max(0.0, now - self.made), wait=0.0)


@dataclass(slots=True)
class _Lane:
    groups: dict[str, deque[_Waiting]] = field(default_factory=dict[str, "deque[_Waiting]"])
    heads: list[tuple[float, float, int, str]] = field(default_factory=list[tuple[float, float, int, str]])
    rests_until: float = 0.0
    failures: int = 0
    busy: bool = False

    @property
    def next(self) -> float:
        return max(self.rests_until, self.heads[0][0])


class Lanes:
    """Not for several threads at once."""

    def __init__(self) -> None:
        self._lanes: dict[str, _Lane] = {}
        self._keys: set[str] = set()
        self._count = 0

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, deliveries: Iterable[Delivery], now: float) -> None:
        """Those that wait. One that is there already stays as it is."""
        waiting = (one for one in deliveries if one.state is DeliveryState.WAITING)
        for one in sorted(waiting, key=lambda one: (one.notice.born, one.notice.sequence)):
            if one.key in self._keys:
                continue
            self._keys.add(one.key)
            lane = self._lanes.setdefault(one.channel, _Lane())
            group = lane.groups.setdefault(one.notice.group, deque())
            group.append(_Waiting(delivery=one, made=now - one.age, ready=now + one.wait))
            if len(group) == 1:
                self._push(lane, one.notice.group)

    def take(self, now: float) -> Delivery | None:
        """The next one; its lane is busy until `done`. None: none is due."""
        due = [one for one in self._lanes.values() if not one.busy and one.heads and one.next <= now]
        if not due:
            return None
        lane = min(due, key=lambda one: (one.failures, one.next))
        *_, group = heapq.heappop(lane.heads)
        lane.busy = True
        return lane.groups[group][0].now(now)

    def next(self) -> float | None:
        """When there is something to take; None: not before something is added or done."""
        return min((one.next for one in self._lanes.values() if not one.busy and one.heads), default=None)

    def done(self, delivery: Delivery, now: float, *, rest: float = 0.0) -> None:
        """What was taken, as it is after the attempt. `rest`: for how long, at least, the channel wants to be
        left alone."""
        lane = self._lanes[delivery.channel]
        name = delivery.notice.group
        group = lane.groups[name]
        lane.busy = False
        if delivery.state is DeliveryState.WAITING:
            group[0] = _Waiting(delivery=delivery, made=now - delivery.age, ready=now + delivery.wait)
            lane.failures += 1
            pause = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(lane.failures - 1, 20))
            lane.rests_until = now + max(pause, rest)
        else:
            group.popleft()
            self._keys.discard(delivery.key)
            lane.failures, lane.rests_until = 0, now + rest
        if group:
            self._push(lane, name)
            return
        del lane.groups[name]
        if not lane.groups and not lane.rests_until > now:
            del self._lanes[delivery.channel]

    def _push(self, lane: _Lane, group: str) -> None:
        head = lane.groups[group][0]
        self._count += 1
        heapq.heappush(lane.heads, (head.ready, head.made, self._count, group))
