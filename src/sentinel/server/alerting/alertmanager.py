"""Feeds a foreign Alertmanager, and honours its silences. A duty of the watch where one is configured.

It gets everything that stands, each minute and at once when something changes, with an end a few minutes
ahead: should the controller die, its alerts end there. What it silences is told to none of our channels
either. While it does not answer, what it said last holds for ten minutes, and then no more: rather told than
not.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from sentinel.alerting.quiet import Hush, Muted
from sentinel.alerting.round import Book
from sentinel.alerting.wording import filled
from sentinel.core.alert import Alert, AlertState
from sentinel.ports.notifier import AlertFeed, ForeignSilence, NotifyError, PostedAlert

POST_EVERY, ASK_EVERY = 60.0, 30.0
ENDS_AFTER = 240.0
RESOLVED_FOR = 300.0
"""Seconds for which it is told again that something has ended, lest it missed that."""
HOLDS_FOR = 600.0
AGAIN = 5.0
"""Seconds until it is told again of a change that it did not take."""
MOST_AT_ONCE = 500
MOST_SHOWN = 1000
OK: Final = "ok"
BY: Final = "alertmanager:"
"""What the names of silences there begin with here."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Heard:
    """Its silences, and when it named them (CLOCK_BOOTTIME)."""

    silences: tuple[ForeignSilence, ...] = ()
    at: float = 0.0


class Alertmanager:
    """`now` is CLOCK_BOOTTIME, `today` the epoch's time. `url`: for links in what it gets."""

    def __init__(
        self, feed: AlertFeed, *, url: str, now: Callable[[], float], today: Callable[[], float]
    ) -> None:
        self._feed, self._url = feed, url
        self._now, self._today = now, today
        self._book: Book | None = None
        self._heard = _Heard()
        self._asked = threading.Event()
        self._troubles: dict[str, str] = {}  # what does not work, and why
        self._unread: set[str] = set()
        self._post_at = self._ask_at = now()
        self._change = threading.Condition()
        self._over = False
        self._thread = threading.Thread(target=self._run, name="alertmanager", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Does not wait for an answer."""
        with self._change:
            self._over = True
            self._change.notify_all()

    # ------------------------------------------------------------------ for rounds

    def asked(self, within: float) -> bool:
        """Whether it was asked for its silences, answer or not; waits so many seconds for it at most."""
        return self._asked.wait(within)

    def tell(self, book: Book, *, changed: bool) -> None:
        """What stands now. `changed`: something began to, or stands no more."""
        with self._change:
            if self._book is None or changed:
                self._post_at = self._now()
            self._book = book
            if changed:
                self._change.notify_all()

    def muted(self, alert: Alert) -> Muted | None:
        """Whether a silence there covers it; an `alerting.quiet.Elsewhere`."""
        heard = self._heard
        if not heard.silences or self._now() - heard.at > HOLDS_FOR:
            return None
        labels, today = labels_of(alert), self._today()
        for one in heard.silences:
            if one.start <= today < one.end and one.covers(labels):
                return Muted(
                    how=Hush.SILENCED,
                    by=f"{BY}{one.id}",
                    why=f"{one.by}, in Alertmanager: {one.why}",
                    until=one.end,
                )
        return None

    def fares(self) -> str:
        """OK, or why not."""
        return next(iter(self._troubles.values()), OK)

    # ------------------------------------------------------------------ what is due

    def step(self) -> float:
        """Does it; seconds until there is more. Blocks for as long as it takes to answer."""
        now = self._now()
        if now >= self._ask_at:
            self._ask_at = now + ASK_EVERY
            self._try("silences", self._ask)
            self._asked.set()
        with self._change:
            due = self._book is not None and now >= self._post_at
            book = self._book
            if due:
                self._post_at = now + POST_EVERY
        if due and book is not None and not self._try("alerts", lambda: self._post(book)):
            with self._change:
                self._post_at = min(self._post_at, self._now() + AGAIN)
        with self._change:
            at = self._ask_at if self._book is None else min(self._ask_at, self._post_at)
        return max(0.0, at - self._now())

    def _ask(self) -> None:
        silences = tuple(self._feed.silences())
        for one in silences:
            if one.unread is not None and one.id not in self._unread:
                self._unread.add(one.id)
                _log.warning("silence %s of Alertmanager mutes nothing here: %s", one.id, one.unread)
        self._heard = _Heard(silences, self._now())

    def _post(self, book: Book) -> None:
        posted = posted_alerts(book.all(), self._today(), self._url)
        for first in range(0, len(posted), MOST_AT_ONCE):
            self._feed.post(posted[first : first + MOST_AT_ONCE])

    def _try(self, what: str, work: Callable[[], None]) -> bool:
        try:
            work()
        except NotifyError as error:
            if what not in self._troubles:
                _log.warning("Alertmanager: %s; its silences hold for ten minutes more", error.message)
            self._troubles[what] = error.message
            return False
        if self._troubles.pop(what, None) is not None:
            _log.warning("Alertmanager answers again about %s", what)
        return True

    def _run(self) -> None:
        while not self._over:
            pause = 1.0
            try:
                pause = self.step()
            except Exception:  # noqa: BLE001 - a defect: said, and no reason to leave the rest undone
                _log.exception("what Alertmanager is told failed")
            with self._change:
                due = self._book is not None and self._now() >= self._post_at
                if not self._over and not due:
                    self._change.wait(max(0.01, pause))
        self._feed.close()


def silenced(muted: Mapping[str, Muted]) -> dict[str, Any]:
    """What of `muted`, by fingerprint, is silenced there, for others to show: {FINGERPRINT: {"by", "why",
    "until": EPOCH}}. Not all of it, should it be very much."""
    found = ((id, one) for id, one in muted.items() if one.by.startswith(BY))
    return {id: {"by": one.by, "why": one.why, "until": one.until} for id, one in islice(found, MOST_SHOWN)}


def labels_of(alert: Alert) -> dict[str, str]:
    """What it goes by there."""
    named = dict(alert.labels) | {"alertname": alert.rule, "severity": alert.severity.value}
    return {name: value for name, value in named.items() if value}


def posted_alerts(alerts: Iterable[Alert], today: float, url: str) -> Sequence[PostedAlert]:
    """All that stand, and what has ended lately."""
    found: list[PostedAlert] = []
    for alert in alerts:
        over = alert.state is AlertState.RESOLVED
        if not alert.state.stands and not (over and (alert.clear or 0.0) < RESOLVED_FOR):
            continue
        annotations = {name: filled(text, alert) for name, text in alert.annotations}
        ends = (alert.ended_at or today) if over else today + ENDS_AFTER
        found.append(
            PostedAlert(
                labels=labels_of(alert),
                annotations=annotations | {"description": alert.why},
                starts_at=min(alert.fired_at or alert.started_at, ends),
                ends_at=ends,
                url=url,
            )
        )
    return found
