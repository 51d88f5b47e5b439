"""Whether there is anything of NVIDIA's on a machine."""

from pathlib import Path

import pytest

from sentinel.drivers.gpus.presence import anything_of_nvidia


def card(root: Path, vendor: str, kind: str) -> None:
    folder = root / "sys/bus/pci/devices/0000:01:00.0"
    folder.mkdir(parents=True)
    (folder / "vendor").write_text(f"{vendor}\n")
    (folder / "class").write_text(f"{kind}\n")


def test_an_empty_machine_has_nothing(tmp_path: Path) -> None:
    assert not anything_of_nvidia(tmp_path)


@pytest.mark.parametrize("trace", ["proc/driver/nvidia", "dev/nvidiactl", "dev/dxg", "sys/module/nvidia"])
def test_a_driver_is_something(tmp_path: Path, trace: str) -> None:
    (tmp_path / trace).mkdir(parents=True)
    assert anything_of_nvidia(tmp_path)


@pytest.mark.parametrize(
    ("vendor", "kind", "there"),
    [
        ("0x10de", "0x030000", True),
        ("0x10de", "0x030200", True),
        ("0x10de", "0x040300", False),  # the sound of a card alone
        ("0x1002", "0x030000", False),
    ],
)
def test_a_card_without_a_driver_is_something(tmp_path: Path, vendor: str, kind: str, there: bool) -> None:
    card(tmp_path, vendor, kind)
    assert anything_of_nvidia(tmp_path) is there
