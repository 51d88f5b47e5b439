import asyncio
import json
from typing import Any

import pytest
from tests.client.fake_controller import FakeController, Reply, Request, problem

from sentinel.client import AsyncClient, Client
from sentinel.core.errors import ApiError


def echoed(request: Request) -> Any:
    return request.json


def asked(fake: FakeController) -> list[tuple[str, str]]:
    return [(request.method, request.path) for request in fake.requests]


def test_accounts(fake: FakeController, client: Client) -> None:
    fake.answers["PUT accounts/user/ada"] = echoed
    fake.answers["PUT accounts/default"] = echoed
    fake.answers["GET accounts/default"] = {"scope": "default"}
    fake.answers["DELETE accounts/group/ml"] = Reply(status=204)
    fake.answers["GET accounts"] = {"items": [{"scope": "default"}], "next": None}
    put = client.put_account("user", "ada", weight=2, limits={"running_gpus": 8})
    assert put == {"weight": 2, "limits": {"running_gpus": 8}}
    assert client.put_account("default") == {"weight": 1.0, "limits": {}}
    assert client.account("default") == {"scope": "default"}
    assert client.accounts() == [{"scope": "default"}]
    client.remove_account("group", "ml")


def test_a_name_stays_in_its_place(fake: FakeController, client: Client) -> None:
    fake.answers["DELETE accounts/user/a%2Fb"] = Reply(status=204)
    client.remove_account("user", "a/b")
    fake.answers["DELETE reservations/%2E%2E"] = Reply(status=204)
    client.remove_reservation("..")
    assert len(asked(fake)) == 2


def test_setting_an_account_is_repeated(fake: FakeController, client: Client) -> None:
    answers = iter([{}, Reply(silent=True), {"scope": "user"}])

    def answered(_: Request) -> Any:
        return next(answers)

    fake.answers["GET health"] = fake.answers["PUT accounts/user/ada"] = answered
    client.health()
    assert client.put_account("user", "ada") == {"scope": "user"}


def test_reservations(fake: FakeController, client: Client) -> None:
    fake.answers["POST reservations"] = echoed
    fake.answers["GET reservations"] = {"items": [{"name": "course"}], "next": None}
    fake.answers["GET reservations/course"] = {"name": "course"}
    fake.answers["DELETE reservations/course"] = Reply(status=204)
    made = client.add_reservation("course", start="A", end="B", nodes=["n1"], users=("ada",), why="exam")
    assert made == {
        "name": "course", "kind": "reserved", "start": "A", "end": "B", "nodes": ["n1"], "users": ["ada"],
        "groups": [], "why": "exam",
    }  # fmt: skip
    assert (client.reservations(), client.reservation("course")) == ([{"name": "course"}], {"name": "course"})
    client.remove_reservation("course")


def test_a_users_group(fake: FakeController, client: Client) -> None:
    fake.answers["POST users"] = echoed
    fake.answers["PATCH users/ada"] = echoed
    assert client.add_user("ada", "member", group="ml") == {"name": "ada", "role": "member", "group": "ml"}
    assert client.set_user("ada", group="bio") == {"group": "bio"}
    assert client.set_user("ada", group="") == {"group": None}
    assert client.set_user("ada", disabled=True) == {"disabled": True}


def test_the_same_calls_can_be_awaited(fake: FakeController) -> None:
    fake.answers["GET usage"] = {"items": [{"name": "ada"}], "next": None}
    fake.answers["GET accounts/user/ada"] = problem(404, "none was set", kind="no-such-account")

    async def main() -> None:
        async with AsyncClient(fake.url, token="t", ca=str(fake.ca), timeout=5) as client:
            assert await client.usage() == [{"name": "ada"}]
            with pytest.raises(ApiError, match="none was set"):
                await client.account("user", "ada")

    asyncio.run(main())
    assert json.dumps(asked(fake)) == json.dumps([("GET", "usage"), ("GET", "accounts/user/ada")])
