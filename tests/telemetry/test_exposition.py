"""What Prometheus is told: through its own parser, so as it would be understood."""

import subprocess
from collections.abc import Iterable
from dataclasses import fields, replace
from shutil import which

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text
from tests.telemetry.samples import ADA, GIB, SENSORS, gpu, process, sample, watch

from sentinel.core.gpu import MigDevice, ProcessKind
from sentinel.core.gpu_sensors import GpuSensors, NvLink, ThrottleReason
from sentinel.telemetry.exposition import dcgm_names, health, not_ready, own_names, render
from sentinel.telemetry.sample import Owner, Sample
from sentinel.telemetry.text_format import text_format

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]
CARD = {"node": "node1", "gpu": "0", "uuid": "GPU-0", "sku": "NVIDIA H100"}


def read(body: bytes) -> Series:
    found: Series = {}
    for family in read_text(body.decode()):
        for one in family.samples:
            key = (one.name, frozenset(one.labels.items()))
            assert key not in found, f"twice: {key}"
            found[key] = one.value
    return found


def shown(taken: Sample, now: float = 100.0, **options: object) -> Series:
    return read(render("", watch(taken), now, **options)[0])  # pyright: ignore[reportArgumentType]


def value(series: Series, name: str, /, **labels: str) -> float | None:
    wanted = labels.items()
    found = [one for (known, own), one in series.items() if known == name and wanted <= dict(own).items()]
    assert len(found) <= 1, name
    return found[0] if found else None


def names(series: Series) -> set[str]:
    return {name for name, _ in series}


def test_the_metrics_of_a_card() -> None:
    series = shown(sample(gpu()))
    for name, expected, labels in [
        ("gpu_utilization_percent", 50, {}),
        ("gpu_memory_used_bytes", 10 * GIB, {}),
        ("gpu_memory_total_bytes", 80 * GIB, {}),
        ("gpu_temperature_celsius", 40, {}),
        ("gpu_power_watts", 300, {}),
        ("gpu_power_limit_watts", 700, {}),
        ("gpu_clock_hertz", 1980e6, {"clock": "sm"}),
        ("gpu_clock_hertz", 2619e6, {"clock": "memory"}),
        ("gpu_throttle_active", 1, {"reason": "sw_power_cap"}),
        ("gpu_throttle_active", 0, {"reason": "hw_slowdown"}),
        ("gpu_ecc_errors_total", 4, {"kind": "uncorrected", "lifetime": "aggregate"}),
        ("gpu_remapped_rows", 6, {"kind": "uncorrectable"}),
        ("gpu_remapped_rows_pending", 1, {}),
        ("gpu_remapped_rows_failure", 0, {}),
        ("gpu_pcie_generation", 4, {"kind": "current"}),
        ("gpu_pcie_generation", 5, {"kind": "max"}),
        ("gpu_pcie_replay_total", 7, {}),
        ("gpu_nvlink_errors_total", 3, {"link": "1", "kind": "replay"}),
        ("gpu_energy_joules_total", 1234.5, {}),
        ("gpu_up", 1, {}),
    ]:
        assert value(series, name, **CARD, **labels) == expected, name
    assert value(series, "gpu_info", **CARD, driver_version="570.86.15", source="nvml", minor_number="3") == 1


def test_the_unknown_has_no_series() -> None:
    bare = gpu(sensors=None, utilization_percent=None, power_watts=None, processes=None, fan_percent=None)
    found = names(shown(sample(bare)))
    assert "gpu_up" in found
    assert not found & {"gpu_utilization_percent", "gpu_power_watts", "gpu_fan_percent", "gpu_clock_hertz",
                        "gpu_throttle_active", "gpu_processes", "gpu_process_memory_bytes"}  # fmt: skip


def test_a_known_zero_has_one() -> None:
    series = shown(sample(gpu(0, process(1, 0, utilization_percent=0.0), utilization_percent=0.0)))
    assert value(series, "gpu_utilization_percent", gpu="0") == 0
    assert value(series, "gpu_process_memory_bytes", pid="1") == 0
    assert value(series, "gpu_process_utilization_percent", pid="1") == 0


