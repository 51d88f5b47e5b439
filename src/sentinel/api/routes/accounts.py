"""Accounts and usage: who may have how much, and who has had how much.

account  as in core.account, and "users": how many it holds for now: 0 may be a name that was mistyped
usage    {"scope", "name", "running_gpus": N, "gpu_hours": N, "recent_gpu_hours": N, "share": 0 to 1 |
null, "weight": N, "limits": {…} | null, "days": {"YYYY-MM-DD": GPU_HOURS}}

`gpu_hours` are those within the window, what runs included; `recent_gpu_hours` as they count for fair
share, and `share` is their part of those of all users, or of all groups. `days` has leases that have
ended, by UTC day.
"""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import Response

from sentinel.api.account_requests import AccountRequest
from sentinel.api.account_shapes import AccountShape, UsageShape
from sentinel.api.answers import as_json, cut, page, polled
from sentinel.api.deps import Operator, Reader, State
from sentinel.api.described import PageShape, answers
from sentinel.api.parameters import After, Limit
from sentinel.api.problems import Problem, not_found
from sentinel.core.account import Account, Limits, Scope
from sentinel.core.account_json import account_json, account_key, limits_json
from sentinel.core.identity import Identity, User
from sentinel.core.job import WHOLE
from sentinel.ports.store import Reader as StoreReader
from sentinel.ports.store import Transaction
from sentinel.scheduling import account_desk
from sentinel.scheduling.account_desk import NoSuchAccount
from sentinel.scheduling.accounts import Standing

router = APIRouter(prefix="/api/v1", tags=["accounts"])
_HOUR = 3600.0

Named = Annotated[Literal["user", "group"], Path(description="Whose it is.")]
AccountName = Annotated[
    str, Path(pattern="^[a-z_][a-z0-9_.-]{0,31}$", description="The name of a user or a group.")
]


@router.get("/accounts", summary="Accounts that were set", responses=answers(PageShape[AccountShape]))
async def list_accounts(state: State, _: Reader, limit: Limit = 100, after: After = None) -> Response:
    def look(reader: StoreReader) -> dict[str, Any]:
        shown, following = cut(account_desk.accounts(reader), _key, limit, after)
        return page(_shown(reader, shown), following)

    return as_json(await state.read(look))


@router.get(
    "/accounts/default",
    summary="The account of every user without one",
    responses=answers(AccountShape, 404),
)
async def show_default_account(state: State, _: Reader) -> Response:
    return as_json(await state.read(lambda reader: _found(reader, Scope.DEFAULT, "")))


@router.put(
    "/accounts/default",
    summary="Set the account of every user without one",
    responses=answers(AccountShape, 409),
)
async def put_default_account(body: AccountRequest, state: State, identity: Operator) -> Response:
    return await _put(state, identity, body.account(Scope.DEFAULT, ""))


@router.delete(
    "/accounts/default",
    status_code=204,
    summary="Users without an account have no limits any more",
    responses=answers(None, 404, status=204),
)
async def remove_default_account(state: State, identity: Operator) -> Response:
    return await _remove(state, identity, Scope.DEFAULT, "")


@router.get(
    "/accounts/{scope}/{name}",
    summary="The account of a user or a group",
    description="404 when none was set.",
    responses=answers(AccountShape, 404),
)
async def show_account(scope: Named, name: AccountName, state: State, _: Reader) -> Response:
    return as_json(await state.read(lambda reader: _found(reader, Scope(scope), name)))


@router.put(
    "/accounts/{scope}/{name}",
    summary="Set the account of a user or a group",
    description="It holds from the next decision of the scheduler on; nothing that runs is ended by it.",
    responses=answers(AccountShape, 404, 409),
)
async def put_account(
    scope: Named, name: AccountName, body: AccountRequest, state: State, identity: Operator
) -> Response:
    return await _put(state, identity, body.account(Scope(scope), name))


@router.delete(
    "/accounts/{scope}/{name}",
    status_code=204,
    summary="Remove the account of a user or a group",
    description="What was used stays.",
    responses=answers(None, 404, status=204),
)
async def remove_account(scope: Named, name: AccountName, state: State, identity: Operator) -> Response:
    return await _remove(state, identity, Scope(scope), name)


