"""The one place where the agent and the scan meet the drivers. Called by `__main__`."""

import os
import platform
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sentinel.agent.config import AgentConfig
from sentinel.agent.gpus import LazyGpus, absent_or_unknown
from sentinel.agent.inference import Inference
from sentinel.agent.inference_config import InferenceConfig
from sentinel.core.clock import boot_id
from sentinel.core.errors import GpuReadError, UsageError
from sentinel.core.gpu import Gpu, GpuReading
from sentinel.drivers.containers.containerd import Containerd, ContainerdContainers
from sentinel.drivers.containers.docker import DockerEngine
from sentinel.drivers.gpus.nvml_events import XidEvents
from sentinel.drivers.gpus.opening import open_source
from sentinel.drivers.gpus.presence import anything_of_nvidia
from sentinel.drivers.gpus.topology import open_topology
from sentinel.drivers.kernel_log.kmsg import PATH as KMSG
from sentinel.drivers.kernel_log.kmsg import open_kmsg
from sentinel.drivers.kernel_log.log_file import open_log_file
from sentinel.drivers.metrics_sources.http_source import HttpSource
from sentinel.drivers.metrics_sources.listening import Listening
from sentinel.drivers.node.pressure import PressureReader
from sentinel.drivers.pods.kubelet import Kubelet
from sentinel.drivers.processes.facts import ProcessFactsReader
from sentinel.drivers.wakeups.inotify import watch_device_nodes
from sentinel.drivers.wakeups.netlink import listen_to_processes
from sentinel.health.kernel_log import TELLING
from sentinel.inventory.config import InventoryConfig
from sentinel.inventory.engines import EngineView
from sentinel.inventory.eventlog import EventLog
from sentinel.inventory.keeper import Keeper
from sentinel.inventory.leases import ask_arbiter
from sentinel.inventory.marking import Labels
from sentinel.inventory.observation import Settings
from sentinel.inventory.pods import pods_of
from sentinel.inventory.scan import Scanner
from sentinel.ports.gpu_events import XidSource
from sentinel.ports.gpu_topology import GpuPlace
from sentinel.ports.gpus import GpuSource
from sentinel.ports.kernel_log import KernelLog
from sentinel.ports.kernel_log import Unavailable as NoLog
from sentinel.ports.node_pressure import NodePressureSource
from sentinel.ports.process_facts import ProcessFactsSource
from sentinel.ports.wakeups import Unavailable, Wakeups

if TYPE_CHECKING:
    from sentinel.agent.link.joining import Keys
    from sentinel.ports.processes import ProcessTable

_FIRST_NAMESPACE = 0xEFFFFFFC
"""Inode of the pid namespace that a machine begins with (PROC_PID_INIT_INO)."""


def keeper(
    config: AgentConfig,
    said: Callable[[str], None],
    engines: Mapping[str, EngineView | None] | None = None,
) -> Keeper:
    """A keeper that reads the GPUs itself: for one scan. `said` hears what is amiss with the old inventory;
    `engines` are those of `engine_views`, unless given."""
    inventory = config.inventory
    read = None if inventory.gpus is None else gpu_source(inventory, full=True).read
    return _keeper(inventory, read, engines or engine_views(inventory), said)


def live_keeper(
    config: InventoryConfig,
    gpus: Callable[[], GpuReading],
    views: Mapping[str, EngineView | None],
    said: Callable[[str], None],
) -> Keeper:
    """A keeper that looks at the GPUs through `gpus`, which somebody else reads: for the agent."""
    return _keeper(config, None if config.gpus is None else gpus, views, said)


def gpu_source(config: InventoryConfig, *, full: bool, pcie_throughput: bool = False) -> GpuSource:
    """The GPUs, opened when they are first read; `full` with every sensor."""
    spec = config.gpus or "auto"
    return LazyGpus(lambda: open_source(spec, full=full, pcie_throughput=pcie_throughput))


def gpu_places(config: InventoryConfig, gpus: Sequence[Gpu]) -> Mapping[str, GpuPlace]:
    """Where these GPUs are. May block; raises SentinelError."""
    return open_topology(config.gpus or "auto").places(gpus)


def process_facts() -> ProcessFactsSource:
    """What /proc tells."""
    return ProcessFactsReader()


def kernel_log(path: str) -> KernelLog | NoLog:
    """The kernel's log, from its oldest record; of a file, what others write into it."""
    if path == KMSG:
        return open_kmsg(wanted=TELLING)
    return open_log_file(path, wanted=TELLING, follow=True)