def test_every_sensor_is_exposed() -> None:
    """A field that is added to GpuSensors and forgotten here would be read for nothing."""
    link = NvLink(
        link=0, active=True, replay_errors=1, recovery_errors=2, crc_flit_errors=3, crc_data_errors=4
    )
    special: dict[str, object] = {
        "throttle_reasons": frozenset(ThrottleReason),
        "throttle_seconds": {ThrottleReason.SW_POWER_CAP: 9.0},
        "fans_percent": (17.0,),
        "nvlinks": (link,),
        **dict.fromkeys(("compute_mode", "serial", "vbios_version", "brand"), "word"),
    }
    bare = shown(sample(gpu(sensors=GpuSensors())))
    for one in fields(GpuSensors):
        if one.name == "power_average_watts":
            continue  # gpu_power_watts, in what the card calls its power draw
        with_it = GpuSensors(**{one.name: special.get(one.name, 1)})  # pyright: ignore[reportArgumentType]
        assert shown(sample(gpu(sensors=with_it))) != bare, one.name


def test_a_broken_card_is_down() -> None:
    assert value(shown(sample(gpu(error="GPU is lost"))), "gpu_up", gpu="0") == 0


def test_a_process_and_whose_it_is() -> None:
    series = shown(sample(gpu(0, process(41), process(42, 2 * GIB)), owners={41: ADA}))
    whose = {"user": "ada", "container": "train", "pod": "lab/train-0", "job": "17", "origin": "kubernetes"}
    assert value(series, "gpu_process_memory_bytes", **CARD, pid="41", name="python", **whose) == GIB
    assert value(series, "gpu_process_memory_bytes", pid="42", user="", container="", origin="") == 2 * GIB
    assert value(series, "gpu_process_utilization_percent", pid="41", user="ada") == 12
    assert value(series, "gpu_user_memory_bytes", **CARD, user="ada") == GIB
    assert value(series, "gpu_processes", gpu="0") == 2


def test_a_users_sum_is_unknown_with_any_of_its_parts() -> None:
    series = shown(sample(gpu(0, process(41), process(42, None)), owners={41: ADA, 42: ADA}))
    assert "gpu_user_memory_bytes" not in names(series)


def test_a_process_on_two_mig_devices_is_one_series() -> None:
    parts = [process(41, GIB, gpu_instance_id=one, compute_instance_id=0) for one in (1, 2)]
    devices = (MigDevice(index=0, uuid="MIG-1", name="1g.10gb", gpu_instance_id=1, compute_instance_id=0,
                         memory_used_bytes=GIB),)  # fmt: skip
    series = shown(sample(gpu(0, *parts, mig_devices=devices)))
    assert value(series, "gpu_process_memory_bytes", pid="41") == 2 * GIB
    assert (
        value(series, "gpu_mig_memory_used_bytes", gi="1", ci="0", profile="1g.10gb", mig_uuid="MIG-1") == GIB
    )


def test_the_number_of_series_is_bounded() -> None:
    many = [process(pid, pid * GIB, utilization_percent=1.0) for pid in range(1, 101)]
    series = shown(sample(gpu(0, *many[:50]), gpu(1, *many[50:])), most_series=60)
    own = {dict(labels)["pid"] for name, labels in series if name == "gpu_process_memory_bytes"} - {""}
    assert own == {str(pid) for pid in range(41, 101)}
    assert value(series, "gpu_process_memory_bytes", pid="", name="other", gpu="0") == GIB * sum(range(1, 41))
    assert value(series, "gpu_process_utilization_percent", pid="", gpu="0") == 40
    assert value(series, "gpu_process_memory_bytes", pid="", gpu="1") is None


def test_users_are_bounded_too() -> None:
    owners = {pid: Owner(user=f"user{pid}") for pid in range(1, 11)}
    series = shown(sample(gpu(0, *[process(pid, pid) for pid in owners]), owners=owners), most_series=8)
    assert value(series, "gpu_user_memory_bytes", user="(other)") == 3
    assert len([name for name, _ in series if name == "gpu_user_memory_bytes"]) == 9


