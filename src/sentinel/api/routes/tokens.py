"""Tokens: everybody's own; others' and join tokens are for admins. A secret is shown once, when made."""

from dataclasses import replace

from fastapi import APIRouter
from starlette.responses import Response

from sentinel.api.answers import as_json, cut, page, token_json
from sentinel.api.deps import State, TokenOwner, require
from sentinel.api.described import NewTokenShape, PageShape, TokenShape, answers
from sentinel.api.parameters import After, Filter, Id, Limit
from sentinel.api.problems import not_found
from sentinel.api.requests import TokenRequest
from sentinel.api.state import ApiState
from sentinel.core.identity import Action, Identity, Token, TokenKind
from sentinel.core.secret import new_id, new_token, sha256_of
from sentinel.ports.store import NewEvent, Transaction

router = APIRouter(prefix="/api/v1", tags=["tokens"])


@router.get(
    "/tokens",
    summary="Tokens",
    description="One's own; admins see everybody's, or those of `owner`.",
    responses=answers(PageShape[TokenShape]),
)
async def list_tokens(
    state: State, identity: TokenOwner, owner: Filter = None, limit: Limit = 100, after: After = None
) -> Response:
    whose = identity.name if owner == "me" else owner
    if not identity.may(Action.ADMINISTER):
        if whose not in (None, identity.name):
            require(identity, Action.ADMINISTER, "tokens of others are for admins")
        whose = identity.name
    tokens = await state.read(lambda reader: reader.tokens(owner=whose))
    mine = sorted(
        (one for one in tokens if one.tenant == identity.tenant and one.kind is not TokenKind.CODE), key=_id
    )
    shown, following = cut(mine, _id, limit, after)
    return as_json(page([token_json(token) for token in shown], following))


@router.post(
    "/tokens",
    status_code=201,
    summary="Make a token",
    description="The secret is in this answer, and never again. A token may what its owner's role may.",
    responses=answers(NewTokenShape, 404, status=201),
)
async def make_token(body: TokenRequest, state: State, identity: TokenOwner) -> Response:
    token, secret = await make(body, state, identity)
    return as_json({**token_json(token), "token": secret}, 201)


async def make(body: TokenRequest, state: ApiState, identity: Identity) -> tuple[Token, str]:
    """A new token, and its secret. Problem 403 or 404."""
    kind = TokenKind(body.kind)
    owner = body.owner or identity.name
    if kind is TokenKind.JOIN:
        require(identity, Action.ADMINISTER, "join tokens are for admins to make")
    if owner != identity.name:
        require(identity, Action.ADMINISTER, "tokens of others are for admins to make")
    now = state.now()
    id = new_id()
    secret = new_token(kind, id, state.authority.fingerprint if kind is TokenKind.JOIN else "")
    token = Token(
        id=id,
        kind=kind,
        owner=owner,
        secret_sha256=sha256_of(secret),
        created_at=now,
        tenant=identity.tenant,
        label=body.label,
        expires_at=_end(body, kind, state, identity, now),
    )

    def keep(tx: Transaction) -> None:
        user = tx.user(owner)
        if user is None or user.tenant != identity.tenant:
            raise not_found("user", owner, "`sentinel user list` shows those that there are")
        tx.put_token(token)
        _tell(tx, "made", token, identity, now)

    await state.write(keep)
    return token, secret


def _end(
    body: TokenRequest, kind: TokenKind, state: ApiState, identity: Identity, now: float
) -> float | None:
    if "expires_in" not in body.model_fields_set:
        return now + (state.settings.join_token if kind is TokenKind.JOIN else state.settings.api_token)
    if body.expires_in is None:
        require(identity, Action.ADMINISTER, "tokens that never expire are for admins to make")
        return None
    return now + body.expires_in


@router.delete(
    "/tokens/{id}",
    status_code=204,
    summary="Revoke a token",
    description="It works with the next request that comes with it. Told twice: the same.",
    responses=answers(None, 404, status=204),
)
async def revoke_token(id: Id, state: State, identity: TokenOwner) -> Response:
    now = state.now()

    def revoke(tx: Transaction) -> None:
        token = tx.token(id) if id.isprintable() else None
        if token is None or token.tenant != identity.tenant or not _may_revoke(token, identity):
            raise not_found("token", id, "`sentinel token list` shows yours")
        if token.revoked_at is None:
            tx.put_token(replace(token, revoked_at=now))
            _tell(tx, "revoked", token, identity, now)

    await state.write(revoke)
    state.gate.forget()
    return Response(status_code=204)


def _may_revoke(token: Token, identity: Identity) -> bool:
    return token.owner == identity.name or identity.may(Action.ADMINISTER)


def _id(token: Token) -> str:
    return token.id


def _tell(tx: Transaction, what: str, token: Token, by: Identity, now: float) -> None:
    tx.add_event(
        NewEvent(
            time=now,
            type=f"sentinel.token.{what}",
            subject=token.id,
            owner=token.owner,
            tenant=token.tenant,
            data={"by": by.name, "kind": token.kind.value, "label": token.label},
        )
    )
