"""Runs rounds of alerting: looks, decides, keeps, hands over what is to be told. A duty of the watch.

A round that cannot be kept is not taken: the book stays as it was, and the time that passes counts when the
store is back. Rounds take a third of the time at most, and the next one comes when a condition will have held
for long enough, if that is sooner.
"""

import json
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from sentinel.alerting.moment import moment
from sentinel.alerting.notice import Group
from sentinel.alerting.outbox import Delivery, deliveries
from sentinel.alerting.round import Book, Look, Policy, Turn, turn
from sentinel.core.alert import AlertState
from sentinel.core.alert_json import ELSEWHERE, FARES
from sentinel.core.errors import StoreUnavailable
from sentinel.core.secret import new_id
from sentinel.ports.history import History
from sentinel.ports.store import Store
from sentinel.server.alerting.alertmanager import Alertmanager, silenced
from sentinel.server.alerting.book import Depth, Leaf, difference, events_of, open_book, with_acks
from sentinel.server.alerting.look import Eyes, Seen
from sentinel.server.alerting.own_metrics import OwnMetrics
from sentinel.server.alerting.sending import Sender
from sentinel.server.alerting.written import Written

ROUND: Final = "alerting_round"
"""The store's setting that names the newest round that was kept."""

SAY_EVERY, AGES_EVERY, ALL_EVERY = 10.0, 60.0, 600.0
SHORTEST = 0.02
AFTER_DEFECT = 10.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    """A round that was worked out. `at` is CLOCK_BOOTTIME; `says`: how the watch fares, if that is to be
    said; `elsewhere`: the setting of that name."""

    name: str
    turn: Turn
    told: tuple[Delivery, ...]
    at: float
    depth: Depth
    says: bool
    elsewhere: str


