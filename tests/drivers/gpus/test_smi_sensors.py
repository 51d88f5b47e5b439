"""Sensors in what `nvidia-smi` prints; our own lines, in the words of several drivers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.core.gpu_sensors import GpuSensors, ThrottleReason
from sentinel.drivers.gpus.smi_csv import parse_gpus
from sentinel.drivers.gpus.smi_sensors import CSV_FIELDS
from sentinel.drivers.gpus.smi_xml import parse_xml


def row(**cells: str) -> GpuSensors | None:
    names = {name.replace("__", "."): value for name, value in cells.items()}
    (gpu,) = parse_gpus(", ".join(["GPU-1", *names.values()]), ["uuid", *names]).gpus
    return gpu.sensors


def document(inner: str) -> GpuSensors:
    text = f"<nvidia_smi_log><gpu id='0000:01:00.0'><uuid>GPU-1</uuid>{inner}</gpu></nvidia_smi_log>"
    (gpu,) = parse_xml(text.encode()).gpus
    assert gpu.sensors is not None
    return gpu.sensors


def test_a_row_that_was_not_asked_for_sensors_has_none() -> None:
    assert row(power__limit="300.00") is None


def test_a_row() -> None:
    assert row(
        pstate="P2",
        clocks__current__sm="1980 MHz",
        temperature__memory="N/A",
        ecc__mode__current="Enabled",
        remapped_rows__pending="Yes",
        remapped_rows__failure="No",
        retired_pages__dbe="4",
        compute_mode="Exclusive_Process",
        pcie__link__width__current="8",
        power__limit="250.00 W",
    ) == GpuSensors(
        performance_state=2,
        sm_clock_hertz=1980e6,
        ecc_enabled=True,
        remapped_rows_pending=True,
        remapped_rows_failure=False,
        retired_pages_double_bit=4,
        compute_mode="exclusive_process",
        pcie_width=8,
        power_limit_set_watts=250,
    )


@pytest.mark.parametrize("era", ["event", "throttle"])
def test_no_reason_at_all_is_known_to_be_none(era: str) -> None:
    found = row(pstate="P0", **{f"clocks_{era}_reasons__active": "0x0000000000000000"})
    assert found is not None
    assert found.throttle_reasons == frozenset()


@pytest.mark.parametrize("era", ["event", "throttle"])
def test_reasons_by_mask_and_by_name(era: str) -> None:
    by_mask = row(**{f"clocks_{era}_reasons__active": "0x0000000000000041", "pstate": "P0"})
    by_name = row(
        **{f"clocks_{era}_reasons__gpu_idle": "Active", f"clocks_{era}_reasons__sync_boost": "Not Active"},
        pstate="P0",
    )
    assert by_mask is not None
    assert by_name is not None
    assert by_mask.throttle_reasons == {ThrottleReason.GPU_IDLE, ThrottleReason.HW_THERMAL_SLOWDOWN}
    assert by_name.throttle_reasons == {ThrottleReason.GPU_IDLE}


@pytest.mark.parametrize("said", ["[N/A]", "0x", "0xzz", "active"])
def test_reasons_that_are_not_said(said: str) -> None:
    found = row(clocks_event_reasons__active=said, pstate="P0")
    assert found is not None
    assert found.throttle_reasons is None


def test_reasons_and_times_in_xml() -> None:
    found = document(
        "<clocks_event_reasons><clocks_event_reason_sw_power_cap>Active</clocks_event_reason_sw_power_cap>"
        "<clocks_event_reason_gpu_idle>Not Active</clocks_event_reason_gpu_idle></clocks_event_reasons>"
        "<clocks_event_reasons_counters><clocks_event_reasons_counters_sw_therm_slowdown>1500000 us"
        "</clocks_event_reasons_counters_sw_therm_slowdown></clocks_event_reasons_counters>"
    )
    assert found.throttle_reasons == {ThrottleReason.SW_POWER_CAP}
    assert found.throttle_seconds == {ThrottleReason.SW_THERMAL_SLOWDOWN: 1.5}


@pytest.mark.parametrize(
    ("inner", "corrected", "uncorrected"),
    [
        ("<single_bit><total>3</total></single_bit><double_bit><total>1</total></double_bit>", 3, 1),
        (
            "<sram_correctable>1</sram_correctable><dram_correctable>2</dram_correctable>"
            "<sram_uncorrectable>4</sram_uncorrectable><dram_uncorrectable>8</dram_uncorrectable>",
            3,
            12,
        ),
        (
            "<sram_correctable>1</sram_correctable><dram_correctable>2</dram_correctable>"
            "<sram_uncorrectable_parity>4</sram_uncorrectable_parity>"
            "<sram_uncorrectable_secded>N/A</sram_uncorrectable_secded>"
            "<dram_uncorrectable>8</dram_uncorrectable>",
            3,
            None,
        ),
        ("<single_bit><total>N/A</total></single_bit>", None, None),
        ("", None, None),
    ],
)
def test_ecc_totals(inner: str, corrected: int | None, uncorrected: int | None) -> None:
    found = document(f"<ecc_errors><volatile>{inner}</volatile></ecc_errors>")
    assert (found.ecc_corrected_volatile, found.ecc_uncorrected_volatile) == (corrected, uncorrected)


def test_units_of_the_xml() -> None:
    found = document(
        "<pci><tx_util>550 KB/s</tx_util><pci_gpu_link_info><link_widths><current_link_width>16x"
        "</current_link_width></link_widths></pci_gpu_link_info></pci>"
        "<bar1_memory_usage><total>256 MiB</total></bar1_memory_usage>"
        "<temperature><gpu_temp_slow_threshold>89 C</gpu_temp_slow_threshold></temperature>"
    )
    assert found == GpuSensors(
        pcie_sent_bytes_per_second=550_000,
        pcie_width=16,
        bar1_total_bytes=256 * 2**20,
        slowdown_temperature_celsius=89,
    )


@given(st.dictionaries(st.sampled_from(sorted(CSV_FIELDS)), st.text(max_size=12), min_size=1))
def test_any_words_are_read(cells: dict[str, str]) -> None:
    clean = {name: value.replace("\n", " ").replace(",", " ") for name, value in cells.items()}
    gpus = parse_gpus(", ".join(["GPU-1", *clean.values()]), ["uuid", *clean]).gpus
    assert all(gpu.sensors is not None for gpu in gpus)
