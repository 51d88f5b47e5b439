"""Accounts and usage as JSON objects, as core.account documents them. Called by whoever keeps them in the
store or shows them. What a newer version added is passed over."""

from collections.abc import Mapping
from typing import Any

from sentinel.core.account import Account, Limits, Scope, Usage
from sentinel.core.clock import rfc3339
from sentinel.core.timestamp import epoch

ACCOUNT = "account"  # kinds of the store's documents
USAGE = "usage"


def account_key(scope: Scope, name: str) -> str:
    """By which the store keeps the documents of both kinds: "user:ada", "group:ml", "default:"."""
    return f"{scope.value}:{name}"


def account_json(account: Account) -> dict[str, Any]:
    """As in core.account."""
    return {
        "scope": account.scope.value,
        "name": account.name,
        "weight": account.weight,
        "limits": limits_json(account.limits),
    }


def account_from(found: Mapping[str, Any]) -> Account:
    """What `account_json` wrote. KeyError, TypeError or ValueError when it is none."""
    weight = float(found["weight"])
    if not weight > 0:
        raise ValueError(f"an account's weight is above 0, not {weight}")
    limits = found["limits"]
    return Account(
        scope=Scope(found["scope"]),
        name=str(found["name"]),
        weight=weight,
        limits=Limits(**{name: limits[name] for name in Limits.__dataclass_fields__ if name in limits}),
    )


def limits_json(limits: Limits) -> dict[str, Any]:
    return {name: getattr(limits, name) for name in Limits.__dataclass_fields__}


def usage_json(usage: Usage) -> dict[str, Any]:
    """As in core.account."""
    return {
        "scope": usage.scope.value,
        "name": usage.name,
        "decayed": usage.decayed,
        "at": rfc3339(usage.at),
        "days": dict(usage.days),
    }


def usage_from(found: Mapping[str, Any]) -> Usage:
    """What `usage_json` wrote. KeyError, TypeError or ValueError when it is none."""
    at = epoch(found["at"])
    if at is None:
        raise ValueError(f"usage as of {found['at']!r}, which is no time")
    return Usage(
        scope=Scope(found["scope"]),
        name=str(found["name"]),
        decayed=float(found["decayed"]),
        at=at,
        days={str(day): float(seconds) for day, seconds in found["days"].items()},
    )
