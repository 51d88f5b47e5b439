from hypothesis import given
from hypothesis import strategies as st

from sentinel.core.gpu import ProcessKind
from sentinel.drivers.gpus.smi_csv import APP_FIELDS, GPU_FIELDS, parse_compute_apps, parse_gpus

MIB = 2**20
ROW = (
    "{index}, GPU-{index}, NVIDIA Example, 00000000:0{index}:00.0, 24576, 100, 24000, 7, 41, 66.92, 250.00, "
    "300.00, 30, Disabled, 550.54.15, {count}"
)


def row(index: int, count: int = 2) -> str:
    return ROW.format(index=index, count=count)


def test_the_arbiters_query() -> None:
    table = parse_gpus(f"{row(0)}\n{row(1)}\n", GPU_FIELDS)
    assert [gpu.index for gpu in table.gpus] == [0, 1]
    assert (table.count, table.driver_version) == (2, "550.54.15")
    gpu = table.gpus[1]
    assert (gpu.uuid, gpu.name, gpu.pci_bus_id) == ("GPU-1", "NVIDIA Example", "00000000:01:00.0")
    assert (gpu.memory_total_bytes, gpu.memory_used_bytes) == (24576 * MIB, 100 * MIB)
    assert (gpu.utilization_percent, gpu.temperature_celsius, gpu.fan_percent) == (7, 41, 30)
    assert (gpu.power_watts, gpu.power_limit_watts) == (66.92, 250)
    assert (gpu.mig_enabled, gpu.error, gpu.processes) == (False, None, None)


def test_a_header_with_units_names_the_columns() -> None:
    said = (
        "index, gpu_name, memory.used [MiB], utilization.gpu [%], power.limit [W], gpu_uuid\r\n"
        "3, Some Card, 575 MiB, 38 %, 250.00 W, GPU-x\r\n"
    )
    (gpu,) = parse_gpus(said).gpus
    assert (gpu.index, gpu.name, gpu.uuid) == (3, "Some Card", "GPU-x")
    assert (gpu.memory_used_bytes, gpu.utilization_percent, gpu.power_limit_watts) == (575 * MIB, 38, 250)
    assert gpu.memory_total_bytes is None


def test_warnings_around_the_table_are_no_rows() -> None:
    said = (
        "WARNING: infoROM is corrupted at gpu 0000:02:00.0\n"
        f"{row(0, 1)}\n"
        "WARNING: infoROM is corrupted at gpu 0000:02:00.0\n\n"
    )
    assert len(parse_gpus(said, GPU_FIELDS).gpus) == 1


def test_a_card_that_needs_a_reset_is_sick_and_still_listed() -> None:
    said = (
        "index, temperature.gpu, utilization.gpu [%], memory.used [MiB]\n"
        "0, [GPU requires reset], [GPU requires reset], 0 MiB\n"
    )
    (gpu,) = parse_gpus(said).gpus
    assert gpu.error == "GPU requires reset"
    assert (gpu.temperature_celsius, gpu.utilization_percent) == (None, None)
    assert not gpu.named


def test_lost_cards_are_told_from_the_sentence_about_them() -> None:
    for sentence, index, address in [
        ("GPU3: 0000:5F:00.0: Unknown Error", 3, "00000000:5F:00.0"),
        ("GPU2: Unknown Error", 2, None),
        ("GPU0000:25:00.0: Unknown Error", None, "00000000:25:00.0"),
        ("GPU 0000:02:00.0: GPU is lost.  Reboot the system to recover this GPU", None, "00000000:02:00.0"),
        ("GPU 0000:01:00.0: Not Found", None, "00000000:01:00.0"),
    ]:
        said = f"Unable to determine the device handle for {sentence}\n{row(0)}\n"
        table = parse_gpus(said, GPU_FIELDS)
        (silent,) = table.silent
        assert (silent.index, silent.pci_bus_id) == (index, address), sentence
        assert silent.why.startswith(("Unknown Error", "GPU is lost", "Not Found"))
        assert len(table.gpus) == 1


def test_apps() -> None:
    said = "GPU-0, 21180, 2296, /root/tools/memhog\nGPU-1, 7, [N/A], a, b, c\nGPU-1, 8, 1 MiB, [Not Found]\n"
    apps = parse_compute_apps(said, APP_FIELDS)
    (one,) = apps.on("GPU-0") or ()
    assert (one.pid, one.kind, one.memory_bytes) == (21180, ProcessKind.COMPUTE, 2296 * MIB)
    odd, nameless = apps.on("GPU-1") or ()
    assert (odd.pid, odd.name, odd.memory_bytes) == (7, "a, b, c", None)
    assert (nameless.name, nameless.memory_bytes) == (None, MIB)
    assert apps.on("GPU-2") == ()


def test_no_processes_and_no_list_are_different_things() -> None:
    for nothing in ("", "\r\n", "No running processes found\n", "No running compute processes found\n"):
        assert parse_compute_apps(nothing, APP_FIELDS).on("GPU-0") == ()
    for refusal in ("[Not Supported]\n", "[N/A]\n", "[N/A], [N/A], [N/A], [N/A]\n"):
        assert parse_compute_apps(refusal, APP_FIELDS).on("GPU-0") is None


def test_a_process_without_a_pid_makes_that_gpus_list_unknown() -> None:
    apps = parse_compute_apps("GPU-0, [N/A], 12, x\nGPU-0, 9, 12, y\nGPU-1, 5, 1, z\n", APP_FIELDS)
    assert apps.on("GPU-0") is None
    assert [one.pid for one in apps.on("GPU-1") or ()] == [5]


def test_a_process_named_over_several_lines_adds_no_columns() -> None:
    apps = parse_compute_apps("GPU-0, 9, 12, evil\x0bGPU-0, 10, 1, forged\u2028x\n", APP_FIELDS)
    assert [one.pid for one in apps.on("GPU-0") or ()] == [9]


PIECES = st.lists(
    st.sampled_from(
        [
            *", \n\r[]|",
            "GPU-0",
            "0",
            "N/A",
            "MiB",
            "index",
            "uuid",
            "name",
            "pid",
            "gpu_uuid",
            "Unable to determine the device handle for GPU",
            "0000:01:00.0: ",
            "1e99",
        ]
    )
    | st.text(max_size=5)
).map("".join)


@given(PIECES)
def test_garbage_is_read_as_nothing_worse_than_unknown(said: str) -> None:
    for fields in (None, GPU_FIELDS, ("index", "name")):
        parse_gpus(said, fields)
    for fields in (None, APP_FIELDS):
        parse_compute_apps(said, fields).on("GPU-0")
