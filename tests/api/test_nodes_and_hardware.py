"""Nodes, GPUs, workloads and leases as people see them, and what operators do with nodes."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.api.in_process import V1, Api

from sentinel.api.beats import Samples
from sentinel.core.identity import Role
from sentinel.core.job import JobState
from sentinel.core.node import NodeState
from sentinel.core.node_arbiter import (
    NODE_ARBITER,
    NodeArbiter,
    ServiceState,
    Standing,
    SteppingAside,
    node_arbiter_json,
)
from sentinel.ports.store import NodeWorkload

NODES = f"{V1}/nodes"


@pytest.fixture
def api() -> Iterator[Api]:
    with Api() as api:
        yield api


@pytest.fixture
def op(api: Api) -> str:
    return api.token("op", Role.OPERATOR)


def workload(node: str, id: str, **data: object) -> NodeWorkload:
    found = {"id": id, "origin": "raw-docker", "state": "running", "user": "ana", "managed": False, **data}
    return NodeWorkload(
        node=node, id=id, tenant="default", owner="ana", origin="raw-docker", state="running", data=found
    )


def test_a_node_is_shown_with_samples_jobs_and_strays(api: Api, op: str) -> None:
    node = api.node()
    id = api.submit(op)["id"]
    api.advance(id, JobState.RUNNING)
    sample = {"uuid": "GPU-n1-0", "utilization_percent": 5, "power_watts": None}
    api.hub.keep_samples(node.id, Samples(at=api.clock.at, samples=(sample,)))
    some = [
        workload(node.id, "stray", gpus=["GPU-n1-1"]),
        workload(node.id, "ours", gpus=["GPU-n1-0"], managed=True),
        workload(node.id, "no-gpu", gpus=[]),
        workload(node.id, "unknown", gpus=None),
    ]
    api.store.write(lambda tx: tx.put_workloads(node.id, some))
    found = api.ask("GET", f"{NODES}/n1", token=op).json()
    assert (found["name"], found["state"], found["samples"], found["jobs"]) == ("n1", "up", [sample], [id])
    assert [one["id"] for one in found["strays"]] == ["stray"]
    assert api.ask("GET", NODES, token=op).json()["items"] == [found]
    api.clock.at += 31
    assert api.ask("GET", f"{NODES}/n1", token=op).json()["samples"] is None


def test_what_a_nodes_arbiter_says(api: Api, op: str) -> None:
    node = api.node()
    vic = api.token("vic", Role.VIEWER)
    found = api.ask("GET", f"{NODES}/n1/arbiter", token=vic).json()
    assert (found["node"], found["standing"], found["services"]) == ("n1", "unknown", [])
    said = NodeArbiter(
        standing=Standing.ANSWERS,
        services=(SteppingAside(name="chat", state=ServiceState.PAUSED, why="lease L1 of ana"),),
    )
    api.store.write(lambda tx: tx.put_document(NODE_ARBITER, node.id, node_arbiter_json(said)))
    found = api.ask("GET", f"{NODES}/n1/arbiter", token=vic).json()
    assert found == {"node": "n1", **node_arbiter_json(said)}
    assert api.ask("GET", f"{NODES}/n2/arbiter", token=vic).status == 404
    assert api.ask("GET", f"{NODES}/n1/arbiter").status == 401


def test_new_samples_change_the_list(api: Api, op: str) -> None:
    node = api.node()
    first = api.ask("GET", NODES, token=op)
    tag = {"if-none-match": first.headers["etag"]}
    assert api.ask("GET", NODES, token=op, headers=tag).status == 304
    api.hub.keep_samples(node.id, Samples(at=api.clock.at, samples=({"uuid": "GPU-n1-0"},)))
    assert api.ask("GET", NODES, token=op, headers=tag).status == 200


@pytest.mark.parametrize("path", ["nodes", "gpus", "workloads", "leases"])
def test_what_has_not_changed_is_not_sent_again(api: Api, op: str, path: str) -> None:
    first = api.ask("GET", f"{V1}/{path}", token=op)
    tag = {"if-none-match": first.headers["etag"]}
    assert api.ask("GET", f"{V1}/{path}", token=op, headers=tag).status == 304
    node = api.node()
    api.store.write(lambda tx: tx.put_workloads(node.id, [workload(node.id, "w")]))
    id = api.submit(op)["id"]
    api.advance(id, JobState.RUNNING)
    assert api.ask("GET", f"{V1}/{path}", token=op, headers=tag).status == 200


def test_gpus_have_their_nodes_name_and_the_job_that_holds_them(api: Api, op: str) -> None:
    api.node("n2", gpus=1)
    api.node("n1", gpus=2)
    id = api.submit(op)["id"]
    api.advance(id, JobState.RUNNING)
    found = api.ask("GET", f"{V1}/gpus?limit=2", token=op).json()
    assert [(one["node"], one["index"], one["job"]) for one in found["items"]] == [
        ("n1", 0, id),
        ("n1", 1, None),
    ]
    rest = api.ask("GET", f"{V1}/gpus?after={found['next']}", token=op).json()
    assert ([one["uuid"] for one in rest["items"]], rest["next"]) == (["GPU-n2-0"], None)


def test_leases_do_not_show_what_fences_them(api: Api, op: str) -> None:
    api.node()
    id = api.submit(op)["id"]
    api.advance(id, JobState.RUNNING)
    answer = api.ask("GET", f"{V1}/leases", token=op)
    (lease,) = answer.json()["items"]
    assert (lease["job"], lease["node"], lease["gpus"], lease["owner"]) == (id, "n1", ["GPU-n1-0"], "op")
    assert f"t-{id}" not in answer.body.decode()


def test_workloads_by_node_and_owner(api: Api, op: str) -> None:
    for name in ("n1", "n2"):
        node = api.node(name)
        api.store.write(
            lambda tx, node=node: tx.put_workloads(node.id, [workload(node.id, f"w-{node.name}")])
        )

    def ids(query: str) -> list[str]:
        return [one["id"] for one in api.ask("GET", f"{V1}/workloads{query}", token=op).json()["items"]]

    assert ids("") == ["w-n1", "w-n2"]
    assert ids("?node=n2") == ["w-n2"]
    assert ids("?owner=ana") == ["w-n1", "w-n2"]
    assert ids("?owner=bob") == []
    assert ids("?state=running&node=n1") == ["w-n1"]
    assert ids("?state=idle") == []
    assert api.ask("GET", f"{V1}/workloads?state=asleep", token=op).status == 422
    assert api.ask("GET", f"{V1}/workloads", token=op).json()["items"][0]["node"] == "n1"


def test_another_tenants_machines_do_not_exist(api: Api) -> None:
    node = api.node()
    api.store.write(lambda tx: tx.put_workloads(node.id, [workload(node.id, "w")]))
    api.advance(api.submit(api.token("ana"))["id"], JobState.RUNNING)
    eve = api.token("eve", Role.ADMIN, tenant="other")
    for path in ("nodes", "gpus", "workloads", "leases", "events", "jobs"):
        assert api.ask("GET", f"{V1}/{path}", token=eve).json()["items"] == [], path
    assert api.ask("GET", f"{NODES}/n1", token=eve).status == 404
    for action in ("drain", "resume"):
        assert api.ask("POST", f"{NODES}/n1/{action}", token=eve).status == 404
    assert api.ask("POST", f"{NODES}/n1/declare-dead", token=eve, json={"why": "x"}).status == 404
    assert api.ask("DELETE", f"{NODES}/n1", token=eve).status == 404


def test_a_drain_says_who_and_why_and_ends(api: Api, op: str) -> None:
    api.node()
    drained = api.ask("POST", f"{NODES}/n1/drain", token=op, json={"why": "new fans"}).json()["drained"]
    assert (drained["by"], drained["why"]) == ("op", "new fans")
    assert api.ask("POST", f"{NODES}/n1/resume", token=op, json={}).json()["drained"] is None
    types = [one["type"] for one in api.ask("GET", f"{V1}/events", token=op).json()["items"]]
    assert types == ["sentinel.node.drained", "sentinel.node.resumed"]


def test_a_node_that_is_up_is_not_dead(api: Api, op: str) -> None:
    node = api.node()
    refused = api.ask("POST", f"{NODES}/n1/declare-dead", token=op, json={"why": "it burned"})
    assert (refused.status, refused.json()["type"]) == (409, "node-up")
    assert api.ask("POST", f"{NODES}/n1/declare-dead", token=op).status == 422
    assert api.ask("POST", f"{NODES}/n1/declare-dead", token=op, json={"why": ""}).status == 422
    id = api.submit(op)["id"]
    api.advance(id, JobState.RUNNING)
    api.store.write(lambda tx: tx.put_node(replace(node, state=NodeState.SILENT)))
    dead = api.ask("POST", f"{NODES}/n1/declare-dead", token=op, json={"why": "it burned"}).json()
    assert (dead["state"], dead["jobs"]) == ("dead", [])
    assert api.job(id).state is JobState.QUEUED


def test_a_node_is_removed_once_no_job_holds_it(api: Api, op: str) -> None:
    root = api.token("root", Role.ADMIN)
    api.node()
    id = api.submit(op)["id"]
    api.advance(id, JobState.RUNNING)
    refused = api.ask("DELETE", f"{NODES}/n1", token=root)
    assert (refused.status, refused.json()["type"], id in refused.json()["detail"]) == (
        409,
        "has-leases",
        True,
    )
    api.store.write(lambda tx: tx.free_lease(f"t-{id}"))
    assert api.ask("DELETE", f"{NODES}/n1", token=root).status == 204
    assert api.ask("GET", f"{NODES}/n1", token=root).status == 404
    assert api.ask("DELETE", f"{NODES}/n1", token=root).status == 404


@pytest.mark.parametrize("name", ["%00", "..", "a%2fb", "x" * 400, "n1%0a", "'"])
def test_what_names_no_node(api: Api, op: str, name: str) -> None:
    assert api.ask("GET", f"{NODES}/{name}", token=op).status == 404


@pytest.mark.parametrize("after", ["rubbish!", "%00", "AA", "gA", "é", "x" * 500])
def test_a_cursor_that_is_none_is_no_defect(api: Api, op: str, after: str) -> None:
    for path in ("nodes", "gpus", "workloads", "leases", "tokens"):
        answer = api.ask("GET", f"{V1}/{path}?after={after}", token=op)
        assert answer.status in (200, 422), (path, answer.body)


def test_a_hold_after_a_restore_is_ended_by_an_operator(api: Api, op: str) -> None:
    assert api.ask("GET", f"{V1}/queue", token=op).json() == {"held": False}
    api.store.write(lambda tx: tx.set_meta("restored_at", "1"))
    assert api.ask("GET", f"{V1}/queue", token=op).json() == {"held": True}
    assert api.ask("POST", f"{V1}/queue/resume", token=op, json={"why": "all are back"}).json() == {
        "held": False
    }
    assert api.ask("GET", f"{V1}/queue", token=op).json() == {"held": False}
