"""The past over the API: which series are meant, when, and what is said where there are none."""

from array import array
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from tests.api.in_process import V1, Answer, Api

from sentinel.api.placements import attempts
from sentinel.core.clock import rfc3339
from sentinel.core.identity import Role
from sentinel.core.job import JobState
from sentinel.core.sample_batch import Batch, Column
from sentinel.core.series import Labels, labels_from
from sentinel.ports.history import HistoryUnavailable
from sentinel.ports.store import NodeWorkload, StoredEvent

TEMPERATURE = "gpu_temperature_celsius"
HOUR, DAY = 3600.0, 86_400.0


@pytest.fixture
def api() -> Iterator[Api]:
    with Api() as api:
        yield api


@pytest.fixture
def ana(api: Api) -> str:
    return api.token("ana")


def card(node: str, gpu: int, **more: str) -> Labels:
    return labels_from({"node": node, "gpu": str(gpu), "uuid": f"GPU-{node}-{gpu}", "sku": "H100", **more})


def record(
    api: Api,
    told: dict[tuple[str, Labels], float],
    *,
    node: str = "n1",
    start: float | None = None,
    end: float | None = None,
    every: float = 10.0,
) -> None:
    """The same value all the time; by default for the last hour."""
    first = api.clock.at - HOUR if start is None else start
    times = [first + nth * every for nth in range(int(((end or api.clock.at) - first) // every))]
    columns = tuple(
        Column(metric=metric, labels=labels, values=array("f", [value]) * len(times))
        for (metric, labels), value in told.items()
    )
    kept = api.history.append([Batch(node=node, sequence=1, times=tuple(times), columns=columns)])
    assert kept.kept == 1


def temperatures(api: Api, **when: Any) -> None:
    for node, first in (("n1", 40.0), ("n2", 60.0)):
        record(api, {(TEMPERATURE, card(node, gpu)): first + gpu for gpu in (0, 1)}, node=node, **when)


def query(api: Api, token: str, metric: str = TEMPERATURE, **query: Any) -> Answer:
    asked = urlencode({"metric": metric, **query}, doseq=True)
    return api.ask("GET", f"{V1}/history/query?{asked}", token=token)


def found(answer: Answer) -> dict[str, list[float | None]]:
    """Values by node and GPU."""
    assert answer.status == 200, answer.body
    return {
        f"{one['labels'].get('node', '')}:{one['labels'].get('gpu', '')}": [
            value for _, value in one["points"]
        ]
        for one in answer.json()["series"]
    }


def test_a_metric_over_the_last_hour(api: Api, ana: str) -> None:
    temperatures(api)
    answer = query(api, ana).json()
    assert (answer["metric"], answer["unit"], answer["how"]) == (TEMPERATURE, "celsius", "avg")
    assert (answer["start"], answer["end"]) == (api.clock.at - HOUR, api.clock.at)
    assert (answer["step"], answer["truncated"], answer["known"]) == (10, False, None)
    assert [one["labels"] for one in answer["series"]] == [
        dict(card(node, gpu)) for gpu in (0, 1) for node in ("n1", "n2")
    ]
    points = answer["series"][0]["points"]
    assert len(points) == 360 and points[0] == [api.clock.at - HOUR, 40.0]


@pytest.mark.parametrize(
    ("chosen", "meant"),
    [
        ({"node": "n1"}, ["n1:0", "n1:1"]),
        ({"node": "n1", "gpu": "1"}, ["n1:1"]),
        ({"gpu": "GPU-n2-0"}, ["n2:0"]),
        ({"gpu": "gpu-n2-1"}, ["n2:1"]),
        ({"match": ["gpu=0"]}, ["n1:0", "n2:0"]),
        ({"match": ["node=n1", "node=n2", "gpu=1"]}, ["n1:1", "n2:1"]),
        ({"match": ["user="], "node": "n1"}, ["n1:0", "n1:1"]),
        ({"node": "n1", "match": ["node=n2"]}, []),
    ],
)
def test_labels_choose(api: Api, ana: str, chosen: dict[str, Any], meant: list[str]) -> None:
    temperatures(api)
    assert sorted(found(query(api, ana, **chosen))) == meant


def test_a_part_of_a_uuid_that_names_none_or_several(api: Api, ana: str) -> None:
    temperatures(api)
    for gpu, status, kind in (
        ("GPU-n", 409, "ambiguous"),
        ("GPU-x", 404, "no-such-gpu"),
        ("0", 422, "invalid"),
    ):
        answer = query(api, ana, gpu=gpu)
        assert (answer.status, answer.json()["type"]) == (status, kind)
        assert answer.json()["hint"]
    assert "GPU-n1-0, GPU-n1-1" in query(api, ana, gpu="n").json()["detail"]


def test_series_are_put_together(api: Api, ana: str) -> None:
    temperatures(api)
    assert found(query(api, ana, by="node", how="sum", step="10m")) == {"n1:": [81.0] * 6, "n2:": [121.0] * 6}
    assert found(query(api, ana, by="gpu", how="count", step="10m")) == {":0": [2.0] * 6, ":1": [2.0] * 6}
    assert found(query(api, ana, by="sku", how="max", step="30m")) == {":": [61.0] * 2}
    # Over time alone a sum is of samples.
    assert found(query(api, ana, gpu="GPU-n1-0", how="sum", step="30m")) == {"n1:0": [180 * 40.0] * 2}


def test_when(api: Api, ana: str) -> None:
    temperatures(api, start=api.clock.at - 3 * HOUR)
    at = rfc3339(api.clock.at - 2 * HOUR)
    for asked in (
        {"since": "2h", "until": "1h"},
        {"since": at, "until": "1h"},
        {"since": at, "until": rfc3339(api.clock.at - HOUR)},
        {"until": "1h", "since": "120m"},
    ):
        answer = query(api, ana, step="1m", node="n1", **asked).json()
        assert (answer["start"], answer["end"]) == (api.clock.at - 2 * HOUR, api.clock.at - HOUR)
        assert len(answer["series"][0]["points"]) == 60
    # An hour up to then, and nothing of what is to come.
    answer = query(api, ana, until="1h").json()
    assert (answer["start"], answer["end"]) == (api.clock.at - 2 * HOUR, api.clock.at - HOUR)
    answer = query(api, ana, until=rfc3339(api.clock.at + DAY)).json()
    assert answer["end"] == api.clock.at


@pytest.mark.parametrize(
    ("length", "step"),
    [("1h", 10), ("5h", 60), ("24h", 300), ("7d", 1800), ("30d", 7200), ("700d", 86400)],
)
def test_a_chart_has_about_as_many_points_as_fit(api: Api, ana: str, length: str, step: float) -> None:
    temperatures(api)
    given = query(api, ana, since=length).json()["step"]
    assert given == step


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"since": "yesterday"}, "since"),
        ({"since": "0s"}, "since"),
        ({"since": "1h", "until": "2h"}, "until"),
        ({"since": "9999d"}, "since"),
        ({"since": "2026-02-30T00:00:00Z"}, "since"),
        ({"step": "0s"}, "step"),
        ({"since": "1d", "step": "1s"}, "step"),
        ({"how": "median"}, "how"),
        ({"by": "no label"}, "by"),
        ({"match": ["sku"]}, "match.0"),
        ({"metric": "a b"}, "metric"),
        ({"job": "abcd", "workload": "x"}, "workload"),
    ],
)
def test_what_cannot_be_asked(api: Api, ana: str, wrong: dict[str, Any], field: str) -> None:
    temperatures(api)
    answer = query(api, ana, **wrong)
    assert answer.status == 422, answer.body
    assert answer.json()["errors"][0]["field"] == field and answer.json()["hint"]