def inference(config: InferenceConfig, said: Callable[[str], None]) -> Inference:
    """Who asks inference servers for their metrics."""
    return Inference(
        config,
        open_source=lambda one: HttpSource(one.url, token_file=one.token_file, ca_file=one.ca_file),
        open_port=lambda port: HttpSource(f"http://127.0.0.1:{port}"),
        listeners=Listening(),
        said=said,
    )


def node_pressure(folder: Path) -> NodePressureSource:
    """Disks, memory and stuck processes of this node."""
    return PressureReader([folder, Path("/tmp"), Path("/")])  # noqa: S108


def xid_source() -> XidSource | None:
    """Who tells of Xids as they happen; None where nvidia-ml-py is missing."""
    try:
        return XidEvents()
    except GpuReadError:
        return None


def wakeups() -> tuple[Wakeups | Unavailable, ...]:
    """What the kernel can tell of GPUs being opened and of programs being started."""
    return (watch_device_nodes(), listen_to_processes())


def engine_views(config: InventoryConfig) -> dict[str, EngineView | None]:
    """Each engine by name; None where it is switched off. One reader of /proc for all."""
    processes, seconds = ProcessFactsReader(), config.scan_timeout
    found: dict[str, EngineView | None] = dict.fromkeys(("docker", "podman", "containerd"))
    for name, host in (("docker", config.docker), ("podman", config.podman)):
        if host is not None:
            found[name] = EngineView(DockerEngine(name=name, host=host, timeout=seconds), processes)
    if config.containerd is not None:
        address = next(iter(_containerds(config)), config.containerd[0])
        found["containerd"] = EngineView(ContainerdContainers(address=address, timeout=seconds), processes)
    return found


def keys() -> "Keys":
    """Makes keys and requests for certificates. Imported when needed: a standalone agent does without.
    UsageError where it cannot be, saying what to do."""
    try:
        from sentinel.drivers.certificates import request
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "cryptography":
            raise
        raise UsageError(
            "a node needs cryptography: pip install --target /opt/sentinel/extra cryptography websockets"
            " (or, in an environment of your own: pip install 'sentinel-gpu[agent]')"
        ) from None
    return request


def process_table() -> "ProcessTable":
    """The kernel's."""
    from sentinel.drivers.processes.procfs import ProcFs

    return ProcFs()


def sees_all_processes() -> bool:
    """Whether every process that a driver lists is in our /proc: no pid namespace, nothing hidden."""
    try:
        namespace = os.stat("/proc/self/ns/pid").st_ino  # noqa: PTH116 - what the link leads to is no path
    except OSError:
        return False
    return namespace == _FIRST_NAMESPACE and Path("/proc/1/stat").exists()


def gpus_absent(config: InventoryConfig) -> bool:
    """This machine has no GPU to read: their list is empty, not unknown."""
    return config.gpus is None or not _gpus_expected(config)


def something_hangs() -> bool:
    """Whether a source that was asked has still not answered: its thread cannot be ended."""
    return any(thread.name.startswith("ask-") for thread in threading.enumerate())


# ------------------------------------------------------------------ parts


def _keeper(
    config: InventoryConfig,
    gpus: Callable[[], GpuReading] | None,
    views: Mapping[str, EngineView | None],
    said: Callable[[str], None],
) -> Keeper:
    kubelet = (
        None if config.kubernetes is None else Kubelet(config.kubernetes, time_limit=config.scan_timeout)
    )
    seconds = config.scan_timeout
    scanner = Scanner(
        node=platform.node(),
        boot_id=boot_id(),
        processes=ProcessFactsReader(),
        gpus=None if gpus is None else lambda: absent_or_unknown(gpus, lambda: _gpus_expected(config)),
        engines=views,
        pods=None if kubelet is None else lambda: pods_of(kubelet.devices()),
        leases=(lambda: ask_arbiter(seconds)) if config.arbiter else None,
        home_roots=config.homes,
        seconds=seconds,
    )
    labellers = [Containerd(address=one, timeout=seconds) for one in _containerds(config)]
    return Keeper(
        scanner,
        config.folder,
        Settings(idle_after=config.idle_after, people=config.people, home_roots=config.homes),
        log=EventLog(folder=config.folder, most_bytes=config.log_size, kept=config.log_files),
        labels=Labels(labellers) if labellers and config.mark else None,
        namespace=config.mark_namespace if config.mark else None,
        started=said,
    )


def _gpus_expected(config: InventoryConfig) -> bool:
    """Whether a silent source means that something is amiss. Whoever named one has such GPUs."""
    return config.gpus != "auto" or anything_of_nvidia()


def _containerds(config: InventoryConfig) -> list[str]:
    return [path for path in config.containerd or () if Path(path).exists()]
