"""Whether this machine has anything of NVIDIA's at all. Called by the agent's wiring.

Where it has, GPUs that cannot be read are unknown; where it has not, there are none.
"""

from pathlib import Path

_TRACES = ("proc/driver/nvidia", "sys/module/nvidia", "dev/nvidiactl", "dev/dxg", "sys/module/nvgpu")
_NVIDIA = "0x10de"
_DISPLAY = "0x03"  # the class of VGA and 3D controllers


def anything_of_nvidia(root: Path = Path("/")) -> bool:
    """A driver, a device node or a card on the PCI bus; True too where the bus cannot be looked at."""
    if any((root / trace).exists() for trace in _TRACES):
        return True
    try:
        cards = list((root / "sys/bus/pci/devices").iterdir())
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return any(_line(card / "vendor") == _NVIDIA and _line(card / "class")[:4] == _DISPLAY for card in cards)


def _line(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
