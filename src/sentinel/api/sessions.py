"""Sessions: begun with a password or with a token, and ended. Used by routes.people and routes.session.

A session is a token of its own, of whoever showed the password or the token. It ends after
`ApiSettings.session`, and no later than the token that it was begun with. The third way, with a code, is in
`login_codes`.
"""

from dataclasses import dataclass, replace

from starlette.requests import HTTPConnection

from sentinel.api.problems import Problem
from sentinel.api.state import ApiState
from sentinel.core.identity import Token, TokenKind, User
from sentinel.core.secret import new_id, new_token, sha256_of
from sentinel.ports.store import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """`secret` is shown this once. `ends_at`: epoch seconds."""

    secret: str
    user: User
    ends_at: float


async def by_password(state: ApiState, name: str, password: str, asking: HTTPConnection) -> Session:
    """Problem 401 when one of them is wrong, whichever; 429 after too many guesses."""
    state.passwords.allow(name, address_of(asking))
    user = await state.read(lambda reader: reader.user(name))
    usable = user is not None and not user.disabled
    hashed = user.password_hash if user is not None and usable else None
    if not await state.passwords.fits(hashed, password) or user is None:
        raise unauthenticated(
            "the user or the password is wrong",
            "an admin can set a new password, and enable a user who is disabled",
        )
    state.passwords.was_right(name)
    session, token = new_session(state, user)

    def keep(tx: Transaction) -> None:
        kept = tx.user(user.name)
        if kept is None or kept.disabled or kept.password_hash != user.password_hash:
            raise _changed()
        tx.put_token(replace(token, tenant=kept.tenant))

    await state.write(keep)
    return session


async def by_token(state: ApiState, shown: str, asking: HTTPConnection) -> Session:
    """Problem 401 when it opens nothing, as slowly as for a wrong password; 429 after too many guesses."""
    address = address_of(asking)
    guess = f"a token from {address}"  # no user is called so
    state.passwords.allow(guess, address)
    try:
        identity = await state.gate.identify(f"Bearer {shown}")
    except Problem:
        await state.passwords.fits(None, "")
        raise
    state.passwords.was_right(guess)

    def keep(tx: Transaction) -> Session:
        user, begun_with = tx.user(identity.name), tx.token_by_hash(sha256_of(shown.strip()))
        if user is None or user.disabled or begun_with is None or begun_with.revoked_at is not None:
            raise _changed()
        session, token = new_session(state, user, begun_with.expires_at)
        tx.put_token(token)
        return session

    return await state.write(keep)


async def end(state: ApiState, secret: str) -> None:
    """Idempotent: a session that is none any more is ended already. Only sessions are ended this way."""
    now = state.now()

    def revoke(tx: Transaction) -> None:
        token = tx.token_by_hash(sha256_of(secret))
        if token is not None and token.kind is TokenKind.SESSION and token.revoked_at is None:
            tx.put_token(replace(token, revoked_at=now))

    await state.write(revoke)
    state.gate.forget()


def new_session(state: ApiState, user: User, latest: float | None = None) -> tuple[Session, Token]:
    """One that ends at `latest`, if not before, and the token that is to be kept of it."""
    now = state.now()
    ends_at = now + state.settings.session if latest is None else min(latest, now + state.settings.session)
    id = new_id()
    secret = new_token(TokenKind.SESSION, id)
    token = Token(
        id=id,
        kind=TokenKind.SESSION,
        owner=user.name,
        secret_sha256=sha256_of(secret),
        created_at=now,
        tenant=user.tenant,
        label="log-in",
        expires_at=ends_at,
        last_used_at=now,
    )
    return Session(secret=secret, user=user, ends_at=ends_at), token


def address_of(asking: HTTPConnection) -> str:
    """Where it comes from, as guesses are counted by."""
    return asking.client.host if asking.client else ""


def unauthenticated(detail: str, hint: str) -> Problem:
    """What was shown is good for nothing."""
    return Problem(
        401,
        detail,
        kind="unauthenticated",
        hint=hint,
        headers={"WWW-Authenticate": 'Bearer realm="sentinel"'},
    )


def _changed() -> Problem:
    """Something was changed while the password or the token was looked at."""
    return Problem(401, "the user was changed just now", kind="unauthenticated", hint="log in again")
