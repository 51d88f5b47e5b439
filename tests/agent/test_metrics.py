"""Whose a process is, in the metrics; and what the endpoint says of the sources."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.fakes.process_facts import FakeProcessFacts
from tests.telemetry.samples import gpu, process

from sentinel.agent.metrics import Metrics
from sentinel.core.clock import boottime
from sentinel.core.errors import UsageError
from sentinel.core.gpu import GpuReading
from sentinel.core.inventory import Inventory, SourceReport, SourceState
from sentinel.core.process import ProcessId
from sentinel.core.process_facts import ProcessFacts
from sentinel.core.workload import Category, Origin, Workload, WorkloadState
from sentinel.telemetry.config import TelemetryConfig
from sentinel.telemetry.holding import Lent
from sentinel.telemetry.sample import Owner, Sample, Watch

TICKS = os.sysconf("SC_CLK_TCK")
LONG_AGO = ProcessId(42, 1)
TRAINER = Workload(
    id="slurm:7",
    origin=Origin.SLURM,
    category=Category.HOST,
    state=WorkloadState.RUNNING,
    name="job 7",
    user="ann",
    slurm_job="7",
    runtime="slurm",
    pids=(42,),
)


class Desk:
    """Metrics of a node called "here", whose /proc and inventory the test writes."""

    def __init__(self, **config: object) -> None:
        self.processes = FakeProcessFacts(users={1001: "ann"})
        settings = TelemetryConfig(**config)  # pyright: ignore[reportArgumentType]
        self.metrics = Metrics(settings, self.processes, node="here")

    def knows(self, *workloads: Workload, **sources: SourceState) -> None:
        found = {name: SourceReport(state=state) for name, state in sources.items()}
        self.metrics.take(
            Inventory(node="here", scanned_at=1.0, boot_id="b", sources=found, workloads=workloads)
        )

    def runs(self, who: ProcessId, uid: int | None) -> None:
        self.processes.add(ProcessFacts(process=who, name="python", uid=uid))

    def text(self) -> str:
        return self.metrics.render("text/plain")[0].decode()


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_by_the_inventory(desk: Desk) -> None:
    desk.knows(TRAINER)
    assert desk.metrics.owner_of(LONG_AGO) == Owner(
        user="ann", job="7", workload_id="slurm:7", origin=Origin.SLURM
    )


@pytest.mark.parametrize(("runtime", "container"), [("docker", "web"), ("podman", "web"), (None, None)])
def test_only_a_container_has_the_name_of_one(desk: Desk, runtime: str | None, container: str | None) -> None:
    desk.knows(replace(TRAINER, name="web", runtime=runtime, slurm_job=None, pod="lab/web"))
    owner = desk.metrics.owner_of(LONG_AGO)
    assert owner is not None and (owner.container, owner.pod) == (container, "lab/web")


def test_a_pid_that_was_given_out_anew_is_somebody_elses(desk: Desk) -> None:
    desk.knows(TRAINER)
    newer = ProcessId(42, int((boottime() + 100) * TICKS))
    assert desk.metrics.owner_of(newer) is None, "nothing is known of it"
    desk.runs(newer, 1002)
    assert desk.metrics.owner_of(newer) == Owner(user="uid 1002")


def test_what_has_stopped_owns_nothing(desk: Desk) -> None:
    desk.knows(replace(TRAINER, state=WorkloadState.EXITED))
    assert desk.metrics.owner_of(LONG_AGO) is None


def test_while_the_inventory_does_not_know_it_its_uid_does(desk: Desk) -> None:
    desk.runs(LONG_AGO, 1001)
    assert desk.metrics.owner_of(LONG_AGO) == Owner(user="ann")
    assert desk.metrics.owner_of(ProcessId(42, 2)) is None, "another process with that pid"
    desk.runs(LONG_AGO, None)
    assert desk.metrics.owner_of(LONG_AGO) is None


def test_the_endpoint_says_which_sources_answer(desk: Desk) -> None:
    desk.knows(docker=SourceState.OK, podman=SourceState.ABSENT, gpus=SourceState.UNKNOWN)
    text = desk.text()
    assert 'sentinel_source_up{node="here",source="docker"} 1.0' in text
    assert 'sentinel_source_up{node="here",source="gpus"} 0.0' in text
    assert 'source="podman"' not in text, "what is not there is not down"


def test_what_the_sampler_says_of_the_gpus_is_newer(desk: Desk) -> None:
    desk.knows(gpus=SourceState.OK)
    desk.metrics.watch(lambda: Watch(node="here", sources={"gpus": False}))
    assert 'source="gpus"} 0.0' in desk.text()


def watched(desk: Desk, age: float) -> None:
    reading = GpuReading(source="test", gpus=(gpu(0, process(42)),))
    sample = Sample(node="here", at=1.0, boottime=boottime() - age, reading=reading)
    desk.metrics.watch(lambda: Watch(node="here", sample=sample))


def test_a_sample_is_served_until_it_is_old(desk: Desk) -> None:
    assert desk.metrics.not_ready() == "no sample has been taken yet"
    watched(desk, 1.0)
    assert desk.metrics.not_ready() is None
    assert "gpu_process_memory_bytes{" in desk.text()
    watched(desk, 3600.0)
    assert "3600 s old" in (desk.metrics.not_ready() or "")
    assert "gpu_process_memory_bytes{" not in desk.text()


def test_how_old_is_old_goes_with_the_interval() -> None:
    slow = Desk(interval=60.0)
    watched(slow, 300.0)
    assert slow.metrics.not_ready() is None


def test_dcgms_names_are_served_where_they_are_switched_on() -> None:
    desk = Desk(dcgm_names=True)
    watched(desk, 0.0)
    assert "DCGM_FI_DEV_FB_USED{" in desk.text() and "gpu_memory_used_bytes{" not in desk.text()


# ------------------------------------------------------------------ who holds the GPUs


def test_without_a_queue_the_processes_hold_the_gpus(desk: Desk) -> None:
    watched(desk, 0.0)
    assert 'gpu_held{gpu="0",node="here",origin="unknown"' in desk.text()
    points = list(desk.metrics.held("gpu-01"))
    assert [(name, value) for name, _, value in points] == [
        ("gpu_held", 1.0),
        ("gpu_held_idle", 0.0),
        ("gpu_held_power_watts", 300.0),
    ]
    assert all(("node", "gpu-01") in labels for _, labels, _ in points)


def test_what_the_queue_has_given_out_is_its_owners(desk: Desk) -> None:
    watched(desk, 0.0)
    desk.metrics.lend(lambda: (Lent(gpus=("GPU-0",), owner="ann"),))
    assert 'gpu_held{gpu="0",node="here",origin="queue",sku="NVIDIA H100",user="ann"' in desk.text()


def test_while_nobody_knows_what_is_given_out_nobody_holds_anything(desk: Desk) -> None:
    watched(desk, 0.0)
    desk.metrics.lend(lambda: None)
    assert "gpu_held" not in desk.text() and list(desk.metrics.held("here")) == []


def test_an_old_sample_says_nothing_of_who_holds_what(desk: Desk) -> None:
    watched(desk, 3600.0)
    assert "gpu_held" not in desk.text() and list(desk.metrics.held("here")) == []


def test_dcgms_names_come_with_who_holds_what() -> None:
    desk = Desk(dcgm_names=True)
    watched(desk, 0.0)
    assert "gpu_held{" in desk.text()


# ------------------------------------------------------------------ the endpoint


def test_switched_off_there_is_none() -> None:
    assert Desk(enabled=False).metrics.server() is None


@pytest.fixture
def without_prometheus_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "sentinel.telemetry.exposition")
    monkeypatch.setitem(sys.modules, "prometheus_client.exposition", None)


@pytest.mark.usefixtures("without_prometheus_client")
def test_without_the_library_it_says_what_to_install() -> None:
    with pytest.raises(UsageError, match="pip install --target /opt/sentinel/extra nvidia-ml-py prometheus-"):
        Desk().metrics.server()
    assert Desk(enabled=False).metrics.server() is None


def test_a_token_that_everybody_may_read_is_refused(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("x" * 32)
    token.chmod(0o644)
    with pytest.raises(UsageError, match="chmod 600"):
        Desk(token_file=str(token), listen="127.0.0.1:0").metrics.server()


def test_off_loopback_it_takes_a_token() -> None:
    with pytest.raises(UsageError, match="token"):
        Desk(listen="0.0.0.0:0").metrics.server()
