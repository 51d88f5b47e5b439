import json
from typing import Any

from tests.cli.running import Cli
from tests.client.fake_controller import Reply, problem

from sentinel.cli.nodes.words import free_text, node_lines, note_of, one_lines

NOW = 1_700_000_000.0
EVIL = "\x1b[2Jev\u202eil\n"


def a_gpu(index: int, **changes: Any) -> dict[str, Any]:
    found = {"uuid": f"GPU-{index}", "index": index, "model": "NVIDIA A100", "memory_total_bytes": 80 * 2**30}
    return found | {"blocked": None} | changes


def a_node(name: str = "gpu-01", **changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "id": "n1", "name": name, "tenant": "default", "state": "up", "drained": None, "boot_id": "b",
        "agent_version": "0.1.0", "joined_at": "2023-11-14T22:00:00Z", "last_seen_at": "2023-11-14T22:13:15Z",
        "gpus": [a_gpu(0), a_gpu(1)], "samples": None, "jobs": ["aaaa"], "strays": [],
    }  # fmt: skip
    return found | changes


def listed(node: dict[str, Any], *jobs: str | None) -> list[dict[str, Any]]:
    return [
        {**gpu, "node": node["name"], "job": job} for gpu, job in zip(node["gpus"] or (), jobs, strict=False)
    ]


def test_the_table() -> None:
    node = a_node()
    drained = a_node("gpu-02", drained={"by": "ann", "at": "x", "why": "driver"}, jobs=[])
    unread = a_node("gpu-03", gpus=None, last_seen_at=None, jobs=[], state="silent")
    gpus = [*listed(node, "aaaa", None), *listed(drained, None, None)]
    assert node_lines([node, drained, unread], gpus, NOW, 100, colours=False) == [
        "NAME    STATE        GPUS  FREE  JOBS  SEEN  MODEL        NOTE",
        "gpu-01  up              2     1     1   5 s  NVIDIA A100  -",
        "gpu-02  up, drained     2     0     0   5 s  NVIDIA A100  drained by ann: driver",
        "gpu-03  silent          ?     ?     0     -  -            -",
    ]


def test_what_is_free() -> None:
    node = a_node(gpus=[a_gpu(0), a_gpu(1, blocked={"kind": "unmanaged", "why": "raw-docker llm"})])
    assert free_text(node, listed(node, None, None)) == "1"
    assert note_of(node) == "1 GPU blocked"
    assert free_text(a_node(state="dead"), []) == "0"


def test_one_node_gpu_by_gpu() -> None:
    sample = {
        "uuid": "GPU-0", "utilization_percent": 97.0, "memory_used_bytes": 2**30, "temperature_celsius": 61.0,
        "power_watts": None,
    }  # fmt: skip
    node = a_node(gpus=[a_gpu(0), a_gpu(1, blocked={"kind": "unmanaged", "why": EVIL})], samples=[sample])
    lines = one_lines(node, listed(node, "aaaa", None), NOW, 100, colours=False)
    assert lines[-2].split() == "0 NVIDIA A100 1 GiB / 80 GiB 97% 61 C ? aaaa -".split()
    assert lines[-1].split()[:10] == "1 NVIDIA A100 ? / 80 GiB ? ? ?".split()
    assert all(line.isprintable() for line in lines)
    assert "could not read" in one_lines(a_node(gpus=None), [], NOW, 100, colours=False)[-1]
    assert one_lines(a_node(gpus=[]), [], NOW, 100, colours=False)[-1] == "no GPUs"


def test_what_a_node_is() -> None:
    node = a_node(address="10.0.0.7", cpus=64, memory_bytes=2**40, sharing="mps")
    text = "\n".join(one_lines(node, [], NOW, 100, colours=False))
    assert "10.0.0.7" in text and "64 CPUs, 1 TiB of memory" in text and "MPS keeps jobs" in text
    silent = a_node(address="", cpus=None, memory_bytes=None, sharing="unenforced")
    text = "\n".join(one_lines(silent, [], NOW, 100, colours=False))
    assert "? CPUs, ? of memory" in text and "nothing but the jobs" in text


def test_hostile_names_break_no_table() -> None:
    node = a_node(
        EVIL * 20, drained={"by": EVIL, "at": "x", "why": EVIL * 20}, gpus=[a_gpu(0, model=EVIL * 9)]
    )
    for line in node_lines([node], [], NOW, 80, colours=False):
        assert len(line) <= 80
        assert line.isprintable()


def test_list_and_show(cli: Cli) -> None:
    node = a_node()
    cli.answers("GET nodes", {"items": [node], "next": None})
    cli.answers("GET nodes/gpu-01", node)
    chat = {"name": "chat", "state": "paused", "why": "lease L1 of ana", "since": None, "gpus": []}
    answer = {"standing": "answers", "services": [chat], "leases": [], "waiting": [], "hold": None}
    cli.answers("GET nodes/gpu-01/arbiter", {"node": "gpu-01", **answer})
    cli.answers("GET gpus", {"items": listed(node, "aaaa", None), "next": None})
    out = cli("node", "list").out
    assert "gpu-01" in out
    assert all(len(line) <= 80 for line in out.splitlines())
    assert json.loads(cli("node", "list", "--json").out) == [node]
    assert json.loads(cli("node", "show", "gpu-01", "--json").out) == {**node, "arbiter": answer}
    out = cli("node", "show", "gpu-01").out
    assert "aaaa" in out and "lease L1 of ana" in out
    cli.answers("GET nodes", {"items": [], "next": None})
    assert "sentinel token create --join" in cli("node", "list").out


def test_drain_and_resume(cli: Cli) -> None:
    cli.answers("POST nodes/g/drain", a_node("g"))
    cli.answers("POST nodes/g/resume", a_node("g", state="silent"))
    assert cli("node", "drain", "g", "--why", "driver").out == "g is drained; 1 job still there\n"
    assert cli.fake.requests[0].json == {"why": "driver"}
    assert cli("node", "resume", "g").out == "g takes jobs again, once it is up: it is silent\n"


def test_declaring_dead_asks(cli: Cli) -> None:
    cli.answers("POST nodes/g/declare-dead", a_node("g", state="dead"))
    done = cli("node", "declare-dead", "g", "--why", "burnt")
    assert done.status == 2
    assert "--yes" in done.err
    assert cli("node", "declare-dead", "g").status == 2  # it needs a reason
    assert cli.fake.requests == []
    assert cli("node", "declare-dead", "g", "--why", "burnt", "--yes").status == 0
    assert cli.fake.requests[0].json == {"why": "burnt"}


def test_remove(cli: Cli) -> None:
    cli.answers("DELETE nodes/g", Reply(status=204))
    assert cli("node", "remove", "g").out == "g is removed\n"
    cli.answers("DELETE nodes/g", problem(409, "jobs hold leases on g: aaaa", "cancel them"))
    assert cli("node", "remove", "g").err == "sentinel: jobs hold leases on g: aaaa (cancel them)\n"
