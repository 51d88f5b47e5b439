"""What the supervisor knows of all attempts: every move is made here, journaled, and only then told. The
loop's.

The agent hears of a move after the journal has it on the disk, once a turn for all moves of the turn. While
the disk takes nothing, moves go on in memory, and `records` shows what was last on the disk.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from heapq import heappop, heappush
from typing import Any

from sentinel.supervisor.attempts import Attempt, Container, Happening, Refused, Waiting, deadline, step
from sentinel.supervisor.journal import Journal
from sentinel.supervisor.records import event_of, phase_line, record_of, whole_line
from sentinel.supervisor.wire import line

MOST_GONE = 4096
"""Forgotten attempts whose end is remembered, should they be asked for again."""


class Book:
    """`attempts` by token: to be read by all, changed by this alone."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.attempts: dict[str, Attempt] = {}
        self._gone: dict[str, dict[str, Any]] = {}
        self._out: list[bytes] = []
        self._on_disk: dict[
            str, Attempt | None
        ] = {}  # what moved since: as it was, None when it was not there
        self._deadlines: list[tuple[float, str]] = []
        self._expected: dict[str, float] = {}  # the one entry there that counts

    # -------------------------------------------------------------- moves

    def restore(self, attempt: Attempt) -> None:
        """Takes over what a predecessor knew. `settle` writes it down."""
        self.attempts[attempt.token] = attempt
        self._expect(attempt)

    def remember(self, token: str, event: dict[str, Any]) -> None:
        """How one that is forgotten ended."""
        self._gone[token] = event

    def settle(self) -> bool:
        """Writes the journal anew with what is known. False when there is no room."""
        done = self.journal.replace(self._lines())
        if done:
            self._on_disk.clear()
        return done

    def take(self, attempt: Attempt, *, written: bool = False) -> None:
        """A new one. `written`: its line is in the journal already."""
        self._mark(attempt.token)
        self.attempts[attempt.token] = attempt
        if not written and not isinstance(attempt.phase, Waiting):
            self.journal.add(whole_line(attempt))
        self._tell(attempt)

    def begin(self, attempts: Iterable[Attempt]) -> bool:
        """These are about to be launched, and whoever comes after a kill will know. False: the journal cannot
        take it, so they must not be."""
        these = list(attempts)
        if not self.journal.write_first(whole_line(one) for one in these):
            return False
        for one in these:
            self.take(one, written=True)
        return True

    def move(self, token: str, what: Happening) -> Attempt:
        """Raises KeyError and Illegal."""
        was = self.attempts[token]
        new = step(was, what)
        self._mark(token)
        self.attempts[token] = new
        if isinstance(was.phase, Waiting) and not isinstance(new.phase, Waiting):
            self.journal.add(whole_line(new))
        elif not isinstance(new.phase, Waiting):
            self.journal.add(phase_line(new))
        self._tell(new, unless=was)
        return new

    def set_scope(self, token: str, scope: str) -> None:
        """The systemd scope that it has to itself."""
        self.attempts[token] = replace(self.attempts[token], scope=scope)
        self.journal.add({"token": token, "scope": scope})

    def set_keeper(self, token: str, keeper: tuple[int, int]) -> None:
        """Who keeps its terminal open."""
        self.attempts[token] = replace(self.attempts[token], keeper=keeper)
        self.journal.add({"token": token, "keeper": keeper})

    def set_container(self, token: str, container: Container) -> bool:
        """What it is about to get. False: the journal cannot take it, so it must not get it."""
        self.attempts[token] = replace(self.attempts[token], container=container)
        return self.journal.write_first([{"token": token, "container": asdict(container)}])

    def write(self) -> bool:
        """Puts down all that happened, for whoever comes after a kill."""
        return self.journal.write_first(())

    def drop(self, token: str) -> None:
        """One that waited, and of which nothing is to be known."""
        del self.attempts[token]
        self._on_disk.pop(token, None)

    def renew(self, fences: Mapping[str, float]) -> None:
        """Leases that go on. A time once told is never taken back. No move, and nothing that must be
        flushed."""
        for token, until in fences.items():
            known = self.attempts.get(token)
            if known is None or known.fence_at is None or known.over or until <= known.fence_at:
                continue
            self.attempts[token] = replace(known, fence_at=until)
            if not isinstance(known.phase, Waiting):
                self.journal.add({"token": token, "fence_at": until})
            self._expect(self.attempts[token])

    def forget(self, tokens: Iterable[str]) -> list[Attempt]:
        """Ended ones that were acknowledged go; others stay, whatever is asked. Answers those that went."""
        went = [self.attempts[t] for t in tokens if t in self.attempts and self.attempts[t].over]
        for attempt in went:
            del self.attempts[attempt.token]
            self._gone[attempt.token] = event_of(attempt)
        if went:
            self.journal.add({"forget": [attempt.token for attempt in went]})
        while len(self._gone) > MOST_GONE:
            del self._gone[next(iter(self._gone))]
        return went

    def bury(self, token: str, refused: Refused) -> None:
        """One that was never heard of, and is not to run: asked for later, it is refused with these words."""
        event = {"event": "refused", "token": token, "why": refused.why, "final": refused.final}
        self._gone[token] = event
        self.journal.add({"gone": event})
        self._out.append(line(event))

    # -------------------------------------------------------------- telling

    def knows(self, token: str) -> bool:
        """Whether that was ever an attempt of ours, as far back as we remember."""
        return token in self.attempts or token in self._gone

    def tell_again(self, token: str) -> bool:
        """Says how one is doing that was heard of before. False when it never was."""
        if token in self.attempts:
            self._out.append(line(event_of(self.attempts[token])))
        elif token in self._gone:
            self._out.append(line(self._gone[token]))
        else:
            return False
        return True

    def flush(self) -> list[bytes]:
        """What may be told now; nothing while the disk takes nothing."""
        if self.journal.broken or (self.journal.large and not self.journal.error):
            self.settle()
        if not self.journal.flush():
            return []
        self._on_disk.clear()
        out, self._out = self._out, []
        return out

    def records(self) -> list[dict[str, Any]]:
        """RECORDs for `hello`: what is on the disk. Events that they hold are not told a second time."""
        if not self._on_disk:
            self._out.clear()
        shown = (self._on_disk.get(token, attempt) for token, attempt in self.attempts.items())
        return [record_of(attempt) for attempt in shown if attempt is not None]

    # -------------------------------------------------------------- time

    def next_deadline(self) -> float | None:
        return self._deadlines[0][0] if self._deadlines else None

    def expect_again(self, token: str, at: float) -> None:
        """To be looked at again at that time, if it is still not over."""
        self._expected[token] = at
        heappush(self._deadlines, (at, token))

    def go_on(self) -> None:
        """Goes on with the journal as it is, where there was no room to write it anew. OSError."""
        self.journal.go_on(self._lines())

    def due(self, now: float) -> Iterator[Attempt]:
        """Those whose time has come. Each is told once, and again when it has another deadline."""
        while self._deadlines and self._deadlines[0][0] <= now:
            at, token = heappop(self._deadlines)
            if self._expected.get(token) != at:
                continue
            del self._expected[token]
            attempt = self.attempts.get(token)
            until = None if attempt is None else deadline(attempt)
            if attempt is None or until is None:
                continue
            if until > now:
                self.expect_again(token, until)
            else:
                yield attempt

    def _expect(self, attempt: Attempt) -> None:
        until = deadline(attempt)
        if until is not None and until < self._expected.get(attempt.token, math.inf):
            self.expect_again(attempt.token, until)

    def _mark(self, token: str) -> None:
        if token not in self._on_disk:
            self._on_disk[token] = self.attempts.get(token)

    def _tell(self, attempt: Attempt, unless: Attempt | None = None) -> None:
        event = event_of(attempt)
        if unless is None or event != event_of(unless):
            self._out.append(line(event))
        self._expect(attempt)

    def _lines(self) -> Iterator[Mapping[str, Any]]:
        for event in self._gone.values():
            yield {"gone": event}
        for attempt in self.attempts.values():
            if not isinstance(attempt.phase, Waiting):
                yield whole_line(attempt)
