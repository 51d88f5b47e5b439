"""From a sample to a row: the names and labels of /metrics, nothing old as new, and not too many series."""

from collections.abc import Iterable
from dataclasses import replace

import pytest
from tests.telemetry.samples import gpu, process

from sentinel.agent.record.columns import MOST_SERIES, Row, Value, columns_of, row_of
from sentinel.core.gpu import Gpu, GpuReading, MigDevice
from sentinel.core.gpu_sensors import GpuSensors
from sentinel.core.sample_batch import MAX_TEXT
from sentinel.core.series import labels_from
from sentinel.drivers.gpus.opening import open_source
from sentinel.telemetry import exposition
from sentinel.telemetry.sample import Owner, Sample, Watch


def sample(*gpus: Gpu, age: float = 0.0, **owners: Owner) -> Sample:
    pids = {int(name.removeprefix("p")): owner for name, owner in owners.items()}
    reading = GpuReading(source="test", gpus=gpus)
    return Sample(node="host", at=1.0, boottime=100.0 - age, reading=reading, owners=pids, duration=0.25)


def taken(found: Sample | None = None, extra: Iterable[Value] = (), **more: object) -> Row:
    watch = Watch(node="host", sample=found, sources={"gpus": True}, failures=3)
    settings = {"node": "gpu1", "sources": {}, "extra": extra, "at": 5.0, "now": 100.0, "oldest": 3.0, **more}
    return row_of(watch=watch, **settings)  # type: ignore[arg-type]


def of(found: Row, metric: str) -> dict[str, float]:
    """By the labels beside those of the card."""
    return {
        ",".join(f"{key}={one}" for key, one in labels if key not in ("node", "gpu", "uuid", "sku")): value
        for (name, labels), value in found.values.items()
        if name == metric
    }


def test_everything_that_prometheus_is_shown_of_the_cards_is_in_it() -> None:
    source = open_source("simulated:2", full=True)
    reading = source.read()
    source.close()
    found = replace(sample(), reading=reading, node="gpu1")
    shown = {
        (one.name, labels_from(one.labels)): one.value
        for family in exposition.own_names(found)
        for one in family.samples
        if not one.name.startswith(("gpu_info", "gpu_process_"))
    }
    assert {
        series: value for series, value in taken(found).values.items() if series[0].startswith("gpu_")
    } == (shown)
    assert len(shown) > 40


def test_every_series_is_labelled_with_the_node_as_people_know_it() -> None:
    found = taken(sample(gpu(0)), [("gpu_held", labels_from({"node": "host", "user": "ann"}), 0.5)])
    assert {dict(labels)["node"] for _, labels in found.values} == {"gpu1"}
    assert of(found, "gpu_held") == {"user=ann": 0.5}
    assert all(dict(labels).get("pid") is None for _, labels in found.values)


def test_counters_are_named_as_prometheus_does() -> None:
    card = replace(gpu(0), sensors=GpuSensors(energy_joules=12.5, throttle_seconds={}))
    assert of(taken(sample(card)), "gpu_energy_joules_total") == {"": 12.5}


def test_whose_memory_it_is_and_what_is_unknown_of_it() -> None:
    card = gpu(0, replace(process(1), memory_bytes=100), replace(process(2), memory_bytes=50))
    other = gpu(1, replace(process(3), memory_bytes=None), replace(process(4), memory_bytes=7))
    ann, ben = Owner(user="ann"), Owner(user="ben")
    found = taken(sample(card, other, p1=ann, p2=ann, p3=ann, p4=ben))
    assert sorted(
        (dict(labels)["gpu"], dict(labels)["user"], value)
        for (name, labels), value in found.values.items()
        if name == "gpu_user_memory_bytes"
    ) == [("0", "ann", 150), ("1", "ben", 7)]
    assert sorted(value for (name, _), value in found.values.items() if name == "gpu_processes") == [2, 2]
    unread = taken(sample(replace(gpu(0), processes=None)))
    assert of(unread, "gpu_processes") == {}, "unknown is not none"


def test_slices_of_a_card() -> None:
    slice = MigDevice(index=0, uuid="MIG-1", name="1g.10gb", gpu_instance_id=1, memory_used_bytes=5)
    found = taken(sample(replace(gpu(0), mig_devices=(slice,))))
    assert of(found, "gpu_mig_memory_used_bytes") == {"gi=1,mig_uuid=MIG-1,profile=1g.10gb": 5}
    assert of(found, "gpu_mig_memory_total_bytes") == {}


@pytest.mark.parametrize(("age", "known"), [(0.0, True), (3.0, True), (3.1, False)])
def test_nothing_old_is_told_as_new(age: float, known: bool) -> None:
    found = taken(sample(gpu(0), age=age))
    assert bool(of(found, "gpu_up")) is known
    assert of(found, "sentinel_sample_age_seconds") == {"": pytest.approx(age)}


def test_how_the_looking_stands_is_told_without_a_sample_too() -> None:
    found = taken(sources={"docker": False, "podman": None, "gpus": False})
    assert of(found, "sentinel_source_up") == {"source=docker": 0.0, "source=gpus": 1.0}
    assert of(found, "sentinel_sample_failures_total") == {"": 3}
    assert of(found, "sentinel_sample_age_seconds") == {}
    assert found.at == 5.0


def test_there_are_only_so_many_and_those_of_the_cards_stay() -> None:
    many = [("workload_x", labels_from({"workload": f"w{nth}"}), 1.0) for nth in range(MOST_SERIES)]
    found = taken(sample(gpu(0)), many)
    assert len(found.values) == MOST_SERIES
    assert of(found, "gpu_up") == {"": 1.0} and of(found, "sentinel_source_up")
    assert found.dropped == len(list(columns_of(sample(gpu(0))))) + 4


def test_a_label_that_no_batch_can_hold_is_cut() -> None:
    found = taken(extra=[("workload_x", labels_from({"workload": "w" * 5000}), 1.0)])
    (label,) = of(found, "workload_x")
    assert len(label.removeprefix("workload=")) == MAX_TEXT
