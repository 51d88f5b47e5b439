"""Who is asking: bearer tokens, looked up and remembered for a moment. Used by deps, login and the streams.

A token is found by its SHA-256, and may what its owner's role may at that time. What was found is remembered
for `REMEMBERED` seconds; `forget` drops it at once, so what this process revokes or lowers works with the
next request. Other processes' changes work within that second.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from logging import getLogger

from sentinel.api.problems import Problem
from sentinel.core.identity import Identity, Token, TokenKind, User
from sentinel.core.secret import looks_like_token, sha256_of
from sentinel.ports.store import Store, Transaction

REMEMBERED = 1.0
USED_EVERY = 60.0  # how often a token's last use is written
MOST_REMEMBERED = 10_000

_log = getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a token was worth when it was looked up. `expires_at` epoch, `looked_at` boottime."""

    identity: Identity
    expires_at: float | None
    looked_at: float


class Gate:
    """Turns an `Authorization` header into an Identity. For one event loop."""

    def __init__(
        self, store: Store, readers: Executor, *, now: Callable[[], float], boottime: Callable[[], float]
    ) -> None:
        self._store = store
        self._readers = readers
        self._now = now
        self._boottime = boottime
        self._known: dict[str, Known] = {}
        self._used: dict[str, float] = {}  # boottime at which a token's last use was written
        self._generation = 0

    def forget(self) -> None:
        """Somebody's rights changed."""
        self._generation += 1
        self._known.clear()

    async def identify(self, authorization: str | None) -> Identity:
        """Whose token that is. Problem 401 when it is nobody's."""
        digest = _digest(authorization)
        now = self._boottime()
        known = self._known.get(digest)
        if known is None or now - known.looked_at >= REMEMBERED:
            known = await self._look_up(digest, now)
        if known.expires_at is not None and known.expires_at <= self._now():
            raise _unknown("this token has expired")
        return known.identity

    async def still(self, identity: Identity, authorization: str | None) -> bool:
        """Whether whoever began a stream may still have it, exactly as they began it but for their group."""
        try:
            return replace(await self.identify(authorization), group=identity.group) == identity
        except Problem:
            return False

    async def _look_up(self, digest: str, now: float) -> Known:
        generation = self._generation

        def look() -> tuple[Token | None, User | None]:
            with self._store.read() as reader:
                token = reader.token_by_hash(digest)
                return token, None if token is None else reader.user(token.owner)

        token, user = await asyncio.get_running_loop().run_in_executor(self._readers, look)
        if token is None or user is None or token.kind in (TokenKind.JOIN, TokenKind.CODE):
            raise _unknown("nobody has this token")
        if token.revoked_at is not None:
            raise _unknown("this token was revoked")
        if user.disabled:
            raise _unknown(f"user {user.name} is disabled", hint="an admin can enable it again")
        identity = Identity(
            name=user.name, role=user.role, tenant=user.tenant, token=token.id, group=user.group
        )
        known = Known(identity=identity, expires_at=token.expires_at, looked_at=now)
        if generation == self._generation:  # else it may be older than what `forget` was called for
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            self._known[digest] = known
        self._note_use(token, now)
        return known

    def _note_use(self, token: Token, now: float) -> None:
        written = self._used.get(token.id)
        if written is not None and now - written < USED_EVERY:
            return
        if len(self._used) >= MOST_REMEMBERED:
            self._used.clear()
        self._used[token.id] = now
        at = self._now()

        def note(tx: Transaction) -> None:
            kept = tx.token(token.id)
            if kept is not None and kept.revoked_at is None:
                tx.put_token(replace(kept, last_used_at=at))

        self._store.submit(note).add_done_callback(_noted)


def _noted(done: "Future[None]") -> None:
    if not done.cancelled() and (error := done.exception()) is not None:
        _log.warning("the last use of a token could not be written: %s", error)


def _digest(authorization: str | None) -> str:
    if authorization is None:
        raise _unknown("this call needs a token")
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise _unknown("a token is needed, as in `Authorization: Bearer snt_…`")
    token = token.strip()
    if token.startswith("snj_"):
        raise _unknown("a join token lets a machine join, and nothing else")
    if not looks_like_token(token):
        raise _unknown("nobody has this token")
    return sha256_of(token)


def _unknown(
    detail: str,
    hint: str = "log in (`sentinel login`) or set SENTINEL_TOKEN to one of `sentinel token create`",
) -> Problem:
    return Problem(
        401,
        detail,
        kind="unauthenticated",
        hint=hint,
        headers={"WWW-Authenticate": 'Bearer realm="sentinel"'},
    )
