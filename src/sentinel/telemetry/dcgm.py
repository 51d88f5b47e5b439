"""A sample under DCGM's names, units and labels, so that dashboards made for dcgm-exporter work. Pure.

Called by `exposition` where the config says so. Memory is in MiB, clocks in MHz, energy in mJ. DCGM's
counters do not end in `_total`, which Prometheus' types would demand, so they go out untyped. Beyond
dcgm-exporter's labels each series says whose the GPU is, when it is exactly one workload's: user,
container, namespace, pod, job. A card in MIG mode shows its memory by MIG device, as there. Series for Xid
errors, profiling (DCGM_FI_PROF_…) and NVLink bandwidth are DCGM's own and not given.
"""

from collections.abc import Callable, Iterator

from prometheus_client.metrics_core import Metric

from sentinel.core.gpu import Gpu, MigDevice
from sentinel.core.gpu_sensors import GpuSensors
from sentinel.telemetry.label import label
from sentinel.telemetry.sample import Sample, sole_owner

_MIB, _MEGA = 2**20, 1e6
_NONE = GpuSensors()

Read = Callable[[Gpu, GpuSensors], float | None]


def _over(value: float | None, unit: float) -> float | None:
    return None if value is None else value / unit


def _sum(sensors: GpuSensors, field: str) -> float | None:
    counts = [getattr(link, field) for link in sensors.nvlinks or ()]
    return None if not counts or None in counts else sum(counts)


def _reserved(gpu: Gpu) -> float | None:
    total, used, free = gpu.memory_total_bytes, gpu.memory_used_bytes, gpu.memory_free_bytes
    return None if total is None or used is None or free is None else max(0, total - used - free)


# Name after DCGM_FI_DEV_ → (help, whether it counts up, value).
_TABLE: dict[str, tuple[str, bool, Read]] = {
    "SM_CLOCK": ("SM clock frequency (in MHz).", False, lambda _, s: _over(s.sm_clock_hertz, _MEGA)),
    "MEM_CLOCK": ("Memory clock frequency (in MHz).", False, lambda _, s: _over(s.memory_clock_hertz, _MEGA)),
    "MEMORY_TEMP": ("Memory temperature (in C).", False, lambda _, s: s.memory_temperature_celsius),
    "GPU_TEMP": ("GPU temperature (in C).", False, lambda gpu, _: gpu.temperature_celsius),
    "POWER_USAGE": ("Power draw (in W).", False, lambda gpu, _: gpu.power_watts),
    "POWER_MGMT_LIMIT": ("Power limit (in W).", False, lambda _, s: s.power_limit_set_watts),
    "TOTAL_ENERGY_CONSUMPTION": (
        "Total energy consumption since boot (in mJ).",
        True,
        lambda _, s: _over(s.energy_joules, 1e-3),
    ),
    "PCIE_REPLAY_COUNTER": ("Total number of PCIe retries.", True, lambda _, s: s.pcie_replay_count),
    "PCIE_LINK_GEN": ("PCIe generation of the link.", False, lambda _, s: s.pcie_generation),
    "PCIE_LINK_WIDTH": ("PCIe lanes of the link.", False, lambda _, s: s.pcie_width),
    "GPU_UTIL": ("GPU utilization (in %).", False, lambda gpu, _: gpu.utilization_percent),
    "MEM_COPY_UTIL": ("Memory utilization (in %).", False, lambda _, s: s.memory_utilization_percent),
    "ENC_UTIL": ("Encoder utilization (in %).", False, lambda _, s: s.encoder_utilization_percent),
    "DEC_UTIL": ("Decoder utilization (in %).", False, lambda _, s: s.decoder_utilization_percent),
    "PSTATE": ("Performance state.", False, lambda _, s: s.performance_state),
    "FAN_SPEED": ("Fan speed (in %).", False, lambda gpu, _: gpu.fan_percent),
    "FB_TOTAL": ("Framebuffer memory (in MiB).", False, lambda gpu, _: _over(gpu.memory_total_bytes, _MIB)),
    "FB_FREE": (
        "Framebuffer memory free (in MiB).",
        False,
        lambda gpu, _: _over(gpu.memory_free_bytes, _MIB),
    ),
    "FB_USED": (
        "Framebuffer memory used (in MiB).",
        False,
        lambda gpu, _: _over(gpu.memory_used_bytes, _MIB),
    ),
    "FB_RESERVED": (
        "Framebuffer memory reserved (in MiB).",
        False,
        lambda gpu, _: _over(_reserved(gpu), _MIB),
    ),
    "ECC_SBE_VOL_TOTAL": (
        "Total number of single-bit volatile ECC errors.",
        True,
        lambda _, s: s.ecc_corrected_volatile,
    ),
    "ECC_DBE_VOL_TOTAL": (
        "Total number of double-bit volatile ECC errors.",
        True,
        lambda _, s: s.ecc_uncorrected_volatile,
    ),
    "ECC_SBE_AGG_TOTAL": (
        "Total number of single-bit persistent ECC errors.",
        True,
        lambda _, s: s.ecc_corrected_aggregate,
    ),
    "ECC_DBE_AGG_TOTAL": (
        "Total number of double-bit persistent ECC errors.",
        True,
        lambda _, s: s.ecc_uncorrected_aggregate,
    ),
    "RETIRED_SBE": (
        "Total number of retired pages due to single-bit errors.",
        True,
        lambda _, s: s.retired_pages_single_bit,
    ),
    "RETIRED_DBE": (
        "Total number of retired pages due to double-bit errors.",
        True,
        lambda _, s: s.retired_pages_double_bit,
    ),
    "RETIRED_PENDING": ("Pages pending retirement.", False, lambda _, s: s.retired_pages_pending),
    "UNCORRECTABLE_REMAPPED_ROWS": (
        "Number of remapped rows for uncorrectable errors",
        True,
        lambda _, s: s.remapped_rows_uncorrectable,
    ),
    "CORRECTABLE_REMAPPED_ROWS": (
        "Number of remapped rows for correctable errors",
        True,
        lambda _, s: s.remapped_rows_correctable,
    ),
    "ROW_REMAP_FAILURE": (
        "Whether remapping of rows has failed",
        False,
        lambda _, s: s.remapped_rows_failure,
    ),
    "ROW_REMAP_PENDING": ("Whether rows wait to be remapped", False, lambda _, s: s.remapped_rows_pending),
    "NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL": (
        "Total number of NVLink flow-control CRC errors.",
        True,
        lambda _, s: _sum(s, "crc_flit_errors"),
    ),
    "NVLINK_CRC_DATA_ERROR_COUNT_TOTAL": (
        "Total number of NVLink data CRC errors.",
        True,
        lambda _, s: _sum(s, "crc_data_errors"),
    ),
    "NVLINK_REPLAY_ERROR_COUNT_TOTAL": (
        "Total number of NVLink retries.",
        True,
        lambda _, s: _sum(s, "replay_errors"),
    ),
    "NVLINK_RECOVERY_ERROR_COUNT_TOTAL": (
        "Total number of NVLink recovery errors.",
        True,
        lambda _, s: _sum(s, "recovery_errors"),
    ),
}
_BY_INSTANCE: dict[str, Callable[[MigDevice], float | None]] = {
    "FB_TOTAL": lambda one: one.memory_total_bytes,
    "FB_USED": lambda one: one.memory_used_bytes,
    "FB_FREE": lambda _: None,
    "FB_RESERVED": lambda _: None,
}


