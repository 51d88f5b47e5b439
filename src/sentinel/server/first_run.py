"""What there has to be before anybody can ask for anything: an admin, and a token to ask with.

Called by server and up before they start their children. The token is in no log and no argument: it goes into
client.env, once the API answers. A join token for this machine's own agent is made the same way.
"""

from dataclasses import replace
from pathlib import Path

from sentinel.client.env_file import env_text, read_env_file
from sentinel.client.settings import CA, TOKEN, URL
from sentinel.core.atomic_file import replace_file
from sentinel.core.errors import SentinelError
from sentinel.core.identity import Role, Token, TokenKind, User
from sentinel.core.secret import new_id, new_token, sha256_of
from sentinel.ports.store import NewEvent, Reader, Store, Transaction
from sentinel.server.folders import Folders

ADMIN = "admin"
LABEL = "client.env"
JOIN_LABEL = "this machine's own agent"
JOIN_SECONDS = 3600.0


def admin_token(store: Store, folders: Folders, now: float) -> str | None:
    """A token of the admin's: the one in client.env while it is good, else a new one.

    None when there is no admin of that name any more: then people use their own tokens."""
    kept = _kept(folders.client_env)

    def work(tx: Transaction) -> str | None:
        if not tx.users():
            tx.put_user(User(name=ADMIN, role=Role.ADMIN, created_at=now))
            _tell(tx, "sentinel.user.added", ADMIN, now)
        if kept is not None and _good(tx, kept, now):
            return kept
        if not _is_admin(tx):
            return None
        for token in tx.tokens(owner=ADMIN):
            if token.label == LABEL and token.revoked_at is None:
                tx.put_token(replace(token, revoked_at=now))
        return _new(tx, TokenKind.API, LABEL, now)

    return store.write(work)


def join_token(store: Store, fingerprint: str, now: float) -> str:
    """One that lets this machine's agent join. SentinelError when nobody may make one."""

    def work(tx: Transaction) -> str:
        if not _is_admin(tx):
            raise SentinelError(
                f"there is no user {ADMIN} with the role admin any more, so this machine cannot join;"
                " add that user, or run `sentinel server` and let the machine join with a token"
            )
        for token in tx.tokens(owner=ADMIN):
            if token.label == JOIN_LABEL and token.revoked_at is None:
                tx.put_token(replace(token, revoked_at=now))
        return _new(tx, TokenKind.JOIN, JOIN_LABEL, now, fingerprint, now + JOIN_SECONDS)

    return store.write(work)


def write_client_env(file: Path, url: str, token: str, ca: Path) -> None:
    """The file whole, or not at all. Left alone where it says just that."""
    data = env_text({URL: url, TOKEN: token, CA: str(ca)}).encode()
    if not file.exists() or file.read_bytes() != data:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(file, data)


def of_another_controller(file: Path, ca: Path) -> str | None:
    """The address of the controller that the file is of; None when it is ours or there is none."""
    try:
        found = read_env_file(file)
    except SentinelError:
        return None if not file.exists() else str(file)
    return None if found.get(CA) == str(ca) else found.get(URL, "another one")


def _kept(file: Path) -> str | None:
    try:
        return read_env_file(file).get(TOKEN)
    except SentinelError:
        return None


def _good(reader: Reader, secret: str, now: float) -> bool:
    token = reader.token_by_hash(sha256_of(secret))
    if token is None or token.revoked_at is not None:
        return False
    if token.expires_at is not None and token.expires_at <= now:
        return False
    user = reader.user(token.owner)
    return user is not None and not user.disabled


def _is_admin(reader: Reader) -> bool:
    user = reader.user(ADMIN)
    return user is not None and not user.disabled and user.role is Role.ADMIN


def _new(
    tx: Transaction,
    kind: TokenKind,
    label: str,
    now: float,
    fingerprint: str = "",
    expires_at: float | None = None,
) -> str:
    id = new_id()
    secret = new_token(kind, id, fingerprint)
    token = Token(
        id=id,
        kind=kind,
        owner=ADMIN,
        secret_sha256=sha256_of(secret),
        created_at=now,
        label=label,
        expires_at=expires_at,
    )
    tx.put_token(token)
    return secret


def _tell(tx: Transaction, type: str, subject: str, now: float) -> None:
    data = {"by": "controller", "role": Role.ADMIN.value, "disabled": False}
    user = tx.user(subject)
    assert user is not None
    tx.add_event(NewEvent(time=now, type=type, subject=subject, owner=subject, tenant=user.tenant, data=data))
