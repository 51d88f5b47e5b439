"""Which servers are found by the inventory: the front that listens, never a port of anybody else's."""

from dataclasses import replace

from sentinel.agent.inference_servers import MOST_FOUND, Found, servers_on_gpus, still_there
from sentinel.core.process import ProcessId
from sentinel.core.process_facts import ProcessFacts
from sentinel.core.workload import Category, Origin, Workload, WorkloadState
from sentinel.inventory.evidence.origin import process_origin
from sentinel.inventory.evidence.people import People
from sentinel.ports.metrics_source import Running
from sentinel.telemetry.scrape.server_kind import ServerKind


class Machine:
    """Processes that a test starts."""

    def __init__(self) -> None:
        self.processes: dict[int, Running] = {}
        self.listening: dict[ProcessId, frozenset[int] | None] = {}
        self.looked: list[int] = []

    def run(self, pid: int, command: str, *ports: int, parent: int = 1, unknown: bool = False) -> None:
        process = ProcessId(pid, pid * 10)
        self.processes[pid] = Running(process=process, parent=parent, command=tuple(command.split()))
        self.listening[process] = None if unknown else frozenset(ports)

    def look(self, pid: int) -> Running | None:
        self.looked.append(pid)
        return self.processes.get(pid)

    def ports(self, process: ProcessId) -> frozenset[int] | None:
        known = self.processes.get(process.pid)
        return self.listening[process] if known is not None and known.process == process else frozenset()

    def found(self, *workloads: Workload) -> list[tuple[str, str, int]]:
        return [(one.name, one.kind.value, one.port) for one in servers_on_gpus(workloads, self)]


def workload(pid: int, name: str = "python3", **more: object) -> Workload:
    rest = {"origin": Origin.HOST, "category": Category.HOST, "state": WorkloadState.RUNNING, "pids": (pid,)}
    return Workload(id=f"process:{pid}", name=name, **{**rest, **more})  # type: ignore[arg-type]


def test_the_front_of_a_server_whose_worker_holds_the_gpu() -> None:
    machine = Machine()
    machine.run(10, "python /venv/bin/vllm serve m", 8000, 29500, parent=2)
    machine.run(11, "VLLM::EngineCore", 41234, parent=10)
    machine.run(2, "bash start.sh")
    assert machine.found(workload(11)) == [("vllm:8000", "vllm", 8000)]


def test_a_worker_of_python_is_known_by_its_parent() -> None:
    machine = Machine()
    machine.run(10, "python -m vllm.entrypoints.openai.api_server --port 9000", 9000)
    machine.run(20, "python train.py", 9000)
    for pid in (11, 21):
        machine.run(pid, "", parent=pid - 1)
        worker = (
            "/usr/bin/python3",
            "-s",
            "-c",
            "from multiprocessing.spawn import spawn_main; spawn_main(5)",
        )
        machine.processes[pid] = replace(machine.processes[pid], command=worker)
    assert machine.found(workload(11), workload(21)) == [("vllm:9000", "vllm", 9000)]


def test_ollama_whose_runner_has_a_port_that_is_no_affair_of_ours() -> None:
    machine = Machine()
    machine.run(10, "/usr/bin/ollama serve", 11434)
    machine.run(11, "/usr/bin/ollama runner --model /x --port 40000", 40000, parent=10)
    machine.run(12, "/usr/lib/ollama/llama-server --port 40001", 40001, parent=10)
    assert machine.found(workload(11), workload(12)) == [("ollama:11434", "ollama", 11434)]


def test_what_is_no_server_is_not_even_looked_at_twice() -> None:
    machine = Machine()
    machine.run(10, "python train.py", 8000, parent=9)
    machine.run(9, "vllm serve m", 8000)
    assert machine.found(workload(10)) == []
    assert machine.looked == [10]


def test_one_whose_port_is_not_known_or_another_networks_is_left_alone() -> None:
    machine = Machine()
    machine.run(10, "vllm serve m", unknown=True)
    machine.run(11, "vllm serve m --port 8000")
    assert machine.found(workload(10), workload(11), workload(12)) == []


def test_one_that_has_stopped_is_left_alone() -> None:
    machine = Machine()
    machine.run(10, "vllm serve m", 8000)
    assert machine.found(workload(10, state=WorkloadState.EXITED)) == []


def test_it_is_named_as_people_know_it() -> None:
    machine = Machine()
    machine.run(10, "vllm serve m --port 8000", 8000)
    machine.run(11, "vllm serve m --port 8001", 8001)
    facts = ProcessFacts(process=ProcessId(11, 110), name="vllm", uid=0)
    people = People(users={0: "root"})
    evidence = process_origin(facts, people, service="chat").evidence
    found = machine.found(
        workload(10, "web-llm", runtime="docker"), workload(11, "vllm", origin_evidence=evidence)
    )
    assert found == [("web-llm", "vllm", 8000), ("chat", "vllm", 8001)]


def test_two_of_one_name_are_told_apart() -> None:
    machine = Machine()
    machine.run(10, "vllm serve m --port 8000", 8000)
    machine.run(11, "vllm serve m --port 8001", 8001)
    found = machine.found(*(workload(pid, "llm", runtime="podman") for pid in (10, 11)))
    assert [name for name, _, _ in found] == ["llm:8000", "llm:8001"]


def test_a_container_of_several_processes_is_one_server() -> None:
    machine = Machine()
    machine.run(10, "vllm serve m", 8000)
    for pid in (11, 12):
        machine.run(pid, f"VLLM::Worker_TP{pid}", parent=10)
    assert machine.found(workload(11, "llm", runtime="docker", pids=(11, 12))) == [("llm", "vllm", 8000)]


def test_servers_are_bounded_and_parents_that_go_in_circles_end() -> None:
    machine = Machine()
    for pid in range(100, 150):
        machine.run(pid, f"vllm serve m --port {pid}", pid, parent=pid)
    assert len(machine.found(*(workload(pid) for pid in range(100, 150)))) == MOST_FOUND


def test_whether_it_is_still_there() -> None:
    machine = Machine()
    machine.run(10, "ollama serve", 11434)
    one = Found(name="ollama", kind=ServerKind.OLLAMA, process=ProcessId(10, 100), port=11434)
    assert still_there(one, machine)
    machine.run(10, "ollama serve", 11435)
    assert not still_there(one, machine)
    machine.processes.clear()
    assert not still_there(one, machine)
    again = Found(name="ollama", kind=ServerKind.OLLAMA, process=ProcessId(10, 99), port=11434)
    machine.run(10, "ollama serve", 11434)
    assert not still_there(again, machine)
