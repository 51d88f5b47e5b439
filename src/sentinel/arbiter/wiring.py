"""Which driver stands behind which port: the one place of the arbiter that names them."""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from sentinel.arbiter.config import Config, ServiceConfig
from sentinel.arbiter.daemon import Ports
from sentinel.arbiter.page import start_page
from sentinel.arbiter.placeholder import start_placeholder
from sentinel.core.errors import UsageError
from sentinel.core.service import Rung, Up
from sentinel.drivers.gpus.opening import open_source
from sentinel.drivers.gpus.simulated import Holding
from sentinel.drivers.processes.procfs import ProcFs
from sentinel.drivers.services.laddered import LadderedService
from sentinel.drivers.services.process import ProcessService
from sentinel.drivers.services.systemd import SystemdService
from sentinel.drivers.wakeups.inotify import watch_device_nodes
from sentinel.drivers.wakeups.netlink import listen_to_processes
from sentinel.ports.gpus import GpuSource
from sentinel.ports.services import ServiceDriver
from sentinel.ports.wakeups import Unavailable, Wakeups

Drivers = Callable[[], Mapping[str, ServiceDriver]]


def real_ports() -> Ports:
    """The machine itself."""
    return Ports(
        processes=ProcFs(),
        open_gpus=open_gpus,
        make_service=make_service,
        start_page=start_page,
        start_placeholder=placeholder,
        watch_gpus=watch_gpus,
    )


def watch_gpus(config: Config) -> Sequence[Wakeups | Unavailable]:
    """What tells us sooner than the next poll that somebody is about to use a GPU."""
    if not config.wake:
        return (Unavailable(source="watchdog", why="switched off by [watchdog] wake = false"),)
    return (watch_device_nodes(config.device_folder), listen_to_processes())


def open_gpus(config: Config, drivers: Drivers) -> GpuSource:
    """The source that the config names. Simulated cards hold what the services say they would."""
    if not config.gpus.startswith("simulated"):
        return open_source(config.gpus)
    memory = {s.settings.name: (s.settings.gpus, s.simulated_memory) for s in config.services}

    def holders() -> Iterator[Holding]:
        for name, driver in drivers().items():
            gpus, size = memory.get(name, ((), 0))
            sight = driver.look()
            if size and isinstance(sight, Up) and sight.pids:
                indices = tuple(int(g) for g in gpus if g.isdigit())
                yield Holding(pid=min(sight.pids), gpus=indices or (0,), memory_bytes=size)

    return open_source(config.gpus, holders=holders)


def make_service(service: ServiceConfig, config: Config) -> ServiceDriver:
    """The driver of one `[[service]]`. UsageError when it cannot be run as configured."""
    table: dict[str, Callable[[ServiceConfig, Config], ServiceDriver]] = {
        "systemd": _systemd,
        "process": _process,
    }
    if service.driver not in table:
        raise UsageError(f"service {service.settings.name}: there is no driver {service.driver!r}")
    base = table[service.driver](service, config)
    if service.settings.ladder == (Rung.STOP,):
        return base
    return LadderedService(
        base,
        name=service.settings.name,
        api=service.api,
        url=service.url,
        drain_seconds=service.drain,
        sleep_level=service.sleep_level,
        checkpoint_path=service.cuda_checkpoint if Rung.SUSPEND in service.settings.ladder else None,
        start_timeout=service.start_timeout,
    )


def placeholder(service: ServiceConfig, config: Config, socket_path: str) -> Callable[[], None]:
    """Has somebody answer at the service's address while it is stopped."""
    listen, name = service.placeholder or "", service.settings.name
    return start_placeholder(listen, service.api, name, socket_path, config.web.user)


def _systemd(service: ServiceConfig, _config: Config) -> ServiceDriver:
    return SystemdService(
        name=service.settings.name,
        unit=service.unit,
        stop_timeout=service.stop_timeout,
        start_timeout=service.start_timeout,
    )


def _process(service: ServiceConfig, config: Config) -> ServiceDriver:
    state = Path(config.state_file).absolute()
    return ProcessService(
        name=service.settings.name,
        command=service.command,
        instance=f"{os.getuid()}-{hashlib.sha256(str(state).encode()).hexdigest()[:12]}",
        run_dir=state.parent,
        user=service.user,
        cwd=service.cwd,
        env=service.env,
        stop_timeout=service.stop_timeout,
        start_timeout=service.start_timeout,
        log_path=Path(service.log) if service.log else None,
    )
