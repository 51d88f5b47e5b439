import json
from typing import Any

import pytest
from tests.cli.running import Cli
from tests.client.fake_controller import Reply, problem

from sentinel.cli.accounts.words import quota_lines, quota_text, usage_lines

EVIL = "\x1b[2Jev\u202eil\n"
NO_LIMITS: dict[str, Any] = {
    "running_gpus": None,
    "running_gpus_soft": None,
    "queued_jobs": None,
    "gpu_hours": None,
    "gpu_hours_soft": None,
}
ADA = NO_LIMITS | {"running_gpus": 8, "running_gpus_soft": 4, "queued_jobs": 100, "gpu_hours": 500.5}


def an_account(scope: str = "user", name: str = "ada", **changes: Any) -> dict[str, Any]:
    return {"scope": scope, "name": name, "weight": 1.0, "limits": NO_LIMITS, "users": 1} | changes


def a_usage(name: str = "ada", scope: str = "user", **changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "scope": scope, "name": name, "running_gpus": 0.0, "gpu_hours": 0.0, "recent_gpu_hours": 0.0,
        "share": None, "weight": 1.0, "limits": None, "days": {},
    }  # fmt: skip
    return found | changes


def echo(cli: Cli, what: str = "user/ada", users: int = 1) -> None:
    """The controller answers with the account that it was sent."""
    parts = what.split("/")
    scope, name = parts[0], parts[1] if len(parts) > 1 else ""

    def put(request: Any) -> dict[str, Any]:
        sent = request.json
        limits = NO_LIMITS | sent["limits"]
        return {"scope": scope, "name": name, "users": users, "weight": sent["weight"], "limits": limits}

    cli.answers(f"PUT accounts/{what}", put)


# ------------------------------------------------------------------ quota


def test_tables() -> None:
    accounts = [
        an_account("default", "", limits=NO_LIMITS | {"running_gpus_soft": 2}, users=12),
        an_account("group", "ml", weight=0.5, users=3),
        an_account(limits=ADA, weight=2.0),
    ]
    assert quota_lines(accounts, 80) == [
        "WHO        GPUS  WAITING  GPU-HOURS  WEIGHT  USERS",
        "default   - / 2        -          -       1     12",
        "group:ml      -        -          -     0.5      3",
        "user:ada  8 / 4      100      500.5       2      1",
    ]
    long = an_account("user", "x" * 32, limits=dict.fromkeys(NO_LIMITS, 999_999), weight=1_000_000.0)
    lines = quota_lines([long, an_account(name=EVIL * 9)], 80)
    assert all(len(line) <= 80 and line.isprintable() for line in lines)


def test_sentences() -> None:
    assert quota_text(an_account()) == "user:ada: no limits; weight 1"
    assert quota_text(an_account(limits=ADA, weight=2.5)) == (
        "user:ada: 8 GPUs (soft: 4), 100 jobs waiting, 500.5 GPU-hours in 30 days; weight 2.5"
    )
    one = an_account(limits=NO_LIMITS | {"running_gpus": 1, "queued_jobs": 1}, weight=1_000_000.0)
    assert quota_text(one) == "user:ada: 1 GPU, 1 job waiting; weight 1000000"
    soft = an_account("default", "", limits=NO_LIMITS | {"gpu_hours_soft": 10})
    assert quota_text(soft) == "default: any number of GPU-hours in 30 days (soft: 10); weight 1"


def test_what_is_not_named_stays(cli: Cli) -> None:
    echo(cli)
    cli.answers("GET accounts/user/ada", an_account(limits=ADA, weight=3.0))
    done = cli("quota", "set", "user:ada", "--gpus", "6", "--queued", "none")
    assert done.out == "user:ada: 6 GPUs (soft: 4), 500.5 GPU-hours in 30 days; weight 3\n"
    assert cli.fake.requests[-1].json == {
        "weight": 3.0,
        "limits": ADA | {"running_gpus": 6, "queued_jobs": None},
    }


def test_a_first_quota(cli: Cli) -> None:
    echo(cli)
    cli.answers("GET accounts/user/ada", problem(404, "none was set", kind="no-such-account"))
    options = [
        "--gpus",
        "8",
        "--soft-gpus",
        "4",
        "--gpu-hours",
        "500",
        "--soft-gpu-hours",
        "400.5",
        "--weight",
        "2",
    ]
    done = cli("quota", "set", "user:ada", *options, "--json")
    assert json.loads(done.out)["limits"] == NO_LIMITS | {
        "running_gpus": 8,
        "running_gpus_soft": 4,
        "gpu_hours": 500,
        "gpu_hours_soft": 400.5,
    }
    assert (cli.fake.requests[-1].json["weight"], done.err) == (2, "")