class Rounds:
    """`now` is CLOCK_BOOTTIME, `today` the epoch's time; `every`: seconds between two rounds."""

    def __init__(
        self,
        store: Store,
        history: History,
        sender: Sender,
        *,
        every: float,
        now: Callable[[], float],
        today: Callable[[], float],
        alertmanager: Alertmanager | None = None,
        every_metric: float = 0.0,
    ) -> None:
        self._store, self._sender, self._alertmanager = store, sender, alertmanager
        self._every, self._now, self._today = every, now, today
        self._written = Written(store)
        self._eyes = Eyes(history, now=now, today=today, every_metric=every_metric)
        self._own = OwnMetrics(store, history, now=now, today=today)
        self._book: Book | None = None
        self._before: float | None = None  # when the round before was
        self._unsure: _Taken | None = None  # nobody knows whether it was kept
        self._kept_at = dict.fromkeys(Depth, now())
        self._say_at = now()
        self._elsewhere = ""  # as it is in the store
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="alerts", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Does not wait for a round: it may be left at any point."""
        self._over.set()

    def step(self) -> float:
        """A round; seconds until the next one. StoreUnavailable: it was not taken."""
        began = self._now()
        if not self._written.follow():
            self._book = self._unsure = None
        if self._unsure is not None:
            self._settle(self._unsure)
        book = self._open() if self._book is None else self._book
        policy = self._written.policy(self._alertmanager and self._alertmanager.muted)
        own = self._own.values(self._written.nodes.values())
        seen = self._eyes.look(policy.rules.values(), own)
        taken, leaf = self._take(book, policy, seen, began)
        if leaf.news or leaf.settings:
            self._keep(taken, leaf)
        self._adopt(taken)
        self._own.tell(own)
        took = self._now() - began
        soon = next_due(taken.turn.book, policy)
        pause = max(2 * took, min(soon, max(self._every - took, 0.0)))
        return max(SHORTEST, pause)

    # ------------------------------------------------------------------ inside

    def _open(self) -> Book:
        opened = open_book(self._store)
        self._sender.add(opened.missing)
        self._before, self._book = None, opened.book
        return opened.book

    def _take(self, book: Book, policy: Policy, seen: Seen, began: float) -> tuple[_Taken, Leaf]:
        """The next round, and what is to be kept of it."""
        at, today = self._now(), self._today()
        written = self._written
        look = Look(
            values=seen.values,
            expected=seen.expected,
            too_soon=seen.too_soon,
            findings=written.findings_by_node(),
            silent=written.silent(),
            removed=written.removed(),
        )
        found = turn(with_acks(book, written.acks), policy, look, moment(self._before, at, today))
        depth = self._depth(at)
        alerts, groups = difference(book, found.book, depth)
        told = tuple(one for notice in found.notices for one in deliveries(notice))
        taken = _Taken(
            name=new_id(),
            turn=found,
            told=told,
            at=at,
            depth=depth,
            says=at >= self._say_at,
            elsewhere=json.dumps(silenced(found.muted)),
        )
        news = Leaf(
            alerts=alerts,
            groups=groups,
            deliveries=told,
            events=events_of(found.transitions, today),
            acks={key: one.revision for key, one in written.acks.items()},
            settings={ROUND: taken.name},
        )
        says = {FARES: json.dumps(self._fares(seen, today, began))} if taken.says else {}
        if taken.elsewhere != self._elsewhere:
            says[ELSEWHERE] = taken.elsewhere
        if not news.news:
            return taken, Leaf(settings=says)
        return taken, Leaf(
            alerts=news.alerts,
            groups=news.groups,
            deliveries=news.deliveries,
            events=news.events,
            acks=news.acks,
            settings={**news.settings, **says},
        )

    def _depth(self, at: float) -> Depth:
        if at - self._kept_at[Depth.ALL] >= ALL_EVERY:
            return Depth.ALL
        return Depth.AGES if at - self._kept_at[Depth.AGES] >= AGES_EVERY else Depth.NEWS

    def _fares(self, seen: Seen, today: float, began: float) -> dict[str, Any]:
        return {
            "round_at": today,
            "seconds": round(self._now() - began, 3),
            "series": seen.series,
            "history": seen.history,
            "alertmanager": self._alertmanager and self._alertmanager.fares(),
        }

    def _keep(self, taken: _Taken, leaf: Leaf) -> None:
        try:
            self._store.write(leaf.write)
        except StoreUnavailable:
            # A connection that broke while it committed: the next round asks what became of it.
            self._unsure = taken if leaf.news else None
            raise

    def _settle(self, unsure: _Taken) -> None:
        """Was it kept after all, it is taken."""
        with self._store.read() as reader:
            kept = reader.meta(ROUND) == unsure.name
        if kept:
            self._adopt(unsure)
        self._unsure = None

    def _adopt(self, taken: _Taken) -> None:
        """The round took place."""
        self._book, self._before = taken.turn.book, taken.at
        self._sender.add(taken.told)
        if self._alertmanager is not None:
            self._alertmanager.tell(taken.turn.book, changed=bool(taken.turn.transitions))
        self._elsewhere = taken.elsewhere
        if taken.says:
            self._say_at = taken.at + SAY_EVERY
        for depth in Depth:
            if depth <= taken.depth:
                self._kept_at[depth] = taken.at

    def _run(self) -> None:
        said = ""
        while not self._over.is_set():
            if not self._sender.begun(0.2):
                continue
            if self._alertmanager is not None and not self._alertmanager.asked(0.2):
                continue  # else what is silenced there would be told after each start
            pause = self._every
            try:
                pause = self.step()
                if said:
                    _log.warning("rounds of alerting go on")
                said = ""
            except StoreUnavailable as error:
                if not said:
                    _log.warning("no alert is looked at: %s; trying again", error.message)
                said = error.message
            except Exception:  # noqa: BLE001 - a defect: said, and no reason not to try again; how it fares is seen
                pause = AFTER_DEFECT
                if not said:
                    _log.exception("no alert is looked at")
                said = "a defect"
            self._over.wait(pause)


def next_due(book: Book, policy: Policy) -> float:
    """Seconds until a condition will have held for long enough, or a group has waited for company."""
    soonest = float("inf")
    for name, several in book.alerts.items():
        rule = policy.rules.get(name)
        if rule is None or rule.hold <= 0:
            continue
        for alert in several.values():
            if alert.state is AlertState.PENDING and alert.blind is None:
                soonest = min(soonest, rule.hold - alert.held)
    routes = {route.name: route for route in policy.routes}
    for group in book.groups.values():
        route = routes.get(group.route)
        if group.waiting is not None and route is not None:
            company = 0.0 if group.told else route.group_wait - group.waiting
            soonest = min(soonest, max(company, _until_next(group, route.group_interval)))
    return soonest


def _until_next(group: Group, interval: float) -> float:
    return 0.0 if group.since_told is None else interval - group.since_told
