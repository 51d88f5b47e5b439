"""Accounts of users and groups for a replay: weights, soft and hard limits. Called by `sentinel simulate
trace`.

The file is what `sentinel quota list --json` prints: a list of accounts as in core.account.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from sentinel.core.account import Account, Scope
from sentinel.core.account_json import account_from
from sentinel.core.errors import UsageError
from sentinel.simulation.replay.reading.rows import text_of

_EXAMPLE = '[{"scope": "user", "name": "ada", "weight": 2, "limits": {"running_gpus": 16}}]'


def read_accounts(path: Path) -> tuple[Account, ...]:
    """UsageError when it is no such file."""
    try:
        found = json.loads(text_of(path))
    except ValueError as error:
        raise UsageError(f"{path}: not JSON: {error}") from error
    if not isinstance(found, list):
        raise UsageError(f"{path}: a list of accounts is expected, like {_EXAMPLE}")
    accounts: list[Account] = []
    for number, one in enumerate(cast("list[Any]", found), 1):
        try:
            accounts.append(_checked(account_from(one)))
        except (KeyError, TypeError, ValueError) as error:
            what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
            raise UsageError(f"{path}, account {number}: {what}; write it like {_EXAMPLE}") from error
    return tuple(accounts)


def _checked(account: Account) -> Account:
    for name, value in asdict(account.limits).items():
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or value < 0):
            raise ValueError(f"limits.{name}: a number of 0 or more, or null, not {value!r}")
    return account


def weights_of(accounts: Iterable[Account], users: Iterable[str]) -> Mapping[str, float]:
    """Of each user."""
    by_user = {one.name: one.weight for one in accounts if one.scope is Scope.USER}
    default = next((one.weight for one in accounts if one.scope is Scope.DEFAULT), 1.0)
    return {user: by_user.get(user, default) for user in users}