def test_the_default_has_no_name(cli: Cli) -> None:
    echo(cli, "default")
    cli.answers("GET accounts/default", problem(404, "none was set", kind="no-such-account"))
    assert cli("quota", "set", "default", "--queued", "5").out == "default: 5 jobs waiting; weight 1\n"


def test_a_group_that_nobody_is_in(cli: Cli) -> None:
    echo(cli, "group/ml", users=0)
    cli.answers("GET accounts/group/ml", problem(404, "none was set", kind="no-such-account"))
    done = cli("quota", "set", "group:ml", "--gpus", "1")
    assert (done.status, "nobody is in that group yet" in done.err) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["ada", "--gpus", "1"], "say user:NAME, group:NAME or default"),
        (["team:ada", "--gpus", "1"], "say user:NAME, group:NAME or default"),
        (["user:", "--gpus", "1"], "cannot be the name of a user"),
        (["user:A B", "--gpus", "1"], "cannot be the name of a user"),
        (["user:ada"], "name what to set"),
        (["user:ada", "--gpus", "-1"], "a whole number"),
        (["user:ada", "--gpus", "1.5"], "a whole number"),
        (["user:ada", "--gpus", "\u0663"], "a whole number"),
        (["user:ada", "--queued", "many"], "a whole number"),
        (["user:ada", "--gpu-hours", "nan"], "a number of hours"),
        (["user:ada", "--gpu-hours", "-1"], "a number of hours"),
        (["user:ada", "--weight", "0"], "a number above 0"),
        (["user:ada", "--weight", "nan"], "a number above 0"),
        (["user:ada", "--weight", "x"], "--weight"),
        (["user:ada", "--gpus", "2", "--soft-gpus", "3"], "--soft-gpus would be 3, above --gpus 2"),
        (["user:ada", "--soft-gpu-hours", "600"], "above --gpu-hours 500.5"),
    ],
)
def test_what_cannot_be(cli: Cli, arguments: list[str], says: str) -> None:
    cli.answers("GET accounts/user/ada", an_account(limits=ADA))
    done = cli("quota", "set", *arguments)
    assert (done.status, done.out, says in done.err) == (2, "", True), done.err
    assert all(request.method == "GET" for request in cli.fake.requests)


def test_other_refusals_come_through(cli: Cli) -> None:
    cli.answers("GET accounts/user/ada", problem(403, "this needs the role operator"))
    done = cli("quota", "set", "user:ada", "--gpus", "1")
    assert (done.status, "operator" in done.err) == (1, True)


def test_list_and_remove(cli: Cli) -> None:
    cli.answers("GET accounts", {"items": [an_account(limits=ADA)], "next": None})
    assert cli("quota", "list").out.splitlines()[1] == "user:ada  8 / 4      100      500.5       1      1"
    assert json.loads(cli("quota", "list", "--json").out) == [an_account(limits=ADA)]
    cli.answers("GET accounts", {"items": [], "next": None})
    assert "quota set" in cli("quota", "list").out
    assert cli("quota", "list", "--json").out == "[]\n"
    cli.answers("DELETE accounts/user/ada", Reply(status=204))
    assert cli("quota", "remove", "user:ada").out == "user:ada has no quota of its own any more\n"
    cli.answers("DELETE accounts/default", Reply(status=204))
    assert json.loads(cli("quota", "remove", "default", "--json").out) == {"removed": "default"}
    assert cli("quota", "remove", "ada").status == 2


# ------------------------------------------------------------------ usage


def test_usage_lines() -> None:
    found = [
        a_usage("ml", "group", gpu_hours=12.5, recent_gpu_hours=10.0, share=1.0, weight=3.0),
        a_usage("bob", gpu_hours=0.25, recent_gpu_hours=0.24, share=0.024),
        a_usage(
            running_gpus=2.5,
            gpu_hours=12.25,
            recent_gpu_hours=9.76,
            share=0.976,
            limits=ADA | {"gpu_hours": None},
        ),
    ]
    assert usage_lines(found, 80) == [
        "WHO        RUNNING  GPU-HOURS  RECENT  SHARE  WEIGHT",
        "user:ada  2.5 of 8       12.2     9.8    98%       1",
        "user:bob         0       0.25    0.24     2%       1",
        "group:ml         0       12.5      10   100%       3",
    ]


def test_usage(cli: Cli) -> None:
    cli.answers("GET usage", {"items": [a_usage(limits=NO_LIMITS | {"gpu_hours_soft": 5})], "next": None})
    assert cli("usage").out.splitlines()[1].split() == ["user:ada", "0", "0", "of", "5", "0", "-", "1"]
    assert json.loads(cli("usage", "--json").out)[0]["name"] == "ada"
    cli.answers("GET usage", {"items": [], "next": None})
    assert "nobody has had a GPU yet" in cli("usage").out
    assert cli("usage", "--json").out == "[]\n"