@router.get(
    "/usage",
    summary="What users and groups have had",
    description="`gpu_hours` are those of the last 30 days. All who have an account, or have or had GPUs.",
    responses=answers(PageShape[UsageShape], headers=("ETag",)),
)
async def list_usage(
    request: Request, state: State, _: Reader, limit: Limit = 100, after: After = None
) -> Response:
    now = state.now()

    def look(reader: StoreReader) -> dict[str, Any]:
        standings = sorted(account_desk.books(reader).standings(now), key=_standing_key)
        shown, following = cut(standings, _standing_key, limit, after)
        return page([_usage(one) for one in shown], following)

    return polled(request, await state.read(look))


# ------------------------------------------------------------------ what they do


async def _put(state: State, identity: Identity, account: Account) -> Response:
    now = state.now()
    _check(account.limits)

    def put(tx: Transaction) -> dict[str, Any]:
        if account.scope is Scope.USER and not _there(tx.user(account.name), identity):
            raise not_found("user", account.name, "`sentinel user list` shows those that there are")
        account_desk.put_account(tx, account, by=identity.name, tenant=identity.tenant, now=now)
        return _shown(tx, [account])[0]

    return as_json(await state.write(put))


async def _remove(state: State, identity: Identity, scope: Scope, name: str) -> Response:
    now = state.now()

    def remove(tx: Transaction) -> None:
        try:
            account_desk.remove_account(tx, scope, name, by=identity.name, tenant=identity.tenant, now=now)
        except NoSuchAccount as error:
            raise Problem(404, error.message, kind="no-such-account") from None

    await state.write(remove)
    return Response(status_code=204)


def _check(limits: Limits) -> None:
    for name in ("running_gpus", "gpu_hours"):
        hard, soft = getattr(limits, name), getattr(limits, f"{name}_soft")
        if hard is not None and soft is not None and soft > hard:
            raise Problem(
                409,
                f"limits.{name}_soft: {soft:g} is more than {name}, {hard:g}, which is never passed",
                kind="soft-above-hard",
                hint=f"lower it, or raise {name}",
            )


def _there(user: User | None, identity: Identity) -> bool:
    return user is not None and user.tenant == identity.tenant


# ------------------------------------------------------------------ how they are shown


def _key(account: Account) -> str:
    return account_key(account.scope, account.name)


def _standing_key(standing: Standing) -> str:
    return account_key(standing.scope, standing.name)


def _found(reader: StoreReader, scope: Scope, name: str) -> dict[str, Any]:
    try:
        return _shown(reader, [account_desk.find_account(reader, scope, name)])[0]
    except NoSuchAccount as error:
        raise Problem(
            404, error.message, kind="no-such-account", hint="`sentinel quota set` sets one"
        ) from None


def _shown(reader: StoreReader, accounts: list[Account]) -> list[dict[str, Any]]:
    users = reader.users()
    own = {one.name for one in account_desk.accounts(reader) if one.scope is Scope.USER}
    return [{**account_json(one), "users": sum(_holds(one, user, own) for user in users)} for one in accounts]


def _holds(account: Account, user: User, own: set[str]) -> bool:
    match account.scope:
        case Scope.USER:
            return user.name == account.name
        case Scope.GROUP:
            return user.group == account.name
        case Scope.DEFAULT:
            return user.name not in own


def _usage(standing: Standing) -> dict[str, Any]:
    return {
        "scope": standing.scope.value,
        "name": standing.name,
        "running_gpus": standing.running / WHOLE,
        "gpu_hours": round(standing.used / _HOUR, 3),
        "recent_gpu_hours": round(standing.recent / _HOUR, 3),
        "share": None if standing.part is None else round(standing.part, 4),
        "weight": standing.weight,
        "limits": None if standing.limits is None else limits_json(standing.limits),
        "days": {day: round(seconds / _HOUR, 3) for day, seconds in standing.days.items()},
    }
