import json

import pytest

from sentinel.core.account import Account, Limits, Scope, Usage
from sentinel.core.account_json import account_from, account_json, account_key, usage_from, usage_json


def test_an_account_comes_back_as_it_was() -> None:
    account = Account(
        scope=Scope.GROUP,
        name="ml",
        weight=2.5,
        limits=Limits(
            running_gpus=8, running_gpus_soft=4, queued_jobs=100, gpu_hours=500.0, gpu_hours_soft=1.5
        ),
    )
    assert account_from(json.loads(json.dumps(account_json(account)))) == account
    assert account_from(account_json(Account(scope=Scope.DEFAULT, name=""))) == Account(
        scope=Scope.DEFAULT, name=""
    )


def test_usage_comes_back_to_the_millisecond() -> None:
    usage = Usage(scope=Scope.USER, name="ada", decayed=12.25, at=1_800_000_000.125, days={"2027-01-15": 7.5})
    assert usage_from(json.loads(json.dumps(usage_json(usage)))) == usage


def test_what_a_newer_version_added_is_passed_over() -> None:
    found = account_json(Account(scope=Scope.USER, name="ada", limits=Limits(running_gpus=1)))
    found["colour"] = "red"
    found["limits"]["joules"] = 7
    assert account_from(found).limits == Limits(running_gpus=1)


def test_keys() -> None:
    assert [account_key(Scope.USER, "a"), account_key(Scope.GROUP, "b"), account_key(Scope.DEFAULT, "")] == [
        "user:a",
        "group:b",
        "default:",
    ]


@pytest.mark.parametrize("weight", [0, -1, float("nan")])
def test_a_weight_that_would_divide_by_nothing_is_none(weight: float) -> None:
    with pytest.raises(ValueError, match="weight"):
        account_from({"scope": "user", "name": "a", "weight": weight, "limits": {}})


def test_usage_without_a_time_is_none() -> None:
    found = usage_json(Usage(scope=Scope.USER, name="ada"))
    with pytest.raises(ValueError, match="no time"):
        usage_from({**found, "at": "yesterday"})
