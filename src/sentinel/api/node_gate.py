"""Which node is asking, and what it sent. Called by the node-facing routes.

A node is known by its certificate alone: signed by our authority, not ended, of a node that is still there,
and issued no earlier than when its node last joined (a machine that was set up anew replaces the former one).
"""

import json
from typing import Any, cast

from starlette.requests import HTTPConnection, Request

from sentinel.api.peer import peer_of
from sentinel.api.problems import Problem, invalid
from sentinel.api.state import ApiState
from sentinel.core.errors import ProtocolError
from sentinel.core.node import Node

JOIN_AGAIN = "join again with a new token: `sentinel token create --join`, then `sentinel agent join`"


async def node_of(state: ApiState, asking: HTTPConnection) -> Node:
    """The node that asks. Problem 401 without a certificate, 403 with one that is good no more."""
    peer = peer_of(asking)
    if peer is None:
        raise Problem(
            401,
            "this call is for nodes: it needs a node's certificate",
            kind="no-certificate",
            hint=JOIN_AGAIN,
        )
    if peer.ends_at <= state.now():
        raise Problem(403, "this node's certificate has ended", kind="certificate-ended", hint=JOIN_AGAIN)
    node = state.hub.mirror.nodes.get(peer.node)
    if node is None:
        node = await state.read(lambda reader: reader.node(peer.node))
    if node is None:
        raise gone()
    if peer.issued_at < node.joined_at - 0.002:  # serial numbers tell milliseconds
        raise Problem(
            403, "another machine has joined in this node's place", kind="node-replaced", hint=JOIN_AGAIN
        )
    return node


def gone() -> Problem:
    """The node was removed."""
    return Problem(403, "this node was removed", kind="no-such-node", hint=JOIN_AGAIN)


async def json_of(request: Request) -> Any:
    """The JSON value that was sent. ProtocolError when it is none."""
    body = await request.body()
    try:
        return json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise ProtocolError("the body is not JSON") from None


def fields_of(found: object, names: frozenset[str]) -> dict[str, Any]:
    """The object `found`, which has these fields and no others. ProtocolError."""
    if not isinstance(found, dict) or cast("dict[str, Any]", found).keys() != names:
        raise ProtocolError(f"the body is an object with the fields {', '.join(sorted(names))}")
    return cast("dict[str, Any]", found)


def number_of(request: Request, name: str, default: float, least: float, most: float) -> float:
    """A parameter. Problem 422 when it is not a number within these bounds."""
    text = request.query_params.get(name)
    if text is None:
        return default
    try:
        value = float(text) if "." in text else int(text)
    except ValueError:
        value = least - 1
    if not least <= value <= most:
        raise invalid(name, f"a number from {least} to {most}")
    return value


def only(request: Request, *names: str) -> None:
    """Problem 422 when there is another parameter than these."""
    for name in request.query_params:
        if name not in names:
            raise invalid(name[:100], "there is no such parameter here")


def _no_number(text: str) -> float:
    raise ValueError(text)
