"""The fleet in one answer: what each GPU shows, what is unknown, and that it is small."""

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from tests.api.in_process import V1, Answer, Api

from sentinel.api.beats import Samples
from sentinel.api.fleet import COLUMNS
from sentinel.core.finding import NODE_FINDINGS
from sentinel.core.identity import Role
from sentinel.core.job import JobState
from sentinel.core.node import Block, BlockKind, Drain, Node, NodeState
from sentinel.ports.store import NodeWorkload


@pytest.fixture
def api() -> Iterator[Api]:
    with Api() as api:
        yield api


def fleet(api: Api, token: str | None = None, headers: dict[str, str] | None = None) -> Answer:
    api.settle()
    # Looks are a second apart by the clock of the event loop; here none is shared.
    api.run(_forget(api))
    answer = api.ask("GET", f"{V1}/fleet", token=token or api.token("ana"), headers=headers)
    assert answer.status in (200, 304), answer.body
    return answer


async def _forget(api: Api) -> None:
    for feed in api.state.fleet._feeds.values():
        feed._looked_at = feed._owners_at = float("-inf")


def gpu(found: Mapping[str, Any], row: int) -> dict[str, Any]:
    return {name: values[row] for name, values in found["gpus"].items()}


def measured(api: Api, node: str, *samples: dict[str, Any]) -> None:
    async def keep() -> None:
        api.hub.keep_samples(f"id-{node}", Samples(at=api.clock.at, samples=samples))

    api.run(keep())


def put(api: Api, node: Node) -> None:
    api.store.write(lambda tx: tx.put_node(node))


def blocked(api: Api, node: Node, number: int, kind: BlockKind, why: str = "why") -> Node:
    gpus = list(node.gpus or ())
    gpus[number] = replace(gpus[number], blocked=Block(kind=kind, why=why))
    changed = replace(node, gpus=tuple(gpus))
    put(api, changed)
    return changed


def test_a_fleet_without_nodes_is_empty(api: Api) -> None:
    found = fleet(api).json()
    assert (found["nodes"], found["at"]) == ([], api.clock.at)
    assert found["gpus"] == {name: [] for name in COLUMNS}


def test_nodes_by_name_and_their_gpus_by_index(api: Api) -> None:
    api.node("n2", gpus=1)
    api.node("n1", gpus=2)
    found = fleet(api).json()
    assert [node["name"] for node in found["nodes"]] == ["n1", "n2"]
    assert found["nodes"][0]["models"] == [{"model": "Sim", "count": 2}]
    assert (found["nodes"][0]["gpus"], found["nodes"][0]["state"]) == (2, "up")
    assert (found["gpus"]["node"], found["gpus"]["index"]) == ([0, 0, 1], [0, 1, 0])
    assert found["gpus"]["uuid"] == ["GPU-n1-0", "GPU-n1-1", "GPU-n2-0"]
    assert gpu(found, 0) | {"uuid": None} == {
        **dict.fromkeys(COLUMNS),
        "node": 0,
        "index": 0,
        "model": "Sim",
        "memory_total": 1 << 34,
        "jobs": 0,
        "state": "free",
    }
    assert found["revision"] == api.hub.mirror.revision


def test_what_a_gpu_measures_and_when_it_is_unknown(api: Api) -> None:
    api.node(gpus=2)
    sample = {
        "uuid": "GPU-n1-0",
        "utilization_percent": 97,
        "memory_used_bytes": 5 << 30,
        "temperature_celsius": 61,
        "power_watts": 312.3456,
    }
    measured(api, "n1", sample, {"uuid": "GPU-n1-1", "utilization_percent": None})
    found = fleet(api).json()
    first = gpu(found, 0)
    assert (first["util"], first["memory_used"], first["temperature"], first["power"]) == (
        97,
        5 << 30,
        61,
        312.3,
    )
    assert {gpu(found, 1)[name] for name in ("util", "memory_used", "temperature", "power")} == {None}
    api.clock.at += 30
    assert gpu(fleet(api).json(), 0)["util"] == 97
    api.clock.at += 0.1
    assert {gpu(fleet(api).json(), 0)[name] for name in ("util", "memory_used", "power")} == {None}


def test_who_has_a_gpu(api: Api) -> None:
    api.node(gpus=2)
    ana = api.token("ana")
    id = api.submit(ana)["id"]
    api.advance(id, JobState.RUNNING)
    found = fleet(api).json()
    first = gpu(found, 0)
    assert (first["owner"], first["job"], first["jobs"], first["state"]) == ("ana", id, 1, "leased")
    second = gpu(found, 1)
    assert (second["owner"], second["job"], second["jobs"], second["state"]) == (None, None, 0, "free")
    api.advance(id, JobState.SUCCEEDED)
    assert gpu(fleet(api).json(), 0)["state"] == "free"


def test_a_shared_gpu_names_all_who_share_it(api: Api) -> None:
    api.node(gpus=1)
    ids = [api.submit(api.token(name), gpu_share=0.5)["id"] for name in ("ben", "ana")]
    for id in ids:
        api.advance(id, JobState.RUNNING)
    first = gpu(fleet(api).json(), 0)
    assert (first["owner"], first["job"], first["jobs"]) == ("ana, ben", min(ids), 2)


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (BlockKind.UNMANAGED, "blocked"),
        (BlockKind.QUARANTINED, "blocked"),
        (BlockKind.LEASED, "blocked"),
        (BlockKind.UNKNOWN, "unknown"),
    ],
)
def test_why_a_gpu_is_not_placed_on(api: Api, kind: BlockKind, state: str) -> None:
    blocked(api, api.node(), 1, kind, "a reason")
    found = gpu(fleet(api).json(), 1)
    assert (found["state"], found["blocked"], found["blocked_why"]) == (state, kind.value, "a reason")


