"""Passwords: hashing on threads of their own, and how often somebody may guess. Used by login and users.

argon2 takes 64 MiB and tens of milliseconds on purpose, so at most `AT_ONCE` run and `WAITING` wait.
"""

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from sentinel.api.problems import Problem

T = TypeVar("T")

AT_ONCE = 2
WAITING = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """`burst` guesses at once, and one more every `every` seconds."""

    burst: int
    every: float


BY_ADDRESS = Allowance(burst=30, every=2)
BY_USER = Allowance(burst=10, every=6)


class Guesses:
    """Who guessed how often: a leaky bucket for each name, of at most `most` names."""

    def __init__(self, allowance: Allowance, *, most: int = 10_000) -> None:
        self._allowance = allowance
        self._most = most
        self._full_at: OrderedDict[str, float] = OrderedDict()  # when the bucket of a name has run dry

    def take(self, name: str, now: float) -> float:
        """0, and the guess counts; or the seconds until the next one is allowed."""
        every = self._allowance.every
        dry = max(self._full_at.get(name, now), now)
        wait = dry + every - now - self._allowance.burst * every
        if wait > 0:
            return wait
        self._full_at[name] = dry + every
        self._full_at.move_to_end(name)
        if len(self._full_at) > self._most:
            self._full_at.popitem(last=False)
        return 0

    def forget(self, name: str) -> None:
        """It was no guess: the password was right."""
        self._full_at.pop(name, None)


class Passwords:
    """The one door to argon2."""

    def __init__(self, *, boottime: Callable[[], float], hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._boottime = boottime
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="argon2")
        self._pending = 0
        self._nobodys: str | None = None
        self._by_user = Guesses(BY_USER)
        self._by_address = Guesses(BY_ADDRESS)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def allow(self, user: str, address: str) -> None:
        """Counts a guess. Problem 429 when there were too many."""
        now = self._boottime()
        wait = self._by_address.take(address, now) or self._by_user.take(user, now)
        if wait > 0:
            raise _too_many(wait)

    def was_right(self, user: str) -> None:
        self._by_user.forget(user)

    async def hash(self, password: str) -> str:
        return await self._run(lambda: self._hasher.hash(password))

    async def fits(self, hashed: str | None, password: str) -> bool:
        """Whether it does. Takes as long for nobody's password (None) as for somebody's."""
        return await self._run(lambda: self._fits(hashed, password))

    def _fits(self, hashed: str | None, password: str) -> bool:
        if self._nobodys is None:
            self._nobodys = self._hasher.hash(secrets.token_hex())
        try:
            return self._hasher.verify(hashed or self._nobodys, password) and hashed is not None
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if self._pending >= AT_ONCE + WAITING:
            raise _too_many(1)
        self._pending += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._pending -= 1


def _too_many(wait: float) -> Problem:
    seconds = max(1, round(wait + 0.5))
    return Problem(
        429,
        "too many attempts to log in",
        kind="too-many-attempts",
        hint=f"try again in {seconds} s",
        headers={"Retry-After": str(seconds)},
    )
