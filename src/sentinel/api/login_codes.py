"""Codes that begin one session each: made with a token, shown by a browser. Used by routes.session.

Whoever has a token in a terminal gets an address for a browser with it, and need not carry the token there. A
code is kept as tokens are, as its SHA-256. It opens nothing itself, is good once, for a minute, and gives no
more than the token that it was made with: the same user, no longer than that token, and nothing at all once
that one is revoked. What is kept of a code is taken in one transaction, so of two browsers that show it, at
two controllers of one store, one gets a session.
"""

from dataclasses import replace

from starlette.requests import HTTPConnection

from sentinel.api.problems import Problem
from sentinel.api.sessions import Session, address_of, new_session, unauthenticated
from sentinel.api.state import ApiState
from sentinel.core.identity import Identity, Token, TokenKind
from sentinel.core.secret import new_id, new_token, sha256_of
from sentinel.ports.store import Reader, Transaction

SECONDS = 60.0
APART = 5.0
"""How far the clocks of two controllers may be apart, in seconds. A code from further ahead was made before
somebody set the clock back, and nobody knows how long ago."""
HINT = "make a new one: `sentinel dashboard`"


async def make_code(state: ApiState, identity: Identity, asking: HTTPConnection) -> tuple[str, float]:
    """The code, shown this once, and when it ends (epoch). Problem 403 without a token of one's own; 429."""
    begun_with = identity.token
    if begun_with is None:
        raise Problem(403, "a code is made with a token", kind="forbidden", hint="send one of your own")
    state.passwords.allow(f"codes of {identity.name}", address_of(asking))  # no user is called so
    now = state.now()
    id = new_id()
    code = new_token(TokenKind.CODE, id)
    kept = Token(
        id=id,
        kind=TokenKind.CODE,
        owner=identity.name,
        secret_sha256=sha256_of(code),
        created_at=now,
        tenant=identity.tenant,
        label=begun_with,
        expires_at=now + SECONDS,
    )
    await state.write(lambda tx: tx.put_token(kept))
    return code, now + SECONDS


async def by_code(state: ApiState, shown: str, asking: HTTPConnection) -> Session:
    """Problem 401 when it is good for nothing (any more), as slowly as for a wrong password; 429 after too
    many guesses."""
    address = address_of(asking)
    guess = f"a code from {address}"
    state.passwords.allow(guess, address)

    def take(tx: Transaction) -> Session:
        now = state.now()
        code = _usable(tx, shown, now)
        user, begun_with = tx.user(code.owner), tx.token(code.label)
        if user is None or user.disabled:
            raise unauthenticated(f"user {code.owner} is disabled or gone", "an admin can change that")
        if begun_with is None or begun_with.owner != code.owner or _ended(begun_with, now):
            raise unauthenticated(
                "the token that this code was made with has ended", "log in again in the terminal"
            )
        session, token = new_session(state, user, begun_with.expires_at)
        tx.put_token(replace(code, revoked_at=now, last_used_at=now))
        tx.put_token(token)
        return session

    try:
        session = await state.write(take)
    except Problem:
        await state.passwords.fits(None, "")
        raise
    state.passwords.was_right(guess)
    return session


def _usable(reader: Reader, shown: str, now: float) -> Token:
    """What is kept of the code. Only who has it hears what is wrong with it."""
    code = reader.token_by_hash(sha256_of(shown.strip()))
    if code is None or code.kind is not TokenKind.CODE:
        raise unauthenticated("nobody has made this code", HINT)
    if code.last_used_at is not None:
        raise unauthenticated("this code was used already; it is good for one sign-in", HINT)
    if code.revoked_at is not None:
        raise unauthenticated(
            "this code was taken back: the password was changed, or the user disabled", HINT
        )
    if _ended(code, now):
        raise unauthenticated(f"this code is older than {SECONDS:g} seconds", HINT)
    if code.created_at > now + APART:
        raise unauthenticated("the controller's clock was set back since this code was made", HINT)
    return code


def _ended(token: Token, now: float) -> bool:
    return token.revoked_at is not None or (token.expires_at is not None and token.expires_at <= now)
