"""Accounts from a file, and what is wrong with one that cannot be used."""

import json
from pathlib import Path
from typing import Any

import pytest

from sentinel.core.account import Account, Limits, Scope
from sentinel.core.account_json import account_json
from sentinel.core.errors import UsageError
from sentinel.simulation.replay.accounts_file import read_accounts, weights_of

ADA = Account(scope=Scope.USER, name="ada", weight=3.0, limits=Limits(running_gpus=8))
DEFAULT = Account(scope=Scope.DEFAULT, name="", weight=2.0)


def test_accounts_as_they_are_listed(tmp_path: Path) -> None:
    path = tmp_path / "accounts.json"
    path.write_text(json.dumps([account_json(ADA), account_json(DEFAULT)]))
    found = read_accounts(path)
    assert found == (ADA, DEFAULT)
    assert weights_of(found, ["ada", "bob"]) == {"ada": 3.0, "bob": 2.0}
    assert weights_of((), ["ada"]) == {"ada": 1.0}


@pytest.mark.parametrize(
    ("found", "says"),
    [
        ({}, "a list of accounts is expected"),
        ([{"scope": "user"}], "account 1: 'weight' is missing"),
        ([account_json(ADA), account_json(ADA) | {"scope": "team"}], "account 2: 'team' is not a valid"),
        ([account_json(ADA) | {"weight": 0}], "a weight is above 0|weight is above 0"),
        (
            [account_json(ADA) | {"limits": {"running_gpus": "8"}}],
            "limits.running_gpus: a number of 0 or more",
        ),
        ([3], "account 1: "),
    ],
)
def test_accounts_that_are_wrong(tmp_path: Path, found: Any, says: str) -> None:
    path = tmp_path / "accounts.json"
    path.write_text(json.dumps(found))
    with pytest.raises(UsageError, match=says):
        read_accounts(path)
    path.write_text("{")
    with pytest.raises(UsageError, match="not JSON"):
        read_accounts(path)
