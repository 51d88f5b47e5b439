"""How a machine becomes a node, and stays one: join, by a token, and renew, by its certificate.

Called by node_routes. The node's private key never comes here.
"""

import re
from dataclasses import dataclass, replace
from typing import Any

from sentinel.api.node_gate import fields_of, gone
from sentinel.api.problems import Problem, invalid
from sentinel.api.state import ApiState
from sentinel.core.errors import ProtocolError, UsageError
from sentinel.core.identity import Action, Identity, Token, TokenKind
from sentinel.core.node import Node, NodeState
from sentinel.core.secret import new_id, parse_join, sha256_of
from sentinel.ports.store import Reader, Transaction
from sentinel.scheduling import desk

NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,62})")
LONGEST = 16_384
_FIELDS = frozenset(("token", "csr", "name", "boot_id", "agent_version"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Joining:
    """A machine that asks to become a node."""

    token: str
    csr: bytes
    name: str
    boot_id: str
    agent_version: str


def joining_from(raw: object) -> Joining:
    """What was asked. ProtocolError or Problem that names what is wrong with it; never the token."""
    found = fields_of(raw, _FIELDS)
    if not all(isinstance(value, str) and len(value) <= LONGEST for value in found.values()):
        raise ProtocolError("each field of the body is text")
    if NAME.fullmatch(found["name"]) is None:
        raise invalid(
            "name", "letters, digits, dots, dashes and underscores, at most 63, the first a letter or digit"
        )
    for key in ("boot_id", "agent_version"):
        if len(found[key]) > 200 or not found[key].isprintable():
            raise invalid(key, "a line of at most 200 characters")
    return Joining(**{**found, "csr": found["csr"].encode("utf-8", "replace")})


async def join(state: ApiState, raw: object) -> dict[str, Any]:
    """Makes the machine a node, or gives a node that is not UP to this machine."""
    asked = joining_from(raw)
    now = state.now()

    def work(tx: Transaction) -> tuple[Node, bytes]:
        token = _token(tx, asked.token, now)
        node = _node(tx, asked, token, now)
        certificate = state.authority.issue_node(asked.csr, node.id)
        desk.update_node(tx, node, now)
        tx.put_token(replace(token, last_used_at=now))
        return node, certificate

    node, certificate = await state.write(work)
    return {
        "node": node.id,
        "certificate": certificate.decode("ascii"),
        "ca": state.authority.ca_pem.decode("ascii"),
    }


async def renew(state: ApiState, node: Node, raw: object) -> dict[str, Any]:
    """A new certificate for a node that has a good one."""
    csr = fields_of(raw, frozenset(("csr",)))["csr"]
    if not isinstance(csr, str) or len(csr) > LONGEST:
        raise ProtocolError("csr is a certificate request, PEM")
    if await state.read(lambda reader: reader.node(node.id)) is None:
        raise gone()
    certificate = state.authority.issue_node(csr.encode("utf-8", "replace"), node.id)
    return {"certificate": certificate.decode("ascii")}


def _token(reader: Reader, text: str, now: float) -> Token:
    """The token, when it may let a machine join. Problem 401 else: the same for all that nobody may know."""
    try:
        parse_join(text)
    except UsageError:
        raise _refused("this is no join token") from None
    token = reader.token_by_hash(sha256_of(text.strip()))
    if token is None or token.kind is not TokenKind.JOIN:
        raise _refused("nobody has this join token")
    if token.revoked_at is not None:
        raise _refused("this join token was revoked")
    if token.expires_at is not None and token.expires_at <= now:
        raise _refused("this join token has expired")
    user = reader.user(token.owner)
    if user is None or user.disabled or not Identity(name=user.name, role=user.role).may(Action.ADMINISTER):
        raise _refused(f"who made this join token, {token.owner}, is no admin any more")
    return token


def _refused(detail: str) -> Problem:
    return Problem(
        401, detail, kind="join-refused", hint="an admin makes one: `sentinel token create --join`"
    )


def _node(reader: Reader, asked: Joining, token: Token, now: float) -> Node:
    known = reader.node_named(asked.name)
    if known is None:
        known = Node(id=new_id(), name=asked.name, joined_at=now, tenant=token.tenant)
    elif known.state is NodeState.UP:
        raise Problem(
            409,
            f"node {asked.name} is there and answers",
            kind="node-up",
            hint="choose another name (--name), or stop the agent there and wait until `sentinel node list`"
            " shows it silent",
        )
    elif known.tenant != token.tenant:
        raise Problem(409, f"the name {asked.name} is taken", kind="conflict", hint="choose another (--name)")
    return replace(
        known,
        joined_at=now,
        boot_id=asked.boot_id,
        agent_version=asked.agent_version,
    )
