"""The agent's looking at inference servers: what it asks, what it shows, what it says."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.agent.test_inference_servers import Machine, workload
from tests.fakes.metrics_source import FakeSource
from tests.telemetry.scrape.pages import LLAMA_CPP, vllm

from sentinel.agent.inference import Inference
from sentinel.agent.inference_config import InferenceConfig, InferenceServer
from sentinel.core.errors import UsageError
from sentinel.core.inventory import Inventory
from sentinel.core.workload import Workload
from sentinel.ports.metrics_source import MetricsSource, Page
from sentinel.telemetry.scrape.families import Family

OLLAMA = {
    "/api/version": (200, '{"version":"0.12.1"}'),
    "/api/ps": (200, '{"models":[{"name":"b"},{"name":"a"},{"model":"x"},7]}'),
}


class Site:
    """A node: its processes, the servers by name or port, and the clock."""

    def __init__(self, *servers: InferenceServer, every: float = 10.0, scrape: bool = True) -> None:
        self.machine = Machine()
        self.sources: dict[str | int, MetricsSource] = {one.name: FakeSource() for one in servers}
        self.opened: list[int] = []
        self.said: list[str] = []
        self.now = 1000.0
        self.inference = Inference(
            InferenceConfig(every=every, scrape=scrape, servers=servers),
            open_source=lambda one: self.sources[one.name],
            open_port=self.open_port,
            listeners=self.machine,
            said=self.said.append,
            now=lambda: self.now,
        )

    def open_port(self, port: int) -> MetricsSource:
        self.opened.append(port)
        return self.sources[port]

    def fake(self, key: str | int, page: str | None = None) -> FakeSource:
        source = self.sources.setdefault(key, FakeSource())
        assert isinstance(source, FakeSource)
        source.page = page
        return source

    def sees(self, *workloads: Workload) -> None:
        self.inference.take(Inventory(node="node-1", scanned_at=0.0, boot_id="b", workloads=workloads))

    def round(self, seconds: float = 10.0) -> dict[str, float]:
        """One round; what is shown after it, without the node."""
        self.now += seconds
        self.inference.round()
        until(lambda: not threads())
        return self.shown()

    def shown(self) -> dict[str, float]:
        found: dict[str, float] = {}
        for metric, labels, value in self.inference.values("node-1"):
            assert ("node", "node-1") in labels
            named = ",".join(f"{key}={text}" for key, text in labels if key != "node")
            found[f"{metric.removeprefix('workload_inference_')}{{{named}}}"] = value
        return found


def threads() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name.startswith("inference-")]


def until(met: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def server(name: str = "chat", **more: object) -> InferenceServer:
    return replace(InferenceServer(name=name, url="http://127.0.0.1:8000"), **more)  # type: ignore[arg-type]


def test_a_named_server_from_look_to_look() -> None:
    site = Site(server())
    site.fake("chat", vllm([], running=1))
    assert site.round() == {
        "up{workload=chat}": 1,
        "model_info{model=m,workload=chat}": 1,
        "requests_total{model=m,workload=chat}": 0,
        "running_requests{model=m,workload=chat}": 1,
        "waiting_requests{model=m,workload=chat}": 0,
        "tokens_total{kind=prompt,model=m,workload=chat}": 0,
        "tokens_total{kind=generated,model=m,workload=chat}": 0,
    }
    site.fake("chat", vllm([0.6, 0.7]))
    shown = site.round()
    assert shown["latency_ms{model=m,p=50,workload=chat}"] == 750
    assert shown["first_token_ms{model=m,p=99,workload=chat}"] == pytest.approx(99)
    assert shown["requests_total{model=m,workload=chat}"] == 2
    assert site.said == []


def test_one_that_fails_is_down_and_goes_on_where_it_was() -> None:
    site = Site(server())
    chat = site.fake("chat", vllm([0.6]))
    site.round()
    chat.trouble = "no answer within 5 s"
    assert site.round() == {"up{workload=chat}": 0}
    site.round()
    assert site.said == ["inference server chat: no answer within 5 s"]  # once
    chat.trouble = None
    chat.page = vllm([0.6, 0.8])
    assert site.round()["latency_ms{model=m,p=50,workload=chat}"] == 750
    chat.trouble = "no answer within 5 s"
    site.round()
    assert len(site.said) == 2


def test_what_is_too_old_is_not_shown_as_new() -> None:
    site = Site(server())
    site.fake("chat", vllm([]))
    site.round()
    site.now += 30
    assert site.shown() != {}
    site.now += 0.1
    assert site.shown() == {}


def test_one_without_metrics_is_up_when_it_is_well() -> None:
    site = Site(server())
    chat = site.fake("chat")
    chat.pages = {"": (501, "start it with --metrics"), "/health": (200, "ok")}
    assert site.round() == {"up{workload=chat}": 1}
    assert site.said == ["inference server chat: it tells no metrics (HTTP 501)"]
    chat.pages["/health"] = (503, "loading")
    assert site.round() == {"up{workload=chat}": 0}


def test_one_whose_metrics_cannot_be_read_or_are_not_known_is_up() -> None:
    site = Site(server())
    site.fake("chat", "<html>")
    assert site.round() == {"up{workload=chat}": 1}
    site.fake("chat", "app_requests_total 5\n")
    assert site.round() == {"up{workload=chat}": 1}
    assert [said.partition(":")[2][:30] for said in site.said] == [
        " its metrics cannot be read: l",
        " none of its metrics is known;",
    ]


def test_one_that_cannot_be_opened_is_down_and_tried_again() -> None:
    site = Site(server())
    chat = site.sources.pop("chat")

    def opened(one: InferenceServer) -> MetricsSource:
        if one.name not in site.sources:
            raise UsageError("the certificates in /ca.pem cannot be read")
        return site.sources[one.name]

    site.inference = Inference(
        InferenceConfig(servers=(server(),)),
        open_source=opened,
        open_port=site.open_port,
        listeners=site.machine,
        said=site.said.append,
        now=lambda: site.now,
    )
    assert site.round() == {"up{workload=chat}": 0}
    assert site.said == ["inference server chat: the certificates in /ca.pem cannot be read"]
    site.sources["chat"] = chat
    site.fake("chat", vllm([]))
    assert site.round()["up{workload=chat}"] == 1


def test_names_of_the_config() -> None:
    site = Site(server(model="mine", family=Family(requests="app_requests_total")), server("cpp", model="q"))
    site.fake("chat", "app_requests_total 5\n")
    site.fake("cpp", LLAMA_CPP)
    shown = site.round()
    assert shown["requests_total{model=mine,workload=chat}"] == 5
    assert shown["running_requests{model=q,workload=cpp}"] == 1


def test_a_named_ollama_is_found_out() -> None:
    site = Site(server())
    site.fake("chat").pages = dict(OLLAMA)
    assert site.round() == {
        "up{workload=chat}": 1,
        "model_info{model=a,workload=chat}": 1,
        "model_info{model=b,workload=chat}": 1,
    }


def test_servers_that_the_inventory_sees() -> None:
    site = Site()
    site.machine.run(10, "ollama serve", 11434)
    site.machine.run(11, "ollama runner --port 40000", 40000, parent=10)
    site.machine.run(20, "vllm serve m", 8000)
    site.machine.run(30, "python train.py", 9999)
    site.fake(11434).pages = dict(OLLAMA)
    site.fake(8000, vllm([]))
    assert site.round() == {}  # nothing is known of the node yet
    site.sees(workload(11), workload(20), workload(30))
    shown = site.round()
    assert shown["up{workload=ollama:11434}"] == 1 and shown["up{workload=vllm:8000}"] == 1
    assert sorted(site.opened) == [8000, 11434]
    assert site.fake(11434).asked == ["/api/version", "/api/ps"]
    site.round()
    assert sorted(site.opened) == [8000, 11434]  # opened once


def test_one_that_has_left_its_gpus_is_asked_on_until_it_ends() -> None:
    site = Site()
    site.machine.run(20, "vllm serve m", 8000)
    site.fake(8000, vllm([]))
    site.sees(workload(20))
    site.round()
    site.sees()
    assert site.round()["up{workload=vllm:8000}"] == 1
    del site.machine.processes[20]
    assert site.round() == {}
    assert threads() == []


def test_a_restarted_one_begins_anew() -> None:
    site = Site()
    site.machine.run(20, "vllm serve m", 8000)
    site.fake(8000, vllm([0.6] * 5))
    site.sees(workload(20))
    site.round()
    site.machine.run(21, "vllm serve m", 8000)
    del site.machine.processes[20]
    site.sees(workload(21))
    site.fake(8000, vllm([0.6] * 9))  # by its numbers it could be the one of before
    shown = site.round()
    assert shown["requests_total{model=m,workload=vllm:8000}"] == 9
    assert not [name for name in shown if name.startswith("latency")]


def test_a_server_that_is_named_as_well_is_shown_once() -> None:
    site = Site(server())
    site.machine.run(20, "vllm serve m", 8000)
    site.fake("chat", vllm([]))
    site.sees(workload(20))
    assert "up{workload=chat}" in site.round()
    assert site.fake("chat").asked == [None]
    assert not [name for name in site.shown() if "vllm:8000" in name]


def test_two_of_one_name_are_told_apart_whenever_they_came() -> None:
    site = Site(server("llm", url="http://10.0.0.1"))
    site.fake("llm", vllm([]))
    for place, port in enumerate((8001, 8002)):
        site.machine.run(port, f"vllm serve m --port {port}", port)
        site.fake(port, vllm([]))
        site.sees(*(workload(one, "llm", runtime="docker") for one in (8001, 8002)[: place + 1]))
        site.round()
    names = {name for name in site.shown() if name.startswith("up{")}
    assert names == {"up{workload=llm}", "up{workload=llm:8001}", "up{workload=llm:8002}"}


def test_switched_off_only_what_is_named_is_asked() -> None:
    site = Site(server(), scrape=False)
    site.machine.run(20, "vllm serve m --port 8001", 8001)
    site.fake("chat", vllm([]))
    site.sees(workload(20))
    site.round()
    assert site.opened == [] and site.machine.looked == []


def test_one_that_hangs_keeps_nobody_waiting_and_is_not_asked_twice() -> None:
    gate = threading.Event()

    class Hanging(FakeSource):
        def get(self, path: str | None = None) -> Page:
            self.asked.append(path)
            assert gate.wait(10)
            return super().get(path)

    site = Site(server("a"), server("b", url="http://127.0.0.1:8001"))
    hanging = Hanging(vllm([]))
    site.sources["a"] = hanging
    inference = Inference(
        InferenceConfig(servers=(server("a"), server("b"))),
        open_source=lambda one: site.sources[one.name],
        open_port=site.open_port,
        listeners=site.machine,
        said=site.said.append,
        now=lambda: site.now,
    )
    site.inference = inference
    site.fake("b", vllm([]))
    for _ in range(3):
        inference.round()
        until(lambda: len(threads()) == 1)
        assert site.shown()["up{workload=b}"] == 1
    assert hanging.asked == [None]
    gate.set()
    until(lambda: not threads())
    assert site.shown()["up{workload=a}"] == 1


def test_it_looks_at_its_own_pace_until_it_is_closed() -> None:
    site = Site(server(), every=1.0)
    chat = site.fake("chat", vllm([]))
    site.inference.start()
    until(lambda: chat.asked == [None])
    began = time.monotonic()
    site.inference.close()
    assert time.monotonic() - began < 1
    until(lambda: not threads())


def test_closed_before_it_was_started() -> None:
    Site().inference.close()
