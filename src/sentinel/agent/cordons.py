"""The arbiter's cordons, by which a GPU is taken out of scheduling. Called by the agent's doctor."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from sentinel.core.arbiter_client import Channel, socket_path
from sentinel.health.quarantine import Order

_SECONDS = 5.0


def cordoned() -> dict[str, str] | None:
    """The reasons of the cordons in force, by UUID; None where there is no arbiter.

    Raises ArbiterUnavailable or ProtocolError when it does not answer.
    """
    if not Path(socket_path()).exists():
        return None
    return cordons_in(_ask({"cmd": "status"}).get("status"))


def cordon(order: Order) -> None:
    """No new lease on that GPU from now on. Raises as `cordoned`, and when we are no admin."""
    _ask({"cmd": "cordon", "gpu": order.gpu, "reason": order.reason})


def cordons_in(status: object) -> dict[str, str]:
    """The cordons in the arbiter's status object."""
    found: dict[str, str] = {}
    for gpu in _list(_object(status).get("gpus")):
        cordon = _object(gpu).get("cordon")
        if cordon is not None:
            found[str(_object(gpu).get("uuid"))] = str(_object(cordon).get("reason"))
    return found


def _object(found: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", found) if isinstance(found, Mapping) else {}


def _list(found: object) -> list[object]:
    return cast("list[object]", found) if isinstance(found, list) else []


def _ask(message: dict[str, Any]) -> dict[str, Any]:
    channel = Channel(timeout=_SECONDS)
    try:
        return channel.ask(message)
    finally:
        channel.close()
