"""Users: admins add, change and remove them. There is always an admin left who can log in or has tokens."""

from dataclasses import replace

from fastapi import APIRouter
from starlette.responses import Response

from sentinel.api.answers import as_json, cut, page, user_json
from sentinel.api.deps import Admin, State
from sentinel.api.described import PageShape, UserShape, answers
from sentinel.api.parameters import After, Limit, Name
from sentinel.api.problems import Problem, not_found
from sentinel.api.requests import UserChange, UserRequest
from sentinel.core.identity import Identity, Role, TokenKind, User
from sentinel.core.job import JobState
from sentinel.ports.store import JobFilter, NewEvent, Reader, Transaction
from sentinel.scheduling.account_desk import forget_user

router = APIRouter(prefix="/api/v1", tags=["users"])
RESERVED = frozenset({"me"})  # `GET jobs?owner=me` is whoever asks


@router.get("/users", summary="Users", responses=answers(PageShape[UserShape]))
async def list_users(state: State, identity: Admin, limit: Limit = 100, after: After = None) -> Response:
    users = await state.read(lambda reader: reader.users())
    mine = sorted((user for user in users if user.tenant == identity.tenant), key=_name)
    shown, following = cut(mine, _name, limit, after)
    return as_json(page([user_json(user) for user in shown], following))


@router.post(
    "/users", status_code=201, summary="Add a user", responses=answers(UserShape, 409, 429, status=201)
)
async def add_user(body: UserRequest, state: State, identity: Admin) -> Response:
    if body.name in RESERVED:
        raise Problem(409, f"{body.name!r} means whoever asks", kind="reserved", hint="take another name")
    hashed = None if body.password is None else await state.passwords.hash(body.password)
    now = state.now()
    user = User(
        name=body.name,
        role=body.as_role(),
        created_at=now,
        tenant=identity.tenant,
        password_hash=hashed,
        group=body.group,
    )

    def add(tx: Transaction) -> None:
        if tx.user(user.name) is not None:
            raise Problem(
                409, f"there is a user {user.name} already", kind="conflict", hint="take another name"
            )
        tx.put_user(user)
        _tell(tx, "added", user, identity, now)

    await state.write(add)
    return as_json(user_json(user), 201)


@router.patch(
    "/users/{name}",
    summary="Change a user",
    description="What is left out stays. It works with the user's next request; a new password and disabling "
    "end the user's sessions. Jobs count for the group that their owner was in when they were submitted.",
    responses=answers(UserShape, 404, 409, 429),
)
async def change_user(name: Name, body: UserChange, state: State, identity: Admin) -> Response:
    given = body.model_fields_set
    hashed = None if body.password is None else await state.passwords.hash(body.password)
    now = state.now()

    def change(tx: Transaction) -> User:
        user = new = _find(tx, identity, name)
        if "role" in given:
            new = replace(new, role=Role(body.role))
        if "disabled" in given:
            new = replace(new, disabled=body.disabled)
        if "password" in given:
            new = replace(new, password_hash=hashed)
        if "group" in given:
            new = replace(new, group=body.group)
        if _rules(user) and not _rules(new):
            _not_the_last(tx, user)
        if "password" in given or (new.disabled and not user.disabled):
            _revoke(tx, user, now, sessions_alone=True)
        tx.put_user(new)
        _tell(tx, "changed", new, identity, now)
        return new

    new = await state.write(change)
    state.gate.forget()
    return as_json(user_json(new))


@router.delete(
    "/users/{name}",
    status_code=204,
    summary="Remove a user",
    description="With all of the user's tokens. 409 while the user has jobs that have not ended.",
    responses=answers(None, 404, 409, status=204),
)
async def remove_user(name: Name, state: State, identity: Admin) -> Response:
    now = state.now()

    def remove(tx: Transaction) -> None:
        user = _find(tx, identity, name)
        if _rules(user):
            _not_the_last(tx, user)
        counts = tx.count_jobs(JobFilter(tenant=user.tenant, owner=user.name))
        if live := sum(n for state, n in counts.items() if not JobState(state).ended):
            raise Problem(
                409,
                f"{user.name} has {live} jobs that have not ended",
                kind="has-jobs",
                hint="cancel them first, or disable the user instead",
            )
        # Whoever gets this name later must not inherit what it opened.
        _revoke(tx, user, now, sessions_alone=False)
        forget_user(tx, user.name, by=identity.name, tenant=identity.tenant, now=now)
        tx.remove_user(user.name)
        _tell(tx, "removed", user, identity, now)

    await state.write(remove)
    state.gate.forget()
    return Response(status_code=204)


def _name(user: User) -> str:
    return user.name


def _find(reader: Reader, identity: Identity, name: str) -> User:
    user = reader.user(name) if name.isprintable() else None
    if user is None or user.tenant != identity.tenant:
        raise not_found("user", name, "`sentinel user list` shows those that there are")
    return user


def _rules(user: User) -> bool:
    return user.role is Role.ADMIN and not user.disabled


def _not_the_last(reader: Reader, user: User) -> None:
    if not any(_rules(one) and one.tenant == user.tenant and one.name != user.name for one in reader.users()):
        raise Problem(
            409,
            f"{user.name} is the last admin who is enabled",
            kind="last-admin",
            hint="make somebody else an admin first",
        )


def _revoke(tx: Transaction, user: User, now: float, *, sessions_alone: bool) -> None:
    for token in tx.tokens(owner=user.name):
        begins_or_is_one = token.kind in (TokenKind.SESSION, TokenKind.CODE)
        if token.revoked_at is None and (begins_or_is_one or not sessions_alone):
            tx.put_token(replace(token, revoked_at=now))


def _tell(tx: Transaction, what: str, user: User, by: Identity, now: float) -> None:
    tx.add_event(
        NewEvent(
            time=now,
            type=f"sentinel.user.{what}",
            subject=user.name,
            owner=user.name,
            tenant=user.tenant,
            data={"by": by.name, "role": user.role.value, "disabled": user.disabled, "group": user.group},
        )
    )
