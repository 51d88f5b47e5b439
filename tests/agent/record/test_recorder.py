"""A row every ten seconds, by a clock of the test's."""

import io
import time
from collections.abc import Iterable

from tests.agent.record.rows import AT, NODE
from tests.telemetry.samples import gpu

from sentinel.agent.record.columns import Provider, Value
from sentinel.agent.record.minute import Minute
from sentinel.agent.record.recorder import Recorder
from sentinel.core.errors import SourceUnknown
from sentinel.core.gpu import GpuReading
from sentinel.core.inventory import Inventory, SourceReport, SourceState
from sentinel.core.notify import Journal
from sentinel.telemetry.sample import Sample, Watch


class Site:
    """A recorder and whoever it tells."""

    def __init__(self, *providers: Provider, every: float = 10.0) -> None:
        self.now = 1000.0
        self.sample: Sample | None = None
        self.told: list[tuple[int, int, bool]] = []
        self.minutes: list[Minute] = []
        self.states: list[str] = []
        self.written = io.StringIO()
        self.recorder = Recorder(
            NODE,
            lambda: Watch(node="host", sample=self.sample),
            self,
            Journal(self.written),
            providers=providers,
            oldest=3.0,
            now=lambda: self.now,
            wall=lambda: AT + self.now,
            every=every,
        )

    def begin(self) -> int:
        self.states.append("begun")
        return 500

    def start(self) -> None:
        self.states.append("started")

    def close(self) -> None:
        self.states.append("closed")

    def tell(self, minute: Minute, *, over: bool) -> None:
        self.told.append((minute.sequence, len(minute.rows), over))
        self.minutes.append(minute)

    def take(self, *moments: float) -> None:
        for self.now in moments:
            self.recorder.take(self.now)


def test_rows_of_a_minute_and_then_the_next() -> None:
    site = Site()
    site.take(*(1000 + 10 * nth for nth in range(8)))
    assert site.told == [
        (0, 1, False),
        (0, 2, False),
        (0, 3, False),
        (0, 4, False),
        (0, 5, False),
        (0, 6, True),
        (1, 1, False),
        (1, 2, False),
    ]
    assert [one.at - AT for one in site.minutes[5].rows] == [1000.0 + 10 * nth for nth in range(6)]


def test_a_machine_that_slept_begins_another_minute() -> None:
    site = Site()
    site.take(1000, 1010, 5000, 5010)
    assert site.told == [(0, 1, False), (0, 2, False), (0, 2, True), (1, 1, False), (1, 2, False)]


def test_a_sample_that_gets_no_younger_is_not_told_again() -> None:
    site = Site()
    site.sample = Sample(node="host", at=1.0, boottime=1000.0, reading=GpuReading(source="t", gpus=(gpu(0),)))
    site.take(1000, 1010)
    first, second = site.minutes[-1].rows
    known = {metric for metric, _ in first.values}
    assert "gpu_up" in known and "gpu_up" not in {metric for metric, _ in second.values}


def test_what_others_add_and_what_the_inventory_says() -> None:
    def holding() -> Iterable[Value]:
        yield "gpu_held", (("user", "ann"),), 1.0

    site = Site(holding, holding)
    sources = {
        "docker": SourceReport(state=SourceState.UNKNOWN),
        "podman": SourceReport(state=SourceState.ABSENT),
    }
    site.recorder.look(Inventory(node="host", scanned_at=1.0, boot_id="b", sources=sources, workloads=()))
    site.take(1000)
    values = site.minutes[0].rows[0].values
    assert values["gpu_held", (("node", NODE), ("user", "ann"))] == 1.0
    assert values["sentinel_source_up", (("node", NODE), ("source", "docker"))] == 0.0
    assert len([one for one in values if one[0] == "sentinel_source_up"]) == 1


def test_one_that_cannot_say_takes_nothing_from_the_others() -> None:
    def broken() -> Iterable[Value]:
        yield "gpu_held", (("user", "ann"),), 1.0
        raise SourceUnknown("the endpoint is down")

    def fine() -> Iterable[Value]:
        return [("workload_inference_up", (("workload", "w"),), 1.0)]

    site = Site(broken, fine)
    site.take(1000, 1010)
    assert {metric for metric, _ in site.minutes[-1].rows[-1].values} >= {"workload_inference_up"}
    assert site.written.getvalue().count("the endpoint is down") == 1


def test_what_is_left_out_is_said_once() -> None:
    site = Site(lambda: [("workload_x", (("workload", f"w{nth}"),), 1.0) for nth in range(5000)])
    site.take(1000, 1010)
    assert site.written.getvalue().count("are not kept in the history") == 1


def test_its_thread_paces_itself_and_ends() -> None:
    site = Site(every=0.01)
    began = time.monotonic()

    def now() -> float:
        return time.monotonic() - began

    site.recorder._now = now  # type: ignore[method-assign]
    site.recorder.start()
    until = time.monotonic() + 5
    while len(site.told) < 8:
        assert time.monotonic() < until
        time.sleep(0.005)
    site.recorder.close()
    count = len(site.told)
    assert site.told[0][0] == 500 and site.states == ["begun", "started", "closed"]
    time.sleep(0.05)
    assert len(site.told) == count
