"""The driver as a whole: an upgrade half done, not loaded, no card. Listed in `components` as "driver".

All it has is the sentence with which the GPUs could not be read. Such a finding is the node's: no card can be
named, and what cannot be read is not given out anyway, so it quarantines nothing.
"""

from sentinel.core.finding import Bad, Layer, Ok, Proof, Severity, Unsure, Verdict
from sentinel.health.condition import Condition
from sentinel.health.view import HealthView

MISMATCH = Condition(
    component="driver",
    code="driver.mismatch",
    severity=Severity.CRITICAL,
    layer=Layer.DRIVER,
    title="Driver and library differ in version",
    about="The NVIDIA driver was upgraded, but the old kernel module is still loaded: no new GPU work can "
    "start.",
    next_step="Drain this node and reboot it; or stop everything on the GPUs and reload the modules "
    "(systemctl stop nvidia-persistenced; rmmod nvidia_uvm nvidia_drm nvidia_modeset nvidia; modprobe "
    "nvidia).",
)
NOT_LOADED = Condition(
    component="driver",
    code="driver.not-loaded",
    severity=Severity.CRITICAL,
    layer=Layer.DRIVER,
    title="The NVIDIA driver is not loaded",
    about="The NVIDIA kernel module is not loaded, or does not answer.",
    next_step="modprobe nvidia, and dmesg | grep -i nvrm if that fails. After a kernel upgrade the module "
    "has to be "
    "built anew (dkms status).",
)
NO_GPU = Condition(
    component="driver",
    code="driver.no-gpu",
    severity=Severity.CRITICAL,
    layer=Layer.HARDWARE,
    title="The driver finds no GPU",
    about="The NVIDIA driver is loaded and finds no card that it can use.",
    next_step="See lspci | grep -i nvidia (is the card there?) and dmesg | grep -i nvrm (why is it not "
    "taken?).",
)
NO_ACCESS = Condition(
    component="driver",
    code="driver.no-access",
    severity=Severity.WARNING,
    layer=Layer.NODE,
    title="The NVIDIA devices cannot be opened",
    about="The devices are there but this process may not, or can no longer, open them.",
    next_step="See ls -l /dev/nvidia*. In a container that lost its devices (after systemctl "
    "daemon-reload, say), "
    "restart the container.",
)
CONDITIONS = (MISMATCH, NOT_LOADED, NO_GPU, NO_ACCESS)

# What NVML and nvidia-smi say, in lower case → what it is. The first that fits is told.
_SENTENCES = (
    ("version mismatch", MISMATCH),
    ("driver not loaded", NOT_LOADED),
    ("kernel module is not loaded", NOT_LOADED),
    ("cannot reach the nvidia driver", NOT_LOADED),
    ("couldn't communicate with the nvidia driver", NOT_LOADED),
    ("finds no gpu", NO_GPU),
    ("no devices were found", NO_GPU),
    ("insufficient permissions", NO_ACCESS),
    ("cannot open the nvidia devices", NO_ACCESS),
    ("unknown error", NO_ACCESS),
)


def check(view: HealthView) -> Verdict:
    """Unsure where nothing was read, or it failed in a way that says nothing of the driver."""
    if not isinstance(view.reading, str):
        return Unsure("the GPUs were not read") if view.reading is None else Ok()
    said = view.reading.lower()
    for words, condition in _SENTENCES:
        if words in said:
            proof = Proof(read=view.reading[:500], where="reading the GPUs", at=view.now)
            return Bad((condition.found(None, condition.about, (proof,)),))
    return Unsure(view.unread)
