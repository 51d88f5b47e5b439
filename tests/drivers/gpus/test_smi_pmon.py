from hypothesis import given
from hypothesis import strategies as st

from sentinel.core.gpu import Gpu, GpuProcess, ProcessKind
from sentinel.drivers.gpus.smi_listing import parse_listing
from sentinel.drivers.gpus.smi_pmon import parse_pmon, with_utilization

NEW = """\
# gpu         pid   type     sm    mem    enc    dec    jpg    ofa    command
# Idx           #    C/G      %      %      %      %      %      %    name
    0      26660   C+G      3      1     49      -      -      -    Some Tool.exe
    1          -     -      -      -      -      -      -      -    -
    2         77     G      -      -      -      -      -      -    Xorg
"""
OLD = """\
#Date       Time        gpu        pid  type    sm   mem   enc   dec    fb   command\r
#YYYYMMDD   HH:MM:SS    Idx          #   C/G     %     %     %     %    MB   name\r
 20240131   10:00:00      0       1234   M+C    50    20     0     0   512   a b\r
"""


def test_todays_columns() -> None:
    first, second = parse_pmon(NEW)
    assert (first.gpu_index, first.pid, first.kind) == (0, 26660, ProcessKind.BOTH)
    assert (first.sm_percent, first.memory_percent, first.encoder_percent) == (3, 1, 49)
    assert (first.decoder_percent, first.memory_bytes, first.command) == (None, None, "Some Tool.exe")
    assert (second.gpu_index, second.kind, second.sm_percent) == (2, ProcessKind.GRAPHICS, None)


def test_other_columns() -> None:
    (row,) = parse_pmon(OLD)
    assert (row.pid, row.kind, row.memory_bytes, row.command) == (1234, ProcessKind.MPS, 512 * 2**20, "a b")


def test_the_last_sample_counts() -> None:
    rows = parse_pmon(NEW + NEW.replace(" 3      1", " 9      1"))
    listed = (GpuProcess(pid=26660, kind=ProcessKind.BOTH), GpuProcess(pid=1, kind=ProcessKind.COMPUTE))
    gpu, unread = with_utilization(
        [Gpu(index=0, uuid="a", processes=listed), Gpu(index=1, uuid="b", processes=None)], rows
    )
    assert [one.utilization_percent for one in gpu.processes or ()] == [9, None]
    assert unread.processes is None


def test_the_listing_names_mig_devices() -> None:
    said = (
        "GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-1)\n"
        "  MIG 3g.40gb     Device  0: (UUID: MIG-1)\r\n"
        "  MIG 1g.10gb+me  Device 12: (UUID: MIG-GPU-1/3/0)\n"
        "GPU 1: Odd (UUID: x) Name (UUID: GPU-2)\n"
    )
    names = parse_listing(said)
    assert {key: (one.name, one.uuid) for key, one in names.items()} == {
        (0, 0): ("MIG 3g.40gb", "MIG-1"),
        (0, 12): ("MIG 1g.10gb+me", "MIG-GPU-1/3/0"),
    }


@given(st.text() | st.lists(st.sampled_from(["# gpu pid", "\n", " 0", " 1", " C", " -", " x"])).map("".join))
def test_garbage(said: str) -> None:
    parse_pmon(said)
    parse_listing(said)
