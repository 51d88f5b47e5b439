"""The regular expressions of Alertmanager's silences, matched in time that grows with the text alone.

Alertmanager's (RE2's) take no longer than that; Python's may take for ever, and anybody who may write to that
Alertmanager may write one. So they are read here into a small automaton: literals, `.`, classes, groups, `|`,
`*`, `+`, `?`, `{2,5}`, `^`, `$` and the usual escapes. What else RE2 knows is not read. Called by
`foreign_silence`. As in Alertmanager, the whole text has to match.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

MOST_PATTERN, MOST_STATES, MOST_REPEATS, MOST_DEPTH = 4096, 4000, 1000, 50

Test = Callable[[str], bool]
_DIGITS, _SPACES = frozenset("0123456789"), frozenset("\t\n\f\r ")
_WORDS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
_SETS = {"d": _DIGITS, "s": _SPACES, "w": _WORDS}
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "a": "\a"}


class Unread(ValueError):
    """What it cannot be read for, in a few words."""


@dataclass(slots=True)
class _State:
    """`test` eats a character and leads to `ways`; without one all `ways` are open for nothing, at the
    beginning or the end of the text alone where `edge` says so."""

    test: Test | None = None
    edge: str = ""
    ways: "list[_State]" = field(default_factory=list["_State"])


_Piece = tuple[_State, _State]  # where one comes in, and where one goes out


def matcher(pattern: str) -> Test:
    """Whether a whole text matches. Unread."""
    if len(pattern) > MOST_PATTERN:
        raise Unread("it is too long")
    first, last = _Reader(pattern).read()

    @lru_cache(maxsize=1024)
    def matches(text: str) -> bool:
        here = _open([first], at_begin=True, at_end=not text)
        for place, one in enumerate(text, 1):
            after = [way for state in here if state.test and state.test(one) for way in state.ways]
            here = _open(after, at_begin=False, at_end=place == len(text))
            if not here:
                return False
        return any(state is last for state in here)

    return matches


def _open(states: list[_State], *, at_begin: bool, at_end: bool) -> list[_State]:
    """`states`, and whatever is reached from them without eating."""
    seen: dict[int, _State] = {}
    rest = list(states)
    while rest:
        state = rest.pop()
        if id(state) in seen or (state.edge == "^" and not at_begin) or (state.edge == "$" and not at_end):
            continue
        seen[id(state)] = state
        if state.test is None:
            rest.extend(state.ways)
    return list(seen.values())


class _Reader:
    """Reads a pattern once, from left to right."""

    def __init__(self, pattern: str) -> None:
        self._text, self._at, self._states, self._depth = pattern, 0, 0, 0

    def read(self) -> _Piece:
        whole = self._either()
        if self._at < len(self._text):
            raise Unread("a bracket is closed that is not open")
        return whole

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _next(self) -> str:
        one = self._peek()
        if not one:
            raise Unread("it ends too early")
        self._at += 1
        return one

    def _state(self, test: Test | None = None, edge: str = "") -> _State:
        self._states += 1
        if self._states > MOST_STATES:
            raise Unread("it is too large")
        return _State(test=test, edge=edge)

    def _either(self) -> _Piece:
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise Unread("its brackets are too deep")
        first, last = self._state(), self._state()
        while True:
            inner = self._row()
            first.ways.append(inner[0])
            inner[1].ways.append(last)
            if self._peek() != "|":
                break
            self._at += 1
        self._depth -= 1
        return first, last

    def _row(self) -> _Piece:
        first = last = self._state()
        while self._peek() not in ("", "|", ")"):
            inner = self._repeated()
            last.ways.append(inner[0])
            last = inner[1]
        return first, last

    def _repeated(self) -> _Piece:
        begin = self._at
        piece = self._one()
        end = self._at
        bounds = self._bounds()
        if bounds is None:
            return piece
        least, most = bounds
        pieces = [piece, *(self._again(begin, end) for _ in range(max(least, most or 1, 1) - 1))]
        return self._chained(pieces, least, most)

    def _again(self, begin: int, end: int) -> _Piece:
        """The same once more, with states of its own."""
        back, self._at = self._at, begin
        piece = self._one()
        if self._at != end:
            raise Unread("it cannot be repeated")
        self._at = back
        return piece

    def _chained(self, pieces: list[_Piece], least: int, most: int | None) -> _Piece:
        """`pieces` in a row, of which those after `least` may be left out; without `most`, the last again."""
        first, last = self._state(), self._state()
        here = first
        for place, (begin, end) in enumerate(pieces):
            if place >= least:
                here.ways.append(last)
            if most != 0:
                here.ways.append(begin)
            here = end
        if most is None:
            here.ways.append(pieces[-1][0])
        if most != 0:
            here.ways.append(last)
        return first, last

    def _bounds(self) -> tuple[int, int | None] | None:
        """How often; None for once. A `?` after it (as few as can be) changes nothing to a whole match."""
        simple = {"*": (0, None), "+": (1, None), "?": (0, 1)}
        one = self._peek()
        bounds: tuple[int, int | None]
        if one in simple and one:
            self._at += 1
            bounds = simple[one]
        elif one == "{" and (found := self._braces()) is not None:
            bounds = found
        else:
            return None
        if self._peek() == "?":
            self._at += 1
        if self._peek() in ("*", "+") or self._peek() == "?":
            raise Unread("it repeats what is repeated")
        return bounds

    def _braces(self) -> tuple[int, int | None] | None:
        """{2}, {2,} or {2,5}; None where the brace is a brace."""
        end = self._text.find("}", self._at)
        low, comma, high = self._text[self._at + 1 : max(end, self._at + 1)].partition(",")
        numbers = [one for one in (low, high) if one]
        if end < 0 or not low or not all(one.isascii() and one.isdigit() for one in numbers):
            return None
        least = int(low[:6])
        most = (int(high[:6]) if high else None) if comma else least
        if max(least, most or 0) > MOST_REPEATS or (most is not None and most < least):
            raise Unread("it repeats too often")
        self._at = end + 1
        return least, most

    def _one(self) -> _Piece:
        one = self._next()
        if one == "(":
            return self._group()
        if one == "[":
            return self._eats(self._class())
        if one in "*+?":
            raise Unread("it repeats nothing")
        if one in "^$":
            state = self._state(edge=one)
            return state, state
        if one == ".":
            return self._eats(lambda found: found != "\n")
        if one == "\\":
            return self._escaped()
        return self._eats(one.__eq__)

    def _eats(self, test: Test) -> _Piece:
        first, last = self._state(test), self._state()
        first.ways.append(last)
        return first, last

    def _group(self) -> _Piece:
        if self._text.startswith("?:", self._at):
            self._at += 2
        elif self._peek() == "?":
            raise Unread("it has flags or names in a bracket")
        inner = self._either()
        if self._next() != ")":
            raise Unread("a bracket is not closed")
        return inner

    def _escaped(self) -> _Piece:
        one = self._next()
        if one in ("A", "z"):
            state = self._state(edge="^" if one == "A" else "$")
            return state, state
        return self._eats(_set_or_literal(one))

    def _class(self) -> Test:
        negated = self._peek() == "^"
        self._at += negated
        tests: list[Test] = []
        while True:
            one = self._next()
            if one == "]" and tests:
                break
            if one == "[" and self._peek() == ":":
                raise Unread("it has a class with a name")
            if one == "\\":
                one = self._next()
                if one.lower() in _SETS:
                    tests.append(_set_or_literal(one))
                    continue
                one = _literal(one)
            tests.append(self._range(one))
        return (
            (lambda found: not any(test(found) for test in tests))
            if negated
            else (lambda found: any(test(found) for test in tests))
        )

    def _range(self, low: str) -> Test:
        if self._peek() != "-" or self._text[self._at + 1 : self._at + 2] in ("]", ""):
            return low.__eq__
        self._at += 1
        high = self._next()
        high = _literal(self._next()) if high == "\\" else high
        if high < low:
            raise Unread("it has a range that runs backwards")
        return lambda found: low <= found <= high


def _set_or_literal(one: str) -> Test:
    letters = _SETS.get(one.lower())
    if letters is None:
        return _literal(one).__eq__
    return letters.__contains__ if one.islower() else lambda found: found not in letters


def _literal(one: str) -> str:
    if one in _CONTROLS:
        return _CONTROLS[one]
    if one.isascii() and not one.isalnum():
        return one
    raise Unread(f"it has \\{one}")