def test_whose_the_unmanaged_workload_on_a_gpu_is(api: Api) -> None:
    node = blocked(api, api.node(gpus=3), 0, BlockKind.UNMANAGED)
    blocked(api, node, 1, BlockKind.UNMANAGED)

    def workload(id: str, user: str | None, gpus: list[str] | None, state: str = "running") -> NodeWorkload:
        data = {"id": id, "managed": False, "gpus": gpus}
        return NodeWorkload(
            node="id-n1", id=id, tenant="default", owner=user, origin="raw", state=state, data=data
        )

    known = [
        workload("a", "zoe", ["GPU-n1-0"]),
        workload("b", "eva", ["GPU-n1-0", "GPU-n1-2"]),
        workload("c", "old", ["GPU-n1-1"], "exited"),
        workload("d", None, ["GPU-n1-1"]),
        workload("e", "who", None),
    ]
    api.store.write(lambda tx: tx.put_workloads("id-n1", known))
    found = fleet(api).json()
    # The third is not blocked: whoever was seen there has let go of it.
    assert found["gpus"]["owner"] == ["eva, zoe", None, None]


def test_what_is_on_a_silent_node_is_unknown(api: Api) -> None:
    node = api.node(state=NodeState.SILENT)
    found = fleet(api).json()
    assert (found["nodes"][0]["state"], found["gpus"]["state"]) == ("silent", ["unknown"] * 2)
    put(api, replace(node, state=NodeState.UP, gpus=None))
    found = fleet(api).json()
    assert (found["nodes"][0]["gpus"], found["nodes"][0]["models"], found["gpus"]["uuid"]) == (None, [], [])


def test_a_drained_node_says_who_drained_it(api: Api) -> None:
    api.node(drained=Drain(by="root", at=api.clock.at, why="new fans"))
    found = fleet(api).json()
    assert (found["nodes"][0]["drained"]["by"], found["nodes"][0]["drained"]["why"]) == ("root", "new fans")
    assert found["gpus"]["state"] == ["free", "free"]


def test_the_worst_that_stands_on_a_gpu_and_on_its_node(api: Api) -> None:
    api.node(gpus=3)

    def finding(severity: str, gpu: dict[str, Any] | None) -> dict[str, Any]:
        return {"severity": severity, "gpu": gpu}

    by_index = {"uuid": None, "index": 1, "pci_bus_id": None}
    by_uuid = {"uuid": "GPU-n1-0", "index": 0, "pci_bus_id": None}
    document = {
        "node": "n1",
        "findings": [
            finding("warning", by_uuid),
            finding("critical", by_uuid),
            finding("info", by_uuid),
            finding("warning", by_index),
            finding("info", None),
        ],
    }
    api.store.write(lambda tx: tx.put_document(NODE_FINDINGS, "id-n1", document))
    found = fleet(api).json()
    assert found["gpus"]["health"] == ["critical", "warning", None]
    assert found["nodes"][0]["health"] == "info"
    api.store.write(lambda tx: tx.remove_document(NODE_FINDINGS, "id-n1"))
    found = fleet(api).json()
    assert (found["gpus"]["health"], found["nodes"][0]["health"]) == ([None] * 3, None)


def test_a_tenant_sees_its_own_nodes_alone(api: Api) -> None:
    api.node("n1")
    api.node("theirs", tenant="other")
    eve = api.token("eve", Role.ADMIN, tenant="other")
    assert [node["name"] for node in fleet(api, eve).json()["nodes"]] == ["theirs"]
    assert [node["name"] for node in fleet(api).json()["nodes"]] == ["n1"]


def test_what_is_the_same_is_not_sent_again(api: Api) -> None:
    api.node()
    tag = fleet(api).headers["etag"]
    api.clock.at += 5
    assert fleet(api, headers={"if-none-match": tag}).status == 304
    measured(api, "n1", {"uuid": "GPU-n1-0", "utilization_percent": 3})
    changed = fleet(api, headers={"if-none-match": tag})
    assert (changed.status, changed.headers["etag"] == tag) == (200, False)


def test_a_thousand_gpus_are_small(api: Api) -> None:
    random = Random(7)
    for number in range(128):
        name = f"sim-{number:03}"
        node = api.node(name, gpus=8)
        uuids = [f"GPU-{random.getrandbits(128):032x}" for _ in range(8)]
        gpus = [replace(one, uuid=uuid) for one, uuid in zip(node.gpus or (), uuids, strict=True)]
        put(api, replace(node, gpus=tuple(gpus)))
        samples = [
            {
                "uuid": uuid,
                "utilization_percent": random.randrange(101),
                "memory_used_bytes": random.randrange(80 << 30),
                "temperature_celsius": random.randrange(30, 90),
                "power_watts": random.uniform(50, 700),
            }
            for uuid in uuids
        ]
        measured(api, name, *samples)
    answer = fleet(api, headers={"accept-encoding": "gzip"})
    found = json.loads(gzip.decompress(answer.body))
    assert len(found["gpus"]["uuid"]) == 1024
    assert len(answer.body) <= 60_000
