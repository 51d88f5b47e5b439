"""The one place where the commands that work without a server meet the drivers.

Called by the commands in this folder.
"""

from pathlib import Path

from sentinel.core.errors import UsageError
from sentinel.drivers.gpus.opening import SPECS, open_source
from sentinel.drivers.kernel_log.kmsg import open_kmsg
from sentinel.drivers.kernel_log.log_file import open_log_file
from sentinel.drivers.node.pressure import PressureReader
from sentinel.drivers.processes.facts import ProcessFactsReader
from sentinel.health.kernel_log import TELLING
from sentinel.ports.gpus import GpuSource
from sentinel.ports.kernel_log import KernelLog, Unavailable
from sentinel.ports.node_pressure import NodePressureSource
from sentinel.ports.process_facts import ProcessFactsSource

GPU_SOURCES = (*SPECS, "smi-xml:FILE")


def gpu_source(spec: str) -> GpuSource:
    """The source of GPUs that `spec` names, asking for everything that it knows.

    Raises UsageError for a spec that is none, GpuReadError when that source cannot work here.
    """
    kind, _, argument = spec.partition(":")
    if kind == "smi-xml":
        from sentinel.drivers.gpus.smi_file import SmiXmlFile

        if not argument:
            raise UsageError("smi-xml needs a file: --source smi-xml:FILE")
        return SmiXmlFile(Path(argument))
    try:
        return open_source(spec, full=True)
    except UsageError as error:
        known = ", ".join(SPECS)
        raise UsageError(error.message.replace(known, ", ".join(GPU_SOURCES))) from error


def process_facts() -> ProcessFactsSource:
    """What /proc tells of processes."""
    return ProcessFactsReader()


def kernel_log(path: str | None) -> KernelLog | Unavailable:
    """The lines about GPUs in a saved log, or in this machine's own."""
    if path is None:
        return open_kmsg(wanted=TELLING)
    return open_log_file(path, wanted=TELLING)


def node_pressure(folder: Path | None) -> NodePressureSource:
    """Disk, memory and stuck processes; of disks, those of `folder` and of temporary files."""
    return PressureReader([*(() if folder is None else (folder,)), Path("/tmp"), Path("/")])  # noqa: S108