def test_a_metric_that_nobody_knows(api: Api, ana: str) -> None:
    temperatures(api)
    answer = query(api, ana, "gpu_temprature")
    assert (answer.status, answer.json()["type"]) == (404, "no-such-metric")
    assert TEMPERATURE in answer.json()["hint"]
    assert "sentinel history metrics" in answer.json()["hint"]


def test_where_there_is_nothing_it_says_what_there_is(api: Api, ana: str) -> None:
    then = api.clock.at - 10 * DAY
    temperatures(api, start=then, end=then + 2 * HOUR)
    answer = query(api, ana).json()
    assert answer["series"] == []
    assert answer["known"] == {"series": 4, "first": then, "last": then + 2 * HOUR}
    assert query(api, ana, node="n9").json()["known"] == {"series": 0, "first": None, "last": None}


def test_an_answer_takes_so_many_values_and_says_so(
    api: Api, ana: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    temperatures(api)
    monkeypatch.setattr("sentinel.api.routes.history.MOST_VALUES", 150)
    answer = query(api, ana, step="1m").json()
    assert (len(answer["series"]), answer["truncated"]) == (2, True)
    assert len(query(api, ana, step="10s").json()["series"]) == 1


# ------------------------------------------------------------------ jobs and workloads


def placed(api: Api, ana: str) -> str:
    """A job of ana's that had GPU-n1-0 from ten to five minutes ago."""
    now = api.clock.at
    api.node()
    api.clock.at = now - 600
    id = api.submit(ana)["id"]
    api.advance(id, JobState.RUNNING)
    api.clock.at = now - 300
    api.advance(id, JobState.SUCCEEDED)
    api.clock.at = now
    return id


def test_a_job_is_its_gpus_while_it_had_them(api: Api, ana: str) -> None:
    temperatures(api)
    id = placed(api, ana)
    answer = query(api, ana, job=id, step="1m")
    assert found(answer) == {"n1:0": [40.0] * 5}
    assert (answer.json()["start"], answer.json()["end"]) == (api.clock.at - 600, api.clock.at - 300)
    longer = found(query(api, ana, job=id[:5], step="1m", since="15m", until="0s"))
    assert longer == {"n1:0": [None] * 5 + [40.0] * 5 + [None] * 5}
    assert query(api, ana, job="zzzz").status == 404


def test_the_same_card_seen_from_another_node_is_none_of_the_jobs(api: Api, ana: str) -> None:
    temperatures(api)
    twin = tuple(("node", "n2") if pair[0] == "node" else pair for pair in card("n1", 0))
    record(api, {(TEMPERATURE, twin): 99.0}, node="n2", start=api.clock.at - HOUR + 5)
    assert found(query(api, ana, job=placed(api, ana), step="1m")) == {"n1:0": [40.0] * 5}


def test_a_job_that_has_had_none(api: Api, ana: str) -> None:
    temperatures(api)
    answer = query(api, ana, job=api.submit(ana)["id"])
    assert (answer.status, answer.json()["type"]) == (409, "not-placed")
    assert "sentinel why" in answer.json()["hint"]


def event(what: str, at: float, *gpus: str) -> StoredEvent:
    return StoredEvent(
        id=int(at), time=at, type=f"sentinel.job.{what}", source="/controller", subject="x",
        data={"gpus": list(gpus)}, tenant="default",
    )  # fmt: skip


def test_every_attempt_of_a_job_counts(api: Api, ana: str) -> None:
    job = api.job(api.submit(ana)["id"])
    told = [
        event("allocated", 10, "GPU-a"),
        event("requeued", 20, "GPU-a"),
        event("allocated", 50, "GPU-b", "GPU-c"),
    ]
    spans = attempts(job, told, 100.0)
    assert [(sorted(one.gpus), one.start, one.end) for one in spans] == [
        (["GPU-a"], 10, 20), (["GPU-b", "GPU-c"], 50, 100.0),
    ]  # fmt: skip
    assert attempts(job, [], 100.0) == []


def test_a_job_whose_events_are_gone_is_what_its_record_says(api: Api, ana: str) -> None:
    temperatures(api)
    id = placed(api, ana)
    api.store.write(lambda tx: tx.forget_events(api.clock.at + 1))
    assert found(query(api, ana, job=id, step="1m")) == {"n1:0": [40.0] * 5}


def a_workload(api: Api, **data: Any) -> None:
    node = api.node()
    told = {"gpus": ["GPU-n1-1"], "started_at": rfc3339(api.clock.at - 900), **data}
    one = NodeWorkload(
        node=node.id, id="w1", tenant="default", owner="ana", origin="docker", state="running", data=told
    )
    api.store.write(lambda tx: tx.put_workloads(node.id, [one]))


def test_a_workload_is_its_gpus_since_it_began(api: Api, ana: str) -> None:
    temperatures(api)
    a_workload(api)
    assert found(query(api, ana, workload="w1", step="1m")) == {"n1:1": [41.0] * 15}
    assert query(api, ana, workload="w2").json()["type"] == "no-such-workload"
    assert query(api, ana, workload="w1", node="n2").status == 404


@pytest.mark.parametrize("data", [{"gpus": None}, {"started_at": None}])
def test_a_workload_of_which_that_is_not_known(api: Api, ana: str, data: dict[str, Any]) -> None:
    temperatures(api)
    a_workload(api, **data)
    answer = query(api, ana, workload="w1")
    assert (answer.status, answer.json()["type"]) == (409, "gpus-unknown")


# ------------------------------------------------------------------ tenants


def test_other_tenants_things_do_not_exist(api: Api, ana: str) -> None:
    temperatures(api)
    api.node("n2", tenant="other")
    record(
        api,
        {("gpu_of_theirs", card("n2", 0)): 1.0, ("gpu_up", card("n2", 0)): 1.0},
        node="n2",
        start=api.clock.at - 60,
    )
    assert sorted(found(query(api, ana))) == ["n1:0", "n1:1"]
    assert query(api, ana, "gpu_of_theirs").status == 404
    assert query(api, ana, gpu="GPU-n2").status == 404
    listed = api.ask("GET", f"{V1}/history/metrics", token=ana).json()["items"]
    assert [(one["name"], one["series"]) for one in listed] == [(TEMPERATURE, 2)]
    other = api.token("eve", tenant="other")
    theirs = api.submit(other)["id"]
    assert query(api, ana, job=theirs).status == 404
    report = api.ask("GET", f"{V1}/reports/usage?by=node&since=1h", token=ana).json()
    assert report["rows"] == []


# ------------------------------------------------------------------ metrics and reports


def test_which_metrics_there_are(api: Api, ana: str) -> None:
    record(
        api,
        {
            (TEMPERATURE, card("n1", 0)): 1.0,
            (TEMPERATURE, card("n1", 1)): 1.0,
            ("odd", labels_from({"node": "n1"})): 1.0,
        },
    )
    first = api.ask("GET", f"{V1}/history/metrics?limit=1", token=ana).json()
    assert first["items"] == [
        {"name": TEMPERATURE, "help": "Temperature of the chip.", "unit": "celsius", "series": 2}
    ]
    rest = api.ask("GET", f"{V1}/history/metrics?after={first['next']}", token=ana).json()
    assert rest == {"items": [{"name": "odd", "help": None, "unit": "", "series": 1}], "next": None}


def usage(api: Api, token: str, **query: Any) -> dict[str, Any]:
    answer = api.ask("GET", f"{V1}/reports/usage?{urlencode(query)}", token=token)
    assert answer.status == 200, answer.body
    return answer.json()


def held(api: Api) -> None:
    """ana had a GPU for an hour, idle; bob half of one, of which it is not known whether he was."""
    mine, his = card("n1", 0, user="ana", origin="queue"), card("n1", 1, user="bob", origin="docker")
    record(
        api,
        {
            ("gpu_up", card("n1", 0)): 1.0,
            ("gpu_up", card("n1", 1)): 1.0,
            ("gpu_held", mine): 1.0,
            ("gpu_held", his): 0.5,
            ("gpu_held_idle", mine): 1.0,
            ("gpu_held_power_watts", mine): 200.0,
        },
    )


def test_who_held_the_gpus(api: Api, ana: str) -> None:
    held(api)
    found = usage(api, ana, since="1h")
    assert (found["by"], found["step"]) == ("user", DAY)
    assert (found["start"], found["end"]) == (rfc3339(api.clock.at - HOUR), rfc3339(api.clock.at))
    assert found["rows"] == [
        {
            "key": "ana", "gpu_hours": 1.0, "idle_gpu_hours": 1.0, "unknown_gpu_hours": 0.0,
            "energy_kwh": 0.2, "coverage": 1.0,
        },
        {
            "key": "bob", "gpu_hours": 0.5, "idle_gpu_hours": None, "unknown_gpu_hours": 0.5,
            "energy_kwh": None, "coverage": 1.0,
        },
    ]  # fmt: skip
    assert found["totals"] == {
        "gpu_hours": 1.5, "idle_gpu_hours": 1.0, "unknown_gpu_hours": 0.5, "energy_kwh": 0.2, "coverage": 1.0,
    }  # fmt: skip
    assert [day["gpu_hours"] for day in found["days"]] == [1.5]
    month = usage(api, ana)
    assert len(month["days"]) in (30, 31) and month["totals"]["gpu_hours"] == 1.5
    assert month["totals"]["coverage"] == pytest.approx(1 / 720, abs=1e-4)


@pytest.mark.parametrize(
    ("by", "keys"),
    [
        ("group", {"ml": 1.0, "": 0.5}),
        ("node", {"n1": 1.5}),
        ("gpu", {"GPU-n1-0": 1.0, "GPU-n1-1": 0.5}),
        ("model", {"H100": 1.5}),
        ("origin", {"queue": 1.0, "docker": 0.5}),
    ],
)
def test_rows_are_what_is_asked_for(api: Api, by: str, keys: dict[str, float]) -> None:
    root = api.token("root", Role.ADMIN)
    body = {"name": "ana", "role": "member", "group": "ml"}
    assert api.ask("POST", f"{V1}/users", token=root, json=body).status == 201
    held(api)
    assert {row["key"]: row["gpu_hours"] for row in usage(api, root, by=by, since="1h")["rows"]} == keys


def test_days_may_be_hours(api: Api, ana: str) -> None:
    held(api)
    found = usage(api, ana, since="2h", step="1h")
    assert found["step"] == HOUR
    assert [day["gpu_hours"] for day in found["days"]] == [0.0, 1.5]
    assert [day["coverage"] for day in found["days"]] == [0.0, 1.0]


def test_a_history_that_cannot_be_reached(api: Api, ana: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> None:
        raise HistoryUnavailable("the history is away")

    monkeypatch.setattr(api.history, "query", gone)
    for path in (f"history/query?metric={TEMPERATURE}", "reports/usage"):
        answer = api.ask("GET", f"{V1}/{path}", token=ana)
        assert (answer.status, answer.json()["detail"]) == (503, "the history is away")