def dcgm_metrics(sample: Sample) -> Iterator[Metric]:
    """A family for each name that any card has a value for."""
    cards = [(gpu, gpu.sensors or _NONE, _labels(sample, gpu)) for gpu in sample.reading.gpus]
    for name, (help_text, counts, read) in _TABLE.items():
        full = f"DCGM_FI_DEV_{name}"
        family = Metric(full, help_text, "unknown" if counts else "gauge")
        for gpu, sensors, labels in cards:
            if gpu.mig_devices and name in _BY_INSTANCE:
                _add_instances(family, gpu, labels, _BY_INSTANCE[name])
                continue
            value = read(gpu, sensors)
            if value is not None:
                family.add_sample(full, labels, value)
        if family.samples:
            yield family


def _add_instances(
    family: Metric, gpu: Gpu, labels: dict[str, str], read: Callable[[MigDevice], float | None]
) -> None:
    for one in gpu.mig_devices:
        size = read(one)
        if size is not None:
            profile = label((one.name or "").removeprefix("MIG "))
            own = {"GPU_I_PROFILE": profile, "GPU_I_ID": label(one.gpu_instance_id)}
            family.add_sample(family.name, labels | own, size / _MIB)


def _labels(sample: Sample, gpu: Gpu) -> dict[str, str]:
    minor = gpu.sensors.minor_number if gpu.sensors else None
    labels = {
        "gpu": str(gpu.index),
        "UUID": gpu.uuid if gpu.named else "",
        "pci_bus_id": label(gpu.pci_bus_id),
        "device": f"nvidia{gpu.index if minor is None else minor}",
        "modelName": label(gpu.name),
        "Hostname": label(sample.node),
        "DCGM_FI_DRIVER_VERSION": label(sample.reading.driver_version),
    }
    owner = sole_owner(gpu, sample.owners)
    if owner is None:
        return labels
    namespace, _, pod = (owner.pod or "").rpartition("/")
    whose = {
        "user": owner.user,
        "container": owner.container,
        "namespace": namespace,
        "pod": pod,
        "job": owner.job,
    }
    return labels | {name: label(value) for name, value in whose.items() if value}