def test_hostile_names_are_data() -> None:
    name = 'a"} 1\n# TYPE x\\' + "\x1b[31m\ud800" + "n" * 500
    series = shown(sample(gpu(0, process(41, name=name)), owners={41: Owner(user="ü\u202ename")}))
    (labels,) = [dict(labels) for known, labels in series if known == "gpu_process_memory_bytes"]
    assert labels["name"].startswith('a"} 1?# TYPE x\\?[31m?nnn')
    assert len(labels["name"]) == 128
    assert labels["user"] == "ü?name"


def test_an_old_sample_is_not_shown() -> None:
    taken = sample(gpu(0, process(41)))
    assert "gpu_up" in names(shown(taken, now=115.0))
    series = shown(taken, now=115.1)
    assert names(series) == {"sentinel_source_up", "sentinel_sample_failures_total",
                             "sentinel_sample_age_seconds", "sentinel_sample_duration_seconds"}  # fmt: skip
    assert value(series, "sentinel_sample_age_seconds", node="node1") == pytest.approx(15.1)


def test_before_the_first_sample() -> None:
    body, _ = render("", replace(watch(None), sources={"gpus": None}), 5.0)
    assert names(read(body)) == {"sentinel_sample_failures_total"}


def test_readiness() -> None:
    assert not_ready(watch(None), 5.0) == "no sample has been taken yet"
    assert not_ready(watch(sample()), 110.0) is None
    assert not_ready(watch(sample()), 130.0) == "the newest sample is 30 s old"


class _All:
    def __init__(self, taken: Sample, families: object = own_names) -> None:
        self._families = [*health(watch(taken), 100.0), *families(taken)]  # pyright: ignore

    def collect(self) -> Iterable[object]:
        return self._families


BUSY = sample(
    gpu(0, process(41), process(42, 5, name='x"\\\n y'), fan_percent=33.5),
    gpu(1, process(41, None, kind=ProcessKind.GRAPHICS), error="lost", sensors=None),
    owners={41: ADA},
)


@pytest.mark.parametrize("families", [own_names, dcgm_names])
def test_it_is_written_as_prometheus_client_writes_it(families: object) -> None:
    collector = _All(BUSY, families)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)  # pyright: ignore[reportArgumentType]
    text, strict = (text_format(collector.collect(), openmetrics=kind) for kind in (False, True))  # pyright: ignore
    assert text == generate_latest(registry)
    assert strict == openmetrics.generate_latest(registry)


@pytest.mark.parametrize("number", [0.0, 1.0, -1.0, 0.1, 999_999.0, 1e6, 1_234_567.5, 2**53, 1e300, -1e9,
                                    1e-9, float("inf"), float("-inf"), True, 7])  # fmt: skip
def test_numbers_are_written_as_prometheus_client_writes_them(number: float) -> None:
    from prometheus_client.core import GaugeMetricFamily
    from prometheus_client.utils import floatToGoString

    family = GaugeMetricFamily("x", "help", value=number)
    assert (
        text_format([family], openmetrics=False).decode().splitlines()[-1] == f"x {floatToGoString(number)}"
    )


@pytest.mark.parametrize("families", [own_names, dcgm_names])
def test_openmetrics_on_request(families: object) -> None:
    accept = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
    body, content_type = render(accept, watch(BUSY), 100.0, families=families)  # pyright: ignore
    assert content_type.startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")
    assert {family.name for family in read_openmetrics(body.decode())} >= {"sentinel_source_up"}
    assert render("text/plain", watch(BUSY), 100.0)[1].startswith("text/plain")


@pytest.mark.skipif(which("promtool") is None, reason="promtool is not installed")
def test_promtool_finds_no_fault_with_the_names() -> None:
    full = GpuSensors(
        **{one.name: getattr(SENSORS, one.name) for one in fields(GpuSensors)}
        | {"throttle_seconds": {ThrottleReason.SW_POWER_CAP: 9.0}, "ecc_enabled": True, "bar1_used_bytes": 1,
           "bar1_total_bytes": 2, "persistence_mode": True, "pcie_width": 8, "retired_pages_double_bit": 1,
           "pcie_sent_bytes_per_second": 1.0, "power_limit_max_watts": 700.0}
    )  # fmt: skip
    body, _ = render("", watch(sample(gpu(0, process(41), sensors=full), owners={41: ADA})), 100.0)
    done = subprocess.run(["promtool", "check", "metrics"], input=body, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
