"""Who comes first by what was used already, and how much somebody may still take. Pure, in memory.

The Snapshot fills it: `take` with the documents of the store, `charge` with what runs. Placement and `why`
ask `share` and `left` for each owner whose jobs wait, in every pass: both cost a few lookups. Used by one
thread.

What was used is in the documents, which are written when a lease ends; what runs is added to that with
what it has used so far, by its mean age, which counts for MOST_SECONDS at most.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any, NamedTuple, Protocol

from sentinel.core.account import WINDOW_DAYS, Account, Limits, Scope, Usage
from sentinel.core.account_json import ACCOUNT, USAGE, account_from, usage_from
from sentinel.core.job import WHOLE
from sentinel.scheduling.usage import DAY, decayed_at, faded, sane_seconds, within_window

HORIZON = 3600.0
"""Seconds for which each GPU that runs counts at once, so that a single pass is fair among users, too."""
_HOUR = 3600.0


class Kept(Protocol):
    """A document of the store (ports.store.Document)."""

    @property
    def kind(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def data(self) -> Mapping[str, Any] | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What somebody may still take, in thousandths of a GPU; None: any number. `hard` is never passed.
    Above `soft` jobs are borrowing. `late`: their jobs come after everybody else's. `why`: what `hard`
    comes from."""

    hard: int | None = None
    soft: int | None = None
    late: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A user or a group as `usage` shows it. GPU-seconds; `part`: of what all of its scope used, None: of
    nothing."""

    scope: Scope
    name: str
    used: float  # within the window
    recent: float  # as it counts for fair share, what runs included
    part: float | None
    running: int  # thousandths of a GPU
    weight: float
    limits: Limits | None
    days: Mapping[str, float]  # of leases that have ended


_ANY = Left()


@dataclass(slots=True)
class _Book:
    """What is known of a user or a group. Of what runs, the sums: integers, so that nothing is left over
    when all of it has ended."""

    account: Account | None = None
    usage: Usage | None = None
    running: int = 0
    timed: int = 0  # those of them whose beginning is known
    begun: int = 0  # the sum of thousandths times milliseconds of the epoch
    today: int = -1  # the day for which `ended` holds
    ended: float = 0.0  # GPU-seconds within the window

    def age(self, now: float) -> float:
        """The mean age of what runs, in seconds, within reason."""
        return sane_seconds(now - self.begun / self.timed / 1000) if self.timed > 0 else 0.0

    def recent(self, now: float) -> float:
        """GPU-seconds for fair share: what ended, and what runs."""
        ended = 0.0 if self.usage is None else decayed_at(self.usage, now)
        return ended + self.timed / WHOLE * faded(self.age(now))

    def used(self, now: float) -> float:
        """GPU-seconds within the window."""
        if self.usage is not None and (today := int(now // DAY)) != self.today:
            self.today, self.ended = today, within_window(self.usage, now)
        return self.ended + self.timed / WHOLE * self.age(now)


class Accounts:
    """Every account, what was used, and what runs."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Knows nothing any more: neither documents nor what runs."""
        self._users: dict[str, _Book] = {}
        self._groups: dict[str, _Book] = {}
        self._default: Account | None = None
        self._by_hours = False  # whether any account limits them

    # ------------------------------------------------------------------ what has changed

    def take(self, documents: Iterable[Kept]) -> bool:
        """Accounts and usage as they are now, documents of other kinds are passed over; whether anything
        is other than it was. Told twice: as told once."""
        accounts_changed = usage_changed = False
        for document in documents:
            if document.kind == ACCOUNT:
                accounts_changed |= self._take_account(document)
            elif document.kind == USAGE:
                usage_changed |= self._take_usage(document)
        if accounts_changed:
            books = [*self._users.values(), *self._groups.values()]
            accounts = [self._default, *(book.account for book in books)]
            self._by_hours = any(
                one.limits.gpu_hours is not None or one.limits.gpu_hours_soft is not None
                for one in accounts
                if one is not None
            )
        return accounts_changed or usage_changed

    def charge(self, owner: str, group: str | None, gpus: int, since: float | None = None) -> None:
        """A job of `owner` in `group` holds `gpus` thousandths, `since` then (epoch; None: not known); or,
        negative, holds them no more: with the `since` that it was charged with."""
        self._charge(self._users, owner, gpus, since)
        if group is not None:
            self._charge(self._groups, group, gpus, since)

    # ------------------------------------------------------------------ what is asked

    def running(self, scope: Scope, name: str) -> int:
        """Thousandths of a GPU that jobs of the user or group hold."""
        book = None if scope is Scope.DEFAULT else self._books(scope).get(name)
        return 0 if book is None else book.running

    def share(self, owner: str, group: str | None, now: float) -> tuple[float, float]:
        """What the group, then what the user has had for its weight: who has less is first. A user without
        a group stands beside the groups like one."""
        user = self._users.get(owner)
        own = _had(user, now) / self._user_weight(user)
        if group is None:
            return own, own
        of_group = self._groups.get(group)
        account = None if of_group is None else of_group.account
        return _had(of_group, now) / (1.0 if account is None else account.weight), own

    def left(self, owner: str, group: str | None, now: float) -> Left:
        """What a job of `owner` in `group` may take: the limits of both hold."""
        user = self._users.get(owner)
        account = self._default if user is None or user.account is None else user.account
        rooms = [] if account is None else [_room(account.limits, user or _Book(), Scope.USER, owner, now)]
        of_group = None if group is None else self._groups.get(group)
        if group is not None and of_group is not None and of_group.account is not None:
            rooms.append(_room(of_group.account.limits, of_group, Scope.GROUP, group, now))
        if not rooms:
            return _ANY
        tightest = min(rooms, key=_tightness)
        hard, softs = tightest.hard, [room.soft for room in rooms if room.soft is not None]
        soft = min(softs, default=None)
        return Left(
            hard=hard,
            soft=soft if soft is None or hard is None else min(soft, hard),
            late=any(room.late for room in rooms),
            why="" if hard is None else tightest.why(),
        )

    def next_change(self, now: float) -> float | None:
        """When `left` may be more without anything having happened: a day leaves the window (epoch). None:
        never."""
        return (now // DAY + 1) * DAY if self._by_hours else None

    def standings(self, now: float) -> list[Standing]:
        """Everybody who has an account, used anything or runs something: users first, by name."""
        found: list[Standing] = []
        for scope, books in ((Scope.USER, self._users), (Scope.GROUP, self._groups)):
            shown = {name: book for name, book in books.items() if book.account or book.usage or book.running}
            recent = {name: book.recent(now) for name, book in shown.items()}
            total = sum(recent.values())
            for name, book in sorted(shown.items()):
                account = book.account or (self._default if scope is Scope.USER else None)
                found.append(
                    Standing(
                        scope=scope,
                        name=name,
                        used=book.used(now),
                        recent=recent[name],
                        part=recent[name] / total if total > 0 else None,
                        running=book.running,
                        weight=1.0 if account is None else account.weight,
                        limits=None if account is None else account.limits,
                        days={} if book.usage is None else book.usage.days,
                    )
                )
        return found

    # ------------------------------------------------------------------ inside

    def _books(self, scope: Scope) -> dict[str, _Book]:
        return self._groups if scope is Scope.GROUP else self._users

    def _user_weight(self, user: _Book | None) -> float:
        account = self._default if user is None or user.account is None else user.account
        return 1.0 if account is None else account.weight

    def _take_account(self, document: Kept) -> bool:
        scope, _, name = document.key.partition(":")
        new = None if document.data is None else account_from(document.data)
        if scope == Scope.DEFAULT:
            old, self._default = self._default, new
            return old != new
        book = self._books(Scope(scope)).setdefault(name, _Book())
        old, book.account = book.account, new
        return old != new

    def _take_usage(self, document: Kept) -> bool:
        scope, _, name = document.key.partition(":")
        book = self._books(Scope(scope)).setdefault(name, _Book())
        new = None if document.data is None else usage_from(document.data)
        old, book.usage = book.usage, new
        book.today, book.ended = -1, 0.0
        return old != new

    @staticmethod
    def _charge(books: dict[str, _Book], name: str, gpus: int, since: float | None) -> None:
        book = books.get(name)
        if book is None:
            book = books[name] = _Book()
        book.running += gpus
        if since is not None:
            book.timed += gpus
            book.begun += gpus * round(since * 1000)


def _had(book: _Book | None, now: float) -> float:
    return 0.0 if book is None else book.recent(now) + book.running / WHOLE * HORIZON


class _Room(NamedTuple):
    """What one account leaves."""

    hard: int | None
    soft: int | None
    late: bool
    used: float | None  # hours, where it is those that are used up
    limits: Limits
    book: _Book
    scope: Scope
    name: str

    def why(self) -> str:
        """Where `hard` comes from."""
        who, limits = f"{self.scope.value} {self.name}", self.limits
        if self.used is not None and limits.gpu_hours is not None:
            may, has = _number(limits.gpu_hours), _number(self.used)
            return f"{who} may use {may} GPU-hours in {WINDOW_DAYS} days, and has used {has}"
        gpus = f"{limits.running_gpus} GPU{'' if limits.running_gpus == 1 else 's'}"
        return f"{who} may have {gpus} at once, and has {self.book.running / WHOLE:g}"


def _room(limits: Limits, book: _Book, scope: Scope, name: str, now: float) -> _Room:
    most, soft_most = limits.running_gpus, limits.running_gpus_soft
    hard = None if most is None else max(0, most * WHOLE - book.running)
    soft = None if soft_most is None else max(0, soft_most * WHOLE - book.running)
    late, used = False, None
    if limits.gpu_hours is not None or limits.gpu_hours_soft is not None:
        hours = book.used(now) / _HOUR
        late = limits.gpu_hours_soft is not None and hours >= limits.gpu_hours_soft
        if limits.gpu_hours is not None and hours >= limits.gpu_hours:
            hard, used = 0, hours
    return _Room(hard, soft, late, used, limits, book, scope, name)


def _tightness(room: _Room) -> float:
    return inf if room.hard is None else room.hard


def _number(hours: float) -> str:
    return f"{hours:.1f}".removesuffix(".0")
