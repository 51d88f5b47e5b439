from typing import Any

from tests.client.fake_controller import FakeController, Request

from sentinel.client import Client


def queried(request: Request) -> Any:
    return request.query


def test_what_is_asked_of_the_past(fake: FakeController, client: Client) -> None:
    fake.answers["GET history/query"] = queried
    assert client.history("gpu_up") == {"metric": ["gpu_up"]}
    found = client.history(
        "gpu_up",
        node="n1",
        gpu="0",
        user="ada",
        match={"sku": ["H100", "A100 80GB"], "pod": ""},
        since="2h",
        until="1h",
        step="1m",
        how="max",
        by=("user", "node"),
    )
    assert found == {
        "metric": ["gpu_up"], "node": ["n1"], "gpu": ["0"], "user": ["ada"],
        "match": ["sku=H100", "sku=A100 80GB", "pod="], "since": ["2h"], "until": ["1h"], "step": ["1m"],
        "how": ["max"], "by": ["user,node"],
    }  # fmt: skip
    assert client.history("gpu_up", job="abcd", workload=None)["job"] == ["abcd"]


def test_metrics_are_all_of_them(fake: FakeController, client: Client) -> None:
    pages = {None: (["a", "b"], "b"), "b": (["c"], None)}

    def listed(request: Request) -> Any:
        names, following = pages[request.query.get("after", [None])[0]]
        return {"items": [{"name": name} for name in names], "next": following}

    fake.answers["GET history/metrics"] = listed
    assert [one["name"] for one in client.history_metrics()] == ["a", "b", "c"]


def test_a_report_of_usage(fake: FakeController, client: Client) -> None:
    fake.answers["GET reports/usage"] = queried
    assert client.usage_report() == {"by": ["user"]}
    assert client.usage_report("gpu", since="30d", until="1d", step="1h") == {
        "by": ["gpu"], "since": ["30d"], "until": ["1d"], "step": ["1h"],
    }  # fmt: skip
