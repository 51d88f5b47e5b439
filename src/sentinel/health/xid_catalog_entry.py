"""What the catalogue says about one Xid code: its meaning, where the cause lies, and what to do about it.

The tables (`xid_catalog_single`, `xid_catalog_families`) are written in these; `xid` reads them. The facts
are NVIDIA's (its Xid catalogue names a resolution for each code), the words are ours.
"""

from dataclasses import dataclass
from enum import Enum

from sentinel.core.finding import Layer, Severity


class Action(Enum):
    """What the catalogue has one do first: how grave that is, whether only a reset helps, the next step."""

    NOTHING = (Severity.INFO, False, "Nothing needs doing; note it if other faults come with it.")
    SEE_OTHERS = (
        Severity.INFO,
        False,
        "Look at the other faults of this GPU at the same time: this one only follows from them.",
    )
    RESTART_APP = (
        Severity.WARNING,
        False,
        "Start the program again. If it fails the same way, check the program (compute-sanitizer); if other "
        "programs fail on this GPU and not on others, check the GPU.",
    )
    CHECK_APP = (
        Severity.WARNING,
        False,
        "Look for the bug in the program with compute-sanitizer or cuda-gdb. The GPU itself is usable.",
    )
    WATCH = (
        Severity.WARNING,
        False,
        "The GPU goes on working. Watch for repeats; if it comes again, take nvidia-bug-report.sh and "
        "ask the vendor.",
    )
    ASK_SUPPORT = (
        Severity.WARNING,
        False,
        "Take nvidia-bug-report.sh and ask the vendor; present drivers document no own remedy.",
    )
    UPDATE = (
        Severity.WARNING,
        False,
        "Bring host driver, guest driver and GPU firmware to versions that belong together.",
    )
    REMAP = (
        Severity.INFO,
        False,
        "Let the work finish, then reset the GPU (nvidia-smi -r) or reboot so that the replacement takes "
        "effect; see nvidia-smi -q -d ROW_REMAPPER,PAGE_RETIREMENT.",
    )
    RESET = (
        Severity.CRITICAL,
        True,
        "Stop what runs on the GPU and reset it (nvidia-smi -r -i GPU); reboot if that fails. If it comes "
        "back after that, take nvidia-bug-report.sh and have the GPU checked.",
    )
    RESTART_VM = (
        Severity.CRITICAL,
        True,
        "Restart the virtual machine (or the host, if there is none); ask the vendor if it comes back.",
    )
    REBOOT = (
        Severity.CRITICAL,
        True,
        "Reboot the node, with a power cycle if that is not enough. Then check seat, power cables, cooling "
        "and the PCIe slot; if it comes back, have the GPU replaced.",
    )
    POWER_CABLE = (
        Severity.CRITICAL,
        True,
        "Switch the node off and plug in every auxiliary power cable of the GPU.",
    )
    LINK = (
        Severity.CRITICAL,
        True,
        "Stop what uses NVLink and reset the GPU together with its peers; see nvidia-smi nvlink -e. If it "
        "comes back, have link, bridge or baseboard checked.",
    )
    RECOVERY = (
        Severity.WARNING,
        False,
        "Ask the driver what it needs: nvidia-smi -q, line GPU Recovery Action.",
    )
    DECODE = (
        Severity.WARNING,
        False,
        "Look for the kernel log's line of this fault: its fields say whether a reset is needed.",
    )

    def __init__(self, severity: Severity, needs_reset: bool, next_step: str) -> None:
        self.severity = severity
        self.needs_reset = needs_reset
        self.next_step = next_step


@dataclass(frozen=True, slots=True)
class Entry:
    """One code. `title`: a few words; `cause`: a sentence."""

    layer: Layer
    action: Action
    title: str
    cause: str

    @property
    def quarantine(self) -> bool:
        """Whether one occurrence takes the GPU out of scheduling.

        The rule: the catalogue's remedy is a reset, a reboot or hands on the hardware, and the cause does
        not lie in an application. Such a GPU fails its next user too; any other does not for this alone.
        """
        return self.action.needs_reset and self.layer in (Layer.HARDWARE, Layer.DRIVER)
